/* host/ingest/shard.c: the threads that own the nodes. */
#include "host/ingest/shard.h"
#include "tests/host/rig.h"

#include <stdio.h>
#include <stdlib.h>

static void nodes_are_shared_out_by_name_and_stay_with_their_thread(void)
{
    rig r;
    char topic[80], words[80];
    rig_open(&r);
    r.options.shards = 4;
    rig_start(&r);
    for (int i = 0; i < 60; i++) {
        snprintf(topic, sizeof topic, "spBv1.0/g/NBIRTH/e%d", i % 40);
        snprintf(words, sizeof words, "ts=%d seq=0 bd=1 t:10=d1@1000", 1000 + i);
        rig_push(&r, topic, words);
    }
    rig_settle(&r);
    size_t all = 0, busy = 0;
    for (uint32_t i = 0; i < r.ingest->n_shards; i++) {
        size_t n = 0;
        pthread_mutex_lock(&r.ingest->shards[i].lock);
        while (host_tracker_at(r.ingest->shards[i].tracker, n))
            n++;
        pthread_mutex_unlock(&r.ingest->shards[i].lock);
        all += n;
        busy += n > 0;
    }
    CHECK_INT(all, 40); /* none is known twice */
    CHECK_INT(busy, 4);
    rig_close(&r);
}

static void the_budget_of_rebirth_requests_is_shared_out_too(void)
{
    enum { SHARDS = 4, PER_S = 4, NODES = 40 };
    for (int configured = 0; configured < 2; configured++) {
        rig r;
        char topic[80];
        rig_open(&r);
        r.options.shards = SHARDS;
        r.options.tracker.rebirth_global_per_s = configured ? 1000 : PER_S;
        rig_start(&r);
        if (configured) {
            host_tracker_options o = r.options.tracker;
            o.rebirth_global_per_s = PER_S;
            host_ingest_configure(r.ingest, &o, &(host_paths_options){ .adopt = true });
        }
        int64_t start = pt_test_now_ms();
        for (int i = 0; i < NODES; i++) {
            snprintf(topic, sizeof topic, "spBv1.0/g/NDATA/e%d", i);
            rig_push(&r, topic, "ts=1000 seq=9 t=d1@1000");
        }
        rig_settle(&r);
        size_t sent = 0;
        pthread_mutex_lock(&r.lock);
        for (const char *at = r.commands; (at = strstr(at, "NCMD")) != NULL; at++)
            sent++;
        pthread_mutex_unlock(&r.lock);
        int64_t most = SHARDS + (pt_test_now_ms() - start + 1000) * PER_S / 1000; /* one each, and what time has brought */
        CHECK(sent >= 1 && (int64_t)sent <= most);
        rig_close(&r);
    }
}

static void what_was_pushed_before_the_start_is_done_in_its_order(void)
{
    rig r;
    char text[400], words[80];
    rig_open(&r);
    r.options.shards = 1;
    rig_make(&r);
    host_ingest_server(r.ingest, 0, true);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d0@1000");
    for (int i = 1; i <= 1000; i++) { /* more than a batch */
        snprintf(words, sizeof words, "ts=%d seq=%d t=d%d@%d", 1000 + i, i % 256, i, 1000 + i);
        rig_push(&r, "spBv1.0/g/NDATA/e", words);
    }
    CHECK_INT(r.values, 0);
    CHECK_OK_FATAL(host_ingest_start(r.ingest));
    host_node n = rig_node(&r, "g", "e");
    CHECK_INT(n.counts.accepted, 1001);
    CHECK_INT(n.counts.seq_gaps, 0);
    CHECK_STR(pt_cstr(rig_value(&r, "g/e/t", text, sizeof text)), "1000 GOOD");
    rig_close(&r);
}

static void a_caller_that_gives_up_leaves_nothing_behind(void)
{
    rig r;
    rig_open(&r);
    rig_make(&r);
    CHECK_STATUS(host_ingest_drain(r.ingest, 30), PT_ETIMEOUT); /* no thread is there to answer */
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1");
    CHECK_OK_FATAL(host_ingest_start(r.ingest));
    CHECK_OK(host_ingest_drain(r.ingest, 20000)); /* the old call was answered into the void */
    rig_close(&r);
    rig_open(&r);
    rig_make(&r);
    CHECK_STATUS(host_ingest_drain(r.ingest, 1), PT_ETIMEOUT);
    rig_close(&r); /* or never answered */
}

static void timers_run_while_nothing_arrives(void)
{
    rig r;
    rig_open(&r);
    r.options.tracker.reorder_timeout_ms = 60;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d0@1000");
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1002 seq=2 t=d2@1002");
    rig_settle(&r);
    CHECK_WITHIN(5000, rig_count(&r, r.commands, "spBv1.0/g/NCMD/e") == 1);
    CHECK_WITHIN(5000, rig_count(&r, r.events, "reorder-timeout") == 1); /* and what they decide is stored without waiting for a message */
    rig_close(&r);
}

static void messages_let_go_are_told_to_their_nodes_behind_what_was_taken(void)
{
    rig r;
    spb_topic e = { .verb = SPB_NDATA, .group = PT_LIT("g"), .edge = PT_LIT("e") }, f = e;
    f.edge = PT_LIT("never seen");
    rig_open(&r);
    r.options.shards = 1;
    rig_make(&r);
    host_ingest_server(r.ingest, 0, true);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d0@1000");
    for (int i = 0; i < 3; i++)
        host__shard_let_go(&r.ingest->shards[0], &e);
    host__shard_let_go(&r.ingest->shards[0], &f);
    CHECK(rig_said(&r, "HOST-OVERLOAD the queue is full: messages are let go, among them of g/e"));
    CHECK_OK_FATAL(host_ingest_start(r.ingest));
    rig_settle(&r);
    host_node n = rig_node(&r, "g", "e");
    CHECK(n.state == HOST_NODE_WANTED && n.counts.messages == 4 && n.counts.accepted == 1 &&
          n.counts.rejected_messages[HOST_REJECT_OVERLOAD] == 3);
    CHECK_WITHIN(5000, rig_count(&r, r.commands, "spBv1.0/g/NCMD/e") == 1);
    rig_close(&r);
}

static void after_the_close_what_was_taken_is_finished_and_the_rest_counted(void)
{
    rig r;
    host_ingest_stats st;
    pt_error err = { 0, "" };
    rig_open(&r);
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d1@1000");
    host_ingest_close(r.ingest);
    host_ingest_close(r.ingest);
    rig_push(&r, "spBv1.0/g/NDATA/e", "ts=1001 seq=1 t=d2@1001");
    host_ingest_stop(r.ingest);
    CHECK_OK(hist_flush(r.history, 10000, &err));
    host_ingest_stats_get(r.ingest, &st);
    CHECK_INT(st.after_close, 1);
    CHECK_INT(st.tracker.messages[SPB_NBIRTH], 1);
    CHECK_INT(st.tracker.messages[SPB_NDATA], 0);
    hist_stats h;
    hist_stats_get(r.history, &h);
    CHECK_INT(h.stored, 1);
    rig_close(&r);
}

static void count_node(void *ctx, const host_node *n)
{
    (void)n;
    ++*(unsigned *)ctx;
}

static void *push_main(void *arg)
{
    rig *r = arg;
    char words[80];
    for (int i = 1; i <= 20000; i++) {
        snprintf(words, sizeof words, "ts=%d seq=%d t=d%d@%d", 1000 + i, i % 256, i, 1000 + i);
        rig_push(r, "spBv1.0/g/NDATA/e", words);
    }
    return NULL;
}

static void readers_get_in_between_the_batches(void)
{
    rig r;
    pthread_t feeder;
    unsigned looks = 0, seen = 0;
    rig_open(&r);
    r.options.shards = 1;
    rig_start(&r);
    rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=1 t:10=d0@1000");
    rig_settle(&r);
    CHECK_FATAL(pthread_create(&feeder, NULL, push_main, &r) == 0);
    for (; looks < 500; looks++)
        host_ingest_nodes(r.ingest, count_node, &seen);
    pthread_join(feeder, NULL);
    CHECK_INT(seen, looks);
    host_node n = rig_node(&r, "g", "e");
    CHECK_INT(n.counts.accepted, 20001);
    rig_close(&r);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(nodes_are_shared_out_by_name_and_stay_with_their_thread),
        PT_TEST(the_budget_of_rebirth_requests_is_shared_out_too),
        PT_TEST(what_was_pushed_before_the_start_is_done_in_its_order),
        PT_TEST(a_caller_that_gives_up_leaves_nothing_behind),
        PT_TEST(timers_run_while_nothing_arrives),
        PT_TEST(messages_let_go_are_told_to_their_nodes_behind_what_was_taken),
        PT_TEST(after_the_close_what_was_taken_is_finished_and_the_rest_counted),
        PT_TEST(readers_get_in_between_the_batches),
    };
    return pt_test_main("host/shard", tests, PT_COUNT_OF(tests), argc, argv);
}
