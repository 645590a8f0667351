/* tests/historian/sql_test.c -- the virtual tables against the same questions asked of plain rows; the extension in the stock shell. */
#include "base/random.h"
#include "historian/sql.h"
#include "historian/store.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t NOW = 1750000000000;
static pt_fake_clock fake;
static char dir[512];
static hist *h;
static sqlite3 *plain;

static bool print_row(void *ctx, int n, const char *const *names, const hist_sql_cell *c)
{
    pt_buf *out = ctx;
    (void)names;
    for (int i = 0; i < n; i++) {
        if (i) pt_buf_char(out, '|');
        if (c[i].type == HIST_SQL_INTEGER) pt_buf_printf(out, "%lld", (long long)c[i].i64);
        if (c[i].type == HIST_SQL_REAL) pt_buf_printf(out, "%.9g", c[i].f64);
        if (c[i].type == HIST_SQL_TEXT) pt_buf_slice(out, c[i].bytes);
        if (c[i].type == HIST_SQL_NULL) pt_buf_cstr(out, "NULL");
    }
    pt_buf_char(out, '\n');
    return true;
}

static void ask(const char *sql, pt_buf *out)
{
    pt_error err = { 0 };
    pt_buf_reset(out);
    pt_status st = hist_sql_run(h, sql, print_row, out, &err);
    if (st != PT_OK) printf("%s: %s\n", sql, err.text);
    CHECK_OK(st);
}

static void ask_plain(const char *sql, pt_buf *out)
{
    sqlite3_stmt *q = NULL;
    pt_buf_reset(out);
    CHECK_FATAL(sqlite3_prepare_v2(plain, sql, -1, &q, NULL) == SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(q); i++) {
            if (i) pt_buf_char(out, '|');
            int type = sqlite3_column_type(q, i);
            if (type == SQLITE_FLOAT) pt_buf_printf(out, "%.9g", sqlite3_column_double(q, i));
            else pt_buf_cstr(out, type == SQLITE_NULL ? "NULL" : (const char *)sqlite3_column_text(q, i));
        }
        pt_buf_char(out, '\n');
    }
    sqlite3_finalize(q);
}

static void fill(void)
{
    hist_options o;
    hist_options_init(&o);
    snprintf(dir, sizeof dir, "%s/h", pt_test_dir());
    o.dir = dir;
    o.block_samples = 64;
    CHECK_OK_FATAL(hist_open(&o, &fake.clock, NULL, &h, NULL));
    CHECK_FATAL(sqlite3_open(":memory:", &plain) == SQLITE_OK);
    CHECK_FATAL(sqlite3_exec(plain, "CREATE TABLE history(tag_id, path, time_ms, value, quality, historical); BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_stmt *put = NULL;
    CHECK_FATAL(sqlite3_prepare_v2(plain, "INSERT INTO history VALUES(?1,?2,?3,?4,?5,0)", -1, &put, NULL) == SQLITE_OK);
    pt_random rnd = pt_random_seed(3);
    for (uint32_t t = 1; t <= 4; t++) {
        char path[30];
        uint32_t id = 0;
        snprintf(path, sizeof path, "plant/line%u/level", t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(path) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), t == 3 ? SPB_STRING : SPB_DOUBLE, PT_LIT("m"), &id));
        int64_t at = NOW;
        for (int i = 0; i < 1000; i++) {
            at += 1 + (int64_t)pt_random_below(&rnd, 2000);
            hist_sample s = { .tag_id = id, .time_ms = at, .type = SPB_DOUBLE, .quality = (uint8_t)(i % 40 ? SPB_GOOD : SPB_BAD), .as.f64 = (double)pt_random_below(&rnd, 1000) / 4 };
            if (t == 3) s.type = SPB_STRING, s.as.ptr = i % 3 ? "on" : "off", s.len = i % 3 ? 2 : 3;
            CHECK_OK(hist_append(h, &s, 1));
            sqlite3_bind_int64(put, 1, id);
            sqlite3_bind_text(put, 2, path, -1, SQLITE_TRANSIENT);
            sqlite3_bind_int64(put, 3, at);
            if (t == 3) sqlite3_bind_text(put, 4, s.as.ptr, (int)s.len, SQLITE_TRANSIENT);
            else sqlite3_bind_double(put, 4, s.as.f64);
            sqlite3_bind_text(put, 5, s.quality ? "BAD" : "GOOD", -1, SQLITE_STATIC);
            CHECK_FATAL(sqlite3_step(put) == SQLITE_DONE);
            sqlite3_reset(put);
        }
    }
    sqlite3_finalize(put);
    CHECK_FATAL(sqlite3_exec(plain, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = PT_LIT("{}") };
    CHECK_OK(hist_event_append(h, &e));
    CHECK_OK(hist_flush(h, 10000, NULL));
}

static void the_history_table_answers_like_plain_rows(void)
{
    static const char *const queries[] = {
        "SELECT count(*), min(time_ms), max(time_ms) FROM history",
        "SELECT tag_id, path, time_ms, value, quality, historical FROM history WHERE tag_id=2 ORDER BY time_ms",
        "SELECT * FROM history WHERE path='plant/line3/level' ORDER BY time_ms DESC LIMIT 7",
        "SELECT time_ms, value FROM history WHERE path='plant/line1/level' AND time_ms BETWEEN 1750000100000 AND 1750000300000 ORDER BY time_ms",
        "SELECT time_ms FROM history WHERE tag_id=1 AND time_ms > 1750000100000 AND time_ms < 1750000200000 ORDER BY time_ms",
        "SELECT count(*) FROM history WHERE tag_id=1 AND time_ms <= (SELECT time_ms FROM history WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT count(*) FROM history WHERE tag_id=1 AND time_ms = (SELECT time_ms FROM history WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT tag_id, count(*), round(avg(value), 6) FROM history WHERE quality='GOOD' AND tag_id <> 3 GROUP BY tag_id ORDER BY tag_id",
        "SELECT a.time_ms, b.value FROM history a JOIN history b ON b.tag_id=a.tag_id+1 AND b.time_ms > a.time_ms AND b.time_ms < a.time_ms+200 WHERE a.tag_id=1 ORDER BY 1,2",
        "SELECT count(*) FROM history WHERE path='nothing/here'",
        "SELECT count(*) FROM history WHERE tag_id IN (1, 3, 99) AND value='on'",
    };
    pt_buf got, want;
    pt_buf_init(&got, 64 << 20);
    pt_buf_init(&want, 64 << 20);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PT_COUNT_OF(queries); i++) {
            ask(queries[i], &got);
            ask_plain(queries[i], &want);
            bool same = pt_slice_eq(pt_buf_view(&got), pt_buf_view(&want));
            CHECK_ROW(queries[i], same && want.len > 0);
        }
        CHECK_OK(hist_seal(h, NULL));
    }
    pt_buf_fini(&got);
    pt_buf_fini(&want);
}

static void buckets_answer_like_group_by(void)
{
    pt_buf got, want;
    pt_buf_init(&got, 64 << 20);
    pt_buf_init(&want, 64 << 20);
    ask("SELECT t_ms, nums, min, max, round(sum, 6) FROM bucket(1750000000000, 1750001200000, 60000) WHERE path='plant/line2/level' AND nums > 0 ORDER BY t_ms", &got);
    ask_plain("SELECT 1750000000000 + (time_ms-1750000000000)/60000*60000 AS t, count(*), min(value), max(value), round(sum(value), 6) FROM history"
              " WHERE path='plant/line2/level' AND time_ms >= 1750000000000 AND time_ms < 1750001200000 AND quality='GOOD' GROUP BY t ORDER BY t", &want);
    CHECK(want.len > 100 && pt_slice_eq(pt_buf_view(&got), pt_buf_view(&want)));
    pt_error err = { 0 };
    CHECK_STATUS(hist_sql_run(h, "SELECT * FROM bucket WHERE tag_id=1", print_row, &got, &err), PT_EMALFORMED);
    CHECK(strstr(err.text, "interval_ms") != NULL);
    pt_buf_fini(&got);
    pt_buf_fini(&want);
}

static void constraints_are_pushed_down_and_explain_shows_it(void)
{
    static const struct {
        const char *sql, *plan;
        bool sorts;
    } rows[] = {
        { "EXPLAIN QUERY PLAN SELECT * FROM history WHERE path='x' AND time_ms>=5 AND time_ms<9 ORDER BY time_ms", "path=? time_ms>=? time_ms<=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM history WHERE tag_id=1 ORDER BY time_ms", "tag_id=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM history ORDER BY time_ms", "all", true },
        { "EXPLAIN QUERY PLAN SELECT * FROM bucket(1,2,3) WHERE tag_id=1", "tag_id=? from_ms=? to_ms=? interval_ms=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM event WHERE seq>5 ORDER BY seq", "seq>?", false },
    };
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        ask(rows[i].sql, &out);
        pt_buf_char(&out, '\0');
        CHECK_ROW(rows[i].sql, out.ptr && strstr(out.ptr, rows[i].plan) != NULL);
        CHECK_ROW(rows[i].sql, out.ptr && (strstr(out.ptr, "TEMP B-TREE") != NULL) == rows[i].sorts);
    }
    pt_buf_fini(&out);
}

static void the_other_tables_are_there(void)
{
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    ask("SELECT tag_id, source, group_id, edge, device, path, type, unit, samples FROM tag WHERE tag_id >= 3 ORDER BY tag_id", &out);
    CHECK_STR(pt_buf_view(&out), "3|spb|g|e|d|plant/line3/level|String|m|1000\n4|spb|g|e|d|plant/line4/level|Double|m|1000\n");
    ask("SELECT tag_id FROM tag WHERE path='plant/line2/level'", &out);
    CHECK_STR(pt_buf_view(&out), "2\n");
    ask("SELECT seq, time_ms, type, node, device, detail FROM event", &out);
    CHECK_STR(pt_buf_view(&out), "1|1750000000000|nbirth|g/e|NULL|{}\n");
    ask("SELECT tag_id, path, to_ms FROM tag_path WHERE tag_id=4", &out);
    CHECK_STR(pt_buf_view(&out), "4|plant/line4/level|NULL\n");
    pt_buf_fini(&out);
}

static void only_reading_is_allowed(void)
{
    static const char *const rows[] = { "CREATE TABLE x(a)", "ATTACH '/tmp/x' AS y", "DELETE FROM history", "PRAGMA journal_mode=DELETE", "INSERT INTO tag DEFAULT VALUES", "SELECT load_extension('x')" };
    pt_buf out;
    pt_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        CHECK_ROW(rows[i], hist_sql_run(h, rows[i], print_row, &out, &err) != PT_OK && err.text[0]);
    }
    pt_buf_fini(&out);
}

static void the_stock_shell_loads_the_extension(void)
{
#ifdef __SANITIZE_ADDRESS__
    printf("the stock shell is not sanitized, the extension is: left out; ");
    return;
#endif
    const char *bin = getenv("PLANTREE_BIN");
    char so[600], command[2000], line[200] = "";
    snprintf(so, sizeof so, "%s/../lib/plantree_sqlite.so", bin ? bin : "build/bin");
    if (!bin || access(so, R_OK) != 0 || access("/usr/bin/sqlite3", X_OK) != 0) {
        printf("no shell or extension here: left out; ");
        return;
    }
    snprintf(command, sizeof command, "/usr/bin/sqlite3 :memory: \".load %.580s\" \"SELECT plantree_open('%s')\" \"SELECT count(*), round(sum(value),3) FROM history WHERE path='plant/line1/level'\" 2>&1 | tail -1", so, dir);
    FILE *p = popen(command, "r");
    CHECK_FATAL(p != NULL);
    CHECK(fgets(line, sizeof line, p) != NULL);
    pclose(p);
    pt_buf want;
    pt_buf_init(&want, 1000);
    ask_plain("SELECT count(*), round(sum(value),3) FROM history WHERE path='plant/line1/level'", &want);
    CHECK(strncmp(line, "1000|", 5) == 0);
    if (strncmp(line, "1000|", 5) != 0) printf("%s\n", line);
    pt_buf_fini(&want);
}

static void end(void)
{
    CHECK_OK(hist_close(h, 1000, NULL));
    sqlite3_close(plain);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(the_history_table_answers_like_plain_rows),
        PT_TEST(buckets_answer_like_group_by),
        PT_TEST(constraints_are_pushed_down_and_explain_shows_it),
        PT_TEST(the_other_tables_are_there),
        PT_TEST(only_reading_is_allowed),
        PT_TEST(the_stock_shell_loads_the_extension),
        PT_TEST(end),
    };
    (void)argc;
    (void)argv;
    pt_fake_clock_init(&fake, NOW);
    return pt_test_main("historian/sql", tests, PT_COUNT_OF(tests), 1, argv);
}
