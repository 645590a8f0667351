/* historian/exchange/sql_tables.h -- put the historian's virtual tables on an SQLite connection. */
#ifndef HIST_SQL_TABLES_H
#define HIST_SQL_TABLES_H
#include "historian/historian.h"

struct sqlite3;
typedef struct hist__sql hist__sql;
/* The tables tag, history, bucket, event, tag_path of `h` exist on `db` until it closes; then release(h) is called (NULL: h is borrowed).
 * On failure too. */
PT_MUST_CHECK pt_status hist__sql_register(struct sqlite3 *db, hist *h, void (*release)(hist *h));
#endif
