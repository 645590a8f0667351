/* plantree-edge's status page, over HTTP, against a real PLC: values, writes and their refusals, switches, metrics. */
#include "tests/base/client.h"
#include "tests/edge-node/plc_rig.h"
#include "tests/edge-node/proxy.h"
#include "tests/edge-node/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static wire w;
static plc p;
static uint16_t port;

/* The status code; `want` (may be NULL) must be in the body. */
static long http(const char *method, const char *target, const char *body, const char *want)
{
    answer a = client_ask(port, (ask){ .method = method,
                                       .target = target,
                                       .body = body,
                                       .headers = { body ? "Content-Type: application/json" : NULL },
                                       .timeout_ms = 8000 });
    long status = a.status;
    if (want && !client_has(&a, want)) status = -1;
    client_release(&a);
    return status;
}

/* `cable`: between node and PLC, when it is to be pulled. */
static void start_through(proxy **cable)
{
    char devices[1024], listen[64];
    wire_open(&w);
    plc_start(&p, 0, 1, NULL);
    if (cable) *cable = proxy_start(p.port);
    port = (uint16_t)pt_free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    snprintf(
        devices, sizeof devices,
        "  - id: line\n    driver: modbus-tcp\n    address: 127.0.0.1:%u\n    poll: 50ms\n    retry_min: 100ms\n    timeout: %s\n    tags:\n"
        "      - { name: Level/PV, register: 'holding:0', type: Float, low: 0, high: 5 }\n"
        "      - { name: Level/SP, register: 'holding:2', type: Float, low: 0, high: 4, write: true }\n"
        "      - { name: Level/Raw, register: 'holding:2', type: Double, raw: float, scale: 100, write: true }\n"
        "      - { name: Pump/Run, register: 'coil:1', type: Boolean, write: true }\n",
        cable ? (unsigned)proxy_port(*cable) : p.port, cable ? "10s" : "500ms");
    wire_config(&w, (wire_settings){ .listen = listen, .devices = devices });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, http("GET", "/api/v1/status", NULL, "\"edge\":\"E\",\"state\":\"online\"") == 200 &&
                                  http("GET", "/api/v1/tags?device=line", NULL, "\"quality\":\"GOOD\"") == 200);
}

static void start_all(void)
{
    start_through(NULL);
}

static void stop_all(void)
{
    wire_close(&w);
    if (p.server) plc_stop(&p);
}

static void tags_are_shown_and_written_within_their_limits(void)
{
    start_all();
    CHECK_INT(http("GET", "/healthz", NULL, NULL), 200);
    CHECK_INT(http("GET", "/api/v1/tags", NULL, "\"name\":\"bdSeq\""), 200);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "{\"value\":3.5}", "written"), 200);
    CHECK_WITHIN(3000, http("GET", "/api/v1/tags?device=line", NULL,
                            "\"name\":\"Level/SP\",\"type\":\"Float\",\"alias\":6,\"value\":3.5") == 200);
    CHECK_WITHIN(3000, http("GET", "/api/v1/tags?device=line", NULL, "\"value\":350,") == 200); /* the scaled view of the same register */
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/Raw", "{\"value\":150}", "written"), 200);
    CHECK_WITHIN(3000, http("GET", "/api/v1/tags?device=line", NULL, "\"alias\":6,\"value\":1.5") == 200);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Pump/Run", "{\"value\":false}", "written"), 200);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "{\"value\":4.5}", "outside the limits"), 403);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/PV", "{\"value\":1}", NULL), 403);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "{\"value\":\"high\"}", NULL), 422);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "{\"valu\":1}", NULL), 400);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "nonsense", NULL), 400);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Nothing", "{\"value\":1}", NULL), 404);
    CHECK_INT(http("PUT", "/api/v1/tags/nobody/Level/SP", "{\"value\":1}", NULL), 404);
    CHECK_INT(http("GET", "/api/v1/tags?devise=line", NULL, NULL), 400);
    CHECK_INT(http("GET", "/metrics", NULL, "plantree_edge_device_online{device=\"line\"} 1"), 200);
    CHECK_INT(http("GET", "/metrics", NULL, "plantree_edge_samples_dropped_total{reason=\"spool-overflow\"} 0"), 200);
    stop_all();
}

/* A counter or gauge of /metrics; -1: not there. */
static double metric(const char *name)
{
    answer a = client_ask(port, (ask){ .method = "GET", .target = "/metrics", .timeout_ms = 8000 });
    double v = -1;
    size_t len = strlen(name);
    pt_slice rest = pt_buf_view(&a.body), line;
    while (rest.len && pt_slice_split(&rest, '\n', &line))
        if (line.len > len + 1 && strncmp(line.ptr, name, len) == 0 && line.ptr[len] == ' ') v = strtod(line.ptr + len + 1, NULL);
    client_release(&a);
    return v;
}

static void the_metrics_tell_what_is_read_sent_kept_and_broken(void)
{
    static const char *const zero[] = { "plantree_edge_samples_dropped_total{reason=\"memory\"}",
                                        "plantree_edge_samples_dropped_total{reason=\"journal\"}",
                                        "plantree_edge_samples_dropped_total{reason=\"unknown-metric\"}",
                                        "plantree_edge_samples_dropped_total{reason=\"spool-overflow\"}",
                                        "plantree_edge_samples_dropped_total{reason=\"spool-age\"}",
                                        "plantree_edge_samples_dropped_total{reason=\"spool-memory\"}",
                                        "plantree_edge_spool_failing",
                                        "plantree_edge_bad_messages_total",
                                        "plantree_mqtt_losses_total",
                                        "plantree_edge_driver_exceptions_total{device=\"line\"}",
                                        "plantree_edge_driver_timeouts_total{device=\"line\"}" };
    start_all();
    CHECK_WITHIN(5000, metric("plantree_edge_samples_sent_total") > 3);
    CHECK(metric("plantree_edge_samples_read_total") >= metric("plantree_edge_samples_unchanged_total"));
    CHECK(metric("plantree_edge_tags") >= 4 + 6); /* and the node's own */
    CHECK(metric("plantree_edge_online") == 1 && metric("plantree_edge_device_online{device=\"line\"}") == 1);
    CHECK(metric("plantree_edge_driver_requests_total{device=\"line\"}") > 0 && metric("plantree_edge_poll_seconds{device=\"line\"}") > 0);
    CHECK(metric("plantree_mqtt_connects_total") == 1 && metric("plantree_mqtt_messages_sent_total") > 2 &&
          metric("plantree_mqtt_bytes_sent_total") > 100);
    CHECK(metric("plantree_edge_queue_bytes") >= 0 && metric("plantree_mqtt_send_pending") >= 0 &&
          metric("plantree_edge_births_total") >= 1);
    for (size_t i = 0; i < PT_COUNT_OF(zero); i++)
        CHECK_ROW(zero[i], metric(zero[i]) == 0);
    CHECK_WITHIN(5000, metric("plantree_edge_spool_bytes") > 0); /* the rolling journal */
    double read = metric("plantree_edge_samples_read_total");
    pt_broker_kill9(w.broker);
    CHECK_WITHIN(5000, metric("plantree_edge_online") == 0 && metric("plantree_mqtt_losses_total") == 1);
    CHECK_WITHIN(5000, metric("plantree_edge_spool_pending_samples") > 0 && metric("plantree_edge_samples_stored_total") > 0);
    CHECK_WITHIN(5000, metric("plantree_edge_samples_read_total") > read && metric("plantree_mqtt_connect_failures_total") > 0);
    pt_broker_restart(w.broker);
    wire_observe_late(&w);
    CHECK_WITHIN(20000, metric("plantree_edge_online") == 1 && metric("plantree_edge_samples_historical_total") > 0 &&
                            metric("plantree_mqtt_connects_total") == 2);
    CHECK_WITHIN(10000, metric("plantree_edge_spool_pending_samples") == 0);
    plc_stop(&p);
    p.server = NULL;
    CHECK_WITHIN(10000, metric("plantree_edge_device_online{device=\"line\"}") == 0 &&
                            metric("plantree_edge_driver_errors_total{device=\"line\"}") > 0);
    stop_all();
}

static void devices_are_switched_off_and_on_and_rebirths_asked_for(void)
{
    start_all();
    CHECK_INT(http("POST", "/api/v1/devices/line/offline", NULL, NULL), 200);
    CHECK_WITHIN(5000, wire_count(&w, "DDEATH line") == 1);
    CHECK_INT(http("PUT", "/api/v1/tags/line/Level/SP", "{\"value\":3.5}", NULL), 409);
    CHECK_INT(http("GET", "/api/v1/tags?device=line", NULL, "\"quality\":\"STALE\""), 200);
    size_t births = wire_count(&w, "DBIRTH line");
    CHECK_INT(http("POST", "/api/v1/devices/line/online", NULL, NULL), 200);
    CHECK_WITHIN(5000, wire_count(&w, "DBIRTH line") == births + 1);
    CHECK_INT(http("POST", "/api/v1/devices/nobody/online", NULL, NULL), 404);
    CHECK_INT(http("POST", "/api/v1/rebirth", NULL, NULL), 200);
    CHECK_WITHIN(5000, wire_count(&w, "NBIRTH") == 2);
    stop_all();
}

static void writes_to_a_plc_that_is_silent_hold_neither_threads_nor_the_tags(void)
{
    enum { WRITES = 150 }; /* there are two threads */
    static const char body[] = "PUT /api/v1/tags/line/Level/SP HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               "Content-Length: 11\r\n\r\n{\"value\":3}";
    proxy *cable;
    int fds[WRITES];
    start_through(&cable);
    proxy_set(cable, PROXY_SWALLOW);
    for (int i = 0; i < WRITES; i++)
        fds[i] = client_send(port, body);
    CHECK_WITHIN_FATAL(4000, metric("plantree_http_waiting") == WRITES);
    CHECK_INT(http("GET", "/healthz", NULL, NULL), 200);
    CHECK_INT(http("GET", "/api/v1/tags?device=line", NULL, "\"name\":\"Level/SP\""), 200);
    CHECK_INT(http("POST", "/api/v1/rebirth", NULL, NULL), 200);
    CHECK(metric("plantree_http_waiting") == WRITES); /* all that before any of the writes */
    for (int i = 0; i < WRITES; i++) {
        CHECK(client_read_until(fds[i], i ? "HTTP/1.1 504" : "the write may still be carried out"));
        close(fds[i]);
    }
    proxy_set(cable, PROXY_PASS);
    proxy_cut(cable);
    stop_all();
    proxy_stop(cable);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(tags_are_shown_and_written_within_their_limits),
        PT_TEST(the_metrics_tell_what_is_read_sent_kept_and_broken),
        PT_TEST(writes_to_a_plc_that_is_silent_hold_neither_threads_nor_the_tags),
        PT_TEST(devices_are_switched_off_and_on_and_rebirths_asked_for),
    };
    return pt_test_main("edge-node/app_http", tests, PT_COUNT_OF(tests), argc, argv);
}
