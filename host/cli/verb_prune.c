/* host/cli/verb_prune.c -- let history go: old weeks, or the samples of some tags. Without --yes it only says what would go. */
#include "historian/historian.h"
#include "historian/maintain.h"
#include "host/control/audit.h"
#include "host/cli/people.h"

#include "base/timestamp.h"
#include <stdlib.h>

typedef struct job {
    cli *c;
    hist *h;
    host_audit *audit; /* with --yes */
    bool yes, all_owners;
    uint32_t tag_id;        /* instead of paths; 0: none */
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

/* A row that says what went, and how that ended. CLI_GO_ON, or the exit code. */
static int note(const job *w, const char *action, pt_slice object, const pt_buf *after, pt_status st)
{
    char who[300];
    pt_error err = { 0 };
    cli_os_user(who);
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

/* A tag's part of what is named. */
typedef struct part {
    uint32_t tag_id;
    int64_t from_ms, to_ms;
    uint64_t rows;
} part;

static int note_tag(const job *w, const char *path, const part *p, pt_status st)
{
    pt_buf after;
    pt_json j;
    pt_buf_init(&after, 1 << 16);
    pt_json_init(&j, &after);
    pt_json_object(&j);
    pt_json_member_u64(&j, "tag_id", p->tag_id);
    pt_json_member_i64(&j, "from_ms", p->from_ms);
    member_time(&j, "to_ms", p->to_ms, INT64_MAX);
    pt_json_member_u64(&j, "samples", p->rows);
    pt_json_end_object(&j);
    int rc = note(w, "history-delete", pt_cstr(path), &after, st);
    pt_buf_fini(&after);
    return rc;
}

/* What the path owned in the range, by owner, those without samples left out; or all of one tag in the range. */
static pt_status find_parts(job *w, const char *path, pt_arena *arena, part **out, size_t *n, pt_error *err)
{
    hist_line line = hist_of_tag(w->tag_id);
    hist_tag t;
    *n = 0;
    if (w->tag_id && hist_tag_by_id(w->h, w->tag_id, arena, &t) != PT_OK)
        return pt_fail(err, PT_ENOTFOUND, "there is no tag %u", w->tag_id);
    pt_status st = w->tag_id ? PT_OK : hist_path_line(w->h, pt_cstr(path), arena, &line, err);
    if (st == PT_ENOTFOUND) return pt_fail(err, st, "there is no such tag");
    size_t claims = line.n ? line.n : 1;
    part *parts = st == PT_OK ? pt_arena_alloc(arena, claims * sizeof *parts) : NULL;
    if (!parts) return st == PT_OK ? PT_ENOMEM : st;
    for (size_t i = 0; i < claims && st == PT_OK; i++) {
        hist_claim c = line.n ? line.claims[i] : (hist_claim){ line.tag_id, INT64_MIN, INT64_MAX };
        part p = { c.tag_id, c.from_ms > w->from_ms ? c.from_ms : w->from_ms, c.to_ms < w->to_ms ? c.to_ms : w->to_ms, 0 };
        if (p.from_ms >= p.to_ms || !p.tag_id) continue;
        st = count_rows(w->h, p.tag_id, p.from_ms, p.to_ms, &p.rows, err);
        if (p.rows || line.n < 2) parts[(*n)++] = p;
    }
    *out = parts;
    return st;
}

static bool of_one_tag(const part *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i].tag_id != p[0].tag_id) return false;
    return true;
}

static void say_part(job *w, const char *path, const part *p, bool several)
{
    if (w->c->json) {
        pt_json_object(&w->j);
        pt_json_member_cstr(&w->j, "path", path);
        pt_json_member_u64(&w->j, "tag_id", p->tag_id);
        pt_json_member_bool(&w->j, "dry_run", !w->yes);
        pt_json_member_u64(&w->j, "samples", p->rows);
        pt_json_end_object(&w->j);
        return;
    }
    if (w->out->len) pt_buf_char(w->out, '\n');
    cli_printable(w->out, pt_cstr(path));
    if (several) pt_buf_printf(w->out, " (tag %u)", p->tag_id);
    pt_buf_printf(w->out, ": %llu samples %s", (unsigned long long)p->rows, w->yes ? "are gone" : "would go");
}

/* A path of several owners: which one is meant must be said before anything goes. */
static int refuse(const job *w, const char *path, const part *p, size_t n)
{
    pt_buf ids;
    pt_buf_init(&ids, 4096);
    for (size_t i = 0; i < n; i++)
        pt_buf_printf(&ids, "%s%u (%llu samples)", i ? ", " : "", p[i].tag_id, (unsigned long long)p[i].rows);
    int rc = cli_fail(w->c, PT_EXIT_USAGE, "%s: in that range it was the path of tags %.*s: give --tag-id N, or --all-owners", path,
                      PT_SLICE_ARGS(pt_buf_view(&ids)));
    pt_buf_fini(&ids);
    return rc;
}

/* What a path, or the tag, has in [from, to); counted only, or gone. */
static int tag(job *w, const char *path)
{
    pt_arena arena;
    part *parts = NULL;
    size_t n = 0;
    pt_error err = { 0 };
    int rc = CLI_GO_ON;
    pt_arena_init(&arena, 1u << 20);
    pt_status st = find_parts(w, path, &arena, &parts, &n, &err);
    bool one = of_one_tag(parts, n);
    if (st == PT_OK && w->yes && !one && !w->all_owners) rc = refuse(w, path, parts, n);
    if (st == PT_OK && n == 0) say_part(w, path, &(part){ 0 }, false);
    for (size_t i = 0; st == PT_OK && rc == CLI_GO_ON && i < n; i++) {
        part *p = &parts[i];
        if (w->yes) {
            st = hist_tag_delete(w->h, p->tag_id, p->from_ms, p->to_ms, &p->rows, &err);
            if (st != PT_OK || p->rows) rc = note_tag(w, path, p, st);
        }
        if (st == PT_OK && rc == CLI_GO_ON) say_part(w, path, p, !one);
    }
    pt_arena_fini(&arena);
    return st ? cli_fail(w->c, code_of(st), "%s: %s", path, err.text[0] ? err.text : pt_status_name(st)) : rc;
}

static int tags(job *w, char **paths)
{
    int rc = CLI_GO_ON;
    char id[32];
    if (w->c->json) pt_json_array(&w->j);
    snprintf(id, sizeof id, "tag %u", w->tag_id);
    if (w->tag_id) rc = tag(w, id);
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
    if (rc == CLI_GO_ON) rc = *paths || w->tag_id ? tags(w, paths) : weeks(w);
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
    const char *from = NULL, *to = NULL, *keep = NULL, *bytes = NULL, *id = NULL;
    bool yes = false, all = false;
    const cli_option options[] = { { .name = "--from", .value = &from },     { .name = "--to", .value = &to },
                                   { .name = "--keep", .value = &keep },     { .name = "--max-bytes", .value = &bytes },
                                   { .name = "--yes", .flag = &yes },        { .name = "--tag-id", .value = &id },
                                   { .name = "--all-owners", .flag = &all }, { 0 } };
    int64_t keep_ms = 0;
    job w = { .c = c, .r.before_ms = INT64_MIN };
    pt_error err = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    bool paths = argc > 1 || id;
    char *end = NULL;
    unsigned long long number = id ? strtoull(id, &end, 10) : 0;
    if (rc == CLI_GO_ON && id && argc > 1) rc = cli_usage(c, "--tag-id stands for the tag: give no path beside it");
    if (rc == CLI_GO_ON && id && (!id[0] || *end || number == 0 || number > UINT32_MAX))
        rc = cli_usage(c, "--tag-id: '%s' is no tag's number", id);
    if (rc == CLI_GO_ON && all && argc < 2) rc = cli_usage(c, "--all-owners is of paths");
    w.tag_id = number <= UINT32_MAX ? (uint32_t)number : 0;
    w.all_owners = all;
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
    "       plantree prune PATH... --data DIR --from T [--to T] [--all-owners] [--yes] [--json]\n"
    "       plantree prune --tag-id N --data DIR --from T [--to T] [--yes] [--json]\n"
    "\n"
    "Without --yes nothing is changed: it says what would go. The directory must be free; a host that runs on it keeps to its own\n"
    "data.retention. Weeks go as whole files and the present one stays; samples of tags go from their blocks, and the space with them.\n"
    "What went is in the audit (plantree audit, actions history-prune and history-delete) and among the events.\n"
    "\n"
    "  --keep AGE       weeks that end before now - AGE go\n"
    "  --max-bytes N    then the oldest ones, until the rest is not larger; at least 1\n"
    "  --from T --to T  which samples of the tags; without --to all from --from on, also those dated in the future\n"
    "  --tag-id N       the tag of that number, whatever its paths (plantree tag history-of PATH)\n"
    "  --all-owners     a path that several tags owned in the range: of all of them; without it and --tag-id nothing goes\n"
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
