/* historian/exchange/sql_extension.c -- plantree_sqlite.so for the stock sqlite3 shell.
 *
 *     $ sqlite3
 *     sqlite> .load ./plantree_sqlite
 *     sqlite> SELECT plantree_open('/var/lib/plantree');
 *     sqlite> SELECT * FROM history WHERE path='acme/line1/level' AND time_ms > 1750000000000 LIMIT 10;
 *
 * With PLANTREE_DATA in the environment the directory is opened while loading. Read-only, beside a running host too. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1
#include "historian/exchange/sql_tables.h"

#include <stdlib.h>

static void release(hist *h)
{
    (void)hist_close(h, 0, NULL); /* read-only: nothing to lose */
}

static pt_status open_on(sqlite3 *db, const char *dir, pt_error *err)
{
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    o.dir = dir;
    o.read_only = true;
    pt_status st = hist_open(&o, pt_clock_system(), NULL, &h, err);
    return st == PT_OK ? hist__sql_register(db, h, release) : st;
}

static void open_function(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    const char *dir = (const char *)sqlite3_value_text(argv[0]);
    pt_error err = { 0 };
    if (!dir) sqlite3_result_error(ctx, "plantree_open: a directory, please", -1);
    else if (open_on(sqlite3_context_db_handle(ctx), dir, &err) != PT_OK)
        sqlite3_result_error(ctx, err.text[0] ? err.text : "plantree_open failed", -1);
    else sqlite3_result_text(ctx, "ok", -1, SQLITE_STATIC);
}

__attribute__((visibility("default"))) int sqlite3_plantreesqlite_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);
int sqlite3_plantreesqlite_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    int rc = sqlite3_create_function(db, "plantree_open", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, open_function, NULL, NULL);
    const char *dir = getenv("PLANTREE_DATA");
    pt_error err = { 0 };
    if (rc == SQLITE_OK && dir && dir[0] && open_on(db, dir, &err) != PT_OK) {
        *message = sqlite3_mprintf("PLANTREE_DATA: %s", err.text);
        rc = SQLITE_ERROR;
    }
    return rc == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : rc; /* SQLite keeps our VFS (pages.c) as long as the process lives */
}
