/* tests/historian/import_test.c -- records in: our own exports, simple files of others, and nonsense, which is named and never half taken.
 */
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
    CHECK_OK(import_text(
        h, HIST_CSV,
        "time,path,value,quality\r\n2026-01-02T03:04:05.678Z,a/b,1.5,GOOD\r\n1767323046000,a/b,2,\r\n2026-01-02T03:04:07Z,a/s,\"x,y\",BAD\n2026-01-02T03:04:08Z,a/b,,GOOD\n",
        false, &r, &err));
    CHECK_INT(r.samples, 4);
    CHECK_OK(import_text(
        h, HIST_JSONL,
        "{\"i\":0,\"v\":\"2026-01-02T03:04:05.000Z\",\"kind\":\"value\",\"path\":\"p/q\",\"node\":\"g/e\",\"dev\":\"d\",\"metric\":\"m\",\"type\":\"Int32\",\"value\":-7,\"quality\":\"GOOD\",\"orig\":\"2026-01-02T03:04:05.000Z\"}\n",
        false, &r, &err));
    pt_arena arena;
    hist_tag t;
    hist_sample s;
    pt_arena_init(&arena, 1 << 20);
    CHECK_OK(hist_tag_by_path(h, PT_LIT("a/b"), &arena, &t));
    CHECK(t.type == SPB_DOUBLE && t.samples == 3);
    CHECK_OK(hist_value_at(h, hist_of_tag(t.tag_id), INT64_MAX, &arena, &s));
    CHECK(s.flags == HIST_NULL);
    CHECK_OK(hist_tag_by_path(h, PT_LIT("p/q"), &arena, &t));
    CHECK_STR(t.key.edge, "e");
    CHECK_STR(t.key.device, "d");
    CHECK_OK(hist_value_at(h, hist_of_tag(t.tag_id), INT64_MAX, &arena, &s));
    CHECK_INT(s.as.i64, -7);
    pt_arena_fini(&arena);
    close_ok(h);
}

/* Our own replay writes them so, and so may others: JSON has no largest integer. */
static void integers_beyond_2_to_the_63_are_read_exactly(void)
{
    static const struct {
        const char *line;
        uint64_t value;
    } rows[] = {
        { "{\"time\":1,\"path\":\"p\",\"type\":\"UInt64\",\"value\":18446744073709551615}", UINT64_MAX },
        { "{\"value\":9223372036854775808,\"note\":\"a \\\"12345678901234567890\\\" \\\\\",\"time\":2,\"path\":\"p\",\"type\":\"UInt64\"}",
          UINT64_C(1) << 63 },
        { "{\"time\":3,\"path\":\"p\",\"type\":\"UInt64\",\"value\":9223372036854775807,\"also\":[-99999999999999999999,0.12345678901234567890123,1e-20]}",
          INT64_MAX },
    };
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_arena arena;
    hist_sample s;
    pt_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        CHECK_ROW(rows[i].line, import_text(h, HIST_JSONL, rows[i].line, false, &r, &err) == PT_OK && r.samples == 1);
        CHECK_OK(hist_value_at(h, hist_of_tag(1), INT64_MAX, &arena, &s));
        CHECK_ROW(rows[i].line, s.type == SPB_UINT64 && s.as.u64 == rows[i].value && s.time_ms == (int64_t)i + 1);
    }
    pt_arena_fini(&arena);
    close_ok(h);
}

static void faults_name_their_line(void)
{
    hist *h = open_store(new_dir(), 64);
    static const struct {
        hist_format format;
        const char *text, *why;
    } rows[] = {
        { HIST_CSV, "a,b\n1,2\n", "name the columns" },
        { HIST_CSV, "time,path,value\n2026-01-01T00:00:00Z,x\n", "line 2: 2 fields" },
        { HIST_CSV, "time,path,type,value\nyesterday,x,Double,1\n", "line 2" },
        { HIST_CSV, "time,path,type,value\n0,x,Int8,300\n", "line 2: 300" },
        { HIST_CSV, "time,path,type,value\n0,x,Nonsense,3\n", "type 'Nonsense'" },
        { HIST_CSV, "time,path,type,value\n0,x,Bytes,###\n", "base64" },
        { HIST_CSV, "time,path,value\n0,x,\"open\n", "line 2" },
        { HIST_JSONL, "{\"time\":\n", "line 1" },
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
    CHECK_INT(r.faults_at[0].line, 3);
    CHECK_INT(r.faults_at[1].line, 5);
    CHECK_STR(pt_cstr(r.faults_at[1].why), "2 fields, the header has 3");
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
        for (unsigned k = 0; k < 30 && part.len > 100; k++)
            part.ptr[80 + pt_random_below(&rnd, part.len - 80)] = (char)pt_random_u64(&rnd);
        source in = { .text = pt_buf_view(&part) };
        hist_import_options o = { .format = format, .skip_faults = true, .read = read_some, .ctx = &in };
        hist_import_report r;
        pt_error err = { 0 };
        pt_status st = hist_import(b, &o, &r, &err);
        if (st != PT_OK) printf("round %u: %s\n", round, err.text);
        CHECK_OK(st);
        CHECK(r.samples + r.faults <= r.records);
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
        { "a whole identity", HIST_CSV, "time,source,group,edge,device,metric,path,unit,type,value\n5,spb,G,E,D,M,p/m,bar,Int8,-5\n", "p/m",
          "spb", "E", "M", SPB_INT8 },
        { "a node as replay writes it", HIST_JSONL,
          "{\"orig\":5,\"node\":\"G/E2\",\"dev\":\"D\",\"metric\":\"M\",\"path\":\"p/2\",\"value\":\"word\"}\n", "p/2", "spb", "E2", "M",
          SPB_STRING },
        { "another identity with a path we have", HIST_CSV,
          "time,source,group,edge,device,metric,path,type,value\n5,mqtt,,,,x,new/one,Int8,1\n", "new/one", "mqtt", "", "x", SPB_INT8 },
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
        CHECK_ROW(rows[i].row, pt_slice_eq_cstr(t.key.source, rows[i].source) && pt_slice_eq_cstr(t.key.edge, rows[i].edge) &&
                                   pt_slice_eq_cstr(t.key.metric, rows[i].metric));
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
        { "the NaN", HIST_JSONL, "{\"time\":6,\"path\":\"a\",\"type\":\"Double\",\"value\":\"NaN\"}", SPB_DOUBLE, SPB_GOOD, 0,
          0x7ff8000000000000u },
        { "JSON null", HIST_JSONL, "{\"time\":7,\"path\":\"a\",\"type\":\"Int32\",\"value\":null}", SPB_INT32, SPB_GOOD, HIST_NULL, 0 },
        { "no value in CSV", HIST_CSV, "time,path,type,value\n8,a,Int32,", SPB_INT32, SPB_GOOD, HIST_NULL, 0 },
        { "a number too long for JSON", HIST_JSONL, "{\"time\":9,\"path\":\"a\",\"type\":\"UInt64\",\"value\":\"18446744073709551615\"}",
          SPB_UINT64, SPB_GOOD, 0, UINT64_MAX },
        { "true as JSON", HIST_JSONL, "{\"time\":10,\"path\":\"a\",\"type\":\"Boolean\",\"value\":true,\"quality\":\"BAD\"}", SPB_BOOLEAN,
          SPB_BAD, 0, 1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_import_report r;
        pt_error err = { 0 };
        hist_sample s;
        CHECK_ROW(rows[i].row, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_OK && r.samples == 1 &&
                                   r.offset == strlen(rows[i].text));
        if (err.text[0]) printf("%s\n", err.text);
        CHECK_ROW(rows[i].row, read_rows(h, 1, (int64_t)i + 1, (int64_t)i + 2, true, &s, 1) == 1);
        CHECK_ROW(rows[i].row,
                  s.type == rows[i].type && s.quality == rows[i].quality && s.flags == rows[i].flags && s.as.u64 == rows[i].word);
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
        { HIST_CSV, "time,path,value,quality,flags\n1,x,1,BAD,L\n", "the flag L, but no good or uncertain number" },
        { HIST_CSV, "time,path,value\n1,,1\n", "neither path nor metric" },
        { HIST_CSV, "time,path,type,value\n1,x,Float,nan:7f\n", "line 2" },
        { HIST_CSV, "time,path,type,value\n1,x,Bytes,AB=C\n", "base64" },
        { HIST_CSV, "time,path,type,value\n1,x,Boolean,maybe\n", "line 2" },
        { HIST_CSV, "time,path,type,value\n1,x,PropertySet,1\n", "no values" },
        { HIST_CSV, "time,path,value\n1,x,\"a\"b\n", "line 2" },
        { HIST_CSV, "time,path\n", "name the columns" },
        { HIST_JSONL, "{\"time\":1,\"time\":2,\"path\":\"x\",\"value\":1}\n", "line 1" },
        { HIST_JSONL, "{\"time\":1,\"path\":\"x\",\"type\":\"Int32\",\"base64\":\"AAAA\"}\n", "a Int32 can't be base64" },
        { HIST_JSONL, "{\"time\":{},\"path\":\"x\",\"value\":1}\n", "line 1" },
        { HIST_JSONL, "\"time\"\n", "line 1" },
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

/* ---- quotes ---- */

static void a_record_ends_at_a_newline_that_is_in_no_quoted_field(void)
{
    static const struct {
        const char *text;
        size_t len, at_the_end; /* when more may come, and when none does */
    } rows[] = {
        { "a,b\nc", 4, 4 },
        { "a,b", 0, 3 },
        { "", 0, 0 },
        { "\n", 1, 1 },
        { "1,5\" pipe\n2", 10, 10 },
        { "1, \"x\n2", 6, 6 },
        { "\"a\nb\",1\n2", 8, 8 },
        { "\"a\n\"\"b\",1\n2", 10, 10 },
        { "1,\"\"\n2", 5, 5 },
        { "1,\"\"\"\n2\"\n3", 9, 9 },
        { "1,\"a\"b\"\n2", 8, 8 },
        { "1,\"a\n2\n", 0, 7 },
        { "\xef\xbb\xbf\"a\nb\"\nc", 9, 9 },
        { "\xef\xbb", 0, 2 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_slice text = pt_cstr(rows[i].text);
        size_t len = hist_record_length(HIST_CSV, text, false), at_the_end = hist_record_length(HIST_CSV, text, true);
        pt_check_at(len == rows[i].len && at_the_end == rows[i].at_the_end, false, __FILE__, __LINE__, "row %zu: %zu, and %zu at the end",
                    i, len, at_the_end);
    }
    CHECK_INT(hist_record_length(HIST_JSONL, PT_LIT("{\"a\":\"\n\"}\n"), false), 7);
}

/* The text of the sample at that time; the tag's number is 1. */
static void check_text(hist *h, int64_t time_ms, const char *want)
{
    hist_sample s = { 0 };
    CHECK_INT(read_rows(h, 1, time_ms, time_ms + 1, true, &s, 1), 1);
    CHECK(s.type == SPB_STRING);
    if (s.type == SPB_STRING) CHECK_STR(pt_slice_of(s.as.ptr, s.len), want);
}

static void a_quote_inside_a_field_is_a_character(void)
{
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    CHECK_OK(import_text(
        h, HIST_CSV,
        "time,path,type,value\n1,x,String,5\" pipe\n2,x,String,\"6\"\" pipe\"\n3,x,String,a \"b\" c\n4,x,String, \"\n5,x,String,\"\"\n6,x,String,\"a\nb\"\n",
        false, &r, NULL));
    CHECK_INT(r.samples, 6);
    check_text(h, 1, "5\" pipe");
    check_text(h, 2, "6\" pipe");
    check_text(h, 3, "a \"b\" c");
    check_text(h, 4, " \"");
    check_text(h, 5, "");
    check_text(h, 6, "a\nb");
    close_ok(h);
}

static void a_stray_quote_costs_one_line_and_is_named(void)
{
    static const struct {
        const char *text;
        uint64_t line, samples;
        const char *why;
    } rows[] = {
        /* 1, 2 and 9 are good */
        { "time,path,value\n1,x,1\n2,x,2\n3,x,\"3\n9,x,9\n", 4, 3, "a quoted field does not end" },
        { "time,path,value\n1,x,1\n2,x,2\n3,x,\"3", 4, 2, "a quoted field does not end" },
        { "time,path,value\n1,x,1\n2,x,2\n\"3,x,3\n9,x,9\n", 4, 3, "a quoted field does not end" },
        { "time,path,value\n1,x,1\n2,x,2\n3,x,\"3\n9,\"x\",9\n", 4, 3, "a quoted field has text behind its closing quote" },
        { "time,path,value\n1,x,1\n2,x,2\n3,x,\"3\"4\n9,x,9\n", 4, 3, "a quoted field has text behind its closing quote" },
        { "time,path,value,note\n1,x,1,\"a\nb\"\n2,x,2,\n3,x,3,\"a\nb\",\"c\n9,x,9,\n", 5, 3,
          "the quoted field that begins in line 6 does not end" },
        { "time,path,value,note\n1,x,1,\n2,x,2,\n3,x,\"3,\n9,x,9,y\"\n", 4, 3, "3 fields, the header has 4" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist *h = open_store(new_dir(), 64);
        hist_import_report r;
        pt_error err = { 0 };
        char said[300];
        CHECK_ROW(rows[i].text, import_text(h, HIST_CSV, rows[i].text, false, &r, &err) == PT_EMALFORMED);
        snprintf(said, sizeof said, "line %d: %s", (int)rows[i].line, rows[i].why);
        CHECK_STR(pt_cstr(err.text), said);
        CHECK_INT(r.line, rows[i].line);
        CHECK_ROW(rows[i].text, import_text(h, HIST_CSV, rows[i].text, true, &r, &err) == PT_OK);
        CHECK_ROW(rows[i].text, r.faults == 1 && r.samples == rows[i].samples && r.offset == strlen(rows[i].text));
        CHECK_ROW(rows[i].text, r.faults_at[0].line == rows[i].line && strcmp(r.faults_at[0].why, rows[i].why) == 0);
        close_ok(h);
    }
}

/* More than is ever held in memory. */
static void a_quote_that_swallows_fifty_megabytes_costs_one_line(void)
{
    enum { ROWS = 1400000 };
    hist *h = open_store(new_dir(), 1024);
    hist_import_report r;
    pt_error err = { 0 };
    pt_buf text;
    pt_buf_init(&text, 128 << 20);
    pt_buf_cstr(&text, "note,time,path,value\n\"5 inch,0,x,0\n");
    for (int i = 0; i < ROWS; i++)
        pt_buf_printf(&text, "a note of thirty characters...,%d,x,%d\n", i % 1000 + 1, i % 1000);
    CHECK_FATAL(pt_buf_status(&text) == PT_OK && text.len > 49 << 20);
    source in = { .text = pt_buf_view(&text) };
    hist_import_options o = { .format = HIST_CSV, .skip_faults = true, .read = read_some, .ctx = &in };
    CHECK_OK(hist_import(h, &o, &r, &err));
    CHECK(r.samples == ROWS && r.faults == 1 && r.offset == text.len && r.line == ROWS + 3);
    CHECK_INT(r.faults_at[0].line, 2);
    CHECK_STR(pt_cstr(r.faults_at[0].why), "a quoted field is too long, or does not end");
    pt_buf_fini(&text);
    close_ok(h);
}

static void more_than_64_columns_are_said(void)
{
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_error err = { 0 };
    pt_buf text;
    pt_buf_init(&text, 4096);
    pt_buf_cstr(&text, "time,path,value\n1,x,1");
    for (int i = 0; i < 62; i++)
        pt_buf_char(&text, ',');
    pt_buf_cstr(&text, "\n2,x,2\n");
    pt_buf_char(&text, '\0');
    CHECK_STATUS(import_text(h, HIST_CSV, text.ptr, false, &r, &err), PT_EMALFORMED);
    CHECK_STR(pt_cstr(err.text), "line 2: more than 64 columns");
    CHECK_STATUS(import_text(h, HIST_CSV, strchr(text.ptr, '\n') + 1, false, &r, &err), PT_EMALFORMED);
    CHECK_STR(pt_cstr(err.text), "line 1, which names the columns: more than 64 columns");
    pt_buf_fini(&text);
    close_ok(h);
}

/* ---- lines ---- */

static void lines_are_counted_as_an_editor_does(void)
{
    static const char text[] = "time,path,value,note\n\n1,x,1,\"two\nlines\"\r\n\n\nbad,x,2,\n3,x,3,\nbad,x,4,\"\n\n\"\nbad,x,5,\n";
    static const uint64_t want[] = { 7, 9, 12 };
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_error err = { 0 };
    CHECK_STATUS(import_text(h, HIST_CSV, text, false, &r, &err), PT_EMALFORMED);
    CHECK(pt_slice_starts(pt_cstr(err.text), PT_LIT("line 7: ")));
    CHECK_INT(r.line, 7);
    const size_t broken_off = (size_t)r.offset;
    CHECK_OK(import_text(h, HIST_CSV, text, true, &r, &err));
    CHECK_INT(r.faults, 3);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(r.faults_at[i].line, want[i]);
    CHECK_INT(r.line, 13);
    source in = { .text = pt_cstr(text), .at = broken_off };
    hist_import_options o = { .format = HIST_CSV,
                              .skip_faults = true,
                              .read = read_some,
                              .ctx = &in,
                              .start_offset = broken_off,
                              .start_line = 7,
                              .header = PT_LIT("time,path,value,note\n") };
    CHECK_OK(hist_import(h, &o, &r, &err));
    CHECK_INT(r.faults, 3);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(r.faults_at[i].line, want[i]);
    CHECK_INT(r.line, 13);
    CHECK_STATUS(import_text(h, HIST_JSONL, "\n\n{\"time\":1}\n", false, &r, &err), PT_EMALFORMED);
    CHECK_STR(pt_cstr(err.text), "line 3: neither path nor metric");
    close_ok(h);
}

static void the_first_twenty_faults_are_named(void)
{
    hist *h = open_store(new_dir(), 64);
    hist_import_report r;
    pt_buf text;
    pt_buf_init(&text, 4096);
    pt_buf_cstr(&text, "time,path,value\n");
    for (int i = 0; i < 30; i++)
        pt_buf_printf(&text, "%d,x,%d\n", i, i);
    for (int i = 0; i < 30; i++)
        pt_buf_printf(&text, "%d,x\n", i);
    pt_buf_char(&text, '\0');
    CHECK_OK(import_text(h, HIST_CSV, text.ptr, true, &r, NULL));
    CHECK(r.faults == 30 && r.samples == 30);
    for (size_t i = 0; i < HIST_IMPORT_NAMED; i++)
        CHECK(r.faults_at[i].line == 32 + i && strcmp(r.faults_at[i].why, "2 fields, the header has 3") == 0);
    pt_buf_fini(&text);
    close_ok(h);
}

/* ---- types that are not said ---- */

/* A sample of tag 1: its type, and its bits unless it is a text. */
typedef struct typed {
    spb_datatype type;
    uint64_t word;
} typed;
enum { NULL_WORD = 7070 };
#define NOTHING                \
    {                          \
        SPB_UNKNOWN, NULL_WORD \
    }
#define ONE_AND_A_HALF                  \
    {                                   \
        SPB_DOUBLE, 0x3ff8000000000000u \
    }
#define END                   \
    {                         \
        SPB_DATATYPE_COUNT, 0 \
    }

/* The tag's type, and all its samples in time order. */
static void check_types(hist *h, const char *row, spb_datatype tag, const typed *want)
{
    pt_arena arena;
    hist_tag t;
    hist_sample s[16];
    pt_arena_init(&arena, 1 << 16);
    CHECK_OK_FATAL(hist_tag_by_id(h, 1, &arena, &t));
    CHECK_ROW(row, t.type == tag);
    size_t n = read_rows(h, 1, INT64_MIN, INT64_MAX, false, s, PT_COUNT_OF(s)), i = 0;
    for (; i < n && want[i].type != SPB_DATATYPE_COUNT; i++) {
        CHECK_ROW(row, s[i].type == want[i].type && !(s[i].flags & HIST_NULL) == (want[i].word != NULL_WORD));
        CHECK_ROW(row, want[i].word == NULL_WORD || want[i].type == SPB_STRING || s[i].as.u64 == want[i].word);
    }
    CHECK_ROW(row, i == n && want[i].type == SPB_DATATYPE_COUNT);
    pt_arena_fini(&arena);
}

static void a_tag_that_begins_with_nulls_gets_its_type_from_its_first_value(void)
{
    static const struct {
        const char *row;
        hist_format format;
        const char *text;
        spb_datatype tag;
        typed want[5];
    } rows[] = {
        { "an empty field",
          HIST_CSV,
          "time,path,value\n1,x,\n2,x,1.5\n3,x,\n",
          SPB_DOUBLE,
          { NOTHING, ONE_AND_A_HALF, { SPB_DOUBLE, NULL_WORD }, END } },
        { "a null by its flag", HIST_CSV, "time,path,value,flags\n1,x,,N\n2,x,true,\n", SPB_BOOLEAN, { NOTHING, { SPB_BOOLEAN, 1 }, END } },
        { "an empty field of a known kind",
          HIST_CSV,
          "time,path,value,flags\n1,x,,\n2,x,a,\n",
          SPB_STRING,
          { { SPB_STRING, 0 }, { SPB_STRING, 0 }, END } },
        { "nulls only", HIST_CSV, "time,path,value\n1,x,\n2,x,\n", SPB_UNKNOWN, { NOTHING, NOTHING, END } },
        { "JSON null",
          HIST_JSONL,
          "{\"time\":1,\"path\":\"x\",\"value\":null}\n{\"time\":2,\"path\":\"x\",\"value\":1.5}\n",
          SPB_DOUBLE,
          { NOTHING, ONE_AND_A_HALF, END } },
        { "no value at all",
          HIST_JSONL,
          "{\"time\":1,\"path\":\"x\"}\n{\"time\":2,\"path\":\"x\",\"value\":\"a\"}\n",
          SPB_STRING,
          { NOTHING, { SPB_STRING, 0 }, END } },
        { "a type that is said",
          HIST_CSV,
          "time,path,value,type\n1,x,,\n2,x,7,Int32\n3,x,8,\n",
          SPB_INT32,
          { NOTHING, { SPB_INT32, 7 }, { SPB_INT32, 8 }, END } },
        { "a whole identity",
          HIST_CSV,
          "time,source,group,edge,device,metric,path,unit,value\n1,spb,G,E,D,M,x,bar,\n2,spb,G,E,D,M,x,bar,1.5\n",
          SPB_DOUBLE,
          { NOTHING, ONE_AND_A_HALF, END } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir();
        hist *h = open_store(dir, 64);
        hist_import_report r;
        hist_verify_report v;
        pt_error err = { 0 };
        CHECK_ROW(rows[i].row, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_OK);
        if (err.text[0]) printf("%s\n", err.text);
        seal(h);
        check_types(h, rows[i].row, rows[i].tag, rows[i].want);
        hist_stats before, after; /* the same again changes nothing, though the tag has a type by now */
        hist_stats_get(h, &before);
        CHECK_ROW(rows[i].row, import_text(h, rows[i].format, rows[i].text, false, &r, &err) == PT_OK);
        hist_stats_get(h, &after);
        CHECK_ROW(rows[i].row,
                  after.stored == before.stored && after.duplicates == before.duplicates + r.samples && after.replaced == before.replaced);
        check_types(h, rows[i].row, rows[i].tag, rows[i].want);
        close_ok(h);
        CHECK_INT(faults_in(dir, false, true, &v), 0);
        h = open_store(dir, 64); /* the type is in the files */
        pt_arena arena;
        hist_tag t;
        pt_arena_init(&arena, 1 << 16);
        CHECK_OK_FATAL(hist_tag_by_id(h, 1, &arena, &t));
        CHECK_ROW(rows[i].row, t.type == rows[i].tag);
        if (t.key.source.len == 3)
            CHECK(pt_slice_eq_cstr(t.key.edge, "E") && pt_slice_eq_cstr(t.unit, "bar") && pt_slice_eq_cstr(t.path, "x"));
        pt_arena_fini(&arena);
        close_ok(h);
    }
}

static void whole_numbers_that_a_double_would_round_are_kept(void)
{
    static const struct {
        const char *value; /* as it stands in the record */
        spb_datatype type;
        uint64_t word;
    } rows[] = {
        { "9007199254740992", SPB_DOUBLE, 0x4340000000000000u },
        { "-9007199254740992", SPB_DOUBLE, 0xc340000000000000u },
        { "9007199254740993", SPB_INT64, 9007199254740993u },
        { "-9007199254740993", SPB_INT64, 0u - 9007199254740993u },
        { "9223372036854775807", SPB_INT64, INT64_MAX },
        { "-9223372036854775808", SPB_INT64, UINT64_C(1) << 63 },
        { "9223372036854775808", SPB_UINT64, UINT64_C(1) << 63 },
        { "18446744073709551615", SPB_UINT64, UINT64_MAX },
        { "18446744073709551616", SPB_DOUBLE, 0x43f0000000000000u },
        { "-9223372036854775809", SPB_DOUBLE, 0xc3e0000000000000u },
        { "1e17", SPB_DOUBLE, 0x4376345785d8a000u },
        { "1.5", SPB_DOUBLE, 0x3ff8000000000000u },
    };
    hist *h = open_store(new_dir(), 64);
    pt_arena arena;
    pt_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (int form = 0; form < 4; form++) { /* CSV and JSON, of a new tag and of one that is a Double */
            hist_import_report r;
            pt_error err = { 0 };
            hist_sample s = { 0 };
            hist_tag t;
            char path[20], text[200];
            snprintf(path, sizeof path, "x%zu/%d", i, form);
            snprintf(text, sizeof text, "time,path,value\n1,%s,1.5\n", path);
            if (form & 2) CHECK_OK(import_text(h, HIST_CSV, text, false, &r, &err));
            snprintf(text, sizeof text, form & 1 ? "{\"time\":2,\"path\":\"%s\",\"value\":%s}\n" : "time,path,value\n2,%s,%s\n", path,
                     rows[i].value);
            CHECK_ROW(text, import_text(h, form & 1 ? HIST_JSONL : HIST_CSV, text, false, &r, &err) == PT_OK);
            CHECK_OK_FATAL(hist_tag_by_path(h, pt_cstr(path), &arena, &t));
            CHECK_ROW(text, read_rows(h, t.tag_id, 2, 3, false, &s, 1) == 1 && s.type == rows[i].type && s.as.u64 == rows[i].word);
            CHECK_ROW(text, t.type == SPB_DOUBLE); /* so that it takes what it took before */
            snprintf(text, sizeof text, "time,path,value\n3,%s,0.25\n", path);
            CHECK_OK(import_text(h, HIST_CSV, text, false, &r, &err));
        }
    }
    pt_arena_fini(&arena);
    close_ok(h);
}

static void a_text_in_json_is_a_string_unless_its_tag_says_otherwise(void)
{
    static const struct {
        const char *value;
        spb_datatype fresh; /* of a tag not known yet */
        spb_datatype known; /* of one that is a Double; Unknown: it is a fault */
    } rows[] = {
        { "\"12\"", SPB_STRING, SPB_DOUBLE },
        { "\"true\"", SPB_STRING, SPB_UNKNOWN },
        { "\"NaN\"", SPB_DOUBLE, SPB_DOUBLE },
        { "\"Infinity\"", SPB_DOUBLE, SPB_DOUBLE },
        { "\"-Infinity\"", SPB_DOUBLE, SPB_DOUBLE },
        { "\"inf\"", SPB_STRING, SPB_DOUBLE },
        { "\"\"", SPB_STRING, SPB_DOUBLE },
        { "12", SPB_DOUBLE, SPB_DOUBLE },
        { "true", SPB_BOOLEAN, SPB_UNKNOWN },
        { "\"18446744073709551615\",\"also\":99999999999999999999", SPB_STRING, SPB_UINT64 },
        { "18446744073709551615,\"also\":\"x\"", SPB_DOUBLE, SPB_UINT64 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist *h = open_store(new_dir(), 64);
        hist_import_report r;
        pt_error err = { 0 };
        pt_arena arena;
        hist_tag t;
        hist_sample s = { 0 };
        char text[200];
        pt_arena_init(&arena, 1 << 16);
        snprintf(text, sizeof text, "{\"time\":1,\"path\":\"x\",\"value\":%s}\n", rows[i].value);
        CHECK_ROW(text, import_text(h, HIST_JSONL, text, false, &r, &err) == PT_OK);
        CHECK_OK_FATAL(hist_tag_by_id(h, 1, &arena, &t));
        CHECK_ROW(text, t.type == rows[i].fresh);
        CHECK_OK(import_text(h, HIST_CSV, "time,path,value\n1,y,1.5\n", false, &r, &err));
        *strchr(strstr(text, "path") + 6, 'x') = 'y';
        CHECK_ROW(text, import_text(h, HIST_JSONL, text, true, &r, &err) == PT_OK && r.faults == (rows[i].known == SPB_UNKNOWN));
        if (rows[i].known != SPB_UNKNOWN) CHECK_ROW(text, read_rows(h, 2, 1, 2, false, &s, 1) == 1 && s.type == rows[i].known);
        pt_arena_fini(&arena);
        close_ok(h);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_interrupted_import_goes_on_where_it_stopped),
        PT_TEST(simple_files_are_understood),
        PT_TEST(integers_beyond_2_to_the_63_are_read_exactly),
        PT_TEST(faults_name_their_line),
        PT_TEST(garbled_input_is_counted_and_never_more),
        PT_TEST(importing_again_from_anywhere_changes_nothing),
        PT_TEST(a_record_goes_to_the_tag_it_names),
        PT_TEST(all_ways_to_write_a_record_are_read),
        PT_TEST(more_kinds_of_nonsense_are_named),
        PT_TEST(a_record_ends_at_a_newline_that_is_in_no_quoted_field),
        PT_TEST(a_quote_inside_a_field_is_a_character),
        PT_TEST(a_stray_quote_costs_one_line_and_is_named),
        PT_TEST(a_quote_that_swallows_fifty_megabytes_costs_one_line),
        PT_TEST(more_than_64_columns_are_said),
        PT_TEST(lines_are_counted_as_an_editor_does),
        PT_TEST(the_first_twenty_faults_are_named),
        PT_TEST(a_tag_that_begins_with_nulls_gets_its_type_from_its_first_value),
        PT_TEST(whole_numbers_that_a_double_would_round_are_kept),
        PT_TEST(a_text_in_json_is_a_string_unless_its_tag_says_otherwise),
    };
    setup();
    return pt_test_main("historian/import", tests, PT_COUNT_OF(tests), argc, argv);
}
