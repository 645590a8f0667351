/* historian/read/query.h -- a SELECT on catalog.db, for code that must not meet SQLite's own functions (the loadable extension, which talks
 * to another SQLite). Each query has its own connection: a slow reader holds up nobody. Owner thread only. */
#ifndef HIST_QUERY_H
#define HIST_QUERY_H
#include "historian/historian.h"

typedef struct hist__query hist__query;
PT_MUST_CHECK pt_status hist__query_open(hist *h, const char *sql, const int64_t *numbers, size_t n, hist__query **out,
                                         pt_error *err); /* ?1.. are the numbers */
PT_MUST_CHECK pt_status hist__query_next(hist__query *q, bool *row, pt_error *err);
int64_t hist__query_number(hist__query *q, int column);
bool hist__query_null(hist__query *q, int column);
pt_slice hist__query_text(hist__query *q, int column); /* absent: NULL; borrowed until next */
void hist__query_close(hist__query *q);
#endif
