/* tests/bench/bench.h -- the frame of plantree-bench: ratios of two things measured in the same run.
 *
 * A file X_bench.c here defines
 *
 *     const bench_entry X_bench[] = { { "codec", "decode and encode against protobuf-c", run_codec }, { 0 } };
 *
 * and nothing else needs to know of it: the build makes the table from the files' names. A benchmark's function measures one or
 * more cases, each with bench_compare (two functions, run in turn) or with its own loop and bench_report. Absolute figures of a
 * shared machine move by a fifth between runs: only ratios are goals, so both sides are always measured, alternating.
 *
 * One thread runs benchmarks, one after the other. A benchmark that cannot run (no mosquitto, no disk) returns a status with the reason in
 * *err: it is reported and the program exits 1; a missed goal is a result, not a failure. */
#ifndef PT_BENCH_H
#define PT_BENCH_H
#include "base/slice.h"
#include "base/status.h"

#include <stdio.h>

#define BENCH_REPETITIONS_MAX 64u

typedef struct bench_run {
    bool quick;           /* --quick: all cases of the benchmark together within 20 s */
    bool json;            /* --json: one object per case and line on stdout */
    unsigned repetitions; /* of each side: default 7, quick 3; --repetitions N */
    uint64_t samples;     /* --samples N: of a benchmark that says it heeds it; 0: its own number */
    uint64_t seed;        /* --seed N, default 1: of all generators */
    const char *bin;      /* directory of our programs */
    const char *tmp;      /* a directory of this run; removed at the end with what is in it */
    FILE *out;            /* results; progress and remarks go to stderr */
} bench_run;

typedef struct bench_entry {
    const char *name; /* NULL ends a list */
    const char *what; /* one line for `list` */
    pt_status (*run)(bench_run *run, pt_error *err);
} bench_entry;

/* One comparison. ratio = ours / reference, of medians. */
typedef struct bench_case {
    const char *name;             /* the benchmark's, as in `list` */
    const char *variant;          /* which of its cases: "decode-data-20" */
    const char *goal;             /* "P1", or "" when no goal is stated for it */
    const char *input;            /* what was measured, in words and numbers */
    const char *ours, *reference; /* what the two sides are */
    const char *unit;             /* of both figures: "metrics/s", "bytes/sample", "ms" */
    double target;                /* of the ratio; 0: none */
    bool at_most;                 /* met when ratio <= target; else when ratio >= target */
    const char *note;             /* or NULL: counters, caveats */
} bench_case;

typedef struct bench_series {
    double v[BENCH_REPETITIONS_MAX];
    unsigned n;
} bench_series;
typedef struct bench_figure {
    double median, min, max;
} bench_figure;
void bench_add(bench_series *s, double v); /* beyond the maximum: dropped */
bench_figure bench_figure_of(const bench_series *s);

/* Print one case: table row or JSON object. */
void bench_report(const bench_run *run, const bench_case *c, const bench_series *ours, const bench_series *reference);

/* Run both sides in turn (first a warm-up of each, not counted), run->repetitions times, and report. A side returns its figure in
 * the case's unit, or sets *err and returns a negative number: then nothing is reported and the status is PT_EIO. */
typedef double (*bench_side)(void *ctx, pt_error *err);
PT_MUST_CHECK pt_status bench_compare(const bench_run *run, const bench_case *c, bench_side ours, bench_side reference, void *ctx,
                                      pt_error *err);

double bench_now(void);         /* seconds, monotonic */
double bench_cpu_process(void); /* seconds of CPU this process has used */
double bench_cpu_thread(void);
/* The compiler must believe that the value is used. */
static inline void bench_keep(uint64_t v)
{
    __asm__ volatile("" : : "r"(v) : "memory");
}

/* Remarks while it runs; stderr. */
void bench_say(const bench_run *run, const char *fmt, ...) PT_PRINTF(2, 3);
/* run->tmp/name as a fresh directory; NUL-terminated into `path`. */
PT_MUST_CHECK pt_status bench_dir(const bench_run *run, const char *name, char *path, size_t cap, pt_error *err);
/* Remove the directory and all in it (below run->tmp only). */
void bench_remove(const bench_run *run, const char *path);
#endif
