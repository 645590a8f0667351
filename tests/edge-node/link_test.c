/* The connection of plantree-edge to real mosquittos: what is on the wire, byte by byte, when things start, stop, break and come back. */
#include "edge-node/bdseq_file.h"
#include "edge-node/link.h"
#include "edge-node/spool.h"
#include "tests/edge-node/proxy.h"
#include "tests/edge-node/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The client's own bytes: CONNECT with a Will of QoS 1 that is not retained and a clean session, DISCONNECT at the end. */
static void connect_and_disconnect_are(proxy *p, bool v5)
{
    static char said[1 << 20];
    size_t connections;
    pt_slice s = proxy_said(p, said, sizeof said, &connections);
    CHECK_INT(connections, 1);
    CHECK_FATAL(s.len > 40 && s.ptr[0] == 0x10);
    size_t at = 1;
    while ((unsigned char)s.ptr[at] & 0x80) /* remaining length */
        at++;
    CHECK_HEX(pt_slice_of(s.ptr + at + 1, 8), v5 ? "00044d515454050e" : "00044d515454040e");
    pt_slice end = pt_slice_from(s, s.len - (v5 ? 4 : 2));
    if (v5 && end.ptr[1] == (char)0xe0) /* without a property length */
        CHECK_HEX(pt_slice_from(end, 1), "e00104");
    else CHECK_HEX(end, v5 ? "e0020400" : "e000");
}

static void a_session_starts_with_births_and_ends_with_deaths(void)
{
    for (int v5 = 0; v5 < 2; v5++) {
        wire w;
        char server[64];
        wire_open(&w);
        proxy *p = proxy_start(pt_broker_port(w.broker));
        snprintf(server, sizeof server, "'tcp://127.0.0.1:%d'", proxy_port(p));
        wire_config(&w, (wire_settings){ .servers = server, .mqtt = v5 ? ", version: '5'" : "" });
        wire_start(&w);
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 3);
        CHECK_INT(wire_end(&w, SIGTERM), 0);
        size_t deaths = v5 ? 2 : 1; /* MQTT 5: the Will comes too, reason 0x04 */
        CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == deaths);
        CHECK_STR(pt_cstr(pt_observer_at(w.seen, 0)->topic), "spBv1.0/G/NBIRTH/E");
        CHECK_STR(pt_cstr(pt_observer_at(w.seen, 1)->topic), "spBv1.0/G/DBIRTH/E/sim");
        size_t n = pt_observer_count(w.seen);
        for (size_t i = n - deaths; i < n; i++) {
            CHECK_STR(pt_cstr(pt_observer_at(w.seen, i)->topic), "spBv1.0/G/NDEATH/E");
            CHECK_HEX(pt_observer_at(w.seen, i)->payload, "120b0a05626453657120045800");
        }
        CHECK_STR(pt_cstr(pt_observer_at(w.seen, n - deaths - 1)->topic), "spBv1.0/G/DDEATH/E/sim");
        connect_and_disconnect_are(p, v5);
        CHECK_INT(pt_broker_log_count(w.broker, v5 ? "as plantree-edge/G/E (p5, c1," : "as plantree-edge/G/E (p2, c1,"),
                  1); /* clean session, clean start */
        proxy_stop(p);
        wire_close(&w);
    }
}

static void kill_9_lets_the_will_speak_and_the_next_bdseq_follows(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    for (size_t round = 0; round < 3; round++) {
        wire_start(&w);
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == round + 1);
        CHECK_INT(wire_end(&w, SIGKILL), 256 + SIGKILL);
        CHECK_WITHIN_FATAL(5000, wire_count(&w, "NDEATH") == round + 1);
        const pt_observed *will = wire_nth(&w, "NDEATH", round);
        CHECK(will->qos == 1 && !will->retain);
        CHECK_INT(wire_bdseq(will), round);
        CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", round)), round);
    }
    wire_close(&w);
}

static void a_broker_absent_at_start_is_waited_for_without_using_up_numbers(void)
{
    wire w;
    wire_open_on(&w, pt_broker_prepare(NULL));
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN(5000, wire_log_count(&w, "SPB-MQTT-LOST") >= 2); /* it says what it waits for */
    CHECK(waitpid(w.edge, NULL, WNOHANG) == 0);
    pt_broker_restart(w.broker);
    wire_observe_late(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") > 1);
    wire_publish(&w, "NCMD", WIRE_REBIRTH);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") >= 1);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", 0)), 0); /* no CONNECT was written before */
    wire_close(&w);
}

static void a_broker_killed_is_found_again_with_the_next_bdseq(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
    pt_broker_kill9(w.broker);
    pt_broker_restart(w.broker);
    wire_observe_late(&w);
    wire_publish(&w, "NCMD", WIRE_REBIRTH);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") >= 1 || (wire_publish(&w, "NCMD", WIRE_REBIRTH), false));
    CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", 0)), 1);
    size_t then = pt_observer_count(w.seen);
    CHECK_WITHIN(5000, pt_observer_count(w.seen) >= then + 5);
    CHECK_INT(wire_end(&w, SIGTERM), 0);
    CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 1);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NDEATH", 0)), 1);
    wire_close(&w);
}

static void the_edge_walks_to_the_server_where_its_host_is(void)
{
    wire w, other; /* the second broker; the edge is w's */
    char servers[160];
    wire_open(&w);
    wire_open(&other);
    wire_host(w.broker, false, 5000, true);
    wire_host(other.broker, true, 10, true);
    snprintf(servers, sizeof servers, "'%s', '%s'", pt_broker_url(w.broker), pt_broker_url(other.broker));
    wire_config(&w, (wire_settings){ .servers = servers, .sparkplug = ", primary_host: scada" });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&other, "NBIRTH") == 1);
    CHECK_INT(wire_count(&w, "NBIRTH"), 0);
    CHECK_INT(wire_count(&w, "NDEATH"), 0);                  /* no death where no birth was */
    CHECK_INT(wire_bdseq(wire_nth(&other, "NBIRTH", 0)), 1); /* one counter for all servers */
    wire_host(w.broker, true, 6000, true);
    wire_publish(&other, "NCMD", PT_LIT("\x12\x1e\x0a\x18Node Control/Next Server\x20\x0b\x70\x01"));
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == 1);
    CHECK_WITHIN(5000, wire_count(&other, "NDEATH") == 1);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", 0)), 2);
    CHECK_INT(wire_bdseq(wire_nth(&other, "NDEATH", 0)), 1);
    wire_host(w.broker, false, 6000, true); /* its host leaves this one and waits on the other one */
    CHECK_WITHIN_FATAL(10000, wire_count(&other, "NBIRTH") == 2);
    CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 1);
    CHECK_INT(wire_bdseq(wire_nth(&other, "NBIRTH", 1)), 3);
    CHECK_INT(wire_end(&w, SIGTERM), 0);
    CHECK_WITHIN(5000, wire_count(&other, "NDEATH") == 2);
    wire_close(&w);
    wire_close(&other);
}

/* One session of the node from message *at on: NBIRTH, DBIRTH, DDATA.., [DDEATH,] NDEATH, with this bdSeq everywhere. */
static void a_session_follows(wire *w, size_t *at, uint8_t bdseq, bool graceful)
{
    char ndeath[32];
    snprintf(ndeath, sizeof ndeath, "120b0a056264536571200458%02x", bdseq);
    const pt_observed *m = pt_observer_at(w->seen, (*at)++);
    CHECK_STR(pt_cstr(m ? m->topic : ""), "spBv1.0/G/NBIRTH/E");
    CHECK_INT(wire_bdseq(m), bdseq);
    m = pt_observer_at(w->seen, (*at)++);
    CHECK_STR(pt_cstr(m ? m->topic : ""), "spBv1.0/G/DBIRTH/E/sim");
    size_t data = 0;
    while ((m = pt_observer_at(w->seen, *at)) && strstr(m->topic, "DATA/E")) { /* NDATA: how far the spool is */
        data += strcmp(m->topic, "spBv1.0/G/DDATA/E/sim") == 0;
        (*at)++;
    }
    CHECK(data > 0);
    if (graceful) {
        CHECK_STR(pt_cstr(m ? m->topic : ""), "spBv1.0/G/DDEATH/E/sim");
        m = pt_observer_at(w->seen, ++*at);
    }
    CHECK_STR(pt_cstr(m ? m->topic : ""), "spBv1.0/G/NDEATH/E");
    CHECK_FATAL(m != NULL);
    CHECK_HEX(m->payload, ndeath);
    CHECK(m->qos == 1 && !m->retain);
    ++*at;
}

static void a_cut_network_is_a_will_then_a_new_session_with_everything_in_order(void)
{
    for (int silent = 0; silent < 2; silent++) { /* a connection that breaks; a cable that is out for longer than the keep-alive */
        wire w;
        char server[64];
        wire_open(&w);
        proxy *p = proxy_start(pt_broker_port(w.broker));
        snprintf(server, sizeof server, "'tcp://127.0.0.1:%d'", proxy_port(p));
        wire_config(&w, (wire_settings){ .servers = server, .mqtt = ", keep_alive: 1s, connect_timeout: 1s" });
        wire_start(&w);
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 5);
        for (size_t cut = 1; cut <= 3; cut++) {
            proxy_set(p, silent ? PROXY_SWALLOW : PROXY_REFUSE);
            if (!silent) proxy_cut(p);
            CHECK_WITHIN_FATAL(10000, wire_count(&w, "NDEATH") == cut); /* the Will */
            proxy_set(p, PROXY_PASS);
            if (silent) proxy_cut(p);
            CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == cut + 1);
            size_t then = wire_count(&w, "DDATA");
            CHECK_WITHIN(10000, wire_count(&w, "DDATA") >= then + 10);
        }
        CHECK_WITHIN(20000, wire_counter_is_whole(w.seen, 20)); /* what the cable swallowed came again */
        CHECK_INT(wire_end(&w, SIGTERM), 0);
        CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 4);
        size_t at = 0, births = 0;
        for (size_t i = 0; i < 4; i++) { /* attempts that got no further than CONNECT use a number up each */
            const pt_observed *m = pt_observer_at(w.seen, at);
            int64_t bd = wire_bdseq(m);
            CHECK(bd >= (int64_t)births);
            births = (size_t)bd + 1;
            a_session_follows(&w, &at, (uint8_t)bd, i == 3);
        }
        CHECK_INT(at, pt_observer_count(w.seen));
        proxy_stop(p);
        wire_close(&w);
    }
}

/* --- an edge in this process, whose wall clock the test sets --- */

typedef struct stepping_clock {
    pt_clock clock; /* first member */
    _Atomic int64_t offset_ms;
} stepping_clock;

static int64_t stepping_wall_ms(const pt_clock *c)
{
    return pt_wall_ms(pt_clock_system()) + ((const stepping_clock *)(const void *)c)->offset_ms;
}
static int64_t stepping_mono_us(const pt_clock *c)
{
    (void)c;
    return pt_mono_us(pt_clock_system());
}

typedef struct small_edge {
    stepping_clock clock;
    edge_bdseq_file bdseq;
    edge_spool *spool;
    edge_link *link;
    edge_node *node;
    void *model_memory, *node_memory;
    uint32_t device, metric;
    int64_t next; /* value of N */
} small_edge;

static void small_start(small_edge *e, wire *w, int port)
{
    char dir[300], url[64];
    const char *servers[] = { url };
    pt_error err = { 0 };
    edge_model *m;
    *e = (small_edge){ .clock = { .clock = { stepping_wall_ms, stepping_mono_us } } };
    snprintf(dir, sizeof dir, "%s/spool", w->dir);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    CHECK_FATAL(mkdir(dir, 0700) == 0);
    CHECK_OK_FATAL(edge_bdseq_file_init(&e->bdseq, dir));
    CHECK_OK_FATAL(
        edge_spool_open(&(edge_spool_options){ .dir = dir, .commit_interval_ms = 20, .max_age_ms = 3600000, .clock = &e->clock.clock },
                        &e->spool, &err));
    e->model_memory = malloc(1 << 20);
    CHECK_OK_FATAL(edge_model_init(e->model_memory, 1 << 20, &(edge_model_limits){ .devices = 1, .metrics = 10 }, &m, &err));
    CHECK_OK_FATAL(edge_model_device(m, "sim", &e->device, &err));
    CHECK_OK_FATAL(edge_model_metric(m, e->device, &(edge_metric_def){ .name = "N", .type = SPB_INT64 }, &e->metric, &err));
    edge_names names = edge_spool_names(e->spool);
    CHECK_OK(edge_spool_names_begin(e->spool));
    CHECK_OK_FATAL(edge_model_seal(m, &names, &err));
    CHECK_OK(edge_spool_names_end(e->spool));
    spb_mqtt_options mqtt;
    spb_mqtt_options_init(&mqtt);
    mqtt.client_id = "small-edge";
    mqtt.reconnect_min_ms = 50;
    mqtt.reconnect_max_ms = 200;
    CHECK_OK_FATAL(edge_link_new(&mqtt, servers, 1, &e->clock.clock, NULL, &e->link, &err));
    edge_journal journal = edge_spool_journal(e->spool);
    edge_node_options o = { .group = "G",
                            .node = "E",
                            .clock = &e->clock.clock,
                            .transport = edge_link_transport(e->link),
                            .storage = edge_bdseq_file_storage(&e->bdseq),
                            .journal = &journal,
                            .session = { .servers = 1, .rebirth_debounce_ms = 200 } };
    e->node_memory = malloc(edge_node_size(&o));
    CHECK_OK_FATAL(edge_node_init(e->node_memory, edge_node_size(&o), &o, m, &e->node, &err));
    CHECK_OK_FATAL(edge_node_start(e->node, &err));
    CHECK_OK_FATAL(edge_spool_start(e->spool, e->node));
    edge_node_device_online(e->node, e->device);
    CHECK_OK_FATAL(edge_link_start(e->link, e->node, &err));
}

static void small_stop(small_edge *e)
{
    edge_link_stop(e->link, 3000);
    edge_spool_stop(e->spool);
    edge_node_fini(e->node);
    edge_link_free(e->link);
    edge_spool_close(e->spool);
    free(e->node_memory);
    free(e->model_memory);
}

static void read_ten(small_edge *e)
{
    for (int i = 0; i < 10; i++) {
        edge_sample s = { .metric = e->metric,
                          .timestamp_ms = pt_wall_ms(&e->clock.clock),
                          .value = { .type = SPB_INT64, .as = { .i64 = e->next++ } } };
        CHECK_OK(edge_node_set(e->node, &s));
        edge_link_wake(e->link);
        int64_t until = pt_test_now_ms() + 5;
        CHECK_WITHIN(1000, pt_test_now_ms() >= until);
    }
}

static void a_clock_that_steps_a_day_moves_no_session_and_loses_nothing(void)
{
    for (int back = 0; back < 2; back++) {
        wire w;
        small_edge e;
        edge_spool_stats s;
        int64_t day = back ? -86400000 : 86400000;
        wire_open(&w);
        proxy *p = proxy_start(pt_broker_port(w.broker));
        small_start(&e, &w, proxy_port(p));
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "DBIRTH") == 1);
        read_ten(&e);
        e.clock.offset_ms += day; /* while online: nothing happens */
        read_ten(&e);
        size_t data = wire_count(&w, "DDATA");
        read_ten(&e);
        CHECK_WITHIN(5000, wire_count(&w, "DDATA") > data);
        CHECK(wire_count(&w, "NBIRTH") == 1 && wire_count(&w, "NDEATH") == 0);
        proxy_set(p, PROXY_REFUSE);
        proxy_cut(p);
        CHECK_WITHIN_FATAL(5000, wire_count(&w, "NDEATH") == 1);
        read_ten(&e);
        CHECK_WITHIN(5000, (edge_spool_stats_get(e.spool, &s), s.pending_samples >= 10));
        e.clock.offset_ms -= day; /* while samples wait */
        read_ten(&e);
        CHECK_WITHIN(5000, (edge_spool_stats_get(e.spool, &s), s.pending_samples >= 20));
        e.clock.offset_ms += day;
        proxy_set(p, PROXY_PASS);
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == 2);
        read_ten(&e);
        CHECK_WITHIN(10000, wire_counter_is_whole(w.seen, e.next - 2)); /* each value of all of them */
        wire_publish(&w, "NCMD", WIRE_REBIRTH);                         /* no debounce hangs on the clock */
        CHECK_WITHIN(5000, wire_count(&w, "NBIRTH") == 3);
        edge_spool_stats_get(e.spool, &s);
        CHECK_INT(s.dropped_age + s.dropped_memory + s.dropped_overflow, 0);
        static const int64_t numbers[] = { 0, 1, 1 };
        for (size_t i = 0; i < 3; i++)
            CHECK(wire_bdseq(wire_nth(&w, "NBIRTH", i)) >= numbers[i]);
        int64_t off = (int64_t)wire_decode(wire_nth(&w, "NBIRTH", 2))->timestamp - pt_wall_ms(&e.clock.clock);
        CHECK(off <= 0 && off > -60000); /* stamped by the clock as it is now */
        small_stop(&e);
        CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 2);
        proxy_stop(p);
        wire_close(&w);
    }
}

static void a_silent_network_is_noticed_and_nothing_is_lost(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ .mqtt = ", keep_alive: 1s, connect_timeout: 1s" });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 5);
    pt_broker_freeze(w.broker);
    int64_t until = pt_test_now_ms() + 4000;
    CHECK_WITHIN(5000, pt_test_now_ms() >= until);
    pt_broker_thaw(w.broker);
    CHECK_WITHIN_FATAL(15000, wire_count(&w, "NBIRTH") >= 2);
    size_t then = wire_count(&w, "DDATA");
    CHECK_WITHIN(10000, wire_count(&w, "DDATA") >= then + 20);
    CHECK_WITHIN_FATAL(5000, wire_count(&w, "NDEATH") >= 1);
    CHECK(wire_bdseq(wire_nth(&w, "NBIRTH", 1)) > 0 &&
          wire_bdseq(wire_nth(&w, "NDEATH", 0)) == 0);      /* the Will of the dead connection, then a new session */
    CHECK_WITHIN(20000, wire_counter_is_whole(w.seen, 60)); /* each value of the counter is there, live or historical */
    wire_close(&w);
}

static void tls_with_client_certificates_works_and_without_it_does_not(void)
{
    const char *dir = pt_test_dir();
    char cmd[4096], config[2048], mqtt[2048], server[64];
    if (system("command -v openssl >/dev/null 2>&1") != 0) {
        printf("not shown: openssl is missing; ");
        CHECK(getenv("PLANTREE_TEST_STRICT") == NULL);
        return;
    }
    snprintf(
        cmd, sizeof cmd,
        "cd '%s' && exec >/dev/null 2>&1 && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=plantree-test-ca"
        " && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1 && printf 'subjectAltName=IP:127.0.0.1' > san"
        " && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile san"
        " && openssl req -newkey rsa:2048 -nodes -keyout edge.key -out edge.csr -subj /CN=edge"
        " && openssl x509 -req -in edge.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out edge.crt -days 2 && chmod 644 *.key",
        dir);
    wire_shell(cmd);
    int port = pt_free_port();
    snprintf(
        config, sizeof config,
        "listener %d 127.0.0.1\nallow_anonymous true\ncafile %s/ca.crt\ncertfile %s/server.crt\nkeyfile %s/server.key\nrequire_certificate true\n",
        port, dir, dir, dir);
    CHECK(chmod(dir, 0755) == 0);
    wire w;
    wire_open_on(&w, pt_broker_start(config));
    wire_observe(&w);
    snprintf(server, sizeof server, "'ssl://127.0.0.1:%d'", port);
    snprintf(mqtt, sizeof mqtt, ", tls: { ca: '%s/ca.crt' }", dir);
    wire_config(&w, (wire_settings){ .servers = server, .mqtt = mqtt });
    wire_start(&w);
    CHECK_WITHIN(10000, wire_log_count(&w, "SPB-MQTT-LOST") >= 3); /* several refused attempts */
    CHECK_INT(pt_observer_count(w.seen), 0);
    CHECK_INT(wire_end(&w, SIGTERM), 0);
    snprintf(mqtt, sizeof mqtt, ", tls: { ca: '%s/ca.crt', cert: '%s/edge.crt', key: '%s/edge.key' }", dir, dir, dir);
    wire_config(&w, (wire_settings){ .servers = server, .mqtt = mqtt });
    wire_start(&w);
    CHECK_WITHIN(10000, wire_count(&w, "DDATA") >= 2);
    wire_close(&w);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_session_starts_with_births_and_ends_with_deaths),
        PT_TEST(kill_9_lets_the_will_speak_and_the_next_bdseq_follows),
        PT_TEST(a_broker_absent_at_start_is_waited_for_without_using_up_numbers),
        PT_TEST(a_broker_killed_is_found_again_with_the_next_bdseq),
        PT_TEST(the_edge_walks_to_the_server_where_its_host_is),
        PT_TEST(a_cut_network_is_a_will_then_a_new_session_with_everything_in_order),
        PT_TEST(a_clock_that_steps_a_day_moves_no_session_and_loses_nothing),
        PT_TEST(a_silent_network_is_noticed_and_nothing_is_lost),
        PT_TEST(tls_with_client_certificates_works_and_without_it_does_not),
    };
    return pt_test_main("edge-node/link", tests, PT_COUNT_OF(tests), argc, argv);
}
