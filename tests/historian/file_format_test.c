/* tests/historian/file_format_test.c -- docs/file-format.md is enough for a second reader: format_decoder.c, written from the page alone,
 * reads what the historian wrote, block by block and row by row; and the tables are those of the page. */
#include "base/random.h"
#include "tests/historian/format_decoder.h"
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_string(uint8_t type)
{
    return hist__family_of_type(type) == HIST__BYTES;
}

static bool same_row(const fd_row *a, const hist_sample *b)
{
    if (a->tag_id != b->tag_id || a->time_ms != b->time_ms || a->type != b->type || a->quality != b->quality || a->flags != b->flags)
        return false;
    if (!hist__has_value(b)) return true;
    if (is_string(b->type)) return a->len == b->len && memcmp(a->bytes, b->as.ptr, a->len) == 0;
    return a->word == b->as.u64;
}

/* A stream of one character, so that each encoding and each column transform is the best for some. */
static void make_rows(pt_random *r, unsigned character, uint32_t tag, hist_sample *s, size_t n)
{
    static const uint8_t types[] = {
        SPB_DOUBLE, SPB_DOUBLE,  SPB_DOUBLE,   SPB_FLOAT,  SPB_FLOAT, SPB_FLOAT,   SPB_INT64,       SPB_UINT64,
        SPB_INT8,   SPB_BOOLEAN, SPB_DATETIME, SPB_STRING, SPB_BYTES, SPB_DATASET, SPB_INT32_ARRAY, SPB_UINT16
    };
    static char texts[8192][40]; /* a ring: longer than what is in use at once */
    static size_t next;
    uint8_t type = types[character % PT_COUNT_OF(types)];
    unsigned how = (unsigned)pt_random_below(r, 6);
    int64_t t = (int64_t)pt_random_below(r, 4000000000000) - 1000000000000;
    double level = 20;
    for (size_t i = 0; i < n; i++) {
        t += how == 0   ? 1000
             : how == 1 ? 1 + (int64_t)pt_random_below(r, 3)
             : how == 2 ? 60000 + (int64_t)pt_random_below(r, 50)
                        : 1 + (int64_t)(pt_random_u64(r) >> (30 + pt_random_below(r, 30)));
        hist_sample x = { .tag_id = tag, .time_ms = t, .type = type };
        uint64_t bits = pt_random_u64(r);
        level += pt_random_unit(r) - 0.5;
        double v = how == 1   ? round(level * 100) / 100
                   : how == 2 ? 3.25
                   : how == 3 ? level * M_PI
                   : how == 4 ? (double)pt_random_below(r, 3) / 3
                              : round(level);
        switch (hist__family_of_type(type)) {
        case HIST__F64:
            x.as.f64 = v;
            if (how == 5 && i % 3) x.as.u64 = bits;
            if (how == 1 && i % 50 == 7) x.as.f64 = NAN;
            break;
        case HIST__F32:
            x.as.u64 = 0;
            x.as.f32 = (float)v;
            if (how == 5 && i % 3) x.as.u64 = (uint32_t)bits;
            break;
        case HIST__BYTES:
            x.as.ptr = texts[++next % PT_COUNT_OF(texts)];
            if (how < 3) x.len = (uint32_t)snprintf(texts[next % PT_COUNT_OF(texts)], 40, "state %u", (unsigned)(bits % 4));
            else x.len = (uint32_t)snprintf(texts[next % PT_COUNT_OF(texts)], 40, "%llx", (unsigned long long)bits) % (how * 5);
            break;
        default:
            x.as.u64 = how == 0 ? 7 : how == 1 ? i * 3 : how == 2 ? bits % 100 : how == 3 ? bits : i / 40 + (i % 100 == 50 ? 1000000 : 0);
            break;
        }
        if (type == SPB_BOOLEAN) x.as.u64 &= 1;
        if (type == SPB_INT8) x.as.i64 = (int8_t)x.as.u64;
        if (type == SPB_UINT16) x.as.u64 &= 65535;
        if (how > 3 && bits % 13 == 0) x.quality = (uint8_t)(bits >> 20 & 3);
        if (how == 4 && bits % 17 == 0) x.flags |= HIST_NULL;
        if (how == 4 && bits % 19 == 0) x.flags = HIST_STATE;
        if (how == 5 && bits % 23 == 0) x.flags |= HIST_HISTORICAL;
        if (!hist__has_value(&x)) x.as.u64 = 0, x.len = 0;
        s[i] = x;
    }
}

static void every_encoding_of_a_block_is_read(void)
{
    pt_random rnd = pt_random_seed(2026);
    hist__codec *codec = NULL;
    static hist_sample s[2000];
    unsigned seen[9] = { 0 };
    pt_buf blob;
    CHECK_OK_FATAL(hist__codec_new(&codec));
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    for (unsigned round = 0; round < 2000; round++) {
        size_t n = 1 + pt_random_below(&rnd, round % 10 ? 200 : 2000);
        make_rows(&rnd, round, 1 + round * 1000003u, s, n);
        if (round % 97 == 0) {
            for (size_t i = 0; i < n; i++)
                s[i] = state_row(s[i].tag_id, s[i].time_ms); /* nothing has a value */
        }
        CHECK_OK_FATAL(hist__block_encode(codec, s[0].tag_id, s, n, &blob));
        fd_result got;
        fd_block((const uint8_t *)blob.ptr, blob.len, &got);
        bool ok = !got.fault && got.n == n;
        for (size_t i = 0; ok && i < n; i++)
            ok = same_row(&got.rows[i], &s[i]);
        CHECK(ok);
        if (!ok) printf("round %u, encoding %u: %s\n", round, got.encoding, got.fault ? got.fault : "differs");
        if (ok) seen[got.encoding]++;
        fd_free(&got);
        blob.ptr[pt_random_below(&rnd, blob.len)] ^= 1; /* its checksum is ours as well */
        fd_block((const uint8_t *)blob.ptr, blob.len, &got);
        CHECK(got.fault != NULL);
        fd_free(&got);
    }
    for (size_t e = 0; e < PT_COUNT_OF(seen); e++) {
        CHECK(seen[e] > 0);
        if (!seen[e]) printf("encoding %zu was never the best\n", e);
    }
    pt_buf_fini(&blob);
    hist__codec_free(codec);
}

static void every_journal_row_is_read(void)
{
    pt_random rnd = pt_random_seed(11);
    static hist_sample s[600];
    pt_buf blob;
    pt_buf_init(&blob, 1 << 24);
    for (unsigned round = 0; round < 500; round++) {
        size_t n = 0;
        for (unsigned part = 0; part < 1 + round % 3; part++) { /* several tags and types one behind the other */
            size_t more = 1 + pt_random_below(&rnd, 200);
            make_rows(&rnd, (unsigned)pt_random_u64(&rnd), 1 + (uint32_t)pt_random_below(&rnd, 3000000000u), s + n, more);
            n += more;
        }
        pt_buf_reset(&blob);
        CHECK_OK_FATAL(hist__journal_encode(s, n, &blob));
        fd_result got;
        fd_journal_row((const uint8_t *)blob.ptr, blob.len, &got);
        bool ok = !got.fault && got.n == n;
        for (size_t i = 0; ok && i < n; i++)
            ok = same_row(&got.rows[i], &s[i]);
        if (!ok) printf("round %u: %s\n", round, got.fault ? got.fault : "differs");
        CHECK(ok);
        fd_free(&got);
    }
    pt_buf_fini(&blob);
}

/* ---- chapters 1 and 2: a directory read with nothing but SQLite and the decoder --------------------------------- */

typedef struct table { /* rows of one tag, ascending by key, no key twice; strings are not kept */
    fd_row *s;
    size_t n, cap;
} table;

static int key_of(const fd_row *a, const fd_row *b)
{
    if (a->time_ms != b->time_ms) return a->time_ms < b->time_ms ? -1 : 1;
    return (a->flags & 4 ? 1 : 0) - (b->flags & 4 ? 1 : 0);
}

static void put(table *t, const fd_row *r, bool over)
{
    size_t at = t->n;
    while (at > 0 && key_of(&t->s[at - 1], r) > 0)
        at--;
    if (at > 0 && key_of(&t->s[at - 1], r) == 0) {
        if (over) t->s[at - 1] = *r;
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 1000;
        t->s = realloc(t->s, t->cap * sizeof *t->s);
        CHECK_FATAL(t->s != NULL);
    }
    memmove(&t->s[at + 1], &t->s[at], (t->n - at) * sizeof *t->s);
    t->s[at] = *r;
    t->n++;
}

static sqlite3_stmt *select_from(sqlite3 **db, const char *path, const char *sql)
{
    sqlite3_stmt *q = NULL;
    CHECK_FATAL(sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(*db, sql, -1, &q, NULL) == SQLITE_OK);
    return q;
}

/* "Usable numbers: GOOD or UNCERTAIN, not null, not NaN, of a number type". */
static bool usable(const fd_row *r, double *out)
{
    if (r->flags & 5 || r->quality > 1 || is_string(r->type)) return false;
    if (r->type == SPB_DOUBLE) {
        memcpy(out, &r->word, 8);
    } else if (r->type == SPB_FLOAT) {
        float f;
        uint32_t w = (uint32_t)r->word;
        memcpy(&f, &w, 4);
        *out = (double)f;
    } else {
        *out = r->type >= SPB_UINT8 && r->type <= SPB_UINT64 ? (double)r->word : (double)(int64_t)r->word;
    }
    return !isnan(*out);
}

/* Chapter 2's summary of a block, from its decoded rows. */
static void check_summary(sqlite3_stmt *q, const fd_result *b)
{
    int64_t samples = 0, quality[4] = { 0 }, nulls = 0, nums = 0, area_ms = 0, first_at = 0, last_at = 0;
    double min = 0, max = 0, sum = 0, first = 0, last = 0, area = 0, m2 = 0;
    bool open = false;
    for (size_t i = 0; i < b->n; i++) {
        const fd_row *r = &b->rows[i];
        double v = 0;
        open = false;
        if (!(r->flags & 4)) {
            samples++;
            quality[r->quality]++;
            nulls += r->flags & 1;
        }
        if (!usable(r, &v)) continue;
        open = true;
        if (nums++ == 0) min = max = first = v, first_at = r->time_ms;
        min = fmin(min, v);
        max = fmax(max, v);
        sum += v;
        last = v;
        last_at = r->time_ms;
        if (i + 1 == b->n) continue;
        area += v * (double)(b->rows[i + 1].time_ms - r->time_ms);
        area_ms += b->rows[i + 1].time_ms - r->time_ms;
    }
    for (size_t i = 0; i < b->n; i++) {
        double v;
        if (usable(&b->rows[i], &v)) m2 += (v - sum / (double)nums) * (v - sum / (double)nums);
    }
    int64_t t0 = b->rows[0].time_ms, t1 = b->rows[b->n - 1].time_ms;
    const int64_t want[] = { t0, t1, (int64_t)b->n, samples, quality[0], quality[1], quality[2], quality[3], nulls, nums, open };
    for (int i = 0; i < 11; i++)
        CHECK_INT(sqlite3_column_int64(q, 2 + i), want[i]);
    for (int i = 13; i < 23; i++)
        CHECK(sqlite3_column_type(q, i) == SQLITE_NULL ? nums == 0 || (i >= 15 && i < 22) : nums > 0);
    if (nums == 0) return;
    CHECK_INT(sqlite3_column_int64(q, 13), first_at - t0);
    CHECK_INT(sqlite3_column_int64(q, 14), t1 - last_at);
    CHECK_INT(sqlite3_column_int64(q, 22), area_ms);
    const double reals[] = { min, max, sum, first, last, m2, area };
    for (int i = 0; i < 7; i++) {
        double got = sqlite3_column_double(q, 15 + i);
        CHECK(sqlite3_column_type(q, 15 + i) == SQLITE_NULL || got == reals[i] ||
              fabs(got - reals[i]) <= 1e-9 * (fabs(got) + fabs(reals[i])) + 1e-7);
    }
}

static void read_partition(const char *path, table *t, unsigned tags, unsigned *blocks)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = select_from(
        &db, path,
        "SELECT tag_id, (SELECT data FROM data WHERE data.id = block.id), t0, t1, rows, samples, good, uncertain, bad, stale, nulls, nums, open, num_after, num_before,"
        " min, max, sum, first, last, m2, area, area_ms, bytes FROM block ORDER BY tag_id, t0");
    while (sqlite3_step(q) == SQLITE_ROW) {
        fd_result b;
        uint32_t tag = (uint32_t)sqlite3_column_int64(q, 0);
        CHECK_INT(sqlite3_column_bytes(q, 1), sqlite3_column_int64(q, 23));
        fd_block(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), &b);
        CHECK_FATAL(!b.fault && tag >= 1 && tag <= tags);
        check_summary(q, &b);
        for (size_t i = 0; i < b.n; i++) {
            b.rows[i].bytes = NULL;
            CHECK_INT(b.rows[i].tag_id, tag);
            put(&t[tag], &b.rows[i], false); /* the journal's was there first */
        }
        ++*blocks;
        fd_free(&b);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
}

static void a_directory_is_read_by_its_rules(void)
{
    enum { TAGS = 4 };
    const char *dir = new_dir();
    hist_options o = options_for(dir, 48);
    o.log_bytes = 4000;
    hist *h = open_with(&o);
    pt_random rnd = pt_random_seed(5);
    static const uint8_t types[TAGS] = { SPB_DOUBLE, SPB_INT64, SPB_UINT64, SPB_STRING };
    for (uint32_t t = 1; t <= TAGS; t++)
        make_tag(h, (const char *[]){ "a", "b", "c", "d" }[t - 1], types[t - 1]);
    for (unsigned step = 0; step < 40; step++) {
        for (unsigned i = 0; i < 60; i++) {
            uint32_t tag = 1 + (uint32_t)pt_random_below(&rnd, TAGS);
            int64_t at = NOW + (int64_t)pt_random_below(&rnd, 2000) * 1000000;
            hist_sample s =
                types[tag - 1] == SPB_STRING
                    ? str(tag, at, i % 2 ? "on" : "off")
                    : (hist_sample){ .tag_id = tag, .time_ms = at, .type = types[tag - 1], .as.u64 = pt_random_below(&rnd, 1000) };
            if (types[tag - 1] == SPB_DOUBLE) s.as.f64 = (double)pt_random_below(&rnd, 1000) / 8;
            if (i % 9 == 0) s.quality = (uint8_t)pt_random_below(&rnd, 4);
            if (i % 13 == 0) s.flags = HIST_NULL;
            append_one(h, i % 17 ? s : state_row(tag, at));
        }
        flush(h);
        if (step % 3 == 1) seal(h);
    }
    table t[TAGS + 1] = { { 0 } };
    sqlite3 *db = NULL;
    unsigned blocks = 0, journal_rows = 0;
    int64_t next = 0;
    sqlite3_stmt *q = select_from(&db, file_in(dir, "journal.db"),
                                  "SELECT data, n, seq, id > (SELECT value FROM meta WHERE key='sealed_id') FROM journal ORDER BY id");
    while (sqlite3_step(q) == SQLITE_ROW) {
        fd_result r;
        fd_journal_row(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), &r);
        CHECK_FATAL(r.fault == NULL);
        CHECK_INT(r.n, sqlite3_column_int64(q, 1));
        CHECK(sqlite3_column_int64(q, 2) >= next); /* change numbers ascend */
        next = sqlite3_column_int64(q, 2) + (int64_t)r.n;
        for (size_t i = 0; i < r.n && sqlite3_column_int(q, 3); i++) {
            CHECK_FATAL(r.rows[i].tag_id >= 1 && r.rows[i].tag_id <= TAGS);
            r.rows[i].bytes = NULL;
            put(&t[r.rows[i].tag_id], &r.rows[i], true);
        }
        journal_rows += sqlite3_column_int(q, 3) == 1;
        fd_free(&r);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    for (int64_t w = 0; w < 5; w++) {
        char name[60];
        snprintf(name, sizeof name, "blocks-%lld.db",
                 (long long)((NOW + w * 604800000) / 1000 / 604800 * 604800)); /* a multiple of a week */
        if (access(file_in(dir, name), R_OK) == 0) read_partition(file_in(dir, name), t, TAGS, &blocks);
    }
    CHECK(journal_rows > 0 && blocks > 20);
    for (uint32_t tag = 1; tag <= TAGS; tag++) {
        static hist_sample want[3000];
        size_t n = read_rows(h, tag, INT64_MIN, INT64_MAX, true, want, 3000);
        bool ok = t[tag].n == n;
        for (size_t i = 0; ok && i < n; i++) {
            const fd_row *r = &t[tag].s[i];
            ok = r->time_ms == want[i].time_ms && r->flags == want[i].flags && r->quality == want[i].quality && r->type == want[i].type &&
                 (is_string(r->type) ? r->len == want[i].len : r->word == want[i].as.u64);
        }
        CHECK(ok);
        free(t[tag].s);
    }
    close_ok(h);
}

/* The names between the backquotes of the page's tables, against the columns of the files. */
static void the_tables_are_those_of_the_page(void)
{
    static const struct {
        const char *file, *table, *columns;
    } rows[] = {
        { "catalog.db", "tag", "tag_id,source,group_id,edge,device,metric,path,type,unit,created_ms" },
        { "catalog.db", "tag_path", "tag_id,from_ms,to_ms,path" },
        { "catalog.db", "tag_meta", "tag_id,from_ms,type,unit" },
        { "catalog.db", "event", "seq,time_ms,type,node,device,path,detail" },
        { "journal.db", "journal", "id,seq,n,wall_ms,data" },
        { NULL, "block",
          "tag_id,t0,t1,id,bytes,rows,samples,good,uncertain,bad,stale,nulls,nums,open,num_after,num_before,min,max,sum,first,last,m2,area,area_ms" },
        { NULL, "data", "id,data" },
        { NULL, "tag_stat", "tag_id,first_ms,last_ms,max_ms,samples,rows,blocks,bytes" },
    };
    const char *dir = new_dir(), *root = getenv("PLANTREE_SRC");
    char page[600];
    static char words[40000];
    hist *h = open_store(dir, 64);
    append_one(h, f64(make_tag(h, "a", SPB_DOUBLE), NOW, 1));
    flush(h);
    seal(h);
    snprintf(page, sizeof page, "%s/docs/file-format.md", root ? root : ".");
    FILE *f = fopen(page, "r");
    CHECK_FATAL(f != NULL);
    words[fread(words, 1, sizeof words - 1, f)] = 0;
    fclose(f);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char sql[600];
        snprintf(sql, sizeof sql, "SELECT group_concat(name) = '%s' FROM pragma_table_info('%s')", rows[i].columns, rows[i].table);
        CHECK_ROW(rows[i].table, sql_number(rows[i].file ? file_in(dir, rows[i].file) : partition_in(dir, NOW), sql) == 1);
        char names[400], *save = NULL;
        snprintf(names, sizeof names, "%s", rows[i].columns);
        for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
            bool named = false;
            for (const char *at = words; !named && (at = strstr(at, name));
                 at++) { /* as a word between backquotes or in a list between them */
                char before = at == words ? ' ' : at[-1], after = at[strlen(name)];
                named = (before == '`' || before == ' ' || before == ',') && (after == '`' || after == ',' || after == ' ');
            }
            if (!named) printf("%s.%s is not on the page\n", rows[i].table, name);
            CHECK_ROW(rows[i].table, named);
        }
    }
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_encoding_of_a_block_is_read),
        PT_TEST(every_journal_row_is_read),
        PT_TEST(a_directory_is_read_by_its_rules),
        PT_TEST(the_tables_are_those_of_the_page),
    };
    setup();
    return pt_test_main("historian/file_format", tests, PT_COUNT_OF(tests), argc, argv);
}
