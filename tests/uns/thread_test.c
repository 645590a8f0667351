/* tests/uns/thread_test.c -- writers, births and readers at once; built with -DPLANTREE_SANITIZE=thread it is the race test. */
#include "tests/support/check.h"
#include "uns/uns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { TAGS = 600, ROUNDS = 1500 };
static uns_tree *tree;
static atomic_bool stop;
static atomic_uint torn, looked;

static pt_status put(uint32_t id, bool moved)
{
    char path[40], metric[20];
    snprintf(path, sizeof path, "site/%s%u/t%u", moved ? "new" : "line", id % 7, id);
    snprintf(metric, sizeof metric, "t%u", id);
    uns_tag_def d = { .tag_id = id,
                      .path = pt_cstr(path),
                      .group = PT_LIT("g"),
                      .edge = PT_LIT("e"),
                      .device = PT_LIT("d"),
                      .metric = pt_cstr(metric),
                      .type = SPB_STRING };
    return uns_tag_put(tree, &d);
}

/* Each update carries its time also as text, so that a torn one shows. */
static void *write_values(void *arg)
{
    unsigned first = *(unsigned *)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uns_update u[20];
        char text[20][24];
        for (unsigned i = 0; i < 20; i++) {
            int64_t at = round * 100 + i;
            int n = snprintf(text[i], sizeof text[i], "%lld", (long long)at);
            u[i] = (uns_update){ .tag_id = 1 + (first + round * 20 + i) % TAGS,
                                 .time_ms = at,
                                 .value = { .type = SPB_STRING, .as.bytes = { text[i], (size_t)n } } };
        }
        uns_apply(tree, u, 20);
        if (round % 50 == 0) {
            uint32_t ids[3] = { 1 + round % TAGS, 2, 3 };
            uns_stale(tree, ids, 3, round);
            uns_absent(tree, ids, 1, round);
        }
    }
    return NULL;
}

static void *births(void *arg)
{
    (void)arg;
    for (unsigned i = 0; !atomic_load(&stop); i++)
        if (put(1 + i % TAGS, i / TAGS % 2 == 0) != PT_OK) atomic_fetch_add(&torn, 1);
    return NULL;
}

static void look(void *ctx, const uns_tag_view *v)
{
    (void)ctx;
    atomic_fetch_add(&looked, 1);
    if (!v->has_value || v->value.is_null) return;
    int64_t at = -1;
    if (!pt_slice_to_i64(v->value.as.bytes, &at) || at != v->time_ms) atomic_fetch_add(&torn, 1);
}
static bool look_on(void *ctx, const uns_tag_view *v)
{
    look(ctx, v);
    return true;
}
static bool node_on(void *ctx, const uns_node_view *v)
{
    (void)ctx, (void)v;
    return true;
}

static void *read_all(void *arg)
{
    uint64_t since = 0;
    (void)arg;
    while (!atomic_load(&stop)) {
        pt_slice glob = PT_LIT("site/*/t*");
        uns_select(tree, &glob, 1, false, look_on, NULL);
        since = uns_changes(tree, since, look, NULL);
        (void)!uns_read(tree, PT_LIT("_source/spb/g/e/d/t5"), look, NULL);
        (void)!uns_children(tree, PT_NONE, 3, false, node_on, NULL);
        uns_stats s;
        uns_stats_get(tree, &s);
        if (s.live + s.stale + s.absent != s.tags) atomic_fetch_add(&torn, 1);
    }
    return NULL;
}

static void writers_births_and_readers_see_whole_values(void)
{
    pthread_t writer[2], reader[2], birth;
    unsigned first[2] = { 0, TAGS / 2 };
    CHECK_OK_FATAL(uns_tree_new(&tree));
    for (uint32_t i = 1; i <= TAGS; i++)
        CHECK_OK(put(i, false));
    CHECK_FATAL(pthread_create(&birth, NULL, births, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK_FATAL(pthread_create(&reader[i], NULL, read_all, NULL) == 0);
        CHECK_FATAL(pthread_create(&writer[i], NULL, write_values, &first[i]) == 0);
    }
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(writer[i], NULL) == 0);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(reader[i], NULL) == 0);
    CHECK(pthread_join(birth, NULL) == 0);
    CHECK_INT(atomic_load(&torn), 0);
    CHECK(atomic_load(&looked) > 0);
    uns_stats s;
    uns_stats_get(tree, &s);
    CHECK_INT(s.updates, 2 * ROUNDS * 20);
    CHECK_INT(s.tags, TAGS);
    uns_tree_free(tree);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(writers_births_and_readers_see_whole_values) };
    return pt_test_main("uns/thread", tests, PT_COUNT_OF(tests), argc, argv);
}
