/* host/cli/verb_log.c -- everything committed, in commit order, from any point on. From the host, or from a data directory: the same pages
 * either way. */
#include "host/query/changes.h"
#include "host/cli/cli.h"
#include "host/cli/data.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { LIMIT_DEFAULT = 1000, PAGE = 10000, MAX_PAGE = 512 << 20, PAUSE_MS = 1000 };

static const char *const heads[] = { "SEQ", "TIME", "PATH", "VALUE", "QUALITY", "EVENT" };
static const char align[] = "rllrll";

typedef struct reading {
    cli *c;
    hist *h;            /* NULL: of the host */
    cli_table *table;   /* NULL: JSON Lines, or no page yet */
    const char *select; /* comma-separated; NULL: everything */
    bool begun;         /* `after` is a number; else the oldest that is kept */
    bool paged;         /* there was an answer */
    uint64_t after;     /* dealt with */
    uint64_t left;      /* items still wanted; UINT64_MAX: no bound */
} reading;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* ---- a page ---- */

static uint64_t page_size(const reading *r)
{
    return r->left < PAGE ? r->left : PAGE;
}

static int page_of_host(const reading *r, cli_answer *a)
{
    pt_buf target;
    pt_buf_init(&target, 1 << 20);
    pt_buf_cstr(&target, "/api/v1/log");
    if (r->begun) cli_query_ms(&target, "after", (int64_t)r->after);
    cli_query_ms(&target, "limit", (int64_t)page_size(r));
    cli_query(&target, "select", r->select);
    if (!r->c->json) cli_query(&target, "int64", "string"); /* all digits, also of what is beyond a JSON reader's integers */
    char *text = pt_buf_take(&target, NULL);
    int rc = text ? cli_get(r->c, text, a) : cli_fail(r->c, PT_EXIT_FAILED, "out of memory");
    free(text);
    return rc;
}

/* As the host would answer, its refusals included. */
static int page_of_files(const reading *r, cli_answer *a)
{
    const host_changes_query q = {
        .from_oldest = !r->begun, .after = r->after, .limit = page_size(r), .int64_string = !r->c->json, .select = pt_cstr(r->select)
    };
    hist_log_range range;
    pt_error err = { 0, "" };
    pt_buf_init(&a->body, MAX_PAGE);
    pt_status st = host_changes_page(r->h, &q, &a->body, &range, &err);
    if (st == PT_OK) return CLI_GO_ON;
    if (st == PT_EINVAL) return cli_fail(r->c, PT_EXIT_USAGE, "--after: %s", err.text);
    return cli_fail(r->c, PT_EXIT_FAILED, "%s: %s", r->c->data_dir, err.text[0] ? err.text : pt_status_name(st));
}

/* ---- what is in it ---- */

static void row(cli_table *t, const json_t *item)
{
    const json_t *event = json_object_get(item, "event"), *o = event ? event : item;
    const char *node = cli_str(o, "node"), *device = cli_str(o, "device"), *path = cli_str(o, "path");
    pt_buf text;
    pt_buf_init(&text, MAX_PAGE);
    cli_table_json(t, json_object_get(item, "seq"));
    cli_table_time(t, cli_i64(o, "time_ms"));
    if (!path && node) { /* an event of a node or a device as a whole */
        pt_buf_printf(&text, "%s%s%s", node, device ? "/" : "", device ? device : "");
        cli_table_cell(t, pt_buf_view(&text));
        pt_buf_reset(&text);
    } else {
        cli_table_cstr(t, path);
    }
    cli_table_json(t, json_object_get(o, "value"));
    cli_table_cstr(t, cli_str(o, "quality"));
    if (event) {
        pt_buf_cstr(&text, cli_str(event, "type") ? cli_str(event, "type") : "");
        if (json_object_size(json_object_get(event, "detail"))) {
            pt_buf_char(&text, ' ');
            cli_value_text(&text, json_object_get(event, "detail"));
        }
        cli_table_cell(t, pt_buf_view(&text));
    } else {
        cli_table_cstr(t, NULL);
    }
    pt_buf_fini(&text);
}

/* The items of an answer, which is known to be JSON, a line each as they came: no digit is lost on the way. */
static int put_lines(const cli *c, pt_slice answer)
{
    const pt_slice head = PT_LIT("{\"items\":[");
    pt_buf out;
    int depth = 0;
    bool text = false;
    if (!pt_slice_starts(answer, head)) return cli_fail(c, PT_EXIT_FAILED, "the answer does not begin with its items");
    pt_buf_init(&out, MAX_PAGE);
    size_t i = head.len, from = i;
    for (; i < answer.len; i++) {
        char ch = answer.ptr[i];
        if (text) {
            if (ch == '\\') i++;
            else text = ch != '"';
            continue;
        }
        if (depth == 0 && (ch == ',' || ch == ']')) {
            pt_buf_add(&out, answer.ptr + from, i - from);
            pt_buf_char(&out, '\n');
            from = i + 1;
            if (ch == ']') break;
        }
        text = ch == '"';
        depth += ch == '{' || ch == '[';
        depth -= ch == '}' || ch == ']';
    }
    int rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

/* One page, said. *newest: the last change there was. CLI_GO_ON, or the exit code. */
static int next_page(reading *r, uint64_t *newest, bool *moved)
{
    cli_answer a = { 0 };
    int rc = r->h ? page_of_files(r, &a) : page_of_host(r, &a);
    if (rc == CLI_GO_ON) rc = cli_answer_json(r->c, &a);
    const json_t *items = rc == CLI_GO_ON ? json_object_get(a.json, "items") : NULL, *next = json_object_get(a.json, "next_after");
    if (rc == CLI_GO_ON && (!json_is_array(items) || !json_is_number(next)))
        rc = cli_fail(r->c, PT_EXIT_FAILED, "this is no answer to /api/v1/log");
    if (rc == CLI_GO_ON && !r->c->json && !r->table && !(r->table = cli_table_new(heads, align, PT_COUNT_OF(heads))))
        rc = cli_fail(r->c, PT_EXIT_FAILED, "out of memory");
    for (size_t i = 0; rc == CLI_GO_ON && r->table && i < json_array_size(items); i++)
        row(r->table, json_array_get(items, i));
    if (rc == CLI_GO_ON && !r->table && json_array_size(items)) {
        int put = put_lines(r->c, pt_buf_view(&a.body));
        if (put) rc = put;
    }
    if (rc == CLI_GO_ON) {
        uint64_t after = (uint64_t)cli_int(next);
        *moved = after != r->after;
        *newest = (uint64_t)cli_i64(a.json, "newest");
        r->after = after;
        r->begun = r->paged = true;
        if (r->left != UINT64_MAX) r->left -= json_array_size(items) < r->left ? json_array_size(items) : r->left;
    }
    cli_release(&a);
    return rc;
}

/* ---- all of them ---- */

/* Until the next question is due, or an interruption. */
static void pause_between(void)
{
    const struct timespec piece = { 0, 100000000 };
    int64_t until_ms = pt_mono_ms(pt_clock_system()) + PAUSE_MS;
    while (!interrupted && pt_mono_ms(pt_clock_system()) < until_ms)
        nanosleep(&piece, NULL);
}

/* Up to what was the newest at the first page, or, following, until it is enough. */
static int read_on(reading *r, bool follow)
{
    uint64_t end = UINT64_MAX;
    while (r->left && !interrupted) {
        uint64_t newest = 0;
        bool moved = false;
        int rc = next_page(r, &newest, &moved);
        if (rc != CLI_GO_ON) return rc;
        if (end == UINT64_MAX) end = newest;
        if (!follow && (!moved || r->after >= end)) break;
        if (!follow || (moved && r->after < newest)) continue;
        if (r->table && (rc = cli_table_flush(r->c, r->table)) != CLI_GO_ON) return rc;
        if (r->left) pause_between();
    }
    return interrupted ? CLI_EXIT_INTERRUPTED : CLI_GO_ON;
}

static int read_log(reading *r, bool follow)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND }; /* the second one ends a call that hangs */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL); /* cannot fail for these signals */
    sigaction(SIGTERM, &action, NULL);
    int rc = read_on(r, follow);
    int end = r->table ? cli_table_end(r->c, r->table) : PT_EXIT_OK;
    if (end && rc != PT_EXIT_FAILED) rc = end;
    if (r->paged && rc != PT_EXIT_FAILED) rc = cli_fail(r->c, rc, "next: --after %" PRIu64, r->after);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    const char *after = NULL, *limit = NULL;
    bool follow = false;
    cli_list select = { 0 };
    reading r = { .c = c };
    pt_buf globs;
    const cli_option options[] = { { .name = "--after", .value = &after },
                                   { .name = "--limit", .value = &limit },
                                   { .name = "--select", .list = &select },
                                   { .name = "--follow", .flag = &follow },
                                   { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    r.left = follow ? 0 : LIMIT_DEFAULT;
    if (rc == CLI_GO_ON && argc > 1) rc = cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    if (rc == CLI_GO_ON && after && (!pt_slice_to_u64(pt_cstr(after), &r.after) || r.after > INT64_MAX))
        rc = cli_usage(c, "--after is the number of a change, not '%s'", after);
    if (rc == CLI_GO_ON && limit && !pt_slice_to_u64(pt_cstr(limit), &r.left))
        rc = cli_usage(c, "--limit is a number, 0 for all there is, not '%s'", limit);
    for (size_t i = 0; rc == CLI_GO_ON && i < select.n; i++)
        if (!*select.items[i] || strchr(select.items[i], ','))
            rc = cli_usage(c, "--select is one glob, not '%s'; give it again for another", select.items[i]);
    if (rc != CLI_GO_ON) return rc;
    if (!r.left) r.left = UINT64_MAX;
    r.begun = after != NULL;
    pt_buf_init(&globs, 1 << 18);
    for (size_t i = 0; i < select.n; i++)
        pt_buf_printf(&globs, "%s%s", i ? "," : "", select.items[i]);
    char *list = select.n ? pt_buf_take(&globs, NULL) : NULL;
    r.select = list;
    rc = select.n && !list ? cli_fail(c, PT_EXIT_FAILED, "the globs are too long") : c->data_dir ? cli_data_open(c, true, &r.h) : CLI_GO_ON;
    if (rc == CLI_GO_ON) {
        rc = read_log(&r, follow);
        if (r.h) rc = cli_data_close(c, r.h, rc);
    }
    free(list);
    return rc == CLI_GO_ON ? PT_EXIT_OK : rc;
}

const cli_verb cli_verb_log = {
    "log", "everything committed, in commit order, from any point on: for consumers that follow",
    "Usage: plantree log [--after N] [--limit N] [--select GLOB]... [--follow] [--json] [--data DIR]\n"
    "\n"
    "Every committed sample and event has a number, in the order of their commit: not by time, so what an edge node stored while it was\n"
    "off line, or an import brought, comes behind what was there before. Without --after it begins with the oldest change that is kept\n"
    "(data.change_log of the host: 24 h and 256 MiB unless set). At the end standard error says where to go on: \"next: --after N\". A\n"
    "consumer that keeps this number misses nothing and gets nothing twice, over restarts of either side too. One that has fallen behind\n"
    "what is kept gets exit code 1 and the oldest number there is; what lies before is in `plantree history`, without numbers.\n"
    "\n"
    "  --after N        only what came behind the change N\n"
    "  --limit N        at most so many (default 1000; 0: all there is, as it is now). With --follow there is no default\n"
    "  --select GLOB    only these paths, the present ones of their tags; may be given often; a leading ! excludes. Events without a path are\n"
    "                   left out then. The number moves on over what is left out\n"
    "  --follow         go on, asking again every second, until Ctrl-C\n"
    "  --json           a JSON object per line and nothing else: {\"seq\",\"tag_id\",\"path\",\"time_ms\",\"type\",\"value\",\"quality\",\"flags\"}, or\n"
    "                   {\"seq\",\"event\":{...}}. flags: N null, H historical, S marks a state (no value); base64, where it is there: the value's\n"
    "                   own bytes, which its JSON does not hold\n"
    "\n"
    "Exit codes: 0 finished, 1 failed or fallen behind, 2 usage or a number that this historian never gave, 4 no host, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  plantree log --limit 20\n"
    "  plantree log --after 184467 --limit 0 --json > more.jsonl\n"
    "  plantree log --follow --select 'Acme/gw-1/**' --json | jq -c '[.seq, .path, .value]'\n"
    "  plantree log --data /var/lib/plantree --limit 0      (no host running, or beside it)\n",
    run
};
