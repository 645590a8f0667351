/* tests/uns/memory_test.c -- what the tree allocates, and what it does when it cannot. */
#include "tests/support/check.h"
#include "uns/uns.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

static unsigned long calls;
static unsigned long fail_at; /* 0: never; else this call fails, and it only */
static bool granted(void)
{
    return ++calls != fail_at;
}
void *__wrap_malloc(size_t n)
{
    return granted() ? __real_malloc(n) : NULL;
}
void *__wrap_calloc(size_t n, size_t size)
{
    return granted() ? __real_calloc(n, size) : NULL;
}
void *__wrap_realloc(void *p, size_t n)
{
    return granted() ? __real_realloc(p, n) : NULL;
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return granted() ? __real_aligned_alloc(align, n) : NULL;
}

static pt_status put(uns_tree *t, uint32_t id, const char *path, const char *device, const char *metric)
{
    uns_tag_def d = { .tag_id = id,
                      .path = pt_cstr(path),
                      .group = PT_LIT("group"),
                      .edge = PT_LIT("edge"),
                      .device = pt_cstr(device),
                      .metric = pt_cstr(metric),
                      .type = SPB_DOUBLE };
    return uns_tag_put(t, &d);
}

static bool count_node(void *ctx, const uns_node_view *v)
{
    unsigned *n = ctx;
    n[0]++;
    n[1] += v->tag_id != 0;
    return true;
}

/* The whole life of a small tree; PT_ENOMEM as soon as something says so. What was put before must still be there. */
static pt_status life(unsigned *bad)
{
    uns_tree *t = NULL;
    unsigned done = 0;
    char name[32];
    pt_status st = uns_tree_new(&t);
    for (uint32_t i = 1; !st && i <= 40; i++) {
        snprintf(name, sizeof name, "p%u/q%u/m%u", i % 3, i % 5, i);
        st = put(t, i * 50, name, "dev", name);
        if (!st) done++;
    }
    if (!st && (st = put(t, 50, "moved/far/away", "dev", "p1/q1/m1")) == PT_OK) {
        uns_update u = { .tag_id = 50, .value = { .type = SPB_STRING, .as.bytes = PT_LIT("a text of some length") } };
        uns_apply(t, &u, 1);
        uns_stats s;
        uns_stats_get(t, &s);
        if (s.oversized) st = PT_ENOMEM;
    }
    if (t) {
        unsigned n[2] = { 0, 0 };
        unsigned long saved = fail_at;
        fail_at = 0;
        if (uns_children(t, PT_NONE, 64, true, count_node, n) || n[1] != done) ++*bad;
        uns_stats s;
        uns_stats_get(t, &s);
        if (s.tags != done || s.live + s.stale + s.absent != done) ++*bad;
        /* and it can go on */
        if (put(t, 7, "later/on", "dev", "later") != PT_OK) ++*bad;
        unsigned m[2] = { 0, 0 };
        if (uns_children(t, PT_NONE, 64, true, count_node, m) || m[0] != n[0] + 2 || m[1] != n[1] + 1) ++*bad;
        fail_at = saved;
    }
    uns_tree_free(t);
    return st;
}

static void every_failing_allocation_gives_a_clean_status_and_a_whole_tree(void)
{
    unsigned bad = 0;
    unsigned long n;
    for (n = 1;; n++) {
        calls = 0;
        fail_at = n;
        pt_status st = life(&bad);
        fail_at = 0;
        if (st == PT_OK) break;
        if (st != PT_ENOMEM) bad++;
    }
    CHECK(n > 20);
    CHECK_INT(bad, 0);
}

static bool see(void *ctx, const uns_tag_view *v)
{
    (void)v;
    ++*(unsigned *)ctx;
    return true;
}

static void failing_selections_see_nothing_and_failing_listings_say_so(void)
{
    uns_tree *t = NULL;
    unsigned seen = 0, n[2] = { 0, 0 };
    pt_slice glob = PT_LIT("**");
    CHECK_OK_FATAL(uns_tree_new(&t));
    CHECK_OK(put(t, 1, "a/b", "d", "m"));
    for (unsigned long k = 1; k <= 3; k++) {
        calls = 0;
        fail_at = k;
        uns_select(t, &glob, 1, false, see, &seen);
        fail_at = 0;
        CHECK_INT(seen, 0);
    }
    calls = 0;
    fail_at = 1;
    pt_status st = uns_children(t, PT_NONE, 1, false, count_node, n);
    fail_at = 0;
    CHECK_STATUS(st, PT_ENOMEM);
    uns_select(t, &glob, 1, false, see, &seen);
    CHECK_INT(seen, 1);
    uns_tree_free(t);
}

static void values_in_steady_state_allocate_nothing(void)
{
    uns_tree *t = NULL;
    uns_update u[20];
    CHECK_OK_FATAL(uns_tree_new(&t));
    for (uint32_t i = 1; i <= 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i);
        CHECK_OK(put(t, i, name, "d", name));
        u[i - 1] = (uns_update){ .tag_id = i, .value = { .type = SPB_DOUBLE, .as.f64 = i } };
        if (i % 5 == 0) u[i - 1].value = (spb_value){ .type = SPB_STRING, .as.bytes = PT_LIT("Running at full speed") };
    }
    uns_apply(t, u, 20);
    unsigned long before = calls;
    for (unsigned k = 0; k < 1000; k++) {
        for (unsigned i = 0; i < 20; i++)
            if (i % 5 == 4) u[i].value.as.bytes.len = k % 22;
        uns_apply(t, u, 20);
    }
    uint32_t ids[20];
    for (uint32_t i = 0; i < 20; i++)
        ids[i] = i + 1;
    uns_stale(t, ids, 20, 5);
    uns_absent(t, ids, 20, 6);
    CHECK_INT(calls - before, 0);
    uns_tree_free(t);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void a_hundred_thousand_tags_stay_below_the_bytes_the_header_states(void)
{
    uns_tree *t = NULL;
    size_t before = heap();
    CHECK_OK_FATAL(uns_tree_new(&t));
    for (uint32_t i = 0; i < 100000; i++) { /* 100 nodes of 10 devices of 100 tags */
        char path[80], edge[16], device[16], metric[32];
        snprintf(edge, sizeof edge, "gw-%u", i / 1000);
        snprintf(device, sizeof device, "machine-%u", i / 100 % 10);
        snprintf(metric, sizeof metric, "Group%u/Value%u", i % 10, i % 100);
        snprintf(path, sizeof path, "plant/%s/%s/%s", edge, device, metric);
        uns_tag_def d = { .tag_id = i + 1,
                          .path = pt_cstr(path),
                          .group = PT_LIT("plant"),
                          .edge = pt_cstr(edge),
                          .device = pt_cstr(device),
                          .metric = pt_cstr(metric),
                          .type = SPB_DOUBLE,
                          .unit = PT_LIT("m/s") };
        if (uns_tag_put(t, &d) != PT_OK) {
            CHECK(!"put");
            break;
        }
        uns_update u = { .tag_id = i + 1, .value = { .type = SPB_DOUBLE, .as.f64 = i } };
        uns_apply(t, &u, 1);
    }
    uns_stats s;
    uns_stats_get(t, &s);
    CHECK_INT(s.live, 100000);
    size_t used = heap() - before; /* 0 under a sanitizer, whose heap is not glibc's */
    printf("    %.1f bytes per tag, %u nodes\n", (double)used / 100000, s.nodes);
    CHECK(used < 100000 * 250);
    uns_tree_free(t);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_failing_allocation_gives_a_clean_status_and_a_whole_tree),
        PT_TEST(failing_selections_see_nothing_and_failing_listings_say_so),
        PT_TEST(values_in_steady_state_allocate_nothing),
        PT_TEST(a_hundred_thousand_tags_stay_below_the_bytes_the_header_states),
    };
    return pt_test_main("uns/memory", tests, PT_COUNT_OF(tests), argc, argv);
}
