/* historian/historian.h -- a directory of SQLite files that keeps every sample, event and tag of a plant.
 *
 *     DIR/catalog.db    tags, paths, events, settings            (WAL)
 *     DIR/...           journal and partitions of sealed blocks  (docs/file-format.md)
 *     DIR/lock          held by the one process that writes
 *
 * Samples are appended to a bounded buffer in memory; one writer thread commits it every commit_interval as a journal blob, and seals
 * blocks of about a thousand samples per tag. Kill -9 loses at most what was not yet committed. Writing is idempotent on (tag, time):
 * an identical sample again is a counted duplicate, a different one replaces the older and is counted.
 *
 * Threads: every function of an open hist may be called from any thread, cursors excepted: a cursor belongs to the thread using it.
 * Readers never wait for the writer's disk. Times are ms UTC, ranges [from, to). */
#ifndef HIST_HISTORIAN_H
#define HIST_HISTORIAN_H
#include "base/clock.h"
#include "base/log.h"
#include "historian/format/sample.h"

typedef struct hist hist;

typedef enum hist_synchronous { HIST_SYNC_FULL, HIST_SYNC_NORMAL, HIST_SYNC_OFF } hist_synchronous;

typedef struct hist_options {
    const char *dir;              /* created when missing (not its parents) */
    bool read_only;               /* no lock, no writer: beside a running host, or on a copy; sees what is committed */
    int64_t commit_interval_ms;   /* default 250; 10..60000 */
    hist_synchronous synchronous; /* default FULL */
    uint64_t buffer_bytes;        /* not yet committed samples and events at most; default 256 MiB */
    uint32_t block_samples;       /* seal a tag's block at this many; default 1024 */
    int64_t seal_age_ms;          /* seal a slow tag's block when its oldest sample is this old; default 1 h */
    int64_t retention_age_ms;     /* drop older partitions; 0: keep for ever */
    uint64_t retention_bytes;     /* drop oldest partitions beyond this size; 0: no bound */
    uint64_t pending_bytes; /* memory for samples that are committed but not in blocks; beyond, blocks are sealed early; default 32 MiB */
    uint64_t log_bytes;     /* journal kept behind the sealed blocks for readers of the change log; default 256 MiB */
    int64_t log_age_ms;     /* and no older than this; default 24 h */
    const hist_deviation *deviations; /* copied; none: lossless */
    size_t n_deviations;
} hist_options;
void hist_options_init(hist_options *o); /* the defaults; dir NULL */

/* PT_EBUSY: another process holds the directory (its pid in *err). PT_EREADONLY, PT_ENOSPC, PT_EIO: the reason in *err; nothing is left
 * open. PT_ECORRUPT / PT_EUNSUPPORTED: not our file, damaged, or a newer format. clock and log are borrowed and outlive it. */
PT_MUST_CHECK pt_status hist_open(const hist_options *o, const pt_clock *clock, const pt_log *log, hist **out, pt_error *err);
/* Commits what is buffered (waiting up to timeout_ms), ends the writer, closes. *err says what could not be committed. NULL allowed. */
pt_status hist_close(hist *h, int64_t timeout_ms, pt_error *err);

/* ---- catalogue ---------------------------------------------------------------------------------------------- */

/* What a tag is for ever: its source identity. Plain topics: source "mqtt", metric = topic, the rest empty. */
typedef struct hist_tag_key {
    pt_slice source;              /* "spb" or "mqtt" */
    pt_slice group, edge, device; /* device empty (len 0) for node metrics */
    pt_slice metric;
} hist_tag_key;

typedef struct hist_tag {
    uint32_t tag_id; /* from 1, dense, never reused */
    hist_tag_key key;
    pt_slice path;             /* current UNS path */
    pt_slice unit;             /* empty when unknown */
    spb_datatype type;         /* of the newest birth */
    int64_t first_ms, last_ms; /* stored samples; first > last when none */
    uint64_t samples; /* stored, as far as committed; a reader beside a running writer may lag by what was sealed since it looked */
} hist_tag;

/* Find or make the tag, and bring path, type and unit up to date (a new path ends its claim to the old one at `now`).
 * A path has one owner at a time: one that another tag owns is not taken from it (unless that one is of source "import", and this is not);
 * the tag is without a path then (hist_path_owner tells who has it, hist_path_take moves it).
 * Durable with the next commit, before any sample that refers to it. Fast when nothing changed: a hash look-up under a lock. */
PT_MUST_CHECK pt_status hist_tag_ensure(hist *h, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit,
                                        uint32_t *tag_id);
/* By path (its owner, else the last that owned it) or id. Slices in *out are copied into `arena`. PT_ENOTFOUND. */
PT_MUST_CHECK pt_status hist_tag_by_path(hist *h, pt_slice path, pt_arena *arena, hist_tag *out);
PT_MUST_CHECK pt_status hist_tag_by_id(hist *h, uint32_t tag_id, pt_arena *arena, hist_tag *out);
/* Every tag in ascending id; stop when `each` returns false. Called with no lock held; slices valid during the call. */
PT_MUST_CHECK pt_status hist_tag_each(hist *h, bool (*each)(void *ctx, const hist_tag *tag), void *ctx);

/* ---- whose path it is when ----------------------------------------------------------------------------------- */

/* Tag `tag_id` owned the path in [from, to); to INT64_MAX: it owns it now. */
typedef struct hist_claim {
    uint32_t tag_id;
    int64_t from_ms, to_ms;
} hist_claim;

/* Who owns the path now; 0: nobody. */
uint32_t hist_path_owner(hist *h, pt_slice path);
/* The path is the tag's from `since_ms` on, which is not before its present owner got it, nor in the future (both are seen to): whoever
 * owned it is without a path, and what the tag owned before ends now. So samples that a newcomer has of before it was noticed are its own.
 * An empty path: the tag owns none from now on. PT_ENOTFOUND: no such tag; PT_ENOMEM; PT_EREADONLY. Durable with the next commit. */
PT_MUST_CHECK pt_status hist_path_take(hist *h, pt_slice path, uint32_t tag_id, int64_t since_ms);
/* Every claim to the path, oldest first, none over another; in `arena`. One that began and ended between two commits was none. *n == 0:
 * nobody ever had it. */
PT_MUST_CHECK pt_status hist_path_claims(hist *h, pt_slice path, pt_arena *arena, hist_claim **out, size_t *n, pt_error *err);

/* What a question is about: a tag, whatever its paths (n == 0), or a path: the tags that owned it, one after the other. */
typedef struct hist_line {
    uint32_t tag_id;          /* with claims: of the last one */
    const hist_claim *claims; /* ascending, without gaps (tag_id 0: nobody's); borrowed for as long as what was opened with them */
    size_t n;
} hist_line;
static inline hist_line hist_of_tag(uint32_t tag_id)
{
    return (hist_line){ .tag_id = tag_id };
}
/* The path's line. Its first owner has all that was before (imported, filled in later). Where another begins, or the last one ends, there
 * is a STATE row STALE: nothing is held over from one to the next. PT_ENOTFOUND: nobody ever had it. */
PT_MUST_CHECK pt_status hist_path_line(hist *h, pt_slice path, pt_arena *arena, hist_line *out, pt_error *err);

/* What a tag costs. */
typedef struct hist_tag_storage {
    uint64_t bytes, blocks, rows, samples;             /* in blocks; rows: samples and STATE rows */
    uint64_t unsealed;                                 /* rows not in blocks yet */
    uint64_t left_out_exception, left_out_compression; /* of the partitions that are still there */
    double per_second;                                 /* samples kept, over the time from the first to the last; 0: fewer than two */
} hist_tag_storage;
PT_MUST_CHECK pt_status hist_tag_storage_get(hist *h, uint32_t tag_id, hist_tag_storage *out, pt_error *err); /* PT_ENOTFOUND */

/* ---- samples ------------------------------------------------------------------------------------------------ */

/* Copy `n` samples into the buffer, all or none. PT_EFULL: the bound is reached (the disk does not keep up or fails): the caller decides to
 * wait or count. PT_ENOTFOUND: a tag_id that was never given out. PT_EINVAL: a type, quality or flag that does not exist. PT_ETOOBIG: a
 * value of more than 16 MiB. PT_EREADONLY: opened so. PT_ECLOSED. Never waits for the disk. */
PT_MUST_CHECK pt_status hist_append(hist *h, const hist_sample *samples, size_t n);

typedef struct hist_event {
    uint64_t seq; /* given at commit; ignored on append */
    int64_t time_ms;
    pt_slice type;   /* "nbirth", ... contract.md */
    pt_slice node;   /* "group/edge"; absent: none */
    pt_slice device; /* absent: none */
    pt_slice path;   /* absent: none */
    pt_slice detail; /* a JSON object; absent: {} */
} hist_event;
PT_MUST_CHECK pt_status hist_event_append(hist *h, const hist_event *e); /* copied; same results as hist_append */

/* Wait until all that was appended before is committed, asking the writer to hurry. PT_OK, PT_ETIMEOUT, or the writer's present error. */
PT_MUST_CHECK pt_status hist_flush(hist *h, int64_t timeout_ms, pt_error *err);

/* Put everything committed into blocks now, without waiting for them to fill; waits for it. For tests, measurements and before a backup. */
PT_MUST_CHECK pt_status hist_seal(hist *h, pt_error *err);

typedef struct hist_stats {
    uint64_t appended, stored, duplicates, replaced, lost; /* samples; appended = stored + duplicates + replaced + buffered + lost */
    uint64_t historical;                                   /* of the stored ones */
    uint64_t left_out_exception,
        left_out_compression; /* of the stored ones: not sealed, as a hist_deviation asks for; in the change log as long as that reaches */
    uint64_t buffered, buffered_bytes;
    uint64_t events;
    uint64_t commits, commit_errors;
    int64_t last_commit_ms; /* wall clock; 0: never */
    double commit_seconds_sum, commit_seconds_max;
    pt_status error; /* PT_OK, or why commits fail at present */
    int64_t error_since_ms;
    char error_text[200];
    uint64_t tags, blocks, block_bytes, journal_bytes, file_bytes;
} hist_stats;
void hist_stats_get(hist *h, hist_stats *out);

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Samples of a tag, or a path, in ascending time over [from, to), across blocks, journal and (in the writing process) committed memory.
 * STATE rows are included only with `states`. */
typedef struct hist_cursor hist_cursor;
PT_MUST_CHECK pt_status hist_cursor_open(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, bool states, hist_cursor **out,
                                         pt_error *err);
/* Up to `max` next samples; their bytes are valid until the next call. *n == 0 at the end. PT_ECORRUPT: a damaged block, named in *err; the
 * next call goes on behind it. */
PT_MUST_CHECK pt_status hist_cursor_next(hist_cursor *c, hist_sample *out, size_t max, size_t *n, pt_error *err);
/* The same without copying: as many rows as lie together, valid until the next call. *n == 0 at the end. */
PT_MUST_CHECK pt_status hist_cursor_view(hist_cursor *c, const hist_sample **rows, size_t *n, pt_error *err);
void hist_cursor_close(hist_cursor *c);

/* The newest sample at or before `at_ms` (STATE rows excluded): value as of a time. Bytes are copied into `arena`. PT_EEMPTY: none. */
PT_MUST_CHECK pt_status hist_value_at(hist *h, hist_line line, int64_t at_ms, pt_arena *arena, hist_sample *out);

/* The plant as of a time. Every tag that had a path at `at_ms`, in ascending id, with the path, type and unit it had then (first_ms >
 * last_ms: not asked). Its first path, type and unit are taken to hold from its oldest sample on, should that be older (imported, or filled
 * in by an edge node); stop when `each` returns false. Sees what is committed; slices valid during the call. */
PT_MUST_CHECK pt_status hist_tags_at(hist *h, int64_t at_ms, bool (*each)(void *ctx, const hist_tag *tag), void *ctx, pt_error *err);
/* The quality a tag had at `at_ms`, deaths included (their STATE rows say STALE). PT_EEMPTY: nothing is known of it before. */
PT_MUST_CHECK pt_status hist_state_at(hist *h, hist_line line, int64_t at_ms, spb_quality *out, pt_error *err);

/* Buckets [from + k*interval, ...) up to `to`: of numbers; other values add to the counts and good_ms. A bucket without samples has count
 * 0. Answered from block summaries where a whole block lies inside a bucket. */
typedef struct hist_bucket {
    int64_t t_ms;                           /* start */
    uint64_t count, good;                   /* samples of any type; those with quality GOOD */
    double min, max, sum, avg, first, last; /* of usable numbers: GOOD or UNCERTAIN, not null, not NaN; all NaN when there are none */
    int64_t first_ms, last_ms;              /* of the first and last usable number */
    uint64_t nums;                          /* usable numbers */
    uint64_t uncertain, bad, stale, nulls;  /* of `count` */
    double m2;                              /* sum of squared distances from avg */
    double area;     /* value x ms, each usable number holding until the next row; the one before the bucket counts from its start */
    int64_t area_ms; /* ms that `area` covers; area / area_ms is the time-weighted average */
    int64_t good_ms; /* ms in which a usable value of any type held; of numbers the same as area_ms */
    int64_t end_ms;  /* exclusive */
} hist_bucket;
PT_MUST_CHECK pt_status hist_buckets(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, int64_t interval_ms,
                                     bool (*each)(void *ctx, const hist_bucket *b), void *ctx, pt_error *err);

/* Reduce a range to about `max_points` samples for a trend: per bucket the first, min, max and last sample, in time order; everything when
 * there are not more than max_points. What is no usable number (bad, stale, null,
 * STATE): per bucket the first and the last. Non-numeric tags: evenly thinned changes, and beside them at most half as many STATE rows
 * with the values that end them. *raw_count: samples behind it. */
PT_MUST_CHECK pt_status hist_reduce(hist *h, hist_line line, int64_t from_ms, int64_t to_ms, uint32_t max_points,
                                    bool (*each)(void *ctx, const hist_sample *s), void *ctx, uint64_t *raw_count, pt_error *err);

typedef struct hist_event_filter {
    int64_t from_ms, to_ms;
    uint64_t after_seq;  /* only seq > this; 0: all */
    pt_slice types;      /* comma-separated; absent: all */
    pt_slice node, path; /* exact node; path glob; absent: all */
    uint32_t limit;      /* 0: no limit */
    bool newest_first;
} hist_event_filter;
PT_MUST_CHECK pt_status hist_events(hist *h, const hist_event_filter *f, bool (*each)(void *ctx, const hist_event *e), void *ctx,
                                    pt_error *err);
#endif
