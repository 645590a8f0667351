/* host/main.c: options, exit codes, and what signals do to a running plantree-host. */
#include "tests/base/client.h"
#include "tests/host/program.h"
#include "tests/host/wire.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN(p, out, ...) program_run((p), (const char *const[]){ __VA_ARGS__, NULL }, (out), sizeof(out))

/* A primary host on this broker. */
static void open_on(program *p, const pt_broker *b, const char *more)
{
    char yaml[2000];
    snprintf(yaml, sizeof yaml,
             "version: 1\nhost: { id: desk, role: primary }\nmqtt: { servers: ['%s'] }\ndata: { dir: '$/data', commit_interval: 20ms }\n"
             "http: { listen: '127.0.0.1:0' }\n%s",
             pt_broker_url(b), more);
    program_open(p, yaml);
}

static void options_are_explained_and_wrong_ones_refused(void)
{
    program p;
    char out[8192];
    program_open(&p, "version: 1\n");
    CHECK_INT(RUN(&p, out, "--help"), 0);
    CHECK(strstr(out, "--config") && strstr(out, "--check") && strstr(out, "A first configuration") && strstr(out, "embedded_broker"));
    CHECK_INT(RUN(&p, out, "--version"), 0);
    CHECK(strstr(out, "plantree-host " PLANTREE_VERSION) != NULL);
    CHECK_INT(RUN(&p, out, "--nonsense"), 2);
    CHECK(strstr(out, "--nonsense") != NULL);
    CHECK_INT(RUN(&p, out, "stray"), 2);
    CHECK(strstr(out, "stray") != NULL);
    CHECK_INT(RUN(&p, out, "--config"), 2);
    CHECK(strstr(out, "--config") != NULL);
    CHECK_INT(RUN(&p, out, "--log-level", "loud", "--check"), 2);
    CHECK(strstr(out, "loud") != NULL);
    CHECK_INT(RUN(&p, out, "--log-format", "xml", "--check"), 2);
    CHECK(strstr(out, "xml") != NULL);
}

static void a_check_is_silent_when_all_is_well_and_names_line_and_column_of_every_fault(void)
{
    program p;
    char out[8192], want[400];
    program_open(&p, "version: 1\nhost: { id: desk }\n");
    CHECK_INT(RUN(&p, out, "--config", p.config, "--check"), 0);
    CHECK_STR(pt_cstr(out), "");
    program_config(&p, "version: 1\nhost:\n  id: desk\n  role: chief\nmqtt: { keep_alive: soon }\nrules: [ { to: 'x' } ]\n");
    CHECK_INT(RUN(&p, out, "--config", p.config, "--check"), 2);
    snprintf(want, sizeof want, "%s:4:9: ", p.config);
    CHECK(strstr(out, want) && strstr(out, "chief"));
    snprintf(want, sizeof want, "%s:5:", p.config);
    CHECK(strstr(out, want) && strstr(out, "soon"));
    CHECK_INT(RUN(&p, out, "--config", p.config), 2); /* and it does not run with it */
    CHECK(strstr(out, want) != NULL);
    CHECK_INT(RUN(&p, out, "--config", "/nowhere/host.yaml", "--check"), 2);
    CHECK(strstr(out, "/nowhere/host.yaml") != NULL);
    program_config(&p, "version: 1\nhost: [ {\n");
    CHECK_INT(RUN(&p, out, "--config", p.config, "--check"), 2);
    CHECK(strstr(out, "host.yaml:") != NULL);
}

static void sigterm_says_our_death_and_ends_with_0(void)
{
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    program p;
    open_on(&p, b, "");
    program_start(&p);
    CHECK_WITHIN_FATAL(15000, pt_observer_count_topic(o, "spBv1.0/STATE/desk") > 0);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    const pt_observed *last = pt_observer_at(o, pt_observer_count(o) - 1);
    CHECK_WITHIN(5000, (last = pt_observer_at(o, pt_observer_count(o) - 1)) &&
                           memmem(last->payload.ptr, last->payload.len, "\"online\":false", 14));
    CHECK(last->retain && last->qos == 1);
    CHECK_INT(program_logged(&p, " HOST-STOP stopped"), 1);
    program_start(&p); /* SIGINT is the same */
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 2);
    CHECK_INT(program_end(&p, SIGINT), 0);
    CHECK_INT(program_logged(&p, " HOST-STOP stopped"), 2);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static long ask_write(long port)
{
    answer a = client_ask((uint16_t)port, (ask){ .method = "POST",
                                                 .target = "/api/v1/writes",
                                                 .body = "{\"path\":\"no/such\",\"value\":1}",
                                                 .headers = { "Content-Type: application/json" } });
    long status = a.status;
    client_release(&a);
    return status;
}

static void sighup_takes_over_a_good_file_and_leaves_the_old_one_in_force_for_a_bad_one(void)
{
    pt_broker *b = pt_broker_start(NULL);
    program p;
    char yaml[1200];
    open_on(&p, b, "writes: { enabled: true }\n");
    program_start(&p);
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 1);
    long port = program_number(&p, "http port ");
    CHECK_INT(ask_write(port), 404); /* allowed, but there is no such tag */

    snprintf(yaml, sizeof yaml,
             "version: 1\nhost: { id: desk, role: primary }\nmqtt: { servers: ['%s'] }\ndata: { dir: '$/data', commit_interval: 20ms }\n"
             "http: { listen: '127.0.0.1:0' }\nwrites: { enabled: maybe }\n",
             pt_broker_url(b));
    program_config(&p, yaml);
    CHECK(kill(p.pid, SIGHUP) == 0);
    CHECK_WITHIN(10000, program_logged(&p, "going on with the old one") == 1);
    CHECK_INT(program_logged(&p, "host.yaml:6:"), 1); /* the fault's place */
    CHECK_INT(ask_write(port), 404);

    snprintf(yaml, sizeof yaml,
             "version: 1\nhost: { id: other, role: primary }\nmqtt: { servers: ['%s'] }\ndata: { dir: '$/data', commit_interval: 20ms }\n"
             "http: { listen: '127.0.0.1:0' }\nwrites: { enabled: false }\n",
             pt_broker_url(b));
    program_config(&p, yaml);
    CHECK(kill(p.pid, SIGHUP) == 0);
    CHECK_WITHIN(10000, program_logged(&p, "settings are taken over") == 1);
    CHECK_INT(program_logged(&p, "at the next start only: host.id"), 1);
    CHECK_INT(ask_write(port), 403);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    pt_broker_stop(b);
}

static bool audit_says(const program *p, char *out, size_t cap)
{
    char command[1200];
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(command, sizeof command, "%s/plantree audit --json --data %s/data", bin ? bin : "build/bin", p->dir);
    FILE *f = popen(command, "r");
    if (!f) return false;
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    return pclose(f) == 0;
}

static size_t times(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

enum { OPEN_WRITES = 20 };

/* A host with a node whose tags take writes and say nothing, and so many writes that wait. */
static void open_writes(program *p, const pt_broker *b, int fds[OPEN_WRITES])
{
    char request[400], body[100];
    pt_buf birth;
    answer a;
    open_on(p, b, "sparkplug: { hold_off: 0ms }\nwrites: { enabled: true, confirm_timeout: 1m }\n");
    program_start(p);
    CHECK_WITHIN_FATAL(15000, program_logged(p, "HOST-START") == 1);
    uint16_t port = (uint16_t)program_number(p, "http port ");
    pt_buf_init(&birth, 1u << 16);
    wire_payload("ts=1000 seq=0 bd=7 t:10=d0.1@1000", &birth);
    bool there = false;
    for (int64_t until = pt_test_now_ms() + 15000; !there && pt_test_now_ms() < until;) { /* until the host has subscribed */
        pt_broker_publish(b, "spBv1.0/g/NBIRTH/e", pt_buf_view(&birth), 0, false);
        a = client_ask(port, (ask){ .target = "/api/v1/values?paths=g/e/t" });
        there = client_has(&a, "\"GOOD\"");
        client_release(&a);
    }
    pt_buf_fini(&birth);
    CHECK_FATAL(there);
    bool online = false;
    for (int64_t until = pt_test_now_ms() + 15000; !online && pt_test_now_ms() < until; client_release(&a)) { /* commands may be sent */
        a = client_ask(port, (ask){ .target = "/api/v1/status" });
        online = client_has(&a, "\"phase\":\"online\"");
    }
    CHECK_FATAL(online);
    for (int i = 0; i < OPEN_WRITES; i++) {
        int n = snprintf(body, sizeof body, "{\"path\":\"g/e/t\",\"value\":%d}", 100 + i);
        snprintf(
            request, sizeof request,
            "POST /api/v1/writes?wait=60s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n,
            body);
        fds[i] = client_send(port, request);
    }
    bool open = false;
    for (int64_t until = pt_test_now_ms() + 15000; !open && pt_test_now_ms() < until; client_release(&a)) {
        a = client_ask(port, (ask){ .target = "/metrics" });
        open = client_has(&a, "plantree_writes_open 20\n") && client_has(&a, "plantree_http_waiting 20\n");
    }
    CHECK_FATAL(open);
    static char out[100000]; /* a write is open already while its row is being written */
    CHECK_WITHIN_FATAL(15000, audit_says(p, out, sizeof out) && times(out, "\"requested\"") == OPEN_WRITES);
}

static void sigterm_answers_every_open_write_and_the_audit_has_one_outcome_of_each(void)
{
    static char out[100000];
    pt_broker *b = pt_broker_start(NULL);
    program p;
    int fds[OPEN_WRITES];
    open_writes(&p, b, fds);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    for (int i = 0; i < OPEN_WRITES; i++) {
        CHECK(client_read_until(fds[i], "\"state\":\"unknown\""));
        close(fds[i]);
    }
    CHECK(audit_says(&p, out, sizeof out));
    CHECK_INT(times(out, "\"requested\""), OPEN_WRITES);
    CHECK_INT(times(out, "\"unknown (host stopped)\""), OPEN_WRITES);
    CHECK_INT(times(out, "\"action\":\"write\""), 2 * OPEN_WRITES);
    program_start(&p); /* nothing is open for the next start */
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 2);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    CHECK(audit_says(&p, out, sizeof out));
    CHECK_INT(times(out, "\"action\":\"write\""), 2 * OPEN_WRITES);
    pt_broker_stop(b);
}

static void after_kill_9_the_next_start_closes_in_the_audit_what_stands_open(void)
{
    static char out[100000];
    pt_broker *b = pt_broker_start(NULL);
    program p;
    int fds[OPEN_WRITES];
    open_writes(&p, b, fds);
    CHECK_INT(program_end(&p, SIGKILL), 256 + SIGKILL);
    for (int i = 0; i < OPEN_WRITES; i++)
        close(fds[i]);
    CHECK(audit_says(&p, out, sizeof out));
    CHECK_INT(times(out, "\"action\":\"write\""), OPEN_WRITES); /* requested, and no more */
    program_start(&p);
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 2);
    CHECK_INT(program_logged(&p, "HOST-WRITES-KILLED 20 writes"), 1);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    CHECK(audit_says(&p, out, sizeof out));
    CHECK_INT(times(out, "\"unknown (host was killed)\""), OPEN_WRITES);
    CHECK_INT(times(out, "\"action\":\"write\""), 2 * OPEN_WRITES);
    pt_broker_stop(b);
}

static void a_second_host_on_the_same_data_is_refused_and_the_first_goes_on(void)
{
    pt_broker *b = pt_broker_start(NULL);
    program p;
    char out[8192];
    open_on(&p, b, "");
    program_start(&p);
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 1);
    CHECK_INT(RUN(&p, out, "--config", p.config), 3);
    CHECK(strstr(out, "HOST-OPEN") && strstr(out, "/data"));
    answer a = client_ask((uint16_t)program_number(&p, "http port "), (ask){ .method = "GET", .target = "/healthz" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    pt_broker_stop(b);
}

static void a_port_that_is_taken_ends_the_start_with_its_name(void)
{
    pt_broker *b = pt_broker_start(NULL); /* any listener will do */
    program p;
    char yaml[1200], out[8192], want[40];
    snprintf(yaml, sizeof yaml, "version: 1\nmqtt: { servers: ['%s'] }\ndata: { dir: '$/data' }\nhttp: { listen: '127.0.0.1:%d' }\n",
             pt_broker_url(b), pt_broker_port(b));
    program_open(&p, yaml);
    CHECK_INT(RUN(&p, out, "--config", p.config), 1);
    snprintf(want, sizeof want, "127.0.0.1:%d", pt_broker_port(b));
    CHECK(strstr(out, "HOST-START") && strstr(out, want));
    CHECK_INT(RUN(&p, out, "--config", p.config, "--log-format", "json", "--log-level", "error"), 1);
    CHECK(out[0] == '{' && strstr(out, "\"id\":\"HOST-START\"") && !strstr(out, "\"info\""));
    pt_broker_stop(b);
}

static void the_embedded_broker_comes_and_goes_with_the_host(void)
{
    program p;
    char yaml[1200];
    int port = pt_free_port();
    snprintf(yaml, sizeof yaml,
             "version: 1\nhost: { role: primary }\nmqtt: { servers: ['tcp://127.0.0.1:%d'], embedded_broker: true, reconnect_min: 50ms }\n"
             "data: { dir: '$/deep/er/data' }\nhttp: { listen: '127.0.0.1:0' }\n",
             port); /* missing parents are made */
    program_open(&p, yaml);
    program_start(&p);
    CHECK_WITHIN_FATAL(15000, program_logged(&p, "HOST-START") == 1);
    long http = program_number(&p, "http port ");
    bool ready = false;
    for (int64_t until = pt_test_now_ms() + 15000; !ready && pt_test_now_ms() < until; nanosleep(&(struct timespec){ 0, 20000000 }, NULL)) {
        answer a = client_ask((uint16_t)http, (ask){ .method = "GET", .target = "/readyz" });
        ready = a.status == 200;
        client_release(&a);
    }
    CHECK(ready);
    long broker = program_number(&p, ", pid ");
    CHECK(broker > 0 && kill((pid_t)broker, 0) == 0);
    CHECK_INT(program_end(&p, SIGTERM), 0);
    CHECK(kill((pid_t)broker, 0) != 0);
    CHECK_INT(program_logged(&p, "mosquitto stopped"), 1);
}

static void a_data_directory_that_cannot_be_opened_is_tried_again_and_told_until_a_signal_ends_it(void)
{
    program p;
    char file[300];
    program_open(&p, "version: 1\ndata: { dir: '$/file/data' }\nhttp: { listen: '127.0.0.1:0' }\n");
    snprintf(file, sizeof file, "%s/file", p.dir);
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f != NULL && fputs("no directory", f) >= 0 && fclose(f) == 0);
    program_start(&p);
    CHECK_WITHIN(15000, program_logged(&p, "HOST-OPEN") >= 1);
    CHECK_WITHIN(15000, program_logged(&p, "trying again") >= 1);
    CHECK_INT(program_end(&p, SIGINT), 0);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(options_are_explained_and_wrong_ones_refused),
        PT_TEST(a_check_is_silent_when_all_is_well_and_names_line_and_column_of_every_fault),
        PT_TEST(sigterm_says_our_death_and_ends_with_0),
        PT_TEST(sighup_takes_over_a_good_file_and_leaves_the_old_one_in_force_for_a_bad_one),
        PT_TEST(sigterm_answers_every_open_write_and_the_audit_has_one_outcome_of_each),
        PT_TEST(after_kill_9_the_next_start_closes_in_the_audit_what_stands_open),
        PT_TEST(a_second_host_on_the_same_data_is_refused_and_the_first_goes_on),
        PT_TEST(a_port_that_is_taken_ends_the_start_with_its_name),
        PT_TEST(a_data_directory_that_cannot_be_opened_is_tried_again_and_told_until_a_signal_ends_it),
        PT_TEST(the_embedded_broker_comes_and_goes_with_the_host),
    };
    return pt_test_main("host/main", tests, PT_COUNT_OF(tests), argc, argv);
}
