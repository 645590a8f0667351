/* tests/historian/exact_test.c -- replays imported again: every bit of every type, and no event taken for a sample. */
#include "historian/exchange/exact.h"
#include "historian/read/replay.h"
#include "tests/historian/text_support.h"

#include <stdio.h>

typedef struct kind {
    spb_datatype type;
    pt_slice bytes;
    bool text, json; /* exact? */
} kind;
#define B(literal)                  \
    {                               \
        literal, sizeof literal - 1 \
    }
static const kind kinds[] = {
    { SPB_INT8_ARRAY, B("\1\xff"), true, true },
    { SPB_INT64_ARRAY, B("\0\0\0\0\0\0\0\x80\xff\xff\xff\xff\xff\xff\xff\x7f"), true, true },
    { SPB_UINT64_ARRAY, B("\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x80"), true, true },
    { SPB_INT32_ARRAY, B(""), true, true },
    { SPB_INT32_ARRAY, B("\1\2\3"), false, false }, /* no whole element */
    { SPB_FLOAT_ARRAY, B("\0\0\xc0\x7f\0\0\0\x80\0\0\x80\xff\xcd\xcc\xcc\x3d"), true, true },
    { SPB_FLOAT_ARRAY, B("\1\0\xc0\x7f"), false, false }, /* a NaN of its own */
    { SPB_DOUBLE_ARRAY, B("\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\0\0\0\0\xf8\x7f"), true, true },
    { SPB_DOUBLE_ARRAY, B("\0\0\0\0\0\0\xf8\xff"), false, false },
    { SPB_BOOLEAN_ARRAY, B("\3\0\0\0\xa0"), true, true },
    { SPB_BOOLEAN_ARRAY, B("\3\0\0\0\xa1"), false, false }, /* padding that is not zero */
    { SPB_BOOLEAN_ARRAY, B(""), false, false },
    { SPB_STRING_ARRAY, B("a, \"b\"\0\0\xc3\xa4\n\0"), true, true },
    { SPB_STRING_ARRAY, B("no end"), false, false },
    { SPB_STRING_ARRAY, B("\xff\0"), false, false },
    { SPB_DATETIME_ARRAY, B("\0\0\0\0\0\0\0\x80"), true, true },
    { SPB_BYTES, B("\0\xff"), true, true },
    { SPB_STRING, B(""), true, true },
    { SPB_STRING, B("\xff"), false, false },
    { SPB_TEMPLATE, B("{\"members\":{\"a\":18446744073709551615,\"b\":0.1,\"c\":1.50,\"d\":[1,{\"value\":2}]}}"), true, true },
    { SPB_TEMPLATE, B(""), true, false },
    { SPB_DATASET, B("{\"rows\":\n[]}"), true, false }, /* more than one line */
    { SPB_DATASET, B("{\"rows\":"), true, false },
    { SPB_DATASET, B("7"), true, false },
};

static hist_sample sample_of(const kind *k, uint32_t tag, int64_t ms)
{
    return (hist_sample){ .tag_id = tag, .time_ms = ms, .type = (uint8_t)k->type, .as.ptr = k->bytes.ptr, .len = (uint32_t)k->bytes.len };
}

static void what_no_text_holds_is_known(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(kinds); i++) {
        char row[60];
        hist_sample s = sample_of(&kinds[i], 1, 0);
        snprintf(row, sizeof row, "row %zu: %s", i, spb_datatype_name(s.type));
        CHECK_ROW(row, hist_text_exact(&s) == kinds[i].text);
        CHECK_ROW(row, hist_json_exact(&s) == kinds[i].json);
    }
    static const struct {
        uint64_t bits;
        spb_datatype type;
        bool exact;
    } numbers[] = {
        { 0x7ff8000000000000u, SPB_DOUBLE, true },  { 0xfff8000000000000u, SPB_DOUBLE, false }, { 0x7ff0000000000000u, SPB_DOUBLE, true },
        { 0x7ff0000000000001u, SPB_DOUBLE, false }, { 0x7fc00000u, SPB_FLOAT, true },           { 0xffc00000u, SPB_FLOAT, false },
        { 0x80000000u, SPB_FLOAT, true },           { UINT64_MAX, SPB_UINT64, true },
    };
    for (size_t i = 0; i < PT_COUNT_OF(numbers); i++) {
        hist_sample s = { .type = (uint8_t)numbers[i].type, .as.u64 = numbers[i].bits };
        CHECK(hist_text_exact(&s) == numbers[i].exact && hist_json_exact(&s) == numbers[i].exact);
        s.flags = HIST_NULL;
        CHECK(hist_text_exact(&s) && hist_json_exact(&s));
    }
}

static void flags_have_letters(void)
{
    static const struct {
        uint8_t flags;
        const char *text;
    } rows[] = { { 0, "" },
                 { HIST_NULL, "N" },
                 { HIST_HISTORICAL, "H" },
                 { HIST_STATE, "S" },
                 { HIST_NULL | HIST_HISTORICAL | HIST_STATE, "NHS" },
                 { HIST_THINNED, "L" },
                 { HIST_THINNED | HIST_HISTORICAL, "HL" } };
    char text[5];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STR(pt_cstr(hist_flags_text(rows[i].flags, text)), rows[i].text);
}

/* store_of_all_types with the kinds above, a plain topic, a tag that changes its type, and events. */
static hist *store_with_everything(void)
{
    hist *h = store_of_all_types(new_dir());
    for (size_t i = 0; i < PT_COUNT_OF(kinds); i++) {
        char name[20];
        snprintf(name, sizeof name, "kind%zu", i);
        append_one(h, sample_of(&kinds[i], make_tag(h, name, kinds[i].type), NOW + (int64_t)i));
    }
    const hist_tag_key topic = { PT_LIT("mqtt"), PT_LIT(""), PT_LIT(""), PT_LIT(""), PT_LIT("a/b") };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &topic, PT_LIT("a/b"), SPB_INT32, PT_LIT(""), &id));
    hist_sample s = i64(id, NOW, -1);
    s.type = SPB_INT32;
    append_one(h, s);
    append_one(h, f64(id, NOW + 1, 2.5));
    append_one(h, str(id, NOW + 2, "2.5"));
    append_one(h, state_row(id, NOW + DAY)); /* behind all samples and events */
    const hist_event events[] = {
        { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e") },
        { .time_ms = NOW, .type = PT_LIT("write"), .path = PT_LIT("a/b"), .node = PT_LIT("g/e") },
        { .time_ms = NOW + 1, .type = PT_LIT("ddeath"), .node = PT_LIT("g/e"), .device = PT_LIT("d"), .detail = PT_LIT("{\"a\":\"x,y\"}") }
    };
    for (size_t i = 0; i < PT_COUNT_OF(events); i++)
        CHECK_OK_FATAL(hist_event_append(h, &events[i]));
    flush(h);
    return h;
}

static void replay_all(hist *h, hist_format format, pt_buf *out)
{
    hist_replay_options o = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .events = true };
    hist_replay *r = NULL;
    hist_replay_item item;
    pt_status st = PT_OK;
    unsigned events = 0;
    CHECK_OK_FATAL(hist_replay_open(h, &o, &r, NULL));
    if (format == HIST_CSV) hist_replay_csv_header(out);
    while ((st = hist_replay_next(r, &item, NULL)) == PT_OK) {
        (format == HIST_CSV ? hist_replay_csv : hist_replay_jsonl)(&item, -1, out);
        events += item.kind == HIST_REPLAY_EVENT;
    }
    CHECK_STATUS(st, PT_EEMPTY);
    CHECK_INT(events, 3);
    hist_replay_close(r);
}

static void a_replay_imported_again_has_every_bit(void)
{
    hist *a = store_with_everything();
    for (int f = 0; f < 2; f++) {
        hist *b = open_store(new_dir(), 64);
        hist_format format = f ? HIST_JSONL : HIST_CSV;
        hist_import_report r;
        pt_error err = { 0 };
        pt_buf text;
        pt_buf_init(&text, 64 << 20);
        replay_all(a, format, &text);
        source in = { .text = pt_buf_view(&text) };
        hist_import_options o = { .format = format, .read = read_some, .ctx = &in };
        pt_status st = hist_import(b, &o, &r, &err);
        if (st != PT_OK) printf("%s\n", err.text);
        CHECK_OK(st);
        CHECK_INT(r.faults, 0);
        CHECK_INT(r.samples, r.records - r.header - 3); /* all but the events */
        same_samples(a, b, true);
        same_samples(b, a, true);
        pt_buf_fini(&text);
        close_ok(b);
    }
    close_ok(a);
}

static void a_replay_names_the_same_tags(void)
{
    hist *a = store_with_everything(), *b = open_store(new_dir(), 64);
    pt_buf text;
    pt_arena arena;
    hist_tag t;
    pt_buf_init(&text, 64 << 20);
    pt_arena_init(&arena, 1 << 16);
    replay_all(a, HIST_CSV, &text);
    source in = { .text = pt_buf_view(&text) };
    hist_import_options o = { .format = HIST_CSV, .read = read_some, .ctx = &in };
    hist_import_report r;
    CHECK_OK(hist_import(b, &o, &r, NULL));
    CHECK_OK(hist_tag_by_path(b, PT_LIT("a/b"), &arena, &t));
    CHECK_STR(t.key.source, "mqtt");
    CHECK_STR(t.key.metric, "a/b");
    CHECK_OK(hist_tag_by_path(b, PT_LIT("g/e/d/kind0"), &arena, &t));
    CHECK_STR(t.key.source, "spb");
    CHECK_STR(t.key.group, "g");
    CHECK_STR(t.key.edge, "e");
    CHECK_STR(t.key.device, "d");
    CHECK_STR(t.key.metric, "kind0");
    pt_arena_fini(&arena);
    pt_buf_fini(&text);
    close_ok(a);
    close_ok(b);
}

static void lists_and_bytes_that_do_not_fit_are_named(void)
{
    static const struct {
        hist_format format;
        const char *text, *why;
    } rows[] = {
        { HIST_CSV, "time,path,type,value\n1,x,Int8Array,\"[1,300]\"\n", "300 does not fit" },
        { HIST_CSV, "time,path,type,value\n1,x,Int8Array,\"[1,]\"\n", "ends with a comma" },
        { HIST_CSV, "time,path,type,value\n1,x,Int8Array,[1\n", "no list" },
        { HIST_CSV, "time,path,type,value\n1,x,StringArray,\"[\"\"a\"\",1]\"\n", "element 1 of the list is no text" },
        { HIST_CSV, "time,path,type,value\n1,x,StringArray,[a]\n", "no list" },
        { HIST_JSONL, "{\"time\":1,\"path\":\"x\",\"type\":\"StringArray\",\"value\":[\"a\\u0000b\"]}\n", "an array of these" },
        { HIST_JSONL, "{\"time\":1,\"path\":\"x\",\"type\":\"Double\",\"base64\":\"AAAA\"}\n", "a Double of 3 bytes" },
        { HIST_CSV, "time,path,type,value,base64\n1,x,Int32,1,AAAA\n", "a Int32 can't be base64" },
        { HIST_CSV, "time,path,kind,value\n1,,birth,\n", "neither path nor metric" }, /* a column of somebody else's */
    };
    hist *h = open_store(new_dir(), 64);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].text, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_EMALFORMED);
        CHECK_ROW(rows[i].text, strstr(err.text, rows[i].why) != NULL && r.samples == 0);
        if (!strstr(err.text, rows[i].why)) printf("%s\n", err.text);
    }
    close_ok(h);
}

/* A member named `value` inside another one, blanks, escapes: the outermost one's text counts. */
static void documents_are_taken_as_they_stand(void)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        { "{\"time\":1,\"path\":\"x\",\"type\":\"Template\",\"value\": {\"a\" : 1.50} ,\"note\":1}", "{\"a\" : 1.50}" },
        { "{\"note\":{\"value\":[0]},\"s\":\"\\\"value\\\":\",\"value\":{\"value\":18446744073709551616},\"time\":2,\"path\":\"x\",\"type\":\"Template\"}",
          "{\"value\":18446744073709551616}" },
        { "{\"time\":3,\"path\":\"x\",\"type\":\"Template\",\"val\\u0075e\":{\"b\":2}}", "{\"b\":2}" },
        { "{\"time\":4,\"path\":\"x\",\"type\":\"Template\",\"value\":[]}", "[]" },
    };
    hist *h = open_store(new_dir(), 64);
    pt_arena arena;
    hist_sample s;
    pt_arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        CHECK_ROW(rows[i].line, import_text(h, HIST_JSONL, rows[i].line, false, &r, NULL) == PT_OK);
        CHECK_OK(hist_value_at(h, hist_of_tag(1), INT64_MAX, &arena, &s));
        CHECK_STR(pt_slice_of(s.as.ptr, s.len), rows[i].want);
    }
    pt_arena_fini(&arena);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_no_text_holds_is_known),
        PT_TEST(flags_have_letters),
        PT_TEST(a_replay_imported_again_has_every_bit),
        PT_TEST(a_replay_names_the_same_tags),
        PT_TEST(lists_and_bytes_that_do_not_fit_are_named),
        PT_TEST(documents_are_taken_as_they_stand),
    };
    setup();
    return pt_test_main("historian/exact", tests, PT_COUNT_OF(tests), argc, argv);
}
