/* host/query/sink_internal.h -- a sink from the inside: the columns of a series as JSON (sink_columns.c), and rows (sink_rows.c). */
#ifndef HOST_QUERY_SINK_INTERNAL_H
#define HOST_QUERY_SINK_INTERNAL_H
#include "historian/exchange/exact.h"
#include "host/query/sink.h"
#include "host/query/spool.h"

/* The spools of a series: of samples T, V, Q, the breaks and the notes; of buckets T and a column each. */
enum { QUERY__T = 0, QUERY__V, QUERY__Q, QUERY__BREAKS, QUERY__NOTES, QUERY__SPOOLS = 32 };

struct query_sink {
    query_format format;
    bool int64_string;
    query_series_kind kind;
    const char *const *columns; /* of buckets; borrowed */
    size_t n_columns;
    bool any;            /* a series or a record is there already */
    query_series series; /* the present one; its texts are the run's */
    uint64_t n;          /* rows of the series */
    hist_notes notes;
    query_spool spools[QUERY__SPOOLS];
    size_t at; /* the spool that is being given out */
    bool open; /* and its name stands there */
    bool draining;
    const query_record *record;
    pt_buf cell; /* a value before it is quoted */
};

/* sink_columns.c */
void query__columns_head(query_sink *s, pt_buf *out);
PT_MUST_CHECK pt_status query__columns_sample(query_sink *s, pt_buf *out, const hist_sample *h, pt_error *err);
PT_MUST_CHECK pt_status query__columns_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values, pt_error *err);
PT_MUST_CHECK pt_status query__columns_end(query_sink *s, pt_buf *out, const query_series_end *end, pt_error *err);

/* sink_rows.c */
void query__number_json(pt_json *j, const query_number *v);
void query__rows_head(query_sink *s, pt_buf *out);
PT_MUST_CHECK pt_status query__rows_sample(query_sink *s, pt_buf *out, const hist_sample *h);
PT_MUST_CHECK pt_status query__rows_bucket(query_sink *s, pt_buf *out, int64_t t_ms, const query_number *values);
PT_MUST_CHECK pt_status query__rows_state(query_sink *s, pt_buf *out, const hist_sample *value, int64_t ms, uint64_t times);
#endif
