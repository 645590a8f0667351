/* host/cli/verb_token.c -- API tokens for programs: made, listed, removed. The text is printed once, alone, so that a script can take it.
 */
#include "host/cli/people.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

typedef struct call {
    cli_people p;
    const char *role, *expires, *note;
    cli_list paths;
    pt_slice room[CLI_MAX_LIST];
    const char *argument;
    access_token t;
    pt_error err;
} call;

enum { O_ROLE, O_PATH, O_EXPIRES, O_NOTE, OPTIONS };
#define BIT(o) (1u << (o))

typedef enum what { ADD, LS, RM } what;

static const cli_sub subs[] = {
    { "add", "OWNER", BIT(O_ROLE) | BIT(O_PATH) | BIT(O_EXPIRES) | BIT(O_NOTE), BIT(O_ROLE) | BIT(O_EXPIRES), ADD },
    { "ls", NULL, 0, 0, LS },
    { "rm", "ID", 0, 0, RM },
};

static void member_ms(pt_json *j, const char *key, int64_t ms)
{
    if (ms) pt_json_member_i64(j, key, ms);
    else pt_json_member_null(j, key);
}

static int add(call *w)
{
    char text[ACCESS_TOKEN_TEXT] = "";
    uint64_t id = 0;
    pt_buf out;
    pt_json j;
    w->t.owner = pt_cstr(w->argument);
    w->t.note = w->note ? pt_cstr(w->note) : PT_LIT("");
    w->t.at = cli_patterns(&w->paths, w->room);
    pt_status st = access_token_add(w->p.a, &w->p.by, &w->t, &id, text, &w->err);
    if (st != PT_OK) return cli_people_fail(&w->p, st, &w->err);
    pt_buf_init(&out, 4096);
    pt_json_init(&j, &out);
    if (w->p.c->json) {
        pt_json_object(&j);
        pt_json_member_u64(&j, "id", id);
        pt_json_member_cstr(&j, "token", text);
        member_ms(&j, "expires_ms", w->t.expires_ms);
        pt_json_end_object(&j);
    } else {
        pt_buf_cstr(&out, text);
    }
    pt_buf_char(&out, '\n');
    int rc = cli_put(w->p.c, &out);
    if (rc == PT_EXIT_OK && !w->p.c->json)
        fprintf(stderr, "This is token %" PRIu64 ". It is shown this once and cannot be read again.\n", id);
    if (out.ptr) sodium_memzero(out.ptr, out.len);
    sodium_memzero(text, sizeof text);
    pt_buf_fini(&out);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

typedef struct list {
    cli_table *table;
    pt_json j;
    bool json;
    int64_t now_ms;
} list;

static bool put(void *ctx, const access_token *t)
{
    list *l = ctx;
    if (l->json) {
        pt_json_object(&l->j);
        pt_json_member_u64(&l->j, "id", t->id);
        pt_json_member_str(&l->j, "owner", t->owner);
        pt_json_member_cstr(&l->j, "role", access_role_name(t->role));
        cli_paths_json(&l->j, "paths", t->at.paths, t->at.n_paths);
        pt_json_member_i64(&l->j, "created_ms", t->created_ms);
        member_ms(&l->j, "expires_ms", t->expires_ms);
        member_ms(&l->j, "last_used_ms", t->last_used_ms);
        pt_json_member_str(&l->j, "note", t->note);
        pt_json_end_object(&l->j);
        return true;
    }
    cli_table_i64(l->table, (int64_t)t->id);
    cli_table_cell(l->table, t->owner);
    cli_table_cstr(l->table, access_role_name(t->role));
    cli_paths_cell(l->table, t->at.paths, t->at.n_paths, "(all of the owner's)");
    if (t->expires_ms && t->expires_ms <= l->now_ms) cli_table_cstr(l->table, "expired");
    else if (t->expires_ms) cli_table_time(l->table, t->expires_ms);
    else cli_table_cstr(l->table, "never");
    cli_table_time(l->table, t->last_used_ms);
    cli_table_cell(l->table, t->note);
    return true;
}

static int ls(call *w)
{
    static const char *const heads[] = { "ID", "OWNER", "ROLE", "PATHS", "EXPIRES", "LAST USED", "NOTE" };
    pt_buf out;
    list l = { .json = w->p.c->json, .now_ms = w->p.c->now_ms };
    pt_buf_init(&out, 1u << 26);
    pt_json_init(&l.j, &out);
    l.table = l.json ? NULL : cli_table_new(heads, "rllllll", 7);
    if (!l.json && !l.table) return cli_fail(w->p.c, PT_EXIT_FAILED, "out of memory");
    if (l.json) pt_json_array(&l.j);
    pt_status st = access_tokens_each(w->p.a, put, &l, &w->err);
    int rc = l.table ? cli_table_end(w->p.c, l.table) : PT_EXIT_OK;
    if (st == PT_OK && l.json) {
        pt_json_end_array(&l.j);
        pt_buf_char(&out, '\n');
        rc = cli_put(w->p.c, &out);
    }
    pt_buf_fini(&out);
    if (st != PT_OK) return cli_people_fail(&w->p, st, &w->err);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

static int rm(call *w)
{
    uint64_t id = 0;
    if (!pt_slice_to_u64(pt_cstr(w->argument), &id) || id == 0 || id > INT64_MAX)
        return cli_usage(w->p.c, "rm: '%s' is no token's number (plantree token ls)", w->argument);
    pt_status st = access_token_remove(w->p.a, &w->p.by, id, &w->err);
    if (st != PT_OK) return cli_people_fail(&w->p, st, &w->err);
    if (w->p.c->json) printf("{\"id\":%" PRIu64 "}\n", id);
    else printf("token %" PRIu64 " is gone\n", id);
    return fflush(stdout) ? cli_fail(w->p.c, PT_EXIT_FAILED, "standard output cannot be written") : CLI_GO_ON;
}

/* --role and --expires of add. */
static int read_values(cli *c, call *w)
{
    int64_t lasts = 0;
    if (w->role && !access_role_parse(pt_cstr(w->role), &w->t.role))
        return cli_usage(c, "--role: '%s' is not one of viewer, operator, engineer or admin", w->role);
    if (!w->expires || strcmp(w->expires, "never") == 0) return CLI_GO_ON;
    int rc = cli_duration(c, "--expires", w->expires, 0, &lasts);
    if (rc == CLI_GO_ON && (lasts <= 0 || lasts > INT64_MAX - c->now_ms))
        return cli_usage(c, "--expires: '%s' is no time to come", w->expires);
    w->t.expires_ms = c->now_ms + lasts;
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    call *w = calloc(1, sizeof *w);
    const cli_sub *sub = NULL;
    if (!w) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    const cli_option options[] = { { .name = "--role", .value = &w->role },
                                   { .name = "--path", .list = &w->paths },
                                   { .name = "--expires", .value = &w->expires },
                                   { .name = "--note", .value = &w->note },
                                   { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    const cli_given given[OPTIONS] = {
        { "--role", w->role }, { "--path", w->paths.n }, { "--expires", w->expires }, { "--note", w->note }
    };
    if (rc == CLI_GO_ON) rc = cli_sub_find(c, argc, argv, subs, PT_COUNT_OF(subs), given, OPTIONS, &sub);
    if (rc == CLI_GO_ON) rc = read_values(c, w);
    if (rc == CLI_GO_ON) {
        w->argument = sub->arguments ? argv[2] : "";
        rc = cli_people_open(c, sub->id == LS ? CLI_PEOPLE_READ : CLI_PEOPLE_CHANGE, &w->p);
        if (rc == CLI_GO_ON) rc = sub->id == ADD ? add(w) : sub->id == LS ? ls(w) : rm(w);
        rc = cli_people_close(&w->p, rc);
    }
    free(w);
    return rc;
}

const cli_verb cli_verb_token = {
    "token", "tokens for programs that use the HTTP interface",
    "Usage: plantree token add OWNER --role ROLE --expires AGE|never [--path GLOB]... [--note TEXT] [--data DIR] [--json]\n"
    "       plantree token ls [--data DIR] [--json]\n"
    "       plantree token rm ID [--data DIR] [--json]\n"
    "\n"
    "Works on the data directory (--data, or that of the host on this machine), also while the host runs. The HTTP interface does not ask\n"
    "who calls yet. A token acts in the name of its owner, a user, with at most the role and the paths given here and never more than the owner has at that moment; it ends with the owner.\n"
    "It is printed once and kept as a hash: who loses it makes another. Made and removed tokens are in the audit.\n"
    "\n"
    "  --role ROLE     viewer, operator, engineer or admin\n"
    "  --path GLOB     may be given often, '!' excludes; without: wherever the owner may\n"
    "  --expires AGE   90d, 8h; or never\n"
    "  --note TEXT     what it is for, at most 200 bytes\n"
    "\n"
    "Exit codes: 0 done, 2 wrong call, or no such user or token, 3 the owner has that role nowhere.\n"
    "\n"
    "Examples:\n"
    "  plantree token add anna --role viewer --expires 90d --note grafana > grafana.token\n"
    "  plantree token add anna --role operator --path 'Acme/Line1/**' --expires never --data /var/lib/plantree\n"
    "  plantree token ls\n"
    "  plantree token rm 2\n",
    run
};
