/* historian/write/dropped.c -- which weeks were dropped, so that the journal does not bring their samples back.
 *
 * The journal keeps rows for readers of the change log after their samples went into blocks, and a repair (or a start behind a crash)
 * replays them: a sample that is in no block is taken for one that was lost. One of a week that was dropped since is not. Change numbers
 * tell the two apart: a sample that came after the week was dropped has a higher one. The table `dropped` is made when it is first needed.
 */
#include "historian/write/journal_db.h"

#include <stdio.h>
#include <stdlib.h>

pt_status hist__dropped_note(hist__journal *j, int64_t start_ms, pt_error *err)
{
    char sql[500];
    /* What the journal has let go of can't come back. */
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; " HIST__DROPPED_TABLE "INSERT OR REPLACE INTO dropped VALUES(NULL, %lld, %llu);"
             "DELETE FROM dropped WHERE until_seq <= (SELECT min(seq) FROM journal); COMMIT;",
             (long long)start_ms, (unsigned long long)j->next_seq);
    pt_status st = hist__db_exec(j->db, sql, err);
    if (st != PT_OK && !sqlite3_get_autocommit(j->db)) sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static pt_status read_weeks(sqlite3 *db, hist__dropped *d, size_t most, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__db_prepare(db, "SELECT * FROM dropped ORDER BY 2", &q, err);
    while (st == PT_OK && d->n < most && (st = hist__db_step(db, q, &row, err)) == PT_OK && row)
        d->weeks[d->n++] = (hist__dropped_week){ sqlite3_column_int64(q, 1), (uint64_t)sqlite3_column_int64(q, 2) };
    sqlite3_finalize(q);
    return st;
}

pt_status hist__dropped_load(sqlite3 *journal, hist__dropped *out, pt_error *err)
{
    int64_t n = 0;
    *out = (hist__dropped){ 0 };
    pt_status st = hist__db_number(journal, "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='dropped'", &n, err);
    if (st == PT_OK && n) st = hist__db_number(journal, "SELECT count(*) FROM dropped", &n, err);
    if (st != PT_OK || n <= 0) return st;
    out->weeks = malloc((size_t)n * sizeof *out->weeks);
    if (!out->weeks) return pt_fail(err, PT_ENOMEM, "out of memory");
    st = read_weeks(journal, out, (size_t)n, err);
    if (st != PT_OK) hist__dropped_free(out);
    return st;
}

pt_status hist__journal_dropped(hist__journal *j, hist__dropped *out, pt_error *err)
{
    return hist__dropped_load(j->db, out, err);
}

void hist__dropped_free(hist__dropped *d)
{
    free(d->weeks);
    *d = (hist__dropped){ 0 };
}

bool hist__dropped_has(const hist__dropped *d, int64_t time_ms, uint64_t seq)
{
    if (d->n == 0) return false;
    int64_t start = hist__partition_start(time_ms);
    size_t lo = 0, hi = d->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (d->weeks[mid].start_ms < start) lo = mid + 1;
        else hi = mid;
    }
    return lo < d->n && d->weeks[lo].start_ms == start && seq < d->weeks[lo].until_seq;
}
