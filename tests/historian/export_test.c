/* tests/historian/export_test.c -- samples out as text: lossless, selected, in order, and nothing silently left out. */
#include "tests/historian/text_support.h"

#include <stdio.h>

static void an_export_read_back_gives_the_same_export(void)
{
    hist *a = store_of_all_types(new_dir());
    pt_buf first, second;
    pt_buf_init(&first, 64 << 20);
    pt_buf_init(&second, 64 << 20);
    for (int f = 0; f < 2; f++) {
        hist_format format = f ? HIST_JSONL : HIST_CSV;
        hist *b = open_store(new_dir(), 64);
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
        close_ok(b);
    }
    close_ok(a);
    pt_buf_fini(&first);
    pt_buf_fini(&second);
}

static void the_lines_have_the_documented_form(void)
{
    hist *h = open_store(new_dir(), 64);
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("m,1") };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("p/\"q\""), SPB_DOUBLE,
                                   PT_LIT("\xc2\xb0"
                                          "C"),
                                   &id));
    hist_sample s[] = { f64(id, NOW + 250, 1.5),
                        f64(id, NOW + 251, 0),
                        state_row(id, NOW + 252),
                        i64(id, NOW + 253, INT64_MIN),
                        { .tag_id = id, .time_ms = NOW + 254, .type = SPB_UINT64, .as.u64 = UINT64_MAX },
                        { .tag_id = id, .time_ms = NOW + 255, .type = SPB_BYTES, .as.ptr = "\0\xff", .len = 2 },
                        { .tag_id = id, .time_ms = NOW + 256, .type = SPB_DOUBLE, .as.u64 = 0xfff8000000000001u },
                        str(id, NOW + 257, "a\nb") };
    s[1].flags = HIST_NULL | HIST_HISTORICAL;
    s[1].quality = SPB_BAD;
    append(h, s, PT_COUNT_OF(s));
    flush(h);
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    uint64_t n = 0;
    hist_export_options o = { .format = HIST_CSV, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = &out };
    CHECK_OK(hist_export(h, &o, &n, NULL));
    CHECK_INT(n, 8);
#define FRONT                                     \
    ",spb,g,e,d,\"m,1\",\"p/\"\"q\"\"\",\xc2\xb0" \
    "C,"
    CHECK_STR(pt_buf_view(&out), "time,source,group,edge,device,metric,path,unit,type,value,quality,flags\n"
                                 "2025-06-15T15:06:40.250Z" FRONT "Double,1.5,GOOD,\n"
                                 "2025-06-15T15:06:40.251Z" FRONT "Double,,BAD,NH\n"
                                 "2025-06-15T15:06:40.252Z" FRONT "Double,,STALE,S\n"
                                 "2025-06-15T15:06:40.253Z" FRONT "Int64,-9223372036854775808,GOOD,\n"
                                 "2025-06-15T15:06:40.254Z" FRONT "UInt64,18446744073709551615,GOOD,\n"
                                 "2025-06-15T15:06:40.255Z" FRONT "Bytes,AP8=,GOOD,\n"
                                 "2025-06-15T15:06:40.256Z" FRONT "Double,nan:fff8000000000001,GOOD,\n"
                                 "2025-06-15T15:06:40.257Z" FRONT "String,\"a\nb\",GOOD,\n");
#undef FRONT
    pt_buf_reset(&out);
    o.format = HIST_JSONL;
    o.from_ms = NOW + 254;
    o.to_ms = NOW + 256;
    CHECK_OK(hist_export(h, &o, &n, NULL));
    CHECK_INT(n, 2);
#define FRONT                                                                                                                                \
    "Z\",\"source\":\"spb\",\"group\":\"g\",\"edge\":\"e\",\"device\":\"d\",\"metric\":\"m,1\",\"path\":\"p/\\\"q\\\"\",\"unit\":\"\xc2\xb0" \
    "C\",\"type\":"
    CHECK_STR(pt_buf_view(&out),
              "{\"time\":\"2025-06-15T15:06:40.254" FRONT
              "\"UInt64\",\"value\":\"18446744073709551615\",\"quality\":\"GOOD\",\"flags\":\"\"}\n"
              "{\"time\":\"2025-06-15T15:06:40.255" FRONT "\"Bytes\",\"value\":\"AP8=\",\"quality\":\"GOOD\",\"flags\":\"\"}\n");
#undef FRONT
    pt_buf_fini(&out);
    close_ok(h);
}

static unsigned lines_with(const pt_buf *b, const char *what)
{
    unsigned n = 0;
    for (const char *at = b->ptr; at && (at = memmem(at, b->len - (size_t)(at - b->ptr), what, strlen(what))); at++)
        n++;
    return n;
}

static void globs_select_and_exclude(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t tags[] = { make_tag(h, "level", SPB_DOUBLE), make_tag(h, "speed", SPB_DOUBLE), make_tag(h, "state", SPB_STRING) };
    for (int i = 0; i < 10; i++) {
        append_one(h, f64(tags[0], NOW + i, 1));
        append_one(h, f64(tags[1], NOW + i, 2));
        append_one(h, str(tags[2], NOW + i, "on"));
    }
    flush(h);
    static const struct {
        const char *row;
        pt_slice select[2];
        size_t n;
        unsigned level, speed, state;
    } rows[] = {
        { "none: all", { { NULL, 0 } }, 0, 10, 10, 10 },
        { "one", { { "g/e/d/level", 11 } }, 1, 10, 0, 0 },
        { "a glob", { { "g/*/d/s*", 8 } }, 1, 0, 10, 10 },
        { "all but one", { { "!**/state", 9 } }, 1, 10, 10, 0 },
        { "some but one", { { "**/s*", 5 }, { "!**/state", 9 } }, 2, 0, 10, 0 },
        { "nothing", { { "x/**", 4 } }, 1, 0, 0, 0 },
    };
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_export_options o = { .format = HIST_CSV,
                                  .from_ms = INT64_MIN,
                                  .to_ms = INT64_MAX,
                                  .write = gather,
                                  .ctx = &out,
                                  .select = rows[i].select,
                                  .n_select = rows[i].n };
        uint64_t n = 0;
        pt_buf_reset(&out);
        CHECK_OK(hist_export(h, &o, &n, NULL));
        CHECK_ROW(rows[i].row, lines_with(&out, "/level") == rows[i].level && lines_with(&out, "/speed") == rows[i].speed &&
                                   lines_with(&out, "/state") == rows[i].state);
        CHECK_ROW(rows[i].row, n == rows[i].level + rows[i].speed + rows[i].state);
    }
    pt_buf_fini(&out);
    close_ok(h);
}

typedef struct full_disk {
    size_t room, written;
} full_disk;

static bool until_full(void *ctx, pt_slice bytes)
{
    full_disk *d = ctx;
    if (bytes.len > d->room) return false;
    d->room -= bytes.len;
    d->written += bytes.len;
    return true;
}

static void an_export_that_cannot_be_written_says_so(void)
{
    hist *h = store_of_all_types(new_dir());
    for (size_t room = 0; room < 200000; room += 66000) {
        full_disk d = { .room = room };
        hist_export_options o = { .format = HIST_CSV, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = until_full, .ctx = &d };
        uint64_t n = 0;
        pt_error err = { 0 };
        CHECK_STATUS(hist_export(h, &o, &n, &err), PT_EIO);
        CHECK(strstr(err.text, "could not be written") != NULL);
    }
    close_ok(h);
}

static void a_damaged_block_ends_it_with_what_came_before_written(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    run_sql(
        partition_in(dir, NOW + 10 * DAY),
        "UPDATE data SET data=cast(substr(data,1,20)||x'5a'||substr(data,22) AS BLOB) WHERE id=(SELECT min(id) FROM block WHERE tag_id=2)");
    hist *h = open_store(dir, 128);
    pt_buf out;
    pt_buf_init(&out, 64 << 20);
    hist_export_options o = { .format = HIST_CSV, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = &out };
    uint64_t n = 0;
    pt_error err = { 0 };
    CHECK_STATUS(hist_export(h, &o, &n, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, "tag 2, block at") != NULL);
    CHECK(n > 3000 && n < 6000 && lines_with(&out, "\n") == n + 1);
    pt_buf_fini(&out);
    close_ok(h);
}

static void note_progress(void *ctx, uint64_t done, uint64_t tags, uint64_t samples)
{
    uint64_t *last = ((pt_buf **)ctx)[1] ? (uint64_t *)(void *)((pt_buf **)ctx)[1] : NULL;
    CHECK(done <= tags && tags == 12 && samples <= 2400);
    if (last) *last = done;
}

static bool gather_first(void *ctx, pt_slice bytes)
{
    return gather(((pt_buf **)ctx)[0], bytes);
}

static void progress_reaches_the_end(void)
{
    hist *h = store_of_all_types(new_dir());
    pt_buf out;
    uint64_t last = 0, n = 0;
    pt_buf_init(&out, 64 << 20);
    void *ctx[] = { &out, &last };
    hist_export_options o = {
        .format = HIST_JSONL, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather_first, .progress = note_progress, .ctx = ctx
    };
    CHECK_OK(hist_export(h, &o, &n, NULL));
    CHECK_INT(last, 12);
    CHECK_INT(n, 2400);
    pt_buf_fini(&out);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(an_export_read_back_gives_the_same_export),
        PT_TEST(the_lines_have_the_documented_form),
        PT_TEST(globs_select_and_exclude),
        PT_TEST(an_export_that_cannot_be_written_says_so),
        PT_TEST(a_damaged_block_ends_it_with_what_came_before_written),
        PT_TEST(progress_reaches_the_end),
    };
    setup();
    return pt_test_main("historian/export", tests, PT_COUNT_OF(tests), argc, argv);
}
