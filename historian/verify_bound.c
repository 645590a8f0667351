/* historian/verify_bound.c -- where samples were left out: is each raw sample that the journal still holds as near to what stands for it as its block states?
 *
 * The journal's sealed rows are read in order, and their samples of thinned tags are taken in portions, sorted by tag and time, and held against the
 * blocks: so each block is decoded once per portion, and memory is that of one portion. */
#include "historian/verify.h"

#include <stdlib.h>

enum { PORTION = 1 << 18 };

typedef struct look {
    hist__conn *conn;
    int64_t start_ms;
    hist__rows rows;     /* the block that holds the time looked for, and the first row of the next */
    size_t own;          /* rows of the block itself */
    uint32_t tag_id;
    int64_t t0, until;   /* rows answer for times in [t0, until) */
    bool valid;
} look;

static void leave(hist *h, look *l)
{
    hist__conn_give(h, l->conn);
    l->conn = NULL;
    l->valid = false;
}

/* Append the block a statement stands on; one that can't be read was told of before. */
static pt_status add_block(look *l, sqlite3_stmt *q, int column)
{
    pt_status st = hist__block_decode(l->conn->codec, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column), NULL, &l->rows, NULL);
    return st == PT_ECORRUPT || st == PT_EUNSUPPORTED ? PT_EEMPTY : st;
}

/* PT_EEMPTY: no block to hold the sample against. */
static pt_status find(hist *h, look *l, const hist_sample *s, pt_error *err)
{
    if (l->valid && l->tag_id == s->tag_id && s->time_ms >= l->t0 && s->time_ms < l->until) return PT_OK;
    int64_t start = hist__partition_start(s->time_ms);
    if (l->conn && l->start_ms != start) leave(h, l);
    pt_status st = l->conn ? PT_OK : hist__conn_take(h, start, &l->conn, err);
    if (st != PT_OK) return st == PT_ENOTFOUND || st == PT_ECORRUPT ? PT_EEMPTY : st; /* dropped by retention, or told of before */
    l->start_ms = start;
    l->valid = false;
    hist__rows_reset(&l->rows);
    bool row = false;
    sqlite3_stmt *q = l->conn->before;
    sqlite3_bind_int64(q, 1, s->tag_id);
    sqlite3_bind_int64(q, 2, s->time_ms);
    st = hist__db_step(l->conn->db, q, &row, err);
    if (st != PT_OK || !row) return st != PT_OK ? st : PT_EEMPTY;
    l->t0 = sqlite3_column_int64(q, 0);
    int64_t t1 = sqlite3_column_int64(q, 1);
    st = add_block(l, q, 3);
    sqlite3_reset(q);
    if (st != PT_OK) return st;
    l->own = l->rows.n;
    l->until = t1 + 1;
    if (s->time_ms > t1) { /* between two blocks: the next one says what stands there */
        q = l->conn->raw;
        sqlite3_bind_int64(q, 1, s->tag_id);
        sqlite3_bind_int64(q, 2, t1 + 1);
        sqlite3_bind_int64(q, 3, INT64_MAX);
        sqlite3_bind_int64(q, 4, 1);
        st = hist__db_step(l->conn->db, q, &row, err);
        if (st != PT_OK || !row) return st != PT_OK ? st : PT_EEMPTY;
        l->until = sqlite3_column_int64(q, 0);
        st = add_block(l, q, 3);
        sqlite3_reset(q);
        if (st != PT_OK) return st;
    }
    l->tag_id = s->tag_id;
    l->valid = true;
    return PT_OK;
}

static void compare(hist__check *c, const look *l, const hist_sample *s)
{
    size_t lo = 0, hi = l->rows.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const hist_sample *m = &l->rows.s[mid];
        if (hist__key_cmp(m->time_ms, hist__is_state(m), s->time_ms, hist__is_state(s)) < 0) lo = mid + 1;
        else hi = mid;
    }
    const hist_sample *b = lo < l->rows.n ? &l->rows.s[lo] : NULL;
    c->report->compared++;
    if (b && b->time_ms == s->time_ms && hist__is_state(b) == hist__is_state(s)) return;
    if (isinf(l->rows.deviation)) return; /* a late change of quality came between: the block says that it does not know */
    if (!b || lo == 0 || !(b->flags & HIST_THINNED)) {
        hist__fault(c, "tag %u: the sample of the journal at %lld is not there", s->tag_id, (long long)s->time_ms);
        return;
    }
    double distance = hist__distance(b - 1, b, s), stated = l->rows.deviation;
    if (!(distance <= stated * (1 + 1e-9)))
        hist__fault(c, "tag %u: the sample of the journal at %lld is %g from what stands for it, the block states %g", s->tag_id, (long long)s->time_ms, distance, stated);
}

static int by_tag_and_key(const void *a, const void *b)
{
    const hist_sample *x = a, *y = b;
    if (x->tag_id != y->tag_id) return x->tag_id < y->tag_id ? -1 : 1;
    return hist__key_cmp(x->time_ms, hist__is_state(x), y->time_ms, hist__is_state(y));
}

static pt_status portion(hist__check *c, hist *h, hist__rows *raw, pt_error *err)
{
    look l = { 0 };
    hist__rows_init(&l.rows);
    pt_status st = PT_OK;
    if (raw->n) qsort(raw->s, raw->n, sizeof *raw->s, by_tag_and_key);
    for (size_t i = 0; st == PT_OK && i < raw->n; i++) {
        st = find(h, &l, &raw->s[i], err);
        if (st == PT_OK) compare(c, &l, &raw->s[i]);
        if (st == PT_EEMPTY) st = PT_OK;
    }
    leave(h, &l);
    hist__rows_fini(&l.rows);
    hist__rows_reset(raw);
    return st;
}

static pt_status walk(hist__check *c, hist *h, sqlite3 *db, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    hist__rows raw;
    hist__dropped dropped;
    bool row = false;
    uint64_t ignored = 0;
    hist__rows_init(&raw);
    pt_status st = hist__dropped_load(db, &dropped, err);
    if (st == PT_OK) st = hist__db_prepare(db, "SELECT data, seq FROM journal WHERE id <= (SELECT value FROM meta WHERE key='sealed_id') ORDER BY id", &q, err);
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        hist__rows_reset(&c->rows);
        const void *bytes = sqlite3_column_blob(q, 0);
        uint64_t seq = (uint64_t)sqlite3_column_int64(q, 1);
        if (hist__journal_decode(bytes ? bytes : "", (size_t)sqlite3_column_bytes(q, 0), &c->rows, NULL) == PT_ENOMEM) st = PT_ENOMEM;
        for (size_t i = 0; st == PT_OK && i < c->rows.n; i++) {
            if (!pt_map_get_u64(&c->thinned, c->rows.s[i].tag_id, &ignored) || hist__dropped_has(&dropped, c->rows.s[i].time_ms, seq + i)) continue;
            hist_sample plain = c->rows.s[i];
            if (hist__family_of_type(plain.type) == HIST__BYTES) plain.as.u64 = plain.len = 0; /* only its key is looked at */
            st = hist__rows_reserve(&raw, 1);
            if (st == PT_OK) raw.s[raw.n++] = plain;
        }
        if (st == PT_OK && raw.n >= PORTION) st = portion(c, h, &raw, err);
    }
    if (st == PT_OK) st = portion(c, h, &raw, err);
    sqlite3_finalize(q);
    hist__dropped_free(&dropped);
    hist__rows_fini(&raw);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}

pt_status hist__verify_bounds(hist__check *c, hist *h, pt_error *err)
{
    if (c->thinned.count == 0) return PT_OK;
    sqlite3 *db = NULL;
    char *path = hist__path(h, "journal.db");
    pt_error why = { 0 };
    c->file = "journal.db";
    c->file_faults = 0;
    pt_status st = path ? hist__db_open(path, HIST__JOURNAL, true, &db, &why) : PT_ENOMEM;
    free(path);
    if (st == PT_ENOMEM) return pt_fail(err, st, "out of memory");
    if (st != PT_OK) return PT_OK; /* told of before */
    st = walk(c, h, db, err);
    hist__db_close(db);
    return st == PT_ECORRUPT || st == PT_EIO ? PT_OK : st;
}
