/* tests/historian/sql_test.c -- `plantree sql`: any SELECT over the tables, several statements, typed cells, and nothing but reading. */
#include "historian/exchange/sql.h"
#include "tests/historian/support.h"

#include <stdio.h>

static hist *h;
static const char *dir;

static bool print_row(void *ctx, int n, const char *const *names, const hist_sql_cell *c)
{
    pt_buf *out = ctx;
    if (!c) return true;
    for (int i = 0; i < n; i++) {
        pt_buf_printf(out, "%s%s=", i ? "|" : "", names[i]);
        if (c[i].type == HIST_SQL_INTEGER) pt_buf_printf(out, "%lld", (long long)c[i].i64);
        if (c[i].type == HIST_SQL_REAL) pt_buf_printf(out, "%.9g", c[i].f64);
        if (c[i].type == HIST_SQL_TEXT) pt_buf_printf(out, "'%.*s'", PT_SLICE_ARGS(c[i].bytes));
        if (c[i].type == HIST_SQL_BLOB) pt_buf_printf(out, "blob of %zu", c[i].bytes.len);
        if (c[i].type == HIST_SQL_NULL) pt_buf_cstr(out, "NULL");
    }
    pt_buf_char(out, '\n');
    return true;
}

static void fill(void)
{
    dir = new_dir();
    h = open_store(dir, 64);
    uint32_t a = make_tag(h, "a", SPB_DOUBLE), b = make_tag(h, "b", SPB_BYTES);
    for (int i = 0; i < 200; i++)
        append_one(h, f64(a, NOW + i * 1000, i / 4.0));
    hist_sample bytes = { .tag_id = b, .time_ms = NOW, .type = SPB_BYTES, .as.ptr = "\0\1\2", .len = 3 };
    append_one(h, bytes);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth") };
    CHECK_OK(hist_event_append(h, &e));
    flush(h);
}

static void cells_keep_their_types_and_columns_their_names(void)
{
    static const struct {
        const char *sql, *want;
    } rows[] = {
        { "SELECT time_ms, value AS v, quality FROM history WHERE tag_id=1 LIMIT 1", "time_ms=1750000000000|v=0|quality='GOOD'\n" },
        { "SELECT value, NULL AS n FROM history WHERE tag_id=2", "value=blob of 3|n=NULL\n" },
        { "SELECT 1.5, -9223372036854775807-1, '', zeroblob(0)",
          "1.5=1.5|-9223372036854775807-1=-9223372036854775808|''=''|zeroblob(0)=blob of 0\n" },
        { "SELECT 1 AS a; SELECT 2 AS b;  ", "a=1\nb=2\n" },
        { "-- only words\n", "" },
        { "", "" },
        { "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3) SELECT x FROM c", "x=1\nx=2\nx=3\n" },
        { "SELECT count(*) AS n FROM history WHERE tag_id=1 AND value >= (SELECT avg(value) FROM history WHERE tag_id=1)", "n=100\n" },
        { "PRAGMA table_list", NULL },
        { "SELECT tag.path FROM tag JOIN history USING(tag_id) GROUP BY 1", "path='g/e/d/a'\npath='g/e/d/b'\n" },
        { "SELECT t_ms, count FROM bucket(1750000000000, 1750000002000, 1000) WHERE tag_id=1",
          "t_ms=1750000000000|count=1\nt_ms=1750000001000|count=1\n" },
        { "SELECT type FROM event; SELECT path FROM tag_path WHERE tag_id=2", "type='nbirth'\npath='g/e/d/b'\n" },
    };
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    hist *reader = open_reader(dir);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
            pt_error err = { 0 };
            pt_buf_reset(&out);
            CHECK_ROW(rows[i].sql, hist_sql_run(round ? reader : h, rows[i].sql, print_row, &out, &err) == PT_OK);
            if (err.text[0]) printf("%s: %s\n", rows[i].sql, err.text);
            if (!rows[i].want) continue;
            CHECK_ROW(rows[i].sql, pt_slice_eq_cstr(pt_buf_view(&out), rows[i].want));
            if (!pt_slice_eq_cstr(pt_buf_view(&out), rows[i].want)) printf("%.*s", PT_SLICE_ARGS(pt_buf_view(&out)));
        }
    }
    close_ok(reader);
    pt_buf_fini(&out);
}

static void only_reading_is_allowed(void)
{
    static const struct {
        const char *sql;
        pt_status st;
    } rows[] = {
        { "CREATE TABLE x(a)", PT_EREFUSED },
        { "CREATE TEMP TABLE x(a)", PT_EREFUSED },
        { "CREATE VIEW v AS SELECT 1", PT_EREFUSED },
        { "DROP TABLE tag", PT_EREFUSED },
        { "ATTACH '/tmp/x' AS y", PT_EREFUSED },
        { "DETACH main", PT_EREFUSED },
        { "VACUUM", PT_EREFUSED },
        { "VACUUM INTO '/tmp/x'", PT_EREFUSED },
        { "PRAGMA journal_mode=DELETE", PT_EREFUSED },
        { "PRAGMA writable_schema=1", PT_EREFUSED },
        { "DELETE FROM history", PT_EMALFORMED },
        { "UPDATE tag SET path='x'", PT_EMALFORMED },
        { "INSERT INTO tag DEFAULT VALUES", PT_EREFUSED },
        { "SELECT load_extension('x')", PT_EMALFORMED },
        { "SELECT nonsense FROM history", PT_EMALFORMED },
        { "SELECT * FROM nowhere", PT_EMALFORMED },
        { "SELECT", PT_EMALFORMED },
        { "SELECT * FROM bucket", PT_EMALFORMED },
    };
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        pt_status st = hist_sql_run(h, rows[i].sql, print_row, &out, &err);
        CHECK_ROW(rows[i].sql, st != PT_OK && err.text[0] && out.len == 0);
        CHECK_ROW(rows[i].sql, st == rows[i].st);
        if (st != rows[i].st) printf("%s: %s, %s\n", rows[i].sql, pt_status_name(st), err.text);
    }
    pt_error err = { 0 };
    CHECK_STATUS(hist_sql_run(h, "SELECT 1 AS a; DELETE FROM tag; SELECT 2 AS b", print_row, &out, &err),
                 PT_EMALFORMED); /* the first had its turn */
    CHECK_STR(pt_buf_view(&out), "a=1\n");
    pt_buf_fini(&out);
}

static bool third(void *ctx, int n, const char *const *names, const hist_sql_cell *c)
{
    (void)n;
    (void)names;
    return (*(int *)ctx += c != NULL) < 3;
}

static bool columns(void *ctx, int n, const char *const *names, const hist_sql_cell *c)
{
    if (!c) pt_buf_printf(ctx, "[%d %s]", n, names[n - 1]);
    else pt_buf_cstr(ctx, ".");
    return true;
}

static void columns_come_before_rows_and_also_without_any(void)
{
    pt_buf out;
    pt_buf_init(&out, 1000);
    CHECK_OK(hist_sql_run(h, "SELECT 1 AS a, 2 AS b; ; SELECT tag_id FROM tag WHERE 0; SELECT 5 AS c", columns, &out, NULL));
    CHECK_STR(pt_buf_view(&out), "[2 b].[1 tag_id][1 c].");
    pt_buf_fini(&out);
}

static void it_stops_when_told(void)
{
    int n = 0;
    CHECK_OK(hist_sql_run(h, "SELECT * FROM history; SELECT * FROM history", third, &n, NULL));
    CHECK_INT(n, 3);
}

static void a_damaged_block_is_an_error_with_its_place(void)
{
    seal(h);
    run_sql(partition_in(dir, NOW), "UPDATE data SET data=x'00' WHERE id=(SELECT max(id) FROM block WHERE tag_id=1)");
    pt_buf out;
    pt_error err = { 0 };
    pt_buf_init(&out, 1 << 20);
    CHECK_STATUS(hist_sql_run(h, "SELECT count(*) FROM history WHERE tag_id=1", print_row, &out, &err), PT_ECORRUPT);
    CHECK(strstr(err.text, "tag 1, block at") != NULL && out.len == 0);
    CHECK_STATUS(hist_sql_run(h, "SELECT count(*) FROM bucket(1750000000000, 1750000200000, 1000) WHERE tag_id=1", print_row, &out, &err),
                 PT_ECORRUPT);
    pt_buf_fini(&out);
}

static void end(void)
{
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(cells_keep_their_types_and_columns_their_names),
        PT_TEST(only_reading_is_allowed),
        PT_TEST(columns_come_before_rows_and_also_without_any),
        PT_TEST(it_stops_when_told),
        PT_TEST(a_damaged_block_is_an_error_with_its_place),
        PT_TEST(end),
    };
    (void)argc;
    setup();
    return pt_test_main("historian/sql", tests, PT_COUNT_OF(tests), 1, argv);
}
