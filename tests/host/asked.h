/* tests/host/asked.h -- a small recorded plant, and every question of host/query/ as text: the answer, or "!STATUS: reason".
 *
 *     a/b       Double, m   g/e/d/b   0.5 at 1000, 1.5 at 2000 ... 9.5 at 10000; STALE at 11000
 *     a/s       String      g/e/d/s   on, off, on at 1000 2000 4000
 *     a/deep/c  Int32       g/e/d/c   7 at 3000 (BAD)
 *     a/_sparkplug/bdSeq    g/e/bdSeq 3 at 1000
 * and, with `secret`, behind them x/hidden/t of the node g/z, with a sample, an event with its path and one with its node only. */
#ifndef PT_TEST_ASKED_H
#define PT_TEST_ASKED_H
#include "host/query/query.h"
#include "tests/support/check.h"

typedef struct asked {
    hist *history;
    uns_tree *tree;
    query_source src;
} asked;

void asked_open(asked *r, bool secret);
void asked_close(asked *r);
uint32_t asked_tag(asked *r, const char *edge, const char *metric, const char *path, spb_datatype type, const char *unit);
void asked_f64(asked *r, uint32_t id, int64_t ms, double v, spb_quality q);
void asked_flush(asked *r);

/* Run to the end. Valid until the next call but seven; `steps`, when not NULL, gets how many there were. */
const char *asked_run(pt_status st, query_run *run, const pt_error *err, unsigned *steps);
const char *asked_history(asked *r, const query_scope *scope, const query_history *q, query_format f);
const char *asked_events(asked *r, const query_scope *scope, const hist_event_filter *f, query_format format);
const char *asked_values(asked *r, const query_scope *scope, const query_values *q, query_format f);
const char *asked_tags(asked *r, const query_scope *scope, const query_tags_question *q, query_format f);
const char *asked_tree(asked *r, const query_scope *scope, const query_tree *q, query_format f);
/* One path or glob. */
query_history asked_path(query_shape shape, const pt_slice *path);

#define CHECK_TEXT(got, want)                                                                                \
    do {                                                                                                     \
        const char *text_ = (got);                                                                           \
        pt_check_at(strcmp(text_, (want)) == 0, false, __FILE__, __LINE__, "'%s', not '%s'", text_, (want)); \
    } while (0)
#endif
