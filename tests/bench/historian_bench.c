/* tests/bench/historian_bench.c -- the historian against plain SQLite tables, one row per sample, in the same run.
 *
 * The mixed set is that of generate.h. Samples arrive second by second, all tags in turn, 20 at a time, as messages bring them. */
#include "base/clock.h"
#include "base/random.h"
#include "historian/historian.h"
#include "tests/bench/bench.h"
#include "tests/bench/generate.h"
#include "tests/bench/generate.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PER_MESSAGE = 20 };
static const int64_t START = 1750000000000;

typedef enum stream_kind { MIXED, RANDOM_DOUBLES, VIBRATION, TEXTS } stream_kind;

typedef struct tag_state {
    double phase, step;
    uint64_t counter;
    bool bad;
} tag_state;

typedef struct stream {
    stream_kind kind;
    pt_random rnd;
    uint32_t tags;
    uint64_t given;
    tag_state *state;
    gen_mixed mixed; /* MIXED */
} stream;

static bool stream_init(stream *s, stream_kind kind, uint32_t tags, uint64_t seed)
{
    *s = (stream){ .kind = kind, .rnd = pt_random_seed(seed), .tags = tags, .state = calloc(tags, sizeof(tag_state)) };
    for (uint32_t i = 0; s->state && i < tags; i++) {
        s->state[i].phase = pt_random_unit(&s->rnd) * 6;
        s->state[i].step = 0.002 + pt_random_unit(&s->rnd) * 0.02;
    }
    return s->state != NULL && (kind != MIXED || gen_mixed_init(&s->mixed, seed, tags, START, 1000) == PT_OK);
}

static void stream_fini(stream *s)
{
    free(s->state);
    s->state = NULL;
    gen_mixed_fini(&s->mixed);
}

static void stream_next(stream *s, hist_sample *out, uint32_t n) /* n divides tags */
{
    static const char *const words[] = { "RUNNING", "IDLE", "STOPPED", "FAULT", "CLEANING" };
    for (uint32_t i = 0; i < n; i++, s->given++) {
        uint32_t tag = (uint32_t)(s->given % s->tags);
        tag_state *t = &s->state[tag];
        uint64_t r = pt_random_u64(&s->rnd);
        if (r % 5000 == 0) t->bad = !t->bad;
        hist_sample *o = &out[i];
        *o = (hist_sample){ .tag_id = tag + 1,
                            .time_ms = START + (int64_t)(s->given / s->tags) * 1000 + (int64_t)(r >> 8) % 8,
                            .quality = t->bad ? SPB_BAD : SPB_GOOD };
        switch (s->kind) {
        case RANDOM_DOUBLES:
            o->type = SPB_DOUBLE;
            o->as.f64 = pt_random_unit(&s->rnd);
            break;
        case VIBRATION:
            o->type = SPB_FLOAT;
            t->phase += 0.7 + t->step;
            o->as.f32 = (float)(sin(t->phase) + 0.3 * sin(t->phase * 3.1) + 0.05 * pt_random_unit(&s->rnd));
            break;
        case TEXTS:
            o->type = SPB_STRING;
            if ((r >> 40) % 60 == 0) t->counter++;
            o->as.ptr = words[(t->counter + tag) % 5];
            o->len = (uint32_t)strlen(o->as.ptr);
            break;
        case MIXED:
        default: gen_mixed_next(&s->mixed, tag + 1, o);
        }
    }
}

/* ---- plain SQLite ------------------------------------------------------------------------------------------- */

typedef struct plain {
    sqlite3 *db;
    sqlite3_stmt *insert;
} plain;

static pt_status plain_open(plain *p, const char *dir, bool keyed, pt_error *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/plain.db", dir);
    const char *table = keyed ? "CREATE TABLE s(tag INTEGER, ts INTEGER, value, quality INTEGER, PRIMARY KEY(tag, ts)) WITHOUT ROWID"
                              : "CREATE TABLE s(tag INTEGER, ts INTEGER, value, quality INTEGER)";
    if (sqlite3_open(path, &p->db) != SQLITE_OK ||
        sqlite3_exec(p->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(p->db, table, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(p->db, "INSERT INTO s VALUES(?1,?2,?3,?4)", -1, &p->insert, NULL) != SQLITE_OK)
        return pt_fail(err, PT_EIO, "plain SQLite: %s", sqlite3_errmsg(p->db));
    return PT_OK;
}

static bool plain_put(plain *p, const hist_sample *s)
{
    sqlite3_bind_int64(p->insert, 1, s->tag_id);
    sqlite3_bind_int64(p->insert, 2, s->time_ms);
    if (s->type == SPB_DOUBLE) sqlite3_bind_double(p->insert, 3, s->as.f64);
    else if (s->type == SPB_FLOAT) sqlite3_bind_double(p->insert, 3, (double)s->as.f32);
    else if (s->type == SPB_STRING) sqlite3_bind_text(p->insert, 3, s->as.ptr, (int)s->len, SQLITE_STATIC);
    else sqlite3_bind_int64(p->insert, 3, s->as.i64);
    sqlite3_bind_int64(p->insert, 4, s->quality);
    bool ok = sqlite3_step(p->insert) == SQLITE_DONE;
    sqlite3_reset(p->insert);
    return ok;
}

static void plain_close(plain *p)
{
    sqlite3_finalize(p->insert);
    sqlite3_close(p->db);
    *p = (plain){ 0 };
}

/* Samples per second into plain SQLite, `batch` per transaction; negative on failure. The time to make the samples is not counted. */
static double plain_ingest(const char *dir, bool keyed, uint32_t batch, uint64_t samples, stream *st, pt_error *err)
{
    plain p = { 0 };
    if (plain_open(&p, dir, keyed, err) != PT_OK) return -1;
    hist_sample *all = malloc(batch * sizeof *all);
    double seconds = 0;
    bool ok = all != NULL;
    for (uint64_t done = 0; ok && done < samples; done += batch) {
        for (uint32_t i = 0; i < batch; i += PER_MESSAGE)
            stream_next(st, all + i, PER_MESSAGE);
        double from = bench_now();
        ok = sqlite3_exec(p.db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
        for (uint32_t i = 0; ok && i < batch; i++)
            ok = plain_put(&p, &all[i]);
        ok = ok && sqlite3_exec(p.db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
        seconds += bench_now() - from;
    }
    if (!ok) pt_fail(err, PT_EIO, "plain SQLite: %s", sqlite3_errmsg(p.db));
    free(all);
    plain_close(&p);
    return ok ? (double)samples / seconds : -1;
}

/* ---- ours --------------------------------------------------------------------------------------------------- */

static pt_status ours_open(hist **h, const char *dir, uint32_t tags, pt_error *err)
{
    hist_options o;
    hist_options_init(&o);
    o.dir = dir;
    o.log_bytes = 0; /* the settled history is measured, not the change log beside it */
    pt_status st = hist_open(&o, pt_clock_system(), NULL, h, err);
    for (uint32_t i = 0; st == PT_OK && i < tags; i++) {
        char name[40];
        snprintf(name, sizeof name, "line%u/tag%u", i / 100, i);
        hist_tag_key key = { PT_LIT("spb"), PT_LIT("bench"), PT_LIT("edge"), PT_NONE, pt_cstr(name) };
        uint32_t id = 0;
        st = hist_tag_ensure(*h, &key, pt_cstr(name), SPB_DOUBLE, PT_NONE, &id);
    }
    return st;
}

static double ours_ingest(const char *dir, uint64_t samples, stream *st, bool settle, pt_error *err)
{
    hist *h = NULL;
    if (ours_open(&h, dir, st->tags, err) != PT_OK) return -1;
    enum { SLICE = 1000000 };
    hist_sample *all = malloc(SLICE * sizeof *all);
    double seconds = 0;
    pt_status status = all ? PT_OK : PT_ENOMEM;
    for (uint64_t done = 0; status == PT_OK && done < samples; done += SLICE) {
        uint32_t n = samples - done < SLICE ? (uint32_t)(samples - done) : SLICE;
        for (uint32_t i = 0; i < n; i += PER_MESSAGE)
            stream_next(st, all + i, PER_MESSAGE);
        double from = bench_now();
        for (uint32_t i = 0; status == PT_OK && i < n; i += PER_MESSAGE) {
            while ((status = hist_append(h, all + i, PER_MESSAGE)) == PT_EFULL)
                usleep(1000);
        }
        if (status == PT_OK)
            status = hist_flush(h, 60000, err); /* the writer works while we made samples otherwise: count all of its time */
        seconds += bench_now() - from;
    }
    free(all);
    if (status == PT_OK && settle) status = hist_seal(h, err);
    pt_status closed = hist_close(h, 60000, err);
    return status == PT_OK && closed == PT_OK ? (double)samples / seconds : -1;
}

static double directory_bytes(const char *dir, const char *prefix)
{
    double total = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[900];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode))
            total += (double)info.st_size;
    }
    if (d) closedir(d);
    return total;
}

/* ---- historian-ingest ---------------------------------------------------------------------------------------- */

typedef struct ingest {
    const bench_run *run;
    uint64_t samples;
    bool keyed;
    uint32_t batch;
    unsigned n;
    char dir[600];
} ingest;

static double side(ingest *g, bool ours, pt_error *err)
{
    char name[40];
    stream st;
    snprintf(name, sizeof name, "ingest%u", g->n++);
    if (bench_dir(g->run, name, g->dir, sizeof g->dir, err) != PT_OK) return -1;
    if (!stream_init(&st, MIXED, 1000, g->run->seed)) return -1;
    double rate = ours ? ours_ingest(g->dir, g->samples, &st, false, err)
                       : plain_ingest(g->dir, g->keyed, g->batch, g->keyed ? g->samples / 20 : g->samples / 4, &st, err);
    stream_fini(&st);
    bench_remove(g->run, g->dir);
    return rate;
}

static double side_ours(void *ctx, pt_error *err)
{
    return side(ctx, true, err);
}

static double side_plain(void *ctx, pt_error *err)
{
    return side(ctx, false, err);
}

static pt_status run_ingest(bench_run *run, pt_error *err)
{
    ingest g = { .run = run, .samples = run->quick ? 4000000 : 10000000, .batch = 100000 };
    bench_case c = { .name = "historian-ingest",
                     .variant = "append",
                     .goal = "P6",
                     .input = "mixed set, 1000 tags, 20 samples per call, synchronous=FULL",
                     .ours = "hist_append + flush, journal and blocks",
                     .reference = "one row per sample, rowid, 100000 per transaction",
                     .unit = "samples/s",
                     .target = 3 };
    pt_status st = bench_compare(run, &c, side_ours, side_plain, &g, err);
    if (st != PT_OK) return st;
    g.keyed = true;
    g.batch = 1000;
    c.variant = "keyed";
    c.reference = "PRIMARY KEY(tag, ts) WITHOUT ROWID, 1000 per transaction";
    c.target = 50;
    return bench_compare(run, &c, side_ours, side_plain, &g, err);
}

/* ---- historian-size ------------------------------------------------------------------------------------------ */

static pt_status size_of(bench_run *run, stream_kind kind, const char *variant, const char *input, uint64_t samples, pt_error *err)
{
    char dir[600];
    stream st;
    bench_series ours = { 0 }, plain_size = { 0 };
    pt_status status = bench_dir(run, "size", dir, sizeof dir, err);
    if (status != PT_OK) return status;
    if (!stream_init(&st, kind, 1000, run->seed)) return pt_fail(err, PT_ENOMEM, "out of memory");
    double rate = ours_ingest(dir, samples, &st, true, err);
    bench_add(&ours, directory_bytes(dir, "blocks-") / (double)samples);
    double journal = directory_bytes(dir, "journal") / (double)samples;
    stream_fini(&st);
    bench_remove(run, dir);
    if (rate < 0) return PT_EIO;
    if ((status = bench_dir(run, "size", dir, sizeof dir, err)) != PT_OK) return status;
    if (!stream_init(&st, kind, 1000, run->seed)) return pt_fail(err, PT_ENOMEM, "out of memory");
    rate = plain_ingest(dir, false, 100000, samples / 4, &st, err);
    bench_add(&plain_size, directory_bytes(dir, "plain.db") / (double)(samples / 4));
    stream_fini(&st);
    bench_remove(run, dir);
    if (rate < 0) return PT_EIO;
    char note[120];
    snprintf(note, sizeof note, "absolute goal 1.7 bytes/sample%s; journal file %.2f more", kind == MIXED ? "" : " is for the mixed set",
             journal);
    bench_case c = { .name = "historian-size",
                     .variant = variant,
                     .goal = kind == MIXED ? "P7" : "",
                     .input = input,
                     .ours = "sealed blocks, files as they are",
                     .reference = "one row per sample, no index",
                     .unit = "bytes/sample",
                     .target = kind == MIXED ? 1.0 / 15 : 0,
                     .at_most = true,
                     .note = note };
    bench_report(run, &c, &ours, &plain_size);
    return PT_OK;
}

static pt_status run_size(bench_run *run, pt_error *err)
{
    uint64_t n = run->quick ? 4000000 : 10000000;
    pt_status st = size_of(run, MIXED, "mixed", "mixed set, 1000 tags, with quality", n, err);
    if (st == PT_OK) st = size_of(run, RANDOM_DOUBLES, "random", "random doubles in [0,1)", 1000000, err);
    if (st == PT_OK) st = size_of(run, VIBRATION, "vibration", "float32 vibration, noise in the low bits", 1000000, err);
    if (st == PT_OK) st = size_of(run, TEXTS, "text", "state words that change once a minute", 1000000, err);
    return st;
}

/* ---- historian-scan ------------------------------------------------------------------------------------------ */

typedef struct scan_ctx {
    hist *h;
    sqlite3_stmt *q;
    unsigned rounds;
    uint64_t samples;
} scan_ctx;

static double scan_ours(void *ctx, pt_error *err)
{
    scan_ctx *c = ctx;
    uint64_t n = 0, sum = 0;
    double from = bench_now();
    for (unsigned k = 0; k < c->rounds; k++) {
        hist_cursor *cur = NULL;
        size_t got = 0;
        if (hist_cursor_open(c->h, hist_of_tag(1 + k % 3), INT64_MIN, INT64_MAX, false, &cur, err) != PT_OK) return -1;
        do {
            const hist_sample *out = NULL;
            if (hist_cursor_view(cur, &out, &got, err) != PT_OK) return -1;
            for (size_t i = 0; i < got; i++)
                sum += out[i].as.u64;
            n += got;
        } while (got);
        hist_cursor_close(cur);
    }
    bench_keep(sum);
    return (double)n / (bench_now() - from);
}

static double scan_plain(void *ctx, pt_error *err)
{
    scan_ctx *c = ctx;
    uint64_t n = 0, sum = 0;
    double from = bench_now();
    for (unsigned k = 0; k < c->rounds / 10 + 1; k++) {
        sqlite3_bind_int64(c->q, 1, 1 + k % 3);
        int rc;
        while ((rc = sqlite3_step(c->q)) == SQLITE_ROW) {
            sum += (uint64_t)sqlite3_column_int64(c->q, 0) + (uint64_t)sqlite3_column_int64(c->q, 2);
            double v = sqlite3_column_double(c->q, 1);
            sum += v > 0;
            n++;
        }
        sqlite3_reset(c->q);
        if (rc != SQLITE_DONE) {
            pt_fail(err, PT_EIO, "scan: SQLite %d", rc);
            return -1;
        }
    }
    bench_keep(sum);
    return (double)n / (bench_now() - from);
}

static pt_status run_scan(bench_run *run, pt_error *err)
{
    char dir[600];
    stream st;
    enum { TAGS = 20, SAMPLES = 2000000 };
    pt_status status = bench_dir(run, "scan", dir, sizeof dir, err);
    if (status != PT_OK) return status;
    if (!stream_init(&st, MIXED, TAGS, run->seed)) return pt_fail(err, PT_ENOMEM, "out of memory");
    double rate = ours_ingest(dir, SAMPLES, &st, true, err);
    stream_fini(&st);
    if (rate < 0 || !stream_init(&st, MIXED, TAGS, run->seed)) return PT_EIO;
    rate = plain_ingest(dir, true, 100000, SAMPLES, &st, err);
    stream_fini(&st);
    if (rate < 0) return PT_EIO;

    scan_ctx c = { .rounds = 200 };
    plain p = { 0 };
    status = ours_open(&c.h, dir, 0, err);
    char path[640];
    snprintf(path, sizeof path, "%s/plain.db", dir);
    if (status == PT_OK &&
        (sqlite3_open_v2(path, &p.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
         sqlite3_exec(p.db, "PRAGMA cache_size=-262144", NULL, NULL, NULL) != SQLITE_OK ||
         sqlite3_prepare_v2(p.db, "SELECT ts, value, quality FROM s WHERE tag=?1 ORDER BY ts", -1, &c.q, NULL) != SQLITE_OK))
        status = pt_fail(err, PT_EIO, "plain SQLite: %s", sqlite3_errmsg(p.db));
    bench_case b = { .name = "historian-scan",
                     .variant = "raw",
                     .goal = "P8",
                     .input = "100000 raw samples of one tag, warm",
                     .ours = "hist_cursor_view",
                     .reference = "SELECT ts, value, quality by PRIMARY KEY(tag, ts)",
                     .unit = "samples/s",
                     .target = 15 };
    if (status == PT_OK) status = bench_compare(run, &b, scan_ours, scan_plain, &c, err);
    sqlite3_finalize(c.q);
    sqlite3_close(p.db);
    if (c.h && hist_close(c.h, 1000, NULL) != PT_OK && status == PT_OK) status = PT_EIO;
    bench_remove(run, dir);
    return status;
}

const bench_entry historian_bench[] = {
    { "historian-ingest", "samples into durable history against one row per sample", run_ingest },
    { "historian-size", "bytes per settled sample against one row per sample", run_size },
    { "historian-scan", "raw samples of one tag against one row per sample", run_scan },
    { 0 },
};
