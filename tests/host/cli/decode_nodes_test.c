/* tests/host/cli/decode_nodes_test.c -- what births give to later messages, and what a missing birth must not be blamed for. */
#include "host/cli/decode.h"
#include "tests/support/check.h"

#include <stdio.h>

enum { T = 1700000000 };

typedef struct told {
    char rules[2048];
} told;

static void note(void *ctx, const spb_finding *f)
{
    told *t = ctx;
    size_t n = strlen(t->rules);
    snprintf(t->rules + n, sizeof t->rules - n, "%s;", f->rule);
}

static const spb_delivery unknown = { 0 };

static spb_metric metric(const char *name, uint64_t alias, uint32_t type)
{
    unsigned flags = SPB_HAS_TIMESTAMP | (name ? SPB_HAS_NAME : 0u) | (alias ? SPB_HAS_ALIAS : 0u) | (type ? SPB_HAS_DATATYPE : 0u);
    spb_metric m = { .name = pt_cstr(name), .alias = alias, .timestamp = T * 1000ull, .datatype = type, .flags = (uint16_t)flags };
    m.wire = type == SPB_BOOLEAN ? SPB_WIRE_BOOL : type == SPB_INT64 ? SPB_WIRE_LONG : SPB_WIRE_INT;
    return m;
}

static spb_topic topic(spb_verb verb, const char *edge)
{
    return (spb_topic){ .verb = verb, .group = PT_LIT("G"), .edge = pt_cstr(edge) };
}

static bool take(decode_nodes *n, spb_verb verb, const char *edge, uint64_t seq, spb_metric *m, uint32_t n_metrics, told *t)
{
    bool begun = false;
    spb_topic at = topic(verb, edge);
    spb_payload p = { .timestamp = T * 1000ull, .has_timestamp = true, .seq = seq, .has_seq = verb != SPB_NDEATH, .metrics = m };
    p.n_metrics = n_metrics;
    t->rules[0] = '\0';
    CHECK_OK(decode_nodes_take(n, &at, &p, unknown, note, t, &begun));
    return begun;
}

static void birth(decode_nodes *n, const char *edge, uint64_t bd_seq, told *t)
{
    spb_metric m[] = { metric("bdSeq", 0, SPB_INT64), metric("Node Control/Rebirth", 0, SPB_BOOLEAN), metric("Level", 7, SPB_UINT16) };
    m[0].value.u64 = bd_seq;
    CHECK(take(n, SPB_NBIRTH, edge, 0, m, PT_COUNT_OF(m), t));
}

static void a_birth_names_and_types_what_follows(void)
{
    decode_nodes *n = NULL;
    told t;
    pt_slice name;
    uint32_t type;
    CHECK_OK_FATAL(decode_nodes_new(&n));
    birth(n, "E", 0, &t);
    CHECK_STR(pt_cstr(t.rules), "");
    spb_metric by_alias = metric(NULL, 7, 0), by_name = metric("Level", 0, 0), own = metric("Level", 7, SPB_INT8),
               other = metric(NULL, 8, 0);
    spb_topic e = topic(SPB_NDATA, "E"), f = topic(SPB_NDATA, "F");
    decode_nodes_resolve(n, &e, &by_alias, &name, &type);
    CHECK_STR(name, "Level");
    CHECK_INT(type, SPB_UINT16);
    decode_nodes_resolve(n, &e, &by_name, &name, &type);
    CHECK_INT(type, SPB_UINT16);
    decode_nodes_resolve(n, &e, &own, &name, &type);
    CHECK_INT(type, SPB_INT8);
    decode_nodes_resolve(n, &e, &other, &name, &type);
    CHECK(!name.ptr && type == SPB_UNKNOWN);
    decode_nodes_resolve(n, &f, &by_alias, &name, &type); /* another node's aliases are its own */
    CHECK(!name.ptr && type == SPB_UNKNOWN);
    CHECK(take(n, SPB_NDATA, "E", 1, &by_alias, 1, &t));
    CHECK_STR(pt_cstr(t.rules), "");
    CHECK(take(n, SPB_NDATA, "E", 3, &other, 1, &t));
    CHECK(strstr(t.rules, "tck-id-payloads-sequence-num-incrementing") != NULL);
    CHECK(strstr(t.rules, "tck-id-topics-nbirth-metric-reqs") != NULL);
    decode_nodes_free(n);
}

static void without_a_birth_only_what_the_message_shows_is_judged(void)
{
    decode_nodes *n = NULL;
    told t;
    spb_metric m = metric(NULL, 7, 0);
    CHECK_OK_FATAL(decode_nodes_new(&n));
    CHECK(!take(n, SPB_NDATA, "E", 9, &m, 1, &t));
    CHECK_STR(pt_cstr(t.rules), "");
    CHECK(!take(n, SPB_NDATA, "E", 300, &m, 1, &t));
    CHECK(strstr(t.rules, "tck-id-payloads-ndata-seq") != NULL && !strstr(t.rules, "order"));
    spb_metric dead = metric("bdSeq", 0, SPB_INT64);
    CHECK(take(n, SPB_NDEATH, "E", 0, &dead, 1, &t));
    CHECK(take(n, SPB_NDATA, "E", 1, &m, 1, &t)); /* now it is known that it was dead */
    CHECK(strstr(t.rules, "tck-id-payloads-ndata-order") != NULL);
    decode_nodes_free(n);
}

static void a_new_session_after_a_death_may_have_any_bdseq(void)
{
    decode_nodes *n = NULL;
    told t;
    spb_metric dead = metric("bdSeq", 0, SPB_INT64);
    CHECK_OK_FATAL(decode_nodes_new(&n));
    birth(n, "E", 0, &t);
    CHECK(take(n, SPB_NDEATH, "E", 0, &dead, 1, &t));
    CHECK_STR(pt_cstr(t.rules), "");
    birth(n, "E", 1, &t);
    CHECK_STR(pt_cstr(t.rules), "");
    birth(n, "E", 2, &t); /* a rebirth keeps it */
    CHECK(strstr(t.rules, "tck-id-payloads-nbirth-bdseq-repeat") != NULL);
    decode_nodes_free(n);
}

static void more_nodes_than_can_be_held_are_refused(void)
{
    decode_nodes *n = NULL;
    told t = { "" };
    bool begun;
    pt_status st = PT_OK;
    CHECK_OK_FATAL(decode_nodes_new(&n));
    spb_payload p = { .has_seq = true };
    for (int i = 0; i < 1001 && st == PT_OK; i++) {
        char edge[16];
        snprintf(edge, sizeof edge, "E%d", i);
        spb_topic at = topic(SPB_NDATA, edge);
        st = decode_nodes_take(n, &at, &p, unknown, note, &t, &begun);
        CHECK((st == PT_OK) == (i < 1000));
    }
    CHECK_STATUS(st, PT_EFULL);
    decode_nodes_free(n);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_birth_names_and_types_what_follows),
        PT_TEST(without_a_birth_only_what_the_message_shows_is_judged),
        PT_TEST(a_new_session_after_a_death_may_have_any_bdseq),
        PT_TEST(more_nodes_than_can_be_held_are_refused),
    };
    return pt_test_main("host/cli/decode_nodes", tests, PT_COUNT_OF(tests), argc, argv);
}
