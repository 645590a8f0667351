/* tests/historian/sql_columns_test.c -- a stored value as an SQL value: exact where SQL can hold it, text or NULL where it can't. */
#include "historian/exchange/sql_tables.h"
#include "tests/historian/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void every_type_has_its_sql_value(void)
{
    static const uint64_t two[] = { UINT64_MAX, 1 };
    const struct {
        hist_sample s;
        const char *type, *text; /* of SQLite's value */
    } rows[] = {
        { { .type = SPB_INT64, .as.i64 = INT64_MIN }, "integer", "-9223372036854775808" },
        { { .type = SPB_UINT64, .as.u64 = INT64_MAX }, "integer", "9223372036854775807" },
        { { .type = SPB_UINT64, .as.u64 = UINT64_MAX }, "text", "18446744073709551615" },
        { { .type = SPB_DOUBLE, .as.f64 = 0.1 }, "real", "0.1" },
        { { .type = SPB_FLOAT, .as.f32 = 0.5f }, "real", "0.5" },
        { { .type = SPB_DOUBLE, .as.u64 = 0x7ff8000000000000u }, "null", NULL },
        { { .type = SPB_BOOLEAN, .as.boolean = true }, "integer", "1" },
        { { .type = SPB_STRING, .as.ptr = "x\"y", .len = 3 }, "text", "x\"y" },
        { { .type = SPB_BYTES, .as.ptr = "ab", .len = 2 }, "blob", "ab" },
        { { .type = SPB_UINT64_ARRAY, .as.ptr = (const char *)two, .len = sizeof two }, "text", "[18446744073709551615,1]" },
        { { .type = SPB_DOUBLE, .flags = HIST_NULL }, "null", NULL },
    };
    hist *h = open_store(new_dir(), 16);
    uint32_t tag = make_tag(h, "v", SPB_DOUBLE);
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        hist_sample s = rows[i].s;
        s.tag_id = tag;
        s.time_ms = NOW + (int64_t)i;
        append_one(h, s);
    }
    flush(h);
    CHECK_FATAL(sqlite3_open(":memory:", &db) == SQLITE_OK);
    CHECK_OK_FATAL(hist__sql_register(db, h, NULL));
    CHECK_FATAL(sqlite3_prepare_v2(db, "SELECT typeof(value), value, quality, historical FROM history WHERE tag_id=? ORDER BY time_ms", -1,
                                   &q, NULL) == SQLITE_OK);
    CHECK(sqlite3_bind_int64(q, 1, tag) == SQLITE_OK);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_FATAL(sqlite3_step(q) == SQLITE_ROW);
        const char *type = (const char *)sqlite3_column_text(q, 0), *text = (const char *)sqlite3_column_text(q, 1);
        pt_check_at(strcmp(type, rows[i].type) == 0 && (text ? rows[i].text && strcmp(text, rows[i].text) == 0 : !rows[i].text), false,
                    __FILE__, (int)i, "row %zu is %s %s", i, type, text ? text : "(NULL)");
        CHECK(strcmp((const char *)sqlite3_column_text(q, 2), "GOOD") == 0 && sqlite3_column_int(q, 3) == 0);
    }
    CHECK(sqlite3_step(q) == SQLITE_DONE);
    sqlite3_finalize(q);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_type_has_its_sql_value) };
    setup();
    return pt_test_main("historian/sql_columns", tests, PT_COUNT_OF(tests), argc, argv);
}
