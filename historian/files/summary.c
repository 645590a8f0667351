/* historian/files/summary.c */
#include "historian/files/summary.h"

#include <math.h>

void hist__summary_bind(sqlite3_stmt *stmt, int at, const hist__summary *s)
{
    const int64_t counts[] = { s->rows,      s->samples, s->good,
                               s->uncertain, s->bad,     s->stale,
                               s->nulls,     s->nums,    (int)s->open | (int)s->line << 1 };
    for (size_t i = 0; i < PT_COUNT_OF(counts); i++)
        sqlite3_bind_int64(stmt, at++, counts[i]);
    if (s->nums == 0) {
        for (int i = 0; i < 10; i++)
            sqlite3_bind_null(stmt, at++);
        return;
    }
    sqlite3_bind_int64(stmt, at++, s->num_t0 - s->t0);
    sqlite3_bind_int64(stmt, at++, s->t1 - s->num_t1);
    const double reals[] = { s->min, s->max, s->sum, s->first, s->last, s->m2, s->area };
    for (size_t i = 0; i < PT_COUNT_OF(reals); i++)
        sqlite3_bind_double(stmt, at++, reals[i]); /* NaN becomes NULL */
    sqlite3_bind_int64(stmt, at, s->area_ms);
}

static double real_of(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, column);
}

void hist__summary_read(sqlite3_stmt *stmt, int column, hist__summary *s)
{
    *s = (hist__summary){ .t0 = sqlite3_column_int64(stmt, column), .t1 = sqlite3_column_int64(stmt, column + 1) };
    uint32_t *counts[] = { &s->rows, &s->samples, &s->good, &s->uncertain, &s->bad, &s->stale, &s->nulls, &s->nums };
    column += 4; /* t0, t1, id, bytes */
    for (size_t i = 0; i < PT_COUNT_OF(counts); i++)
        *counts[i] = (uint32_t)sqlite3_column_int64(stmt, column++);
    int bits = sqlite3_column_int(stmt, column++);
    s->open = bits & 1;
    s->line = bits >> 1 & 1;
    if (s->nums == 0) return;
    s->num_t0 = s->t0 + sqlite3_column_int64(stmt, column++);
    s->num_t1 = s->t1 - sqlite3_column_int64(stmt, column++);
    double *reals[] = { &s->min, &s->max, &s->sum, &s->first, &s->last, &s->m2, &s->area };
    for (size_t i = 0; i < PT_COUNT_OF(reals); i++)
        *reals[i] = real_of(stmt, column++);
    s->area_ms = sqlite3_column_int64(stmt, column);
}
