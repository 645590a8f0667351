/* tests/host/cli/client_test.c -- the host's HTTP interface: what each answer's exit code is, tokens, redirects, streams, and the host's
 * files. */
#include "tests/host/cli/capture.h"
#include "tests/host/cli/scripted_host.h"
#include "tests/host/cli/verb.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

static cli fresh(void)
{
    return (cli){ .verb = &cli_verb_nodes, .url = scripted_url(), .timeout_ms = 5000 };
}

/* The call's outcome; *a is released by the caller. */
static outcome ask(cli *c, const char *target, cli_answer *a)
{
    capture_begin();
    outcome o = capture_end(cli_get(c, target, a));
    return o;
}

static void queries_are_percent_encoded(void)
{
    pt_buf b;
    pt_buf_init(&b, 1000);
    pt_buf_cstr(&b, "/x");
    cli_query(&b, "a", "1&2=3 %/\xC3\xA4");
    cli_query(&b, "none", NULL);
    cli_query_ms(&b, "from", -5);
    cli_query(&b, "empty", "");
    CHECK_STR(pt_buf_view(&b), "/x?a=1%262%3D3%20%25%2F%C3%A4&from=-5&empty=");
    pt_buf_fini(&b);
}

static void each_status_has_the_contracts_exit_code(void)
{
    static const struct {
        int status, code;
    } rows[] = {
        { 200, CLI_GO_ON }, { 202, CLI_GO_ON }, { 204, CLI_GO_ON }, { 400, 2 }, { 401, 3 }, { 403, 3 }, { 409, 3 }, { 422, 3 },
        { 423, 3 },         { 404, 1 },         { 405, 1 },         { 413, 1 }, { 500, 1 }, { 503, 1 }, { 408, 4 }, { 504, 4 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        cli c = fresh();
        cli_answer a = { 0 };
        char target[40], says[80];
        snprintf(target, sizeof target, "/code/%d", rows[i].status);
        outcome o = ask(&c, target, &a);
        CHECK_ROW(target, o.code == rows[i].code && a.status == rows[i].status);
        snprintf(says, sizeof says, "plantree nodes: the host says %d No: because?[1m; more\n", rows[i].status);
        CHECK_STR(pt_buf_view(&o.err), o.code == CLI_GO_ON ? "" : says);
        cli_release(&a);
        outcome_release(&o);
        cli_client_close(&c);
    }
}

static void a_refusal_without_a_problem_document_is_said_all_the_same(void)
{
    cli c = fresh();
    cli_answer a = { 0 };
    outcome o = ask(&c, "/code/502?bare=1", &a);
    CHECK_INT(o.code, 1);
    CHECK_STR(pt_buf_view(&o.err), "plantree nodes: the host says 502 \n");
    cli_release(&a);
    outcome_release(&o);
    cli_client_close(&c);
}

static void a_request_is_judged_by_the_caller_when_wanted(void)
{
    cli c = fresh();
    cli_answer a = { 0 };
    CHECK_INT(cli_request(&c, "POST", "/code/409", "{\"a\":1}", "X-Own: 1", &a), CLI_GO_ON);
    CHECK_INT(a.status, 409);
    CHECK_STR(pt_cstr(scripted_seen()->body), "{\"a\":1}");
    cli_release(&a);
    cli_client_close(&c);
}

static void a_host_that_is_not_there_or_no_host_is_told_apart(void)
{
    static const struct {
        const char *url;
        int code;
    } rows[] = {
        { NO_HOST, 4 },
        { "http://127.0.0.1:1/", 4 },
        { "http://host.invalid", 4 },
        { "file:///etc/passwd", 2 },
        { "ftp://127.0.0.1", 2 },
        { "http://[", 2 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        cli c = fresh();
        cli_answer a = { 0 };
        c.url = rows[i].url;
        outcome o = ask(&c, "/api/v1/nodes", &a);
        CHECK_ROW(rows[i].url, o.code == rows[i].code);
        CHECK_ROW(rows[i].url, outcome_says(&o.err, rows[i].url));
        cli_release(&a);
        outcome_release(&o);
        cli_client_close(&c);
    }
}

/* Accepts at TCP level and answers nothing; the caller closes the socket. */
static int listen_silently(char *url, size_t size)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(url, size, "http://127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

static void a_host_that_does_not_answer_is_waited_for_as_long_as_told(void)
{
    char url[64];
    int fd = listen_silently(url, sizeof url);
    cli c = fresh();
    cli_answer a = { 0 };
    c.url = url;
    c.timeout_ms = 200;
    outcome o = ask(&c, "/api/v1/nodes", &a);
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.err, "timed out");
    cli_release(&a);
    outcome_release(&o);
    cli_client_close(&c);
    close(fd);
}

static void a_redirect_is_not_followed(void)
{
    cli c = fresh();
    cli_answer a = { 0 };
    outcome o = ask(&c, "/redirect", &a);
    CHECK_CODE(o, 1);
    CHECK_STR(pt_cstr(scripted_seen()->target), "/redirect"); /* the token would have travelled on */
    cli_release(&a);
    outcome_release(&o);
    cli_client_close(&c);
}

static void what_is_no_json_is_said(void)
{
    cli c = fresh();
    cli_answer a = { 0 };
    CHECK_INT(cli_get(&c, "/odd", &a), CLI_GO_ON);
    capture_begin();
    outcome o = capture_end(cli_answer_json(&c, &a));
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "did not answer with JSON");
    outcome_release(&o);
    cli_release(&a);
    CHECK_INT(cli_get(&c, "/api/v1/values", &a), CLI_GO_ON); /* with a number above 2^63 */
    CHECK_INT(cli_answer_json(&c, &a), CLI_GO_ON);
    CHECK(json_array_size(a.json) == 2 && json_real_value(json_object_get(json_array_get(a.json, 1), "value")) == 18446744073709551616.0);
    cli_release(&a);
    cli_client_close(&c);
}

/* ---- tokens, through the program: its environment is its own ---- */

static void write_token(char path[300], const char *text)
{
    snprintf(path, 300, "%s/token", pt_test_dir());
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void the_token_travels_as_a_bearer(void)
{
    char path[300];
    outcome o = run_plantree("PLANTREE_TOKEN=abc", (const char *const[]){ "nodes", "--url", scripted_url(), NULL });
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_cstr(scripted_seen()->authorization), "Bearer abc");
    outcome_release(&o);
    write_token(path, "from-file\n");
    o = run_plantree("PLANTREE_TOKEN=abc", (const char *const[]){ "--url", scripted_url(), "--token-file", path, "nodes", NULL });
    CHECK_INT(o.code, 0);
    CHECK_STR(pt_cstr(scripted_seen()->authorization), "Bearer from-file"); /* the file goes before */
    outcome_release(&o);
    o = SCRIPTED("nodes");
    CHECK_STR(pt_cstr(scripted_seen()->authorization), "");
    outcome_release(&o);
}

static void a_token_that_cannot_be_one_is_not_sent(void)
{
    static const struct {
        const char *content, *says;
    } rows[] = { { "two words\n", "a character that no token has" }, { "", "is empty" }, { "a\tb", "a character that no token has" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char path[300];
        write_token(path, rows[i].content);
        outcome o = SCRIPTED("nodes", "--token-file", path);
        CHECK_CODE(o, 2);
        CHECK_SAYS(o.err, rows[i].says);
        outcome_release(&o);
    }
    outcome o = SCRIPTED("nodes", "--token-file", "/nonexistent");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "token file /nonexistent cannot be opened");
    outcome_release(&o);
}

/* ---- streams ---- */

typedef struct heard {
    pt_buf text;
    int events, enough;
} heard;

static bool hear(void *ctx, pt_slice event, pt_slice data)
{
    heard *h = ctx;
    pt_buf_printf(&h->text, "[%.*s|%.*s]", PT_SLICE_ARGS(event), PT_SLICE_ARGS(data));
    return ++h->events < h->enough;
}

static void a_stream_gives_its_events_until_enough(void)
{
    cli c = fresh();
    heard h = { .enough = 4 };
    pt_buf_init(&h.text, 10000);
    CHECK_INT(cli_stream(&c, "/api/v1/stream?select=a", 0, hear, &h), CLI_GO_ON);
    CHECK_STR(pt_buf_view(&h.text),
              "[hello|{\"sid\":\"1\"}][dict|[[7,\"a/b\",\"Double\",\"m\"],\n[8,\"a/c\",\"String\",\"\"]]]"
              "[snapshot|[[7,1763848992123,0.5,\"G\"],[8,1763848992123,\"x\\u0007y\",\"S\"]]][value|[[7,1763848993000,0.1,\"G\"]]]");
    pt_buf_fini(&h.text);
    cli_client_close(&c);
}

static void a_stream_ends_with_its_time(void)
{
    cli c = fresh();
    heard h = { .enough = 1000 };
    pt_buf_init(&h.text, 10000);
    CHECK_INT(cli_stream(&c, "/api/v1/stream?select=a", 300, hear, &h), CLI_GO_ON);
    CHECK_INT(h.events, 4);
    pt_buf_fini(&h.text);
    cli_client_close(&c);
}

static void a_stream_that_never_begins_is_no_stream(void)
{
    char silent[64];
    int fd = listen_silently(silent, sizeof silent);
    cli c = fresh();
    heard h = { .enough = 1000 };
    pt_buf_init(&h.text, 10000);
    c.url = silent;
    capture_begin();
    outcome o = capture_end(cli_stream(&c, "/api/v1/stream?select=a", 200, hear, &h));
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.err, "timed out");
    outcome_release(&o);
    pt_buf_fini(&h.text);
    cli_client_close(&c);
    close(fd);
}

static void a_stream_that_is_refused_or_no_stream_is_said(void)
{
    static const struct {
        const char *target;
        int code;
        const char *says;
    } rows[] = {
        { "/api/v1/stream?select=refuse", 3, "show a token" },
        { "/code/404", 1, "404 No" },
        { "/api/v1/nodes", 4, "ended the stream" }, /* an answer with an end */
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        cli c = fresh();
        heard h = { .enough = 1000 };
        pt_buf_init(&h.text, 10000);
        capture_begin();
        outcome o = capture_end(cli_stream(&c, rows[i].target, 5000, hear, &h));
        CHECK_CODE(o, rows[i].code);
        CHECK_SAYS(o.err, rows[i].says);
        CHECK_INT(h.events, 0);
        outcome_release(&o);
        pt_buf_fini(&h.text);
        cli_client_close(&c);
    }
}

/* ---- the host's files ---- */

static void the_hosts_directory_is_asked_for_only_when_none_was_given(void)
{
    cli c = fresh();
    c.data_dir = "/given";
    CHECK_INT(cli_need_data(&c), CLI_GO_ON);
    CHECK_STR(pt_cstr(c.data_dir), "/given");
    c = fresh();
    capture_begin();
    outcome o = capture_end(cli_need_data(&c)); /* a host of an older version */
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "does not tell its data directory; give it with --data DIR");
    CHECK(c.data_dir == NULL);
    outcome_release(&o);
    cli_client_close(&c);
    char elsewhere[100];
    c = fresh();
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", scripted_url());
    c.url = elsewhere;
    capture_begin();
    o = capture_end(cli_need_data(&c)); /* a host on another machine */
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "the host's data directory /nonexistent/elsewhere cannot be read here (No such file or directory)");
    outcome_release(&o);
    cli_client_close(&c);
    c = fresh();
    c.url = NO_HOST;
    capture_begin();
    o = capture_end(cli_need_data(&c));
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.err, "without a host, name its files with --data DIR");
    outcome_release(&o);
    cli_client_close(&c);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(queries_are_percent_encoded),
        PT_TEST(each_status_has_the_contracts_exit_code),
        PT_TEST(a_refusal_without_a_problem_document_is_said_all_the_same),
        PT_TEST(a_request_is_judged_by_the_caller_when_wanted),
        PT_TEST(a_host_that_is_not_there_or_no_host_is_told_apart),
        PT_TEST(a_host_that_does_not_answer_is_waited_for_as_long_as_told),
        PT_TEST(a_redirect_is_not_followed),
        PT_TEST(what_is_no_json_is_said),
        PT_TEST(the_token_travels_as_a_bearer),
        PT_TEST(a_token_that_cannot_be_one_is_not_sent),
        PT_TEST(a_stream_gives_its_events_until_enough),
        PT_TEST(a_stream_ends_with_its_time),
        PT_TEST(a_stream_that_never_begins_is_no_stream),
        PT_TEST(a_stream_that_is_refused_or_no_stream_is_said),
        PT_TEST(the_hosts_directory_is_asked_for_only_when_none_was_given),
    };
    unsetenv("PLANTREE_TOKEN");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = scripted_main("host/cli/client", tests, PT_COUNT_OF(tests), argc, argv);
    curl_global_cleanup();
    return rc;
}
