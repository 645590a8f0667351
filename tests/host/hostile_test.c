/* Whatever arrives, and whatever stands in the files of before: no crash, no leak, sums that close. */
#include "base/random.h"
#include "host/session/sessions.h"
#include "tests/host/script.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const seeds[] = {
    "ts=99000 seq=0 bd=7 t#5:10=d1.5@98000;engUnit:12=sC u:12=sabc@98000 M:19=T{d}(rpm:10=-!n,on:11=-!n)@1 m1#6:19=T{M}(rpm:10=d5@1,on:11=b1@1)@1",
    "ts=99001 seq=1 x#7:23=x0100ffff@1 y#8:16=D08021201611201621803180b22080a0208070a022801@1",
    "ts=99002 seq=2 #5=d2@98001 #7=x0100@2 m1=T{M}(rpm=d6@2)@2 #99=i1",
    "bd=7",
    "ts=99003 seq=3",
    "ts=1 Node_Control/Rebirth:11=b1",
};

static void mutated_messages_of_every_verb_end_in_counters(void)
{
    pt_random r = pt_random_seed(4711);
    host_tracker_options o;
    script s;
    script_options(&o);
    o.nodes_max = 6;
    o.devices_max = 3;
    o.metrics_max = 50;
    o.reorder_bytes = 2000;
    script_init(&s, &o);
    script_run(&s, "ready", "ready 0 >");
    for (int i = 0; i < 60000; i++) {
        pt_buf b;
        char edge[2] = { (char)('a' + pt_random_below(&r, 8)), 0 }, device[2] = { (char)('p' + pt_random_below(&r, 5)), 0 };
        pt_buf_init(&b, 1 << 16);
        wire_payload(seeds[pt_random_below(&r, PT_COUNT_OF(seeds))], &b);
        for (uint64_t k = pt_random_below(&r, 4); k > 0 && b.len > 0; k--)
            b.ptr[pt_random_below(&r, b.len)] = (char)pt_random_u64(&r);
        if (pt_random_below(&r, 8) == 0) b.len = pt_random_below(&r, b.len + 1);
        host_message m = { .payload = pt_buf_view(&b),
                           .wall_ms = s.wall_ms,
                           .mono_ms = s.mono_ms,
                           .server = (uint16_t)pt_random_below(&r, 3),
                           .retained = pt_random_below(&r, 30) == 0 };
        m.topic = (spb_topic){ .verb = (spb_verb)pt_random_below(&r, SPB_STATE), .group = PT_LIT("g"), .edge = pt_cstr(edge) };
        if (spb_verb_is_device(m.topic.verb)) m.topic.device = pt_cstr(device);
        pt_buf_reset(&s.words);
        host_tracker_message(s.tracker, &m, &s.arena);
        pt_arena_reset(&s.arena);
        pt_buf_fini(&b);
        if (pt_random_below(&r, 10) == 0) script_advance(&s, (int64_t)pt_random_below(&r, 1500));
        if (pt_random_below(&r, 500) == 0) host_tracker_server_lost(s.tracker, 0, s.wall_ms, s.mono_ms);
        if (pt_random_below(&r, 200) == 0) host_tracker_server_ready(s.tracker, 0, s.wall_ms, s.mono_ms);
        if (pt_random_below(&r, 2000) == 0) host_tracker_remap(s.tracker, s.wall_ms, s.mono_ms, &s.arena);
        pt_arena_reset(&s.arena);
        const host_node *n;
        for (size_t k = 0; (n = host_tracker_at(s.tracker, k)) != NULL; k++)
            if (!host__counts_close(n)) CHECK_FATAL(host__counts_close(n));
    }
    CHECK(host_tracker_at(s.tracker, 5) != NULL && host_tracker_at(s.tracker, 6) == NULL);
    script_fini(&s);
}

static void write_text(const char *path, const char *magic, pt_random *r, size_t n, bool checksum)
{
    pt_buf b;
    pt_buf_init(&b, 1 << 20);
    pt_buf_cstr(&b, magic);
    for (size_t i = 0; i < n; i++)
        pt_buf_char(&b, (char)(pt_random_below(r, 3) ? 0 : pt_random_u64(r)));
    uint64_t sum = pt_slice_hash(pt_buf_view(&b), 0);
    if (checksum) pt_buf_add(&b, &sum, sizeof sum);
    FILE *f = fopen(path, "wb");
    CHECK_FATAL(f && fwrite(b.ptr, 1, b.len, f) == b.len && fclose(f) == 0);
    pt_buf_fini(&b);
}

static void session_files_that_say_nonsense_cost_rebirths_and_nothing_else(void)
{
    pt_random r = pt_random_seed(1);
    char dir[600], births[700], seq[700];
    snprintf(dir, sizeof dir, "%s/s", pt_test_dir());
    snprintf(births, sizeof births, "%s/sessions.births", dir);
    snprintf(seq, sizeof seq, "%s/sessions.seq", dir);
    hist_options ho;
    hist *history;
    uns_tree *tree;
    host_ingest *ingest;
    host_sessions *sessions;
    host_ingest_options io;
    host_outputs out = { 0 };
    hist_options_init(&ho);
    ho.dir = dir;
    host_ingest_options_init(&io);
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), NULL, &history, NULL));
    CHECK_OK_FATAL(uns_tree_new(&tree));
    CHECK_OK_FATAL(host_ingest_new(&io, tree, history, &out, pt_clock_system(), NULL, &ingest));
    CHECK_OK_FATAL(host_sessions_new(dir, ingest, history, pt_clock_system(), NULL, &sessions));
    CHECK_INT(host_sessions_load(sessions), 0); /* there are none yet */
    for (int i = 0; i < 300; i++) {
        write_text(births, i % 7 ? "plantree sessions 1\n" : "something else\n", &r, pt_random_below(&r, 400), i % 5 != 0);
        write_text(seq, "plantree sequence 1\n", &r, pt_random_below(&r, 200), i % 3 != 0);
        CHECK_INT(host_sessions_load(sessions), 0);
    }
    host_sessions_free(sessions);
    host_ingest_free(ingest);
    uns_tree_free(tree);
    CHECK_OK(hist_close(history, 5000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(mutated_messages_of_every_verb_end_in_counters),
        PT_TEST(session_files_that_say_nonsense_cost_rebirths_and_nothing_else),
    };
    return pt_test_main("host/hostile", tests, PT_COUNT_OF(tests), argc, argv);
}
