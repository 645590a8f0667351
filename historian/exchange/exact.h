/* historian/exchange/exact.h -- what the plain text of a value leaves open, so that `history` and `replay` can be imported without a loss.
 *
 * spb_value_text and spb_value_json write for people and programs: every NaN is NaN, bytes that are no UTF-8 are U+FFFD, an array is a JSON
 * list, a document that is empty or no JSON is null. Where that does not read back as the same value, its own bytes stand beside it as
 * base64: floats little-endian, all else as it is stored. */
#ifndef HIST_EXACT_H
#define HIST_EXACT_H
#include "historian/historian.h"

/* "NHSL": null, historical, STATE, THINNED (a line leads to it); the column `flags` of an export, of `history` and `replay`. Returns `out`.
 */
const char *hist_flags_text(uint8_t flags, char out[5]);

/* Does the value's text (spb_value_text), or its JSON (of hist_value_for_json), read back as the same? Also true where there is none. */
PT_MUST_CHECK bool hist_text_exact(const hist_sample *s);
PT_MUST_CHECK bool hist_json_exact(const hist_sample *s);
void hist_value_base64(const hist_sample *s, pt_buf *out);
void hist_value_base64_cell(const hist_sample *s, pt_buf *out); /* of CSV, where nothing means none: no bytes at all are "=" */
/* As hist_sample_value, for writing JSON: what is stored as a document and is none is null, so that the JSON around it stays whole. */
void hist_value_for_json(const hist_sample *s, spb_value *out);

pt_slice hist__json_bare(pt_slice text); /* without the blanks around it */
/* A JSON list's text as the packed bytes of an array type. PT_EMALFORMED with the reason. */
PT_MUST_CHECK pt_status hist__array_of_json(uint32_t type, pt_slice json, pt_buf *out, pt_error *err);

/* What the columns t, v and q of a series of samples leave open, as lists of [index, text]: `types` (at first the series' own) and `flags`
 * (at first none; H and L are all it says) hold from that index on, `base64` is of that one sample. A null in v is the flag N, unless
 * base64 has something there. */
enum { HIST_NOTE_TYPES, HIST_NOTE_FLAGS, HIST_NOTE_BASE64, HIST_NOTES };
typedef struct hist_notes {
    pt_buf *lists[HIST_NOTES]; /* the caller's: items with commas between, without brackets */
    bool any[HIST_NOTES];
    uint64_t n;          /* samples so far */
    uint8_t type, flags; /* as they hold now */
} hist_notes;
extern const char *const hist_note_names[HIST_NOTES];
void hist_notes_add(hist_notes *o, const hist_sample *s);
#endif
