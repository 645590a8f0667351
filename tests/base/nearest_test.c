/* base/nearest.c: the word that was meant. */
#include "base/nearest.h"
#include "tests/support/check.h"

static void the_nearest_word_within_a_few_slips_is_found(void)
{
    static const char *const words[] = { "read", "tree", "history", "events", "durations" };
    static const struct {
        const char *wrong, *want; /* NULL: none is near enough */
    } rows[] = { { "reda", NULL },
                 { "raed", NULL },
                 { "rea", "read" },
                 { "trees", "tree" },
                 { "histroy", "history" },
                 { "hitory", "history" },
                 { "event", "events" },
                 { "duration", "durations" },
                 { "durtaion", "durations" },
                 { "frobnicate", NULL },
                 { "", NULL } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *nearest = NULL;
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < PT_COUNT_OF(words); k++)
            if (pt_nearer(pt_cstr(rows[i].wrong), words[k], &best)) nearest = words[k];
        pt_check_at(nearest == rows[i].want || (nearest && rows[i].want && pt_slice_eq_cstr(pt_cstr(nearest), rows[i].want)), false,
                    rows[i].wrong, 0, "it is %s", nearest ? nearest : "none");
    }
}

static void a_word_of_any_length_is_compared_safely(void)
{
    static char wide[200];
    size_t best = SIZE_MAX;
    for (size_t i = 0; i + 1 < sizeof wide; i++)
        wide[i] = 'x';
    CHECK(!pt_nearer(pt_cstr(wide), "x", &best) && !pt_nearer(PT_LIT("x"), wide, &best) && best == SIZE_MAX);
    wide[64] = '\0';
    CHECK(pt_nearer(pt_cstr(wide), wide, &best) && best == 0);
    CHECK(!pt_nearer(pt_cstr(wide), wide, &best)); /* no nearer than the best so far */
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_nearest_word_within_a_few_slips_is_found),
        PT_TEST(a_word_of_any_length_is_compared_safely),
    };
    return pt_test_main("base/nearest", tests, PT_COUNT_OF(tests), argc, argv);
}
