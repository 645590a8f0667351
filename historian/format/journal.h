/* historian/format/journal.h -- one journal row: samples of many tags in arrival order, compact and checksummed.
 *
 * Layout in docs/file-format.md, chapter 4. Cheap to write: about ten bytes and a few nanoseconds per sample. */
#ifndef HIST_JOURNAL_H
#define HIST_JOURNAL_H
#include "historian/format/block.h"

/* Append the row's bytes to `out`. PT_ENOMEM, PT_ETOOBIG. */
PT_MUST_CHECK pt_status hist__journal_encode(const hist_sample *s, size_t n, pt_buf *out);
/* Several rows in one, compressed: what sealed rows become. `rows` holds them one behind the other, each with its length (a varint) before
 * it; they have `samples` in all, and their change numbers follow without a gap. PT_ENOMEM, PT_ETOOBIG. */
PT_MUST_CHECK pt_status hist__journal_pack(const pt_buf *rows, uint64_t samples, pt_buf *out);
bool hist__journal_is_packed(const void *bytes, size_t len);
/* Append the row's samples to `out`; of a packed row, those of all rows in it. PT_ECORRUPT, PT_EUNSUPPORTED (a newer version), PT_ENOMEM;
 * `out` has then no new rows. */
PT_MUST_CHECK pt_status hist__journal_decode(const void *bytes, size_t len, hist__rows *out, pt_error *err);
#endif
