/* historian/exchange/sql.c -- `plantree sql`: an empty database in memory with our virtual tables and an authorizer that lets only reading
 * pass. */
#include "historian/exchange/sql.h"
#include "historian/files/files.h"
#include "historian/exchange/sql_tables.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 2000 /* SQLite's own bound */ };

static int authorize(void *ctx, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)ctx;
    (void)b;
    (void)c;
    (void)d;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION: return SQLITE_OK;
    case SQLITE_FUNCTION: return b && strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA: return a && strncmp(a, "table_", 6) == 0 ? SQLITE_OK : SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

static pt_status status_of(sqlite3 *db, pt_error *err)
{
    int rc = sqlite3_errcode(db) & 0xff;
    pt_status st = rc == SQLITE_AUTH      ? PT_EREFUSED
                   : rc == SQLITE_NOMEM   ? PT_ENOMEM
                   : rc == SQLITE_CORRUPT ? PT_ECORRUPT
                   : rc == SQLITE_ERROR   ? PT_EMALFORMED
                                          : PT_EIO;
    return pt_fail(err, st, "%s", sqlite3_errmsg(db));
}

static void read_cell(sqlite3_stmt *q, int i, hist_sql_cell *c)
{
    *c = (hist_sql_cell){ 0 };
    switch (sqlite3_column_type(q, i)) {
    case SQLITE_INTEGER:
        c->type = HIST_SQL_INTEGER;
        c->i64 = sqlite3_column_int64(q, i);
        break;
    case SQLITE_FLOAT:
        c->type = HIST_SQL_REAL;
        c->f64 = sqlite3_column_double(q, i);
        break;
    case SQLITE_TEXT:
        c->type = HIST_SQL_TEXT;
        c->bytes = pt_slice_of(sqlite3_column_text(q, i), (size_t)sqlite3_column_bytes(q, i));
        break;
    case SQLITE_BLOB: {
        const void *p = sqlite3_column_blob(q, i);
        c->type = HIST_SQL_BLOB;
        c->bytes = pt_slice_of(p ? p : "", (size_t)sqlite3_column_bytes(q, i));
        break;
    }
    default: c->type = HIST_SQL_NULL; break;
    }
}

static pt_status run_one(sqlite3 *db, sqlite3_stmt *q, bool (*row)(void *ctx, int n, const char *const *names, const hist_sql_cell *cells),
                         void *ctx, bool *stop, pt_error *err)
{
    int n = sqlite3_column_count(q), rc;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    hist_sql_cell *cells = calloc((size_t)n + 1, sizeof *cells);
    pt_status st = names && cells && n <= COLUMNS_MAX ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
    for (int i = 0; st == PT_OK && i < n; i++)
        names[i] = sqlite3_column_name(q, i);
    if (st == PT_OK && n) *stop = !row(ctx, n, names, NULL);
    while (st == PT_OK && !*stop && (rc = sqlite3_step(q)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            st = status_of(db, err);
            break;
        }
        for (int i = 0; i < n; i++)
            read_cell(q, i, &cells[i]);
        *stop = !row(ctx, n, names, cells);
    }
    free(names);
    free(cells);
    return st;
}

pt_status hist_sql_run(hist *h, const char *sql, bool (*row)(void *ctx, int n, const char *const *names, const hist_sql_cell *cells),
                       void *ctx, pt_error *err)
{
    sqlite3 *db = NULL;
    bool stop = false;
    if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        pt_status opened = status_of(db, err);
        sqlite3_close(db);
        return opened;
    }
    pt_status st = hist__sql_register(db, h, NULL);
    /* The tables declare themselves when first named, which the authorizer would not allow: name them now. */
    sqlite3_stmt *names = NULL;
    if (st == PT_OK && sqlite3_prepare_v2(db, "SELECT 1 FROM tag, history, bucket(1,2,3), event, tag_path, tag_meta, tag_storage", -1,
                                          &names, NULL) != SQLITE_OK)
        st = status_of(db, err);
    sqlite3_finalize(names);
    if (st == PT_OK && sqlite3_set_authorizer(db, authorize, NULL) != SQLITE_OK) st = status_of(db, err);
    while (st == PT_OK && !stop && *sql) {
        sqlite3_stmt *q = NULL;
        if (sqlite3_prepare_v2(db, sql, -1, &q, &sql) != SQLITE_OK) st = status_of(db, err);
        else if (q) st = run_one(db, q, row, ctx, &stop, err);
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    return st;
}
