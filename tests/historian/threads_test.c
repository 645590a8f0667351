/* tests/historian/threads_test.c -- several producers and readers at once; meant to run under the thread sanitizer too. */
#include "historian/write/write.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PRODUCERS = 3, PER_PRODUCER = 20000 };
static const int64_t NOW = 1750000000000;

typedef struct job {
    hist *h;
    uint32_t tag;
    _Atomic int *stop;
    uint64_t refused, faults;
} job;

static void *produce(void *arg)
{
    job *j = arg;
    for (int i = 0; i < PER_PRODUCER; i += 10) {
        hist_sample s[10];
        for (int k = 0; k < 10; k++)
            s[k] = (hist_sample){ .tag_id = j->tag, .time_ms = NOW + i + k, .type = SPB_INT64, .as.i64 = i + k };
        pt_status st;
        while ((st = hist_append(j->h, s, 10)) == PT_EFULL) {
            j->refused++;
            usleep(500);
        }
        if (st != PT_OK) j->faults++;
        if (i % 4000 == 0) {
            hist_event e = { .time_ms = NOW + i, .type = PT_LIT("write"), .node = PT_LIT("g/e") };
            while ((st = hist_event_append(j->h, &e)) == PT_EFULL) {
                j->refused++;
                usleep(500);
            }
            if (st != PT_OK) j->faults++;
            char name[30];
            uint32_t id = 0;
            snprintf(name, sizeof name, "more-%u-%d", j->tag, i);
            hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(name) };
            if (hist_tag_ensure(j->h, &key, pt_cstr(name), SPB_INT64, PT_NONE, &id) != PT_OK) j->faults++;
        }
    }
    return NULL;
}

static bool any_bucket(void *ctx, const hist_bucket *b)
{
    *(uint64_t *)ctx += b->count;
    return true;
}

static bool any_event(void *ctx, const hist_event *e)
{
    *(uint64_t *)ctx += e->seq > 0;
    return true;
}

static void *consume(void *arg)
{
    job *j = arg;
    static const hist_event_filter all = { .to_ms = INT64_MAX };
    while (!*j->stop) {
        hist_cursor *c = NULL;
        const hist_sample *rows = NULL;
        size_t n = 0;
        int64_t want = 0;
        uint64_t count = 0;
        if (hist_cursor_open(j->h, hist_of_tag(j->tag), INT64_MIN, INT64_MAX, true, &c, NULL) != PT_OK) j->faults++;
        while (hist_cursor_view(c, &rows, &n, NULL) == PT_OK && n) { /* what is there is a prefix without holes */
            for (size_t i = 0; i < n; i++, want++)
                j->faults += rows[i].as.i64 != want || rows[i].time_ms != NOW + want;
        }
        hist_cursor_close(c);
        if (hist_buckets(j->h, hist_of_tag(j->tag), NOW, NOW + PER_PRODUCER, 1000, any_bucket, &count, NULL) != PT_OK ||
            count < (uint64_t)want)
            j->faults++;
        if (hist_events(j->h, &all, any_event, &count, NULL) != PT_OK) j->faults++;
        pt_arena arena;
        hist_sample s;
        hist_tag t;
        pt_arena_init(&arena, 1 << 20);
        pt_status st = hist_value_at(j->h, hist_of_tag(j->tag), INT64_MAX, &arena, &s);
        if (st != PT_OK && st != PT_EEMPTY) j->faults++;
        if (hist_tag_by_id(j->h, j->tag, &arena, &t) != PT_OK || (st == PT_OK && t.samples < (uint64_t)want)) j->faults++;
        pt_arena_fini(&arena);
        hist_stats stats;
        hist_stats_get(j->h, &stats);
        usleep(1000);
    }
    return NULL;
}

static void producers_and_readers_do_not_disturb_each_other(void)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = pt_test_dir();
    o.block_samples = 100;
    o.commit_interval_ms = 10;
    o.buffer_bytes = 1 << 20;
    hist *h = NULL, *reader = NULL;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, NULL));
    job jobs[PRODUCERS];
    pthread_t makers[PRODUCERS], users[PRODUCERS + 1];
    _Atomic int stop = 0;
    for (unsigned i = 0; i < PRODUCERS; i++) {
        char name[10];
        snprintf(name, sizeof name, "t%u", i);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_NONE, pt_cstr(name) };
        jobs[i] = (job){ .h = h, .stop = &stop };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(name), SPB_INT64, PT_NONE, &jobs[i].tag));
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    o.read_only = true;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &reader, NULL));
    job beside = { .h = h, .tag = jobs[0].tag, .stop = &stop }, beside2[PRODUCERS];
    for (unsigned i = 0; i < PRODUCERS; i++) {
        beside2[i] = jobs[i];
        CHECK_FATAL(pthread_create(&makers[i], NULL, produce, &jobs[i]) == 0 && pthread_create(&users[i], NULL, consume, &beside2[i]) == 0);
    }
    CHECK_FATAL(pthread_create(&users[PRODUCERS], NULL, consume, &beside) == 0);
    for (int k = 0; k < 20; k++) {
        CHECK_OK(hist_seal(h, NULL));
        usleep(2000);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(makers[i], NULL);
    CHECK_OK(hist_flush(h, 20000, NULL));
    stop = 1;
    for (unsigned i = 0; i <= PRODUCERS; i++)
        pthread_join(users[i], NULL);
    uint64_t faults = beside.faults;
    for (unsigned i = 0; i < PRODUCERS; i++)
        faults += jobs[i].faults + beside2[i].faults;
    CHECK_INT(faults, 0);
    hist_stats st;
    hist_stats_get(h, &st);
    CHECK_INT(st.stored, PRODUCERS * PER_PRODUCER);
    CHECK_INT(st.events, PRODUCERS * PER_PRODUCER / 4000);
    uint64_t count = 0;
    CHECK_OK(hist_buckets(reader, hist_of_tag(jobs[1].tag), NOW, NOW + PER_PRODUCER, 7000, any_bucket, &count, NULL));
    CHECK_INT(count, PER_PRODUCER);
    CHECK_OK(hist_close(reader, 0, NULL));
    CHECK_OK(hist_close(h, 20000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(producers_and_readers_do_not_disturb_each_other) };
    return pt_test_main("historian/threads", tests, PT_COUNT_OF(tests), argc, argv);
}
