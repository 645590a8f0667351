/* tests/host/cli/verb_decode_test.c -- what `plantree decode` says of whole, strange, broken and captured payloads. No host is there. */
#include "tests/host/cli/verb.h"
#include "tests/support/broker.h"

#include <stdio.h>
#include <stdlib.h>

/* Made by hand: timestamp 1700000000000; bdSeq 0, Node Control/Rebirth false, Level/PV (alias 7, Float) 4.5; seq 0. */
#define NBIRTH_HEX                                                           \
    "0880d095ffbc31"                                                         \
    "12120a0562645365711880d095ffbc3120045800"                               \
    "12210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7000" \
    "121a0a084c6576656c2f505610071880d095ffbc31200965000090401800"
#define NDATA_HEX      "08e8d795ffbc31120e100718e8d795ffbc31650000a8401801" /* alias 7 = 5.25, seq 1 */
#define STRANGE_HEX    "0880d095ffbc31120a0a0454656d702063500518ac024a056578747261304d"
#define NDEATH_HEX     "0880d095ffbc3112120a0562645365711880d095ffbc3120045803"
#define COMPRESSED_HEX "221253504256312e305f434f4d505245535345442a04789c010212130a09616c676f726974686d200c7a04475a49501805"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "decode" }, "one argument is expected" },
        { { "decode", "0801", "0801" }, "one argument is expected" },
        { { "decode", "no/such/file" }, "is no file, no hex text" },
        { { "decode", "0801", "--topic", "spBv1.0/G/NBIRTH" }, "--topic spBv1.0/G/NBIRTH" },
        { { "decode", "0801", "--topic", "other/topic" }, "not in the namespace spBv1.0" },
    };
    check_help(&cli_verb_decode);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
}

static void a_payload_is_shown_told_and_judged(void)
{
    static const struct {
        const char *input, *topic;
        int code;
        const char *says[8];
    } rows[] = {
        { NBIRTH_HEX,
          NULL,
          0,
          { "NBIRTH, guessed by bdSeq and a seq", "metrics[2].alias", "6500009040", "1700000000000 = 2023-11-14T22:13:20.000Z",
            "11 = Boolean", "As NBIRTH it breaks no assertion" } },
        { NDATA_HEX, NULL, 0, { "NDATA, guessed", "not said, shown as Float", "5.25", "The birth is not in the input" } },
        { NDEATH_HEX, NULL, 0, { "NDEATH, guessed by bdSeq without a seq", "As NDEATH it breaks no assertion" } },
        { "1801", NULL, 0, { "DDEATH, guessed" } },
        { "0880d095ffbc311208100718018801007001", NULL, 1, { "metrics[0].alias" } },
        { STRANGE_HEX,
          "spBv1.0/G/NDATA/E",
          0,
          { "unknown field: 6578747261", "unknown field: 77", "#9", "99 is not a datatype", "tck-id-payloads-metric-datatype-value",
            "metrics[0].datatype at byte 15: 2063", "tck-id-payloads-ndata-seq", "seq at byte 19: 18ac02" } },
        { STRANGE_HEX, "spBv1.0/G/NBIRTH/E", 0, { "tck-id-topics-nbirth-bdseq-included", "tck-id-topics-nbirth-rebirth-metric" } },
        { NBIRTH_HEX, "spBv1.0/G/NDEATH/E", 0, { "tck-id-topics-ndeath-seq", "seq at byte 90: 1800", "tck-id-topics-ndeath-payload" } },
        { COMPRESSED_HEX, NULL, 0, { "SPBV1.0_COMPRESSED): algorithm GZIP, a body of 4 bytes", "Not judged" } },
        { "{\"online\":true,\"timestamp\":1700000000000}", NULL, 0, { "the host is online, since 2023-11-14T22:13:20.000Z" } },
        { "OFFLINE", "spBv1.0/STATE/h", 0, { "offline, as Sparkplug 2.x says it" } },
        { "{\"online\":1}", NULL, 1, { "It is no STATE of a host" } },
        { "CAEYAA==", "spBv1.0/G/NDATA/E", 0, { "the timestamp cannot be milliseconds", "timestamp at byte 0: 0801" } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        outcome o = rows[i].topic ? RUN("decode", rows[i].input, "--topic", rows[i].topic) : RUN("decode", rows[i].input);
        CHECK_CODE(o, rows[i].code);
        for (size_t k = 0; k < PT_COUNT_OF(rows[i].says) && rows[i].says[k]; k++)
            CHECK_SAYS(o.out, rows[i].says[k]);
        CHECK_ROW(rows[i].input, (o.err.len > 0) == (rows[i].code != 0));
        outcome_release(&o);
    }
}

/* A cut between two fields of the payload leaves a whole, shorter payload; every other one is named. */
static void a_payload_cut_anywhere_is_shown_up_to_the_cut(void)
{
    static const size_t whole[] = { 7, 27, 62, 90 };
    char hex[2 * 92 + 1];
    for (size_t n = 1; n < 92; n++) {
        char says[32];
        bool is_whole = false;
        for (size_t i = 0; i < PT_COUNT_OF(whole); i++)
            is_whole |= whole[i] == n;
        memcpy(hex, NBIRTH_HEX, 2 * n);
        hex[2 * n] = '\0';
        snprintf(says, sizeof says, " of %zu, in ", n);
        outcome o = RUN("decode", hex);
        CHECK_CODE(o, is_whole ? 0 : 1);
        CHECK_ROW(hex, is_whole || (outcome_says(&o.err, "damaged at byte ") && outcome_says(&o.err, says)));
        CHECK_ROW(hex, n < 8 || outcome_says(&o.out, "2023-11-14T22:13:20.000Z"));
        outcome_release(&o);
    }
    outcome o = RUN("decode", "/dev/null");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "damaged at byte 0 of 0, in payload: the payload is empty");
    outcome_release(&o);
}

static void json_has_bytes_meaning_and_findings(void)
{
    outcome o = RUN("decode", STRANGE_HEX, "--json", "--topic", "spBv1.0/G/NDATA/E");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    const json_t *wire = json_object_get(v, "wire"), *found = json_object_get(v, "findings");
    check_shape(v, "topic:s type:s length:i wire:a timestamp:i time:s seq:i compressed:b metrics:a judged:b birth_seen:b findings:a");
    CHECK_INT(json_array_size(wire), 8);
    check_shape(json_array_get(wire, 0), "offset:i length:i path:s number:i wire_type:s known:b value:s bytes:s");
    CHECK(json_is_false(json_object_get(json_array_get(wire, 7), "known")));
    CHECK_STR(pt_cstr(cli_str(json_array_get(wire, 7), "bytes")), "304d");
    check_shape(json_array_get(json_object_get(v, "metrics"), 0), "name:s datatype:s value:* is_null:b fault:s quality:s");
    CHECK(json_array_size(found) >= 3);
    check_shape(json_array_get(found, 0), "rules:a text:s advice:b metric:s? path:s offset:i bytes:s");
    json_decref(v);
    outcome_release(&o);
    o = RUN("decode", "--json", "0880d0");
    CHECK_CODE(o, 1);
    v = outcome_json(&o);
    check_shape(json_object_get(v, "damage"), "offset:i path:s text:s");
    json_decref(v);
    outcome_release(&o);
}

static void a_capture_is_followed_session_by_session(void)
{
    char path[400];
    snprintf(path, sizeof path, "%s/plant.jsonl", pt_test_dir());
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f != NULL);
    fprintf(f, "{\"tst\":\"T1\",\"topic\":\"spBv1.0/G/NBIRTH/E\",\"qos\":0,\"retain\":0,\"payload\":\"%s\"}\n", NBIRTH_HEX);
    fprintf(f, "{\"tst\":\"T2\",\"topic\":\"spBv1.0/G/NDATA/E\",\"qos\":0,\"retain\":0,\"payload\":\"%s\"}\n", NDATA_HEX);
    fprintf(f, "{\"tst\":\"T3\",\"topic\":\"spBv1.0/G/NDATA/E\",\"qos\":1,\"retain\":0,\"payload\":\"%s\"}\n", NDATA_HEX);
    fprintf(f, "{\"tst\":\"T4\",\"topic\":\"factory/x\",\"qos\":0,\"retain\":0,\"payload\":\"ff\"}\n");
    CHECK_FATAL(fclose(f) == 0);
    outcome o = RUN("decode", path, "--json");
    CHECK_CODE(o, 0);
    CHECK_INT(o.err.len, 0);
    pt_slice rest = pt_buf_view(&o.out), line;
    size_t n = 0;
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        if (line.len == 0) continue;
        json_t *v = json_loadb(line.ptr, line.len, 0, NULL);
        const json_t *metric = json_array_get(json_object_get(v, "metrics"), 0);
        CHECK_FATAL(v != NULL);
        CHECK_INT(cli_i64(v, "line"), ++n);
        if (n == 2) CHECK_STR(pt_cstr(cli_str(metric, "name")), "Level/PV");
        if (n == 2) CHECK_INT(json_array_size(json_object_get(v, "findings")), 0);
        if (n == 3) CHECK_INT(json_array_size(json_object_get(v, "findings")), 2); /* QoS 1, and the same seq again */
        if (n == 4) CHECK_STR(pt_cstr(cli_str(v, "not_judged")), "the topic is not in the namespace spBv1.0");
        json_decref(v);
    }
    CHECK_INT(n, 4);
    outcome_release(&o);
}

/* Recorded by mosquitto_sub as the help says it. What is retained is what a subscriber gets for certain. */
static void a_real_capture_of_mosquitto_sub_is_read(void)
{
    const char *dir = pt_test_dir();
    char command[2000], path[400], bytes[128];
    pt_slice nbirth = pt_unhex(NBIRTH_HEX, bytes, sizeof bytes);
    pt_broker *b = pt_broker_start(NULL);
    int port = pt_broker_port(b);
    snprintf(path, sizeof path, "%s/nbirth.bin", dir);
    FILE *f = fopen(path, "wb");
    CHECK_FATAL(f && fwrite(nbirth.ptr, 1, nbirth.len, f) == nbirth.len && fclose(f) == 0);
    snprintf(path, sizeof path, "%s/real.jsonl", dir);
    snprintf(command, sizeof command,
             "cd '%s' && mosquitto_pub -p %d -r -t spBv1.0/G/NBIRTH/E -f nbirth.bin &&"
             " mosquitto_pub -p %d -r -t spBv1.0/STATE/h -m '{\"online\":false,\"timestamp\":1700000000000}' &&"
             " mosquitto_sub -p %d -t 'spBv1.0/#' -C 2 -W 20 -F "
             "'{\"tst\":\"%%I\",\"topic\":\"%%t\",\"qos\":%%q,\"retain\":%%r,\"payload\":\"%%x\"}' > real.jsonl",
             dir, port, port, port);
    CHECK_FATAL(system(command) == 0);
    outcome o = RUN("decode", path);
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "spBv1.0/G/NBIRTH/E, 92 bytes, QoS 0, retained, received 2");
    CHECK_SAYS(o.out, "published retained");
    CHECK_SAYS(o.out, "tck-id-payloads-nbirth-retain");
    CHECK_SAYS(o.out, "the host is offline, since 2023-11-14T22:13:20.000Z");
    outcome_release(&o);
    snprintf(command, sizeof command, "%s/nbirth.bin", dir);
    o = RUN("decode", command); /* the bytes themselves */
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "As NBIRTH it breaks no assertion");
    outcome_release(&o);
    pt_broker_stop(b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(a_payload_is_shown_told_and_judged),
        PT_TEST(a_payload_cut_anywhere_is_shown_up_to_the_cut),
        PT_TEST(json_has_bytes_meaning_and_findings),
        PT_TEST(a_capture_is_followed_session_by_session),
        PT_TEST(a_real_capture_of_mosquitto_sub_is_read),
    };
    return pt_test_main("host/cli/verb_decode", tests, PT_COUNT_OF(tests), argc, argv);
}
