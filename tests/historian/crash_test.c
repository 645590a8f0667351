/* tests/historian/crash_test.c -- kill -9 at random instants under load: what was acknowledged is there, nothing is twice, verify is clean.
 *
 * A child writes numbered samples to several tags, late ones and events among them, and tells over a pipe how far hist_flush has
 * acknowledged. Beside them it fills a scratch tag in old weeks, deletes parts of it and drops the weeks again: files are rewritten and
 * unlinked while it dies. PLANTREE_CRASH_ROUNDS sets how often it is killed (default 200, 50 under AddressSanitizer). */
#include "base/random.h"
#include "historian/maintain.h"
#include "historian/write/write.h"
#include "tests/support/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TAGS = 7, SCRATCH = TAGS + 1, STEP = 37 };
static const int64_t NOW = 1750000000000;

static pt_status open_at(const char *dir, hist **h, pt_error *err)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = 64;
    o.commit_interval_ms = 10;
    o.pending_bytes = 40000;
    o.log_bytes = 30000;
    return hist_open(&o, pt_clock_system(), NULL, h, err);
}

/* Sample `i` of the stream: mostly in order, every 50th an hour late; a few weeks in all. */
static hist_sample nth(uint64_t i)
{
    int64_t t = NOW + (int64_t)i * 1000;
    if (i % 50 == 49) t -= 3600000 - 500; /* half seconds: never equal to another's */
    return (hist_sample){ .tag_id = 1 + (uint32_t)(i % TAGS), .time_ms = t, .type = SPB_UINT64, .as.u64 = i };
}

/* Into two weeks of 2001, out again by tag, and by retention. */
static bool scratch(hist *h, uint64_t i)
{
    static const int64_t OLD = 1000000000000;
    pt_error err = { 0 };
    uint64_t rows = 0;
    hist_retention r = { .before_ms = NOW - INT64_C(100) * 86400000 };
    hist_retention_result out;
    for (int64_t k = 0; k < 60; k++) {
        hist_sample s = { .tag_id = SCRATCH, .time_ms = OLD + k * 10000000 + (int64_t)i, .type = SPB_UINT64, .as.u64 = i };
        if (hist_append(h, &s, 1) != PT_OK) return false;
    }
    if (hist_flush(h, 10000, &err) != PT_OK) return false;
    if (i % 3 == 0 && hist_tag_delete(h, SCRATCH, OLD, OLD + INT64_C(200000000), &rows, &err) != PT_OK) return false;
    return i % 5 || (hist_seal(h, &err) == PT_OK && hist_retention_apply(h, &r, &out, &err) == PT_OK);
}

static void child(const char *dir, uint64_t from, int pipe_fd)
{
    hist *h = NULL;
    pt_error err = { 0 };
    if (open_at(dir, &h, &err) != PT_OK) _exit(3);
    for (uint32_t t = 0; t < SCRATCH; t++) {
        char name[10];
        uint32_t id = 0;
        snprintf(name, sizeof name, "t%u", t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(name) };
        if (hist_tag_ensure(h, &key, pt_cstr(name), SPB_UINT64, PT_NONE, &id) != PT_OK || id != t + 1) _exit(4);
    }
    for (uint64_t i = from;;) {
        for (unsigned k = 0; k < STEP; k++, i++) {
            hist_sample s = nth(i);
            if (hist_append(h, &s, 1) != PT_OK) _exit(5);
        }
        hist_event e = { .time_ms = NOW + (int64_t)i, .type = PT_LIT("write") };
        if (hist_event_append(h, &e) != PT_OK) _exit(6);
        if (hist_flush(h, 10000, &err) != PT_OK) _exit(7);
        if (write(pipe_fd, &i, sizeof i) != sizeof i) _exit(8);
        if (i % (STEP * 40) == 0 && hist_seal(h, &err) != PT_OK) _exit(9);
        if (i / STEP % 7 == 0 && !scratch(h, i)) _exit(10);
    }
}

/* Run a child for a while and kill it; returns the last acknowledged count. */
static uint64_t run_and_kill(const char *dir, uint64_t from, unsigned after_us)
{
    int fd[2];
    CHECK_FATAL(pipe(fd) == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        close(fd[0]);
        child(dir, from, fd[1]);
    }
    close(fd[1]);
    struct timespec t = { .tv_nsec = (long)after_us * 1000 };
    nanosleep(&t, NULL); /* the random instant itself: nothing waits for it */
    kill(pid, SIGKILL);
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    uint64_t acked = from, v;
    while (read(fd[0], &v, sizeof v) == (ssize_t)sizeof v)
        acked = v;
    close(fd[0]);
    return acked;
}

/* Everything below `acked` is there with its value; what is there beyond it is part of the stream. Returns how far it goes. */
static uint64_t check(const char *dir, uint64_t acked, unsigned round)
{
    hist *h = NULL;
    pt_error err = { 0 };
    pt_status st = open_at(dir, &h, &err);
    if (st != PT_OK) printf("round %u: %s\n", round, err.text);
    CHECK_OK_FATAL(st);
    uint64_t highest = 0, total = 0, wrong = 0; /* of the numbered tags */
    for (uint32_t tag = 1; tag <= hist__tag_count(h); tag++) {
        hist_cursor *c = NULL;
        const hist_sample *rows = NULL;
        size_t n = 0;
        int64_t before = INT64_MIN;
        CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, true, &c, NULL));
        while ((st = hist_cursor_view(c, &rows, &n, &err)) == PT_OK && n) {
            for (size_t i = 0; i < n; i++) {
                if (tag == SCRATCH) {
                    wrong += rows[i].time_ms <= before;
                    before = rows[i].time_ms;
                    continue;
                }
                hist_sample want = nth(rows[i].as.u64);
                wrong += want.time_ms != rows[i].time_ms || want.tag_id != tag || rows[i].time_ms <= before;
                before = rows[i].time_ms;
                if (rows[i].as.u64 + 1 > highest) highest = rows[i].as.u64 + 1;
                total++;
            }
        }
        CHECK_OK(st);
        hist_cursor_close(c);
    }
    CHECK_INT(wrong, 0);
    CHECK(highest >= acked);
    CHECK_INT(total, highest); /* distinct numbers below `highest`, as many as it says: no hole, nothing twice */
    CHECK_OK(hist_close(h, 10000, &err));
    return highest;
}

static void killing_it_at_any_instant_loses_nothing_acknowledged(void)
{
    const char *dir = pt_test_dir(), *text = getenv("PLANTREE_CRASH_ROUNDS");
#ifdef __SANITIZE_ADDRESS__
    unsigned rounds = 50; /* each takes some ten times as long */
#else
    unsigned rounds = 200;
#endif
    if (text) rounds = (unsigned)strtoul(text, NULL, 10);
    pt_random rnd = pt_random_seed((uint64_t)getpid());
    uint64_t at = 0;
    for (unsigned k = 0; k < rounds; k++) {
        uint64_t acked = run_and_kill(dir, at, 1000 + (unsigned)pt_random_below(&rnd, 60000));
        hist_verify_report r;
        hist_verify_options o = { 0 };
        pt_error err = { 0 };
        CHECK_OK(hist_verify(dir, &o, &r, &err));
        if (at) CHECK_INT(r.faults, 0);
        at = check(dir, acked, k);
        CHECK_OK(hist_verify(dir, &o, &r, &err));
        CHECK_INT(r.faults, 0);
    }
    printf(" %llu samples, ", (unsigned long long)at);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(killing_it_at_any_instant_loses_nothing_acknowledged) };
    return pt_test_main("historian/crash", tests, PT_COUNT_OF(tests), argc, argv);
}
