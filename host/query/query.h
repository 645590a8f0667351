/* host/query/query.h -- the one reading layer: request -> rows -> sink.
 *
 *     request, scope --query_..._open--> run --query_step--> rows --sink--> bytes of JSON, JSON Lines or CSV
 *
 * Used by the HTTP interface, by the command line (on a running host's answers and on a directory without one), and by everything else that
 * shows what the plant knows. A run makes its answer in small steps, so that an answer of any length needs little memory: the caller sends
 * what a step gave before it asks for the next. Mistakes of the request (no such tag, a range that ends before it begins) are told by open,
 * before the first byte.
 *
 * Threads: a run belongs to one thread at a time; any number of runs at once. What a source points to outlives its runs. */
#ifndef HOST_QUERY_QUERY_H
#define HOST_QUERY_QUERY_H
#include "base/clock.h"
#include "base/log.h"
#include "historian/historian.h"
#include "historian/read/aggregate.h"
#include "host/query/scope.h"
#include "host/query/sink.h"
#include "uns/uns.h"

/* Where answers come from: a running host's parts, or a data directory alone. */
typedef struct query_source {
    hist *history;
    uns_tree *tree; /* NULL: no host runs here; current values are history's newest */
    const pt_clock *clock;
    const pt_log *log;
} query_source;

enum {
    QUERY_SERIES_MAX = 10000,    /* tags of one request */
    QUERY_BUCKETS_MAX = 1000000, /* of one tag */
    QUERY_POINTS_MAX = 1000000,  /* a reduction's */
    QUERY_EVENTS_MAX = 100000,   /* newest first; oldest first has no bound */
    QUERY_STEP_BYTES = 64 << 10  /* about what one step adds */
};

typedef struct query_run query_run;

/* Append about QUERY_STEP_BYTES more to `out`. PT_OK: there may be more; PT_ECLOSED: that was the end. Anything else: the answer is broken
 * off, the reason in *err; nothing but close may follow. */
PT_MUST_CHECK pt_status query_step(query_run *r, pt_buf *out, pt_error *err);
/* Blocks that could not be read so far; each was said in the source's log. */
uint64_t query_damaged(const query_run *r);
void query_close(query_run *r); /* NULL allowed */

/* ---- history: samples, buckets, states ------------------------------------------------------------------------ */

typedef enum query_shape { QUERY_SAMPLES, QUERY_BUCKETS, QUERY_DURATIONS } query_shape;

/* A column of buckets: an aggregate of historian/read/aggregate.h, or one of these. */
enum { QUERY_FN_COUNT = HIST_FN_COUNT_, QUERY_FN_GOOD, QUERY_FN_INTERPOLATED, QUERY_FNS };
const char *query_fn_name(unsigned fn);
/* "min,max,TimeAverage": names of ours or OPC UA's, each once, into fns[0..*n). PT_EINVAL with the reason, which lists the names. */
PT_MUST_CHECK pt_status query_fns_parse(pt_slice list, unsigned fns[QUERY_FNS], size_t *n, pt_error *err);
extern const unsigned query_plain_fns[];
extern const size_t query_n_plain_fns; /* count good min max sum avg first last: what is given when nothing is asked for */

typedef struct query_history {
    query_shape shape;
    const pt_slice *paths; /* paths or globs, '!' in front of one excludes; borrowed during open */
    size_t n_paths;
    uint32_t tag_id;        /* instead of paths; 0: none */
    int64_t from_ms, to_ms; /* [from, to) */
    uint32_t max_points;    /* samples: reduce to about so many, 0: every one */
    bool lttb;              /* by largest triangles instead of extremes */
    int64_t interval_ms;    /* buckets; <= 0: (to - from) in about `max_points`, or 1000, of them */
    pt_slice interval;      /* with `zone`: 15m, 8h, 1d, 1w, 1mo, 1y of that zone's calendar */
    pt_slice zone;          /* IANA name; absent: intervals are counted from `from` */
    const unsigned *fns;    /* buckets: their columns, in order; borrowed during open. None: the plain ones */
    size_t n_fns;
} query_history;

/* PT_ENOTFOUND: no tag has that path or id, or none is selected. PT_EINVAL: the range, interval or zone, too many intervals.
 * PT_ETOOBIG: too many tags. The sink is taken, also on failure. */
PT_MUST_CHECK pt_status query_history_open(const query_source *src, const query_scope *scope, const query_history *q, query_sink *sink,
                                           query_run **out, pt_error *err);

/* ---- events ----------------------------------------------------------------------------------------------------- */

/* `filter` as in historian.h; its limit bounds the answer (0 with oldest first: none; newest first: QUERY_EVENTS_MAX at most). */
PT_MUST_CHECK pt_status query_events_open(const query_source *src, const query_scope *scope, const hist_event_filter *filter,
                                          query_sink *sink, query_run **out, pt_error *err);

/* ---- tags, and who owned a path ------------------------------------------------------------------------------------ */

typedef struct query_tags_question {
    const pt_slice *paths; /* globs; none: every tag, for whoever sees everything those without a path too. Borrowed during open */
    size_t n_paths;
    pt_slice owners_of; /* instead: the tags that own and owned this path, oldest first, with the times */
} query_tags_question;
/* PT_ENOTFOUND: nobody ever had `owners_of`. In order of tag ids. */
PT_MUST_CHECK pt_status query_tags_open(const query_source *src, const query_scope *scope, const query_tags_question *q, query_sink *sink,
                                        query_run **out, pt_error *err);

/* ---- current values and the tree ---------------------------------------------------------------------------------- */

typedef struct query_values {
    const pt_slice *paths; /* paths or globs, in the order of the answer; unknown ones are left out */
    size_t n_paths;
    uint32_t tag_id; /* instead of paths */
    bool full;       /* state, description, limits and source, too; paths are no globs then */
    bool hidden;     /* globs select plumbing as well */
} query_values;
/* PT_ENOTFOUND: tag_id, or `full` with one path, is none. */
PT_MUST_CHECK pt_status query_values_open(const query_source *src, const query_scope *scope, const query_values *q, query_sink *sink,
                                          query_run **out, pt_error *err);

typedef struct query_tree {
    pt_slice path; /* empty: the root */
    uint32_t depth;
    bool hidden;
    int64_t at_ms; /* as of then; INT64_MIN: now */
} query_tree;
/* PT_ENOTFOUND: there is, or was, nothing at that path. PT_EINVAL: `at_ms` lies in the future. */
PT_MUST_CHECK pt_status query_tree_open(const query_source *src, const query_scope *scope, const query_tree *q, query_sink *sink,
                                        query_run **out, pt_error *err);
#endif
