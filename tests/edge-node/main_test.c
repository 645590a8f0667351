/* plantree-edge's options, exit codes and what it tells systemd. */
#include "tests/edge-node/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RUN(w, out, ...) wire_run((w), (const char *const[]){ __VA_ARGS__, NULL }, (out), sizeof(out))

static void a_good_configuration_passes_the_check_and_faults_are_named_with_their_places(void)
{
    wire w;
    char out[4096], want[400];
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    CHECK_INT(RUN(&w, out, "--config", w.config, "--check"), 0);
    CHECK_STR(pt_cstr(out), "");
    wire_config(&w, (wire_settings){ .mqtt = ", keep_alive: soon",
                                     .devices = "  - { id: sim, driver: sim, tags: [ { name: N, type: Int65 } ] }\n" });
    CHECK_INT(RUN(&w, out, "--config", w.config, "--check"), 2);
    snprintf(want, sizeof want, "%s:3:", w.config);
    CHECK(strstr(out, want) && strstr(out, "soon"));
    CHECK_INT(RUN(&w, out, "--config", w.config), 2); /* and it does not run with it */
    CHECK(strstr(out, want) != NULL);
    CHECK_INT(RUN(&w, out, "--config", "/nowhere/edge.yaml", "--check"), 2);
    CHECK(strstr(out, "/nowhere/edge.yaml") != NULL);
    CHECK_INT(pt_observer_count(w.seen), 0);
    wire_close(&w);
}

static void options_are_explained_and_wrong_ones_refused(void)
{
    wire w;
    static char out[200000];
    wire_open(&w);
    CHECK_INT(RUN(&w, out, "--help"), 0);
    CHECK(strstr(out, "--export-tags DEVICE") && strstr(out, "SIGHUP"));
    CHECK_INT(RUN(&w, out, "--version"), 0);
    CHECK(strstr(out, "plantree-edge " PLANTREE_VERSION) != NULL);
    CHECK_INT(RUN(&w, out, "--document"), 0);
    CHECK(strstr(out, "rebirth_debounce") && strstr(out, "deadband_percent"));
    CHECK_INT(RUN(&w, out, "--nonsense"), 2);
    CHECK(strstr(out, "--nonsense") != NULL);
    CHECK_INT(RUN(&w, out, "--log-level", "info"), 2);
    CHECK(strstr(out, "--config FILE is needed") != NULL);
    wire_close(&w);
}

static void the_tag_list_goes_out_as_csv_and_comes_back_as_the_same(void)
{
    wire w;
    static char first[8192], second[8192];
    char path[320];
    wire_open(&w);
    wire_config(
        &w,
        (wire_settings){
            .devices =
                "  - { id: plc, driver: modbus-tcp, address: 127.0.0.1:1502, tags: [ { name: 'A, b', type: Float, register: 'holding:3', unit: m, write: true },"
                " { name: C, type: UInt16, register: 'input:9', deadband: 2 } ] }\n" });
    CHECK_INT(RUN(&w, first, "--config", w.config, "--export-tags", "plc"), 0);
    CHECK(strstr(first, "\"A, b\",Float") && strstr(first, "holding:3"));
    CHECK_INT(RUN(&w, second, "--config", w.config, "--export-tags", "nobody"), 2);
    CHECK(strstr(second, "no device 'nobody'") != NULL);
    snprintf(path, sizeof path, "%s/tags.csv", w.dir);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f != NULL && fputs(first, f) >= 0 && fclose(f) == 0);
    wire_config(&w, (wire_settings){ .devices = "  - { id: plc, driver: modbus-tcp, address: 127.0.0.1:1502, tags_file: tags.csv }\n" });
    CHECK_INT(RUN(&w, second, "--config", w.config, "--export-tags", "plc"), 0);
    CHECK_STR(pt_cstr(second), first);
    wire_close(&w);
}

static void a_second_edge_on_the_same_spool_is_refused(void)
{
    wire w;
    char out[4096];
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == 1);
    CHECK_INT(RUN(&w, out, "--config", w.config), 1);
    CHECK(strstr(out, "is held by process") != NULL);
    wire_close(&w);
}

/* Everything the socket got until now, one datagram behind the other, each ended by ';'. */
static const char *notified(int fd, char text[4096])
{
    char buf[512];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT)) > 0) {
        buf[n] = 0;
        size_t len = strlen(text);
        snprintf(text + len, 4096 - len, "%s;", buf);
    }
    return text;
}

static size_t times(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    return n;
}

static void systemd_hears_ready_watchdog_reloading_and_stopping(void)
{
    wire w;
    char path[300], text[4096] = "";
    wire_open(&w);
    snprintf(path, sizeof path, "%s/notify", w.dir);
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    CHECK_FATAL(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    w.notify = path;
    w.watchdog_usec = "200000"; /* it must be heard of every 200 ms */
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, times(notified(fd, text), "READY=1;") == 1);
    CHECK_WITHIN(10000, times(notified(fd, text), "WATCHDOG=1;") >= 3);
    CHECK(strstr(text, "WATCHDOG=1;") > strstr(text, "READY=1;"));
    CHECK(kill(w.edge, SIGHUP) == 0);
    CHECK_WITHIN(5000, strstr(notified(fd, text), "RELOADING=1") && times(strstr(text, "RELOADING=1"), "READY=1;") == 1);
    CHECK(kill(w.edge, SIGSTOP) == 0); /* a process that hangs is not heard of any more */
    notified(fd, text);
    text[0] = 0;
    int64_t until = pt_test_now_ms() + 500;
    CHECK_WITHIN(2000, pt_test_now_ms() >= until);
    notified(fd, text);
    CHECK(times(text, "WATCHDOG=1;") <= 1); /* one may have been on its way */
    CHECK(kill(w.edge, SIGCONT) == 0);
    CHECK_WITHIN(5000, times(notified(fd, text), "WATCHDOG=1;") >= 2);
    CHECK_INT(wire_end(&w, SIGTERM), 0);
    CHECK(strstr(notified(fd, text), "STOPPING=1") != NULL);
    close(fd);
    wire_close(&w);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_good_configuration_passes_the_check_and_faults_are_named_with_their_places),
        PT_TEST(options_are_explained_and_wrong_ones_refused),
        PT_TEST(the_tag_list_goes_out_as_csv_and_comes_back_as_the_same),
        PT_TEST(a_second_edge_on_the_same_spool_is_refused),
        PT_TEST(systemd_hears_ready_watchdog_reloading_and_stopping),
    };
    return pt_test_main("edge-node/main", tests, PT_COUNT_OF(tests), argc, argv);
}
