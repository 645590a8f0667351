/* host/cli/verb_prune.c -- let history go: old weeks, or the samples of some tags. Without --yes it only says what would go. */
#include "historian/historian.h"
#include "historian/maintain.h"
#include "host/cli/cli.h"

#include "base/timestamp.h"

static void write_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    (void)ctx, (void)level;
    fprintf(stderr, "plantree: %s %s\n", id, text);
}

static int code_of(pt_status st)
{
    return st == PT_EBUSY ? PT_EXIT_REFUSED : st == PT_ENOTFOUND ? PT_EXIT_USAGE : PT_EXIT_FAILED;
}

static void members(pt_json *j, const hist_retention_result *gone)
{
    pt_json_member_u64(j, "weeks", gone->partitions);
    pt_json_member_u64(j, "blocks", gone->blocks);
    pt_json_member_u64(j, "bytes", gone->bytes);
    pt_json_member_u64(j, "unsealed", gone->unsealed);
    pt_json_member_u64(j, "events", gone->events);
    if (gone->oldest_ms != INT64_MAX) pt_json_member_i64(j, "oldest_ms", gone->oldest_ms);
    else pt_json_member_null(j, "oldest_ms");
}

static int weeks(cli *c, hist *h, const hist_retention *r, pt_buf *out)
{
    hist_retention_result gone;
    pt_error err = { 0 };
    char oldest[PT_RFC3339_MAX] = "nothing";
    pt_status st = hist_retention_apply(h, r, &gone, &err);
    if (st) return cli_fail(c, code_of(st), "%s: %s", c->data_dir, err.text);
    if (gone.oldest_ms != INT64_MAX) pt_rfc3339_format(gone.oldest_ms, oldest);
    if (c->json) {
        pt_json j;
        pt_json_init(&j, out);
        pt_json_object(&j);
        pt_json_member_bool(&j, "dry_run", r->dry_run);
        members(&j, &gone);
        pt_json_end_object(&j);
    } else {
        pt_buf_printf(out, "%llu weeks with %llu blocks, %llu bytes, %llu samples that %s not in blocks yet, and %llu events %s; then the oldest is %s", (unsigned long long)gone.partitions,
                      (unsigned long long)gone.blocks, (unsigned long long)gone.bytes, (unsigned long long)gone.unsealed, r->dry_run ? "are" : "were", (unsigned long long)gone.events,
                      r->dry_run ? "would go" : "are gone", oldest);
    }
    return CLI_GO_ON;
}

/* What hist_tag_delete would take: STATE rows, too. */
static pt_status count_rows(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint64_t *rows, pt_error *err)
{
    hist_cursor *cursor = NULL;
    const hist_sample *s;
    size_t n = 1;
    pt_status st = hist_cursor_open(h, tag_id, from_ms, to_ms, true, &cursor, err);
    for (; st == PT_OK && n; *rows += n) st = hist_cursor_view(cursor, &s, &n, err);
    hist_cursor_close(cursor);
    return st;
}

/* One tag's samples in [from, to); counted first in any case. */
static int tag(cli *c, hist *h, const char *path, int64_t from_ms, int64_t to_ms, bool yes, pt_json *j, pt_buf *out)
{
    pt_arena arena;
    hist_tag t;
    pt_error err = { 0 };
    uint64_t rows = 0;
    pt_arena_init(&arena, 1u << 20);
    pt_status st = hist_tag_by_path(h, pt_cstr(path), &arena, &t);
    if (st == PT_ENOTFOUND) (void)pt_fail(&err, st, "there is no such tag");
    if (st == PT_OK && yes) st = hist_tag_delete(h, t.tag_id, from_ms, to_ms, &rows, &err);
    else if (st == PT_OK) st = count_rows(h, t.tag_id, from_ms, to_ms, &rows, &err);
    pt_arena_fini(&arena);
    if (st) return cli_fail(c, code_of(st), "%s: %s", path, err.text[0] ? err.text : pt_status_name(st));
    if (c->json) {
        pt_json_object(j);
        pt_json_member_cstr(j, "path", path);
        pt_json_member_bool(j, "dry_run", !yes);
        pt_json_member_u64(j, "samples", rows);
        pt_json_end_object(j);
    } else {
        if (out->len) pt_buf_char(out, '\n');
        cli_printable(out, pt_cstr(path));
        pt_buf_printf(out, ": %llu samples %s", (unsigned long long)rows, yes ? "are gone" : "would go");
    }
    return CLI_GO_ON;
}

static int all(cli *c, hist *h, char **paths, int64_t from_ms, int64_t to_ms, bool yes, pt_buf *out)
{
    pt_json j;
    int rc = CLI_GO_ON;
    pt_json_init(&j, out);
    if (c->json) pt_json_array(&j);
    for (; *paths && rc == CLI_GO_ON; paths++)
        rc = tag(c, h, *paths, from_ms, to_ms, yes, &j, out);
    if (c->json) pt_json_end_array(&j);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *keep = NULL, *bytes = NULL;
    bool yes = false;
    const cli_option options[] = { { .name = "--from", .value = &from },       { .name = "--to", .value = &to },   { .name = "--keep", .value = &keep },
                                   { .name = "--max-bytes", .value = &bytes }, { .name = "--yes", .flag = &yes }, { 0 } };
    int64_t from_ms = 0, to_ms = 0, keep_ms = 0;
    hist_retention r = { .before_ms = INT64_MIN };
    pt_error err = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    bool tags = argc > 1;
    if (rc == CLI_GO_ON && !c->data_dir) rc = cli_usage(c, "--data DIR is needed: the historian's directory, with no host running on it");
    if (rc == CLI_GO_ON && tags && (keep || bytes)) rc = cli_usage(c, "--keep and --max-bytes are of the whole, not of tags");
    if (rc == CLI_GO_ON && tags && !from) rc = cli_usage(c, "--from is needed: what of the tags goes");
    if (rc == CLI_GO_ON && tags) rc = cli_range(c, from, to, &from_ms, &to_ms);
    if (rc == CLI_GO_ON && !tags && !keep && !bytes) rc = cli_usage(c, "what goes? --keep, --max-bytes, or paths with --from");
    if (rc == CLI_GO_ON && !tags && (from || to)) rc = cli_usage(c, "--from and --to need paths");
    if (rc == CLI_GO_ON) rc = cli_duration(c, "--keep", keep, 0, &keep_ms);
    if (rc == CLI_GO_ON && keep && keep_ms <= 0) rc = cli_usage(c, "--keep must be longer than nothing");
    if (rc == CLI_GO_ON && bytes && (pt_bytes_parse(pt_cstr(bytes), &r.max_bytes, &err) || !r.max_bytes)) rc = cli_usage(c, "--max-bytes: '%s' is no size", bytes);
    if (rc != CLI_GO_ON) return rc;
    if (keep) r.before_ms = c->now_ms - keep_ms;
    r.dry_run = !yes;

    const pt_log warnings = { PT_LOG_WARN, write_log, NULL };
    hist_options o;
    hist *h = NULL;
    pt_buf out;
    hist_options_init(&o);
    o.dir = c->data_dir;
    o.read_only = true; /* first: a directory that holds no historian is not made one */
    pt_status st = hist_open(&o, pt_clock_system(), &warnings, &h, &err);
    if (st == PT_OK) st = hist_close(h, 1000, &err);
    o.read_only = false;
    if (st == PT_OK) st = hist_open(&o, pt_clock_system(), &warnings, &h, &err);
    if (st) return cli_fail(c, st == PT_EBUSY ? PT_EXIT_REFUSED : PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    pt_buf_init(&out, 1u << 24);
    rc = tags ? all(c, h, argv + 1, from_ms, to_ms, yes, &out) : weeks(c, h, &r, &out);
    st = hist_close(h, 60000, &err);
    if (st && rc == CLI_GO_ON) rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    pt_buf_char(&out, '\n');
    if (rc == CLI_GO_ON) rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

const cli_verb cli_verb_prune = {
    "prune", "let history go: old weeks, or the samples of some tags",
    "Usage: plantree prune --data DIR [--keep AGE] [--max-bytes N] [--yes] [--json]\n"
    "       plantree prune PATH... --data DIR --from T [--to T] [--yes] [--json]\n"
    "\n"
    "Without --yes nothing is changed: it says what would go. The directory must be free; a host that runs on it keeps to its own\n"
    "data.retention. Weeks go as whole files and the present one stays; samples of tags go from their blocks, and the space with them.\n"
    "\n"
    "  --keep AGE       weeks that end before now - AGE go\n"
    "  --max-bytes N    then the oldest ones, until the rest is not larger\n"
    "  --from T --to T  which samples of the tags\n"
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
