/* tests/uns/names_test.c -- each distinct string once, for as long as the tree lives. */
#include "tests/support/check.h"
#include "uns/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void a_string_has_one_id_for_ever(void)
{
    uns__names n = { 0 };
    uint32_t a = 0, b = 0, again = 0, id = 99;
    CHECK(!uns__names_find(&n, PT_LIT("Speed"), &id)); /* nothing was ever added */
    CHECK_OK(uns__names_add(&n, PT_LIT("Speed"), &a));
    CHECK_OK(uns__names_add(&n, PT_LIT("speed"), &b));
    CHECK_OK(uns__names_add(&n, PT_LIT("Speed"), &again));
    CHECK(a && b && a != b && again == a && n.count == 2);
    CHECK(uns__names_find(&n, PT_LIT("speed"), &id) && id == b);
    CHECK(!uns__names_find(&n, PT_LIT("Spee"), &id) && !uns__names_find(&n, PT_LIT("Speeds"), &id));
    CHECK_STR(uns__name_view(&n, a), "Speed");
    uns__names_fini(&n);
}

static void the_empty_string_is_nothing_kept(void)
{
    uns__names n = { 0 };
    uint32_t id = 99;
    CHECK_OK(uns__names_add(&n, PT_NONE, &id));
    CHECK(id == 0 && n.count == 0);
    id = 99;
    CHECK(uns__names_find(&n, PT_LIT(""), &id) && id == 0);
    CHECK(uns__name_view(&n, 0).ptr != NULL);
    CHECK_STR(uns__name_view(&n, 0), "");
    uns__names_fini(&n);
}

static void bytes_are_copied_nul_and_all(void)
{
    uns__names n = { 0 };
    char text[] = { 'a', '\0', 'b', '\xFF' };
    uint32_t id = 0, other = 0;
    CHECK_OK(uns__names_add(&n, pt_slice_of(text, sizeof text), &id));
    text[0] = 'z';
    CHECK_HEX(uns__name_view(&n, id), "610062ff");
    CHECK_OK(uns__names_add(&n, PT_LIT("a"), &other));
    CHECK(other != id);
    uns__names_fini(&n);
}

static void a_name_beyond_64_kib_is_refused_and_nothing_changes(void)
{
    uns__names n = { 0 };
    uint32_t id = 99;
    char *text = malloc(UINT16_MAX + 1u);
    CHECK_FATAL(text != NULL);
    memset(text, 'x', UINT16_MAX + 1u);
    CHECK_STATUS(uns__names_add(&n, pt_slice_of(text, UINT16_MAX + 1u), &id), PT_ETOOBIG);
    CHECK(id == 99 && n.count == 0);
    CHECK_OK(uns__names_add(&n, pt_slice_of(text, UINT16_MAX), &id));
    CHECK(uns__name_view(&n, id).len == UINT16_MAX);
    free(text);
    uns__names_fini(&n);
}

/* Long names live alone, short ones fill blocks around them; growing moves the tables, never the bytes. */
static void many_names_of_all_lengths_stay_where_they_are(void)
{
    enum { N = 30000 };
    static char text[20000];
    const char **at = malloc(N * sizeof *at);
    uns__names n = { 0 };
    unsigned bad = 0;
    CHECK_FATAL(at != NULL);
    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t id = 0;
        size_t len = (size_t)snprintf(text, 12, "%u", i);
        text[len] = '.';
        len = i % 1000 == 0 ? sizeof text : len + 1;
        CHECK_OK_FATAL(uns__names_add(&n, pt_slice_of(text, len), &id));
        bad += id != i + 1;
        at[i] = uns__name_view(&n, id).ptr;
        memset(text, 'x', 12);
    }
    for (uint32_t i = 0; i < N; i++) {
        char want[16];
        size_t len = (size_t)snprintf(want, sizeof want, "%u.", i);
        pt_slice got = uns__name_view(&n, i + 1);
        bad += got.ptr != at[i] || memcmp(got.ptr, want, len) != 0 || got.len != (i % 1000 == 0 ? sizeof text : len);
    }
    CHECK_INT(bad, 0);
    CHECK_INT(n.count, N);
    free(at);
    uns__names_fini(&n);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_string_has_one_id_for_ever),
        PT_TEST(the_empty_string_is_nothing_kept),
        PT_TEST(bytes_are_copied_nul_and_all),
        PT_TEST(a_name_beyond_64_kib_is_refused_and_nothing_changes),
        PT_TEST(many_names_of_all_lengths_stay_where_they_are),
    };
    return pt_test_main("uns/names", tests, PT_COUNT_OF(tests), argc, argv);
}
