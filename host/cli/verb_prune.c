/* host/cli/verb_prune.c -- let history go: old weeks, or the samples of some tags. Without --yes it only says what would go. */
#include "historian/historian.h"
#include "historian/maintain.h"
#include "host/control/audit.h"
#include "host/cli/cli.h"

#include "base/timestamp.h"
#include <pwd.h>
#include <unistd.h>

typedef struct job {
    cli *c;
    hist *h;
    host_audit *audit; /* with --yes */
    bool yes;
    int64_t from_ms, to_ms; /* of tags */
    hist_retention r;       /* of weeks */
    pt_json j;
    pt_buf *out;
} job;

static void write_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    (void)ctx, (void)level;
    fprintf(stderr, "plantree: %s %s\n", id, text);
}

static int code_of(pt_status st)
{
    return st == PT_EBUSY ? PT_EXIT_REFUSED : st == PT_ENOTFOUND ? PT_EXIT_USAGE : PT_EXIT_FAILED;
}

/* ---- the audit -------------------------------------------------------------------------------------------------- */

static void user_name(char out[300])
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found) snprintf(out, 300, "cli:%s", entry.pw_name);
    else snprintf(out, 300, "cli:%ld", (long)getuid());
}

/* A row that says what went, and how that ended. CLI_GO_ON, or the exit code. */
static int note(const job *w, const char *action, pt_slice object, const pt_buf *after, pt_status st)
{
    char who[300];
    pt_error err = { 0 };
    user_name(who);
    host_audit_row row = { .at_ms = pt_wall_ms(pt_clock_system()),
                           .principal = pt_cstr(who),
                           .auth_kind = PT_LIT("os-user"),
                           .action = pt_cstr(action),
                           .object = object,
                           .after = pt_buf_view(after),
                           .outcome = st == PT_OK ? PT_LIT("done") : pt_cstr(pt_status_name(st)) };
    pt_status noted = pt_buf_status(after) == PT_OK ? host_audit_append(w->audit, &row, &err) : pt_fail(&err, PT_ENOMEM, "out of memory");
    return noted == PT_OK ? CLI_GO_ON : cli_fail(w->c, PT_EXIT_FAILED, "%s: what went is not in the audit: %s", w->c->data_dir, err.text);
}

static void member_time(pt_json *j, const char *key, int64_t ms, int64_t open)
{
    if (ms == open) pt_json_member_null(j, key);
    else pt_json_member_i64(j, key, ms);
}

/* ---- weeks ------------------------------------------------------------------------------------------------------ */

static void members(pt_json *j, const hist_retention_result *gone)
{
    pt_json_member_u64(j, "weeks", gone->partitions);
    pt_json_member_u64(j, "blocks", gone->blocks);
    pt_json_member_u64(j, "bytes", gone->bytes);
    pt_json_member_u64(j, "unsealed", gone->unsealed);
    pt_json_member_u64(j, "events", gone->events);
    member_time(j, "oldest_ms", gone->oldest_ms, INT64_MAX);
}

static int note_weeks(const job *w, const hist_retention_result *gone, pt_status st)
{
    pt_buf after;
    pt_json j;
    pt_buf_init(&after, 1 << 16);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    member_time(&j, "before_ms", w->r.before_ms, INT64_MIN);
    pt_json_member_u64(&j, "max_bytes", w->r.max_bytes);
    members(&j, gone);
    pt_json_end_object(&j);
    int rc = note(w, "history-prune", PT_LIT("history"), &after, st);
    pt_buf_fini(&after);
    return rc;
}

static void print_weeks(const job *w, const hist_retention_result *gone)
{
    char oldest[PT_RFC3339_MAX];
    pt_buf_printf(w->out, "%llu weeks with %llu blocks, %llu bytes, %llu samples that %s not in blocks yet, and %llu events %s; ",
                  (unsigned long long)gone->partitions, (unsigned long long)gone->blocks, (unsigned long long)gone->bytes,
                  (unsigned long long)gone->unsealed, w->yes ? "were" : "are", (unsigned long long)gone->events,
                  w->yes ? "are gone" : "would go");
    if (gone->oldest_ms == INT64_MAX) {
        pt_buf_cstr(w->out, w->yes ? "no week is left" : "no week would be left");
        return;
    }
    pt_rfc3339_format(gone->oldest_ms, oldest);
    pt_buf_printf(w->out, "the oldest week left %s on %s", w->yes ? "begins" : "would begin", oldest);
}

static int weeks(job *w)
{
    hist_retention_result gone;
    pt_error err = { 0 };
    int rc = CLI_GO_ON;
    pt_status st = hist_retention_apply(w->h, &w->r, &gone, &err);
    if (w->yes && (st != PT_OK || gone.partitions || gone.events)) rc = note_weeks(w, &gone, st);
    if (st) return cli_fail(w->c, code_of(st), "%s: %s", w->c->data_dir, err.text);
    if (w->c->json) {
        pt_json_object(&w->j);
        pt_json_member_bool(&w->j, "dry_run", !w->yes);
        members(&w->j, &gone);
        pt_json_end_object(&w->j);
    } else {
        print_weeks(w, &gone);
    }
    return rc;
}

/* ---- tags ------------------------------------------------------------------------------------------------------- */

/* What hist_tag_delete would take: STATE rows, too. */
static pt_status count_rows(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint64_t *rows, pt_error *err)
{
    hist_cursor *cursor = NULL;
    const hist_sample *s;
    size_t n = 1;
    pt_status st = hist_cursor_open(h, hist_of_tag(tag_id), from_ms, to_ms, true, &cursor, err);
    for (; st == PT_OK && n; *rows += n)
        st = hist_cursor_view(cursor, &s, &n, err);
    hist_cursor_close(cursor);
    return st;
}

static int note_tag(const job *w, const char *path, uint32_t tag_id, uint64_t rows, pt_status st)
{
    pt_buf after;
    pt_json j;
    pt_buf_init(&after, 1 << 16);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    pt_json_member_u64(&j, "tag_id", tag_id);
    pt_json_member_i64(&j, "from_ms", w->from_ms);
    member_time(&j, "to_ms", w->to_ms, INT64_MAX);
    pt_json_member_u64(&j, "samples", rows);
    pt_json_end_object(&j);
    int rc = note(w, "history-delete", pt_cstr(path), &after, st);
    pt_buf_fini(&after);
    return rc;
}

/* One tag's samples in [from, to); counted only, or gone. */
static int tag(job *w, const char *path)
{
    pt_arena arena;
    hist_tag t;
    pt_error err = { 0 };
    uint64_t rows = 0;
    int rc = CLI_GO_ON;
    pt_arena_init(&arena, 1u << 20);
    pt_status st = hist_tag_by_path(w->h, pt_cstr(path), &arena, &t);
    if (st == PT_ENOTFOUND) (void)pt_fail(&err, st, "there is no such tag");
    if (st == PT_OK && w->yes) {
        st = hist_tag_delete(w->h, t.tag_id, w->from_ms, w->to_ms, &rows, &err);
        if (st != PT_OK || rows) rc = note_tag(w, path, t.tag_id, rows, st);
    } else if (st == PT_OK) {
        st = count_rows(w->h, t.tag_id, w->from_ms, w->to_ms, &rows, &err);
    }
    pt_arena_fini(&arena);
    if (st) return cli_fail(w->c, code_of(st), "%s: %s", path, err.text[0] ? err.text : pt_status_name(st));
    if (w->c->json) {
        pt_json_object(&w->j);
        pt_json_member_cstr(&w->j, "path", path);
        pt_json_member_bool(&w->j, "dry_run", !w->yes);
        pt_json_member_u64(&w->j, "samples", rows);
        pt_json_end_object(&w->j);
    } else {
        if (w->out->len) pt_buf_char(w->out, '\n');
        cli_printable(w->out, pt_cstr(path));
        pt_buf_printf(w->out, ": %llu samples %s", (unsigned long long)rows, w->yes ? "are gone" : "would go");
    }
    return rc;
}

static int tags(job *w, char **paths)
{
    int rc = CLI_GO_ON;
    if (w->c->json) pt_json_array(&w->j);
    for (; *paths && rc == CLI_GO_ON; paths++)
        rc = tag(w, *paths);
    if (w->c->json) pt_json_end_array(&w->j);
    return rc;
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

/* The directory to ourselves; and its audit, without which nothing goes. */
static int open_all(job *w)
{
    static const pt_log warnings = { PT_LOG_WARN, write_log, NULL };
    hist_options o;
    pt_error err = { 0 };
    hist_options_init(&o);
    o.dir = w->c->data_dir;
    o.read_only = true; /* first: a directory that holds no historian is not made one */
    pt_status st = hist_open(&o, pt_clock_system(), &warnings, &w->h, &err);
    if (st == PT_OK) {
        st = hist_close(w->h, 1000, &err);
        w->h = NULL;
    }
    o.read_only = false;
    if (st == PT_OK) st = hist_open(&o, pt_clock_system(), &warnings, &w->h, &err);
    if (st == PT_OK && w->yes) st = host_audit_open(w->c->data_dir, &w->audit, &err);
    return st == PT_OK ? CLI_GO_ON : cli_fail(w->c, st == PT_EBUSY ? PT_EXIT_REFUSED : PT_EXIT_FAILED, "%s: %s", w->c->data_dir, err.text);
}

static int work(job *w, char **paths)
{
    pt_buf out;
    pt_error err = { 0 };
    pt_buf_init(&out, 1u << 24);
    pt_json_init(&w->j, &out);
    w->out = &out;
    int rc = open_all(w);
    if (rc == CLI_GO_ON) rc = *paths ? tags(w, paths) : weeks(w);
    pt_status st = hist_close(w->h, 60000, &err);
    if (st && rc == CLI_GO_ON) rc = cli_fail(w->c, PT_EXIT_FAILED, "%s: %s", w->c->data_dir, err.text);
    host_audit_close(w->audit);
    pt_buf_char(&out, '\n');
    if (rc == CLI_GO_ON) rc = cli_put(w->c, &out);
    pt_buf_fini(&out);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *keep = NULL, *bytes = NULL;
    bool yes = false;
    const cli_option options[] = { { .name = "--from", .value = &from }, { .name = "--to", .value = &to },
                                   { .name = "--keep", .value = &keep }, { .name = "--max-bytes", .value = &bytes },
                                   { .name = "--yes", .flag = &yes },    { 0 } };
    int64_t keep_ms = 0;
    job w = { .c = c, .r.before_ms = INT64_MIN };
    pt_error err = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    bool paths = argc > 1;
    if (rc == CLI_GO_ON && !c->data_dir) rc = cli_usage(c, "--data DIR is needed: the historian's directory, with no host running on it");
    if (rc == CLI_GO_ON && paths && (keep || bytes)) rc = cli_usage(c, "--keep and --max-bytes are of the whole, not of tags");
    if (rc == CLI_GO_ON && paths && !from) rc = cli_usage(c, "--from is needed: what of the tags goes");
    if (rc == CLI_GO_ON) rc = cli_time(c, "--from", from, INT64_MIN, &w.from_ms);
    if (rc == CLI_GO_ON) rc = cli_time(c, "--to", to, INT64_MAX, &w.to_ms);
    if (rc == CLI_GO_ON && w.from_ms >= w.to_ms) rc = cli_usage(c, "--from must be before --to");
    if (rc == CLI_GO_ON && !paths && !keep && !bytes) rc = cli_usage(c, "what goes? --keep, --max-bytes, or paths with --from");
    if (rc == CLI_GO_ON && !paths && (from || to)) rc = cli_usage(c, "--from and --to need paths");
    if (rc == CLI_GO_ON) rc = cli_duration(c, "--keep", keep, 0, &keep_ms);
    if (rc == CLI_GO_ON && keep && keep_ms <= 0) rc = cli_usage(c, "--keep must be longer than nothing");
    if (rc == CLI_GO_ON && bytes && pt_bytes_parse(pt_cstr(bytes), &w.r.max_bytes, &err))
        rc = cli_usage(c, "--max-bytes: '%s' is no size", bytes);
    if (rc == CLI_GO_ON && bytes && !w.r.max_bytes)
        rc = cli_usage(c, "--max-bytes 0 is not allowed, because 0 is no bound in data.retention; the smallest is 1");
    if (rc != CLI_GO_ON) return rc;
    if (keep) w.r.before_ms = c->now_ms - keep_ms;
    w.yes = yes;
    w.r.dry_run = !yes;
    return work(&w, argv + 1);
}

const cli_verb cli_verb_prune = {
    "prune", "let history go: old weeks, or the samples of some tags",
    "Usage: plantree prune --data DIR [--keep AGE] [--max-bytes N] [--yes] [--json]\n"
    "       plantree prune PATH... --data DIR --from T [--to T] [--yes] [--json]\n"
    "\n"
    "Without --yes nothing is changed: it says what would go. The directory must be free; a host that runs on it keeps to its own\n"
    "data.retention. Weeks go as whole files and the present one stays; samples of tags go from their blocks, and the space with them.\n"
    "What went is in the audit (plantree audit, actions history-prune and history-delete) and among the events.\n"
    "\n"
    "  --keep AGE       weeks that end before now - AGE go\n"
    "  --max-bytes N    then the oldest ones, until the rest is not larger; at least 1\n"
    "  --from T --to T  which samples of the tags; without --to all from --from on, also those dated in the future\n"
    "  --yes            do it\n"
    "\n"
    "Exit codes: 0 done, 2 wrong call or no such tag, 3 a host has the directory.\n"
    "\n"
    "Examples:\n"
    "  plantree prune --data /var/lib/plantree --keep 5y\n"
    "  plantree prune --data /var/lib/plantree --max-bytes 200GiB --yes\n"
    "  plantree prune acme/line1/trial --data /var/lib/plantree --from 2026-01-01 --to 2026-02-01 --yes\n",
    run
};
