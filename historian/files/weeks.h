/* historian/files/weeks.h -- the weeks ("partitions") a historian's blocks are in: their names and times, which of them there are, and a
 * pool of read connections to them.
 *
 * Threads: any, for everything that takes a hist__weeks; its lock is held for moments only, never while a file is opened, read or closed.
 * Only the writer (a read-only store: whoever refreshes it) adds and drops weeks, so it alone may walk them with hist__weeks_at; readers
 * take a list. */
#ifndef HIST_WEEKS_H
#define HIST_WEEKS_H
#include "base/status.h"
#include "historian/format/format.h"

#include <pthread.h>
#include <sqlite3.h>

#define HIST__PARTITION_MS (INT64_C(7) * 86400000) /* width of a partition */
#define HIST__EARLY_MS     INT64_C(946684800000)   /* 2000-01-01: everything before is one partition, */
#define HIST__LATE_MS      INT64_C(4102444800000)  /* 2100-01-01: everything from here on another */
#define HIST__EARLY_START  INT64_MIN

int64_t hist__partition_start(int64_t time_ms);
int64_t hist__partition_end(int64_t start_ms); /* exclusive; INT64_MAX for the last one */
void hist__partition_name(int64_t start_ms, char out[40]);
bool hist__partition_parse(const char *name, int64_t *start_ms);

enum {
    HIST__IDLE_CONNS = 48, /* idle read connections kept */
    HIST__WARM_CONNS = 4   /* of them, about, with the pages they read */
};

typedef struct hist__conn { /* a read connection to one partition; used by one thread at a time */
    int64_t start_ms;
    uint64_t generation; /* of the partition when opened */
    sqlite3 *db;
    sqlite3_stmt *raw, *index, *data, *before;
    hist__codec *codec;
    struct hist__conn *next;
} hist__conn;

typedef struct hist__week {
    int64_t start_ms;
    uint64_t generation; /* differs after the file was dropped and made anew */
    uint64_t file;       /* its inode when last looked at; 0: not yet */
    bool seen;           /* during a scan */
    bool mended;         /* its file was rebuilt since the store was opened */
    uint64_t blocks, bytes;
} hist__week;

typedef struct hist__weeks {
    const char *dir;      /* borrowed */
    pthread_mutex_t lock; /* guards everything below */
    hist__week *list;     /* owned; ascending */
    size_t n;
    hist__conn *idle;
    unsigned n_idle;
    uint64_t next_generation;
} hist__weeks;

PT_MUST_CHECK pt_status hist__weeks_init(hist__weeks *w, const char *dir); /* `dir` outlives it. PT_ENOMEM: nothing to fini */
void hist__weeks_fini(hist__weeks *w);                                     /* every connection was given back or closed */

/* ---- which there are */
/* The list is what the directory has now. A file that is another one than before is a new generation. */
PT_MUST_CHECK pt_status hist__weeks_scan(hist__weeks *w, pt_error *err);
PT_MUST_CHECK pt_status hist__weeks_add(hist__weeks *w, int64_t start_ms); /* PT_ENOMEM; one that is there already stays as it is */
void hist__weeks_drop(hist__weeks *w, int64_t start_ms);                   /* off the list, and its idle connections are closed */
/* The file was rebuilt: a new generation with these counts, marked so. */
void hist__weeks_renew(hist__weeks *w, int64_t start_ms, uint64_t blocks, uint64_t bytes);
bool hist__weeks_mended(hist__weeks *w, int64_t start_ms);
/* The i-th, ascending; false: there are fewer. */
bool hist__weeks_at(hist__weeks *w, size_t i, hist__week *out);
size_t hist__weeks_count(hist__weeks *w);
/* Starts of the weeks that have times in [from_ms, to_ms), ascending; to be freed (NULL: there are none at all). PT_ENOMEM: *n is 0. */
PT_MUST_CHECK pt_status hist__weeks_between(hist__weeks *w, int64_t from_ms, int64_t to_ms, int64_t **starts, size_t *n);

/* ---- what is in them: counts of blocks and their bytes. A week that is not on the list is left out. */
void hist__weeks_set_size(hist__weeks *w, int64_t start_ms, uint64_t blocks, uint64_t bytes);
void hist__weeks_add_size(hist__weeks *w, int64_t start_ms, int64_t blocks, int64_t bytes);
void hist__weeks_clear_sizes(hist__weeks *w);
void hist__weeks_size(hist__weeks *w, uint64_t *blocks, uint64_t *bytes); /* of all of them */

/* ---- read connections (conn.c) */
PT_MUST_CHECK pt_status hist__conn_take(hist__weeks *w, int64_t start_ms, hist__conn **out, pt_error *err); /* PT_ENOTFOUND: dropped */
void hist__conn_give(hist__weeks *w, hist__conn *c); /* back to the pool; NULL allowed */
void hist__conn_close(hist__conn *c);                /* instead of giving back, after an error; NULL allowed */
/* Idle connections to this week; busy ones keep their (unlinked) file until they are given back and found outdated. */
void hist__pool_close_week(hist__weeks *w, int64_t start_ms);
void hist__pool_close(hist__weeks *w); /* all idle ones */
#endif
