/* Store and forward on a real SQLite file: what waits comes back, in order, once; limits, full disk, kill -9, backfill. */
#include "edge-node/spool.h"
#include "tests/edge-node/rig.h"
#include "tests/support/sqlite_faults.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static rig *r;
static edge_spool *spool;
static edge_spool_options so;
static edge_journal journal;
static const char *home;
static char dir[300];
static int made;
static pt_fake_clock fake;

static void open_spool(void)
{
    pt_error err = { 0 };
    pt_status st = edge_spool_open(&so, &spool, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "spool opens: %s", err.text);
    journal = edge_spool_journal(spool);
}

/* A node whose journal is a spool in a fresh directory; its real clock moves. */
static void begin(void)
{
    static rig storage;
    r = &storage;
    rig_init(r);
    snprintf(dir, sizeof dir, "%s/%d", home, made++);
    CHECK_FATAL(mkdir(dir, 0700) == 0);
    so = (edge_spool_options){ .dir = dir, .commit_interval_ms = 10, .rate = 1000000, .clock = pt_clock_system() };
    open_spool();
    r->options.clock = pt_clock_system();
    r->options.journal = &journal;
    rig_usual_model(r);
    edge_names names = edge_spool_names(spool);
    CHECK_OK(edge_spool_names_begin(spool));
    CHECK_OK_FATAL(edge_model_seal(r->model, &names, NULL));
    CHECK_OK(edge_spool_names_end(spool));
    size_t size = edge_node_size(&r->options);
    r->node_memory = malloc(size);
    CHECK_OK_FATAL(edge_node_init(r->node_memory, size, &r->options, r->model, &r->node, NULL));
    CHECK_OK(edge_node_start(r->node, NULL));
    CHECK_OK(edge_spool_start(spool, r->node));
    edge_node_device_online(r->node, r->device);
}

static void end(void)
{
    edge_spool_stop(spool);
    rig_fini(r);
    edge_spool_close(spool);
}

static void set(int64_t v, int64_t ts)
{
    edge_sample s = { .metric = r->count, .timestamp_ms = ts, .value = rig_i64(v) };
    CHECK_OK(edge_node_set(r->node, &s));
    edge_node_poll(r->node);
}

static edge_spool_stats stats(void)
{
    edge_spool_stats s;
    edge_spool_stats_get(spool, &s);
    return s;
}

/* Historical values of Count so far, oldest message first; returns how many, the first differing one is a failure. */
static size_t history_is(int64_t first, size_t n)
{
    size_t seen = 0;
    for (size_t i = 0; i < r->n_sent; i++) {
        if (r->sent[i].verb != SPB_DDATA) continue;
        const spb_payload *p = rig_decode(r, &r->sent[i]);
        for (uint32_t k = 0; k < p->n_metrics; k++) {
            if (!(p->metrics[k].flags & SPB_IS_HISTORICAL)) continue;
            if (seen < n) CHECK_INT(p->metrics[k].value.u64, first + (int64_t)seen);
            CHECK_INT(p->metrics[k].timestamp, 1700000000000 + first + (int64_t)seen);
            seen++;
        }
    }
    return seen;
}

static void what_was_read_offline_goes_out_as_history_in_order(void)
{
    begin();
    for (int i = 0; i < 2000; i++)
        set(i, 1700000000000 + i);
    CHECK_WITHIN(5000, stats().pending_samples == 2000);
    CHECK_INT(r->n_sent, 0);
    rig_connect(r);
    CHECK_WITHIN(5000, stats().pending_samples == 0 && stats().sent == 2000);
    CHECK_INT(history_is(0, 2000), 2000);
    CHECK_INT(r->sent[0].verb, SPB_NBIRTH);
    CHECK_INT(r->sent[1].verb, SPB_DBIRTH);
    end();
}

static void a_host_gets_a_range_again_when_it_asks(void)
{
    begin();
    rig_connect(r);
    for (int i = 0; i < 100; i++)
        set(i, 1700000000000 + i);
    CHECK_WITHIN(5000, stats().stored_samples == 100);
    CHECK_INT(history_is(0, 0), 0);
    spb_metric m = {
        .name = PT_LIT("Node Control/Backfill From"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_LONG, .value = { .u64 = 1700000000040 }
    };
    rig_command(r, NULL, &m, 1);
    CHECK_WITHIN(5000, stats().sent == 60);
    CHECK_WITHIN(5000, stats().pending_samples == 0);
    edge_spool_stop(spool);
    CHECK_INT(history_is(40, 60), 60);
    rig_fini(r);
    edge_spool_close(spool);
}

static void progress_is_reported_to_the_end(void)
{
    begin();
    rig_connect(r);
    for (int i = 0; i < 10; i++)
        set(i, 1700000000000 + i);
    CHECK_WITHIN(5000, stats().stored_samples == 10);
    spb_metric m = {
        .name = PT_LIT("Node Control/Backfill From"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_LONG, .value = { .u64 = 1700000000000 }
    };
    rig_command(r, NULL, &m, 1);
    uint32_t done = edge_node_find(r->node, PT_LIT(""), PT_LIT("Backfill/Done Through"));
    char buf[16];
    edge_metric_view v = { .timestamp_ms = -1 };
    CHECK_WITHIN(5000, edge_node_view(r->node, done, buf, sizeof buf, &v) == PT_OK && !v.value.is_null && v.value.as.u64 == 1700000000009);
    edge_node_poll(r->node);
    end();
}

static void what_was_sent_just_before_a_loss_is_sent_again(void)
{
    begin();
    rig_connect(r);
    for (int i = 0; i < 50; i++)
        set(i, 1700000000000 + i);
    CHECK_WITHIN(5000, stats().stored_samples == 50);
    edge_node_lost(r->node, false);
    CHECK_WITHIN(5000, stats().pending_samples == 50);
    rig_connect(r);
    CHECK_WITHIN(5000, stats().pending_samples == 0 && stats().sent == 50);
    end();
}

static void the_size_limit_drops_the_oldest_delivered_first_and_counts(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    so.max_bytes = 4000;
    open_spool();
    int64_t now = pt_wall_ms(pt_clock_system());
    for (int i = 0; i < 100; i++) {
        char bytes[100] = "x";
        CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, sizeof bytes), 10, now + i, now + i, i < 50));
    }
    CHECK_OK(edge_spool_start(spool, NULL));
    edge_spool_stop(spool);
    edge_spool_stats s = stats();
    CHECK(s.stored_bytes <= 4000);
    CHECK_INT(s.pending_samples, s.stored_samples); /* all delivered ones went first */
    CHECK_INT(s.pending_samples + s.dropped_overflow + s.dropped_age, 500);
    r->options.journal = NULL;
    rig_fini(r);
    edge_spool_close(spool);
}

static void drop_newest_refuses_what_is_new(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    so.max_bytes = 1000;
    so.drop_newest = true;
    open_spool();
    int64_t now = pt_wall_ms(pt_clock_system());
    for (int i = 0; i < 20; i++) {
        char bytes[100] = "x";
        CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, sizeof bytes), 1, now + i, now + i, false));
    }
    CHECK_OK(edge_spool_start(spool, NULL));
    edge_spool_stop(spool);
    CHECK_INT(stats().pending_samples, 10);
    CHECK_INT(stats().dropped_overflow, 10);
    rig_fini(r);
    edge_spool_close(spool);
}

/* A spool alone, on a fake clock, in a fresh directory or in the one before. */
static void open_alone(bool fresh, int64_t max_age_ms)
{
    pt_error err = { 0 };
    if (fresh) {
        snprintf(dir, sizeof dir, "%s/%d", home, made++);
        CHECK_FATAL(mkdir(dir, 0700) == 0);
        pt_fake_clock_init(&fake, 1700000000000);
    }
    so = (edge_spool_options){ .dir = dir, .commit_interval_ms = 2, .max_age_ms = max_age_ms, .clock = &fake.clock };
    pt_status st = edge_spool_open(&so, &spool, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "spool opens: %s", err.text);
    journal = edge_spool_journal(spool);
    CHECK_OK_FATAL(edge_spool_start(spool, NULL));
}

static void put(uint32_t samples, bool delivered)
{
    char bytes[8] = "x";
    int64_t now = pt_wall_ms(&fake.clock);
    uint64_t want = stats().stored_samples + samples;
    CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, 8), samples, now, now, delivered));
    CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().stored_samples == want));
}

#define MINUTE 60000

/* Minutes go by, and the spool has seen each of them. */
static void pass(int minutes)
{
    for (int i = 0; i < minutes; i++) {
        uint64_t commits = stats().commits;
        pt_fake_clock_advance(&fake, MINUTE);
        CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().commits > commits)); /* it may begin to wait after the minute */
    }
}

#define DAY (24 * 60 * (int64_t)MINUTE)

static void old_samples_expire_by_the_time_the_spool_has_seen(void)
{
    open_alone(true, 60 * MINUTE);
    put(3, false);
    put(5, true);
    pass(30);
    put(4, false);
    pass(25);
    put(1, false);
    CHECK_INT(stats().stored_samples, 13);
    CHECK_WITHIN(5000,
                 (pt_fake_clock_advance(&fake, 1000), stats().dropped_age == 3)); /* delivered ones are kept, and go, without a loss */
    CHECK_WITHIN(5000, stats().stored_samples == 5 && stats().pending_samples == 5);
    pass(28);
    CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 1000), stats().dropped_age == 7));
    CHECK_WITHIN(5000, stats().pending_samples == 1);
    edge_spool_stop(spool);
    edge_spool_close(spool);
}

static void a_clock_that_steps_a_day_expires_nothing(void)
{
    for (int back = 0; back < 2; back++) {
        open_alone(true, 60 * MINUTE);
        put(3, false);
        put(5, true);
        pt_fake_clock_step_wall(&fake, back ? -DAY : DAY);
        for (int i = 0; i < 3; i++) {
            pass(10);
            put(1, false);
        }
        CHECK(stats().dropped_age == 0 && stats().stored_samples == 11 && stats().pending_samples == 6);
        journal.lost(journal.ctx); /* what was delivered long before the window is not sent again because of the step */
        put(1, true);
        journal.lost(journal.ctx); /* and what was delivered in it is */
        CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().pending_samples == 7));
        edge_spool_stop(spool);
        edge_spool_close(spool);
        pt_fake_clock_step_wall(&fake, back ? DAY : -DAY); /* and while nobody runs */
        open_alone(false, 60 * MINUTE);
        CHECK_INT(stats().stored_samples, 12);
        pass(2);
        CHECK(stats().dropped_age == 0 && stats().stored_samples == 12);
        pass(70); /* age goes on from where it was */
        CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 1000), stats().stored_samples == 0));
        CHECK_INT(stats().dropped_age, 7);
        edge_spool_stop(spool);
        edge_spool_close(spool);
    }
    spool = NULL;
}

static void what_was_delivered_before_a_step_and_a_loss_is_sent_again(void)
{
    for (int back = 0; back < 2; back++) {
        open_alone(true, 60 * MINUTE);
        put(5, true);
        pt_fake_clock_step_wall(&fake, back ? -DAY : DAY);
        journal.lost(journal.ctx);
        CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().pending_samples == 5));
        edge_spool_stop(spool);
        edge_spool_close(spool);
    }
    spool = NULL;
}

static void a_file_of_the_version_before_goes_on(void)
{
    open_alone(true, 60 * MINUTE);
    put(3, false);
    put(5, true);
    edge_spool_stop(spool);
    sqlite3 *db = edge__spool_lock(spool); /* as it was: wall times of sending, no marks */
    CHECK(
        sqlite3_exec(
            db,
            "UPDATE batch SET sent_ms = 1700000000000 WHERE state = 1; DROP TABLE mark; DELETE FROM meta WHERE key = 'own_ms'; PRAGMA user_version = 2",
            NULL, NULL, NULL) == SQLITE_OK);
    edge__spool_unlock(spool);
    edge_spool_close(spool);
    open_alone(false, 60 * MINUTE);
    CHECK_INT(stats().stored_samples, 8);
    put(1, false);
    pass(58);
    put(1, false);
    CHECK(stats().dropped_age == 0 && stats().stored_samples == 10);
    pass(4);
    CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 1000), stats().dropped_age == 4 && stats().stored_samples == 1));
    edge_spool_stop(spool);
    edge_spool_close(spool);
    spool = NULL;
}

static void a_full_disk_keeps_the_newest_in_memory_and_says_so(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    so.memory_bytes = 20000;
    open_spool();
    sqlite3 *db = edge__spool_lock(spool);
    CHECK(sqlite3_exec(db, "PRAGMA max_page_count = 1", NULL, NULL, NULL) == SQLITE_OK); /* no page more than there are */
    edge__spool_unlock(spool);
    CHECK_OK(edge_spool_start(spool, r->node));
    char bytes[1000] = "x";
    int64_t now = pt_wall_ms(pt_clock_system());
    for (int i = 0; i < 100; i++)
        CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, sizeof bytes), 1, now + i, now + i, false));
    CHECK_WITHIN(5000, stats().failing);
    edge_spool_stats s = stats();
    CHECK(s.queue_bytes <= 20000 && s.queue_bytes > 15000);
    CHECK(s.dropped_memory >= 80 && s.error[0]);
    db = edge__spool_lock(spool);
    CHECK(sqlite3_exec(db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL) == SQLITE_OK);
    edge__spool_unlock(spool);
    CHECK_WITHIN(5000, !stats().failing && stats().pending_samples + stats().dropped_memory == 100);
    end();
}

/* --- the sweep: a short life in which the nth write, sync or allocation fails; PLANTREE_SWEEP=1 tries every number --- */

#define WAITING 30 /* values read offline, then as many online */

/* Time goes on while we wait: pauses, retries and rates are the fake clock's. */
#define SOON(cond) PT_WITHIN(5000, (pt_fake_clock_advance(&fake, 100), (cond)))

typedef struct life {
    bool got[2 * WAITING];
    uint32_t doubled; /* within one run */
    int next;         /* value to be read next */
    uint64_t alias;
} life;

static bool open_life(void)
{
    static rig storage;
    pt_error err = { 0 };
    r = &storage;
    spool = NULL;
    if (edge_spool_open(&so, &spool, &err) != PT_OK) {
        CHECK(err.text[0] != 0);
        return false;
    }
    journal = edge_spool_journal(spool);
    rig_init(r);
    r->options.clock = &fake.clock;
    r->options.journal = &journal;
    rig_usual_model(r);
    edge_names names = edge_spool_names(spool);
    pt_status begun = edge_spool_names_begin(spool), sealed = begun == PT_OK ? edge_model_seal(r->model, &names, &err) : begun,
              ended = edge_spool_names_end(spool);
    if (begun == PT_OK && sealed == PT_OK && ended == PT_OK) {
        size_t size = edge_node_size(&r->options);
        r->node_memory = malloc(size);
        CHECK_OK_FATAL(edge_node_init(r->node_memory, size, &r->options, r->model, &r->node, NULL));
        CHECK_OK(edge_node_start(r->node, NULL));
        CHECK_OK(edge_spool_start(spool, r->node));
        edge_node_device_online(r->node, r->device);
        return true;
    }
    edge_spool_close(spool);
    free(r->model_memory);
    pt_arena_fini(&r->arena);
    return false;
}

static void close_life(life *l)
{
    bool now[2 * WAITING] = { false };
    edge_spool_stop(spool);
    for (size_t i = 0; i < r->n_sent; i++) {
        if (r->sent[i].verb != SPB_DDATA && r->sent[i].verb != SPB_DBIRTH) continue;
        const spb_payload *p = rig_decode(r, &r->sent[i]);
        for (uint32_t k = 0; k < p->n_metrics; k++) {
            const spb_metric *x = &p->metrics[k];
            if (x->alias != l->alias || (x->flags & SPB_IS_NULL)) continue;
            uint64_t v = x->value.u64;
            CHECK_FATAL(v < PT_COUNT_OF(now) && x->timestamp == 1700000000000 + v);
            l->doubled += now[v] && (x->flags & SPB_IS_HISTORICAL) && r->sent[i].verb == SPB_DDATA && (int)v < WAITING;
            now[v] = l->got[v] = true;
        }
    }
    rig_fini(r);
    edge_spool_close(spool);
}

static void read_values(life *l, int until)
{
    uint64_t before = 0;
    for (; l->next < until; l->next++) {
        if (l->next % 10 == 0) before = stats().commits + stats().failures;
        set(l->next, 1700000000000 + l->next);
        if (l->next % 10 == 9) CHECK(SOON(stats().commits + stats().failures > before)); /* each ten are a transaction at least */
    }
}

/* Read offline and left; opened again, sent, read on online, left again. What fails is tried again, once: then it must do. */
static bool run_life(life *l)
{
    bool opened = open_life() || open_life();
    CHECK(opened);
    if (!opened) return false;
    uint64_t alias = rig_alias_of(r, r->count);
    CHECK(l->alias == 0 || l->alias == alias); /* numbers of names stay, whatever failed */
    l->alias = alias;
    bool first = l->next == 0;
    if (first) {
        read_values(l, WAITING);
        CHECK(SOON(stats().pending_samples == WAITING && !stats().failing));
    } else {
        rig_connect(r);
        read_values(l, 2 * WAITING);
        CHECK(SOON(stats().pending_samples == 0 && !stats().failing));
    }
    edge_spool_stats s = stats();
    CHECK_INT(s.dropped_memory + s.dropped_overflow + s.dropped_age + s.dropped_journal, 0);
    close_life(l);
    return true;
}

static void sweep(sqlite_fault kind, bool sticky, int code, const char *name, long stride)
{
    if (getenv("PLANTREE_SWEEP")) stride = 1;
    long struck = 1, tried = 0;
    for (long at = 1; struck > 0; at += stride, tried++) {
        char row[80];
        life l = { 0 };
        snprintf(row, sizeof row, "%s %ld%s", name, at, sticky ? " and all behind it" : "");
        snprintf(dir, sizeof dir, "%s/%d", home, made++);
        CHECK_FATAL(mkdir(dir, 0700) == 0);
        pt_fake_clock_init(&fake, 1700000000000);
        so = (edge_spool_options){ .dir = dir, .commit_interval_ms = 2, .rate = 1000000, .clock = &fake.clock };
        sqlite_faults_arm(kind, at, sticky, code);
        if (sticky) { /* a disk that does not come back is another test's: here it works again while the program lives */
            if (open_life()) {
                l.alias = rig_alias_of(r, r->count);
                read_values(&l, WAITING);
                CHECK(SOON(stats().failing || stats().pending_samples == WAITING));
                sqlite_faults_off();
                CHECK(SOON(stats().pending_samples == WAITING && !stats().failing));
                CHECK_INT(stats().dropped_memory, 0);
                close_life(&l);
            } else {
                sqlite_faults_off();
                if (!run_life(&l)) return;
            }
        } else if (!run_life(&l)) {
            return;
        }
        bool whole = run_life(&l);
        struck = sqlite_faults_struck();
        sqlite_faults_off();
        size_t missing = 0;
        for (size_t i = 0; i < PT_COUNT_OF(l.got); i++)
            missing += !l.got[i];
        CHECK_ROW(row, whole && missing == 0 && l.doubled == 0);
        if (missing || !whole) return;
    }
    printf("%s%s: %ld lives; ", name, sticky ? " and all behind it" : "", tried);
}

static void each_write_may_fail_and_nothing_is_lost_or_doubled(void)
{
    sweep(SQLITE_FAULT_WRITES, false, SQLITE_FULL, "disk full at write", 3);
    sweep(SQLITE_FAULT_WRITES, false, SQLITE_IOERR_WRITE, "write", 5);
    sweep(SQLITE_FAULT_WRITES, true, SQLITE_FULL, "disk full at write", 7);
}

static void each_sync_may_fail_and_nothing_is_lost_or_doubled(void)
{
    sweep(SQLITE_FAULT_SYNCS, false, 0, "sync", 1);
    sweep(SQLITE_FAULT_SYNCS, true, 0, "sync", 1);
}

static void each_allocation_may_fail_and_nothing_is_lost_or_doubled(void)
{
    sweep(SQLITE_FAULT_ALLOCATIONS, false, 0, "allocation", 131);
}

/* Our own allocations: the linker sends them through here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
static _Atomic int fail_here, fail_elsewhere; /* so many of the test's thread fail; of others */
static pthread_t test_thread;

static bool no_memory(void)
{
    _Atomic int *left = pthread_equal(pthread_self(), test_thread) ? &fail_here : &fail_elsewhere;
    return *left > 0 && (*left)-- > 0;
}
void *__wrap_malloc(size_t size)
{
    return no_memory() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return no_memory() ? NULL : __real_calloc(n, size);
}

static void memory_that_runs_out_is_an_error_or_a_later_attempt_and_counted(void)
{
    pt_error err = { 0 };
    edge_spool *s = NULL;
    begin();
    so.dir = dir;
    fail_here = 1;
    CHECK_STATUS(edge_spool_open(&so, &s, &err), PT_ENOMEM);
    CHECK(s == NULL && err.text[0]);
    for (int i = 0; i < 10; i++)
        set(i, 1700000000000 + i);
    CHECK_WITHIN(5000, stats().pending_samples == 10);
    edge_sample x = { .metric = r->count, .timestamp_ms = 1700000000010, .value = rig_i64(10) };
    CHECK_OK(edge_node_set(r->node, &x));
    fail_here = 1; /* the queue's entry */
    edge_node_poll(r->node);
    CHECK_INT(fail_here, 0);
    edge_node_stats n;
    edge_node_stats_get(r->node, &n);
    CHECK_INT(n.dropped_journal, 1);
    fail_elsewhere = 3; /* the batch that is to be sent: found again */
    rig_connect(r);
    CHECK_WITHIN(5000, stats().sent == 10 && stats().pending_samples == 0);
    CHECK_INT(fail_elsewhere, 0);
    edge_spool_stop(spool);
    CHECK_INT(history_is(0, 10), 10);
    end();
}

static void history_goes_at_the_set_rate_and_live_values_in_between(void)
{
    snprintf(dir, sizeof dir, "%s/%d", home, made++);
    CHECK_FATAL(mkdir(dir, 0700) == 0);
    pt_fake_clock_init(&fake, 1700000000000);
    so = (edge_spool_options){ .dir = dir, .commit_interval_ms = 2, .rate = 100, .clock = &fake.clock };
    CHECK_FATAL(open_life());
    for (int i = 0; i < 500; i++)
        set(i, 1700000000000 + i);
    CHECK(SOON(stats().pending_samples == 500));
    pt_fake_clock_advance(&fake, 60000); /* what could have been sent meanwhile is not saved up */
    rig_connect(r);
    uint64_t before = 0, alias = rig_alias_of(r, r->count);
    int64_t live = 1000, begin = pt_mono_ms(&fake.clock);
    for (; stats().sent < 500 && live < 2000; live++) {
        pt_fake_clock_advance(&fake, 100);
        set(live, 1700000000000 + live);
        CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 1), stats().sent > before || stats().sent == 500)); /* it goes on */
        before = stats().sent;
        int64_t elapsed =
            pt_mono_ms(&fake.clock) - begin; /* 100 a second, what a tenth of a second allows at once, and one batch that went over */
        CHECK(before <= (uint64_t)elapsed / 10 + 11 + 1);
    }
    CHECK_INT(stats().sent, 500);
    edge_spool_stop(spool);
    CHECK_INT(history_is(0, 500), 500);
    int64_t next = 1000, history = 0, between = 0;
    for (size_t i = 0; i < r->n_sent; i++) {
        if (r->sent[i].verb != SPB_DDATA) continue;
        const spb_payload *p = rig_decode(r, &r->sent[i]);
        for (uint32_t k = 0; k < p->n_metrics; k++) {
            if (p->metrics[k].alias != alias) continue;
            if (p->metrics[k].flags & SPB_IS_HISTORICAL) {
                history++;
                continue;
            }
            CHECK_INT(p->metrics[k].value.u64, next++);
            between += history > 0 && history < 500;
        }
    }
    CHECK(next == live && between > 20); /* all of them, in order, most while history was on its way */
    rig_fini(r);
    edge_spool_close(spool);
}

static void what_is_transient_is_never_kept(void)
{
    uint32_t x;
    open_alone(true, 60 * MINUTE);
    static rig storage;
    r = &storage;
    rig_init(r);
    r->options.journal = &journal;
    edge_model *m = rig_model(r, NULL);
    CHECK_OK_FATAL(edge_model_device(m, "d", &r->device, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "x", .type = SPB_INT64, .transient = true }, &x, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "count", .type = SPB_INT64 }, &r->count, NULL));
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    for (int i = 0; i < 5; i++) {
        rig_set(r, x, rig_i64(i));
        rig_set(r, r->count, rig_i64(i));
        edge_node_poll(r->node);
    }
    CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().stored_samples == 5)); /* offline: only the other one waits */
    rig_connect(r);
    rig_set(r, x, rig_i64(9));
    rig_set(r, r->count, rig_i64(9));
    edge_node_poll(r->node);
    CHECK_WITHIN(5000, (pt_fake_clock_advance(&fake, 20), stats().stored_samples == 6));
    edge_spool_stop(spool);
    rig_fini(r);
    edge_spool_close(spool);
}

/* What the file said it had committed when the process was killed is there, each time. */
static void the_file_survives_kill_9(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    int64_t now = pt_wall_ms(pt_clock_system());
    volatile uint64_t *stored = mmap(NULL, sizeof *stored, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_FATAL(stored != MAP_FAILED);
    uint64_t before = 0;
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        CHECK_FATAL(child >= 0);
        if (child == 0) {
            edge_spool *s = NULL;
            if (edge_spool_open(&so, &s, NULL) != PT_OK || edge_spool_start(s, NULL) != PT_OK) _exit(1);
            edge_journal j = edge_spool_journal(s);
            for (int i = 0;; i++) {
                char bytes[50] = "x";
                if (j.append(j.ctx, pt_slice_of(bytes, sizeof bytes), 1, now + i, now + i, false) != PT_OK) _exit(2);
                edge_spool_stats st;
                edge_spool_stats_get(s, &st);
                *stored = st.stored_samples;
                usleep(100);
            }
        }
        uint64_t enough = before + 20 + (uint64_t)round * 7;
        CHECK_WITHIN(10000, *stored >= enough);
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(waitpid(child, NULL, 0) == child);
        open_spool();
        CHECK(stats().pending_samples >= *stored && *stored >= enough);
        CHECK_INT(stats().pending_samples, stats().stored_samples);
        before = stats().stored_samples;
        edge_spool_close(spool);
    }
    CHECK(munmap((void *)(uintptr_t)stored, sizeof *stored) == 0);
    spool = NULL;
    rig_fini(r);
}

static void numbers_of_names_never_change(void)
{
    begin();
    uint64_t alias = rig_alias_of(r, r->temp), other = rig_alias_of(r, r->flag);
    end();
    open_spool();
    edge_names names = edge_spool_names(spool);
    uint32_t number = 0;
    CHECK_OK(names.number(names.ctx, PT_LIT("filler"), PT_LIT("Flag"), &number));
    CHECK_INT(number, other);
    CHECK_OK(names.number(names.ctx, PT_LIT("filler"), PT_LIT("New"), &number));
    CHECK(number > other);
    CHECK_OK(names.number(names.ctx, PT_LIT("filler"), PT_LIT("Temp"), &number));
    CHECK_INT(number, alias);
    edge_spool_close(spool);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_was_read_offline_goes_out_as_history_in_order),
        PT_TEST(a_host_gets_a_range_again_when_it_asks),
        PT_TEST(progress_is_reported_to_the_end),
        PT_TEST(what_was_sent_just_before_a_loss_is_sent_again),
        PT_TEST(the_size_limit_drops_the_oldest_delivered_first_and_counts),
        PT_TEST(drop_newest_refuses_what_is_new),
        PT_TEST(old_samples_expire_by_the_time_the_spool_has_seen),
        PT_TEST(a_clock_that_steps_a_day_expires_nothing),
        PT_TEST(what_was_delivered_before_a_step_and_a_loss_is_sent_again),
        PT_TEST(a_file_of_the_version_before_goes_on),
        PT_TEST(a_full_disk_keeps_the_newest_in_memory_and_says_so),
        PT_TEST(each_write_may_fail_and_nothing_is_lost_or_doubled),
        PT_TEST(each_sync_may_fail_and_nothing_is_lost_or_doubled),
        PT_TEST(each_allocation_may_fail_and_nothing_is_lost_or_doubled),
        PT_TEST(memory_that_runs_out_is_an_error_or_a_later_attempt_and_counted),
        PT_TEST(history_goes_at_the_set_rate_and_live_values_in_between),
        PT_TEST(what_is_transient_is_never_kept),
        PT_TEST(the_file_survives_kill_9),
        PT_TEST(numbers_of_names_never_change),
    };
    home = pt_test_dir();
    test_thread = pthread_self();
    if (!sqlite_faults_install()) return 1;
    return pt_test_main("edge-node/spool", tests, PT_COUNT_OF(tests), argc, argv);
}
