/* tests/host/names_test.c -- each cause, reason, event and state has one word of its own, and numbers that are none have a word, too. */
#include "host/node.h"
#include "tests/support/check.h"

static const char *cause(unsigned i) { return host_cause_name((host_cause)i); }
static const char *reject(unsigned i) { return host_reject_name((host_reject)i); }
static const char *event(unsigned i) { return host_event_type_name((host_event_type)i); }
static const char *state(unsigned i) { return host_node_state_name((host_node_state)i); }

static const struct {
    const char *what;
    const char *(*name)(unsigned i);
    unsigned n;
    const char *beyond;
} rows[] = {
    { "causes", cause, HOST_CAUSE_COUNT, "none" },
    { "reasons", reject, HOST_REJECT_COUNT, "unknown" },
    { "events", event, HOST_EVENT_TYPE_COUNT, "unknown" },
    { "states", state, HOST_NODE_ONLINE + 1, "unknown" },
};

static void every_number_has_a_word_of_its_own(void)
{
    for (size_t r = 0; r < PT_COUNT_OF(rows); r++) {
        for (unsigned i = 0; i < rows[r].n; i++) {
            const char *w = rows[r].name(i);
            CHECK_ROW(rows[r].what, w != NULL && w[0] != '\0');
            for (const char *c = w; *c; c++) /* a metric's label, a word of a URL */
                CHECK_ROW(w, (*c >= 'a' && *c <= 'z') || *c == '-');
            for (unsigned k = 0; k < i; k++)
                CHECK_ROW(w, strcmp(w, rows[r].name(k)) != 0);
        }
        CHECK_ROW(rows[r].what, strcmp(rows[r].name(rows[r].n + 1000), rows[r].beyond) == 0);
    }
}

static void the_words_users_script_against_stand(void)
{
    CHECK_STR(pt_cstr(cause(HOST_CAUSE_SEQ_GAP)), "seq-gap");
    CHECK_STR(pt_cstr(cause(HOST_CAUSE_NO_BIRTH_AFTER_STATE)), "no-birth-after-state");
    CHECK_STR(pt_cstr(reject(HOST_REJECT_UNKNOWN_ALIAS)), "unknown-alias");
    CHECK_STR(pt_cstr(event(HOST_EVENT_REBIRTH_REQUEST)), "rebirth-request");
    CHECK_STR(pt_cstr(event(HOST_EVENT_CONFIG_RELOAD)), "config-reload");
    CHECK_STR(pt_cstr(state(HOST_NODE_WANTED)), "rebirth-wanted");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_number_has_a_word_of_its_own), PT_TEST(the_words_users_script_against_stand) };
    return pt_test_main("host/names", tests, PT_COUNT_OF(tests), argc, argv);
}
