/* tests/historian/storage_test.c -- what one tag costs, in C and in SQL; what its births said of it. */
#include "historian/exchange/sql.h"
#include "tests/historian/support.h"
#include "tests/support/check.h"

#include <stdio.h>

static bool as_text(void *ctx, int n, const char *const *names, const hist_sql_cell *cells)
{
    pt_buf *out = ctx;
    (void)names;
    for (int i = 0; cells && i < n; i++) {
        if (cells[i].type == HIST_SQL_INTEGER) pt_buf_printf(out, "%lld", (long long)cells[i].i64);
        else if (cells[i].type == HIST_SQL_REAL) pt_buf_printf(out, "%.3f", cells[i].f64);
        else pt_buf_slice(out, cells[i].bytes);
        pt_buf_char(out, i + 1 < n ? '|' : '\n');
    }
    return true;
}

static void expect_sql(hist *h, const char *sql, const char *want)
{
    pt_buf out;
    pt_error err = { 0 };
    pt_buf_init(&out, 1 << 16);
    pt_status st = hist_sql_run(h, sql, as_text, &out, &err);
    if (st != PT_OK) printf("%s\n", err.text);
    CHECK_OK(st);
    CHECK_STR(pt_buf_view(&out), want);
    pt_buf_fini(&out);
}

static void a_tags_cost_adds_up_to_the_files(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 128);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_DOUBLE);
    for (int i = 0; i < 1000; i++) {
        append_one(h, f64(a, NOW + i * 500, i));
        append_one(h, f64(b, NOW + (int64_t)i * 7200000, i)); /* twelve weeks */
    }
    append_one(h, state_row(b, NOW + 1));
    flush(h);
    seal(h);
    append_one(h, f64(a, NOW + 600000, 1));
    flush(h);
    hist_tag_storage s[2];
    CHECK_OK(hist_tag_storage_get(h, a, &s[0], NULL));
    CHECK_OK(hist_tag_storage_get(h, b, &s[1], NULL));
    CHECK_INT(s[0].samples, 1000);
    CHECK_INT(s[0].unsealed, 1);
    CHECK(s[0].per_second > 1.6 && s[0].per_second < 1.7); /* 1001 samples in 600 s */
    CHECK(s[1].samples == 1000 && s[1].rows == 1001 && s[1].unsealed == 0);
    hist_stats all;
    hist_stats_get(h, &all);
    CHECK_INT(s[0].bytes + s[1].bytes, all.block_bytes);
    CHECK_INT(s[0].blocks + s[1].blocks, all.blocks);
    CHECK_STATUS(hist_tag_storage_get(h, 3, &s[0], NULL), PT_ENOTFOUND);
    expect_sql(h, "SELECT tag_id, path, samples, rows, unsealed, exception, compression FROM tag_storage",
               "1|g/e/d/a|1000|1000|1|0|0\n2|g/e/d/b|1000|1001|0|0|0\n");
    expect_sql(h, "SELECT samples FROM tag_storage WHERE path='g/e/d/b'", "1000\n");
    char want[60];
    snprintf(want, sizeof want, "%llu\n", (unsigned long long)all.block_bytes);
    expect_sql(h, "SELECT sum(bytes) FROM tag_storage", want);
    close_ok(h);
}

static void metadata_has_a_history(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 128);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), again = 0;
    flush(h);
    fake.now_wall_ms += 5000;
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("a") };
    CHECK_OK(hist_tag_ensure(h, &key, PT_LIT("g/e/d/a"), SPB_FLOAT, PT_LIT("mm"), &again));
    flush(h);
    CHECK_INT(again, a);
    char want[120];
    snprintf(want, sizeof want, "1|m|%lld|Double\n1|mm|%lld|Float\n", (long long)fake.now_wall_ms - 5000, (long long)fake.now_wall_ms);
    expect_sql(h, "SELECT tag_id, unit, from_ms, type FROM tag_meta WHERE tag_id=1", want);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_tags_cost_adds_up_to_the_files),
        PT_TEST(metadata_has_a_history),
    };
    setup();
    return pt_test_main("historian/storage", tests, PT_COUNT_OF(tests), argc, argv);
}
