/* historian/read/log.c -- journal rows and events merged by seq.
 *
 * The journal is read from a snapshot taken before the catalogue's. Events may therefore be newer than the samples seen: behind the last
 * journal row they are given only as long as their numbers follow without a gap, because in a gap are samples that this snapshot does not
 * show yet. */
#include "historian/read/log.h"
#include "historian/write/write.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct merge {
    sqlite3 *journal, *catalog;
    sqlite3_stmt *rows, *events;
    hist__rows decoded;
    size_t at;        /* next sample in `decoded` */
    uint64_t row_seq; /* seq of decoded.s[0] */
    bool rows_done, event_there;
    hist_event event;
} merge;

static pt_status open_snapshot(hist *h, const char *name, hist__file kind, sqlite3 **db, pt_error *err)
{
    char *path = hist__path(h, name);
    pt_status st = path ? hist__db_open(path, kind, true, db, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    int64_t ignored = 0;
    if (st == PT_OK) st = hist__db_exec(*db, "BEGIN", err);
    if (st == PT_OK) st = hist__db_number(*db, "SELECT count(*) FROM meta", &ignored, err); /* the first read takes the snapshot */
    return st;
}

static pt_status next_event(merge *m, pt_error *err)
{
    pt_status st = hist__db_step(m->catalog, m->events, &m->event_there, err);
    if (st == PT_OK && m->event_there)
        m->event = (hist_event){ .seq = (uint64_t)sqlite3_column_int64(m->events, 0),
                                 .time_ms = sqlite3_column_int64(m->events, 1),
                                 .type = hist__db_slice(m->events, 2),
                                 .node = hist__db_slice(m->events, 3),
                                 .device = hist__db_slice(m->events, 4),
                                 .path = hist__db_slice(m->events, 5),
                                 .detail = hist__db_slice(m->events, 6) };
    return st;
}

/* A journal row that can't be read is said and stepped over. */
static pt_status next_row(hist *h, merge *m, uint64_t after, pt_error *err)
{
    while (!m->rows_done && m->at == m->decoded.n) {
        bool row = false;
        pt_error why = { 0 };
        hist__rows_reset(&m->decoded);
        m->at = 0;
        pt_status st = hist__db_step(m->journal, m->rows, &row, err);
        if (st != PT_OK) return st;
        m->rows_done = !row;
        if (!row) break;
        m->row_seq = (uint64_t)sqlite3_column_int64(m->rows, 0);
        const void *bytes = sqlite3_column_blob(m->rows, 1);
        st = hist__journal_decode(bytes ? bytes : "", (size_t)sqlite3_column_bytes(m->rows, 1), &m->decoded, &why);
        if (st == PT_ENOMEM) return pt_fail(err, st, "out of memory");
        if (st != PT_OK) pt_logf(h->log, PT_LOG_ERROR, "HIST-DAMAGED-JOURNAL", "change log: %s", why.text);
        if (after >= m->row_seq) m->at = after - m->row_seq + 1 < m->decoded.n ? (size_t)(after - m->row_seq + 1) : m->decoded.n;
    }
    return PT_OK;
}

static pt_status read_range(merge *m, hist_log_range *r, uint64_t *journal_end, pt_error *err)
{
    int64_t cut = 0, first = 0, end = 0, events = 0, before = 0, run = 0;
    /* Row 1 still there, and not emptied: nothing was ever taken away. */
    pt_status st = hist__db_number(m->journal, "SELECT coalesce((SELECT id > 1 OR n = 0 FROM journal ORDER BY id LIMIT 1), 0)", &cut, err);
    if (st == PT_OK) st = hist__db_number(m->journal, "SELECT coalesce((SELECT seq FROM journal ORDER BY id LIMIT 1), 0)", &first, err);
    if (st == PT_OK)
        st = hist__db_number(m->journal, "SELECT coalesce((SELECT seq + n - 1 FROM journal ORDER BY id DESC LIMIT 1), 0)", &end, err);
    if (st == PT_OK) st = hist__db_number(m->catalog, "SELECT coalesce(max(seq), 0) FROM event", &events, err);
    /* Without a row there are events alone; the last that follow each other without a gap. With a first row, those before it, if they are
     * all there. */
    if (st == PT_OK && !end)
        st = hist__db_number(m->catalog,
                             "SELECT coalesce(max(seq), 1) FROM event AS e WHERE NOT EXISTS (SELECT 1 FROM event WHERE seq = e.seq - 1)",
                             &run, err);
    if (st == PT_OK && end && !cut) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM event WHERE seq < %lld", (long long)first);
        st = hist__db_number(m->catalog, sql, &before, err);
        cut = before != first - 1;
    }
    *journal_end = (uint64_t)end;
    r->oldest = !end ? (uint64_t)run : cut ? (uint64_t)first : 1;
    r->newest = (uint64_t)(end > events ? end : events);
    return st;
}

/* Numbers [from, to) are in no row the snapshot shows: are they in one by now? What an event committed later follows, was committed before
 * it. */
static pt_status is_hole(hist *h, uint64_t from, uint64_t to, bool *hole, pt_error *err)
{
    char sql[120];
    sqlite3 *db = NULL;
    int64_t rows = 0;
    pt_status st = open_snapshot(h, "journal.db", HIST__JOURNAL, &db, err);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM journal WHERE seq < %lld AND seq + n > %lld", (long long)to, (long long)from);
    if (st == PT_OK) st = hist__db_number(db, sql, &rows, err);
    hist__db_close(db);
    *hole = rows == 0;
    return st;
}

static pt_status walk(hist *h, merge *m, uint64_t after, uint64_t limit, uint64_t journal_end,
                      bool (*each)(void *ctx, const hist_change *c), void *ctx, hist_log_range *r, pt_error *err)
{
    pt_status st = next_event(m, err);
    for (uint64_t given = 0; st == PT_OK && (limit == 0 || given < limit); given++) {
        if ((st = next_row(h, m, after, err)) != PT_OK) break;
        bool sample_there = m->at < m->decoded.n;
        uint64_t sample_seq = sample_there ? m->row_seq + m->at : UINT64_MAX;
        hist_change c = { 0 };
        if (m->event_there && m->event.seq < sample_seq) {
            uint64_t expected = (r->next_after > journal_end ? r->next_after : journal_end) + 1;
            bool hole = true; /* events that went with their time, in a directory of an older build */
            if (m->event.seq > journal_end && m->event.seq != expected &&
                ((st = is_hole(h, expected, m->event.seq, &hole, err)) != PT_OK || !hole))
                break;
            c = (hist_change){ .seq = m->event.seq, .event = &m->event };
        } else if (sample_there) {
            c = (hist_change){ .seq = sample_seq, .sample = &m->decoded.s[m->at++] };
        } else {
            break;
        }
        r->next_after = c.seq;
        if (!each(ctx, &c)) break;
        if (c.event) st = next_event(m, err);
    }
    return st;
}

pt_status hist_log_read(hist *h, uint64_t after, uint64_t limit, bool (*each)(void *ctx, const hist_change *c), void *ctx,
                        hist_log_range *range, pt_error *err)
{
    merge m = { 0 };
    uint64_t journal_end = 0;
    *range = (hist_log_range){ .next_after = after };
    hist__rows_init(&m.decoded);
    pt_status st = open_snapshot(h, "journal.db", HIST__JOURNAL, &m.journal, err);
    if (st == PT_OK) st = open_snapshot(h, "catalog.db", HIST__CATALOG, &m.catalog, err);
    if (st == PT_OK) st = read_range(&m, range, &journal_end, err);
    if (st == PT_OK && after < INT64_MAX && after + 1 < range->oldest)
        st = pt_fail(err, PT_ESTATE, "changes up to %llu are not kept any more", (unsigned long long)range->oldest - 1);
    if (st == PT_OK) st = hist__db_prepare(m.journal, "SELECT seq, data FROM journal WHERE seq + n - 1 > ?1 ORDER BY id", &m.rows, err);
    if (st == PT_OK)
        st = hist__db_prepare(m.catalog, "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE seq > ?1 ORDER BY seq",
                              &m.events, err);
    if (st == PT_OK && after < INT64_MAX) { /* there are no numbers beyond */
        sqlite3_bind_int64(m.rows, 1, (int64_t)after);
        sqlite3_bind_int64(m.events, 1, (int64_t)after);
        st = walk(h, &m, after, limit, journal_end, each, ctx, range, err);
    }
    sqlite3_finalize(m.rows);
    sqlite3_finalize(m.events);
    hist__db_close(m.journal);
    hist__db_close(m.catalog);
    hist__rows_fini(&m.decoded);
    return st;
}
