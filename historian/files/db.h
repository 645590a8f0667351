/* historian/files/db.h -- the few SQLite calls everybody here makes, with every result checked and translated. */
#ifndef HIST_DB_H
#define HIST_DB_H
#include "base/slice.h"
#include "base/status.h"

#include <sqlite3.h>

typedef enum hist__file { HIST__CATALOG, HIST__JOURNAL, HIST__PARTITION } hist__file;

/* Open (and, unless read_only, create and bring to the present format) one of our files.
 * PT_EUNSUPPORTED: a newer format. PT_ECORRUPT: not ours or damaged. PT_ENOTFOUND (read_only): no such file. Others as they come. */
PT_MUST_CHECK pt_status hist__db_open(const char *path, hist__file kind, bool read_only, sqlite3 **out, pt_error *err);
/* As hist__db_open, for writing DIR/name; `synchronous`: 0 FULL, 1 NORMAL, 2 OFF (hist_sync). On failure *out may have to be closed. */
PT_MUST_CHECK pt_status hist__db_open_writer(const char *dir, const char *name, hist__file kind, unsigned synchronous, sqlite3 **out,
                                             pt_error *err);
PT_MUST_CHECK pt_status hist__db_synchronous(sqlite3 *db, unsigned synchronous, pt_error *err);
int32_t hist__application(hist__file kind);             /* its mark, PRAGMA application_id */
int hist__format(hist__file kind);                      /* user_version this build writes; docs/file-format.md, chapter 6 */
char *hist__path_in(const char *dir, const char *name); /* `dir`/`name`, NUL-terminated, to be freed; NULL when out of memory */
void hist__db_close(sqlite3 *db);                       /* NULL allowed; every statement must be finalized */

/* What went wrong in the last call on `db`, as a status and a sentence beginning with `what`. */
pt_status hist__db_fail(sqlite3 *db, pt_error *err, const char *what);
PT_MUST_CHECK pt_status hist__db_exec(sqlite3 *db, const char *sql, pt_error *err);
PT_MUST_CHECK pt_status hist__db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, pt_error *err);
/* Step a statement that returns no rows, and reset it. */
PT_MUST_CHECK pt_status hist__db_run(sqlite3 *db, sqlite3_stmt *stmt, pt_error *err);
/* Step: *row tells whether there is one. Resets at the end and on failure. */
PT_MUST_CHECK pt_status hist__db_step(sqlite3 *db, sqlite3_stmt *stmt, bool *row, pt_error *err);
/* One number from a query; PT_EEMPTY when it gives no row. */
PT_MUST_CHECK pt_status hist__db_number(sqlite3 *db, const char *sql, int64_t *out, pt_error *err);

/* Bind text without copying (valid until the statement is reset); absent becomes NULL. Results are collected by the step that follows: a
 * failed bind leaves NULL, so callers check these. */
PT_MUST_CHECK pt_status hist__db_bind_slice(sqlite3_stmt *stmt, int at, pt_slice s);
pt_slice hist__db_slice(sqlite3_stmt *stmt, int column); /* borrowed until the next step */
#endif
