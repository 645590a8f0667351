/* historian/write/sealing.c -- which tags to seal when, and what of the journal may go.
 *
 * A tag is sealed when it is full; when its oldest pending row is older than seal_age; when the journal that can't be trimmed because of it
 * grows too long; when memory for pending rows runs short. The last three take the tags with the oldest journal rows first, so that the
 * journal can be trimmed from its beginning. `sealed` is the highest journal row such that it and all before it are in blocks. */
#include "historian/store.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEAL_AT_ONCE = 4096 /* tags in one transaction */ };

pt_status hist__rows_note(hist *h, int64_t id, int64_t wall_ms, uint64_t bytes)
{
    if (h->row_first + h->row_count == h->row_cap) {
        if (h->row_first > h->row_count) { /* more than half is gone: move down */
            memmove(h->row_sizes, h->row_sizes + h->row_first, h->row_count * sizeof *h->row_sizes);
        } else {
            size_t cap = h->row_cap ? h->row_cap * 2 : 256;
            hist__row_size *all = malloc(cap * sizeof *all);
            if (!all) return PT_ENOMEM;
            if (h->row_count) memcpy(all, h->row_sizes + h->row_first, h->row_count * sizeof *all);
            free(h->row_sizes);
            h->row_sizes = all;
            h->row_cap = cap;
        }
        h->row_first = 0;
    }
    h->row_sizes[h->row_first + h->row_count++] = (hist__row_size){ .id = id, .wall_ms = wall_ms, .bytes = bytes };
    h->journal_bytes += bytes;
    h->journal_unsealed_bytes += bytes;
    return PT_OK;
}

/* The highest journal row whose tags are to be sealed now; 0: none. */
static int64_t threshold(hist *h)
{
    size_t n = h->row_count - h->row_sealed;
    if (n == 0) return 0;
    const hist__row_size *rows = h->row_sizes + h->row_first + h->row_sealed;
    int64_t until = 0, too_old = pt_wall_ms(h->clock) - h->o.seal_age_ms;
    for (size_t i = 0; i < n && rows[i].wall_ms <= too_old; i++)
        until = rows[i].id;
    uint64_t shed = 0;
    if (h->journal_unsealed_bytes > HIST__JOURNAL_BYTES) shed = h->journal_unsealed_bytes - HIST__JOURNAL_BYTES / 4 * 3;
    if (h->pending_bytes > h->o.pending_bytes && shed < h->journal_unsealed_bytes / 4) shed = h->journal_unsealed_bytes / 4 + 1;
    for (size_t i = 0; i < n && shed > 0; i++) {
        if (rows[i].id > until) until = rows[i].id;
        shed -= rows[i].bytes < shed ? rows[i].bytes : shed;
    }
    return until;
}

static pt_status seal_some(hist *h, uint32_t *tags, size_t n, pt_error *err)
{
    pt_status st = PT_OK;
    for (size_t at = 0; st == PT_OK && at < n; at += SEAL_AT_ONCE)
        st = hist__seal(h, tags + at, n - at < SEAL_AT_ONCE ? n - at : SEAL_AT_ONCE, err);
    return st;
}

static pt_status seal_until(hist *h, int64_t until, pt_error *err)
{
    uint32_t total = hist__tag_count(h), batch[SEAL_AT_ONCE];
    size_t n = 0;
    pt_status st = PT_OK;
    for (uint32_t id = 1; st == PT_OK && id <= total; id++) {
        const hist__hot *hot = hist__hot_at(h, id);
        if (hot->n && hot->first_row <= (uint64_t)until) batch[n++] = id;
        if (n == SEAL_AT_ONCE || (id == total && n)) {
            st = hist__seal(h, batch, n, err);
            n = 0;
        }
    }
    return st;
}

pt_status hist__seal_due(hist *h, bool everything, pt_error *err)
{
    pt_status st = PT_OK;
    bool sealed = false;
    if (h->n_seal) {
        st = seal_some(h, h->seal_list, h->n_seal, err);
        if (st != PT_OK) return st; /* they stay on the list */
        for (size_t i = 0; i < h->n_seal; i++)
            hist__hot_at(h, h->seal_list[i])->queued = false;
        h->n_seal = 0;
        sealed = true;
    }
    int64_t until = everything ? INT64_MAX : threshold(h);
    if (until) {
        st = seal_until(h, until, err);
        sealed = true;
    }
    int64_t now = hist__mono_ms();
    if (sealed && (until || now - h->last_trim_mono_ms >= 1000)) {
        h->last_trim_mono_ms = now;
        hist__sealed_advance(h);
    }
    return st;
}

pt_status hist__seal_all(hist *h, pt_error *err)
{
    pt_status st = hist__seal_due(h, true, err);
    if (st != PT_OK) return st;
    hist__sealed_advance(h);
    return hist__journal_trim(h, err);
}

void hist__sealed_advance(hist *h)
{
    if (h->pending_incomplete) return;
    uint32_t total = hist__tag_count(h);
    uint64_t oldest = UINT64_MAX;
    for (uint32_t id = 1; id <= total; id++) {
        const hist__hot *hot = hist__hot_at(h, id);
        if (hot->n && hot->first_row < oldest) oldest = hot->first_row;
    }
    int64_t sealed = oldest == UINT64_MAX ? h->journal_last : (int64_t)oldest - 1;
    if (sealed <= h->journal_sealed) return;
    h->journal_sealed = sealed;
    while (h->row_sealed < h->row_count && h->row_sizes[h->row_first + h->row_sealed].id <= sealed)
        h->journal_unsealed_bytes -= h->row_sizes[h->row_first + h->row_sealed++].bytes;
    h->trim_due = true;
}

/* Rows behind `sealed` that the change log does not need any more: all but the newest row, which keeps the numbering going. */
static int64_t log_end(hist *h, size_t *rows, uint64_t *bytes)
{
    int64_t until = 0, too_old = pt_wall_ms(h->clock) - h->o.log_age_ms;
    uint64_t kept = h->journal_bytes - h->journal_unsealed_bytes;
    *rows = 0;
    *bytes = 0;
    for (size_t i = 0; i < h->row_sealed && i + 1 < h->row_count; i++) {
        const hist__row_size *r = &h->row_sizes[h->row_first + i];
        if (kept <= h->o.log_bytes && r->wall_ms > too_old) break;
        until = r->id;
        kept -= r->bytes;
        *bytes += r->bytes;
        ++*rows;
    }
    return until;
}

pt_status hist__journal_trim(hist *h, pt_error *err)
{
    size_t rows = 0;
    uint64_t bytes = 0;
    int64_t until = log_end(h, &rows, &bytes);
    if (!h->trim_due && until == 0) return PT_OK;
    char sql[256];
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; UPDATE meta SET value=%lld WHERE key='sealed_id'; DELETE FROM journal WHERE id<=%lld; COMMIT;",
             (long long)h->journal_sealed, (long long)until);
    pt_status st = hist__journal_open(h, err);
    if (st == PT_OK) st = hist__db_exec(h->journal, sql, err);
    if (st != PT_OK) {
        if (h->journal && !sqlite3_get_autocommit(h->journal)) sqlite3_exec(h->journal, "ROLLBACK", NULL, NULL, NULL);
        return st;
    }
    h->trim_due = false;
    h->row_first += rows;
    h->row_count -= rows;
    h->row_sealed -= rows;
    h->row_packed -= rows < h->row_packed ? rows : h->row_packed;
    h->journal_bytes -= bytes;
    return PT_OK;
}
