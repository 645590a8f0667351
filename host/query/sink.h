/* host/query/sink.h -- how rows become bytes: JSON, JSON Lines and CSV, each written once.
 *
 * A sink gets either series (history) or a list of records (events, values, tree). It appends to the buffer it is handed with every call
 * and keeps nothing back but the columns of a series as JSON, which wait in a spool: some in memory, the rest in a file without a name in
 * TMPDIR. A sink belongs to one run. */
#ifndef HOST_QUERY_SINK_H
#define HOST_QUERY_SINK_H
#include "base/json.h"
#include "historian/historian.h"

typedef enum query_format { QUERY_JSON, QUERY_LINES, QUERY_CSV } query_format;
/* "json", "jsonl", "csv"; PT_EINVAL. */
PT_MUST_CHECK pt_status query_format_parse(pt_slice name, query_format *out);
const char *query_format_type(query_format f); /* "application/json", "application/jsonl", "text/csv; charset=utf-8" */

typedef struct query_series {
    pt_slice path, unit; /* unit empty: unknown */
    uint32_t tag_id;
    spb_datatype type;
    int64_t interval_ms;        /* of buckets without a zone; 0: none */
    pt_slice interval, zone;    /* of buckets with one */
    const char *const *columns; /* names of the buckets' columns */
    size_t n_columns;
} query_series;

typedef struct query_number { /* a bucket's value */
    enum { QUERY_NO_NUMBER, QUERY_U64, QUERY_F64, QUERY_F32 } kind;
    union {
        uint64_t u64;
        double f64;
    } as;
} query_number;

typedef struct query_series_end {
    uint64_t raw_count, damaged;
    const char *reduced; /* samples: "raw", "minmax", "lttb"; NULL: no samples */
} query_series_end;

/* A record of a list: as JSON, and as cells of CSV. */
typedef struct query_record {
    void (*json)(pt_json *j, const void *row, bool int64_string);
    void (*cells)(pt_buf *out, const void *row); /* one line of CSV without its end */
    const char *head;                            /* names of the cells, separated by commas */
} query_record;

typedef struct query_sink query_sink;
/* int64_string: integers beyond 2^53 are JSON strings (for JavaScript). NULL: out of memory. */
query_sink *query_sink_new(query_format format, bool int64_string);
void query_sink_free(query_sink *s); /* NULL allowed */

/* Series. PT_OK, PT_ENOMEM, PT_ETOOBIG (one value has no room), PT_EIO (the spool's file) with the reason in *err. */
typedef enum query_series_kind { QUERY_OF_SAMPLES, QUERY_OF_BUCKETS, QUERY_OF_STATES } query_series_kind;
void query_sink_begin(query_sink *s, pt_buf *out, query_series_kind kind, int64_t from_ms, int64_t to_ms, const char *const *columns,
                      size_t n_columns);
PT_MUST_CHECK pt_status query_sink_series(query_sink *s, pt_buf *out, const query_series *series, pt_error *err);
PT_MUST_CHECK pt_status query_sink_sample(query_sink *s, pt_buf *out, const hist_sample *h, pt_error *err);
PT_MUST_CHECK pt_status query_sink_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values, pt_error *err);
PT_MUST_CHECK pt_status query_sink_state(query_sink *s, pt_buf *out, const hist_sample *value, int64_t ms, uint64_t times, pt_error *err);
uint64_t query_sink_rows(const query_sink *s); /* of the present series, state rows aside */
/* Call again while PT_OK; PT_ECLOSED: the series is complete. */
PT_MUST_CHECK pt_status query_sink_series_end(query_sink *s, pt_buf *out, const query_series_end *end, pt_error *err);
void query_sink_end(query_sink *s, pt_buf *out);

/* Lists. */
void query_sink_list(query_sink *s, pt_buf *out, const query_record *record);
PT_MUST_CHECK pt_status query_sink_record(query_sink *s, pt_buf *out, const void *row);
void query_sink_list_end(query_sink *s, pt_buf *out);

/* A value as JSON, for everything that shows one. */
void query_json_value(pt_json *j, const spb_value *v, bool int64_string);
#endif
