/* tests/base/map_test.c */
#include "base/map.h"
#include "base/random.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static void values_are_put_replaced_and_deleted(void)
{
    pt_map m;
    uint64_t v = 0;
    pt_map_init(&m, PT_MAP_COPY_KEYS);
    CHECK(!pt_map_get(&m, PT_LIT("a"), &v));
    CHECK(!pt_map_del(&m, PT_LIT("a"), NULL));
    CHECK_OK(pt_map_put(&m, PT_LIT("a"), 1, &v));
    CHECK_INT(v, 0);
    CHECK_OK(pt_map_put(&m, PT_LIT("a"), 2, &v));
    CHECK_INT(v, 1);
    CHECK_OK(pt_map_put(&m, PT_LIT(""), 3, NULL));
    CHECK(pt_map_get(&m, PT_LIT("a"), &v) && v == 2);
    CHECK(pt_map_get(&m, PT_NONE, &v) && v == 3); /* absent and empty are one key */
    CHECK(pt_map_get(&m, PT_LIT("a"), NULL));
    CHECK_INT(m.count, 2);
    CHECK(pt_map_del(&m, PT_LIT("a"), &v) && v == 2);
    CHECK(!pt_map_get(&m, PT_LIT("a"), &v));
    CHECK(pt_map_get_ptr(&m, PT_LIT("zzz")) == NULL);
    pt_map_reset(&m);
    CHECK_INT(m.count, 0);
    CHECK_OK(pt_map_put(&m, PT_LIT("b"), 5, NULL));
    CHECK(pt_map_get(&m, PT_LIT("b"), &v) && v == 5);
    pt_map_fini(&m);
    CHECK(!pt_map_get(&m, PT_LIT("b"), &v));
}

static void a_copied_key_outlives_its_bytes(void)
{
    pt_map m;
    uint64_t v;
    char key[8] = "abc";
    pt_map_init(&m, PT_MAP_COPY_KEYS);
    CHECK_OK(pt_map_put(&m, pt_cstr(key), 1, NULL));
    memcpy(key, "xyz", 3);
    CHECK(pt_map_get(&m, PT_LIT("abc"), &v) && v == 1);
    pt_map_fini(&m);
}

/* Random work against an array of truth; deletes and inserts in waves, so tombstones pile up and are swept. */
static void it_agrees_with_an_array(void)
{
    enum { KEYS = 3000 };
    static uint64_t truth[KEYS]; /* 0: absent */
    pt_random r = pt_random_seed(3);
    pt_map m, n;
    size_t count = 0;
    int bad = 0;
    memset(truth, 0, sizeof truth);
    pt_map_init(&m, PT_MAP_COPY_KEYS);
    pt_map_init(&n, PT_MAP_U64_KEYS);
    for (int i = 0; i < 300000; i++) {
        uint64_t k = pt_random_below(&r, KEYS), v = pt_random_u64(&r) | 1, got = 0, old = 0;
        char key[16];
        pt_slice s = pt_slice_of(key, (size_t)snprintf(key, sizeof key, "k%llu", (unsigned long long)k));
        bool wave = (i / 20000) % 2;
        if (pt_random_below(&r, 10) < (wave ? 2u : 8u)) {
            bad += pt_map_put(&m, s, v, &old) != PT_OK || old != truth[k];
            bad += pt_map_put_u64(&n, k, v, NULL) != PT_OK;
            count += !truth[k];
            truth[k] = v;
        } else {
            bad += pt_map_del(&m, s, &old) != (truth[k] != 0) || old != truth[k];
            bad += pt_map_del_u64(&n, k, NULL) != (truth[k] != 0);
            count -= truth[k] != 0;
            truth[k] = 0;
        }
        k = pt_random_below(&r, KEYS);
        s.len = (size_t)snprintf(key, sizeof key, "k%llu", (unsigned long long)k);
        bad += pt_map_get(&m, s, &got) != (truth[k] != 0) || got != truth[k];
        got = 0;
        bad += pt_map_get_u64(&n, k, &got) != (truth[k] != 0) || got != truth[k];
    }
    CHECK_INT(bad, 0);
    CHECK_INT(m.count, count);
    CHECK_INT(n.count, count);
    CHECK(m.cap <= 8192);
    size_t it = 0, seen = 0;
    uint64_t k, v;
    while (pt_map_each(&n, &it, NULL, &k, &v)) {
        bad += truth[k] != v;
        seen++;
        bad += !pt_map_del_u64(&n, k, NULL); /* deleting the current one is allowed */
    }
    CHECK_INT(bad, 0);
    CHECK_INT(seen, count);
    CHECK_INT(n.count, 0);
    pt_map_fini(&m);
    pt_map_fini(&n);
}

static void borrowed_keys_are_walked(void)
{
    pt_map m;
    pt_slice key;
    uint64_t v;
    size_t it = 0, n = 0;
    pt_map_init(&m, PT_MAP_BORROW_KEYS);
    CHECK_OK(pt_map_put(&m, PT_LIT("one"), 1, NULL));
    CHECK_OK(pt_map_put(&m, PT_LIT("two"), 2, NULL));
    while (pt_map_each(&m, &it, &key, NULL, &v)) {
        n++;
        CHECK(pt_slice_eq_cstr(key, v == 1 ? "one" : "two"));
    }
    CHECK_INT(n, 2);
    pt_map_fini(&m);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(values_are_put_replaced_and_deleted), PT_TEST(a_copied_key_outlives_its_bytes),
                                     PT_TEST(it_agrees_with_an_array), PT_TEST(borrowed_keys_are_walked) };
    return pt_test_main("base/map", tests, PT_COUNT_OF(tests), argc, argv);
}
