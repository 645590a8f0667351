/* historian/repair/verify_bound.c -- where samples were left out: is each raw sample that the journal still holds as near to what stands
 * for it as its block states?
 *
 * The journal's sealed rows are read in order, and their samples of thinned tags are taken in portions, sorted by tag and time, and held
 * against the blocks: so each block is decoded once per portion, and memory is that of one portion. Those that are too far away are looked
 * for in the journal once more: one that another has taken the place of later stands for nothing. */
#include "historian/repair/verify.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORTION = 1 << 18, DOUBTS_MAX = 100000 };

typedef struct raw { /* a sample of the journal; of a byte string its key alone */
    hist_sample s;
    uint64_t seq;
} raw;

typedef struct raws {
    raw *all; /* owned */
    size_t n, cap;
} raws;

typedef struct doubt {
    raw of;
    double distance, stated; /* NAN: it is not there at all */
    bool replaced;
} doubt;

typedef struct doubts {
    doubt *all; /* owned */
    size_t n, cap;
    uint64_t more; /* beyond DOUBTS_MAX: not looked for again, but told of */
} doubts;

typedef struct look {
    hist__conn *conn;
    int64_t start_ms;
    hist__rows rows; /* the block that holds the time looked for, and the first row of the next */
    size_t own;      /* rows of the block itself */
    uint32_t tag_id;
    int64_t t0, until; /* rows answer for times in [t0, until) */
    bool valid;
} look;

static void leave(hist *h, look *l)
{
    hist__conn_give(&h->weeks, l->conn);
    l->conn = NULL;
    l->valid = false;
}

/* Append the block a statement stands on; one that can't be read was told of before. */
static pt_status add_block(look *l, sqlite3_stmt *q, int column)
{
    pt_status st =
        hist__block_decode(l->conn->codec, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column), NULL, &l->rows, NULL);
    return st == PT_ECORRUPT || st == PT_EUNSUPPORTED ? PT_EEMPTY : st;
}

/* PT_EEMPTY: no block to hold the sample against. */
static pt_status find(hist *h, look *l, const hist_sample *s, pt_error *err)
{
    if (l->valid && l->tag_id == s->tag_id && s->time_ms >= l->t0 && s->time_ms < l->until) return PT_OK;
    int64_t start = hist__partition_start(s->time_ms);
    if (l->conn && l->start_ms != start) leave(h, l);
    pt_status st = l->conn ? PT_OK : hist__conn_take(&h->weeks, start, &l->conn, err);
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

static pt_status note(doubts *d, const raw *of, double distance, double stated)
{
    if (d->n == DOUBTS_MAX) {
        d->more++;
        return PT_OK;
    }
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 64;
        doubt *all = realloc(d->all, cap * sizeof *all);
        if (!all) return PT_ENOMEM;
        d->all = all;
        d->cap = cap;
    }
    d->all[d->n++] = (doubt){ .of = *of, .distance = distance, .stated = stated };
    return PT_OK;
}

static pt_status compare(hist__check *c, const look *l, const raw *r, doubts *d)
{
    const hist_sample *s = &r->s;
    size_t lo = 0, hi = l->rows.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const hist_sample *m = &l->rows.s[mid];
        if (hist__key_cmp(m->time_ms, hist__is_state(m), s->time_ms, hist__is_state(s)) < 0) lo = mid + 1;
        else hi = mid;
    }
    const hist_sample *b = lo < l->rows.n ? &l->rows.s[lo] : NULL;
    c->report->compared++;
    if (b && b->time_ms == s->time_ms && hist__is_state(b) == hist__is_state(s)) return PT_OK;
    if (isinf(l->rows.deviation)) return PT_OK; /* a late change of quality came between: the block says that it does not know */
    if (b && hist__has_value(b) && hist__family_of_type(b->type) == HIST__BYTES)
        return PT_OK; /* a text that came late, in a block of its own: the line went on behind it */
    if (!b || lo == 0 || !(b->flags & HIST_THINNED)) return note(d, r, NAN, NAN);
    double distance = hist__distance(b - 1, b, s), stated = l->rows.deviation;
    return distance <= stated * (1 + 1e-9) ? PT_OK : note(d, r, distance, stated);
}

static int by_tag_and_key(const void *a, const void *b)
{
    const raw *x = a, *y = b;
    if (x->s.tag_id != y->s.tag_id) return x->s.tag_id < y->s.tag_id ? -1 : 1;
    return hist__key_cmp(x->s.time_ms, hist__is_state(&x->s), y->s.time_ms, hist__is_state(&y->s));
}

static pt_status portion(hist__check *c, hist *h, raws *r, doubts *d, pt_error *err)
{
    look l = { 0 };
    hist__rows_init(&l.rows);
    pt_status st = PT_OK;
    if (r->n) qsort(r->all, r->n, sizeof *r->all, by_tag_and_key);
    for (size_t i = 0; st == PT_OK && i < r->n; i++) {
        st = find(h, &l, &r->all[i].s, err);
        if (st == PT_OK) st = compare(c, &l, &r->all[i], d);
        if (st == PT_EEMPTY) st = PT_OK;
    }
    leave(h, &l);
    hist__rows_fini(&l.rows);
    r->n = 0;
    return st;
}

static pt_status keep(raws *r, const hist_sample *s, uint64_t seq)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 1024;
        raw *all = realloc(r->all, cap * sizeof *all);
        if (!all) return PT_ENOMEM;
        r->all = all;
        r->cap = cap;
    }
    raw *to = &r->all[r->n++];
    *to = (raw){ .s = *s, .seq = seq };
    if (hist__family_of_type(s->type) == HIST__BYTES) to->s.as.u64 = to->s.len = 0; /* only its key is looked at */
    return PT_OK;
}

/* The samples of the journal's rows that `sql` names, one after the other. */
static pt_status each_sample(hist__check *c, sqlite3 *db, const char *sql, pt_status (*each)(void *ctx, const hist_sample *s, uint64_t seq),
                             void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__db_prepare(db, sql, &q, err);
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        hist__rows_reset(&c->rows);
        const void *bytes = sqlite3_column_blob(q, 0);
        uint64_t seq = (uint64_t)sqlite3_column_int64(q, 1);
        if (hist__journal_decode(bytes ? bytes : "", (size_t)sqlite3_column_bytes(q, 0), &c->rows, NULL) == PT_ENOMEM) st = PT_ENOMEM;
        for (size_t i = 0; st == PT_OK && i < c->rows.n; i++)
            st = each(ctx, &c->rows.s[i], seq + i);
    }
    sqlite3_finalize(q);
    return st;
}

typedef struct pass {
    hist__check *c;
    hist *h;
    hist__dropped dropped;
    raws raws;
    doubts doubts;
    pt_error *err;
} pass;

static pt_status hold_against_block(void *ctx, const hist_sample *s, uint64_t seq)
{
    pass *p = ctx;
    uint64_t ignored = 0;
    if (!pt_map_get_u64(&p->c->thinned, s->tag_id, &ignored) || hist__dropped_has(&p->dropped, s->time_ms, seq)) return PT_OK;
    pt_status st = keep(&p->raws, s, seq);
    return st == PT_OK && p->raws.n >= PORTION ? portion(p->c, p->h, &p->raws, &p->doubts, p->err) : st;
}

static int by_doubted_key(const void *key, const void *d)
{
    return by_tag_and_key(key, &((const doubt *)d)->of);
}

static int doubts_in_order(const void *a, const void *b)
{
    return by_tag_and_key(&((const doubt *)a)->of, &((const doubt *)b)->of);
}

static pt_status look_for_successor(void *ctx, const hist_sample *s, uint64_t seq)
{
    doubts *d = &((pass *)ctx)->doubts;
    raw key = { .s = *s, .seq = seq };
    doubt *found = bsearch(&key, d->all, d->n, sizeof *d->all, by_doubted_key);
    if (!found) return PT_OK;
    while (found > d->all && by_doubted_key(&key, found - 1) == 0)
        found--;
    for (; found < d->all + d->n && by_doubted_key(&key, found) == 0; found++)
        found->replaced = found->replaced || found->of.seq < seq;
    return PT_OK;
}

static void tell(hist__check *c, const doubt *d)
{
    const hist_sample *s = &d->of.s;
    if (d->replaced) return;
    if (isnan(d->distance)) hist__fault(c, "tag %u: the sample of the journal at %lld is not there", s->tag_id, (long long)s->time_ms);
    else
        hist__fault(c, "tag %u: the sample of the journal at %lld is %g from what stands for it, the block states %g", s->tag_id,
                    (long long)s->time_ms, d->distance, d->stated);
}

static pt_status walk(hist__check *c, hist *h, sqlite3 *db, pt_error *err)
{
    pass p = { .c = c, .h = h, .err = err };
    pt_status st = hist__dropped_load(db, &p.dropped, err);
    if (st == PT_OK)
        st = each_sample(c, db, "SELECT data, seq FROM journal WHERE id <= (SELECT value FROM meta WHERE key='sealed_id') ORDER BY id",
                         hold_against_block, &p, err);
    if (st == PT_OK) st = portion(c, h, &p.raws, &p.doubts, err);
    if (st == PT_OK && p.doubts.n) {
        qsort(p.doubts.all, p.doubts.n, sizeof *p.doubts.all, doubts_in_order);
        st = each_sample(c, db, "SELECT data, seq FROM journal ORDER BY id", look_for_successor, &p, err);
    }
    for (size_t i = 0; st == PT_OK && i < p.doubts.n; i++)
        tell(c, &p.doubts.all[i]);
    if (st == PT_OK && p.doubts.more)
        hist__fault(
            c, "%llu more samples of the journal are not there, or too far from what stands for them, unless others have taken their place",
            (unsigned long long)p.doubts.more);
    hist__dropped_free(&p.dropped);
    free(p.raws.all);
    free(p.doubts.all);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}

pt_status hist__verify_bounds(hist__check *c, hist *h, pt_error *err)
{
    if (c->thinned.count == 0) return PT_OK;
    sqlite3 *db = NULL;
    char *path = hist__path(h, "journal.db");
    pt_error why = { 0 };
    snprintf(c->file, sizeof c->file, "journal.db");
    c->file_faults = 0;
    pt_status st = path ? hist__db_open(path, HIST__JOURNAL, true, &db, &why) : PT_ENOMEM;
    free(path);
    if (st == PT_ENOMEM) return pt_fail(err, st, "out of memory");
    if (st != PT_OK) return PT_OK; /* told of before */
    st = walk(c, h, db, err);
    hist__db_close(db);
    return st == PT_ECORRUPT || st == PT_EIO ? PT_OK : st;
}
