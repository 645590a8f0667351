/* tests/sparkplug/state_test.c */
#include "sparkplug/state.h"
#include "tests/support/check.h"

static void a_state_is_written_as_the_two_keys(void)
{
    pt_buf b;
    spb_state s = { false, 1700000000000, false };
    pt_buf_init(&b, 100);
    CHECK_OK(spb_state_format(&s, &b)); /* tck-id-host-topic-phid-death-payload */
    CHECK_HEX(pt_buf_view(&b), "7b226f6e6c696e65223a66616c73652c2274696d657374616d70223a313730303030303030303030307d");
    pt_buf_reset(&b);
    s.online = true;
    CHECK_OK(spb_state_format(&s, &b)); /* tck-id-host-topic-phid-birth-payload */
    CHECK_STR(pt_buf_view(&b), "{\"online\":true,\"timestamp\":1700000000000}");
    pt_buf_reset(&b);
    s.legacy = true;
    CHECK_OK(spb_state_format(&s, &b));
    CHECK_STR(pt_buf_view(&b), "ONLINE");
    pt_buf_fini(&b);
    pt_buf_init(&b, 10);
    s.legacy = false;
    CHECK_STATUS(spb_state_format(&s, &b), PT_ETOOBIG);
    pt_buf_fini(&b);
}

static const struct {
    const char *text;
    bool online;
    uint64_t timestamp;
    bool legacy;
} good[] = {
    { "{\"online\":true,\"timestamp\":1700000000000}", true, 1700000000000, false },
    { "{\"timestamp\":0,\"online\":false}", false, 0, false },
    { " {\t\"online\" : true ,\r\n \"timestamp\" : 5 } \n", true, 5, false },
    { "{\"online\":true,\"timestamp\":9223372036854775807}", true, INT64_MAX, false },
    { "{\"version\":3,\"nested\":{\"online\":false,\"a\":[1,2.5e3,{}]},\"online\":true,\"x\":null,\"timestamp\":7}", true, 7, false },
    { "{\"\\u006fnline\":true,\"time\\u0073tamp\":7}", true, 7, false },
    { "{\"caf\xC3\xA9 \\\"\\\\\\/\\b\\f\\n\\r\\t\":\"\\ud83d\\ude00\",\"online\":true,\"timestamp\":7,\"a key far longer than ours\":[]}",
      true, 7, false },
    { "ONLINE", true, 0, true },
    { "OFFLINE", false, 0, true },
};

static void a_state_in_any_legal_form_is_read(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(good); i++) {
        spb_state s;
        pt_error err = { 0 };
        CHECK_ROW(good[i].text, spb_state_parse(pt_cstr(good[i].text), &s, &err) == PT_OK);
        CHECK_ROW(good[i].text, s.online == good[i].online && s.timestamp_ms == good[i].timestamp && s.legacy == good[i].legacy);
    }
}

static void other_text_is_refused(void)
{
    static const char *const bad[] = {
        "{}",
        "{",
        "}",
        "[]",
        "true",
        "online",
        "Online",
        "ONLINE ",
        "{\"online\":true}",
        "{\"timestamp\":5}",
        "{\"online\":1,\"timestamp\":5}",
        "{\"online\":\"true\",\"timestamp\":5}",
        "{\"online\":null,\"timestamp\":5}",
        "{\"online\":true,\"timestamp\":1.7e12}",
        "{\"online\":true,\"timestamp\":5.0}",
        "{\"online\":true,\"timestamp\":\"5\"}",
        "{\"online\":true,\"timestamp\":-5}",
        "{\"online\":true,\"timestamp\":9223372036854775808}",
        "{\"online\":true,\"timestamp\":05}",
        "{\"online\":true,\"timestamp\":null}",
        "{\"online\":true,\"timestamp\":}",
        "{\"online\":true,\"timestamp\":5,\"online\":true}",
        "{\"online\":true,\"timestamp\":5,\"timestamp\":5}",
        "{\"online\":true,\"timestamp\":5}x",
        "{\"online\":true,\"timestamp\":5,}",
        "{\"online\":true \"timestamp\":5}",
        "{\"online\":true,\"timestamp\":5,\"x\":}",
        "{\"online\":true,\"timestamp\":5,\"x\":[1,]}",
        "{\"online\":true,\"timestamp\":5,\"x\":tru}",
        "{\"online\":true,\"timestamp\":5,\"x\":\"\\x\"}",
        "{\"online\":true,\"timestamp\":5,\"x\":\"\\u12g4\"}",
        "{\"online\":true,\"timestamp\":5,\"x\":\"\xFF\"}",
        "{\"online\":true,\"timestamp\":5,\"x\":\"\n\"}",
        "{\"online\":true,\"timestamp\":5,\"x\":1.}",
        "{\"online\":true,\"timestamp\":5,\"x\":1e}",
        "{\"online\":truetrue,\"timestamp\":5}",
        "{\"ONLINE\":true,\"TIMESTAMP\":5}",
        "{\"online\\u0000\":true,\"timestamp\":5}",
    };
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        spb_state s = { .timestamp_ms = 99 };
        pt_error err = { 0 };
        CHECK_ROW(bad[i], spb_state_parse(pt_cstr(bad[i]), &s, &err) == PT_EMALFORMED);
        CHECK_ROW(bad[i], s.timestamp_ms == 99 && err.text[0]);
    }
}

static void a_cleared_retained_state_is_not_a_state(void)
{
    spb_state s;
    CHECK_STATUS(spb_state_parse(PT_LIT(""), &s, NULL), PT_EEMPTY);
    CHECK_STATUS(spb_state_parse(PT_NONE, &s, NULL), PT_EEMPTY);
}

static void deep_nesting_is_refused_and_every_prefix_too(void)
{
    char text[4096];
    spb_state s;
    memset(text, '[', sizeof text);
    memcpy(text, "{\"x\":", 5);
    CHECK_STATUS(spb_state_parse(pt_slice_of(text, sizeof text), &s, NULL), PT_EMALFORMED);
    pt_slice whole = pt_cstr(good[4].text);
    for (size_t n = 1; n < whole.len; n++)
        CHECK_STATUS(spb_state_parse(pt_slice_of(whole.ptr, n), &s, NULL), PT_EMALFORMED);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_state_is_written_as_the_two_keys),
        PT_TEST(a_state_in_any_legal_form_is_read),
        PT_TEST(other_text_is_refused),
        PT_TEST(a_cleared_retained_state_is_not_a_state),
        PT_TEST(deep_nesting_is_refused_and_every_prefix_too),
    };
    return pt_test_main("sparkplug/state", tests, PT_COUNT_OF(tests), argc, argv);
}
