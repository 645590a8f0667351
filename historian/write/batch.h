/* historian/write/batch.h -- what is appended and not committed yet: pieces of samples, events, and the buffer that gathers them
 * (buffer.c) until the writer takes them as a batch (commit.c). */
#ifndef HIST_BATCH_H
#define HIST_BATCH_H
#include "base/arena.h"
#include "historian/historian.h"

#include <pthread.h>

enum {
    HIST__CHUNK = 4096,          /* samples per piece of the buffer, and at most per journal row */
    HIST__CHUNK_BYTES = 1 << 20, /* value bytes that close a chunk early */
    HIST__SPARE_CHUNKS = 64      /* empty chunks kept for reuse */
};

typedef struct hist__chunk {
    struct hist__chunk *next;
    uint32_t n;
    size_t bytes; /* of values in the arena */
    pt_arena arena;
    hist_sample s[HIST__CHUNK];
} hist__chunk;

typedef struct hist__event {
    struct hist__event *next;
    hist_event e; /* slices go behind this struct */
    size_t bytes;
} hist__event;

/* What one commit takes to disk. */
typedef struct hist__batch {
    hist__chunk *chunks, *chunks_end;
    hist__event *events, *events_end;
    uint64_t samples, n_events, bytes;
    uint64_t tickets;                          /* samples and events appended since the start, the last of this batch included */
    unsigned classified;                       /* passes done, of 2 */
    uint64_t duplicates, replaced, historical; /* after classification; `samples` keeps counting all */
} hist__batch;

typedef struct hist__buffer {
    pthread_mutex_t lock; /* guards everything here */
    pthread_cond_t wake;  /* the writer: something to do */
    pthread_cond_t done;  /* flushers: tickets committed, or an error */
    hist__batch in;
    hist__chunk *spare;
    unsigned spares;
    uint64_t in_flight_bytes, in_flight_samples; /* of the batch the writer holds */
    uint64_t tickets, committed;
    uint64_t appended;
    bool hurry, closing, dead; /* dead: the writer thread has ended */
    bool work;                 /* a request beside samples: seal, delete, trim */
} hist__buffer;
#endif
