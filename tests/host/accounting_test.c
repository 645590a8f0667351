/* The pipeline with real history: order, barriers, and sums that close even when history cannot take everything. */
#include "host/ingest/ingest.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 20, MESSAGES = 400, FEEDERS = 4 };

typedef struct bench {
    uns_tree *tree;
    hist *history;
    host_ingest *ingest;
    _Atomic uint64_t commands;
} bench;

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    bench *b = ctx;
    (void)server, (void)topic, (void)payload;
    b->commands++;
    return PT_OK;
}

static void open_bench(bench *b, const char *dir, uint64_t buffer_bytes, int64_t commit_ms, int64_t full_wait_ms)
{
    *b = (bench){ 0 };
    hist_options ho;
    hist_options_init(&ho);
    ho.dir = dir;
    ho.synchronous = HIST_SYNC_OFF;
    ho.commit_interval_ms = commit_ms;
    if (buffer_bytes) ho.buffer_bytes = buffer_bytes;
    host_ingest_options io;
    host_ingest_options_init(&io);
    io.shards = 3;
    io.queue_bytes = 1u << 20; /* small: feeders have to wait */
    io.full_wait_ms = full_wait_ms;
    host_outputs out = { .ctx = b, .command = on_command };
    pt_error err = { 0, "" };
    pt_status st = hist_open(&ho, pt_clock_system(), NULL, &b->history, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "history: %s", err.text);
    CHECK_OK_FATAL(uns_tree_new(&b->tree));
    CHECK_OK_FATAL(host_ingest_new(&io, b->tree, b->history, &out, pt_clock_system(), NULL, &b->ingest));
    CHECK_OK_FATAL(host_ingest_start(b->ingest));
    host_ingest_server(b->ingest, 0, true);
}

static void close_bench(bench *b)
{
    host_ingest_stop(b->ingest);
    host_ingest_free(b->ingest);
    uns_tree_free(b->tree);
    CHECK_OK(hist_close(b->history, 20000, NULL));
}

static void push(bench *b, const char *topic, const char *words)
{
    pt_buf bytes;
    pt_buf_init(&bytes, 1 << 16);
    wire_payload(words, &bytes);
    host_packet p = { .topic = pt_cstr(topic),
                      .payload = pt_buf_view(&bytes),
                      .wall_ms = pt_wall_ms(pt_clock_system()),
                      .mono_ms = pt_mono_ms(pt_clock_system()) };
    host_ingest_push(b->ingest, &p);
    pt_buf_fini(&bytes);
}

typedef struct feeder {
    bench *b;
    int first;
    pthread_t thread;
} feeder;

/* Each feeder has nodes of its own, so their order is its own. Some messages are bad, some doubled, some of a time before. */
static void *feed(void *arg)
{
    feeder *f = arg;
    char topic[64], words[256];
    for (int n = f->first; n < NODES; n += FEEDERS) {
        snprintf(topic, sizeof topic, "spBv1.0/g/NBIRTH/n%d", n);
        push(f->b, topic, "ts=1700000000000 seq=0 bd=1 a#1:10=d0@1700000000000 s#2:12=sx@1700000000000");
    }
    for (int i = 1; i <= MESSAGES; i++)
        for (int n = f->first; n < NODES; n += FEEDERS) {
            long long ts = 1700000000000 + i * 10;
            snprintf(topic, sizeof topic, "spBv1.0/g/NDATA/n%d", n);
            snprintf(words, sizeof words, "ts=%lld seq=%d #1=d%d@%lld #2=stext%d@%lld %s", ts, i % 256, i, ts, i, ts,
                     i % 50 == 0   ? "#1=d1@1600000000000!h"
                     : i % 70 == 0 ? "#9=d1"
                                   : "");
            push(f->b, topic, words);
            if (i % 40 == 0) push(f->b, topic, words); /* a duplicate */
            if (i % 90 == 0) push(f->b, topic, "hex=12ff");
        }
    return NULL;
}

typedef struct sums {
    uint64_t stored, lost, samples, duplicates, nodes, open;
} sums;

static void add_up(void *ctx, const host_node *n)
{
    sums *s = ctx;
    s->nodes++;
    s->stored += n->counts.stored;
    s->lost += n->counts.lost;
    s->samples += n->counts.samples;
    s->duplicates += n->counts.duplicates;
    s->open += !host__counts_close(n);
}

static void run(bench *b, sums *s, host_ingest_stats *st, hist_stats *h)
{
    feeder feeders[FEEDERS];
    for (int i = 0; i < FEEDERS; i++) {
        feeders[i] = (feeder){ .b = b, .first = i };
        CHECK_FATAL(pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]) == 0);
    }
    for (int i = 0; i < FEEDERS; i++)
        pthread_join(feeders[i].thread, NULL);
    CHECK_OK(host_ingest_drain(b->ingest, 60000));
    CHECK_OK(hist_flush(b->history, 20000, NULL));
    *s = (sums){ 0 };
    host_ingest_nodes(b->ingest, add_up, s);
    host_ingest_stats_get(b->ingest, st);
    hist_stats_get(b->history, h);
}

static void every_sample_is_accounted_for_from_the_wire_to_the_disk(void)
{
    bench b;
    sums s;
    host_ingest_stats st;
    hist_stats h;
    char dir[600];
    snprintf(dir, sizeof dir, "%s/a", pt_test_dir());
    open_bench(&b, dir, 0, 20, 30000);
    run(&b, &s, &st, &h);
    CHECK_INT(s.nodes, NODES);
    CHECK_INT(s.open, 0);
    CHECK_INT(s.lost, 0);
    CHECK_INT(s.duplicates, NODES * (MESSAGES / 40));
    CHECK_INT(st.tracker.rejected_messages[HOST_REJECT_MALFORMED], NODES * (MESSAGES / 90));
    CHECK_INT(s.samples, NODES * (3 + MESSAGES * 2 + MESSAGES / 50 + MESSAGES / 70 - MESSAGES / 350 + 2 * (MESSAGES / 40) + MESSAGES / 200 +
                                  MESSAGES / 280));
    CHECK_INT(h.appended, s.stored + st.marks);
    CHECK_INT(h.appended, h.stored + h.duplicates + h.replaced + h.buffered + h.lost);
    CHECK_INT(h.lost, 0);
    close_bench(&b);
}

static void what_history_does_not_take_is_counted_on_the_nodes_it_belongs_to(void)
{
    bench b;
    sums s;
    host_ingest_stats st;
    hist_stats h;
    char dir[600];
    snprintf(dir, sizeof dir, "%s/b", pt_test_dir());
    open_bench(&b, dir, 65536, 5000, 0); /* hardly any room, and no patience */
    run(&b, &s, &st, &h);
    CHECK_INT(s.open, 0);
    CHECK(s.lost > 0);
    CHECK(st.samples_lost >= s.lost);
    CHECK_INT(h.lost, 0);
    CHECK(h.appended <= s.stored + st.marks);
    CHECK_INT(h.appended + st.samples_lost - s.lost, s.stored + st.marks);
    close_bench(&b);
}

static void a_topic_that_is_none_of_ours_is_counted_and_forgotten(void)
{
    bench b;
    host_ingest_stats st;
    char dir[600];
    snprintf(dir, sizeof dir, "%s/c", pt_test_dir());
    open_bench(&b, dir, 0, 20, 30000);
    push(&b, "other/topic", "ts=1");
    push(&b, "spBv1.0/g/NDATA", "ts=1");
    push(&b, "spBv1.0/g/NOTHING/e", "ts=1");
    push(&b, "spBv1.0/STATE/h", "ts=1");
    CHECK_OK(host_ingest_drain(b.ingest, 5000));
    host_ingest_stats_get(b.ingest, &st);
    CHECK_INT(st.foreign, 1);
    CHECK_INT(st.bad_topic, 2);
    CHECK_INT(st.state_messages, 1);
    host_ingest_close(b.ingest);
    push(&b, "spBv1.0/g/NDATA/e", "ts=1 seq=1");
    host_ingest_stats_get(b.ingest, &st);
    CHECK_INT(st.after_close, 1);
    close_bench(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_sample_is_accounted_for_from_the_wire_to_the_disk),
        PT_TEST(what_history_does_not_take_is_counted_on_the_nodes_it_belongs_to),
        PT_TEST(a_topic_that_is_none_of_ours_is_counted_and_forgotten),
    };
    return pt_test_main("host/accounting", tests, PT_COUNT_OF(tests), argc, argv);
}
