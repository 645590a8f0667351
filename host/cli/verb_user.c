/* host/cli/verb_user.c -- users, what they may do where, groups and tenants. */
#include "host/cli/people.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

typedef struct call {
    cli_people p;
    const char *role, *group, *tenant;
    bool from_stdin, last, remove;
    cli_list paths;
    pt_slice room[CLI_MAX_LIST];
    pt_slice name; /* the argument */
    pt_error err;
} call;

enum { O_ROLE, O_PATH, O_GROUP, O_TENANT, O_STDIN, O_LAST, O_RM, OPTIONS };
#define BIT(o) (1u << (o))

typedef enum what { ADD, LS, RM, PASSWD, DISABLE, ENABLE, GRANT, REVOKE, GRANTS, JOIN, LEAVE, TENANT, TENANTS } what;

static const cli_sub subs[] = {
    { "add", "NAME", BIT(O_ROLE) | BIT(O_PATH) | BIT(O_STDIN), 0, ADD },
    { "ls", NULL, 0, 0, LS },
    { "rm", "NAME", 0, 0, RM },
    { "passwd", "NAME", BIT(O_STDIN), 0, PASSWD },
    { "disable", "NAME", 0, 0, DISABLE },
    { "enable", "NAME", 0, 0, ENABLE },
    { "grant", "NAME", BIT(O_ROLE) | BIT(O_PATH), BIT(O_ROLE), GRANT },
    { "revoke", "ID", 0, 0, REVOKE },
    { "grants", NULL, 0, 0, GRANTS },
    { "join", "NAME", BIT(O_GROUP) | BIT(O_TENANT), 0, JOIN },
    { "leave", "NAME", BIT(O_GROUP) | BIT(O_TENANT) | BIT(O_LAST), 0, LEAVE },
    { "tenant", "NAME", BIT(O_PATH) | BIT(O_RM), 0, TENANT },
    { "tenants", NULL, 0, 0, TENANTS },
};

/* ---- output ----------------------------------------------------------------------------------------------------- */

/* What is done, in a sentence or as an object; CLI_GO_ON. */
static int done(const call *w, const char *sentence, const char *key, uint64_t id)
{
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 1 << 16);
    if (w->p.c->json) {
        pt_json_init(&j, &out);
        pt_json_object(&j);
        if (key) pt_json_member_str(&j, key, w->name);
        if (id) pt_json_member_u64(&j, "id", id);
        pt_json_end_object(&j);
    } else {
        cli_printable(&out, w->name);
        pt_buf_printf(&out, " %s", sentence);
        if (id && key) pt_buf_printf(&out, " (grant %" PRIu64 ")", id);
    }
    pt_buf_char(&out, '\n');
    int rc = cli_put(w->p.c, &out);
    pt_buf_fini(&out);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

/* A list that is written as a table, or as JSON. */
typedef struct list {
    cli_table *table;
    pt_buf out;
    pt_json j;
    bool json;
} list;

static bool list_init(list *l, const cli *c, const char *const *heads, const char *align, size_t columns)
{
    *l = (list){ .json = c->json };
    pt_buf_init(&l->out, 1u << 26);
    pt_json_init(&l->j, &l->out);
    if (l->json) pt_json_array(&l->j);
    else l->table = cli_table_new(heads, align, columns);
    return l->json || l->table;
}

static int list_end(const call *w, list *l, pt_status st)
{
    int rc = PT_EXIT_OK;
    if (l->table) rc = cli_table_end(w->p.c, l->table);
    if (st == PT_OK && l->json) {
        pt_json_end_array(&l->j);
        pt_buf_char(&l->out, '\n');
        rc = cli_put(w->p.c, &l->out);
    }
    pt_buf_fini(&l->out);
    if (st != PT_OK) return cli_people_fail(&w->p, st, &w->err);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

static bool put_user(void *ctx, const access_user *u)
{
    list *l = ctx;
    if (l->json) {
        pt_json_object(&l->j);
        pt_json_member_str(&l->j, "name", u->name);
        pt_json_member_bool(&l->j, "disabled", u->disabled);
        pt_json_member_i64(&l->j, "created_ms", u->created_ms);
        pt_json_key(&l->j, "last_login_ms");
        if (u->last_login_ms) pt_json_i64(&l->j, u->last_login_ms);
        else pt_json_null(&l->j);
        cli_paths_json(&l->j, "groups", u->groups, u->n_groups);
        cli_paths_json(&l->j, "tenants", u->tenants, u->n_tenants);
        pt_json_end_object(&l->j);
        return true;
    }
    cli_table_cell(l->table, u->name);
    cli_table_cstr(l->table, u->disabled ? "disabled" : "enabled");
    cli_paths_cell(l->table, u->groups, u->n_groups, "-");
    cli_paths_cell(l->table, u->tenants, u->n_tenants, "-");
    cli_table_time(l->table, u->created_ms);
    cli_table_time(l->table, u->last_login_ms);
    return true;
}

static int ls(call *w)
{
    static const char *const heads[] = { "USER", "STATE", "GROUPS", "TENANTS", "CREATED", "LAST LOGIN" };
    list l;
    if (!list_init(&l, w->p.c, heads, "llllll", 6)) return cli_fail(w->p.c, PT_EXIT_FAILED, "out of memory");
    return list_end(w, &l, access_users_each(w->p.a, put_user, &l, &w->err));
}

static bool put_grant(void *ctx, const access_grant *g)
{
    list *l = ctx;
    if (l->json) {
        pt_json_object(&l->j);
        pt_json_member_u64(&l->j, "id", g->id);
        pt_json_member_str(&l->j, g->to_group ? "group" : "user", g->name);
        pt_json_member_cstr(&l->j, "role", access_role_name(g->role));
        cli_paths_json(&l->j, "paths", g->at.paths, g->at.n_paths);
        pt_json_member_i64(&l->j, "created_ms", g->created_ms);
        pt_json_end_object(&l->j);
        return true;
    }
    cli_table_i64(l->table, (int64_t)g->id);
    cli_table_cstr(l->table, g->to_group ? "group" : "user");
    cli_table_cell(l->table, g->name);
    cli_table_cstr(l->table, access_role_name(g->role));
    cli_paths_cell(l->table, g->at.paths, g->at.n_paths, "(the whole plant)");
    return true;
}

static int grants(call *w)
{
    static const char *const heads[] = { "ID", "OF", "NAME", "ROLE", "PATHS" };
    list l;
    if (!list_init(&l, w->p.c, heads, "rllll", 5)) return cli_fail(w->p.c, PT_EXIT_FAILED, "out of memory");
    return list_end(w, &l, access_grants_each(w->p.a, put_grant, &l, &w->err));
}

static bool put_tenant(void *ctx, pt_slice name, const access_patterns *at)
{
    list *l = ctx;
    if (l->json) {
        pt_json_object(&l->j);
        pt_json_member_str(&l->j, "name", name);
        cli_paths_json(&l->j, "paths", at->paths, at->n_paths);
        pt_json_end_object(&l->j);
        return true;
    }
    cli_table_cell(l->table, name);
    cli_paths_cell(l->table, at->paths, at->n_paths, "-");
    return true;
}

static int tenants(call *w)
{
    static const char *const heads[] = { "TENANT", "PATHS" };
    list l;
    if (!list_init(&l, w->p.c, heads, "ll", 2)) return cli_fail(w->p.c, PT_EXIT_FAILED, "out of memory");
    return list_end(w, &l, access_tenants_each(w->p.a, put_tenant, &l, &w->err));
}

/* ---- changes ---------------------------------------------------------------------------------------------------- */

static int judged(const call *w, pt_status st, const char *sentence, const char *key, uint64_t id)
{
    return st == PT_OK ? done(w, sentence, key, id) : cli_people_fail(&w->p, st, &w->err);
}

static pt_status give(call *w, bool to_group, pt_slice name, uint64_t *id)
{
    access_grant g = { .to_group = to_group, .name = name, .at = cli_patterns(&w->paths, w->room) };
    if (!access_role_parse(pt_cstr(w->role), &g.role))
        return pt_fail(&w->err, PT_EINVAL, "--role: '%s' is not one of viewer, operator, engineer or admin", w->role);
    return access_grant_add(w->p.a, &w->p.by, &g, id, &w->err);
}

static int add(call *w)
{
    char password[CLI_PASSWORD_ROOM] = "";
    uint64_t id = 0;
    int rc = cli_password_read(w->p.c, w->from_stdin, password);
    pt_status st = rc == CLI_GO_ON ? access_user_add(w->p.a, &w->p.by, w->name, pt_cstr(password), &w->err) : PT_OK;
    sodium_memzero(password, sizeof password);
    if (rc != CLI_GO_ON) return rc;
    if (st == PT_OK && w->role) st = give(w, false, w->name, &id);
    return judged(w, st, w->role ? "is a user" : "is a user, with no right yet: plantree user grant", "user", id);
}

static int passwd(call *w)
{
    char password[CLI_PASSWORD_ROOM] = "";
    int rc = cli_password_read(w->p.c, w->from_stdin, password);
    pt_status st = rc == CLI_GO_ON ? access_user_password(w->p.a, &w->p.by, w->name, pt_cstr(password), &w->err) : PT_OK;
    sodium_memzero(password, sizeof password);
    return rc == CLI_GO_ON ? judged(w, st, "has a new password; all sessions ended", "user", 0) : rc;
}

static int grant(call *w)
{
    uint64_t id = 0;
    bool group = w->name.len > 1 && w->name.ptr[0] == '@';
    if (group) w->name = pt_slice_from(w->name, 1);
    pt_status st = give(w, group, w->name, &id);
    return judged(w, st, "has the role", group ? "group" : "user", id);
}

static int revoke(call *w)
{
    uint64_t id = 0;
    if (!pt_slice_to_u64(w->name, &id) || id == 0 || id > INT64_MAX)
        return cli_usage(w->p.c, "revoke: '%.*s' is no grant's number (plantree user grants)", PT_SLICE_ARGS(w->name));
    return judged(w, access_grant_remove(w->p.a, &w->p.by, id, &w->err), "is revoked", NULL, id);
}

static int member(call *w, bool join)
{
    if (!w->group == !w->tenant) return cli_usage(w->p.c, "%s: --group or --tenant?", join ? "join" : "leave");
    access_member of = w->group ? ACCESS_OF_GROUP : ACCESS_OF_TENANT;
    pt_slice name = pt_cstr(w->group ? w->group : w->tenant);
    pt_status st = join ? access_user_join(w->p.a, &w->p.by, w->name, of, name, &w->err)
                        : access_user_leave(w->p.a, &w->p.by, w->name, of, name, w->last, &w->err);
    if (st == PT_ESTATE) return cli_fail(w->p.c, PT_EXIT_REFUSED, "%s: --last if that is meant", w->err.text);
    return judged(w, st, join ? "is in" : "is out", "user", 0);
}

static int tenant(call *w)
{
    if (w->remove == (w->paths.n > 0)) return cli_usage(w->p.c, "tenant: --path for what belongs to it, or --rm?");
    const access_patterns at = cli_patterns(&w->paths, w->room);
    pt_status st =
        w->remove ? access_tenant_remove(w->p.a, &w->p.by, w->name, &w->err) : access_tenant_set(w->p.a, &w->p.by, w->name, &at, &w->err);
    return judged(w, st, w->remove ? "is gone" : "is a tenant", "tenant", 0);
}

static int run_sub(call *w, what id)
{
    host_access *a = w->p.a;
    switch (id) {
    case ADD: return add(w);
    case LS: return ls(w);
    case RM: return judged(w, access_user_remove(a, &w->p.by, w->name, &w->err), "is gone, with grants, tokens and sessions", "user", 0);
    case PASSWD: return passwd(w);
    case DISABLE: return judged(w, access_user_disable(a, &w->p.by, w->name, true, &w->err), "is disabled", "user", 0);
    case ENABLE: return judged(w, access_user_disable(a, &w->p.by, w->name, false, &w->err), "is enabled", "user", 0);
    case GRANT: return grant(w);
    case REVOKE: return revoke(w);
    case GRANTS: return grants(w);
    case JOIN: return member(w, true);
    case LEAVE: return member(w, false);
    case TENANT: return tenant(w);
    default: return tenants(w);
    }
}

static int run(cli *c, int argc, char **argv)
{
    call *w = calloc(1, sizeof *w);
    const cli_sub *sub = NULL;
    if (!w) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    const cli_option options[] = { { .name = "--role", .value = &w->role },   { .name = "--path", .list = &w->paths },
                                   { .name = "--group", .value = &w->group }, { .name = "--tenant", .value = &w->tenant },
                                   { .name = "--rm", .flag = &w->remove },    { .name = "--password-stdin", .flag = &w->from_stdin },
                                   { .name = "--last", .flag = &w->last },    { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    const cli_given given[OPTIONS] = { { "--role", w->role },
                                       { "--path", w->paths.n },
                                       { "--group", w->group },
                                       { "--tenant", w->tenant },
                                       { "--password-stdin", w->from_stdin },
                                       { "--last", w->last },
                                       { "--rm", w->remove } };
    query_role role;
    if (rc == CLI_GO_ON) rc = cli_sub_find(c, argc, argv, subs, PT_COUNT_OF(subs), given, OPTIONS, &sub);
    if (rc == CLI_GO_ON && w->role && !access_role_parse(pt_cstr(w->role), &role))
        rc = cli_usage(c, "--role: '%s' is not one of viewer, operator, engineer or admin", w->role);
    if (rc == CLI_GO_ON && sub->id == ADD && w->paths.n && !w->role) rc = cli_usage(c, "add: --path is where --role holds");
    if (rc == CLI_GO_ON) {
        bool reads = sub->id == LS || sub->id == GRANTS || sub->id == TENANTS;
        w->name = pt_cstr(sub->arguments ? argv[2] : "");
        rc = cli_people_open(c, reads ? CLI_PEOPLE_READ : sub->id == ADD ? CLI_PEOPLE_MAKE : CLI_PEOPLE_CHANGE, &w->p);
        if (rc == CLI_GO_ON) rc = run_sub(w, (what)sub->id);
        rc = cli_people_close(&w->p, rc);
    }
    free(w);
    return rc;
}

const cli_verb cli_verb_user = {
    "user", "users, and what they may do where",
    "Usage: plantree user add NAME [--role ROLE [--path GLOB]...] [--password-stdin] [--data DIR] [--json]\n"
    "       plantree user ls | grants | tenants\n"
    "       plantree user rm NAME | disable NAME | enable NAME\n"
    "       plantree user passwd NAME [--password-stdin]\n"
    "       plantree user grant NAME|@GROUP --role ROLE [--path GLOB]...\n"
    "       plantree user revoke ID\n"
    "       plantree user join NAME --group GROUP | --tenant TENANT\n"
    "       plantree user leave NAME --group GROUP | --tenant TENANT [--last]\n"
    "       plantree user tenant NAME --path GLOB... | --rm\n"
    "\n"
    "Works on the data directory (--data, or that of the host on this machine), also while the host runs. The HTTP interface does not ask who\n"
    "calls yet. Whoever may write the directory may do all of it. There is no default user and no default password.\n"
    "\n"
    "Roles, each with the rights of those before it:\n"
    "  viewer     reads the tree, values, history and events\n"
    "  operator   writes, approves proposals, asks for rebirths, replays\n"
    "  engineer   quarantine, metadata, plans of the mapping\n"
    "  admin      applies mappings; users, tokens, retention, backup, audit\n"
    "\n"
    "A role holds at the paths that the patterns of its grant select ('!' excludes), without --path in the whole plant; the best grant of a\n"
    "user and of the user's groups counts. What nobody may read does not exist for them. A tenant is a set of paths: users who belong to some\n"
    "see nothing outside of them, whatever their grants say.\n"
    "\n"
    "  --role ROLE        viewer, operator, engineer or admin\n"
    "  --path GLOB        may be given often\n"
    "  --password-stdin   the first line of standard input, instead of typing it twice; at least 8 characters, not the name\n"
    "  --group, --tenant  what to join or leave\n"
    "  --last             leave the last tenant, too: then grants hold in the whole plant\n"
    "  --rm               the tenant goes; users must have left it\n"
    "\n"
    "passwd and disable end all sessions of the user; rm takes grants, tokens and sessions along. All of it is in the audit (plantree audit).\n"
    "\n"
    "Exit codes: 0 done, 2 wrong call, or no such user, grant or tenant, 3 refused.\n"
    "\n"
    "Examples:\n"
    "  plantree user add anna --role admin --data /var/lib/plantree\n"
    "  plantree user add bert --role operator --path 'Acme/Line1/**' --path '!Acme/Line1/Recipe/**'\n"
    "  plantree user grant @shift --role viewer --path 'Acme/**'\n"
    "  plantree user join bert --group shift\n"
    "  plantree user grants\n"
    "  plantree user revoke 3\n",
    run
};
