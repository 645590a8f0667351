/* tests/base/arena_test.c */
#include "base/arena.h"
#include "tests/support/check.h"

static void memory_is_aligned_distinct_and_zeroed_on_request(void)
{
    pt_arena a;
    pt_arena_init(&a, 1 << 20);
    char *last = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        char *p = pt_arena_alloc(&a, size);
        CHECK_FATAL(p != NULL);
        CHECK(((uintptr_t)p & 15) == 0);
        CHECK(p != last);
        memset(p, 0xAA, size);
        last = p;
    }
    char *z = pt_arena_zalloc(&a, 100);
    CHECK_FATAL(z != NULL);
    for (size_t i = 0; i < 100; i++)
        CHECK(z[i] == 0);
    pt_arena_fini(&a);
}

static void the_limit_counts_what_was_handed_out(void)
{
    pt_arena a;
    pt_arena_init(&a, 100); /* not a multiple of the alignment */
    CHECK(pt_arena_alloc(&a, 96) != NULL);
    CHECK(pt_arena_alloc(&a, 1) == NULL);
    pt_arena_reset(&a);
    CHECK(pt_arena_alloc(&a, 1) != NULL);
    CHECK(pt_arena_alloc(&a, 80) != NULL);
    CHECK(pt_arena_alloc(&a, 16) == NULL);
    pt_arena_fini(&a);
    CHECK(pt_arena_alloc(&a, 64) != NULL); /* may be used again */
    pt_arena_fini(&a);
}

static void absurd_sizes_are_refused(void)
{
    pt_arena a;
    pt_arena_init(&a, SIZE_MAX);
    CHECK(pt_arena_alloc(&a, SIZE_MAX) == NULL);
    CHECK(pt_arena_alloc(&a, SIZE_MAX - 15) == NULL);
    CHECK(pt_arena_array(&a, SIZE_MAX / 2, 3) == NULL);
    CHECK(pt_arena_array(&a, 0, 8) != NULL);
    pt_arena_fini(&a);
}

static void a_reset_keeps_the_largest_chunk(void)
{
    pt_arena a;
    pt_arena_init(&a, 1 << 20);
    for (int i = 0; i < 100; i++)
        CHECK(pt_arena_alloc(&a, 1000) != NULL);
    pt_arena_reset(&a);
    CHECK_INT(a.used, 0);
    pt_arena_chunk *kept = a.chunk;
    CHECK(pt_arena_alloc(&a, 40000) != NULL);
    CHECK(a.chunk == kept);
    pt_arena_fini(&a);
}

static void a_copy_has_a_final_nul(void)
{
    pt_arena a;
    pt_arena_init(&a, 4096);
    pt_slice s = pt_arena_dup(&a, PT_LIT("abc"));
    CHECK_STR(s, "abc");
    CHECK(s.ptr[3] == '\0');
    s = pt_arena_dup(&a, PT_NONE);
    CHECK(s.ptr && s.len == 0 && s.ptr[0] == '\0');
    pt_arena_fini(&a);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(memory_is_aligned_distinct_and_zeroed_on_request),
                                     PT_TEST(the_limit_counts_what_was_handed_out), PT_TEST(absurd_sizes_are_refused),
                                     PT_TEST(a_reset_keeps_the_largest_chunk), PT_TEST(a_copy_has_a_final_nul) };
    return pt_test_main("base/arena", tests, PT_COUNT_OF(tests), argc, argv);
}
