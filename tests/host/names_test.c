/* host/nodes/names.c: the words that users, metrics and event filters read. They are part of the API: a change is a break. */
#include "host/nodes/node.h"
#include "tests/support/check.h"

typedef const char *name_fn(int i);

static const char *cause(int i)
{
    return host_cause_name((host_cause)i);
}
static const char *reject(int i)
{
    return host_reject_name((host_reject)i);
}
static const char *event(int i)
{
    return host_event_type_name((host_event_type)i);
}
static const char *state(int i)
{
    return host_node_state_name((host_node_state)i);
}

static const struct {
    const char *what;
    name_fn *name;
    int count;
    const char *words, *beyond; /* in the order of the enumeration */
} lists[] = {
    { "cause", cause, HOST_CAUSE_COUNT,
      "none unknown-node unknown-alias unknown-metric seq-gap reorder-timeout data-before-birth host-restart operator type-mismatch no-birth-after-state "
      "duplicate-alias malformed overload doubtful-death silent",
      "none" },
    { "reject", reject, HOST_REJECT_COUNT,
      "malformed too-big no-seq bad-seq retained not-born offline device-not-born duplicate-seq reorder-discarded old-session other-server death-of-other-session "
      "duplicate-alias too-many unknown-alias ambiguous-alias foreign-alias unknown-metric no-identity bad-name duplicate-name bad-type bad-value overload file-part file-too-big file-sum",
      "unknown" },
    { "event", event, HOST_EVENT_TYPE_COUNT,
      "nbirth ndeath dbirth ddeath rebirth-request seq-gap reorder-timeout host-online host-offline host-id-in-use write metadata-changed path-collision path-takeover quarantine duplicate-node "
      "clock-skew backfill config-reload doubtful conformance",
      "unknown" },
    { "state", state, 4, "unknown offline rebirth-wanted online", "unknown" },
};

static void every_word_is_the_documented_one(void)
{
    for (size_t k = 0; k < PT_COUNT_OF(lists); k++) {
        pt_slice rest = pt_cstr(lists[k].words), word;
        int n = 0;
        while (rest.ptr && pt_slice_split(&rest, ' ', &word)) {
            CHECK_ROW(lists[k].what, n < lists[k].count);
            if (n < lists[k].count) CHECK_ROW(lists[k].what, pt_slice_eq_cstr(word, lists[k].name(n)));
            n++;
        }
        CHECK_INT(n, lists[k].count);
    }
}

static void a_number_beyond_the_list_has_a_word_too(void)
{
    for (size_t k = 0; k < PT_COUNT_OF(lists); k++) {
        CHECK_STR(pt_cstr(lists[k].name(lists[k].count)), lists[k].beyond);
        CHECK_STR(pt_cstr(lists[k].name(-1)), lists[k].beyond);
    }
}

static void every_word_is_one_of_its_own_and_fits_a_label_and_a_url(void)
{
    for (size_t k = 0; k < PT_COUNT_OF(lists); k++) {
        for (int i = 0; i < lists[k].count; i++) {
            const char *w = lists[k].name(i);
            CHECK_ROW(lists[k].what, w[0] != '\0');
            for (const char *c = w; *c; c++)
                CHECK_ROW(w, (*c >= 'a' && *c <= 'z') || *c == '-');
            for (int j = 0; j < i; j++)
                CHECK_ROW(w, strcmp(w, lists[k].name(j)) != 0);
        }
        CHECK_ROW(lists[k].what, strcmp(lists[k].name(lists[k].count + 1000), lists[k].beyond) == 0);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_word_is_the_documented_one),
        PT_TEST(a_number_beyond_the_list_has_a_word_too),
        PT_TEST(every_word_is_one_of_its_own_and_fits_a_label_and_a_url),
    };
    return pt_test_main("host/names", tests, PT_COUNT_OF(tests), argc, argv);
}
