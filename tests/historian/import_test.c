/* tests/historian/import_test.c -- records in: our own exports, simple files of others, and nonsense, which is named and never half taken. */
#include "base/random.h"
#include "tests/historian/text_support.h"

#include <stdio.h>

static void an_interrupted_import_goes_on_where_it_stopped(void)
{
    hist *a = store_of_all_types(new_dir()), *b = open_store(new_dir(), 64);
    pt_buf first, second;
    pt_buf_init(&first, 64 << 20);
    pt_buf_init(&second, 64 << 20);
    export_all(a, HIST_CSV, &first);
    source in = { .text = pt_buf_view(&first), .fail_at = first.len * 9 / 10 };
    hist_import_options o = { .format = HIST_CSV, .read = read_some, .ctx = &in };
    hist_import_report r;
    pt_error err = { 0 };
    CHECK_STATUS(hist_import(b, &o, &r, &err), PT_EIO);
    CHECK(r.offset > 0 && r.offset < first.len);
    size_t header = (size_t)(strchr(first.ptr, '\n') - first.ptr) + 1;
    in = (source){ .text = pt_buf_view(&first), .at = (size_t)r.offset };
    o.start_offset = r.offset;
    o.header = pt_slice_of(first.ptr, header);
    CHECK_OK(hist_import(b, &o, &r, &err));
    CHECK_INT(r.offset, first.len);
    export_all(b, HIST_CSV, &second);
    CHECK(pt_slice_eq(pt_buf_view(&first), pt_buf_view(&second)));
    close_ok(a);
    close_ok(b);
    pt_buf_fini(&first);
    pt_buf_fini(&second);
}

static void simple_files_are_understood(void)
{
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_error err = { 0 };
    CHECK_OK(import_text(h, HIST_CSV, "time,path,value,quality\r\n2026-01-02T03:04:05.678Z,a/b,1.5,GOOD\r\n1767323046000,a/b,2,\r\n2026-01-02T03:04:07Z,a/s,\"x,y\",BAD\n2026-01-02T03:04:08Z,a/b,,GOOD\n", false, &r, &err));
    CHECK_INT(r.samples, 4);
    CHECK_OK(import_text(h, HIST_JSONL, "{\"i\":0,\"v\":\"2026-01-02T03:04:05.000Z\",\"kind\":\"value\",\"path\":\"p/q\",\"node\":\"g/e\",\"dev\":\"d\",\"metric\":\"m\",\"type\":\"Int32\",\"value\":-7,\"quality\":\"GOOD\",\"orig\":\"2026-01-02T03:04:05.000Z\"}\n", false, &r, &err));
    pt_arena arena;
    hist_tag t;
    hist_sample s;
    pt_arena_init(&arena, 1 << 20);
    CHECK_OK(hist_tag_by_path(h, PT_LIT("a/b"), &arena, &t));
    CHECK(t.type == SPB_DOUBLE && t.samples == 3);
    CHECK_OK(hist_value_at(h, t.tag_id, INT64_MAX, &arena, &s));
    CHECK(s.flags == HIST_NULL);
    CHECK_OK(hist_tag_by_path(h, PT_LIT("p/q"), &arena, &t));
    CHECK_STR(t.key.edge, "e");
    CHECK_STR(t.key.device, "d");
    CHECK_OK(hist_value_at(h, t.tag_id, INT64_MAX, &arena, &s));
    CHECK_INT(s.as.i64, -7);
    pt_arena_fini(&arena);
    close_ok(h);
}

/* Our own replay writes them so, and so may others: JSON has no largest integer. */
static void integers_beyond_2_to_the_63_are_read_exactly(void)
{
    static const struct { const char *line; uint64_t value; } rows[] = {
        { "{\"time\":1,\"path\":\"p\",\"type\":\"UInt64\",\"value\":18446744073709551615}", UINT64_MAX },
        { "{\"value\":9223372036854775808,\"note\":\"a \\\"12345678901234567890\\\" \\\\\",\"time\":2,\"path\":\"p\",\"type\":\"UInt64\"}", UINT64_C(1) << 63 },
        { "{\"time\":3,\"path\":\"p\",\"type\":\"UInt64\",\"value\":9223372036854775807,\"also\":[-99999999999999999999,0.12345678901234567890123,1e-20]}", INT64_MAX },
    };
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_arena arena;
    hist_sample s;
    pt_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        CHECK_ROW(rows[i].line, import_text(h, HIST_JSONL, rows[i].line, false, &r, &err) == PT_OK && r.samples == 1);
        CHECK_OK(hist_value_at(h, 1, INT64_MAX, &arena, &s));
        CHECK_ROW(rows[i].line, s.type == SPB_UINT64 && s.as.u64 == rows[i].value && s.time_ms == (int64_t)i + 1);
    }
    pt_arena_fini(&arena);
    close_ok(h);
}

static void faults_name_their_record(void)
{
    hist *h = open_store(new_dir(), 64);
    static const struct {
        hist_format format;
        const char *text, *why;
    } rows[] = {
        { HIST_CSV, "a,b\n1,2\n", "name the columns" },
        { HIST_CSV, "time,path,value\n2026-01-01T00:00:00Z,x\n", "record 2: 2 fields" },
        { HIST_CSV, "time,path,type,value\nyesterday,x,Double,1\n", "record 2" },
        { HIST_CSV, "time,path,type,value\n0,x,Int8,300\n", "record 2: 300" },
        { HIST_CSV, "time,path,type,value\n0,x,Nonsense,3\n", "type 'Nonsense'" },
        { HIST_CSV, "time,path,type,value\n0,x,Bytes,###\n", "base64" },
        { HIST_CSV, "time,path,value\n0,x,\"open\n", "record 2" },
        { HIST_JSONL, "{\"time\":\n", "record 1" },
        { HIST_JSONL, "[1]\n", "not an object" },
        { HIST_JSONL, "{\"path\":\"x\",\"value\":1}\n", "no time" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].text, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_EMALFORMED);
        CHECK_ROW(rows[i].text, strstr(err.text, rows[i].why) != NULL);
    }
    hist_import_report r;
    pt_error err = { 0 };
    CHECK_OK(import_text(h, HIST_CSV, "time,path,value\n0,x,1\nbad,x,2\n2,x,3\n3,x\n4,x,5\n", true, &r, &err));
    CHECK_INT(r.samples, 3);
    CHECK_INT(r.faults, 2);
    CHECK_INT(r.first_fault_line, 3);
    close_ok(h);
}

static void garbled_input_is_counted_and_never_more(void)
{
    hist *a = store_of_all_types(new_dir()), *b = open_store(new_dir(), 64);
    pt_random rnd = pt_random_seed(8);
    pt_buf text;
    pt_buf_init(&text, 64 << 20);
    for (unsigned round = 0; round < 40; round++) {
        hist_format format = round % 2 ? HIST_JSONL : HIST_CSV;
        export_all(a, format, &text);
        size_t from = pt_random_below(&rnd, text.len), len = pt_random_below(&rnd, 8000); /* some lines, garbled */
        if (from + len > text.len) len = text.len - from;
        pt_buf part;
        pt_buf_init(&part, 1 << 20);
        if (format == HIST_CSV) pt_buf_cstr(&part, "time,source,group,edge,device,metric,path,unit,type,value,quality,flags\n");
        pt_buf_add(&part, text.ptr + from, len);
        for (unsigned k = 0; k < 30 && part.len > 100; k++) part.ptr[80 + pt_random_below(&rnd, part.len - 80)] = (char)pt_random_u64(&rnd);
        source in = { .text = pt_buf_view(&part) };
        hist_import_options o = { .format = format, .skip_faults = true, .read = read_some, .ctx = &in };
        hist_import_report r;
        pt_error err = { 0 };
        pt_status st = hist_import(b, &o, &r, &err);
        if (st != PT_OK) printf("round %u: %s\n", round, err.text);
        CHECK_OK(st);
        CHECK(r.samples + r.faults <= r.lines);
        pt_buf_fini(&part);
    }
    pt_buf_fini(&text);
    close_ok(a);
    close_ok(b);
}

static void importing_again_from_anywhere_changes_nothing(void)
{
    hist *a = store_of_all_types(new_dir()), *b = open_store(new_dir(), 64);
    pt_buf first, second;
    pt_buf_init(&first, 64 << 20);
    pt_buf_init(&second, 64 << 20);
    export_all(a, HIST_JSONL, &first);
    uint64_t offset = 0;
    for (size_t k = 1; offset < first.len && k < 100; k++) { /* it breaks off, each time a little later */
        size_t end = (size_t)offset + k * 30000;
        source in = { .text = pt_buf_view(&first), .at = (size_t)offset, .fail_at = end < first.len ? end : 0 };
        hist_import_options o = { .format = HIST_JSONL, .read = read_some, .ctx = &in, .start_offset = offset };
        hist_import_report r;
        CHECK_STATUS(hist_import(b, &o, &r, NULL), end < first.len ? PT_EIO : PT_OK);
        CHECK(r.offset >= offset && (r.offset == 0 || first.ptr[r.offset - 1] == '\n'));
        offset = r.offset;
    }
    CHECK_INT(offset, first.len);
    export_all(b, HIST_JSONL, &second);
    CHECK(pt_slice_eq(pt_buf_view(&first), pt_buf_view(&second)));
    close_ok(a);
    close_ok(b);
    pt_buf_fini(&first);
    pt_buf_fini(&second);
}

static void a_record_goes_to_the_tag_it_names(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t known = make_tag(h, "a", SPB_FLOAT);
    flush(h);
    static const struct {
        const char *row;
        hist_format format;
        const char *text, *path, *source, *edge, *metric;
        spb_datatype type;
    } rows[] = {
        { "the path of a tag we have", HIST_CSV, "time,path,value\n5,g/e/d/a,1\n", "g/e/d/a", "spb", "e", "a", SPB_FLOAT },
        { "a new path: from an import", HIST_CSV, "time,path,value\n5,new/one,1\n", "new/one", "import", "", "new/one", SPB_DOUBLE },
        { "only a metric", HIST_CSV, "time,metric,value\n5,just/this,true\n", "just/this", "import", "", "just/this", SPB_BOOLEAN },
        { "a whole identity", HIST_CSV, "time,source,group,edge,device,metric,path,unit,type,value\n5,spb,G,E,D,M,p/m,bar,Int8,-5\n", "p/m", "spb", "E", "M", SPB_INT8 },
        { "a node as replay writes it", HIST_JSONL, "{\"orig\":5,\"node\":\"G/E2\",\"dev\":\"D\",\"metric\":\"M\",\"path\":\"p/2\",\"value\":\"word\"}\n", "p/2", "spb", "E2", "M", SPB_STRING },
        { "another identity with a path we have", HIST_CSV, "time,source,group,edge,device,metric,path,type,value\n5,mqtt,,,,x,new/one,Int8,1\n", "new/one", "mqtt", "", "x", SPB_INT8 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].row, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_OK);
        if (err.text[0]) printf("%s\n", err.text);
        pt_arena arena;
        hist_tag t;
        pt_arena_init(&arena, 1 << 16);
        CHECK_ROW(rows[i].row, hist_tag_by_path(h, pt_cstr(rows[i].path), &arena, &t) == PT_OK);
        CHECK_ROW(rows[i].row, pt_slice_eq_cstr(t.key.source, rows[i].source) && pt_slice_eq_cstr(t.key.edge, rows[i].edge) && pt_slice_eq_cstr(t.key.metric, rows[i].metric));
        CHECK_ROW(rows[i].row, t.type == rows[i].type && t.samples == 1 && t.first_ms == 5);
        pt_arena_fini(&arena);
    }
    CHECK_INT(count_rows(h, known), 1);
    close_ok(h);
}

static void all_ways_to_write_a_record_are_read(void)
{
    hist *h = open_store(new_dir(), 64);
    static const struct {
        const char *row;
        hist_format format;
        const char *text;
        uint8_t type, quality, flags;
        uint64_t word;
    } rows[] = {
        { "a byte order mark", HIST_CSV, "\xef\xbb\xbftime,path,value\n1,a,7", SPB_DOUBLE, SPB_GOOD, 0, 0x401c000000000000u },
        { "quality by its letter", HIST_CSV, "time,path,value,quality\n2,a,7,U", SPB_DOUBLE, SPB_UNCERTAIN, 0, 0x401c000000000000u },
        { "flags", HIST_CSV, "time,path,type,value,flags\n3,a,Double,,NH", SPB_DOUBLE, SPB_GOOD, HIST_NULL | HIST_HISTORICAL, 0 },
        { "a STATE row", HIST_CSV, "time,path,type,value,quality,flags\n4,a,Double,,STALE,S", SPB_DOUBLE, SPB_STALE, HIST_STATE, 0 },
        { "a NaN of its own", HIST_CSV, "time,path,type,value\n5,a,Float,nan:7fc00001", SPB_FLOAT, SPB_GOOD, 0, 0x7fc00001u },
        { "the NaN", HIST_JSONL, "{\"time\":6,\"path\":\"a\",\"type\":\"Double\",\"value\":\"NaN\"}", SPB_DOUBLE, SPB_GOOD, 0, 0x7ff8000000000000u },
        { "JSON null", HIST_JSONL, "{\"time\":7,\"path\":\"a\",\"type\":\"Int32\",\"value\":null}", SPB_INT32, SPB_GOOD, HIST_NULL, 0 },
        { "no value in CSV", HIST_CSV, "time,path,type,value\n8,a,Int32,", SPB_INT32, SPB_GOOD, HIST_NULL, 0 },
        { "a number too long for JSON", HIST_JSONL, "{\"time\":9,\"path\":\"a\",\"type\":\"UInt64\",\"value\":\"18446744073709551615\"}", SPB_UINT64, SPB_GOOD, 0, UINT64_MAX },
        { "true as JSON", HIST_JSONL, "{\"time\":10,\"path\":\"a\",\"type\":\"Boolean\",\"value\":true,\"quality\":\"BAD\"}", SPB_BOOLEAN, SPB_BAD, 0, 1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        hist_sample s;
        CHECK_ROW(rows[i].row, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_OK && r.samples == 1 && r.offset == strlen(rows[i].text));
        if (err.text[0]) printf("%s\n", err.text);
        CHECK_ROW(rows[i].row, read_rows(h, 1, (int64_t)i + 1, (int64_t)i + 2, true, &s, 1) == 1);
        CHECK_ROW(rows[i].row, s.type == rows[i].type && s.quality == rows[i].quality && s.flags == rows[i].flags && s.as.u64 == rows[i].word);
    }
    close_ok(h);
}

static void more_kinds_of_nonsense_are_named(void)
{
    hist *h = open_store(new_dir(), 64);
    static const struct {
        hist_format format;
        const char *text, *why;
    } rows[] = {
        { HIST_CSV, "time,path,value,quality\n1,x,1,EXCELLENT\n", "quality 'EXCELLENT'" },
        { HIST_CSV, "time,path,value\n1,,1\n", "neither path nor metric" },
        { HIST_CSV, "time,path,type,value\n1,x,Float,nan:7f\n", "record 2" },
        { HIST_CSV, "time,path,type,value\n1,x,Bytes,AB=C\n", "base64" },
        { HIST_CSV, "time,path,type,value\n1,x,Boolean,maybe\n", "record 2" },
        { HIST_CSV, "time,path,type,value\n1,x,PropertySet,1\n", "no values" },
        { HIST_CSV, "time,path,value\n1,x,\"a\"b\n", "record 2" },
        { HIST_CSV, "time,path\n", "name the columns" },
        { HIST_JSONL, "{\"time\":1,\"time\":2,\"path\":\"x\",\"value\":1}\n", "record 1" },
        { HIST_JSONL, "{\"time\":1,\"path\":\"x\",\"type\":\"Int32\",\"base64\":\"AAAA\"}\n", "a Int32 can't be base64" },
        { HIST_JSONL, "{\"time\":{},\"path\":\"x\",\"value\":1}\n", "record 1" },
        { HIST_JSONL, "\"time\"\n", "record 1" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].text, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_EMALFORMED);
        CHECK_ROW(rows[i].text, strstr(err.text, rows[i].why) != NULL && r.samples == 0);
        if (!strstr(err.text, rows[i].why)) printf("%s", err.text);
    }
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_interrupted_import_goes_on_where_it_stopped),
        PT_TEST(simple_files_are_understood),
        PT_TEST(integers_beyond_2_to_the_63_are_read_exactly),
        PT_TEST(faults_name_their_record),
        PT_TEST(garbled_input_is_counted_and_never_more),
        PT_TEST(importing_again_from_anywhere_changes_nothing),
        PT_TEST(a_record_goes_to_the_tag_it_names),
        PT_TEST(all_ways_to_write_a_record_are_read),
        PT_TEST(more_kinds_of_nonsense_are_named),
    };
    setup();
    return pt_test_main("historian/import", tests, PT_COUNT_OF(tests), argc, argv);
}
