/* plantree-edge as a program against real mosquittos: what is on the wire, byte by byte, when things start, stop, break and come back. */
#include "sparkplug/payload.h"
#include "sparkplug/topic.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256];
static int made;
static pt_arena arena;

typedef struct edge {
    pid_t pid;
    char config[320];
} edge;

static void fresh_dir(void)
{
    snprintf(dir, sizeof dir, "%s/%d", pt_test_dir(), made++);
    CHECK_FATAL(mkdir(dir, 0700) == 0);
}

/* `mqtt` and `sparkplug` are more keys for these maps. */
static void write_config(edge *e, const char *servers, const char *mqtt, const char *sparkplug, const char *devices)
{
    snprintf(e->config, sizeof e->config, "%s/edge.yaml", dir);
    FILE *f = fopen(e->config, "w");
    CHECK_FATAL(f != NULL);
    fprintf(f, "version: 1\nnode: { group: G, id: E }\nmqtt: { servers: [%s], reconnect_min: 50ms, reconnect_max: 300ms%s }\n"
               "sparkplug: { rebirth_debounce: 500ms%s }\nspool: { dir: '%s/spool', commit_interval: 50ms }\nhttp: { listen: '' }\ndevices:\n%s",
            servers, mqtt, sparkplug, dir, devices);
    CHECK_FATAL(fclose(f) == 0);
}

#define SIM "  - { id: sim, driver: sim, tags: [ { name: N, type: Int64, signal: counter, poll: 50ms }, { name: T, type: String, signal: constant, value: hello, write: true, poll: 50ms } ] }\n"

static void start(edge *e)
{
    char program[512], log[300];
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(program, sizeof program, "%s/plantree-edge", bin ? bin : "build/bin");
    snprintf(log, sizeof log, "%s/edge.log", dir);
    e->pid = fork();
    CHECK_FATAL(e->pid >= 0);
    if (e->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, 2) < 0 || dup2(fd, 1) < 0) _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(program, program, "--config", e->config, (char *)NULL);
        _exit(127);
    }
}

static int end(edge *e, int sig)
{
    int status = 0;
    CHECK(kill(e->pid, sig) == 0);
    CHECK(waitpid(e->pid, &status, 0) == e->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* How often `text` stands in the edge's log. */
static size_t log_count(const char *text)
{
    char log[300], line[2048];
    size_t n = 0;
    snprintf(log, sizeof log, "%s/edge.log", dir);
    FILE *f = fopen(log, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    if (f) fclose(f);
    return n;
}

static const spb_payload *decode(const pt_observed *m)
{
    spb_payload *p = pt_arena_zalloc(&arena, sizeof *p);
    CHECK_FATAL(m != NULL && p != NULL);
    CHECK_OK_FATAL(spb_payload_decode(m->payload, &spb_limits_default, &arena, p, NULL));
    return p;
}

static const pt_observed *nth(pt_observer *o, const char *topic, size_t n)
{
    const pt_observed *m;
    for (size_t i = 0; (m = pt_observer_at(o, i)); i++)
        if (strcmp(m->topic, topic) == 0 && n-- == 0) return m;
    return NULL;
}

static int64_t bdseq(const pt_observed *m)
{
    const spb_payload *p = decode(m);
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if (pt_slice_eq_cstr(p->metrics[i].name, "bdSeq")) return (int64_t)p->metrics[i].value.u64;
    return -1;
}

/* Every message with a seq continues the one before, NBIRTH starts at 0; nothing comes before an NBIRTH; QoS 0, not retained. */
static void sequence_is_whole_from(pt_observer *o, const pt_observed *first)
{
    int expected = -1;
    bool begun = first == NULL;
    const pt_observed *m;
    for (size_t i = 0; (m = pt_observer_at(o, i)); i++) {
        begun = begun || m == first;
        if (!begun) continue;
        spb_topic t;
        if (spb_topic_parse(&spb_namespace_b, pt_cstr(m->topic), &t, NULL) != PT_OK || t.verb == SPB_STATE || t.verb == SPB_NCMD || t.verb == SPB_DCMD) continue;
        CHECK(!m->retain);
        const spb_payload *p = decode(m);
        if (t.verb == SPB_NDEATH) {
            CHECK(m->qos == 1 && !p->has_seq && p->n_metrics == 1);
            continue;
        }
        CHECK(m->qos == 0 && p->has_seq && p->has_timestamp);
        if (t.verb == SPB_NBIRTH) expected = 0;
        CHECK_INT(p->seq, expected);
        expected = (expected + 1) % 256;
    }
}

static void sequence_is_whole(pt_observer *o)
{
    sequence_is_whole_from(o, NULL);
}

static char url[64];
static const char *quoted(const pt_broker *b)
{
    snprintf(url, sizeof url, "'%s'", pt_broker_url(b));
    return url;
}

static void a_session_starts_with_births_and_ends_with_deaths(void)
{
    for (int v5 = 0; v5 < 2; v5++) {
        fresh_dir();
        pt_broker *b = pt_broker_start(NULL);
        pt_observer *o = pt_observer_start(b, "spBv1.0/#");
        edge e;
        write_config(&e, quoted(b), v5 ? ", version: '5'" : "", "", SIM);
        start(&e);
        CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 3);
        CHECK_INT(end(&e, SIGTERM), 0);
        size_t deaths = v5 ? 2 : 1; /* MQTT 5: the Will comes too, reason 0x04 */
        CHECK_WITHIN(5000, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") == deaths);
        CHECK_STR(pt_cstr(pt_observer_at(o, 0)->topic), "spBv1.0/G/NBIRTH/E");
        CHECK_STR(pt_cstr(pt_observer_at(o, 1)->topic), "spBv1.0/G/DBIRTH/E/sim");
        size_t n = pt_observer_count(o);
        for (size_t i = n - deaths; i < n; i++) {
            CHECK_STR(pt_cstr(pt_observer_at(o, i)->topic), "spBv1.0/G/NDEATH/E");
            CHECK_HEX(pt_observer_at(o, i)->payload, "120b0a05626453657120045800");
        }
        CHECK_STR(pt_cstr(pt_observer_at(o, n - deaths - 1)->topic), "spBv1.0/G/DDEATH/E/sim");
        sequence_is_whole(o);
        CHECK_INT(pt_broker_log_count(b, v5 ? "as plantree-edge/G/E (p5, c1," : "as plantree-edge/G/E (p2, c1,"), 1); /* clean session, clean start */
        pt_observer_stop(o);
        pt_broker_stop(b);
    }
}

static void kill_9_lets_the_will_speak_and_the_next_bdseq_follows(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    write_config(&e, quoted(b), "", "", SIM);
    for (size_t round = 0; round < 3; round++) {
        start(&e);
        CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") == round + 1);
        CHECK_INT(end(&e, SIGKILL), 256 + SIGKILL);
        CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") == round + 1);
        const pt_observed *will = nth(o, "spBv1.0/G/NDEATH/E", round);
        CHECK(will->qos == 1 && !will->retain);
        CHECK_INT(bdseq(will), round);
        CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", round)), round);
    }
    sequence_is_whole(o);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void a_broker_absent_at_start_is_waited_for_without_using_up_numbers(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_prepare(NULL);
    edge e;
    write_config(&e, quoted(b), "", "", SIM);
    start(&e);
    char log[300];
    snprintf(log, sizeof log, "%s/edge.log", dir);
    struct stat st;
    CHECK_WITHIN(5000, stat(log, &st) == 0 && st.st_size > 900); /* it says what it waits for */
    CHECK(waitpid(e.pid, NULL, WNOHANG) == 0);
    pt_broker_restart(b);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") > 1);
    pt_broker_publish(b, "spBv1.0/G/NCMD/E", PT_LIT("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"), 1, false);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") >= 1);
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", 0)), 0); /* no CONNECT was written before */
    CHECK_INT(end(&e, SIGTERM), 0);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void a_broker_killed_is_found_again_with_the_next_bdseq(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    write_config(&e, quoted(b), "", "", SIM);
    start(&e);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 2);
    pt_observer_stop(o);
    pt_broker_kill9(b);
    pt_broker_restart(b);
    o = pt_observer_start(b, "spBv1.0/#");
    pt_broker_publish(b, "spBv1.0/G/NCMD/E", PT_LIT("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"), 1, false);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") >= 1 || (pt_broker_publish(b, "spBv1.0/G/NCMD/E", PT_LIT("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"), 1, false), false));
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", 0)), 1);
    size_t then = pt_observer_count(o);
    CHECK_WITHIN(5000, pt_observer_count(o) >= then + 5);
    CHECK_INT(end(&e, SIGTERM), 0);
    CHECK_WITHIN(5000, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") == 1);
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NDEATH/E", 0)), 1);
    sequence_is_whole_from(o, nth(o, "spBv1.0/G/NBIRTH/E", 0));
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void run_or_die(const char *command)
{
    int rc = system(command); /* test only: openssl, mosquitto_pub */
    pt_check_at(rc == 0, true, __FILE__, __LINE__, "%s", command);
}

static void a_storm_of_rebirth_requests_gives_two_births(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    write_config(&e, quoted(b), "", "", SIM);
    start(&e);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 12); /* the first births' quiet time is over, or nearly */
    char request[320], cmd[1800];
    snprintf(request, sizeof request, "%s/rebirth", dir);
    FILE *f = fopen(request, "w");
    CHECK_FATAL(f != NULL && fwrite("\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01", 1, 28, f) == 28 && fclose(f) == 0);
    snprintf(cmd, sizeof cmd, "pub() { mosquitto_pub -p %d -i host-$1 -q $2 -t spBv1.0/G/NCMD/E -f '%s' --repeat $3 --repeat-delay 0.14 || echo failed; }; "
                              "test -z \"$(pub 1 0 7 & pub 2 1 7 & pub 3 1 6 & wait)\"", pt_broker_port(b), request);
    int64_t begin = pt_test_now_ms();
    run_or_die(cmd); /* 20 in a second, from 3 hosts */
    int64_t took = pt_test_now_ms() - begin;
    CHECK_WITHIN(5000, pt_observer_count_topic(o, "spBv1.0/G/NCMD/E") == 20);
    size_t most = 3 + (size_t)(took / 500); /* one at once, one after each quiet time */
    CHECK_WITHIN(10000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") >= 2); /* the first, and one for all of them if the quiet time was not over */
    size_t before = pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim");
    CHECK_WITHIN(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= before + 12);
    size_t births = pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E");
    CHECK(births >= 2 && births <= most);
    for (size_t i = 0; i < births; i++)
        CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", i)), 0);
    CHECK_INT(pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E"), 0);
    CHECK_INT(end(&e, SIGTERM), 0);
    sequence_is_whole(o);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void births_follow_the_primary_hosts_state(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":1000}"), 1, true);
    write_config(&e, quoted(b), "", ", primary_host: scada", SIM);
    start(&e);
    char log[64];
    snprintf(log, sizeof log, "plantree-edge/G/E");
    CHECK_WITHIN_FATAL(10000, pt_broker_log_count(b, log) > 0);
    pt_broker_publish(b, "spBv1.0/STATE/other", PT_LIT("{\"online\":true,\"timestamp\":2000}"), 1, true);
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":999}"), 1, false);
    CHECK_INT(pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E"), 0);
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":1000}"), 1, true);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 2);
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":999}"), 1, false); /* a late Will */
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":1000}"), 1, true);
    CHECK_WITHIN(5000, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") == 1);
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NDEATH/E", 0)), 0);
    size_t data = pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim");
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":1500}"), 1, true);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= data + 2);
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", 1)), 1);
    /* what was read while the host was away is not lost: it comes as history */
    bool historical = false;
    CHECK_WITHIN(5000, ({
                     const pt_observed *m;
                     for (size_t i = data; !historical && (m = nth(o, "spBv1.0/G/DDATA/E/sim", i)); i++)
                         historical = (decode(m)->metrics[0].flags & SPB_IS_HISTORICAL) != 0;
                     historical;
                 }));
    CHECK_INT(end(&e, SIGTERM), 0);
    sequence_is_whole(o);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void host_state(pt_broker *b, bool online, int64_t ts, bool retain)
{
    char text[80];
    snprintf(text, sizeof text, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)ts);
    pt_broker_publish(b, "spBv1.0/STATE/scada", pt_cstr(text), 1, retain);
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
        fresh_dir();
        pt_broker *b = pt_broker_start(NULL);
        pt_observer *o = pt_observer_start(b, "spBv1.0/#");
        edge e;
        host_state(b, true, 100, true);
        write_config(&e, quoted(b), "", ", primary_host: scada", SIM);
        start(&e);
        CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 2);
        for (int k = 0; k < 3; k++)
            host_state(b, rows[i].states[k].online, rows[i].states[k].ts, rows[i].states[k].online); /* the broker keeps the birth */
        size_t births = rows[i].bounce ? 2 : 1;
        CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") >= births);
        size_t data = pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim");
        CHECK_WITHIN(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= data + 5);
        CHECK_ROW(rows[i].order, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") == births);
        CHECK_ROW(rows[i].order, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") == births - 1);
        for (size_t k = 0; k < births; k++)
            CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", k)), k);
        CHECK_INT(end(&e, SIGTERM), 0);
        sequence_is_whole(o);
        pt_observer_stop(o);
        pt_broker_stop(b);
    }
}

static void the_edge_walks_to_the_server_where_its_host_is(void)
{
    fresh_dir();
    pt_broker *a = pt_broker_start(NULL), *b = pt_broker_start(NULL);
    pt_observer *oa = pt_observer_start(a, "spBv1.0/#"), *ob = pt_observer_start(b, "spBv1.0/#");
    edge e;
    char servers[160];
    pt_broker_publish(a, "spBv1.0/STATE/scada", PT_LIT("{\"online\":false,\"timestamp\":5000}"), 1, true);
    pt_broker_publish(b, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":10}"), 1, true);
    snprintf(servers, sizeof servers, "'%s', '%s'", pt_broker_url(a), pt_broker_url(b));
    write_config(&e, servers, "", ", primary_host: scada", SIM);
    start(&e);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(ob, "spBv1.0/G/NBIRTH/E") == 1);
    CHECK_INT(pt_observer_count_topic(oa, "spBv1.0/G/NBIRTH/E"), 0);
    CHECK_INT(pt_observer_count_topic(oa, "spBv1.0/G/NDEATH/E"), 0); /* no death where no birth was */
    CHECK_INT(bdseq(nth(ob, "spBv1.0/G/NBIRTH/E", 0)), 1);            /* one counter for all servers */
    pt_broker_publish(a, "spBv1.0/STATE/scada", PT_LIT("{\"online\":true,\"timestamp\":6000}"), 1, true);
    pt_broker_publish(b, "spBv1.0/G/NCMD/E", PT_LIT("\x12\x1e\x0a\x18Node Control/Next Server\x20\x0b\x70\x01"), 0, false);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(oa, "spBv1.0/G/NBIRTH/E") == 1);
    CHECK_WITHIN(5000, pt_observer_count_topic(ob, "spBv1.0/G/NDEATH/E") == 1);
    CHECK_INT(bdseq(nth(oa, "spBv1.0/G/NBIRTH/E", 0)), 2);
    CHECK_INT(bdseq(nth(ob, "spBv1.0/G/NDEATH/E", 0)), 1);
    CHECK_INT(end(&e, SIGTERM), 0);
    CHECK_WITHIN(5000, pt_observer_count_topic(oa, "spBv1.0/G/NDEATH/E") == 1);
    sequence_is_whole(oa);
    sequence_is_whole(ob);
    pt_observer_stop(oa);
    pt_observer_stop(ob);
    pt_broker_stop(a);
    pt_broker_stop(b);
}

/* Metric N counts polls: no number between the first and the last is missing. */
static bool counter_is_whole(pt_observer *o)
{
    static bool seen[100000];
    pt_arena_reset(&arena); /* called again and again */
    memset(seen, 0, sizeof seen);
    int64_t low = INT64_MAX, high = 0;
    const pt_observed *m;
    uint64_t alias = UINT64_MAX;
    for (size_t i = 0; (m = pt_observer_at(o, i)); i++) {
        spb_topic t;
        if (spb_topic_parse(&spb_namespace_b, pt_cstr(m->topic), &t, NULL) != PT_OK || (t.verb != SPB_DBIRTH && t.verb != SPB_DDATA)) continue;
        const spb_payload *p = decode(m);
        for (uint32_t k = 0; k < p->n_metrics; k++) {
            const spb_metric *x = &p->metrics[k];
            if (pt_slice_eq_cstr(x->name, "N")) alias = x->alias;
            if (x->alias != alias || x->wire != SPB_WIRE_LONG || x->value.u64 >= PT_COUNT_OF(seen)) continue;
            seen[x->value.u64] = true;
            if ((int64_t)x->value.u64 < low) low = (int64_t)x->value.u64;
            if ((int64_t)x->value.u64 > high) high = (int64_t)x->value.u64;
        }
    }
    for (int64_t v = low; v <= high; v++)
        if (!seen[v]) return false;
    return high - low > 60;
}

static void a_silent_network_is_noticed_and_nothing_is_lost(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    write_config(&e, quoted(b), ", keep_alive: 1s, connect_timeout: 1s", "", SIM);
    start(&e);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 5);
    pt_broker_freeze(b);
    int64_t until = pt_test_now_ms() + 4000;
    CHECK_WITHIN(5000, pt_test_now_ms() >= until);
    pt_broker_thaw(b);
    CHECK_WITHIN_FATAL(15000, pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E") >= 2);
    size_t then = pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim");
    CHECK_WITHIN(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= then + 20);
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E") >= 1);
    CHECK(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", 1)) > 0 && bdseq(nth(o, "spBv1.0/G/NDEATH/E", 0)) == 0); /* the Will of the dead connection, then a new session */
    CHECK_WITHIN(20000, counter_is_whole(o)); /* each value of the counter is there, live or historical */
    CHECK_INT(end(&e, SIGTERM), 0);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void sighup_takes_new_tags_with_a_rebirth_and_no_reconnect(void)
{
    fresh_dir();
    pt_broker *b = pt_broker_start(NULL);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    write_config(&e, quoted(b), "", "", SIM);
    start(&e);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 2);
    write_config(&e, quoted(b), "", "", "  - { id: sim, driver: nonsense }\n");
    CHECK(kill(e.pid, SIGHUP) == 0);
    size_t data = pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim");
    CHECK_WITHIN(5000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= data + 5); /* goes on as it was */
    CHECK_INT(pt_observer_count_topic(o, "spBv1.0/G/NBIRTH/E"), 1);
    write_config(&e, quoted(b), "", "", SIM "  - { id: more, driver: sim, tags: [ { name: X, type: Double, poll: 50ms } ] }\n");
    CHECK(kill(e.pid, SIGHUP) == 0);
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(o, "spBv1.0/G/DBIRTH/E/more") == 1);
    CHECK_INT(pt_observer_count_topic(o, "spBv1.0/G/NDEATH/E"), 0);
    CHECK_INT(bdseq(nth(o, "spBv1.0/G/NBIRTH/E", 1)), 0);
    CHECK_INT(log_count("EDGE-RELOAD-RESTART"), 0);
    write_config(&e, quoted(b), ", connect_timeout: 3s, tls: { ca: /nowhere.crt }", "", SIM); /* what only a restart takes is named, each time */
    for (size_t i = 1; i <= 2; i++) {
        CHECK(kill(e.pid, SIGHUP) == 0);
        CHECK_WITHIN(5000, log_count("were not taken: mqtt.connect_timeout, mqtt.tls.ca") == i);
    }
    CHECK_INT(end(&e, SIGTERM), 0);
    sequence_is_whole(o);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

static void tls_with_client_certificates_works_and_without_it_does_not(void)
{
    fresh_dir();
    char cmd[4096], config[2048], mqtt[2048], server[64];
    if (system("command -v openssl >/dev/null 2>&1") != 0) {
        printf("not shown: openssl is missing; ");
        CHECK(getenv("PLANTREE_TEST_STRICT") == NULL);
        return;
    }
    snprintf(cmd, sizeof cmd,
             "cd '%s' && exec >/dev/null 2>&1 && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=plantree-test-ca"
             " && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1 && printf 'subjectAltName=IP:127.0.0.1' > san"
             " && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile san"
             " && openssl req -newkey rsa:2048 -nodes -keyout edge.key -out edge.csr -subj /CN=edge"
             " && openssl x509 -req -in edge.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out edge.crt -days 2 && chmod 644 *.key", dir);
    run_or_die(cmd);
    int port = pt_free_port();
    snprintf(config, sizeof config, "listener %d 127.0.0.1\nallow_anonymous true\ncafile %s/ca.crt\ncertfile %s/server.crt\nkeyfile %s/server.key\nrequire_certificate true\n",
             port, dir, dir, dir);
    chmod(pt_test_dir(), 0755);
    chmod(dir, 0755);
    pt_broker *b = pt_broker_start(config);
    pt_observer *o = pt_observer_start(b, "spBv1.0/#");
    edge e;
    snprintf(server, sizeof server, "'ssl://127.0.0.1:%d'", port);
    snprintf(mqtt, sizeof mqtt, ", tls: { ca: '%s/ca.crt' }", dir);
    write_config(&e, server, mqtt, "", SIM);
    start(&e);
    char log[300];
    snprintf(log, sizeof log, "%s/edge.log", dir);
    struct stat st;
    CHECK_WITHIN(5000, stat(log, &st) == 0 && st.st_size > 1500); /* several refused attempts */
    CHECK_INT(pt_observer_count(o), 0);
    CHECK_INT(end(&e, SIGTERM), 0);
    snprintf(mqtt, sizeof mqtt, ", tls: { ca: '%s/ca.crt', cert: '%s/edge.crt', key: '%s/edge.key' }", dir, dir, dir);
    write_config(&e, server, mqtt, "", SIM);
    start(&e);
    CHECK_WITHIN(10000, pt_observer_count_topic(o, "spBv1.0/G/DDATA/E/sim") >= 2);
    CHECK_INT(end(&e, SIGTERM), 0);
    pt_observer_stop(o);
    pt_broker_stop(b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_session_starts_with_births_and_ends_with_deaths),
        PT_TEST(kill_9_lets_the_will_speak_and_the_next_bdseq_follows),
        PT_TEST(a_broker_absent_at_start_is_waited_for_without_using_up_numbers),
        PT_TEST(a_broker_killed_is_found_again_with_the_next_bdseq),
        PT_TEST(a_storm_of_rebirth_requests_gives_two_births),
        PT_TEST(births_follow_the_primary_hosts_state),
        PT_TEST(a_host_that_bounces_is_followed_in_all_four_orders),
        PT_TEST(the_edge_walks_to_the_server_where_its_host_is),
        PT_TEST(a_silent_network_is_noticed_and_nothing_is_lost),
        PT_TEST(sighup_takes_new_tags_with_a_rebirth_and_no_reconnect),
        PT_TEST(tls_with_client_certificates_works_and_without_it_does_not),
    };
    pt_arena_init(&arena, (size_t)1 << 30);
    int rc = pt_test_main("edge-node/program", tests, PT_COUNT_OF(tests), argc, argv);
    pt_arena_fini(&arena);
    return rc;
}
