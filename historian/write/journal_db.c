/* historian/write/journal_db.c */
#include "historian/write/journal_db.h"
#include "historian/format/format.h"
#include "historian/write/batch.h"

#include <stdio.h>
#include <stdlib.h>

void hist__journal_init(hist__journal *j, const hist_options *o)
{
    *j = (hist__journal){ .o = o };
    pt_buf_init(&j->blob, HIST__BLOCK_BYTES_MAX);
}

void hist__journal_fini(hist__journal *j)
{
    hist__journal_close(j);
    pt_buf_fini(&j->blob);
    free(j->rows);
}

pt_status hist__journal_open(hist__journal *j, pt_error *err)
{
    pt_status st = PT_OK;
    if (!j->db) st = hist__db_open_writer(j->o->dir, "journal.db", HIST__JOURNAL, j->o->synchronous, &j->db, err);
    if (st == PT_OK && !j->insert) st = hist__db_prepare(j->db, "INSERT INTO journal VALUES(?1,?2,?3,?4,?5)", &j->insert, err);
    if (st != PT_OK) hist__journal_close(j);
    return st;
}

void hist__journal_close(hist__journal *j)
{
    sqlite3_finalize(j->insert);
    j->insert = NULL;
    hist__db_close(j->db);
    j->db = NULL;
}

static void roll_back(hist__journal *j)
{
    if (j->db && !sqlite3_get_autocommit(j->db)) sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- the list of rows ---------------------------------------------------------------------------------------- */

pt_status hist__journal_note(hist__journal *j, int64_t id, int64_t wall_ms, uint64_t bytes)
{
    if (j->first + j->count == j->cap) {
        if (j->first > j->count) { /* more than half is gone: move down */
            memmove(j->rows, j->rows + j->first, j->count * sizeof *j->rows);
        } else {
            size_t cap = j->cap ? j->cap * 2 : 256;
            hist__row_size *all = malloc(cap * sizeof *all);
            if (!all) return PT_ENOMEM;
            if (j->count) memcpy(all, j->rows + j->first, j->count * sizeof *all);
            free(j->rows);
            j->rows = all;
            j->cap = cap;
        }
        j->first = 0;
    }
    j->rows[j->first + j->count++] = (hist__row_size){ .id = id, .wall_ms = wall_ms, .bytes = bytes };
    j->bytes += bytes;
    j->unsealed_bytes += bytes;
    return PT_OK;
}

/* The list's part that is sealed grows up to `sealed`. */
static void count_sealed(hist__journal *j)
{
    while (j->n_sealed < j->count && j->rows[j->first + j->n_sealed].id <= j->sealed)
        j->unsealed_bytes -= j->rows[j->first + j->n_sealed++].bytes;
}

uint64_t hist__journal_unsealed(const hist__journal *j)
{
    return j->unsealed_bytes;
}

void hist__journal_seal_before(hist__journal *j, uint64_t row)
{
    int64_t sealed = row == UINT64_MAX ? j->last : (int64_t)row - 1;
    if (sealed <= j->sealed) return;
    j->sealed = sealed;
    count_sealed(j);
    j->trim_due = true;
}

int64_t hist__journal_until(const hist__journal *j, int64_t too_old_ms, uint64_t shed)
{
    size_t n = j->count - j->n_sealed;
    const hist__row_size *rows = n ? j->rows + j->first + j->n_sealed : NULL; /* a journal without rows has no list */
    int64_t until = 0;
    for (size_t i = 0; i < n && rows[i].wall_ms <= too_old_ms; i++)
        until = rows[i].id;
    for (size_t i = 0; i < n && shed > 0; i++) {
        if (rows[i].id > until) until = rows[i].id;
        shed -= rows[i].bytes < shed ? rows[i].bytes : shed;
    }
    return until;
}

pt_status hist__journal_load(hist__journal *j, uint64_t next_event_seq, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    hist__dropped dropped = { 0 };
    bool row = false;
    int64_t next = 0;
    pt_status st = hist__db_number(j->db, "SELECT value FROM meta WHERE key='sealed_id'", &j->sealed, err);
    if (st == PT_OK) st = hist__db_prepare(j->db, "SELECT id, seq + n, wall_ms, length(data) FROM journal ORDER BY id", &q, err);
    while (st == PT_OK && (st = hist__db_step(j->db, q, &row, err)) == PT_OK && row) {
        j->last = sqlite3_column_int64(q, 0);
        next = sqlite3_column_int64(q, 1);
        st = hist__journal_note(j, j->last, sqlite3_column_int64(q, 2), (uint64_t)sqlite3_column_int64(q, 3));
        if (st != PT_OK) pt_fail(err, st, "out of memory");
    }
    sqlite3_finalize(q);
    if (st == PT_OK) st = hist__dropped_load(j->db, &dropped, err);
    if (st != PT_OK) return st;
    j->next_seq = next > 0 && (uint64_t)next > next_event_seq ? (uint64_t)next : next_event_seq;
    for (size_t i = 0; i < dropped.n; i++) { /* given out before, whatever was lost since */
        if (dropped.weeks[i].until_seq > j->next_seq) j->next_seq = dropped.weeks[i].until_seq;
    }
    hist__dropped_free(&dropped);
    if (j->last < j->sealed) j->last = j->sealed;
    count_sealed(j);
    return PT_OK;
}

pt_status hist__journal_replay(hist__journal *j, int64_t after, int64_t until,
                               pt_status (*each)(void *ctx, int64_t id, uint64_t seq, const void *bytes, size_t len, pt_error *err),
                               void *ctx, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__db_prepare(j->db, "SELECT id, seq, data FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id", &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, after);
        sqlite3_bind_int64(q, 2, until);
    }
    while (st == PT_OK && (st = hist__db_step(j->db, q, &row, err)) == PT_OK && row) {
        const void *bytes = sqlite3_column_blob(q, 2);
        st = each(ctx, sqlite3_column_int64(q, 0), (uint64_t)sqlite3_column_int64(q, 1), bytes ? bytes : "",
                  (size_t)sqlite3_column_bytes(q, 2), err);
    }
    sqlite3_finalize(q);
    return st;
}

/* ---- read-only ----------------------------------------------------------------------------------------------- */

pt_status hist__journal_look(hist__journal *j, int64_t *sealed, int64_t *last, pt_error *err)
{
    pt_status st = PT_OK;
    if (!j->db) {
        char *path = hist__path_in(j->o->dir, "journal.db");
        st = path ? hist__db_open(path, HIST__JOURNAL, true, &j->db, err) : pt_fail(err, PT_ENOMEM, "out of memory");
        free(path);
    }
    if (st == PT_OK) st = hist__db_exec(j->db, "BEGIN", err);
    if (st != PT_OK) return st;
    st = hist__db_number(j->db, "SELECT value FROM meta WHERE key='sealed_id'", sealed, err);
    if (st == PT_OK) st = hist__db_number(j->db, "SELECT coalesce(max(id), 0) FROM journal", last, err);
    if (st != PT_OK) hist__journal_look_end(j);
    return st;
}

void hist__journal_look_end(hist__journal *j)
{
    sqlite3_exec(j->db, "COMMIT", NULL, NULL, NULL);
}

void hist__journal_seen(hist__journal *j, int64_t sealed, int64_t last)
{
    j->sealed = sealed;
    j->last = last;
}

/* ---- appending ----------------------------------------------------------------------------------------------- */

static pt_status write_rows(hist__journal *j, const hist__chunk *chunks, uint64_t seq, int64_t wall_ms, int64_t *last, pt_error *err)
{
    int64_t id = j->last;
    for (const hist__chunk *c = chunks; c; c = c->next) {
        if (c->n == 0) continue;
        pt_buf_reset(&j->blob);
        pt_status st = hist__journal_encode(c->s, c->n, &j->blob);
        if (st != PT_OK) return pt_fail(err, st, "encoding a journal row: %s", pt_status_name(st));
        sqlite3_bind_int64(j->insert, 1, ++id);
        sqlite3_bind_int64(j->insert, 2, (int64_t)seq);
        sqlite3_bind_int64(j->insert, 3, c->n);
        sqlite3_bind_int64(j->insert, 4, wall_ms);
        if (sqlite3_bind_blob64(j->insert, 5, j->blob.ptr, j->blob.len, SQLITE_STATIC) != SQLITE_OK)
            return hist__db_fail(j->db, err, "bind");
        if ((st = hist__db_run(j->db, j->insert, err)) != PT_OK) return st;
        if ((st = hist__journal_note(j, id, wall_ms, j->blob.len)) != PT_OK) return pt_fail(err, st, "out of memory");
        seq += c->n;
    }
    *last = id;
    return PT_OK;
}

pt_status hist__journal_append(hist__journal *j, const hist__chunk *chunks, uint64_t seq, int64_t wall_ms, int64_t *first, pt_error *err)
{
    size_t count = j->count;
    uint64_t bytes = j->bytes, unsealed = j->unsealed_bytes;
    int64_t last = 0;
    pt_status st = hist__db_exec(j->db, "BEGIN IMMEDIATE", err);
    if (st == PT_OK) st = write_rows(j, chunks, seq, wall_ms, &last, err);
    if (st == PT_OK) st = hist__db_exec(j->db, "COMMIT", err);
    if (st == PT_OK) {
        *first = j->last + 1;
        j->last = last;
        return PT_OK;
    }
    roll_back(j);
    j->count = count;
    j->bytes = bytes;
    j->unsealed_bytes = unsealed;
    return st;
}

/* ---- letting rows go ----------------------------------------------------------------------------------------- */

/* Rows behind `sealed` that the change log does not need any more: all but the newest row, which keeps the numbering going. */
static int64_t log_end(const hist__journal *j, uint64_t most, int64_t too_old, size_t *rows, uint64_t *bytes)
{
    int64_t until = 0;
    uint64_t kept = j->bytes - j->unsealed_bytes;
    *rows = 0;
    *bytes = 0;
    for (size_t i = 0; i < j->n_sealed && i + 1 < j->count; i++) {
        const hist__row_size *r = &j->rows[j->first + i];
        if (kept <= most && r->wall_ms > too_old) break;
        until = r->id;
        kept -= r->bytes;
        *bytes += r->bytes;
        ++*rows;
    }
    return until;
}

static pt_status trim(hist__journal *j, uint64_t most, int64_t wall_ms, pt_error *err)
{
    size_t rows = 0;
    uint64_t bytes = 0;
    int64_t until = log_end(j, most, wall_ms - j->o->log_age_ms, &rows, &bytes);
    if (!j->trim_due && until == 0) return PT_OK;
    char sql[256];
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; UPDATE meta SET value=%lld WHERE key='sealed_id'; DELETE FROM journal WHERE id<=%lld; COMMIT;",
             (long long)j->sealed, (long long)until);
    pt_status st = hist__journal_open(j, err);
    if (st == PT_OK) st = hist__db_exec(j->db, sql, err);
    if (st != PT_OK) {
        roll_back(j);
        return st;
    }
    j->trim_due = false;
    j->first += rows;
    j->count -= rows;
    j->n_sealed -= rows;
    j->n_packed -= rows < j->n_packed ? rows : j->n_packed;
    j->bytes -= bytes;
    return PT_OK;
}

pt_status hist__journal_trim(hist__journal *j, int64_t wall_ms, pt_error *err)
{
    return trim(j, j->o->log_bytes, wall_ms, err);
}

/* The last row may hold what is to go. It becomes an empty one, which keeps the numbering going as well. */
static pt_status empty_last_row(hist__journal *j, pt_error *err)
{
    if (j->count != 1 || j->n_sealed != 1) return PT_OK;
    hist__row_size *r = &j->rows[j->first];
    sqlite3_stmt *q = NULL;
    pt_buf_reset(&j->blob);
    pt_status st = hist__journal_encode(NULL, 0, &j->blob);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    st = hist__db_prepare(j->db, "UPDATE journal SET seq=seq+n, n=0, data=?2 WHERE id=?1", &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, r->id);
        if (sqlite3_bind_blob64(q, 2, j->blob.ptr, j->blob.len, SQLITE_STATIC) != SQLITE_OK) st = hist__db_fail(j->db, err, "bind");
    }
    if (st == PT_OK) st = hist__db_run(j->db, q, err);
    sqlite3_finalize(q);
    if (st != PT_OK) return st;
    j->bytes -= r->bytes - j->blob.len;
    r->bytes = j->blob.len;
    return PT_OK;
}

pt_status hist__journal_clear(hist__journal *j, int64_t wall_ms, pt_error *err)
{
    pt_status st = hist__journal_open(j, err);
    if (st == PT_OK) st = trim(j, 0, wall_ms, err);
    if (st == PT_OK) st = empty_last_row(j, err);
    return st == PT_OK ? hist__db_exec(j->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err) : st;
}

pt_status hist__journal_keep_damaged(hist__journal *j, int64_t id, pt_error *err)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "CREATE TABLE IF NOT EXISTS damaged(id INTEGER PRIMARY KEY, seq, n, wall_ms, data);"
             "INSERT OR IGNORE INTO damaged SELECT id, seq, n, wall_ms, data FROM journal WHERE id=%lld",
             (long long)id);
    return hist__db_exec(j->db, sql, err);
}

pt_status hist__journal_oldest_seq(hist__journal *j, int64_t *out, pt_error *err)
{
    return hist__db_number(j->db, "SELECT coalesce(min(seq), 9223372036854775807) FROM journal", out, err);
}
