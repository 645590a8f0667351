/* base/csv.h -- comma-separated values as RFC 4180 has them, written and read; the separator and the quote can be others.
 *
 * A field that begins with a quote ends with the next single one; two of them stand for one. A quote anywhere else is a character like any.
 * Records end with LF or CR LF. A byte order mark at the beginning of a record is no part of it: spreadsheets write one.
 *
 * No state but the caller's; any thread. */
#ifndef PT_CSV_H
#define PT_CSV_H
#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>

typedef struct pt_csv {
    char separator, quote;
    bool trim; /* reading: blanks behind a field that is not quoted are no part of it */
} pt_csv;
extern const pt_csv pt_csv_rfc4180; /* comma and double quote; no trimming */

/* ---- writing ---- */

/* Append one field, between quotes where it must be: with a separator, a quote or an end of line in it, or a blank at either end. A failure
 * is the buffer's (base/buf.h). Separators and ends of lines between fields are the caller's. */
void pt_csv_field(pt_buf *out, const pt_csv *csv, pt_slice s);

/* ---- reading ---- */

/* How far a record has been looked through, so that nothing is looked at twice while its text grows; {0} for each record. */
typedef struct pt_csv_scan {
    size_t at;
    enum { PT_CSV_AT_START, PT_CSV_BARE, PT_CSV_QUOTED, PT_CSV_CLOSED } place; /* of a field, or behind the quote that ends it */
    size_t opened;                                                             /* the newest quoted field begins there */
} pt_csv_scan;

/* Length of the record that `text` begins with, its end of line included; 0: it does not end within the text. The text of the next call
 * with the same scan begins with the same bytes. */
size_t pt_csv_length(const pt_csv *csv, pt_csv_scan *scan, pt_slice text);
/* The record without its end of line. */
pt_slice pt_csv_trim(pt_slice record);

typedef enum pt_csv_fault {
    PT_CSV_OK,
    PT_CSV_OPEN,        /* a quoted field does not end */
    PT_CSV_TEXT_BEHIND, /* there is text behind a closing quote */
    PT_CSV_MANY,        /* more than `max` fields */
    PT_CSV_ENOMEM
} pt_csv_fault;
/* Cut a record (pt_csv_trim) into fields. Fields are slices of the record, quoted ones of `room`. *n: how many. A fault concerns the field
 * that begins at *at of the record. */
pt_csv_fault pt_csv_split(const pt_csv *csv, pt_slice record, pt_arena *room, pt_slice *fields, size_t max, size_t *n, size_t *at);
#endif
