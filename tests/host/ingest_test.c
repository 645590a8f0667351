/* tests/host/ingest_test.c -- a queue in front of the shards that stays full. */
#include "host/ingest/ingest.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void push(host_ingest *g, const char *topic, const char *payload)
{
    pt_buf b;
    pt_buf_init(&b, 65536);
    wire_payload(payload, &b);
    host_packet p = { .topic = pt_cstr(topic),
                      .payload = pt_buf_view(&b),
                      .wall_ms = pt_wall_ms(pt_clock_system()),
                      .mono_ms = pt_mono_ms(pt_clock_system()) };
    host_ingest_push(g, &p);
    pt_buf_fini(&b);
}

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    (void)server, (void)payload;
    CHECK_STR(topic, "spBv1.0/g/NCMD/e");
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
    return PT_OK;
}

static void on_event(void *ctx, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    (void)ctx, (void)node, (void)device, (void)at_ms;
    static const char want[] = "\"cause\":\"overload\"";
    if (type == HOST_EVENT_SEQ_GAP) CHECK(memmem(detail.ptr, detail.len, want, sizeof want - 1) != NULL);
}

static void see(void *ctx, const host_node *n)
{
    memcpy(ctx, n, sizeof *n); /* its counters and state are read; what it points to is not */
}

static void what_finds_no_room_for_too_long_is_counted_and_asked_for(void)
{
    enum { DATA = 300, WAIT_MS = 50 };
    char dir[] = "/tmp/plantree-ingest-XXXXXX", text[80];
    _Atomic unsigned commands = 0;
    hist_options ho;
    host_ingest_options io;
    host_ingest_stats st;
    host_node n;
    pt_log_fd log;
    uns_tree *tree = NULL;
    hist *h = NULL;
    host_ingest *g = NULL;
    host_outputs out = { .ctx = &commands, .command = on_command, .event = on_event };
    pt_log_fd_init(&log, 2, false, PT_LOG_ERROR, pt_clock_system());
    CHECK_FATAL(mkdtemp(dir) != NULL);
    hist_options_init(&ho);
    ho.dir = dir;
    host_ingest_options_init(&io);
    io.shards = 1;
    io.queue_bytes = 8192;
    io.queue_wait_ms = WAIT_MS;
    io.tracker.rebirth_jitter_ms = 0;
    CHECK_OK_FATAL(uns_tree_new(&tree));
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), &log.log, &h, NULL));
    CHECK_OK_FATAL(host_ingest_new(&io, tree, h, &out, pt_clock_system(), &log.log, &g));

    /* Nobody takes yet: what does not fit waits once, not each time. */
    int64_t start = pt_mono_ms(pt_clock_system());
    push(g, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 t:10=d1@1000");
    for (int i = 1; i <= DATA; i++) {
        snprintf(text, sizeof text, "ts=%d seq=%d t=d%d@%d", 1000 + i, i % 256, i, 1000 + i);
        push(g, "spBv1.0/g/NDATA/e", text);
    }
    push(g, "spBv1.0/g/NDEATH/e", "bd=7");
    host_ingest_server(g, 0, true); /* always has room: it says what the messages before it are worth */
    CHECK(pt_mono_ms(pt_clock_system()) - start < 20 * WAIT_MS);
    host_ingest_stats_get(g, &st);
    CHECK(st.shed > 0 && st.shed < DATA);
    CHECK_INT(st.waits, 1);
    uint64_t shed = st.shed;

    CHECK_OK_FATAL(host_ingest_start(g));
    CHECK_OK_FATAL(host_ingest_drain(g, 20000));
    CHECK_OK_FATAL(host_ingest_drain(g, 20000)); /* what was let go comes behind what was taken with the first */
    CHECK_OK(host_ingest_node(g, PT_LIT("g"), PT_LIT("e"), see, &n));
    CHECK_INT(n.state, HOST_NODE_WANTED);
    CHECK_INT(n.counts.messages, DATA + 2);
    CHECK_INT(n.counts.rejected_messages[HOST_REJECT_OVERLOAD], shed);
    CHECK_INT(n.counts.accepted, DATA + 2 - shed);
    CHECK_INT(n.counts.seq_gaps, 1);
    CHECK_INT(commands, 1);

    /* There is room again, and the rebirth makes it whole. */
    push(g, "spBv1.0/g/NBIRTH/e", "ts=2000 seq=0 bd=7 t:10=d1@2000");
    CHECK_OK_FATAL(host_ingest_drain(g, 20000));
    CHECK_OK(host_ingest_node(g, PT_LIT("g"), PT_LIT("e"), see, &n));
    CHECK_INT(n.state, HOST_NODE_ONLINE);
    host_ingest_stats_get(g, &st);
    CHECK_INT(st.shed, shed);
    host_ingest_free(g);
    CHECK_OK(hist_close(h, 20000, NULL));
    uns_tree_free(tree);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(what_finds_no_room_for_too_long_is_counted_and_asked_for) };
    return pt_test_main("host/ingest", tests, PT_COUNT_OF(tests), argc, argv);
}
