/* historian/read/query.c */
#include "historian/read/query.h"
#include "historian/write/write.h"

#include <stdlib.h>

struct hist__query {
    sqlite3 *db;        /* owned */
    sqlite3_stmt *stmt; /* owned */
};

pt_status hist__query_open(hist *h, const char *sql, const int64_t *numbers, size_t n, hist__query **out, pt_error *err)
{
    hist__query *q = calloc(1, sizeof *q);
    char *path = hist__path(h, "catalog.db");
    pt_status st = q && path ? hist__db_open(path, HIST__CATALOG, true, &q->db, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    if (st == PT_OK) st = hist__db_prepare(q->db, sql, &q->stmt, err);
    for (size_t i = 0; st == PT_OK && i < n; i++)
        sqlite3_bind_int64(q->stmt, (int)i + 1, numbers[i]);
    if (st != PT_OK) {
        hist__query_close(q);
        return st;
    }
    *out = q;
    return PT_OK;
}

pt_status hist__query_next(hist__query *q, bool *row, pt_error *err)
{
    return hist__db_step(q->db, q->stmt, row, err);
}

int64_t hist__query_number(hist__query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

bool hist__query_null(hist__query *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

pt_slice hist__query_text(hist__query *q, int column)
{
    return hist__db_slice(q->stmt, column);
}

void hist__query_close(hist__query *q)
{
    if (!q) return;
    sqlite3_finalize(q->stmt);
    hist__db_close(q->db);
    free(q);
}
