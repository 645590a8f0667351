/* historian/exchange/sql.h -- read-only SQL over the historian's tables: tag, history, bucket, event, tag_path, tag_meta, tag_storage
 * (docs/historian.md). */
#ifndef HIST_SQL_H
#define HIST_SQL_H
#include "historian/historian.h"

typedef struct hist_sql_cell {
    enum { HIST_SQL_NULL, HIST_SQL_INTEGER, HIST_SQL_REAL, HIST_SQL_TEXT, HIST_SQL_BLOB } type;
    int64_t i64;
    double f64;
    pt_slice bytes; /* TEXT, BLOB; valid during the call */
} hist_sql_cell;

/* Run one or more statements separated by ';' against `h` (opened either way). `row` is called for each statement that has a result, first
 * with its column names and `cells` NULL, then once per row; it stops the query by returning false. Only reading is possible: no writing,
 * attaching, or loading. PT_EMALFORMED with SQLite's message for bad SQL, PT_EREFUSED for statements that are not allowed, PT_ECORRUPT for
 * damaged blocks. */
PT_MUST_CHECK pt_status hist_sql_run(hist *h, const char *sql,
                                     bool (*row)(void *ctx, int n, const char *const *names, const hist_sql_cell *cells), void *ctx,
                                     pt_error *err);
#endif
