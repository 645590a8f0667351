/* tests/sparkplug/topic_test.c */
#include "sparkplug/topic.h"
#include "tests/support/check.h"

#include <stdlib.h>

static const struct {
    const char *rule, *topic;
    spb_verb verb;
    const char *group, *edge, *device, *host; /* NULL: absent */
} good[] = {
    { "tck-id-topics-nbirth-topic", "spBv1.0/G/NBIRTH/E", SPB_NBIRTH, "G", "E", NULL, NULL },
    { "tck-id-message-flow-edge-node-birth-publish-nbirth-topic", "spBv1.0/Plant 1/NBIRTH/gw.7", SPB_NBIRTH, "Plant 1", "gw.7", NULL,
      NULL },
    { "tck-id-topics-ndeath-topic", "spBv1.0/G/NDEATH/E", SPB_NDEATH, "G", "E", NULL, NULL },
    { "tck-id-topics-ndata-topic", "spBv1.0/G/NDATA/E", SPB_NDATA, "G", "E", NULL, NULL },
    { "tck-id-topics-ncmd-topic", "spBv1.0/G/NCMD/E", SPB_NCMD, "G", "E", NULL, NULL },
    { "tck-id-topics-dbirth-topic", "spBv1.0/G/DBIRTH/E/D", SPB_DBIRTH, "G", "E", "D", NULL },
    { "tck-id-topics-ddeath-topic", "spBv1.0/G/DDEATH/E/D", SPB_DDEATH, "G", "E", "D", NULL },
    { "tck-id-topics-ddata-topic", "spBv1.0/G/DDATA/E/D", SPB_DDATA, "G", "E", "D", NULL },
    { "tck-id-topics-dcmd-topic", "spBv1.0/G/DCMD/E/D", SPB_DCMD, "G", "E", "D", NULL },
    { "tck-id-topic-structure-namespace-device-id-associated-message-types", "spBv1.0/a/DDATA/b/c", SPB_DDATA, "a", "b", "c", NULL },
    { "tck-id-host-topic-phid-birth-topic", "spBv1.0/STATE/H", SPB_STATE, NULL, NULL, NULL, "H" },
    { "tck-id-host-topic-phid-death-topic", "spBv1.0/STATE/control room", SPB_STATE, NULL, NULL, NULL, "control room" },
    { "tck-id-intro-group-id-string",
      "spBv1.0/Werk S\xC3\xBC"
      "d/NDATA/\xE6\xB5\x8B",
      SPB_NDATA,
      "Werk S\xC3\xBC"
      "d",
      "\xE6\xB5\x8B", NULL, NULL },
    { "tck-id-intro-device-id-string", "spBv1.0/g/DDATA/e/\xF0\x9F\x8F\xAD", SPB_DDATA, "g", "e", "\xF0\x9F\x8F\xAD", NULL },
    { "ids may look like verbs", "spBv1.0/NDATA/NDATA/NDATA", SPB_NDATA, "NDATA", "NDATA", NULL, NULL },
    { "an edge may be called STATE", "spBv1.0/g/NDATA/STATE", SPB_NDATA, "g", "STATE", NULL, NULL },
    { "a host may be called like a verb", "spBv1.0/STATE/NBIRTH", SPB_STATE, NULL, NULL, NULL, "NBIRTH" },
    { "state is case sensitive", "spBv1.0/State/NDATA/e", SPB_NDATA, "State", "e", NULL, NULL },
};

static bool is(pt_slice s, const char *want)
{
    return want ? s.ptr && pt_slice_eq_cstr(s, want) : s.ptr == NULL;
}

static void a_parsed_topic_keeps_its_ids_and_formats_back(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(good); i++) {
        spb_topic t = { 0 };
        char buf[128];
        size_t len = 0;
        pt_slice text = pt_cstr(good[i].topic);
        CHECK_ROW(good[i].rule, spb_topic_parse(&spb_namespace_b, text, &t, NULL) == PT_OK);
        CHECK_ROW(good[i].rule, t.verb == good[i].verb && is(t.group, good[i].group) && is(t.edge, good[i].edge));
        CHECK_ROW(good[i].rule, is(t.device, good[i].device) && is(t.host, good[i].host));
        CHECK_ROW(good[i].rule, spb_topic_format(&spb_namespace_b, &t, buf, sizeof buf, &len) == PT_OK);
        CHECK_STR(pt_slice_of(buf, len), good[i].topic);
        CHECK(buf[len] == '\0');
    }
}

static const struct {
    const char *rule, *topic;
    size_t offset;
    pt_status want;
} bad[] = {
    { "tck-id-topic-structure-namespace-a", "spAv1.0/G/NDATA/E", 0, PT_ENOTFOUND },
    { "tck-id-topic-structure-namespace-a", "SPBV1.0/G/NDATA/E", 0, PT_ENOTFOUND },
    { "tck-id-topic-structure-namespace-a", "spBv1.01/G/NDATA/E", 0, PT_ENOTFOUND },
    { "certificates of an aware broker", "$sparkplug/certificates/spBv1.0/G/NBIRTH/E", 0, PT_ENOTFOUND },
    { "the 2.x state topic", "STATE/H", 0, PT_ENOTFOUND },
    { "empty", "", 0, PT_ENOTFOUND },
    { "tck-id-topic-structure", "spBv1.0", 7, PT_EMALFORMED },
    { "tck-id-topic-structure", "spBv1.0/", 8, PT_EMALFORMED },
    { "tck-id-topic-structure", "spBv1.0/G", 9, PT_EMALFORMED },
    { "tck-id-topic-structure", "spBv1.0/G/NDATA", 15, PT_EMALFORMED },
    { "tck-id-topic-structure", "spBv1.0/G/NDATA/E/D/X", 20, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-non-associated-message-types", "spBv1.0/G/NDATA/E/D", 18, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-non-associated-message-types", "spBv1.0/G/NBIRTH/E/D", 19, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-non-associated-message-types", "spBv1.0/G/NDEATH/E/D", 19, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-non-associated-message-types", "spBv1.0/G/NCMD/E/D", 17, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-non-associated-message-types", "spBv1.0/STATE/H/D", 8, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-associated-message-types", "spBv1.0/G/DBIRTH/E", 18, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-associated-message-types", "spBv1.0/G/DDEATH/E", 18, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-associated-message-types", "spBv1.0/G/DDATA/E", 17, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-device-id-associated-message-types", "spBv1.0/G/DCMD/E", 16, PT_EMALFORMED },
    { "verbs are case sensitive", "spBv1.0/G/ndata/E", 10, PT_EMALFORMED },
    { "unknown verb", "spBv1.0/G/NRECORD/E", 10, PT_EMALFORMED },
    { "STATE is no verb", "spBv1.0/G/STATE/E", 10, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-valid-group-id", "spBv1.0/a+b/NDATA/n1", 9, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-valid-edge-node-id", "spBv1.0/a/NDATA/n#", 17, PT_EMALFORMED },
    { "tck-id-topic-structure-namespace-valid-device-id", "spBv1.0/a/DDATA/n/+", 18, PT_EMALFORMED },
    { "tck-id-intro-group-id-chars", "spBv1.0//NDATA/n1", 8, PT_EMALFORMED },
    { "tck-id-intro-edge-node-id-chars", "spBv1.0/a/NDATA/", 16, PT_EMALFORMED },
    { "tck-id-intro-device-id-chars", "spBv1.0/a/DDATA/e/", 18, PT_EMALFORMED },
    { "tck-id-intro-edge-node-id-string", "spBv1.0/a/NDATA/\xC3(", 16, PT_EMALFORMED },
    { "a group called STATE", "spBv1.0/STATE/NDATA/e", 8, PT_EMALFORMED },
    { "state without a host", "spBv1.0/STATE", 8, PT_EMALFORMED },
    { "state of an empty host", "spBv1.0/STATE/", 14, PT_EMALFORMED },
    { "a filter is no topic", "spBv1.0/#", 8, PT_EMALFORMED },
};

static void other_topics_are_refused_with_the_place(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        spb_topic t = { .verb = SPB_VERB_COUNT };
        pt_error err = { 0 };
        CHECK_ROW(bad[i].rule, spb_topic_parse(&spb_namespace_b, pt_cstr(bad[i].topic), &t, &err) == bad[i].want);
        CHECK_ROW(bad[i].rule, t.verb == SPB_VERB_COUNT && err.text[0] != '\0');
        if (bad[i].want == PT_EMALFORMED) CHECK_INT(err.offset, bad[i].offset);
    }
}

static void an_embedded_nul_is_refused(void)
{
    spb_topic t;
    CHECK_STATUS(spb_topic_parse(&spb_namespace_b, PT_LIT("spBv1.0/a/NDATA/e\0x"), &t, NULL), PT_EMALFORMED);
    CHECK_STATUS(spb_id_check(PT_LIT("a\0b"), false, NULL), PT_EMALFORMED);
}

static void a_second_namespace_is_a_second_row(void)
{
    static const spb_namespace c = { "spCv1.0", "HOST" };
    spb_topic t;
    char buf[64];
    size_t len;
    CHECK_OK(spb_topic_parse(&c, PT_LIT("spCv1.0/g/NDATA/e"), &t, NULL));
    CHECK_OK(spb_topic_parse(&c, PT_LIT("spCv1.0/HOST/h"), &t, NULL));
    CHECK_OK(spb_topic_format(&c, &t, buf, sizeof buf, &len));
    CHECK_STR(pt_slice_of(buf, len), "spCv1.0/HOST/h");
    CHECK_STATUS(spb_topic_parse(&c, PT_LIT("spBv1.0/g/NDATA/e"), &t, NULL), PT_ENOTFOUND);
}

static void formatting_measures_and_refuses(void)
{
    spb_topic t = { .verb = SPB_NDATA, .group = PT_LIT("g"), .edge = PT_LIT("e") };
    char buf[32] = "untouched";
    size_t len = 0;
    CHECK_STATUS(spb_topic_format(&spb_namespace_b, &t, NULL, 0, &len), PT_ETOOBIG);
    CHECK_INT(len, 17);
    CHECK_STATUS(spb_topic_format(&spb_namespace_b, &t, buf, 17, &len), PT_ETOOBIG);
    CHECK_STR(pt_cstr(buf), "untouched");
    CHECK_OK(spb_topic_format(&spb_namespace_b, &t, buf, 18, &len));
    static const struct {
        const char *why;
        spb_topic t;
    } rows[] = {
        { "group missing", { SPB_NDATA, { 0 }, { "e", 1 }, { 0 }, { 0 } } },
        { "edge missing", { SPB_NDATA, { "g", 1 }, { 0 }, { 0 }, { 0 } } },
        { "edge empty", { SPB_NDATA, { "g", 1 }, { "", 0 }, { 0 }, { 0 } } },
        { "device missing", { SPB_DDATA, { "g", 1 }, { "e", 1 }, { 0 }, { 0 } } },
        { "device not allowed", { SPB_NDATA, { "g", 1 }, { "e", 1 }, { "d", 1 }, { 0 } } },
        { "host not allowed", { SPB_NDATA, { "g", 1 }, { "e", 1 }, { 0 }, { "h", 1 } } },
        { "group STATE", { SPB_NDATA, { "STATE", 5 }, { "e", 1 }, { 0 }, { 0 } } },
        { "group with a wildcard", { SPB_NDATA, { "a+", 2 }, { "e", 1 }, { 0 }, { 0 } } },
        { "host missing", { SPB_STATE, { 0 }, { 0 }, { 0 }, { 0 } } },
        { "state of an edge", { SPB_STATE, { "g", 1 }, { 0 }, { 0 }, { "h", 1 } } },
        { "no verb", { SPB_VERB_COUNT, { "g", 1 }, { "e", 1 }, { 0 }, { 0 } } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i].why, spb_topic_format(&spb_namespace_b, &rows[i].t, buf, sizeof buf, &len) == PT_EINVAL);
}

static void topics_longer_than_mqtt_allows_are_refused(void)
{
    char *text = malloc(70000);
    spb_topic t;
    size_t len;
    CHECK_FATAL(text != NULL);
    memset(text, 'x', 70000);
    memcpy(text, "spBv1.0/g/NDATA/", 16);
    CHECK_OK(spb_topic_parse(&spb_namespace_b, pt_slice_of(text, SPB_TOPIC_MAX), &t, NULL));
    CHECK_STATUS(spb_topic_format(&spb_namespace_b, &t, NULL, 0, &len), PT_ETOOBIG);
    CHECK_STATUS(spb_topic_parse(&spb_namespace_b, pt_slice_of(text, SPB_TOPIC_MAX + 1), &t, NULL), PT_EMALFORMED);
    t = (spb_topic){ .verb = SPB_NDATA, .group = PT_LIT("gg"), .edge = { text, SPB_TOPIC_MAX - 16 } };
    t.edge.ptr = text + 100;
    CHECK_STATUS(spb_topic_format(&spb_namespace_b, &t, NULL, 0, &len), PT_EINVAL);
    free(text);
}

static void ids_are_checked_as_the_specification_says(void)
{
    static const struct {
        const char *rule, *id;
        bool group;
        pt_status want;
    } rows[] = {
        { "tck-id-topic-structure-namespace-valid-group-id", "Acme:Osaka:Packaging:Line1", true, PT_OK },
        { "tck-id-topic-structure-namespace-valid-edge-node-id", "gw-1 (north)", false, PT_OK },
        { "tck-id-topic-structure-namespace-valid-device-id", "a.b_c$", false, PT_OK },
        { "tck-id-topic-structure-namespace-valid-group-id", "a/b", true, PT_EMALFORMED },
        { "tck-id-topic-structure-namespace-valid-edge-node-id", "a+b", false, PT_EMALFORMED },
        { "tck-id-topic-structure-namespace-valid-device-id", "#", false, PT_EMALFORMED },
        { "tck-id-intro-device-id-string", "\xFF", false, PT_EMALFORMED },
        { "tck-id-intro-device-id-string", "\xED\xA0\x80", false, PT_EMALFORMED },
        { "empty", "", false, PT_EMALFORMED },
        { "STATE as a group", "STATE", true, PT_EMALFORMED },
        { "STATE as something else", "STATE", false, PT_OK },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i].rule, spb_id_check(pt_cstr(rows[i].id), rows[i].group, NULL) == rows[i].want);
}

/* tck-id-topic-structure-namespace-duplicate-device-id-across-edge-node, tck-id-case-sensitivity-sparkplug-ids: ids differ by bytes. */
static void equal_devices_of_two_edges_and_other_case_stay_apart(void)
{
    spb_topic a, b;
    CHECK_OK(spb_topic_parse(&spb_namespace_b, PT_LIT("spBv1.0/g/DDATA/e1/d"), &a, NULL));
    CHECK_OK(spb_topic_parse(&spb_namespace_b, PT_LIT("spBv1.0/g/DDATA/E1/d"), &b, NULL));
    CHECK(pt_slice_eq(a.device, b.device) && !pt_slice_eq(a.edge, b.edge));
}

static void verbs_have_names(void)
{
    CHECK_STR(pt_cstr(spb_verb_name(SPB_NBIRTH)), "NBIRTH");
    CHECK_STR(pt_cstr(spb_verb_name(SPB_STATE)), "STATE");
    CHECK_STR(pt_cstr(spb_verb_name(SPB_VERB_COUNT)), "unknown");
    CHECK(spb_verb_is_device(SPB_DBIRTH) && spb_verb_is_device(SPB_DCMD) && !spb_verb_is_device(SPB_NCMD) &&
          !spb_verb_is_device(SPB_STATE));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_parsed_topic_keeps_its_ids_and_formats_back),
        PT_TEST(other_topics_are_refused_with_the_place),
        PT_TEST(an_embedded_nul_is_refused),
        PT_TEST(a_second_namespace_is_a_second_row),
        PT_TEST(formatting_measures_and_refuses),
        PT_TEST(topics_longer_than_mqtt_allows_are_refused),
        PT_TEST(ids_are_checked_as_the_specification_says),
        PT_TEST(equal_devices_of_two_edges_and_other_case_stay_apart),
        PT_TEST(verbs_have_names),
    };
    return pt_test_main("sparkplug/topic", tests, PT_COUNT_OF(tests), argc, argv);
}
