/* historian/read/cursor.c -- raw samples one after the other, and the one that was valid at a time. */
#include "historian/read/scan.h"

#include <stdlib.h>

struct hist_cursor {
    hist__scan *scan; /* owned */
    bool states;
    hist__piece piece;
    size_t at; /* rows of the piece given out */
};

pt_status hist_cursor_open(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, bool states, hist_cursor **out, pt_error *err)
{
    hist_cursor *c = calloc(1, sizeof *c);
    if (!c) return pt_fail(err, PT_ENOMEM, "out of memory");
    c->states = states;
    pt_status st = hist__scan_open(h, line, from_ms, to_ms, false, &c->scan, err);
    if (st != PT_OK) {
        free(c);
        return st;
    }
    *out = c;
    return PT_OK;
}

/* The next run of rows to give out, of at most `max`, within the piece; STATE rows are stepped over when they are not wanted. */
static size_t next_run(hist_cursor *c, size_t max, const hist_sample **run)
{
    const hist_sample *rows = c->piece.rows;
    size_t at = c->at, end = c->piece.n;
    while (!c->states && at < end && hist__is_state(&rows[at]))
        at++;
    if (end - at > max) end = at + max;
    size_t stop = at;
    if (c->states) stop = end;
    else
        while (stop < end && !hist__is_state(&rows[stop]))
            stop++;
    *run = rows + at;
    c->at = stop;
    return stop - at;
}

pt_status hist_cursor_view(hist_cursor *c, const hist_sample **rows, size_t *n, pt_error *err)
{
    for (;;) {
        if (c->at < c->piece.n && (*n = next_run(c, SIZE_MAX, rows)) > 0) return PT_OK;
        c->piece = (hist__piece){ 0 };
        c->at = 0;
        *n = 0;
        pt_status st = hist__scan_next(c->scan, &c->piece, err);
        if (st == PT_EEMPTY) return PT_OK;
        if (st != PT_OK) return st;
    }
}

pt_status hist_cursor_next(hist_cursor *c, hist_sample *out, size_t max, size_t *n, pt_error *err)
{
    *n = 0;
    if (max == 0) return PT_EINVAL;
    for (;;) {
        const hist_sample *run = NULL;
        size_t got = 0;
        while (*n < max && c->at < c->piece.n && (got = next_run(c, max - *n, &run)) > 0) {
            memcpy(out + *n, run, got * sizeof *out);
            *n += got;
        }
        if (*n) return PT_OK;
        c->piece = (hist__piece){ 0 };
        c->at = 0;
        pt_status st = hist__scan_next(c->scan, &c->piece, err);
        if (st == PT_EEMPTY) return PT_OK;
        if (st != PT_OK) return st;
    }
}

void hist_cursor_close(hist_cursor *c)
{
    if (!c) return;
    hist__scan_close(c->scan);
    free(c);
}

/* ---- value at a time ---------------------------------------------------------------------------------------- */

/* In one partition, blocks from `at_ms` backwards; better than *found (when any) or PT_EEMPTY. */
static pt_status look_back(hist__conn *c, uint32_t tag_id, int64_t at_ms, bool states, const hist_sample *found, pt_arena *arena,
                           hist_sample *out, pt_error *err)
{
    hist__rows rows;
    hist__rows_init(&rows);
    pt_status st = PT_EEMPTY;
    for (int64_t before = at_ms;;) {
        bool row = false;
        sqlite3_bind_int64(c->before, 1, tag_id);
        sqlite3_bind_int64(c->before, 2, before);
        pt_status step = hist__db_step(c->db, c->before, &row, err);
        if (step != PT_OK || !row) {
            if (step != PT_OK) st = step;
            break;
        }
        int64_t t0 = sqlite3_column_int64(c->before, 0), t1 = sqlite3_column_int64(c->before, 1);
        if (found && t1 < found->time_ms) {
            sqlite3_reset(c->before);
            break;
        }
        hist__rows_reset(&rows);
        pt_error why = { 0 };
        uint32_t owner = 0;
        st = hist__block_decode(c->codec, sqlite3_column_blob(c->before, 3), (size_t)sqlite3_column_bytes(c->before, 3), &owner, &rows,
                                &why);
        sqlite3_reset(c->before);
        if (st == PT_OK && owner != tag_id) st = pt_fail(&why, PT_ECORRUPT, "it belongs to tag %u", owner);
        if (st != PT_OK) {
            pt_fail(err, st, "tag %u, block at %lld ms: %.160s", tag_id, (long long)t0, why.text);
            break;
        }
        const hist_sample *s = hist__rows_last(rows.s, rows.n, at_ms, states);
        if (s && found && hist__key_cmp(s->time_ms, hist__is_state(s), found->time_ms, hist__is_state(found)) <= 0) {
            st = PT_EEMPTY;
            break;
        }
        if (s) {
            st = hist__sample_dup(s, arena, out);
            break;
        }
        st = PT_EEMPTY;
        if (t0 == INT64_MIN) break;
        before = t0 - 1; /* only state rows there: the block before */
    }
    hist__rows_fini(&rows);
    return st;
}

static pt_status tag_row_before(hist *h, uint32_t tag_id, int64_t at_ms, bool states, pt_arena *arena, hist_sample *out, pt_error *err)
{
    pt_status st = PT_OK;
    if (h->lock_fd < 0 && (st = hist__journal_refresh(h, err)) != PT_OK) return st;
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return PT_ENOTFOUND;
    hist_sample best;
    st = hist__pending_before(&h->pending, tag_id, at_ms, states, arena, &best);
    bool found = st == PT_OK;
    if (st == PT_EEMPTY) st = PT_OK;
    size_t n = 0;
    int64_t *starts = NULL;
    pt_status listed = hist__weeks_between(&h->weeks, INT64_MIN, at_ms < INT64_MAX ? at_ms + 1 : INT64_MAX, &starts, &n);
    if (st == PT_OK) st = listed;
    for (size_t i = n; st == PT_OK && i-- > 0;) {
        if (found && hist__partition_end(starts[i]) != INT64_MAX && hist__partition_end(starts[i]) <= best.time_ms) break;
        hist__conn *c = NULL;
        st = hist__conn_take(&h->weeks, starts[i], &c, err);
        if (st == PT_ENOTFOUND) {
            st = PT_OK;
            continue;
        }
        if (st != PT_OK) break;
        hist_sample better;
        st = look_back(c, tag_id, at_ms, states, found ? &best : NULL, arena, &better, err);
        if (st == PT_OK || st == PT_EEMPTY) hist__conn_give(&h->weeks, c);
        else hist__conn_close(c);
        if (st == PT_OK) {
            best = better;
            found = true;
            break; /* older partitions have nothing newer */
        }
        if (st == PT_EEMPTY) st = PT_OK;
    }
    free(starts);
    if (st != PT_OK) return st;
    if (!found) return PT_EEMPTY;
    *out = best;
    return PT_OK;
}

/* Of a line: what its owner of then has since it owns the path, else what was before. */
pt_status hist__row_before(hist *h, hist_line line, int64_t at_ms, bool states, pt_arena *arena, hist_sample *out, pt_error *err)
{
    if (!line.n) return tag_row_before(h, line.tag_id, at_ms, states, arena, out, err);
    for (size_t i = line.n; i-- > 0;) {
        const hist_claim *c = &line.claims[i];
        if (c->from_ms > at_ms) continue;
        int64_t at = at_ms < c->to_ms ? at_ms : c->to_ms - 1;
        pt_status st = c->tag_id ? tag_row_before(h, c->tag_id, at, states, arena, out, err) : PT_EEMPTY;
        if (st != PT_EEMPTY && (st != PT_OK || out->time_ms >= c->from_ms)) return st;
        if (states && i > 0) {
            *out = hist__line_edge(c);
            return PT_OK;
        }
    }
    return PT_EEMPTY;
}

pt_status hist_value_at(hist *h, hist_line line, int64_t at_ms, pt_arena *arena, hist_sample *out)
{
    return hist__row_before(h, line, at_ms, false, arena, out, NULL);
}
