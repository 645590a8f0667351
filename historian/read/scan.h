/* historian/read/scan.h -- walk a tag's or a path's range in time order: whole blocks by their summary, or rows.
 *
 * A scan looks at pending rows first (a copy) and at blocks second, page by page, each page a short read transaction; so it holds up
 * nobody, and rows that are sealed meanwhile are seen once. Owner thread only. */
#ifndef HIST_SCAN_H
#define HIST_SCAN_H
#include "historian/write/write.h"

typedef struct hist__scan hist__scan;

typedef struct hist__piece {
    bool is_block; /* a whole block: only `summary` is set, unless expanded */
    hist__summary summary;
    const hist_sample *rows; /* else rows, within the range, ascending; valid until the next call */
    size_t n;
    hist__columns columns; /* instead of rows where hist__scan_columns was called and the block allows it; likewise */
} hist__piece;

/* `summaries`: whole blocks inside the range, untouched by pending rows, come as is_block. STATE rows are always among the rows. */
PT_MUST_CHECK pt_status hist__scan_open(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, bool summaries, hist__scan **out,
                                        pt_error *err);
/* The row that says where a line's owner begins. */
hist_sample hist__line_edge(const hist_claim *c);
/* From here on, blocks of nothing but GOOD numbers come as columns. */
void hist__scan_columns(hist__scan *s);
/* PT_EEMPTY at the end. PT_ECORRUPT: a damaged block, named in *err; the next call goes on behind it. */
PT_MUST_CHECK pt_status hist__scan_next(hist__scan *s, hist__piece *out, pt_error *err);
/* What kind of values the block just returned has, without decoding it. */
PT_MUST_CHECK pt_status hist__scan_family(hist__scan *s, hist__family *out, pt_error *err);
/* Turn the block just returned into its rows or columns. */
PT_MUST_CHECK pt_status hist__scan_expand(hist__scan *s, hist__piece *piece, pt_error *err);
void hist__scan_close(hist__scan *s);

/* The newest row at or before `at_ms`, STATE rows only when `states`; bytes are copied into `arena`. PT_EEMPTY: none. */
PT_MUST_CHECK pt_status hist__row_before(hist *h, hist_line line, int64_t at_ms, bool states, pt_arena *arena, hist_sample *out,
                                         pt_error *err);
#endif
