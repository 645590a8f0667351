/* historian/read/scan.c -- pages of blocks, merged with a copy of the pending rows. */
#include "historian/read/scan.h"

#include <stdlib.h>

enum { PAGE_RAW = 32, PAGE_INDEX = 512, PAGE_BYTES = 1 << 20 };

typedef struct entry {
    hist__summary summary; /* only t0 and t1 when the scan wants rows */
    int64_t id;
    size_t at, len; /* of its bytes in `blobs`; len 0: not read */
} entry;

struct hist__scan {
    hist *h; /* borrowed */
    hist_line line;
    size_t claim_at;            /* of the line: the one that is walked */
    int64_t line_from, line_to; /* the range asked for */
    hist_sample edge, line_row; /* where a new owner begins: to be given out (flags set), and given out */
    uint32_t tag_id;            /* the owner, and the part of the range it owns */
    int64_t from_ms, to_ms;
    bool summaries, columns;
    hist__rows pending; /* a copy, in the range */
    size_t pending_at;
    int64_t *parts; /* owned: starts of the partitions still of interest when the scan was opened */
    size_t n_parts, part_at;
    hist__conn *conn; /* of partition part_at, NULL between partitions */
    bool in_txn;      /* summaries: the page's transaction, so that a block can be expanded */
    int64_t next_ms;  /* blocks that end at or after it are still to come */
    int64_t floor_ms; /* rows before it were given out with earlier pages: sealing may have cut the blocks anew since */
    bool part_done;
    entry *page; /* owned */
    size_t page_n, page_at;
    pt_buf blobs;
    hist__rows rows;
};

static void end_page(hist__scan *s)
{
    if (s->in_txn) sqlite3_exec(s->conn->db, "COMMIT", NULL, NULL, NULL);
    s->in_txn = false;
    s->page_n = s->page_at = 0;
}

static void leave_partition(hist__scan *s, bool broken)
{
    end_page(s);
    if (broken) hist__conn_close(s->conn);
    else hist__conn_give(&s->h->weeks, s->conn);
    s->conn = NULL;
}

/* What the tag has in its part of the range. The pending rows come first, the weeks second: see store.c, invariant 1. */
static pt_status enter(hist__scan *s)
{
    hist__rows_reset(&s->pending);
    s->pending_at = 0;
    free(s->parts);
    s->parts = NULL;
    s->n_parts = s->part_at = 0;
    if (s->from_ms >= s->to_ms || !s->tag_id) return PT_OK;
    pt_status st = hist__pending_copy(&s->h->pending, s->tag_id, s->from_ms, s->to_ms, &s->pending);
    return st == PT_OK ? hist__weeks_between(&s->h->weeks, s->from_ms, s->to_ms, &s->parts, &s->n_parts) : st;
}

/* The next owner that has a part of the range; PT_EEMPTY: there is none. */
static pt_status next_claim(hist__scan *s, pt_error *err)
{
    for (; s->claim_at < s->line.n; s->claim_at++) {
        const hist_claim *c = &s->line.claims[s->claim_at];
        s->tag_id = c->tag_id;
        s->from_ms = c->from_ms > s->line_from ? c->from_ms : s->line_from;
        s->to_ms = c->to_ms < s->line_to ? c->to_ms : s->line_to;
        if (s->from_ms >= s->to_ms) continue;
        bool begins = s->claim_at > 0 && c->from_ms == s->from_ms;
        s->edge = begins ? hist__line_edge(c) : (hist_sample){ 0 };
        s->claim_at++;
        pt_status st = enter(s);
        return st == PT_OK ? st : pt_fail(err, st, "out of memory");
    }
    return PT_EEMPTY;
}

hist_sample hist__line_edge(const hist_claim *c)
{
    return (hist_sample){
        .tag_id = c->tag_id, .time_ms = c->from_ms, .type = SPB_BOOLEAN, .quality = SPB_STALE, .flags = HIST_STATE | HIST_NULL
    };
}

pt_status hist__scan_open(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, bool summaries, hist__scan **out, pt_error *err)
{
    pt_status st = PT_OK;
    if (h->lock_fd < 0 && (st = hist__journal_refresh(h, err)) != PT_OK) return st;
    for (size_t i = 0; i < (line.n ? line.n : 1); i++) {
        uint32_t id = line.n ? line.claims[i].tag_id : line.tag_id;
        bool nobody = id == 0 && line.n;
        if (!nobody && (id == 0 || id > hist__tag_count(h))) return pt_fail(err, PT_ENOTFOUND, "no tag %u", id);
    }
    hist__scan *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "out of memory");
    *s = (hist__scan){ .h = h,
                       .line = line,
                       .line_from = from_ms,
                       .line_to = to_ms,
                       .tag_id = line.tag_id,
                       .from_ms = from_ms,
                       .to_ms = to_ms,
                       .summaries = summaries };
    hist__rows_init(&s->pending);
    hist__rows_init(&s->rows);
    pt_buf_init(&s->blobs, HIST__BLOCK_BYTES_MAX * (size_t)2);
    s->page = malloc((summaries ? PAGE_INDEX : PAGE_RAW) * sizeof *s->page);
    st = !s->page ? PT_ENOMEM : line.n ? next_claim(s, err) : enter(s);
    if (st == PT_EEMPTY) {
        s->to_ms = s->from_ms; /* nobody's range */
        st = PT_OK;
    }
    if (st != PT_OK) {
        hist__scan_close(s);
        return pt_fail(err, st, "out of memory");
    }
    *out = s;
    return PT_OK;
}

void hist__scan_close(hist__scan *s)
{
    if (!s) return;
    if (s->conn) leave_partition(s, false);
    hist__rows_fini(&s->pending);
    hist__rows_fini(&s->rows);
    pt_buf_fini(&s->blobs);
    free(s->parts);
    free(s->page);
    free(s);
}

static pt_status read_entry(hist__scan *s, sqlite3_stmt *q, entry *e)
{
    *e = (entry){ .id = sqlite3_column_int64(q, 2) };
    if (s->summaries) {
        hist__summary_read(q, 0, &e->summary);
        return PT_OK;
    }
    e->summary.t0 = sqlite3_column_int64(q, 0);
    e->summary.t1 = sqlite3_column_int64(q, 1);
    const void *bytes = sqlite3_column_blob(q, 3);
    e->len = (size_t)sqlite3_column_bytes(q, 3);
    e->at = s->blobs.len;
    return e->len ? pt_buf_add(&s->blobs, bytes, e->len) : PT_OK;
}

static pt_status load_page(hist__scan *s, pt_error *err)
{
    end_page(s);
    sqlite3_stmt *q = s->summaries ? s->conn->index : s->conn->raw;
    size_t limit = s->summaries ? PAGE_INDEX : PAGE_RAW;
    pt_status st = PT_OK;
    if (s->summaries) {
        if ((st = hist__db_exec(s->conn->db, "BEGIN", err)) != PT_OK) return st;
        s->in_txn = true;
    }
    pt_buf_reset(&s->blobs);
    s->floor_ms = s->next_ms;
    sqlite3_bind_int64(q, 1, s->tag_id);
    sqlite3_bind_int64(q, 2, s->next_ms);
    sqlite3_bind_int64(q, 3, s->to_ms - 1);
    sqlite3_bind_int64(q, 4, (int64_t)limit);
    bool row = false;
    while ((st = hist__db_step(s->conn->db, q, &row, err)) == PT_OK && row) {
        if ((st = read_entry(s, q, &s->page[s->page_n])) != PT_OK) {
            sqlite3_reset(q);
            return pt_fail(err, st, "reading blocks: %s", pt_status_name(st));
        }
        int64_t t1 = s->page[s->page_n++].summary.t1;
        if (t1 == INT64_MAX) s->part_done = true;
        else s->next_ms = t1 + 1;
        if (s->page_n == limit || s->blobs.len > PAGE_BYTES) {
            sqlite3_reset(q);
            return PT_OK;
        }
    }
    s->part_done = true;
    return st;
}

/* The next page with blocks; PT_EEMPTY when there are no more in any partition. */
static pt_status next_page(hist__scan *s, pt_error *err)
{
    for (;;) {
        if (!s->conn) {
            if (s->part_at == s->n_parts) return PT_EEMPTY;
            pt_status st = hist__conn_take(&s->h->weeks, s->parts[s->part_at++], &s->conn, err);
            if (st == PT_ENOTFOUND) continue; /* dropped by retention meanwhile */
            if (st != PT_OK) return st;
            s->next_ms = s->from_ms;
            s->part_done = false;
        }
        if (s->part_done) {
            leave_partition(s, false);
            continue;
        }
        pt_status st = load_page(s, err);
        if (st != PT_OK) {
            leave_partition(s, true);
            return st;
        }
        if (s->page_n) return PT_OK;
    }
}

static pt_status say_entry(const hist__scan *s, const entry *e, pt_status st, const pt_error *why, pt_error *err)
{
    return pt_fail(err, st, "tag %u, block at %lld..%lld ms: %.160s", s->tag_id, (long long)e->summary.t0, (long long)e->summary.t1,
                   why->text);
}

/* `columns` NULL: as rows, whatever they are. */
static pt_status decode_entry(hist__scan *s, const entry *e, hist__columns *columns, pt_error *err)
{
    hist__rows_reset(&s->rows);
    pt_error why = { 0 };
    pt_status st = PT_OK;
    uint32_t owner = 0;
    if (s->summaries) {
        bool row = false;
        sqlite3_stmt *q = s->conn->data;
        sqlite3_bind_int64(q, 1, e->id);
        if ((st = hist__db_step(s->conn->db, q, &row, err)) != PT_OK) return st;
        st = !row ? pt_fail(&why, PT_ECORRUPT, "its data is missing")
                  : hist__block_decode_numbers(s->conn->codec, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), &owner,
                                               &s->rows, columns, &why);
        sqlite3_reset(q);
    } else {
        st = e->len == 0 ? pt_fail(&why, PT_ECORRUPT, "its data is missing")
                         : hist__block_decode_numbers(s->conn->codec, s->blobs.ptr + e->at, e->len, &owner, &s->rows, columns, &why);
    }
    if (st == PT_OK && owner != s->tag_id) st = pt_fail(&why, PT_ECORRUPT, "it belongs to tag %u", owner);
    return st == PT_OK ? st : say_entry(s, e, st, &why, err);
}

/* The decoded rows inside the range, with the pending rows up to the block's end merged in. */
static pt_status clip_and_merge(hist__scan *s, const entry *e, hist__piece *out)
{
    size_t lo = 0, hi = s->rows.n, upto = s->pending_at;
    while (lo < hi && s->rows.s[lo].time_ms < s->floor_ms)
        lo++;
    while (hi > lo && s->rows.s[hi - 1].time_ms >= s->to_ms)
        hi--;
    while (upto < s->pending.n && s->pending.s[upto].time_ms <= e->summary.t1)
        upto++;
    if (upto > s->pending_at) {
        size_t more = upto - s->pending_at;
        s->rows.n = hi;
        pt_status st = hist__rows_reserve(&s->rows, more);
        if (st != PT_OK) return st;
        memmove(s->rows.s, s->rows.s + lo, (hi - lo) * sizeof *s->rows.s);
        memcpy(s->rows.s + (hi - lo), s->pending.s + s->pending_at, more * sizeof *s->rows.s); /* bytes stay where they are */
        s->rows.n = hi - lo + more;
        if ((st = hist__rows_sort(&s->rows)) != PT_OK) return st;
        s->pending_at = upto;
        lo = 0;
        hi = s->rows.n;
    }
    *out = (hist__piece){ .rows = s->rows.s + lo, .n = hi - lo };
    return PT_OK;
}

/* The part of the columns inside the range. */
static void clip_columns(const hist__scan *s, hist__columns *c)
{
    while (c->n && c->times[0] < s->floor_ms) {
        c->times++;
        c->values++;
        c->n--;
    }
    while (c->n && c->times[c->n - 1] >= s->to_ms)
        c->n--;
}

void hist__scan_columns(hist__scan *s)
{
    s->columns = true;
}

pt_status hist__scan_next(hist__scan *s, hist__piece *out, pt_error *err)
{
    for (;;) {
        if (s->edge.flags) {
            *out = (hist__piece){ .rows = &s->line_row, .n = 1 };
            s->line_row = s->edge;
            s->edge.flags = 0;
            return PT_OK;
        }
        pt_status st = s->page_at < s->page_n ? PT_OK : next_page(s, err);
        if (st != PT_OK && st != PT_EEMPTY) return st;
        const entry *e = st == PT_OK ? &s->page[s->page_at] : NULL;
        size_t upto = s->pending_at;
        while (upto < s->pending.n && (!e || s->pending.s[upto].time_ms < e->summary.t0))
            upto++;
        if (upto > s->pending_at) {
            *out = (hist__piece){ .rows = s->pending.s + s->pending_at, .n = upto - s->pending_at };
            s->pending_at = upto;
            return PT_OK;
        }
        if (!e) {
            if ((st = next_claim(s, err)) != PT_OK) return st;
            continue;
        }
        s->page_at++;
        bool touched = s->pending_at < s->pending.n && s->pending.s[s->pending_at].time_ms <= e->summary.t1;
        if (s->summaries && !touched && e->summary.t0 >= s->floor_ms && e->summary.t1 < s->to_ms) {
            *out = (hist__piece){ .is_block = true, .summary = e->summary };
            return PT_OK;
        }
        hist__columns columns = { .n = 0 };
        if ((st = decode_entry(s, e, s->columns && !touched ? &columns : NULL, err)) != PT_OK) return st;
        if (columns.n) {
            clip_columns(s, &columns);
            *out = (hist__piece){ .columns = columns };
            if (columns.n) return PT_OK;
            continue;
        }
        if ((st = clip_and_merge(s, e, out)) != PT_OK) return pt_fail(err, st, "out of memory");
        if (out->n) return PT_OK;
    }
}

pt_status hist__scan_family(hist__scan *s, hist__family *out, pt_error *err)
{
    const entry *e = &s->page[s->page_at - 1];
    sqlite3_stmt *q = s->conn->data;
    pt_error why = { 0 };
    bool row = false;
    sqlite3_bind_int64(q, 1, e->id);
    pt_status st = hist__db_step(s->conn->db, q, &row, err);
    if (st != PT_OK) return st;
    st = !row ? pt_fail(&why, PT_ECORRUPT, "its data is missing")
              : hist__block_family(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), out, &why);
    sqlite3_reset(q);
    return st == PT_OK ? st : say_entry(s, e, st, &why, err);
}

pt_status hist__scan_expand(hist__scan *s, hist__piece *piece, pt_error *err)
{
    const entry *e = &s->page[s->page_at - 1];
    hist__columns columns = { .n = 0 };
    pt_status st = decode_entry(s, e, s->columns ? &columns : NULL, err);
    if (st != PT_OK) return st;
    *piece = columns.n ? (hist__piece){ .columns = columns } : (hist__piece){ .rows = s->rows.s, .n = s->rows.n };
    return PT_OK;
}
