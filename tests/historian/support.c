/* tests/historian/support.c */
#include "historian/files/pages.h"
#include "tests/historian/support.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

pt_fake_clock fake;
static const char *home;

void setup(void)
{
    pt_fake_clock_init(&fake, NOW);
    home = pt_test_dir();
}

const char *new_dir(void)
{
    static char paths[400][300]; /* the tests of one program together need fewer */
    static unsigned n;
    CHECK_FATAL(n < PT_COUNT_OF(paths));
    CHECK_FATAL(snprintf(paths[n], sizeof paths[n], "%s/h%u", home, n) < (int)sizeof paths[n]);
    return paths[n++];
}

const char *file_in(const char *dir, const char *name)
{
    static char paths[8][400];
    static unsigned k;
    k = (k + 1) % PT_COUNT_OF(paths);
    CHECK_FATAL(snprintf(paths[k], sizeof paths[k], "%s/%s", dir, name) < (int)sizeof paths[k]);
    return paths[k];
}

const char *partition_in(const char *dir, int64_t time_ms)
{
    char name[40];
    hist__partition_name(hist__partition_start(time_ms), name);
    return file_in(dir, name);
}

/* ---- stores -------------------------------------------------------------------------------------------------- */

static void said(pt_status st, const pt_error *err, const char *what)
{
    if (st != PT_OK) printf("%s: %s %s\n", what, pt_status_name(st), err->text);
}

hist_options options_for(const char *dir, uint32_t block_samples)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    o.block_samples = block_samples;
    return o;
}

hist *open_with(const hist_options *o)
{
    hist *h = NULL;
    pt_error err = { 0 };
    pt_status st = hist_open(o, &fake.clock, NULL, &h, &err);
    said(st, &err, "open");
    CHECK_OK_FATAL(st);
    return h;
}

hist *open_store(const char *dir, uint32_t block_samples)
{
    hist_options o = options_for(dir, block_samples);
    return open_with(&o);
}

hist *open_reader(const char *dir)
{
    hist_options o = options_for(dir, 1024);
    o.read_only = true;
    return open_with(&o);
}

void close_ok(hist *h)
{
    pt_error err = { 0 };
    pt_status st = hist_close(h, 20000, &err);
    said(st, &err, "close");
    CHECK_OK(st);
}

hist *open_bare(const char *dir, uint32_t block_samples)
{
    hist *h = NULL;
    pt_error err = { 0 };
    (void)mkdir(dir, 0755); /* may be there */
    pt_status st = hist__bare_new(dir, NULL, true, &h, &err);
    said(st, &err, "bare");
    CHECK_OK_FATAL(st);
    h->clock = &fake.clock;
    h->mend = hist__mend;
    h->o.block_samples = block_samples;
    st = hist__recover(h, &err);
    said(st, &err, "recover");
    CHECK_OK_FATAL(st);
    return h;
}

void take_batch(hist *h)
{
    hist__buffer *b = &h->writer.buffer;
    h->writer.batch = b->in;
    h->writer.batch.tickets = b->tickets;
    b->in = (hist__batch){ 0 };
}

void commit_bare(hist *h)
{
    pt_error err = { 0 };
    take_batch(h);
    pt_status st = hist__batch_commit(h, &err);
    said(st, &err, "commit");
    CHECK_OK_FATAL(st);
    CHECK_OK_FATAL(hist__batch_apply(h));
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
}

/* ---- samples ------------------------------------------------------------------------------------------------- */

uint32_t make_tag(hist *h, const char *metric, spb_datatype type)
{
    hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), pt_cstr(metric) };
    char path[200];
    snprintf(path, sizeof path, "g/e/d/%s", metric);
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, PT_LIT("m"), &id));
    return id;
}

void append(hist *h, const hist_sample *s, size_t n)
{
    CHECK_OK_FATAL(hist_append(h, s, n));
}

void append_one(hist *h, hist_sample s)
{
    append(h, &s, 1);
}

void flush(hist *h)
{
    pt_error err = { 0 };
    pt_status st = hist_flush(h, 20000, &err);
    said(st, &err, "flush");
    CHECK_OK_FATAL(st);
}

void seal(hist *h)
{
    pt_error err = { 0 };
    pt_status st = hist_seal(h, &err);
    said(st, &err, "seal");
    CHECK_OK_FATAL(st);
}

size_t read_rows(hist *h, uint32_t tag, int64_t from_ms, int64_t to_ms, bool states, hist_sample *out, size_t max)
{
    static pt_arena bytes; /* of the last call's rows */
    if (bytes.limit) pt_arena_reset(&bytes);
    else pt_arena_init(&bytes, SIZE_MAX / 2);
    hist_cursor *c = NULL;
    size_t total = 0, n = 0;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), from_ms, to_ms, states, &c, &err));
    do {
        pt_status st = hist_cursor_next(c, out + total, max - total > 7 ? 7 : max - total, &n, &err);
        said(st, &err, "cursor");
        CHECK_OK_FATAL(st);
        for (hist_sample *s = out + total; s < out + total + n; s++) {
            if (!hist__has_value(s) || hist__family_of_type(s->type) != HIST__BYTES) continue;
            s->as.ptr = pt_arena_dup(&bytes, pt_slice_of(s->as.ptr, s->len)).ptr;
            CHECK_FATAL(s->as.ptr != NULL);
        }
        total += n;
    } while (n && total < max);
    hist_cursor_close(c);
    return total;
}

uint64_t count_rows(hist *h, uint32_t tag)
{
    hist_cursor *c = NULL;
    const hist_sample *rows = NULL;
    size_t n = 0;
    uint64_t total = 0;
    pt_error err = { 0 };
    CHECK_OK_FATAL(hist_cursor_open(h, hist_of_tag(tag), INT64_MIN, INT64_MAX, true, &c, &err));
    do {
        pt_status st = hist_cursor_view(c, &rows, &n, &err);
        said(st, &err, "cursor");
        CHECK_OK_FATAL(st);
        total += n;
    } while (n);
    hist_cursor_close(c);
    return total;
}

void check_stored(hist *h, uint32_t tag, uint64_t samples, int64_t first_ms, int64_t last_ms)
{
    pt_arena arena;
    hist_tag t;
    pt_arena_init(&arena, 1 << 16);
    CHECK_OK(hist_tag_by_id(h, tag, &arena, &t));
    CHECK_INT(t.samples, samples);
    if (samples) {
        CHECK_INT(t.first_ms, first_ms);
        CHECK_INT(t.last_ms, last_ms);
    } else {
        CHECK(t.first_ms > t.last_ms);
    }
    pt_arena_fini(&arena);
}

typedef struct told {
    uint64_t n;
    char *detail, *path;
} told;

static bool keep_event(void *ctx, const hist_event *e)
{
    told *t = ctx;
    t->n++;
    snprintf(t->detail, 300, "%.*s", (int)e->detail.len, e->detail.len ? e->detail.ptr : "");
    snprintf(t->path, 100, "%.*s", (int)e->path.len, e->path.len ? e->path.ptr : "");
    return true;
}

uint64_t events_of(hist *h, const char *type, char detail[300], char path[100])
{
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .types = pt_cstr(type) };
    told t = { .detail = detail, .path = path };
    detail[0] = path[0] = 0;
    CHECK_OK(hist_events(h, &f, keep_event, &t, NULL));
    return t.n;
}

hist *filled_store(const char *dir)
{
    hist *h = open_store(dir, 128);
    for (unsigned t = 0; t < 3; t++)
        CHECK_INT(make_tag(h, (const char *[]){ "t0", "t1", "t2" }[t], SPB_DOUBLE), t + 1);
    for (int i = 0; i < 3000; i++) {
        for (uint32_t id = 1; id <= 3; id++)
            append_one(h, f64(id, NOW + (int64_t)i * 720000, i * 0.25));
        if (i != 2900) continue;
        flush(h);
        seal(h);
    }
    flush(h);
    return h;
}

hist *store_of_all_types(const char *dir)
{
    static const uint8_t types[] = { SPB_INT8,   SPB_INT64,    SPB_UINT64, SPB_FLOAT,       SPB_DOUBLE,  SPB_BOOLEAN,
                                     SPB_STRING, SPB_DATETIME, SPB_BYTES,  SPB_INT32_ARRAY, SPB_DATASET, SPB_TEXT };
    static const char *const texts[] = {
        "", "plain", "with, comma", "with \"quotes\"", "two\nlines\r\n", " blanks ", "\xff\xfe not utf8", "nul\0inside", "{\"a\":[1,2]}"
    };
    pt_random rnd = pt_random_seed(5);
    hist *h = open_store(dir, 64);
    for (size_t t = 0; t < PT_COUNT_OF(types); t++) {
        char path[60];
        uint32_t id = 0;
        snprintf(path, sizeof path, "pl\xc3\xa4nt/%s, \"%zu\"", spb_datatype_name(types[t]), t);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), PT_LIT("e"), t % 2 ? PT_LIT("d") : PT_LIT(""), pt_cstr(path) };
        CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), types[t], t % 3 ? PT_LIT("m/s") : PT_LIT(""), &id));
        for (int i = 0; i < 200; i++) {
            hist_sample s = { .tag_id = id,
                              .time_ms = NOW + i * 777 - (i == 0 ? INT64_C(3000000000000) : 0),
                              .type = types[t],
                              .quality = (uint8_t)(i % 9 ? 0 : i % 4) };
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
            append_one(h, s);
        }
    }
    flush(h);
    return h;
}

/* ---- files --------------------------------------------------------------------------------------------------- */

void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    CHECK_FATAL(hist__pages_open(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) == SQLITE_OK);
    bool ok = sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
    if (!ok) printf("%s: %s\n", sql, why);
    sqlite3_free(why);
    sqlite3_close(db);
    CHECK_FATAL(ok);
}

int64_t sql_number(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int64_t n = INT64_MIN;
    bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW;
    if (ok) n = sqlite3_column_int64(q, 0);
    else printf("%s: %s\n", sql, sqlite3_errmsg(db));
    sqlite3_finalize(q);
    sqlite3_close(db);
    CHECK_FATAL(ok);
    return n;
}

void spoil(const char *path, long offset, const char *bytes)
{
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f != NULL);
    CHECK_FATAL(fseek(f, offset, SEEK_SET) == 0 && fwrite(bytes, 1, strlen(bytes), f) == strlen(bytes));
    CHECK_FATAL(fclose(f) == 0);
}

static void print_fault(void *ctx, const char *file, const char *what)
{
    if (*(bool *)ctx) printf("  %s: %s\n", file, what);
}

uint64_t faults_in(const char *dir, bool repair, bool print, hist_verify_report *r)
{
    hist_verify_options o = { .repair = repair, .fault = print_fault, .ctx = &print };
    hist_verify_report local;
    pt_error err = { 0 };
    if (!r) r = &local;
    pt_status st = hist_verify(dir, &o, r, &err);
    said(st, &err, "verify");
    CHECK_OK_FATAL(st);
    return r->faults;
}

/* ---- log ----------------------------------------------------------------------------------------------------- */

static void hear(void *ctx, pt_log_level level, const char *id, const char *what)
{
    heard *l = ctx;
    (void)level;
    pthread_mutex_lock(&l->lock);
    size_t at = strlen(l->ids);
    snprintf(l->ids + at, sizeof l->ids - at, "%s;", id);
    snprintf(l->last, sizeof l->last, "%s", what);
    pthread_mutex_unlock(&l->lock);
}

void heard_init(heard *l)
{
    *l = (heard){ .log = { .level = PT_LOG_DEBUG, .write = hear, .ctx = l } };
    CHECK_FATAL(pthread_mutex_init(&l->lock, NULL) == 0);
}

bool heard_id(heard *l, const char *id)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%s;", id);
    pthread_mutex_lock(&l->lock);
    bool there = strstr(l->ids, wanted) != NULL;
    pthread_mutex_unlock(&l->lock);
    return there;
}
