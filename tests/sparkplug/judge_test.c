/* tests/sparkplug/judge_test.c -- a node that is listened to from outside: what was not heard is nobody's fault. */
#include "sparkplug/judge.h"
#include "tests/support/check.h"

#include <stdio.h>

enum { T = 1700000000 };

static char told[2000];

static void note(void *ctx, const spb_finding *f)
{
    size_t n = strlen(told);
    (void)ctx;
    snprintf(told + n, sizeof told - n, "%.40s;", f->rule);
}

static spb_metric metric(const char *name, uint64_t alias, uint32_t type)
{
    unsigned flags = SPB_HAS_TIMESTAMP | (name ? SPB_HAS_NAME : 0u) | (alias ? SPB_HAS_ALIAS : 0u) | (type ? SPB_HAS_DATATYPE : 0u);
    spb_metric m = { .name = pt_cstr(name), .alias = alias, .timestamp = T * 1000ull, .datatype = type, .flags = (uint16_t)flags };
    m.wire = type == SPB_BOOLEAN ? SPB_WIRE_BOOL : type == SPB_INT64 ? SPB_WIRE_LONG : SPB_WIRE_INT;
    return m;
}

/* What is told of it; *begun as the judge says. */
static const char *take(spb_judge *j, spb_verb verb, uint64_t seq, spb_metric *m, uint32_t n, bool *begun)
{
    spb_topic topic = { .verb = verb, .group = PT_LIT("G"), .edge = PT_LIT("E") };
    spb_payload p = {
        .timestamp = T * 1000ull, .has_timestamp = true, .seq = seq, .has_seq = verb != SPB_NDEATH, .metrics = m, .n_metrics = n
    };
    told[0] = '\0';
    CHECK_OK(spb_judge_take(j, &topic, &p, (spb_delivery){ 0 }, note, NULL, begun));
    return told;
}

static const char *birth(spb_judge *j, uint64_t bd_seq)
{
    bool begun = false;
    spb_metric m[] = { metric("bdSeq", 0, SPB_INT64), metric("Node Control/Rebirth", 0, SPB_BOOLEAN), metric("Level", 7, SPB_UINT16) };
    m[0].value.u64 = bd_seq;
    take(j, SPB_NBIRTH, 0, m, 3, &begun);
    CHECK(begun);
    return told;
}

static const char *death(spb_judge *j, uint64_t bd_seq)
{
    bool begun = false;
    spb_metric m = metric("bdSeq", 0, SPB_INT64);
    m.value.u64 = bd_seq;
    return take(j, SPB_NDEATH, 0, &m, 1, &begun);
}

static const char *data(spb_judge *j, uint64_t seq, bool *begun)
{
    spb_metric m = metric(NULL, 7, 0);
    return take(j, SPB_NDATA, seq, &m, 1, begun);
}

static void from_the_middle_of_a_session_on_a_missing_birth_is_no_fault(void)
{
    spb_judge *j = NULL;
    bool begun = true;
    CHECK_OK_FATAL(spb_judge_new(&j));
    CHECK_STR(pt_cstr(data(j, 17, &begun)), "");
    CHECK(!begun);
    CHECK_STR(pt_cstr(birth(j, 3)), "");
    CHECK_STR(pt_cstr(data(j, 1, &begun)), "");
    CHECK(begun);
    CHECK(strstr(data(j, 5, &begun), "tck-id-payloads-sequence-num-incrementin") != NULL);
    CHECK_STR(pt_cstr(data(j, 6, &begun)), ""); /* goes on from there */
    spb_judge_free(j);
    spb_judge_free(NULL);
}

static void after_a_death_any_bdseq_is_right_and_within_a_session_only_one(void)
{
    spb_judge *j = NULL;
    CHECK_OK_FATAL(spb_judge_new(&j));
    CHECK_STR(pt_cstr(birth(j, 3)), "");
    CHECK(strstr(death(j, 9), "bdseq") != NULL);
    CHECK_STR(pt_cstr(birth(j, 77)), "");
    CHECK_STR(pt_cstr(death(j, 77)), "");
    CHECK_STR(pt_cstr(birth(j, 5)), "");
    spb_judge_free(j);
}

static void data_that_was_left_out_makes_the_next_number_free_once(void)
{
    spb_judge *j = NULL;
    bool begun;
    CHECK_OK_FATAL(spb_judge_new(&j));
    birth(j, 3);
    spb_judge_skipped(j);
    CHECK_STR(pt_cstr(data(j, 200, &begun)), "");
    CHECK(begun);
    CHECK_STR(pt_cstr(data(j, 201, &begun)), "");
    CHECK(strstr(data(j, 203, &begun), "sequence-num") != NULL);
    spb_judge_free(j);
}

static void what_was_missed_is_forgotten_births_included(void)
{
    spb_judge *j = NULL;
    bool begun = true;
    CHECK_OK_FATAL(spb_judge_new(&j));
    birth(j, 3);
    CHECK_OK(spb_judge_forget(j));
    CHECK_STR(pt_cstr(data(j, 200, &begun)), "");
    CHECK(!begun);
    CHECK_STR(pt_cstr(birth(j, 250)), "");
    CHECK_STR(pt_cstr(data(j, 1, &begun)), "");
    spb_judge_free(j);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(from_the_middle_of_a_session_on_a_missing_birth_is_no_fault),
        PT_TEST(after_a_death_any_bdseq_is_right_and_within_a_session_only_one),
        PT_TEST(data_that_was_left_out_makes_the_next_number_free_once),
        PT_TEST(what_was_missed_is_forgotten_births_included),
    };
    return pt_test_main("sparkplug/judge", tests, PT_COUNT_OF(tests), argc, argv);
}
