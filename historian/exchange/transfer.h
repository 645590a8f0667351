/* historian/exchange/transfer.h -- samples out as text and in again: CSV and JSON Lines, streaming, lossless.
 *
 *     CSV   time,source,group,edge,device,metric,path,unit,type,value,quality,flags        (RFC 4180, header row, LF)
 *     JSONL {"time":"2026-11-20T22:00:01.250Z","source":"spb","group":"g","edge":"e","device":"d","metric":"m","path":"p","unit":"u",
 *            "type":"Double","value":1.5,"quality":"GOOD","flags":""}
 *
 * flags: N null (no value), H historical, S a STATE row, L samples before it were left out (data.deviation) and a line leads to it. Times
 * are RFC 3339 with ms, UTC. Floats are the shortest text that reads back the same; NaN, Infinity and -Infinity as such, a NaN with other
 * bits as nan:HEX. Bytes and arrays are base64 of the raw bytes, documents their JSON text.
 *
 * Import also reads what `plantree history --format csv` and `plantree replay` write: nothing of a sample is lost on the way, and a
 * replay's events are passed over. A CSV needs the columns time (or original_time), path (or metric) and value; what else is missing is
 * taken from the tag that has the path, or guessed: Double for numbers, Boolean for true and false, String for the rest; a text between
 * quotes in JSON is a String unless it is "NaN", "Infinity" or "-Infinity". No value (an empty field, JSON's null, a JSON record without
 * one) is null, and says nothing of the type: such a tag is of type Unknown until its first value. A whole number beyond 2^53, which a
 * Double would round, is an Int64, or a UInt64 where it is too large for that, among the Doubles of its tag; beyond UInt64 it is a Double.
 * `base64` (a column, a member) is the value's own bytes, which count in place of `value`; the value of an array may also be a JSON list.
 *
 * In CSV a quote opens a field only at the field's beginning, and is a character like any elsewhere. */
#ifndef HIST_TRANSFER_H
#define HIST_TRANSFER_H
#include "historian/historian.h"

typedef enum hist_format { HIST_CSV, HIST_JSONL } hist_format;

typedef struct hist_export_options {
    hist_format format;
    int64_t from_ms, to_ms;
    const pt_slice *select; /* path globs; a leading '!' excludes; none: every tag */
    size_t n_select;
    bool (*write)(void *ctx, pt_slice bytes);                                         /* false: stop (PT_EIO) */
    void (*progress)(void *ctx, uint64_t tags_done, uint64_t tags, uint64_t samples); /* may be NULL */
    void *ctx;
} hist_export_options;
/* Tag after tag in ascending id, samples and STATE rows in time order. Bounded memory. PT_ECORRUPT: a damaged block, named in *err; what
 * was readable before it has been written. */
PT_MUST_CHECK pt_status hist_export(hist *h, const hist_export_options *o, uint64_t *samples, pt_error *err);

enum { HIST_IMPORT_NAMED = 20 };
typedef struct hist_import_fault {
    uint64_t line; /* in which the record begins */
    char why[200];
} hist_import_fault;
typedef struct hist_import_report {
    uint64_t records, samples, faults; /* records read, a CSV header among them; samples appended; records that could not be read */
    bool header;                       /* one was among them */
    uint64_t offset;                   /* bytes of input that are durable: an interrupted import may go on here (records begin at it) */
    uint64_t line;                     /* of the input, the first is 1, that begins there */
    hist_import_fault faults_at[HIST_IMPORT_NAMED]; /* the first of them */
} hist_import_report;
typedef struct hist_import_options {
    hist_format format;
    bool skip_faults; /* count and go on; else the first one ends the import with PT_EMALFORMED. Of a record with a quote that makes no
                         sense only the line of the quote is left out: what it seems to hold may be the records behind it */
    uint64_t start_offset,
        start_line;  /* input begins there: what the report of an interrupted import said. CSV then still needs the header: see `header` */
    pt_slice header; /* CSV: the header record of the whole file when start_offset > 0; absent: the first record is it */
    ptrdiff_t (*read)(void *ctx, char *to, size_t cap);            /* bytes read, 0 at the end, < 0: an error, PT_EIO */
    void (*progress)(void *ctx, const hist_import_report *so_far); /* after each durable step; may be NULL */
    void *ctx;
} hist_import_options;
/* What tells the beginning of one input from that of another: of its first and its last bytes. */
uint64_t hist_text_sum(pt_slice first, pt_slice last);
/* Length of the record `text` begins with, its newline too; in CSV a newline in a quoted field is part of it. 0: not complete, unless the
 * text ends the input. */
size_t hist_record_length(hist_format format, pt_slice text, bool end);
/* Append everything, waiting for the disk where needed, and flush. Importing the same again changes nothing (duplicates are counted in
 * hist_stats). */
PT_MUST_CHECK pt_status hist_import(hist *h, const hist_import_options *o, hist_import_report *report, pt_error *err);
#endif
