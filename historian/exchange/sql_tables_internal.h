/* historian/exchange/sql_tables_internal.h -- what the halves of the virtual tables share: plans and walks (sql_tables.c), columns
 * (sql_columns.c). Like them it is compiled twice, and includes SQLite accordingly. */
#ifndef HIST_SQL_TABLES_INTERNAL_H
#define HIST_SQL_TABLES_INTERNAL_H
#include <sqlite3ext.h>
#ifdef SQLITE_CORE
#include <sqlite3.h>
#else
SQLITE_EXTENSION_INIT3
#endif
#include "historian/read/aggregate.h"
#include "historian/read/query.h"
#include "historian/exchange/sql_tables.h"
#include "historian/read/zone.h"

typedef enum hist__sql_kind { TAG, HISTORY, BUCKET, EVENT, TAG_PATH, TAG_META, TAG_STORAGE, TABLES } hist__sql_kind;

/* A walk through one of the tables. */
typedef struct hist__sql_cursor {
    sqlite3_vtab_cursor base;
    bool eof;
    uint32_t tag_id, last_tag;           /* being given out, and the last to visit */
    int64_t from_ms, to_ms, interval_ms; /* [from, to) */
    hist_tag tag;                        /* in `arena` */
    char *asked_path;                    /* owned: the path asked for, which may be a former one */
    hist_line line;                      /* with asked_path: all that owned it, in `line_arena` */
    pt_arena line_arena;
    pt_arena arena;
    hist_cursor *rows; /* HISTORY */
    const hist_sample *run;
    size_t run_n, run_at;
    int64_t *edges; /* BUCKET, of a calendar's intervals; owned; NULL: of interval_ms */
    size_t n_edges;
    char *interval, *zone; /* as they were asked for; owned; NULL: interval_ms, no zone */
    hist_bucket *buckets;  /* BUCKET: of one tag; owned */
    size_t n_buckets, bucket_at;
    bool more;                /* of the same tag, behind the last of them */
    hist_tag_storage storage; /* TAG_STORAGE */
    hist__query *query;       /* EVENT, TAG_PATH, TAG_META */
} hist__sql_cursor;

/* The value of that column of the row under the cursor as the result. */
void hist__sql_column(sqlite3_context *ctx, const hist__sql_cursor *c, hist__sql_kind kind, int column);
#endif
