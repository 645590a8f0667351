/* historian/files/summary.h -- a block's summary as columns of the table `block` of a partition. */
#ifndef HIST_SUMMARY_H
#define HIST_SUMMARY_H
#include "historian/format/format.h"

#include <sqlite3.h>

#define HIST__BLOCK_COLUMNS \
    "t0,t1,id,bytes,rows,samples,good,uncertain,bad,stale,nulls,nums,open,num_after,num_before,min,max,sum,first,last,m2,area,area_ms"
enum { HIST__COL_T0, HIST__COL_T1, HIST__COL_ID, HIST__COL_BYTES, HIST__COL_ROWS, HIST__COL_COUNT = 23 };

/* To the parameters from `at` on: the columns from `rows` on. */
void hist__summary_bind(sqlite3_stmt *stmt, int at, const hist__summary *s);
void hist__summary_read(sqlite3_stmt *stmt, int column, hist__summary *s); /* tag-independent columns from t0 on */
#endif
