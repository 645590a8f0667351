/* host/cli/data.h -- the verbs that read a data directory without a host, through the historian's library. */
#ifndef HOST_CLI_DATA_H
#define HOST_CLI_DATA_H
#include "historian/read/aggregate.h"
#include "host/cli/cli.h"

typedef struct cli_events {
    int64_t from_ms, to_ms;
    const char *types, *node, *path; /* NULL: all */
    uint32_t limit;                  /* 0: no limit */
} cli_events;

typedef enum cli_format { CLI_TABLE, CLI_CSV, CLI_JSON } cli_format;

enum { CLI_MAX_FNS = HIST_FN_COUNT_ + 2 }; /* each once */
/* Beside the names of hist_fn: the value at an interval's beginning; samples of any quality. */
#define CLI_INTERPOLATED "interpolated"
#define CLI_COUNT        "count"

typedef struct cli_history {
    const char *const *paths;
    size_t n;
    int64_t from_ms, to_ms;
    uint32_t max_points;          /* 0: every sample */
    bool lttb;                    /* how they are chosen: largest triangles, else extremes */
    int64_t interval_ms;          /* 0: samples, else buckets */
    const char *zone, *interval;  /* zone: buckets of its calendar, `interval` as it was given; NULL: of interval_ms */
    const char *fns[CLI_MAX_FNS]; /* of a bucket */
    size_t n_fns;
    cli_format format;
} cli_history;

typedef struct cli_replay {
    int64_t from_ms, to_ms;
    const cli_list *select;
    bool events, csv;
    double speed;       /* 0: as fast as possible */
    int64_t max_gap_ms; /* 0: gaps are kept */
    uint64_t loops;     /* 1: once */
} cli_replay;

/* c->data_dir. CLI_GO_ON, or the exit code (said). Damage that is met, now or later, is said and remembered in c->damaged. */
int cli_data_open(cli *c, bool read_only, hist **h);
int cli_data_close(const cli *c, hist *h,
                   int rc); /* rc, CLI_GO_ON as 0, and 1 instead of 0 when there was damage; a failure to close is said */

/* Each opens c->data_dir read-only, prints, and returns the exit code. */
int cli_data_events(cli *c, const cli_events *e, const char *const *heads, const char *align);
int cli_data_history(cli *c, const cli_history *q);
int cli_data_replay(cli *c, const cli_replay *r);

/* Text that is made now and wanted later: its beginning in memory, the rest in a temporary file that has no name. */
typedef struct cli_spool {
    pt_buf text; /* append here; what was moved to the file is not in it any more */
    pt_json j;   /* writes into it */
    FILE *file;  /* NULL: all is in memory */
} cli_spool;
void cli_spool_init(cli_spool *s);
void cli_spool_fini(cli_spool *s);
/* Call this now and then: what is more than some 64 KiB goes to the file. CLI_GO_ON, or the exit code (said). */
int cli_spool_ease(cli_spool *s, const cli *c);
/* All of it to standard output; nothing can be added then. The same result. */
int cli_spool_put(cli_spool *s, const cli *c);

/* Rows of history in the wanted format, from whichever source. */
typedef struct cli_rows {
    cli *c;
    const cli_history *q; /* borrowed; its format is CLI_TABLE or CLI_CSV */
    bool begun;           /* the header is made */
    cli_table *table;
    const char *heads[2 + CLI_MAX_FNS];
    pt_buf out; /* CSV not yet written */
    int code;   /* CLI_GO_ON, or why to stop */
} cli_rows;
void cli_rows_begin(cli_rows *r, cli *c, const cli_history *q);
typedef struct cli_sample { /* its value already as text */
    int64_t ms;
    pt_slice path, value;
    const char *quality;
    const char *type, *flags; /* CSV only, as in an export */
    pt_slice base64;          /* CSV only: the value's own bytes where its text doesn't hold them; else absent */
} cli_sample;
void cli_rows_sample(cli_rows *r, const cli_sample *s);
/* A bucket's values are given as columns. */
void cli_rows_bucket(cli_rows *r, int64_t ms, pt_slice path, const pt_slice *values, size_t n);
int cli_rows_end(cli_rows *r, bool failed); /* a call that failed before its first row has no header either */
#endif
