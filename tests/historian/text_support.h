/* tests/historian/text_support.h -- exporting into memory and importing from it, for export_test, import_test and exact_test. */
#ifndef HIST_TEST_TEXT_SUPPORT_H
#define HIST_TEST_TEXT_SUPPORT_H
#include "historian/exchange/transfer.h"
#include "tests/historian/support.h"

bool gather(void *ctx, pt_slice bytes);                   /* a hist_export write: into the pt_buf ctx */
void export_all(hist *h, hist_format format, pt_buf *to); /* of store_of_all_types */
void same_samples(
    hist *a, hist *b,
    bool states); /* every sample of a is in b, bit by bit, under the same path, and no other; with its STATE rows or without */

typedef struct source { /* a hist_import read, in pieces of 997 bytes so that records fall across readings */
    pt_slice text;
    size_t at, fail_at; /* the input can't be read from there on; 0: it can */
} source;
ptrdiff_t read_some(void *ctx, char *to, size_t cap);
pt_status import_text(hist *h, hist_format format, const char *text, bool skip_faults, hist_import_report *r, pt_error *err);
#endif
