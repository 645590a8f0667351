/* tests/host/cli/cli_test.c -- every verb against a real HTTP server that answers in the contract's shapes. */
#include "base/daemon/http.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static pt_http_server *server;
static char url[64];
static char seen_target[4096], seen_body[4096], seen_header[256]; /* of the last request; read after the program ended */
static _Atomic int polls;

static void note(pt_http_request *rq)
{
    pt_slice token = pt_http_header(rq, "Authorization");
    snprintf(seen_target, sizeof seen_target, "%.*s", PT_SLICE_ARGS(pt_http_path(rq)));
    snprintf(seen_body, sizeof seen_body, "%.*s", PT_SLICE_ARGS(pt_http_body(rq)));
    snprintf(seen_header, sizeof seen_header, "%.*s", PT_SLICE_ARGS(token));
}

static void json(pt_http_request *rq, int status, const char *text)
{
    note(rq);
    pt_http_reply(rq, status, "application/json", pt_cstr(text));
}

#define NODES                                                                                                                       \
    "[{\"group\":\"g\",\"edge\":\"e\",\"state\":\"online\",\"since_ms\":1763848992123,\"bd_seq\":3,\"seq\":17,\"metrics\":42,"        \
    "\"rebirths\":{\"requested\":1,\"last_cause\":\"seq-gap\",\"last_ms\":0},\"seq_gaps\":2,\"duplicates\":0,"                      \
    "\"samples\":{\"received\":100,\"stored\":98,\"historical\":1,\"duplicate\":0,\"rejected\":1},"                                 \
    "\"devices\":[{\"device\":\"d\\u001b[31m\",\"state\":\"offline\",\"since_ms\":0,\"metrics\":20}]}]"
#define TREE                                                                                                                        \
    "[{\"path\":\"a\",\"name\":\"a\",\"kind\":\"folder\",\"class\":\"functional\",\"state\":\"live\",\"children\":1,\"tag_id\":null}," \
    "{\"path\":\"a/b\",\"name\":\"b\",\"kind\":\"tag\",\"class\":\"functional\",\"state\":\"live\",\"children\":0,\"tag_id\":7}]"
#define VALUES                                                                                                                      \
    "[{\"path\":\"a/b\",\"tag_id\":7,\"value\":0.1,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\",\"timestamp_ms\":1763848992123," \
    "\"stale_since_ms\":null},{\"path\":\"a/big\",\"tag_id\":8,\"value\":18446744073709551615,\"type\":\"UInt64\",\"unit\":null,"   \
    "\"quality\":\"STALE\",\"timestamp_ms\":1,\"stale_since_ms\":2}]"
#define HISTORY                                                                                                                     \
    "{\"from_ms\":0,\"to_ms\":9,\"series\":[{\"path\":\"a/b\",\"tag_id\":7,\"unit\":\"m\",\"type\":\"Double\",\"t\":[0,1500,2000,3000,4000]," \
    "\"v\":[1.5,0.1,null,\"say \\\"hi\\\", you\",\"NaN\"],\"q\":\"GUBSG\",\"raw_count\":5}]}"
#define EVENTS                                                                                                                      \
    "[{\"seq\":1,\"time_ms\":1763848992123,\"type\":\"nbirth\",\"node\":\"g/e\",\"device\":null,\"path\":null,\"detail\":{}},"       \
    "{\"seq\":2,\"time_ms\":1763848992124,\"type\":\"write\",\"node\":\"g/e\",\"device\":\"d\",\"path\":\"a/b\",\"detail\":{\"value\":4}}]"

static void on_nodes(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, NODES);
}
static void on_tree(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    if (pt_slice_eq(pt_http_query(rq, "path"), PT_LIT("nowhere")))
        pt_http_problem(rq, 404, "not-found", "there is nothing below nowhere");
    else
        json(rq, 200, TREE);
}
static void on_values(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, VALUES);
}
static void on_history(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    if (pt_slice_eq(pt_http_query(rq, "path"), PT_LIT("long"))) { /* in two parts */
        if (pt_slice_eq(pt_http_query(rq, "from"), PT_LIT("0")))
            json(rq, 200, "{\"series\":[{\"path\":\"long\",\"t\":[0,1000],\"v\":[1,2],\"q\":\"GG\",\"next_from_ms\":2000}]}");
        else
            json(rq, 200, "{\"series\":[{\"path\":\"long\",\"t\":[2000],\"v\":[3],\"q\":\"G\"}]}");
        return;
    }
    json(rq, 200, HISTORY);
}
static void on_events(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    json(rq, 200, EVENTS);
}
static void on_rebirth(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    pt_slice g = pt_http_param(rq, "group"), e = pt_http_param(rq, "edge");
    if (pt_slice_eq(e, PT_LIT("gone")))
        pt_http_problem(rq, 404, "not-found", "there is no node %.*s/%.*s", PT_SLICE_ARGS(g), PT_SLICE_ARGS(e));
    else
        json(rq, 202, "{\"state\":\"requested\"}");
}
static void on_write(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    static const struct { const char *path; int status; const char *answer; } rows[] = {
        { "\"now\"", 200, "{\"id\":\"1\",\"state\":\"confirmed\"}" },
        { "\"later\"", 202, "{\"id\":\"2\",\"state\":\"sent\"}" },
        { "\"never\"", 202, "{\"id\":\"3\",\"state\":\"sent\"}" },
        { "\"other\"", 200, "{\"id\":\"4\",\"state\":\"deviates\",\"reported\":3.5}" },
        { "\"timeout\"", 200, "{\"id\":\"5\",\"state\":\"timeout\"}" },
    };
    pt_slice body = pt_http_body(rq);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        if (memmem(body.ptr, body.len, rows[i].path, strlen(rows[i].path))) {
            json(rq, rows[i].status, rows[i].answer);
            return;
        }
    }
    note(rq);
    pt_http_problem(rq, 403, "forbidden", "the tag is not writable");
}
static void on_write_state(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    bool done = pt_slice_eq(pt_http_param(rq, "id"), PT_LIT("2")) && ++polls >= 2;
    pt_http_reply(rq, 200, "application/json", done ? PT_LIT("{\"id\":\"2\",\"state\":\"confirmed\"}") : PT_LIT("{\"id\":\"3\",\"state\":\"sent\"}"));
}

/* hello, dict, snapshot, one value, then silence. */
static pt_status sse_more(void *stream, pt_buf *out)
{
    int *step = stream;
    static const char *const steps[] = {
        "retry: 3000\n\nid: x-1\nevent: hello\ndata: {\"sid\":\"1\"}\n\n",
        "event: dict\ndata: [[7,\"a/b\",\"Double\",\"m\"],\ndata: [8,\"a/c\",\"String\",\"\"]]\n\n",
        "event: snapshot\r\ndata: [[7,1763848992123,0.5,\"G\"],[8,1763848992123,\"x\\u0007y\",\"S\"]]\r\n\r\n",
        ": hb\n\nevent: value\ndata: [[7,1763848993000,0.1,\"G\"]]\n\n",
    };
    if (*step == (int)PT_COUNT_OF(steps)) return PT_EEMPTY;
    pt_buf_cstr(out, steps[(*step)++]);
    return PT_OK;
}
static void sse_closed(void *stream)
{
    free(stream);
}
static void on_stream(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    static const pt_http_stream_ops ops = { sse_more, sse_closed, 0 };
    if (pt_slice_eq(pt_http_query(rq, "select"), PT_LIT("refuse"))) {
        pt_http_problem(rq, 401, "unauthenticated", "show a token");
        return;
    }
    int *step = calloc(1, sizeof *step);
    if (!step) abort();
    pt_http_stream_begin(rq, 200, "text/event-stream", &ops, step);
}

static const pt_http_route routes[] = {
    { "GET", "/api/v1/nodes", on_nodes, NULL },
    { "GET", "/api/v1/tree", on_tree, NULL },
    { "GET", "/api/v1/values", on_values, NULL },
    { "GET", "/api/v1/history", on_history, NULL },
    { "GET", "/api/v1/events", on_events, NULL },
    { "POST", "/api/v1/nodes/{group}/{edge}/rebirth", on_rebirth, NULL },
    { "POST", "/api/v1/writes", on_write, NULL },
    { "GET", "/api/v1/writes/{id}", on_write_state, NULL },
    { "GET", "/api/v1/stream", on_stream, NULL },
};

static outcome cli(const char *const *args)
{
    const char *all[32] = { "--url", url };
    size_t n = 2;
    for (; *args && n < 31; args++)
        all[n++] = *args;
    return run_plantree(NULL, all);
}
#define CLI(...) cli((const char *const[]){ __VA_ARGS__, NULL })

static void tables_are_aligned_and_harmless(void)
{
    outcome o = CLI("nodes");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "NODE      STATE    SINCE                     BDSEQ  SEQ  METRICS  REBIRTHS  LAST CAUSE  GAPS  DUPLICATES  RECEIVED  "
                               "STORED  HISTORICAL  REJECTED\n"
                               "g/e       online   2025-11-22T22:03:12.123Z      3   17       42         1  seq-gap        2           0       100  "
                               "    98           1         1\n"
                               "  d?[31m  offline  -                                          20\n"));
    CHECK(!outcome_says(&o.out, "\033"));
    outcome_release(&o);
    o = CLI("tree");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "a/    folder  functional  live     -         1\n  b   tag     functional  live     7         0\n"));
    outcome_release(&o);
    o = CLI("events", "--from", "now-8h", "--type", "nbirth");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "2  2025-11-22T22:03:12.124Z  write   g/e   d       a/b   {\"value\":4}\n"));
    outcome_release(&o);
}

static void json_passes_through_as_the_host_said_it(void)
{
    static const struct { const char *args[5]; const char *want; } rows[] = {
        { { "nodes", "--json" }, NODES "\n" },
        { { "--json", "tree" }, TREE "\n" },
        { { "read", "a/b", "a/big", "--json" }, VALUES "\n" },
        { { "history", "a/b", "--json" }, HISTORY "\n" },
        { { "history", "a/b", "--format", "json" }, HISTORY "\n" },
        { { "events", "--json" }, EVENTS "\n" },
        { { "rebirth", "g/e", "--json" }, "{\"state\":\"requested\"}\n" },
        { { "write", "now", "4", "--json" }, "{\"id\":\"1\",\"state\":\"confirmed\"}\n" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = cli(rows[i].args);
        CHECK_ROW(rows[i].args[0], o.code == 0);
        CHECK_STR(pt_buf_view(&o.out), rows[i].want);
        outcome_release(&o);
    }
}

static void history_is_csv_as_the_contract_says(void)
{
    outcome o = CLI("history", "a/b", "--from", "0", "--to", "9", "--format", "csv");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "time,path,value,quality\n"
                                   "1970-01-01T00:00:00.000Z,a/b,1.5,GOOD\n"
                                   "1970-01-01T00:00:01.500Z,a/b,0.1,UNCERTAIN\n"
                                   "1970-01-01T00:00:02.000Z,a/b,,BAD\n"
                                   "1970-01-01T00:00:03.000Z,a/b,\"say \"\"hi\"\", you\",STALE\n"
                                   "1970-01-01T00:00:04.000Z,a/b,NaN,GOOD\n");
    outcome_release(&o);
    o = CLI("history", "long", "--from", "0", "--to", "9000", "--format", "csv");
    CHECK_STR(pt_buf_view(&o.out), "time,path,value,quality\n1970-01-01T00:00:00.000Z,long,1,GOOD\n1970-01-01T00:00:01.000Z,long,2,GOOD\n"
                                   "1970-01-01T00:00:02.000Z,long,3,GOOD\n");
    outcome_release(&o);
    o = CLI("history", "long", "--from", "0", "--to", "9000", "--json");
    CHECK_INT(o.code, 1); /* the host has given a part only, and JSON is passed on as it comes */
    CHECK(strstr(pt_buf_view(&o.err).ptr, "next_from_ms") != NULL);
    outcome_release(&o);
    o = CLI("history", "a/b", "a/b", "--json");
    CHECK_INT(o.code, 0);
    CHECK(outcome_says(&o.out, "\"series\":[{\"path\":\"a/b\",\"tag_id\":7,\"unit\":\"m\",\"type\":\"Double\",\"t\":[0,1500,2000,3000,4000],"
                               "\"v\":[1.5,0.1,null,\"say \\\"hi\\\", you\",\"NaN\"],\"q\":\"GUBSG\",\"raw_count\":5},{"));
    outcome_release(&o);
}

static void reading_says_values_and_what_is_missing(void)
{
    outcome o = CLI("read", "a/b", "a/none");
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.out, "a/b                       0.1  m     GOOD     2025-11-22T22:03:12.123Z  -"));
    CHECK(outcome_says(&o.out, "STALE    1970-01-01T00:00:00.001Z  1970-01-01T00:00:00.002Z"));
    CHECK(outcome_says(&o.err, "there is no tag 'a/none'"));
    CHECK(outcome_says(&o.err, "a/none"));
    CHECK_STR(pt_cstr(seen_target), "/api/v1/values");
    outcome_release(&o);
}

static void a_write_ends_with_what_became_of_it(void)
{
    static const struct { const char *path, *wait; int code; const char *want; } rows[] = {
        { "now", "5s", 0, "now = 4: confirmed\n" },
        { "later", "5s", 0, "later = 4: confirmed\n" },
        { "never", "300ms", 4, "never = 4: sent, not confirmed in time\n" },
        { "other", "5s", 1, "other = 4: deviates, the plant reports 3.5\n" },
        { "timeout", "5s", 4, "timeout = 4: timeout\n" },
        { "refused", "5s", 3, "" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = CLI("write", rows[i].path, "4", "--wait", rows[i].wait, "--reason", "test");
        CHECK_ROW(rows[i].path, o.code == rows[i].code);
        CHECK_STR(pt_buf_view(&o.out), rows[i].want);
        if (o.code == 3) CHECK(outcome_says(&o.err, "the host says 403 Forbidden: the tag is not writable"));
        outcome_release(&o);
    }
}

static void written_values_keep_their_kind(void)
{
    static const struct { const char *value, *option, *body; } rows[] = {
        { "4", NULL, "{\"path\":\"now\",\"value\":4}" },
        { "-4.50", NULL, "{\"path\":\"now\",\"value\":-4.50}" },
        { "true", NULL, "{\"path\":\"now\",\"value\":true}" },
        { "18446744073709551615", NULL, "{\"path\":\"now\",\"value\":18446744073709551615}" },
        { "007", NULL, "{\"path\":\"now\",\"value\":\"007\"}" },
        { "hello \"you\"", NULL, "{\"path\":\"now\",\"value\":\"hello \\\"you\\\"\"}" },
        { "\"4\"", NULL, "{\"path\":\"now\",\"value\":\"4\"}" },
        { "4", "--string", "{\"path\":\"now\",\"value\":\"4\"}" },
        { "", NULL, "{\"path\":\"now\",\"value\":\"\"}" },
        { "-", NULL, "{\"path\":\"now\",\"value\":\"-\"}" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = CLI("write", "now", rows[i].value, rows[i].option);
        CHECK_ROW(rows[i].value, o.code == 0);
        CHECK_STR(pt_cstr(seen_body), rows[i].body);
        outcome_release(&o);
    }
}

static void watching_prints_a_line_for_each_value(void)
{
    outcome o = CLI("watch", "a/**", "--count", "3");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "2025-11-22T22:03:12.123Z  a/b  0.5 m\n"
                                   "2025-11-22T22:03:12.123Z  a/c  x?y  STALE\n"
                                   "2025-11-22T22:03:13.000Z  a/b  0.1 m\n");
    outcome_release(&o);
    o = CLI("watch", "a/**", "--count", "1", "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"path\":\"a/b\",\"tag_id\":7,\"value\":0.5,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\","
                                   "\"timestamp_ms\":1763848992123}\n");
    outcome_release(&o);
    o = CLI("watch", "a/**", "--for", "200ms");
    CHECK_INT(o.code, 0);
    outcome_release(&o);
    int64_t before = pt_mono_ms(pt_clock_system());
    o = run_plantree("PLANTREE_URL=http://127.0.0.1:1", (const char *const[]){ "watch", "**", "--retry", "--for", "400ms", NULL });
    CHECK_INT(o.code, 0);
    CHECK(pt_mono_ms(pt_clock_system()) - before >= 390);
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=http://127.0.0.1:1", (const char *const[]){ "watch", "**", NULL });
    CHECK_INT(o.code, 4);
    outcome_release(&o);
    o = CLI("watch", "refuse");
    CHECK_INT(o.code, 3);
    CHECK(outcome_says(&o.err, "show a token"));
    outcome_release(&o);
}

static void a_rebirth_names_its_node(void)
{
    outcome o = CLI("rebirth", "Acme:Osaka/gw 1");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_cstr(seen_target), "/api/v1/nodes/Acme:Osaka/gw 1/rebirth");
    CHECK_STR(pt_buf_view(&o.out), "A rebirth is requested from Acme:Osaka/gw 1.\n");
    outcome_release(&o);
    o = CLI("rebirth", "g/gone");
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.err, "there is no node g/gone"));
    outcome_release(&o);
}

static void a_wrong_call_is_two_and_says_why(void)
{
    static const struct { const char *args[8]; const char *want; } rows[] = {
        { { "frobnicate" }, "there is no verb 'frobnicate'" },
        { { "nodes", "x" }, "no argument is expected" },
        { { "nodes", "--frob" }, "unknown option '--frob'" },
        { { "read" }, "which path?" },
        { { "history", "a", "--from", "yesterday" }, "--from: 'yesterday' is no time" },
        { { "history", "a", "--from", "now", "--to", "now" }, "--from must be before --to" },
        { { "history", "a", "--format", "xml" }, "--format is table, csv or json" },
        { { "history", "a", "--fn", "avg" }, "--fn needs --interval" },
        { { "history", "a", "--interval", "1m", "--fn", "mode" }, "'mode' is not one of" },
        { { "history", "a", "--max-points", "1" }, "--max-points is a number from 2" },
        { { "history", "a", "--from" }, "--from needs a value" },
        { { "tree", "--depth", "0" }, "--depth is a number from 1 to 64" },
        { { "events", "--limit", "x" }, "--limit is a number" },
        { { "write", "a" }, "a path and a value are needed" },
        { { "write", "a", "1", "--wait", "5" }, "--wait: '5' is no duration" },
        { { "rebirth", "g" }, "'g' is not GROUP/EDGE" },
        { { "rebirth", "g/e/d" }, "'g/e/d' is not GROUP/EDGE" },
        { { "watch" }, "which paths?" },
        { { "watch", "a", "--rate", "21" }, "--rate is a number from 1 to 20" },
        { { "replay", "ls" }, "replay run is expected" },
        { { "replay", "run", "--to-stdout", "csv" }, "--from and --to are needed" },
        { { "replay", "run", "--from", "0", "--to", "1" }, "--to-stdout jsonl or --to-stdout csv is needed" },
        { { "replay", "run", "--from", "0", "--to", "1", "--speed", "0" }, "--speed is max or a number" },
        { { "nodes", "--token-file", "/nonexistent" }, "token file /nonexistent cannot be opened" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = cli(rows[i].args);
        CHECK_ROW(rows[i].want, o.code == 2);
        CHECK_ROW(rows[i].want, outcome_says(&o.err, rows[i].want));
        CHECK_ROW(rows[i].want, o.out.len == 0);
        outcome_release(&o);
    }
}

static void help_teaches_and_is_zero(void)
{
    static const char *const verbs[] = { "nodes", "tree", "read", "watch", "history", "events", "write", "rebirth", "replay" };
    outcome o = CLI("--help");
    CHECK_INT(o.code, 0);
    for (size_t i = 0; i < PT_COUNT_OF(verbs); i++) {
        outcome v = CLI(verbs[i], "--help"), w = CLI("help", verbs[i]);
        CHECK_ROW(verbs[i], outcome_says(&o.out, verbs[i]));
        CHECK_ROW(verbs[i], v.code == 0 && outcome_says(&v.out, "Usage: plantree ") && outcome_says(&v.out, "Example"));
        CHECK_ROW(verbs[i], pt_slice_eq(pt_buf_view(&v.out), pt_buf_view(&w.out)));
        outcome_release(&v);
        outcome_release(&w);
    }
    outcome_release(&o);
    o = CLI("--version");
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_buf_view(&o.out), "plantree " PLANTREE_VERSION "\n");
    outcome_release(&o);
}

static void what_the_host_refuses_or_lacks_has_its_code(void)
{
    outcome o = CLI("tree", "nowhere");
    CHECK_INT(o.code, 1);
    CHECK(outcome_says(&o.err, "plantree tree: the host says 404 Not Found: there is nothing below nowhere"));
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=http://127.0.0.1:1/", (const char *const[]){ "nodes", NULL });
    CHECK_INT(o.code, 4);
    CHECK(outcome_says(&o.err, "http://127.0.0.1:1/: "));
    outcome_release(&o);
    o = run_plantree("PLANTREE_URL=file:///etc/passwd", (const char *const[]){ "nodes", NULL });
    CHECK_INT(o.code, 2);
    outcome_release(&o);
}

static void the_token_travels_as_a_bearer(void)
{
    char path[300];
    outcome o = run_plantree("PLANTREE_TOKEN=abc", (const char *const[]){ "nodes", "--url", url, NULL });
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_cstr(seen_header), "Bearer abc");
    outcome_release(&o);
    snprintf(path, sizeof path, "%s/token", pt_test_dir());
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs("from-file\n", f) >= 0 && fclose(f) == 0);
    o = CLI("--token-file", path, "nodes");
    CHECK_STR(pt_cstr(seen_header), "Bearer from-file");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(tables_are_aligned_and_harmless),
        PT_TEST(json_passes_through_as_the_host_said_it),
        PT_TEST(history_is_csv_as_the_contract_says),
        PT_TEST(reading_says_values_and_what_is_missing),
        PT_TEST(a_write_ends_with_what_became_of_it),
        PT_TEST(written_values_keep_their_kind),
        PT_TEST(watching_prints_a_line_for_each_value),
        PT_TEST(a_rebirth_names_its_node),
        PT_TEST(a_wrong_call_is_two_and_says_why),
        PT_TEST(help_teaches_and_is_zero),
        PT_TEST(what_the_host_refuses_or_lacks_has_its_code),
        PT_TEST(the_token_travels_as_a_bearer),
    };
    uint16_t port = 0;
    pt_error err = { 0 };
    pt_http_options o = { .listen = "127.0.0.1:0" };
    if (pt_http_start(&o, routes, PT_COUNT_OF(routes), NULL, NULL, pt_clock_system(), NULL, &server, &port, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    int rc = pt_test_main("host/cli", tests, PT_COUNT_OF(tests), argc, argv);
    pt_http_stop(server);
    return rc;
}
