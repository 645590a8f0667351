/* tests/historian/transfer_test.c -- what is exported and imported is exported the same again, bit for bit. */
#include "base/random.h"
#include "historian/store.h"
#include "historian/transfer.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;
static const char *home;

static hist *open_at(const char *name)
{
    char dir[512];
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    snprintf(dir, sizeof dir, "%s/%s", home, name);
    o.dir = dir;
    o.block_samples = 64;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    return h;
}

static hist *filled(const char *name)
{
    static const uint8_t types[] = { SPB_INT8, SPB_INT64, SPB_UINT64, SPB_FLOAT, SPB_DOUBLE, SPB_BOOLEAN, SPB_STRING, SPB_DATETIME, SPB_BYTES, SPB_INT32_ARRAY, SPB_DATASET, SPB_TEXT };
    static const char *const texts[] = { "", "plain", "with, comma", "with \"quotes\"", "two\nlines\r\n", " blanks ", "\xff\xfe not utf8", "nul\0inside", "{\"a\":[1,2]}" };
    pt_random rnd = pt_random_seed(5);
    hist *h = open_at(name);
    for (size_t t = 0; t < PT_COUNT_OF(types); t++) {
        char path[60];
        uint32_t id = 0;
        snprintf(path, sizeof path, "pl\xc3\xa4nt/%s, \"%zu\"", spb_datatype_name(types[t]), t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), t % 2 ? PT_LIT("d") : PT_LIT(""), pt_cstr(path) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), types[t], t % 3 ? PT_LIT("m/s") : PT_LIT(""), &id));
        for (int i = 0; i < 200; i++) {
            hist_sample s = { .tag_id = id, .time_ms = NOW + i * 777 - (i == 0 ? INT64_C(3000000000000) : 0), .type = types[t], .quality = (uint8_t)(i % 9 ? 0 : i % 4) };
            uint64_t bits = pt_random_u64(&rnd);
            switch (hist__family_of_type(types[t])) {
            case HIST__BYTES: {
                size_t k = pt_random_below(&rnd, PT_COUNT_OF(texts));
                s.as.ptr = texts[k];
                s.len = k == 7 ? 10 : (uint32_t)strlen(texts[k]);
                break;
            }
            case HIST__F32: s.as.u64 = i % 3 ? (uint32_t)bits : 0x41200000u; break;
            case HIST__F64: s.as.u64 = i % 3 ? bits : 0x7ff8000000000000u; break;
            default: s.as.u64 = types[t] == SPB_BOOLEAN ? bits & 1 : types[t] == SPB_INT8 ? (uint64_t)(int64_t)(int8_t)bits : bits; break;
            }
            if (i % 17 == 0) s.flags = HIST_NULL;
            if (i % 23 == 0) s.flags = HIST_STATE, s.quality = SPB_STALE;
            if (i % 5 == 0) s.flags |= HIST_HISTORICAL;
            CHECK_OK(hist_append(h, &s, 1));
        }
    }
    CHECK_OK(hist_flush(h, 10000, NULL));
    return h;
}

static bool gather(void *ctx, pt_slice bytes)
{
    return pt_buf_slice(ctx, bytes) == PT_OK;
}

static void export_all(hist *h, hist_format format, pt_buf *to)
{
    hist_export_options o = { .format = format, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = to };
    uint64_t n = 0;
    pt_error err = { 0 };
    pt_buf_reset(to);
    CHECK_OK(hist_export(h, &o, &n, &err));
    CHECK_INT(n, 12 * 200);
}

typedef struct source {
    pt_slice text;
    size_t at, fail_at;
} source;

static ptrdiff_t read_some(void *ctx, char *to, size_t cap)
{
    source *s = ctx;
    size_t n = s->text.len - s->at < 997 ? s->text.len - s->at : 997; /* records fall across readings */
    if (s->fail_at && s->at >= s->fail_at) return -1;
    if (n > cap) n = cap;
    memcpy(to, s->text.ptr + s->at, n);
    s->at += n;
    return (ptrdiff_t)n;
}

static void an_export_read_back_gives_the_same_export(void)
{
    hist *a = filled("a");
    pt_buf first, second;
    pt_buf_init(&first, 64 << 20);
    pt_buf_init(&second, 64 << 20);
    for (int f = 0; f < 2; f++) {
        hist_format format = f ? HIST_JSONL : HIST_CSV;
        hist *b = open_at(f ? "b-jsonl" : "b-csv");
        export_all(a, format, &first);
        source in = { .text = pt_buf_view(&first) };
        hist_import_options o = { .format = format, .read = read_some, .ctx = &in };
        hist_import_report r;
        pt_error err = { 0 };
        pt_status st = hist_import(b, &o, &r, &err);
        if (st != PT_OK) printf("import: %s\n", err.text);
        CHECK_OK(st);
        CHECK_INT(r.samples, 2400);
        CHECK_INT(r.faults, 0);
        CHECK_INT(r.offset, first.len);
        export_all(b, format, &second);
        CHECK(first.len > 100000 && pt_slice_eq(pt_buf_view(&first), pt_buf_view(&second)));
        in.at = 0; /* once more: nothing changes */
        CHECK_OK(hist_import(b, &o, &r, &err));
        hist_stats stats;
        hist_stats_get(b, &stats);
        CHECK_INT(stats.duplicates, 2400);
        CHECK_INT(stats.stored, 2400);
        CHECK_OK(hist_close(b, 1000, NULL));
    }
    CHECK_OK(hist_close(a, 1000, NULL));
    pt_buf_fini(&first);
    pt_buf_fini(&second);
}

static void an_interrupted_import_goes_on_where_it_stopped(void)
{
    hist *a = filled("c"), *b = open_at("d");
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
    CHECK_OK(hist_close(a, 1000, NULL));
    CHECK_OK(hist_close(b, 1000, NULL));
    pt_buf_fini(&first);
    pt_buf_fini(&second);
}

static pt_status import_text(hist *h, hist_format format, const char *text, bool skip, hist_import_report *r, pt_error *err)
{
    source in = { .text = pt_cstr(text) };
    hist_import_options o = { .format = format, .skip_faults = skip, .read = read_some, .ctx = &in };
    return hist_import(h, &o, r, err);
}

static void simple_files_are_understood(void)
{
    hist *h = open_at("e");
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
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void faults_name_their_record(void)
{
    hist *h = open_at("f");
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
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void garbled_input_is_counted_and_never_more(void)
{
    hist *a = filled("g"), *b = open_at("garbled");
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
    CHECK_OK(hist_close(a, 1000, NULL));
    CHECK_OK(hist_close(b, 1000, NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_export_read_back_gives_the_same_export),
        PT_TEST(an_interrupted_import_goes_on_where_it_stopped),
        PT_TEST(simple_files_are_understood),
        PT_TEST(faults_name_their_record),
        PT_TEST(garbled_input_is_counted_and_never_more),
    };
    pt_fake_clock_init(&fake, NOW);
    home = pt_test_dir();
    return pt_test_main("historian/transfer", tests, PT_COUNT_OF(tests), argc, argv);
}
