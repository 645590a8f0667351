/* tests/historian/sql_tables_test.c -- the virtual tables against the same queries in plain SQL over a table filled from an export.
 *
 * The export is JSON Lines, read by SQLite's own JSON functions: nothing of the virtual tables is in the plain one. */
#include "base/random.h"
#include "historian/exchange/sql_tables.h"
#include "tests/historian/text_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAGS = 6, PER_TAG = 900 };
static hist *h;
static sqlite3 *db; /* has both: the virtual tables, and plain */

/* The answer as text, reals to 9 places; an error begins with "error: ". Valid until the second next call. */
static const char *ask(const char *sql)
{
    static pt_buf out[2];
    static unsigned k;
    k = !k;
    if (!out[k].max) pt_buf_init(&out[k], 256u << 20);
    pt_buf_reset(&out[k]);
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(q); i++) {
                if (i) pt_buf_char(&out[k], '|');
                int type = sqlite3_column_type(q, i);
                double v = sqlite3_column_double(q, i);
                if (type == SQLITE_FLOAT) pt_buf_printf(&out[k], "%.9g", v == 0 ? 0.0 : v);
                else if (type == SQLITE_BLOB) pt_buf_printf(&out[k], "blob of %d", sqlite3_column_bytes(q, i));
                else if (type == SQLITE_NULL) pt_buf_cstr(&out[k], "NULL");
                else pt_buf_slice(&out[k], pt_slice_of(sqlite3_column_text(q, i), (size_t)sqlite3_column_bytes(q, i)));
            }
            pt_buf_char(&out[k], '\n');
        }
    }
    if (rc != SQLITE_DONE) pt_buf_printf(&out[k], "error: %s", sqlite3_errmsg(db));
    sqlite3_finalize(q);
    pt_buf_char(&out[k], 0);
    CHECK_FATAL(pt_buf_status(&out[k]) == PT_OK);
    return out[k].ptr;
}

/* The same question with T replaced by one table and the other. */
static bool same_answer(const char *question)
{
    char sql[2][2000] = { "", "" };
    static const char *const tables[] = { "history", "plain" };
    for (int t = 0; t < 2; t++) {
        char *to = sql[t];
        for (const char *p = question; *p; p++) {
            if (*p == '$') to = stpcpy(to, tables[t]);
            else *to++ = *p;
        }
        *to = 0;
    }
    const char *got = ask(sql[0]), *want = ask(sql[1]);
    bool same = strcmp(got, want) == 0 && strncmp(want, "error", 5) != 0;
    if (!same) printf("%s\ngot  %.300s\nwant %.300s\n", sql[0], got, want);
    return same;
}

static void run(const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) printf("%s: %s\n", sql, why);
    CHECK_FATAL(why == NULL);
}

static void fill_plain(void)
{
    pt_buf text;
    uint64_t n = 0;
    pt_buf_init(&text, 256u << 20);
    hist_export_options o = { .format = HIST_JSONL, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = gather, .ctx = &text };
    CHECK_OK_FATAL(hist_export(h, &o, &n, NULL));
    run("DROP TABLE IF EXISTS line; DROP TABLE IF EXISTS every; CREATE TABLE line(l); BEGIN");
    sqlite3_stmt *put = NULL;
    CHECK_FATAL(sqlite3_prepare_v2(db, "INSERT INTO line VALUES(?1)", -1, &put, NULL) == SQLITE_OK);
    for (pt_slice rest = pt_buf_view(&text), line; rest.len && pt_slice_split(&rest, '\n', &line);) {
        if (line.len == 0) continue;
        sqlite3_bind_text64(put, 1, line.ptr, line.len, SQLITE_STATIC, SQLITE_UTF8);
        CHECK_FATAL(sqlite3_step(put) == SQLITE_DONE);
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
    pt_buf_fini(&text);
    run("COMMIT; CREATE TABLE every AS SELECT CAST(substr(l->>'path', -1) AS INTEGER) AS tag_id, l->>'path' AS path,"
        " CAST(round((julianday(substr(l->>'time', 1, 23)) - 2440587.5) * 86400000.0) AS INTEGER) AS time_ms,"
        " CASE WHEN l->>'type' IN ('Double', 'Float') AND l->>'value' = 'NaN' THEN NULL WHEN l->>'value' = 'Infinity' THEN 9e999"
        " WHEN l->>'type' = 'Double' THEN CAST(l->>'value' AS REAL) ELSE l->>'value' END AS value,"
        " l->>'quality' AS quality, l->>'flags' LIKE '%H%' AS historical, l->>'flags' LIKE '%S%' AS state, l->>'type' AS type FROM line");
    run("CREATE INDEX IF NOT EXISTS every_i ON every(tag_id, time_ms); CREATE TEMP VIEW IF NOT EXISTS plain AS SELECT tag_id, path, time_ms, value, quality, historical FROM every WHERE NOT state");
}

static void fill(void)
{
    hist_options o = options_for(new_dir(), 64);
    h = open_with(&o);
    CHECK_FATAL(sqlite3_open(":memory:", &db) == SQLITE_OK);
    CHECK_OK_FATAL(hist__sql_register(db, h, NULL));
    pt_random rnd = pt_random_seed(3);
    static const uint8_t types[TAGS] = { SPB_DOUBLE, SPB_DOUBLE, SPB_STRING, SPB_INT64, SPB_UINT64, SPB_BOOLEAN };
    static const char *const words[] = { "on", "off", "", "it's \"quoted\"", "\xc3\xa4" };
    for (uint32_t t = 1; t <= TAGS; t++) {
        char path[30];
        uint32_t id = 0;
        snprintf(path, sizeof path, "plant/Line/level%u", t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(path) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), types[t - 1], PT_LIT("m"), &id));
        CHECK_INT(id, t);
        int64_t at = NOW;
        for (int i = 0; i < PER_TAG; i++) {
            at += 1 + (int64_t)pt_random_below(&rnd, 2000) + (i == 500 ? 5 * DAY : 0);
            hist_sample s = { .tag_id = id, .time_ms = at, .type = types[t - 1], .quality = (uint8_t)(i % 40 ? SPB_GOOD : i % 3 + 1) };
            switch (types[t - 1]) {
            case SPB_DOUBLE:
                s.as.f64 = i % 97 == 1 ? NAN : t == 2 && i % 200 == 3 ? INFINITY : (double)pt_random_below(&rnd, 1000) / 4;
                break;
            case SPB_STRING: s = str(id, at, words[pt_random_below(&rnd, PT_COUNT_OF(words))]); break;
            case SPB_INT64: s.as.i64 = (int64_t)pt_random_u64(&rnd) >> (i % 60); break;
            case SPB_UINT64: s.as.u64 = pt_random_u64(&rnd) >> (i % 60); break;
            default: s.as.u64 = pt_random_below(&rnd, 2); break;
            }
            if (i % 53 == 7) s.flags = HIST_NULL;
            if (i % 31 == 5) s.flags |= HIST_HISTORICAL;
            if (i % 71 == 9) s = state_row(id, at);
            append_one(h, s);
        }
    }
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = PT_LIT("g/e"), .detail = PT_LIT("{}") };
    CHECK_OK(hist_event_append(h, &e));
    for (int i = 1; i < 50; i++) {
        e = (hist_event){ .time_ms = NOW + i * 7 % 13, .type = i % 2 ? PT_LIT("write") : PT_LIT("ndeath"), .path = PT_LIT("a/b") };
        CHECK_OK(hist_event_append(h, &e));
    }
    flush(h);
    fill_plain();
    CHECK(same_answer("SELECT count(*) FROM $"));
    CHECK(strtoll(ask("SELECT count(*) FROM plain"), NULL, 10) > TAGS * (PER_TAG - 20));
}

static void the_history_table_answers_like_plain_rows(void)
{
    static const char *const queries[] = {
        "SELECT count(*), min(time_ms), max(time_ms) FROM $",
        "SELECT * FROM $ ORDER BY tag_id, time_ms",
        "SELECT tag_id, path, time_ms, value, quality, historical FROM $ WHERE tag_id=2 ORDER BY time_ms",
        "SELECT typeof(value), count(*) FROM $ GROUP BY tag_id, 1 ORDER BY tag_id, 1",
        "SELECT * FROM $ WHERE path='plant/Line/level3' ORDER BY time_ms DESC LIMIT 7",
        "SELECT * FROM $ WHERE path='plant/Line/level3' ORDER BY time_ms LIMIT 7 OFFSET 300",
        "SELECT time_ms, value FROM $ WHERE path='plant/Line/level1' AND time_ms BETWEEN 1750000100000 AND 1750000300000 ORDER BY time_ms",
        "SELECT time_ms FROM $ WHERE tag_id=1 AND time_ms > 1750000100000 AND time_ms < 1750000200000 ORDER BY time_ms",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms <= (SELECT time_ms FROM plain WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms < (SELECT time_ms FROM plain WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms >= (SELECT time_ms FROM plain WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms = (SELECT time_ms FROM plain WHERE tag_id=1 ORDER BY time_ms LIMIT 1 OFFSET 500)",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms IN (SELECT time_ms FROM plain WHERE tag_id=1 AND time_ms % 3 = 0)",
        "SELECT count(*) FROM $ WHERE time_ms = (SELECT max(time_ms) FROM plain)",
        "SELECT tag_id, count(*), round(avg(value), 6) FROM $ WHERE quality='GOOD' AND tag_id IN (1, 4) GROUP BY tag_id ORDER BY tag_id",
        "SELECT a.time_ms, b.value FROM $ a JOIN $ b ON b.tag_id=a.tag_id+1 AND b.time_ms > a.time_ms AND b.time_ms < a.time_ms+200 WHERE a.tag_id=1 ORDER BY 1,2",
        "SELECT count(*) FROM $ WHERE path='nothing/here'",
        "SELECT count(*) FROM $ WHERE tag_id IN (1, 3, 99) AND value='on'",
        "SELECT time_ms FROM $ WHERE tag_id IN (3, 1, 2) ORDER BY time_ms LIMIT 50",
        "SELECT count(*) FROM $ WHERE tag_id=1 OR path='plant/Line/level2'",
        "SELECT count(*) FROM $ WHERE tag_id=1 OR time_ms > 1750000400000 OR path='plant/Line/level2'",
        "SELECT count(*) FROM $ WHERE (tag_id=1 AND time_ms < 1750000400000) OR (tag_id=1 AND time_ms < 1750000500000) OR tag_id=3",
        "SELECT count(*) FROM $ WHERE path LIKE 'PLANT/%/level3'",
        "SELECT count(*) FROM $ WHERE path GLOB 'plant/*/level[34]'",
        "SELECT count(*) FROM $ WHERE path='PLANT/LINE/LEVEL1'",
        "SELECT count(*) FROM $ WHERE path='PLANT/LINE/LEVEL1' COLLATE NOCASE",
        "SELECT count(*) FROM $ WHERE path IN ('plant/Line/level1', 'x', NULL)",
        "SELECT count(*) FROM $ WHERE path = NULL",
        "SELECT count(*) FROM $ WHERE path IS NULL",
        "SELECT count(*) FROM $ WHERE path > 'plant/Line/level3'",
        "SELECT count(*) FROM $ WHERE tag_id = NULL",
        "SELECT count(*) FROM $ WHERE tag_id = 1.5",
        "SELECT count(*) FROM $ WHERE tag_id = '2'",
        "SELECT count(*) FROM $ WHERE tag_id = -1 OR tag_id = 0 OR tag_id = 4294967297",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms > 1750000100000.5",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms < 1750000100000.5",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms < 'a text'",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms > 'a text'",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms <= x'00'",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms < NULL",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms >= -9e99 AND time_ms <= 9e99",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms > 9223372036854775807",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms >= -9223372036854775808 AND time_ms <= 9223372036854775807",
        "SELECT count(*) FROM $ WHERE tag_id=1 AND time_ms BETWEEN 1750000300000 AND 1750000100000",
        "SELECT time_ms - lag(time_ms) OVER (ORDER BY time_ms) AS gap FROM $ WHERE tag_id=2 ORDER BY gap DESC LIMIT 3",
        "SELECT path, count(*) FROM $ WHERE historical GROUP BY path HAVING count(*) > 5 ORDER BY path DESC",
        "SELECT DISTINCT quality FROM $ ORDER BY quality",
        "SELECT count(*) FROM (SELECT tag_id, time_ms FROM $ EXCEPT SELECT tag_id, time_ms FROM plain)",
        "SELECT p.tag_id, (SELECT value FROM $ x WHERE x.tag_id=p.tag_id AND x.time_ms <= 1750000400000 ORDER BY x.time_ms DESC LIMIT 1) FROM (SELECT DISTINCT tag_id FROM plain) p ORDER BY 1",
        "SELECT count(*) FROM $ a LEFT JOIN $ b ON b.tag_id = a.tag_id AND b.time_ms = a.time_ms + 1 WHERE a.tag_id = 4 AND b.time_ms IS NULL",
        "WITH r(t) AS (SELECT 1 UNION ALL SELECT t+1 FROM r WHERE t < 8) SELECT t, (SELECT count(*) FROM $ WHERE tag_id = t) FROM r",
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PT_COUNT_OF(queries); i++)
            CHECK_ROW(queries[i], same_answer(queries[i]));
        seal(h);
    }
}

/* Any combination of constraints and orders. */
static void random_queries_answer_alike(void)
{
    pt_random rnd = pt_random_seed(99);
    static const char *const tags[] = { "tag_id=1", "tag_id=4", "tag_id IN (2,5)", "path='plant/Line/level3'", "path='plant/Line/level6'",
                                        "tag_id>3", "1" };
    static const char *const lower[] = { "time_ms>%lld", "time_ms>=%lld", "time_ms=%lld", "%lld<time_ms", "1 OR %lld" };
    static const char *const upper[] = { "time_ms<%lld", "time_ms<=%lld", "%lld>=time_ms", "1 OR %lld" };
    static const char *const orders[] = { "tag_id, time_ms",      "time_ms, tag_id",          "time_ms DESC, tag_id",
                                          "tag_id DESC, time_ms", "quality, time_ms, tag_id", "tag_id, time_ms DESC" };
    for (unsigned k = 0; k < 300; k++) {
        char question[600], from[60], to[60];
        int64_t a = strtoll(ask("SELECT time_ms FROM plain ORDER BY random() LIMIT 1"), NULL, 10),
                b = a + (int64_t)pt_random_below(&rnd, k % 5 ? 200000 : 6 * DAY);
        snprintf(from, sizeof from, lower[pt_random_below(&rnd, PT_COUNT_OF(lower))], (long long)a);
        snprintf(to, sizeof to, upper[pt_random_below(&rnd, PT_COUNT_OF(upper))], (long long)b);
        snprintf(question, sizeof question, "SELECT tag_id, time_ms, value, quality FROM $ WHERE %s AND (%s) AND (%s) ORDER BY %s LIMIT %d",
                 tags[pt_random_below(&rnd, PT_COUNT_OF(tags))], from, to, orders[pt_random_below(&rnd, PT_COUNT_OF(orders))],
                 (int)pt_random_below(&rnd, 400));
        CHECK(same_answer(question));
    }
}

/* Every column of `bucket` in plain SQL; buckets are a recursive series, the time-weighted average comes from the rows' overlap with each.
 */
static void buckets_answer_like_group_by(void)
{
    static const struct {
        int64_t from, to, width;
    } rows[] = { { NOW, NOW + 1200000, 60000 },
                 { NOW + 12345, NOW + 900001, 7000 },
                 { NOW - 100000, NOW + 6 * DAY, DAY },
                 { NOW + 300000, NOW + 300500, 1000 },
                 { NOW, NOW + 20 * DAY, 20 * DAY } };
    fake.now_wall_ms = NOW + 8 * DAY;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        for (uint32_t tag = 1; tag <= TAGS; tag++) {
            if (tag == 4 || tag == 5) continue; /* sums of huge integers differ in the last places */
            char want[3100], got[600];
            snprintf(
                want, sizeof want,
                "WITH RECURSIVE b(t, e) AS (SELECT %lld, min(%lld, %lld) UNION ALL SELECT e, min(e + %lld, %lld) FROM b WHERE e < %lld),"
                " r AS (SELECT time_ms, state, quality, CASE WHEN typeof(value) <> 'text' THEN value*1.0 END AS value, NOT state AND quality IN ('GOOD','UNCERTAIN') AND value IS NOT NULL AND type IN ('Double','Boolean') AS u,"
                "  coalesce(lead(time_ms) OVER (ORDER BY time_ms, state), max(time_ms, %lld)) AS until FROM every WHERE tag_id=%u)"
                " SELECT b.t, (SELECT count(*) FROM r WHERE time_ms>=t AND time_ms<e AND NOT state),"
                " (SELECT min(value) FROM r WHERE time_ms>=t AND time_ms<e AND u), (SELECT max(value) FROM r WHERE time_ms>=t AND time_ms<e AND u),"
                " (SELECT round(avg(value),6) FROM r WHERE time_ms>=t AND time_ms<e AND u),"
                " (SELECT value FROM r WHERE time_ms>=t AND time_ms<e AND u ORDER BY time_ms LIMIT 1), (SELECT value FROM r WHERE time_ms>=t AND time_ms<e AND u ORDER BY time_ms DESC LIMIT 1),"
                " (SELECT round(sum(value),6) FROM r WHERE time_ms>=t AND time_ms<e AND u),"
                " (SELECT CASE WHEN count(*)>1 THEN round(sqrt(max(0.0, (sum(value*value)-sum(value)*sum(value)/count(*))/(count(*)-1))),5) END FROM r WHERE time_ms>=t AND time_ms<e AND u),"
                " (SELECT round(sum(value*(min(until,e)-max(time_ms,t)))/nullif(sum(min(until,e)-max(time_ms,t)),0),6) FROM r WHERE u AND time_ms<e AND until>t),"
                " (SELECT count(*) FROM r WHERE time_ms>=t AND time_ms<e AND NOT state AND quality='GOOD'), (SELECT count(*) FROM r WHERE time_ms>=t AND time_ms<e AND u)"
                " FROM b ORDER BY b.t",
                (long long)rows[i].from, (long long)(rows[i].from + rows[i].width), (long long)rows[i].to, (long long)rows[i].width,
                (long long)rows[i].to, (long long)rows[i].to, (long long)fake.now_wall_ms, tag);
            snprintf(
                got, sizeof got,
                "SELECT t_ms, count, min, max, round(avg,6), first, last, round(sum,6), round(stddev,5), round(twa,6), good, nums FROM bucket(%lld, %lld, %lld) WHERE tag_id=%u ORDER BY t_ms",
                (long long)rows[i].from, (long long)rows[i].to, (long long)rows[i].width, tag);
            const char *a = ask(got), *b = ask(want);
            bool same = strcmp(a, b) == 0;
            if (tag == 2 && !same) { /* infinities: their mean and spread are no numbers, which the two say differently */
                snprintf(got, sizeof got,
                         "SELECT t_ms, count, min, max, first, last, good, nums FROM bucket(%lld, %lld, %lld) WHERE tag_id=2 ORDER BY t_ms",
                         (long long)rows[i].from, (long long)rows[i].to, (long long)rows[i].width);
                char plain[3500];
                snprintf(
                    plain, sizeof plain,
                    "SELECT column1, column2, column3, column4, column6, column7, column11, column12 FROM (SELECT * FROM (VALUES(0,0,0,0,0,0,0,0,0,0,0,0)) WHERE 0 UNION ALL SELECT * FROM (%s))",
                    want);
                a = ask(got);
                b = ask(plain);
                same = strcmp(a, b) == 0;
            }
            CHECK(same && strncmp(b, "error", 5) != 0);
            if (!same) printf("tag %u, range %zu\ngot  %.600s\nwant %.600s\n", tag, i, a, b);
        }
    }
    fake.now_wall_ms = NOW;
}

static void buckets_of_all_tags_and_by_where(void)
{
    const char *a = ask("SELECT tag_id, path, from_ms, to_ms, interval_ms, t_ms, count FROM bucket(1750000000000, 1750000100000, 50000)");
    const char *b = ask(
        "SELECT tag_id, path, from_ms, to_ms, interval_ms, t_ms, count FROM bucket WHERE to_ms=1750000100000 AND interval_ms=50000 AND from_ms=1750000000000 ORDER BY tag_id, t_ms");
    CHECK_STR(pt_cstr(a), b);
    CHECK(strncmp(a, "1|plant/Line/level1|1750000000000|1750000100000|50000|1750000000000|", 67) == 0);
    static const struct {
        const char *sql, *why;
    } rows[] = {
        { "SELECT * FROM bucket WHERE tag_id=1", "interval_ms" },
        { "SELECT * FROM bucket(1, 2) WHERE tag_id=1", "from_ms, to_ms and interval_ms are needed" },
        { "SELECT * FROM bucket", "from_ms, to_ms and interval_ms are needed" },
        { "SELECT * FROM bucket WHERE tag_id=1 OR path='x'", "from_ms, to_ms and interval_ms are needed" },
        { "SELECT * FROM bucket(1, 2, 0) WHERE tag_id=1", "positive" },
        { "SELECT * FROM bucket(0, 1000000000, 1) WHERE tag_id=1", "intervals" },
        { "SELECT * FROM bucket(NULL, 2, 1) WHERE tag_id=1", "from_ms and to_ms are numbers of ms, not NULL" },
        { "SELECT * FROM bucket(1, NULL, 1)", "not NULL" },
        { "SELECT * FROM bucket(1, x'32', 1) WHERE tag_id=1", "not a blob" },
        { "SELECT * FROM bucket('2025-06-15', 2, 1) WHERE tag_id=1", "not a text" },
        { "SELECT * FROM bucket(1, 2, NULL) WHERE tag_id=1", "interval_ms is a number of ms or a text such as '1d', not NULL" },
        { "SELECT * FROM bucket(1, 2, x'3164') WHERE tag_id=1", "not a blob" },
        { "SELECT * FROM bucket(1, 2, '1d', x'555443') WHERE tag_id=1", "the time zone is a text, not a blob" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *got = ask(rows[i].sql);
        CHECK_ROW(rows[i].sql, strncmp(got, "error: ", 7) == 0 && strstr(got, rows[i].why) != NULL);
    }
    CHECK_STR(pt_cstr(ask("SELECT count(*) FROM bucket(5, 5, 1)")), "0\n");
    static const char *const ors[][2] = {
        { "tag_id=1 OR tag_id=2", "tag_id IN (1,2)" },
        { "tag_id=1 OR t_ms=1750000000000", "coalesce(tag_id=1,0) + (t_ms=1750000000000) > 0" },
        { "path='a/b' OR tag_id=2", "tag_id=2" },
        { "(tag_id=1 AND t_ms<1750000050000) OR (tag_id=2 AND t_ms>1750000020000)",
          "CASE tag_id WHEN 1 THEN t_ms<1750000050000 WHEN 2 THEN t_ms>1750000020000 END" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(ors); i++) { /* its terms alone have no range */
        char sql[300], want[2000];
        snprintf(sql, sizeof sql, "SELECT count(*), sum(count), sum(t_ms) FROM bucket(1750000000000, 1750000100000, 10000) WHERE %s",
                 ors[i][1]);
        snprintf(want, sizeof want, "%s", ask(sql));
        snprintf(sql, sizeof sql, "SELECT count(*), sum(count), sum(t_ms) FROM bucket(1750000000000, 1750000100000, 10000) WHERE %s",
                 ors[i][0]);
        CHECK_STR(pt_cstr(ask(sql)), want);
        CHECK_ROW(sql, strncmp(want, "error", 5) != 0 && strncmp(want, "0|", 2) != 0);
    }
    CHECK_STR(
        pt_cstr(ask(
            "SELECT tag.tag_id, sum(count) > 0 FROM tag, bucket(1750000000000, 1750001000000, 1000) b WHERE b.tag_id = tag.tag_id AND tag.tag_id < 3 GROUP BY 1")),
        "1|1\n2|1\n");
}

/* What SQLite compares with a column of another kind is more or less than all of it, or unknown; here as in a table of its own. */
static void constraints_of_another_kind_match_what_they_would_in_a_plain_table(void)
{
    static const char *const rows[] = {
        "path = x'706c616e742f4c696e652f6c6576656c31'",
        "path = NULL",
        "path = 7",
        "tag_id = x'31'",
        "tag_id = NULL",
        "tag_id = '1'",
        "tag_id = 1 AND time_ms >= x'31'",
        "tag_id = 1 AND time_ms <= x'31'",
        "tag_id = 1 AND time_ms = x'31'",
        "tag_id = 1 AND time_ms < NULL",
        "tag_id = 1 AND time_ms > NULL",
        "tag_id = 1 AND time_ms >= 'often'",
        "tag_id = 1 AND time_ms <= 'often'",
        "tag_id = 1 AND time_ms >= '1750000100000'",
        "tag_id = 1 AND time_ms <= 1750000100000.5",
        "path IN (x'31', 'plant/Line/level2')",
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char question[300];
        snprintf(question, sizeof question, "SELECT count(*), min(time_ms), max(time_ms) FROM $ WHERE %s", rows[i]);
        CHECK_ROW(rows[i], same_answer(question));
    }
    static const char *const none[] = { "SELECT count(*) FROM tag WHERE path = x'706c616e742f4c696e652f6c6576656c31'",
                                        "SELECT count(*) FROM tag_storage WHERE path = x'706c616e742f4c696e652f6c6576656c31'",
                                        "SELECT count(*) FROM bucket(1, 2, 1) WHERE path = x'706c616e742f4c696e652f6c6576656c31'",
                                        "SELECT count(*) FROM event WHERE seq > x'31' OR time_ms >= x'31'" };
    for (size_t i = 0; i < PT_COUNT_OF(none); i++)
        CHECK_ROW(none[i], strcmp(ask(none[i]), "0\n") == 0);
}

/* The day of Berlin in which summer ended has 25 hours. */
static void buckets_follow_a_calendar(void)
{
    const char *days =
        "SELECT group_concat(t_ms), min(tz), max(interval_ms) FROM (SELECT t_ms, tz, interval_ms FROM bucket(1761400000000, 1761700000000, '1d', 'Europe/Berlin') WHERE tag_id=1)";
    CHECK_STR(pt_cstr(ask(days)), "1761400000000,1761429600000,1761519600000,1761606000000,1761692400000|Europe/Berlin|1d\n");
    CHECK_STR(
        pt_cstr(ask(
            "SELECT group_concat(t_ms), max(tz) FROM (SELECT t_ms, tz, interval_ms FROM bucket(1761400000000, 1761500000000, '1d') WHERE tag_id=1)")),
        "1761400000000,1761436800000|UTC\n");
    CHECK_STR(pt_cstr(ask("SELECT max(tz) FROM bucket(1761400000000, 1761500000000, 50000000) WHERE tag_id=1")), "\n");
    CHECK_STR(pt_cstr(ask("SELECT sum(count) FROM bucket(1750000000000, 1750100000000, '8h', 'Asia/Kolkata') WHERE tag_id=1")),
              ask("SELECT count(*) FROM history WHERE tag_id=1 AND time_ms >= 1750000000000 AND time_ms < 1750100000000"));
    static const struct {
        const char *sql, *why;
    } rows[] = {
        { "SELECT * FROM bucket(1, 2, '1d', 'Europe/Nowhere') WHERE tag_id=1", "Nowhere" },
        { "SELECT * FROM bucket(1, 2, '7m', 'Europe/Berlin') WHERE tag_id=1", "7m" },
        { "SELECT * FROM bucket(1, 2, 60000, 'Europe/Berlin') WHERE tag_id=1", "a text such as '1d'" },
        { "SELECT * FROM bucket(1, 2, 'often') WHERE tag_id=1", "often" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *got = ask(rows[i].sql);
        CHECK_ROW(rows[i].sql, strncmp(got, "error: ", 7) == 0 && strstr(got, rows[i].why) != NULL);
    }
}

static void constraints_are_pushed_down_and_explain_shows_it(void)
{
    static const struct {
        const char *sql, *plan;
        bool sorts;
    } rows[] = {
        { "EXPLAIN QUERY PLAN SELECT * FROM history WHERE path='x' AND time_ms>=5 AND time_ms<9 ORDER BY time_ms",
          "path=? time_ms>=? time_ms<=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM history WHERE tag_id=1 ORDER BY time_ms", "tag_id=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM history WHERE tag_id=1 ORDER BY time_ms DESC", "tag_id=?", true },
        { "EXPLAIN QUERY PLAN SELECT * FROM history ORDER BY time_ms", "all", true },
        { "EXPLAIN QUERY PLAN SELECT * FROM history ORDER BY tag_id, time_ms", "all", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM bucket(1,2,3) WHERE tag_id=1", "tag_id=? from_ms=? to_ms=? interval_ms=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM event WHERE seq>5 ORDER BY seq", "seq>?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM event WHERE time_ms>5 ORDER BY time_ms", "time_ms>=?", true },
        { "EXPLAIN QUERY PLAN SELECT * FROM tag WHERE path='x'", "path=?", false },
        { "EXPLAIN QUERY PLAN SELECT * FROM tag_path WHERE tag_id=1", "tag_id=?", false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *out = ask(rows[i].sql);
        CHECK_ROW(rows[i].sql, strstr(out, rows[i].plan) != NULL);
        CHECK_ROW(rows[i].sql, (strstr(out, "TEMP B-TREE") != NULL) == rows[i].sorts);
    }
}

static void the_other_tables_are_there(void)
{
    CHECK_STR(
        pt_cstr(ask(
            "SELECT tag_id, source, group_id, edge, device, path, type, unit, samples = (SELECT count(*) FROM plain p WHERE p.tag_id=tag.tag_id) FROM tag WHERE tag_id BETWEEN 3 AND 4 ORDER BY tag_id")),
        "3|spb|g|e|d|plant/Line/level3|String|m|1\n4|spb|g|e|d|plant/Line/level4|Int64|m|1\n");
    CHECK_STR(
        pt_cstr(ask(
            "SELECT tag_id, first_ms = (SELECT min(time_ms) FROM plain WHERE tag_id=2), last_ms = (SELECT max(time_ms) FROM plain WHERE tag_id=2) FROM tag WHERE path='plant/Line/level2'")),
        "2|1|1\n");
    CHECK_STR(pt_cstr(ask("SELECT count(*) FROM tag")), "6\n");
    CHECK_STR(pt_cstr(ask("SELECT count(*) FROM tag WHERE path='plant/line/level2' COLLATE NOCASE")), "1\n");
    CHECK_STR(pt_cstr(ask("SELECT seq, time_ms, type, node, device, detail FROM event WHERE seq < 3")),
              "1|1750000000000|nbirth|g/e|NULL|{}\n2|1750000000007|write|NULL|NULL|NULL\n");
    CHECK_STR(
        pt_cstr(ask("SELECT count(*), sum(seq) FROM event WHERE time_ms >= 1750000000005 AND time_ms < 1750000000009 AND seq > 10")),
        ask("SELECT count(*), sum(seq) FROM (SELECT seq, time_ms FROM event LIMIT 1000) WHERE time_ms+0 >= 1750000000005 AND time_ms+0 < 1750000000009 AND seq+0 > 10"));
    CHECK_STR(pt_cstr(ask("SELECT seq FROM event WHERE type='ndeath' ORDER BY seq DESC LIMIT 2")), "49\n47\n");
    CHECK_STR(pt_cstr(ask("SELECT tag_id, path, to_ms FROM tag_path WHERE tag_id=4")), "4|plant/Line/level4|NULL\n");
    CHECK_STR(pt_cstr(ask("SELECT count(*) FROM tag_path")), "6\n");
    CHECK_STR(pt_cstr(ask("SELECT count(*) FROM tag_path WHERE tag_id=99")), "0\n");
    CHECK(strncmp(ask("INSERT INTO history VALUES(1,2,3,4,5,6)"), "error: ", 7) == 0);
    CHECK(strncmp(ask("DELETE FROM tag"), "error: ", 7) == 0);
}

static void a_former_path_still_leads_to_the_samples(void)
{
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), PT_LIT("plant/Line/level1") };
    uint32_t id = 0;
    fake.now_wall_ms = NOW + 8 * DAY; /* all its samples are of before */
    CHECK_OK(hist_tag_ensure(h, &key, PT_LIT("moved/level1"), SPB_DOUBLE, PT_LIT("m"), &id));
    flush(h);
    CHECK_STR(pt_cstr(ask("SELECT path, count(*) > 800 FROM history WHERE path='plant/Line/level1' GROUP BY 1")), "plant/Line/level1|1\n");
    CHECK_STR(pt_cstr(ask("SELECT path, count(*) > 800 FROM history WHERE path='moved/level1' GROUP BY 1")), "moved/level1|1\n");
    CHECK_STR(pt_cstr(ask("SELECT path, to_ms IS NULL FROM tag_path WHERE tag_id=1 ORDER BY from_ms")),
              "plant/Line/level1|0\nmoved/level1|1\n");
}

static unsigned released;
static void count_release(hist *gone)
{
    released++;
    CHECK_OK(hist_close(gone, 0, NULL));
}

static void the_store_is_let_go_when_the_connection_closes(void)
{
    const char *dir = new_dir();
    close_ok(filled_store(dir));
    sqlite3 *other = NULL;
    CHECK_FATAL(sqlite3_open(":memory:", &other) == SQLITE_OK);
    CHECK_OK(hist__sql_register(other, open_reader(dir), count_release));
    CHECK_INT(released, 0);
    CHECK_OK(hist__sql_register(other, open_reader(dir), count_release)); /* in place of the first */
    CHECK_INT(released, 1);
    char *why = NULL;
    CHECK(sqlite3_exec(other, "SELECT count(*) FROM history", NULL, NULL, &why) == SQLITE_OK);
    sqlite3_free(why);
    run_sql(partition_in(dir, NOW + 10 * DAY), "UPDATE data SET data=x'00'");
    why = NULL;
    CHECK(sqlite3_exec(other, "SELECT count(*) FROM history", NULL, NULL, &why) == SQLITE_CORRUPT); /* never a shorter answer */
    CHECK(why && strstr(why, "tag 1, block at") != NULL);
    sqlite3_free(why);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    CHECK_INT(released, 2);
}

static void end(void)
{
    CHECK(sqlite3_close(db) == SQLITE_OK);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fill),
        PT_TEST(the_history_table_answers_like_plain_rows),
        PT_TEST(random_queries_answer_alike),
        PT_TEST(buckets_answer_like_group_by),
        PT_TEST(buckets_of_all_tags_and_by_where),
        PT_TEST(constraints_of_another_kind_match_what_they_would_in_a_plain_table),
        PT_TEST(buckets_follow_a_calendar),
        PT_TEST(constraints_are_pushed_down_and_explain_shows_it),
        PT_TEST(the_other_tables_are_there),
        PT_TEST(a_former_path_still_leads_to_the_samples),
        PT_TEST(the_store_is_let_go_when_the_connection_closes),
        PT_TEST(end),
    };
    (void)argc;
    setup();
    return pt_test_main("historian/sql_tables", tests, PT_COUNT_OF(tests), 1, argv);
}
