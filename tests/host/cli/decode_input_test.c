/* tests/host/cli/decode_input_test.c -- text, files and captures become payloads; what cannot be had whole is said. */
#include "host/cli/decode.h"
#include "tests/host/cli/capture.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

typedef struct seen {
    size_t n, line;
    char topic[64], payload[128], time[64];
    int qos, retain;
} seen;

static int note(void *ctx, const decode_message *m)
{
    seen *s = ctx;
    pt_buf hex;
    pt_buf_init(&hex, 1 << 16);
    decode_hex(&hex, m->payload, SIZE_MAX);
    snprintf(s->payload, sizeof s->payload, "%.*s", PT_SLICE_ARGS(pt_buf_view(&hex)));
    snprintf(s->topic, sizeof s->topic, "%.*s", PT_SLICE_ARGS(m->topic));
    snprintf(s->time, sizeof s->time, "%s", m->time ? m->time : "");
    s->n++;
    s->line = m->line;
    s->qos = m->qos;
    s->retain = m->retain;
    pt_buf_fini(&hex);
    return CLI_GO_ON;
}

static const char *file_of(const void *bytes, size_t n)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/input", pt_test_dir());
    FILE *f = fopen(path, "wb");
    CHECK_FATAL(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
    return path;
}

static void a_payload_is_taken_as_text_or_as_it_is(void)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        { "0801 1800", "08011800" },     { "0x08011800", "08011800" }, { "08:01:18:00\n", "08011800" },
        { "CAEYAA==", "08011800" },      { "CAEY\nAA", "08011800" },   { " {\"online\":true}\n", "7b226f6e6c696e65223a747275657d" },
        { "OFFLINE", "4f46464c494e45" },
    };
    cli c = { .verb = &cli_verb_decode };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (int from_file = 0; from_file < 2; from_file++) {
            seen s = { 0 };
            CHECK_INT(decode_input(&c, from_file ? file_of(rows[i].text, strlen(rows[i].text)) : rows[i].text, note, &s), CLI_GO_ON);
            CHECK_INT(s.n, 1);
            CHECK_STR(pt_cstr(s.payload), rows[i].hex);
            CHECK(s.qos == -1 && s.retain == -1 && s.line == 0 && !s.topic[0]);
        }
    }
    seen s = { 0 };
    CHECK_INT(decode_input(&c, file_of("\x08\x0a\x18\x00", 4), note, &s), CLI_GO_ON);
    CHECK_STR(pt_cstr(s.payload), "080a1800");
    CHECK_INT(decode_input(&c, file_of("", 0), note, &s), CLI_GO_ON); /* an empty payload: for the decoder to judge */
    CHECK_STR(pt_cstr(s.payload), "");
}

static void a_capture_gives_its_messages_with_all_that_is_known(void)
{
    static const char text[] = "\n"
                               "{\"tst\":\"T1\",\"topic\":\"spBv1.0/G/NDATA/E\",\"qos\":1,\"retain\":1,\"payload\":\"0801\"}\n"
                               "\n"
                               "{\"topic\":\"t\",\"payload\":\"CAEYAA==\"}";
    cli c = { .verb = &cli_verb_decode };
    seen s = { 0 };
    CHECK_INT(decode_input(&c, file_of(text, sizeof text - 1), note, &s), CLI_GO_ON);
    CHECK_INT(s.n, 2);
    CHECK_INT(s.line, 4);
    CHECK_STR(pt_cstr(s.payload), "08011800");
    CHECK(s.qos == -1 && s.retain == -1);
    s = (seen){ 0 };
    CHECK_INT(decode_input(&c, file_of(text, strlen(text) - 5), note, &s), PT_EXIT_FAILED); /* its last line is cut */
    CHECK_INT(s.n, 1);
    CHECK_STR(pt_cstr(s.topic), "spBv1.0/G/NDATA/E");
    CHECK_STR(pt_cstr(s.time), "T1");
    CHECK(s.qos == 1 && s.retain == 1 && s.line == 2);
}

static void a_line_that_lost_bytes_is_said_and_the_others_are_taken(void)
{
    static const char text[] = "{\"tst\":\"a\",\"topic\":\"t\",\"payloadlen\":5,\"payload\":\"\\b\\u0001\"}\n"
                               "{\"tst\":\"a\",\"topic\":\"t\",\"payload\":\"\x08\xff\"}\n"
                               "{\"tst\":\"a\",\"topic\":\"spBv1.0/STATE/h\",\"payload\":{\"online\":true}}\n"
                               "{\"tst\":\"a\",\"topic\":\"t\"}\n"
                               "[]\n";
    cli c = { .verb = &cli_verb_decode };
    seen s = { 0 };
    capture_begin();
    int code = decode_input(&c, file_of(text, sizeof text - 1), note, &s);
    outcome o = capture_end(code);
    CHECK_CODE(o, PT_EXIT_FAILED);
    CHECK_SAYS(o.err, "line 1: %J and %j of mosquitto_sub cannot carry bytes");
    CHECK_SAYS(o.err, "line 2: %J and %j");
    CHECK_SAYS(o.err, "line 4: there is no \"payload\"");
    CHECK_SAYS(o.err, "line 5: not a JSON object");
    CHECK_INT(s.n, 1);
    CHECK_STR(pt_cstr(s.payload), "7b226f6e6c696e65223a747275657d");
    outcome_release(&o);
}

static void what_is_none_of_all_is_a_wrong_call(void)
{
    static const char *const none[] = { "no/such/file", "080", "zz" };
    cli c = { .verb = &cli_verb_decode };
    for (size_t i = 0; i < PT_COUNT_OF(none); i++) {
        seen s = { 0 };
        capture_begin();
        int code = decode_input(&c, none[i], note, &s);
        outcome o = capture_end(code);
        CHECK_ROW(none[i], o.code == PT_EXIT_USAGE && s.n == 0);
        CHECK_SAYS(o.err, "is no file, no hex text");
        outcome_release(&o);
    }
    seen s = { 0 };
    capture_begin();
    int code = decode_input(&c, pt_test_dir(), note, &s); /* a directory */
    outcome o = capture_end(code);
    CHECK_CODE(o, PT_EXIT_FAILED);
    CHECK_INT(s.n, 0);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_payload_is_taken_as_text_or_as_it_is),
        PT_TEST(a_capture_gives_its_messages_with_all_that_is_known),
        PT_TEST(a_line_that_lost_bytes_is_said_and_the_others_are_taken),
        PT_TEST(what_is_none_of_all_is_a_wrong_call),
    };
    return pt_test_main("host/cli/decode_input", tests, PT_COUNT_OF(tests), argc, argv);
}
