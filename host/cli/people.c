/* host/cli/people.c -- the files of users and tokens, opened for one call; each change goes into the audit. */
#include "host/cli/people.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_os_user(char out[300])
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found) snprintf(out, 300, "cli:%s", entry.pw_name);
    else snprintf(out, 300, "cli:%ld", (long)getuid());
}

static void note(void *ctx, const access_note *n)
{
    cli_people *p = ctx;
    host_audit_row row = { .at_ms = n->at_ms,
                           .principal = n->principal,
                           .auth_kind = n->auth_kind,
                           .address = n->address,
                           .action = pt_cstr(n->action),
                           .object = n->object,
                           .after = n->after,
                           .outcome = pt_cstr(n->outcome) };
    if (p->audit && p->noted == PT_OK) p->noted = host_audit_append(p->audit, &row, &p->why);
}

/* Made by root for another's directory, the audit is that one's: the host must be able to go on with it. */
static int make_audit_file(const cli_people *p)
{
    char path[4200];
    struct stat owner;
    if (geteuid() != 0) return CLI_GO_ON;
    snprintf(path, sizeof path, "%s/audit.db", p->c->data_dir);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return errno == EEXIST ? CLI_GO_ON : cli_fail(p->c, PT_EXIT_FAILED, "%s: %s", path, pt_errno_text(errno));
    bool ok = stat(p->c->data_dir, &owner) == 0 && fchown(fd, owner.st_uid, owner.st_gid) == 0;
    int why = errno;
    close(fd);
    return ok ? CLI_GO_ON : cli_fail(p->c, PT_EXIT_FAILED, "%s: %s", path, pt_errno_text(why));
}

int cli_people_open(cli *c, cli_people_for what, cli_people *p)
{
    pt_error err = { 0 };
    *p = (cli_people){ .c = c };
    cli_os_user(p->who);
    p->by = (access_actor){ pt_cstr(p->who), PT_LIT("os-user"), PT_NONE };
    int rc = c->data_dir ? CLI_GO_ON : cli_need_data(c);
    if (rc != CLI_GO_ON) return rc;
    const access_options o = {
        .dir = c->data_dir, .clock = pt_clock_system(), .note = note, .note_ctx = p, .make = what == CLI_PEOPLE_MAKE
    };
    pt_status st = access_open(&o, &p->a, &err);
    if (st == PT_ENOTFOUND && what != CLI_PEOPLE_MAKE)
        return cli_fail(c, PT_EXIT_USAGE, "%s: there are no users yet: plantree user add NAME makes the first", c->data_dir);
    if (st != PT_OK) return cli_people_fail(p, st, &err);
    if (what == CLI_PEOPLE_READ) return CLI_GO_ON;
    rc = make_audit_file(p);
    if (rc != CLI_GO_ON) return rc;
    st = host_audit_open(c->data_dir, &p->audit, &err);
    return st == PT_OK ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
}

int cli_people_close(cli_people *p, int rc)
{
    access_close(p->a);
    host_audit_close(p->audit);
    if (p->noted != PT_OK) return cli_fail(p->c, PT_EXIT_FAILED, "%s: done, but not in the audit: %s", p->c->data_dir, p->why.text);
    return rc == CLI_GO_ON ? PT_EXIT_OK : rc;
}

int cli_people_fail(const cli_people *p, pt_status st, const pt_error *err)
{
    static const struct {
        pt_status st;
        int code;
    } codes[] = { { PT_EINVAL, PT_EXIT_USAGE },  { PT_ENOTFOUND, PT_EXIT_USAGE }, { PT_EEXISTS, PT_EXIT_USAGE },
                  { PT_ETOOBIG, PT_EXIT_USAGE }, { PT_ESTATE, PT_EXIT_REFUSED },  { PT_EREFUSED, PT_EXIT_REFUSED },
                  { PT_EBUSY, PT_EXIT_TIMEOUT } };
    int code = PT_EXIT_FAILED;
    for (size_t i = 0; i < PT_COUNT_OF(codes); i++)
        if (codes[i].st == st) code = codes[i].code;
    return cli_fail(p->c, code, "%s", err->text[0] ? err->text : pt_status_name(st));
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

static int no_sub(const cli *c, const char *word, const cli_sub *subs, size_t n)
{
    pt_buf names;
    pt_buf_init(&names, 1000);
    for (size_t i = 0; i < n; i++)
        pt_buf_printf(&names, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", subs[i].name);
    int rc = word ? cli_usage(c, "'%s' is not one of %.*s", word, PT_SLICE_ARGS(pt_buf_view(&names)))
                  : cli_usage(c, "what to do? %.*s", PT_SLICE_ARGS(pt_buf_view(&names)));
    pt_buf_fini(&names);
    return rc;
}

int cli_sub_find(const cli *c, int argc, char **argv, const cli_sub *subs, size_t n, const cli_given *given, size_t n_given,
                 const cli_sub **out)
{
    const cli_sub *s = NULL;
    for (size_t i = 0; argc > 1 && i < n; i++)
        if (strcmp(argv[1], subs[i].name) == 0) s = &subs[i];
    if (!s) return no_sub(c, argc > 1 ? argv[1] : NULL, subs, n);
    if (argc < (s->arguments ? 3 : 2)) return cli_usage(c, "%s: %s is missing", s->name, s->arguments);
    if (argc > (s->arguments ? 3 : 2)) return cli_usage(c, "%s: '%s' is one argument too many", s->name, argv[s->arguments ? 3 : 2]);
    for (size_t i = 0; i < n_given; i++) {
        if (given[i].given && !(s->takes & 1u << i)) return cli_usage(c, "%s takes no %s", s->name, given[i].name);
        if (!given[i].given && (s->needs & 1u << i)) return cli_usage(c, "%s: %s is needed", s->name, given[i].name);
    }
    *out = s;
    return CLI_GO_ON;
}

/* ---- lists of paths --------------------------------------------------------------------------------------------- */

void cli_paths_json(pt_json *j, const char *key, const pt_slice *paths, size_t n)
{
    pt_json_key(j, key);
    pt_json_array(j);
    for (size_t i = 0; i < n; i++)
        pt_json_str(j, paths[i]);
    pt_json_end_array(j);
}

void cli_paths_cell(cli_table *t, const pt_slice *paths, size_t n, const char *none)
{
    pt_buf text;
    pt_buf_init(&text, 1 << 18);
    for (size_t i = 0; i < n; i++) {
        if (i) pt_buf_cstr(&text, ", ");
        pt_buf_slice(&text, paths[i]);
    }
    cli_table_cell(t, n ? pt_buf_view(&text) : pt_cstr(none));
    pt_buf_fini(&text);
}

access_patterns cli_patterns(const cli_list *list, pt_slice *room)
{
    for (size_t i = 0; i < list->n; i++)
        room[i] = pt_cstr(list->items[i]);
    return (access_patterns){ room, list->n };
}
