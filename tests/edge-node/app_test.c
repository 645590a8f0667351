/* plantree-edge as a whole, on the wire of a real mosquitto: hosts that come and go and ask, reloads, backfill. */
#include "tests/edge-node/proxy.h"
#include "tests/edge-node/wire.h"

#include <stdio.h>
#include <stdlib.h>

static void a_storm_of_rebirth_requests_gives_two_births(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 12); /* the first births' quiet time is over, or nearly */
    char request[320], cmd[1800];
    snprintf(request, sizeof request, "%s/rebirth", w.dir);
    FILE *f = fopen(request, "w");
    CHECK_FATAL(f != NULL && fwrite("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01", 1, 28, f) == 28 && fclose(f) == 0);
    snprintf(cmd, sizeof cmd,
             "pub() { mosquitto_pub -p %d -i host-$1 -q $2 -t spBv1.0/G/NCMD/E -f '%s' --repeat $3 --repeat-delay 0.14 || echo failed; }; "
             "test -z \"$(pub 1 0 7 & pub 2 1 7 & pub 3 1 6 & wait)\"",
             pt_broker_port(w.broker), request);
    int64_t begin = pt_test_now_ms();
    wire_shell(cmd); /* 20 in a second, from 3 hosts */
    int64_t took = pt_test_now_ms() - begin;
    CHECK_WITHIN(5000, wire_count(&w, "NCMD") == 20);
    size_t most = 3 + (size_t)(took / 500);             /* one at once, one after each quiet time */
    CHECK_WITHIN(10000, wire_count(&w, "NBIRTH") >= 2); /* the first, and one for all of them if the quiet time was not over */
    size_t before = wire_count(&w, "DDATA");
    CHECK_WITHIN(10000, wire_count(&w, "DDATA") >= before + 12);
    size_t births = wire_count(&w, "NBIRTH");
    CHECK(births >= 2 && births <= most);
    for (size_t i = 0; i < births; i++)
        CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", i)), 0);
    CHECK_INT(wire_count(&w, "NDEATH"), 0);
    wire_close(&w);
}

/* A Will of ours that comes late, as when the broker noticed an old connection's end after the new one's births. */
static void a_late_own_ndeath_is_followed_by_births_and_a_foreign_one_is_not(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 12); /* the first births' quiet time is over */
    wire_publish(&w, "NDEATH",
                 PT_LIT("\x12\x0b\x0a\x05"
                        "bdSeq\x20\x04\x58\x07")); /* of no session of ours that lives */
    size_t data = wire_count(&w, "DDATA");
    CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 12);
    CHECK_INT(wire_count(&w, "NBIRTH"), 1);
    wire_publish(&w, "NDEATH",
                 PT_LIT("\x12\x0b\x0a\x05"
                        "bdSeq\x20\x04\x58\x00"));
    CHECK_WITHIN(5000, wire_count(&w, "NBIRTH") == 2 && wire_count(&w, "DBIRTH") == 2);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", 1)), 0); /* the same session: no reconnect */
    CHECK_INT(pt_broker_log_count(w.broker, "as plantree-edge/G/E"), 1);
    wire_close(&w);
}

static void the_old_state_texts_count_only_when_enabled_and_are_reported(void)
{
    for (int enabled = 0; enabled < 2; enabled++) {
        wire w;
        wire_open(&w);
        pt_broker_publish(w.broker, "STATE/scada", PT_LIT("ONLINE"), 1, true);
        wire_config(&w, (wire_settings){ .sparkplug = enabled ? ", primary_host: scada, legacy_state: true" : ", primary_host: scada" });
        wire_start(&w);
        if (!enabled) { /* not even subscribed to: it waits for a STATE of the new form */
            CHECK_WITHIN_FATAL(10000, wire_log_count(&w, "waiting-for-host") == 1);
            wire_host(w.broker, true, 5, true);
        }
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
        CHECK_INT(wire_log_count(&w, "EDGE-STATE-LEGACY"), enabled);
        pt_broker_publish(w.broker, "STATE/scada", PT_LIT("OFFLINE"), 1, true);
        if (enabled) {
            CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 1);
            pt_broker_publish(w.broker, "STATE/scada", PT_LIT("ONLINE"), 1, true);
            CHECK_WITHIN(10000, wire_count(&w, "NBIRTH") == 2);
        } else {
            size_t data = wire_count(&w, "DDATA");
            CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 5);
            CHECK_INT(wire_count(&w, "NDEATH"), 0);
        }
        wire_close(&w);
    }
}

static void births_follow_the_primary_hosts_state(void)
{
    wire w;
    wire_open(&w);
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":1000}"), 1, true);
    wire_config(&w, (wire_settings){ .sparkplug = ", primary_host: scada" });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, pt_broker_log_count(w.broker, "plantree-edge/G/E") > 0);
    pt_broker_publish(w.broker, "spBv1.0/STATE/other", PT_LIT("{\"online\":true,\"timestamp\":2000}"), 1, true);
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":999}"), 1, false);
    CHECK_INT(wire_count(&w, "NBIRTH"), 0);
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":1000}"), 1, true);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":999}"), 1, false); /* a late Will */
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":1000}"), 1, true);
    CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 1);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NDEATH", 0)), 0);
    size_t data = wire_count(&w, "DDATA");
    pt_broker_publish(w.broker, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":1500}"), 1, true);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= data + 2);
    CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", 1)), 1);
    /* what was read while the host was away is not lost: it comes as history */
    bool historical = false;
    CHECK_WITHIN(5000, ({
                     const pt_observed *m;
                     for (size_t i = data; !historical && (m = wire_nth(&w, "DDATA", i)); i++)
                         historical = (wire_decode(m)->metrics[0].flags & SPB_IS_HISTORICAL) != 0;
                     historical;
                 }));
    wire_close(&w);
}

/* The host of session 100 goes and comes back as session 200; its deaths and its birth arrive in any order. */
static void a_host_that_bounces_is_followed_in_all_four_orders(void)
{
    static const struct {
        const char *order;
        struct {
            bool online;
            int64_t ts;
        } states[3];
        bool bounce; /* the edge leaves and comes back; or it stays where it is */
    } rows[] = {
        { "Will, birth", { { false, 100 }, { true, 200 }, { true, 200 } }, true },
        { "birth, late Will", { { true, 200 }, { false, 100 }, { true, 200 } }, false },
        { "death, birth", { { false, 150 }, { true, 200 }, { true, 200 } }, true },
        { "birth, late death, late Will", { { true, 200 }, { false, 150 }, { false, 100 } }, false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        wire w;
        wire_open(&w);
        wire_host(w.broker, true, 100, true);
        wire_config(&w, (wire_settings){ .sparkplug = ", primary_host: scada" });
        wire_start(&w);
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
        for (int k = 0; k < 3; k++)
            wire_host(w.broker, rows[i].states[k].online, rows[i].states[k].ts, rows[i].states[k].online); /* the broker keeps the birth */
        size_t births = rows[i].bounce ? 2 : 1;
        CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") >= births);
        size_t data = wire_count(&w, "DDATA");
        CHECK_WITHIN(10000, wire_count(&w, "DDATA") >= data + 5);
        CHECK_ROW(rows[i].order, wire_count(&w, "NBIRTH") == births);
        CHECK_ROW(rows[i].order, wire_count(&w, "NDEATH") == births - 1);
        for (size_t k = 0; k < births; k++)
            CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", k)), k);
        wire_close(&w);
    }
}

#define MORE "  - { id: more, driver: sim, tags: [ { name: X, type: Double, poll: 50ms } ] }\n"

static void reload(wire *w, size_t times)
{
    CHECK(kill(w->edge, SIGHUP) == 0);
    CHECK_WITHIN_FATAL(5000, wire_log_count(w, "EDGE-RELOADED") == times);
}

static void sighup_adds_changes_and_removes_with_a_rebirth_and_no_reconnect(void)
{
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
    uint64_t alias = wire_metric(wire_nth(&w, "DBIRTH", 0), "N")->alias;

    wire_config(&w, (wire_settings){ .devices = WIRE_SIM MORE }); /* a device is added */
    reload(&w, 1);
    CHECK_WITHIN_FATAL(5000, wire_count(&w, "DBIRTH more") == 1 && wire_count(&w, "DBIRTH") == 2);
    CHECK_WITHIN(5000, wire_count(&w, "DDATA more") >= 2);

    wire_config(&w,
                (wire_settings){
                    .devices = "  - { id: sim, driver: sim, tags: [ { name: N, type: Int64, signal: counter, poll: 50ms, unit: bottles },"
                               " { name: New, type: Double, signal: constant, value: 2.5 } ] }\n" MORE });
    reload(&w, 2); /* a tag is changed, one added, one removed */
    CHECK_WITHIN_FATAL(5000, wire_count(&w, "DBIRTH") == 3);
    const pt_observed *m = wire_nth(&w, "DBIRTH", 2);
    CHECK_INT(wire_metric(m, "N")->alias, alias);
    const spb_property_set *unit = wire_metric(m, "N")->properties;
    bool bottles = false;
    for (uint32_t i = 0; unit && i < unit->n; i++)
        bottles = bottles || (pt_slice_eq_cstr(unit->items[i].key, "engUnit") && pt_slice_eq_cstr(unit->items[i].value.bytes, "bottles"));
    CHECK(bottles);
    CHECK(wire_metric(m, "New") != NULL);
    CHECK(wire_metric(m, "T") == NULL);
    size_t data = wire_count(&w, "DDATA");
    CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 3);

    wire_config(&w, (wire_settings){ 0 }); /* a device is removed */
    reload(&w, 3);
    CHECK_WITHIN_FATAL(5000, wire_count(&w, "DBIRTH") == 4);
    CHECK_INT(wire_count(&w, "DDEATH more"), 1); /* before the births that know it no more */
    CHECK(wire_decode(wire_nth(&w, "DDEATH more", 0))->seq < 256);
    size_t gone = wire_count(&w, "DDATA more");
    data = wire_count(&w, "DDATA");
    CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 5);
    CHECK_INT(wire_count(&w, "DDATA more"), gone);
    CHECK(wire_metric(wire_nth(&w, "DBIRTH", 3), "T") != NULL);

    for (size_t i = 0; i < 4; i++)
        CHECK_INT(wire_bdseq(wire_nth(&w, "NBIRTH", i)), 0);
    CHECK_INT(wire_count(&w, "NBIRTH"), 4);
    CHECK_INT(wire_count(&w, "NDEATH"), 0);
    CHECK_INT(pt_broker_log_count(w.broker, "as plantree-edge/G/E"), 1); /* one connection all the time */
    wire_close(&w);
}

static void a_wrong_configuration_leaves_the_old_one_and_says_where(void)
{
    static const struct {
        const char *devices, *fault;
    } rows[] = {
        { "  - { id: sim, driver: nonsense }\n", ":8:24: no driver" },
        { "  - { id: sim, driver: sim, tags: [ { name: N, type: Int64 }, { name: n, type: Int64 } ] }\n", "in case only" },
        { "  - { id: sim, driver: sim, tags: [ { name: N, type: Int64, pol: 1s } ] }\n", "pol" },
    };
    wire w;
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 2);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char line[2048];
        wire_config(&w, (wire_settings){ .devices = rows[i].devices });
        CHECK(kill(w.edge, SIGHUP) == 0);
        CHECK_WITHIN_FATAL(5000, wire_log_count(&w, "EDGE-RELOAD-REFUSED") == i + 1);
        CHECK_ROW(rows[i].fault, wire_logged(&w, rows[i].fault, line) && strstr(line, "EDGE-RELOAD-FAULT"));
        size_t data = wire_count(&w, "DDATA");
        CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 3); /* goes on as it was */
    }
    CHECK_INT(wire_count(&w, "NBIRTH"), 1);
    CHECK_INT(wire_log_count(&w, "EDGE-RELOAD-RESTART"), 0);
    wire_config(&w, (wire_settings){
                        .mqtt = ", connect_timeout: 3s, tls: { ca: /nowhere.crt }" }); /* what only a restart takes is named, each time */
    for (size_t i = 1; i <= 2; i++) {
        CHECK(kill(w.edge, SIGHUP) == 0);
        CHECK_WITHIN(5000, wire_log_count(&w, "were not taken: mqtt.connect_timeout, mqtt.tls.ca") == i);
    }
    wire_close(&w);
}

/* NCMD with one DateTime. */
static void ask_backfill(wire *w, uint64_t from_ms)
{
    char bytes[64] = "\x12\x00\x0a\x1aNode Control/Backfill From\x20\x0d\x58";
    size_t n = 2 + 2 + 26 + 3;
    for (; from_ms > 127; from_ms >>= 7)
        bytes[n++] = (char)(0x80 | (from_ms & 0x7f));
    bytes[n++] = (char)from_ms;
    bytes[1] = (char)(n - 2);
    wire_publish(w, "NCMD", pt_slice_of(bytes, n));
}

typedef struct sighting { /* of one value of N */
    int64_t ms, value;
    bool historical;
} sighting;

static size_t sightings(wire *w, sighting *out, size_t cap)
{
    const pt_observed *m;
    size_t n = 0;
    wire_forget();
    uint64_t alias = wire_metric(wire_nth(w, "DBIRTH", 0), "N")->alias;
    for (size_t i = 0; (m = wire_nth(w, "DDATA", i)); i++) {
        const spb_payload *p = wire_decode(m);
        for (uint32_t k = 0; k < p->n_metrics && n < cap; k++)
            if (p->metrics[k].alias == alias)
                out[n++] = (sighting){ (int64_t)p->metrics[k].timestamp, (int64_t)p->metrics[k].value.u64,
                                       (p->metrics[k].flags & SPB_IS_HISTORICAL) != 0 };
    }
    return n;
}

/* The last value of a node metric in NDATA; -1: none came. */
static int64_t node_metric(wire *w, const char *name)
{
    const pt_observed *m;
    int64_t value = -1;
    uint64_t alias = wire_metric(wire_nth(w, "NBIRTH", 0), name)->alias;
    for (size_t i = 0; (m = wire_nth(w, "NDATA", i)); i++) {
        const spb_payload *p = wire_decode(m);
        for (uint32_t k = 0; k < p->n_metrics; k++)
            if (p->metrics[k].alias == alias) value = (int64_t)p->metrics[k].value.u64;
    }
    return value;
}

static void a_host_that_asks_gets_a_range_once_more_as_history_and_its_progress(void)
{
    wire w;
    static sighting all[4000];
    wire_open(&w);
    wire_config(&w, (wire_settings){ 0 });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 25);
    const spb_metric *announced = wire_metric(wire_nth(&w, "NBIRTH", 0), "Node Control/Backfill From");
    CHECK_FATAL(announced && announced->datatype == SPB_DATETIME && wire_metric(wire_nth(&w, "NBIRTH", 0), "Backfill/Pending") &&
                wire_metric(wire_nth(&w, "NBIRTH", 0), "Backfill/Done Through"));
    size_t n = sightings(&w, all, PT_COUNT_OF(all));
    CHECK_FATAL(n >= 20 && n < 1000);
    int64_t from = all[8].ms, last = all[n - 1].ms;
    ask_backfill(&w, (uint64_t)from);
    CHECK_WITHIN(10000, node_metric(&w, "Backfill/Done Through") >= last && node_metric(&w, "Backfill/Pending") == 0);
    size_t more = sightings(&w, all, PT_COUNT_OF(all)), at = 0;
    int64_t before = -1;
    for (size_t i = n; i < more; i++) { /* the same values with the same times, oldest first, and none from before */
        if (!all[i].historical) continue;
        CHECK(all[i].ms >= from);
        while (at < more && (all[at].historical || all[at].ms != all[i].ms))
            at++;
        CHECK(at < more && all[at].value == all[i].value);
        CHECK(all[i].ms > before);
        before = all[i].ms;
    }
    size_t again = 0, whole = 0;
    for (size_t i = 8; i < n; i++) {
        whole++;
        for (size_t k = n; k < more; k++)
            if (all[k].historical && all[k].ms == all[i].ms) {
                again++;
                break;
            }
    }
    CHECK_INT(again, whole);
    CHECK_INT(wire_count(&w, "NBIRTH"), 1);
    wire_close(&w);
}

static void a_full_disk_is_said_and_the_edge_sends_reconnects_and_loses_nothing(void)
{
    wire w;
    char server[64];
    if (!wire_may_mount()) {
        printf("not shown: no mounts in a name space here; ");
        return;
    }
    wire_open(&w);
    w.disk = "4m";
    proxy *p = proxy_start(pt_broker_port(w.broker));
    snprintf(server, sizeof server, "'tcp://127.0.0.1:%d'", proxy_port(p));
    wire_config(&w, (wire_settings){ .servers = server });
    wire_start(&w);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "DDATA") >= 3);
    wire_fill_disk(&w);
    CHECK_WITHIN_FATAL(10000, wire_log_count(&w, "EDGE-SPOOL-FAILED") == 1);
    size_t data = wire_count(&w, "DDATA");
    CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 5); /* live values go on */
    proxy_set(p, PROXY_REFUSE);
    proxy_cut(p);
    CHECK_WITHIN_FATAL(5000, wire_count(&w, "NDEATH") == 1);
    int64_t until = pt_test_now_ms() + 500; /* values that only memory holds */
    CHECK_WITHIN(2000, pt_test_now_ms() >= until);
    proxy_set(p, PROXY_PASS);
    CHECK_WITHIN_FATAL(10000, wire_count(&w, "NBIRTH") == 2); /* its bdSeq was stored, the disk being full */
    CHECK(wire_bdseq(wire_nth(&w, "NBIRTH", 1)) >= 1);
    CHECK_INT(wire_log_count(&w, "EDGE-BDSEQ-STORE"), 0);
    data = wire_count(&w, "DDATA");
    CHECK_WITHIN(5000, wire_count(&w, "DDATA") >= data + 5);
    CHECK_WITHIN(10000, wire_counter_is_whole(w.seen, 20));
    CHECK_INT(wire_log_count(&w, "EDGE-SPOOL-FAILED"), 1); /* once, not each second */
    wire_free_disk(&w);
    CHECK_WITHIN(10000, wire_log_count(&w, "EDGE-SPOOL-WORKS") == 1);
    CHECK_INT(wire_end(&w, SIGTERM), 0);
    CHECK_WITHIN(5000, wire_count(&w, "NDEATH") == 2);
    CHECK(wire_counter_is_whole(w.seen, 20));
    proxy_stop(p);
    wire_close(&w);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_storm_of_rebirth_requests_gives_two_births),
        PT_TEST(a_late_own_ndeath_is_followed_by_births_and_a_foreign_one_is_not),
        PT_TEST(the_old_state_texts_count_only_when_enabled_and_are_reported),
        PT_TEST(births_follow_the_primary_hosts_state),
        PT_TEST(a_host_that_bounces_is_followed_in_all_four_orders),
        PT_TEST(sighup_adds_changes_and_removes_with_a_rebirth_and_no_reconnect),
        PT_TEST(a_wrong_configuration_leaves_the_old_one_and_says_where),
        PT_TEST(a_full_disk_is_said_and_the_edge_sends_reconnects_and_loses_nothing),
        PT_TEST(a_host_that_asks_gets_a_range_once_more_as_history_and_its_progress),
    };
    return pt_test_main("edge-node/app", tests, PT_COUNT_OF(tests), argc, argv);
}
