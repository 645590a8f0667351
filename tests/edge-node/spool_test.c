/* Store and forward on a real SQLite file: what waits comes back, in order, once; limits, full disk, kill -9, backfill. */
#include "edge-node/spool.h"
#include "tests/edge-node/rig.h"
#include "tests/support/wait.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static rig *r;
static edge_spool *spool;
static edge_spool_options so;
static edge_journal journal;
static char dir[300];
static int made;

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
    snprintf(dir, sizeof dir, "%s/%d", pt_test_dir(), made++);
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
    spb_metric m = { .name = PT_LIT("Node Control/Backfill From"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_LONG, .value = { .u64 = 1700000000040 } };
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
    spb_metric m = { .name = PT_LIT("Node Control/Backfill From"), .flags = SPB_HAS_NAME, .wire = SPB_WIRE_LONG, .value = { .u64 = 1700000000000 } };
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

static void old_samples_expire(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    so.max_age_ms = 60000;
    open_spool();
    int64_t now = pt_wall_ms(pt_clock_system());
    char bytes[8] = "x";
    CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, 8), 3, now - 100000, now - 90000, false));
    CHECK_OK(journal.append(journal.ctx, pt_slice_of(bytes, 8), 4, now - 1000, now, false));
    CHECK_OK(edge_spool_start(spool, NULL));
    CHECK_WITHIN(9000, stats().dropped_age == 3);
    CHECK_WITHIN(1000, stats().pending_samples == 4);
    end();
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

/* SQLite's own calls of write, of which one fails. */
static _Atomic int writes_left;
static _Atomic int writes_failed;
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t write_fn(int, const void *, size_t);

static bool write_fails(void)
{
    int left = writes_left;
    if (left <= 0 || --writes_left > 0) return false;
    errno = ++writes_failed % 2 ? ENOSPC : EIO;
    return true;
}

static ssize_t failing_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return write_fails() ? -1 : pwrite(fd, p, n, at);
}

static ssize_t failing_write(int fd, const void *p, size_t n)
{
    return write_fails() ? -1 : write(fd, p, n);
}

static void each_write_may_fail_once_and_nothing_is_lost_or_doubled(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    pwrite_fn *pw = failing_pwrite;
    write_fn *w = failing_write;
    sqlite3_syscall_ptr p1, p2;
    memcpy(&p1, &pw, sizeof p1);
    memcpy(&p2, &w, sizeof p2);
    static const char *const calls[] = { "pwrite", "pwrite64", "write" };
    CHECK_FATAL(vfs && vfs->iVersion >= 3);
    for (size_t i = 0; i < PT_COUNT_OF(calls); i++) /* not all are in use on every system */
        CHECK(vfs->xSetSystemCall(vfs, calls[i], i < 2 ? p1 : p2) == SQLITE_OK || i < 2);
    for (int nth = 1; nth <= 6; nth++) {
        size_t n = 0;
        begin();
        writes_failed = 0;
        writes_left = nth;
        for (; n < 60 || (writes_left > 0 && n < 500); n++) { /* commits until it was its turn */
            uint64_t commits = stats().commits;
            set((int64_t)n, 1700000000000 + (int64_t)n);
            if (n >= 60) CHECK_WITHIN(5000, stats().commits > commits || writes_left == 0);
        }
        CHECK_INT(writes_failed, 1);
        CHECK_WITHIN(5000, stats().failures == 1 && !stats().failing && stats().pending_samples == n);
        CHECK_INT(stats().pending_samples, n);
        CHECK_INT(stats().dropped_memory, 0);
        rig_connect(r);
        CHECK_WITHIN(5000, stats().sent == n && stats().pending_samples == 0);
        edge_spool_stop(spool);
        CHECK_INT(history_is(0, n), n);
        end();
    }
    CHECK(vfs->xSetSystemCall(vfs, NULL, NULL) == SQLITE_OK);
}

static void the_file_survives_kill_9(void)
{
    begin();
    edge_spool_stop(spool);
    edge_spool_close(spool);
    int64_t now = pt_wall_ms(pt_clock_system());
    for (int round = 0; round < 5; round++) {
        int fds[2];
        CHECK_FATAL(pipe(fds) == 0);
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
                if (st.commits >= 3 && write(fds[1], "x", 1) < 0) _exit(3);
                usleep(100);
            }
        }
        char byte;
        CHECK(read(fds[0], &byte, 1) == 1);
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(waitpid(child, NULL, 0) == child);
        close(fds[0]);
        close(fds[1]);
        open_spool();
        CHECK(stats().pending_samples > 0);
        edge_spool_close(spool);
    }
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

static void a_file_that_is_no_spool_is_refused(void)
{
    snprintf(dir, sizeof dir, "%s/%d", pt_test_dir(), made++);
    CHECK_FATAL(mkdir(dir, 0700) == 0);
    char path[400];
    snprintf(path, sizeof path, "%s/spool.db", dir);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f != NULL);
    for (int i = 0; i < 500; i++)
        fputs("this is no database\n", f);
    fclose(f);
    so = (edge_spool_options){ .dir = dir, .clock = pt_clock_system() };
    pt_error err = { 0 };
    edge_spool *s = NULL;
    CHECK_STATUS(edge_spool_open(&so, &s, &err), PT_ECORRUPT);
    CHECK(err.text[0] != 0);
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
        PT_TEST(old_samples_expire),
        PT_TEST(a_full_disk_keeps_the_newest_in_memory_and_says_so),
        PT_TEST(each_write_may_fail_once_and_nothing_is_lost_or_doubled),
        PT_TEST(the_file_survives_kill_9),
        PT_TEST(numbers_of_names_never_change),
        PT_TEST(a_file_that_is_no_spool_is_refused),
    };
    return pt_test_main("edge-node/spool", tests, PT_COUNT_OF(tests), argc, argv);
}
