/* host/cli/verb_audit.c -- who changed what, and whether that account is whole. From the host, or from a data directory. */
#include "host/control/audit.h"
#include "host/cli/cli.h"

#include <stdlib.h>

enum { ROWS_DEFAULT = 1000, ROWS_MAX = 10000, MAX_OUT = 1 << 30 };

static bool add_row(void *ctx, const host_audit_row *r)
{
    pt_json *j = ctx;
    host_audit_row_json(j, r);
    return pt_buf_status(j->out) == PT_OK;
}

static int open_audit(cli *c, host_audit **a)
{
    pt_error err = { 0 };
    return host_audit_read(c->data_dir, a, &err) == PT_OK ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
}

/* The rows as the host would give them. */
static int rows_of_files(cli *c, uint64_t after, uint64_t limit, cli_answer *out)
{
    host_audit *a = NULL;
    pt_error err = { 0 };
    pt_json j;
    int rc = open_audit(c, &a);
    if (rc != CLI_GO_ON) return rc;
    pt_buf_init(&out->body, MAX_OUT);
    pt_json_init(&j, &out->body);
    pt_json_array(&j);
    pt_status st = host_audit_each(a, after, (uint32_t)limit, add_row, &j, &err);
    pt_json_end_array(&j);
    host_audit_close(a);
    return st == PT_OK ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
}

static int verdict_of_files(cli *c, cli_answer *out)
{
    host_audit *a = NULL;
    pt_error err = { 0 };
    pt_json j;
    uint64_t rows = 0;
    char newest[65];
    int rc = open_audit(c, &a);
    if (rc != CLI_GO_ON) return rc;
    pt_status st = host_audit_verify(a, &rows, newest, &err);
    host_audit_close(a);
    if (st != PT_OK && st != PT_ECORRUPT) return cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
    pt_buf_init(&out->body, MAX_OUT);
    pt_json_init(&j, &out->body);
    host_audit_verdict_json(&j, rows, newest, st == PT_OK ? NULL : err.text);
    return CLI_GO_ON;
}

static int from_host(cli *c, bool verify, uint64_t after, uint64_t limit, cli_answer *out)
{
    pt_buf target;
    pt_buf_init(&target, 4096);
    pt_buf_cstr(&target, verify ? "/api/v1/audit/verify" : "/api/v1/audit");
    if (!verify && after) cli_query_ms(&target, "after", (int64_t)after);
    if (!verify) cli_query_ms(&target, "limit", (int64_t)limit);
    char *text = pt_buf_take(&target, NULL);
    int rc = text ? cli_get(c, text, out) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    free(text);
    return rc;
}

static int print_rows(cli *c, const json_t *rows)
{
    static const char *const heads[] = { "SEQ", "TIME", "WHO", "FROM", "ACTION", "OBJECT", "BEFORE", "AFTER", "OUTCOME", "REASON" };
    cli_table *t = cli_table_new(heads, "rlllllllll", PT_COUNT_OF(heads));
    if (!t) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        static const char *const texts[] = { "principal", "address", "action", "object" };
        const json_t *r = json_array_get(rows, i);
        cli_table_json(t, json_object_get(r, "seq"));
        cli_table_time(t, cli_i64(r, "time_ms"));
        for (size_t k = 0; k < PT_COUNT_OF(texts); k++)
            cli_table_cstr(t, cli_str(r, texts[k]));
        cli_table_json(t, json_object_get(r, "before"));
        cli_table_json(t, json_object_get(r, "after"));
        cli_table_cstr(t, cli_str(r, "outcome"));
        cli_table_cstr(t, cli_str(r, "reason"));
    }
    return cli_table_end(c, t);
}

static int print_verdict(cli *c, const json_t *v)
{
    pt_buf out;
    pt_buf_init(&out, 1 << 16);
    pt_buf_printf(&out, "%lld rows are whole; the newest has the hash ", (long long)cli_i64(v, "rows"));
    cli_printable(&out, pt_cstr(cli_str(v, "newest_hash")));
    if (cli_str(v, "detail")) {
        pt_buf_cstr(&out, ".\n");
        cli_printable(&out, pt_cstr(cli_str(v, "detail")));
    }
    pt_buf_cstr(&out, ".\n");
    int rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    const char *after_text = NULL, *limit_text = NULL;
    bool verify = false;
    uint64_t after = 0, limit = ROWS_DEFAULT;
    cli_answer a = { 0 };
    const cli_option options[] = { { .name = "--after", .value = &after_text },
                                   { .name = "--limit", .value = &limit_text },
                                   { .name = "--verify", .flag = &verify },
                                   { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc > 1) rc = cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    if (rc == CLI_GO_ON && verify && (after_text || limit_text))
        rc = cli_usage(c, "--verify reads every row: --after and --limit do not go with it");
    if (rc == CLI_GO_ON && after_text && (!pt_slice_to_u64(pt_cstr(after_text), &after) || after > INT64_MAX))
        rc = cli_usage(c, "--after is the number of a row, not '%s'", after_text);
    if (rc == CLI_GO_ON && limit_text && (!pt_slice_to_u64(pt_cstr(limit_text), &limit) || limit == 0 || limit > ROWS_MAX))
        rc = cli_usage(c, "--limit is a number from 1 to %d, not '%s'", ROWS_MAX, limit_text);
    if (rc != CLI_GO_ON) return rc;
    if (!c->data_dir) rc = from_host(c, verify, after, limit, &a);
    else rc = verify ? verdict_of_files(c, &a) : rows_of_files(c, after, limit, &a);
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
    bool whole = rc != CLI_GO_ON || !verify || json_is_true(json_object_get(a.json, "whole"));
    if (rc == CLI_GO_ON) rc = c->json ? cli_put_json(c, &a) : verify ? print_verdict(c, a.json) : print_rows(c, cli_items(a.json));
    if (rc == PT_EXIT_OK && !whole) rc = PT_EXIT_FAILED;
    cli_release(&a);
    return rc;
}

const cli_verb cli_verb_audit = {
    "audit", "who changed what: writes, rebirth requests, reloads, pruned history; and whether that account is whole",
    "Usage: plantree audit [--after SEQ] [--limit N] [--json] [--data DIR]\n"
    "       plantree audit --verify [--json] [--data DIR]\n"
    "\n"
    "Rows in order, 1000 of them unless --limit says otherwise (at most 10000); --after gives what came behind a row. Each row carries the hash of the\n"
    "one before. --verify walks that chain: exit code 1 when a row was changed or taken out, and it names the first that is wrong. Rows cut off at\n"
    "the end do not break it: keep the newest hash elsewhere to notice.\n"
    "\n"
    "Examples:\n"
    "  plantree audit\n"
    "  plantree audit --verify\n"
    "  plantree audit --data /mnt/backup/plantree-2026-11-20 --verify      (no host running)\n",
    run
};
