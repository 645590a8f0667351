/* historian/write/pending.h -- what is committed to the journal and not yet in a block: rows in memory, tag by tag, in key order; and how
 * many samples of each tag are stored altogether.
 *
 * Two kinds of callers. Readers, any thread: each call takes the lock for a moment and gives copies. The writer's thread, which alone
 * changes anything: it looks without the lock, and the calls with which it changes rows take it. A read-only store has no such thread;
 * there whoever refreshes holds the lock from hist__pending_lock to _unlock and uses what says "alone". So does a store that is being
 * opened or is bare, without the lock: nobody else has it. A tag's id is one that was given out.
 *
 * Byte values of the rows are owned here. */
#ifndef HIST_PENDING_H
#define HIST_PENDING_H
#include "historian/format/format.h"
#include "historian/historian.h"
#include "historian/write/per_tag.h"

#include <pthread.h>

typedef struct hist__hot {
    hist_sample *rows; /* committed, not sealed; ascending unique keys; byte values malloc'ed each */
    uint32_t n, cap;
    uint32_t value_bytes;      /* of byte values among them, plus one for each such row */
    uint64_t first_row;        /* journal row of the oldest of them; 0 when n == 0 */
    int64_t first_ms, last_ms; /* stored samples, in blocks or not (no STATE rows) */
    uint64_t samples;
} hist__hot;

typedef struct hist__pending {
    const hist_options *o; /* borrowed: block_samples, pending_bytes */
    pthread_mutex_t lock;  /* guards everything below against readers */
    hist__per_tag hot;
    uint64_t bytes; /* memory of all rows */
} hist__pending;

typedef struct hist__stored { /* of one tag, STATE rows aside */
    uint64_t samples;
    int64_t first_ms, last_ms; /* when there are any */
    uint32_t pending;          /* rows that are in no block yet, STATE rows too */
} hist__stored;

PT_MUST_CHECK pt_status hist__pending_init(hist__pending *p, const hist_options *o); /* PT_ENOMEM: nothing to fini */
void hist__pending_fini(hist__pending *p);
/* Room for a tag, before its id is given out; one thread at a time. PT_ETOOBIG, PT_ENOMEM. */
PT_MUST_CHECK pt_status hist__pending_reserve(hist__pending *p, uint32_t tag_id);

/* ---- readers ------------------------------------------------------------------------------------------------ */
hist__stored hist__pending_stored(hist__pending *p, uint32_t tag_id);
/* Append copies of the rows in [from_ms, to_ms). PT_ENOMEM. */
PT_MUST_CHECK pt_status hist__pending_copy(hist__pending *p, uint32_t tag_id, int64_t from_ms, int64_t to_ms, hist__rows *out);
/* The newest row at or before `at_ms`, STATE rows only when `states`; bytes are copied into `arena`. PT_EEMPTY, PT_ENOMEM. */
PT_MUST_CHECK pt_status hist__pending_before(hist__pending *p, uint32_t tag_id, int64_t at_ms, bool states, pt_arena *arena,
                                             hist_sample *out);

/* ---- the writer's thread: these take the lock where readers may look meanwhile ------------------------------------- */
/* Put n committed samples of journal row `row` in their places; byte values are copied. `reserved` 0: the sample is a new one, else it
 * takes the place of a stored one and is not counted. full[0, *n_full): tags that have a block's worth of rows after one of the samples,
 * perhaps more than once; room for n. PT_ENOMEM: some are in. */
PT_MUST_CHECK pt_status hist__pending_add(hist__pending *p, const hist_sample *s, size_t n, uint64_t row, uint32_t *full, size_t *n_full);
/* After they were sealed: rows older than that go, of each of the tags. */
void hist__pending_drop(hist__pending *p, const uint32_t *tags, size_t n, int64_t before_ms);
void hist__pending_clear(hist__pending *p, const uint32_t *tags, size_t n);      /* all of them, and their room */
void hist__pending_uncount(hist__pending *p, uint32_t tag_id, uint64_t samples); /* so many are not stored any more */
void hist__pending_set_stored(hist__pending *p, uint32_t tag_id, uint64_t samples, int64_t first_ms, int64_t last_ms);

/* ---- alone: they take no lock ------------------------------------------------------------------------------------- */
/* As hist__pending_add, one sample. `stored`: another of its key is in a block. */
PT_MUST_CHECK pt_status hist__pending_put(hist__pending *p, const hist_sample *s, uint64_t row, bool stored);
/* So many more are stored in blocks. */
void hist__pending_add_stored(hist__pending *p, uint32_t tag_id, uint64_t samples, int64_t first_ms, int64_t last_ms);
void hist__pending_reset(hist__pending *p); /* no rows, nothing stored */
/* The row of this key; NULL: none. It and the next one are valid until the tag's rows change. */
const hist_sample *hist__pending_find(hist__pending *p, uint32_t tag_id, int64_t time_ms, bool state);
/* The rows in [from_ms, to_ms); to_ms INT64_MAX: all from there on. */
const hist_sample *hist__pending_rows(hist__pending *p, uint32_t tag_id, int64_t from_ms, int64_t to_ms, size_t *n);
/* The journal row that the oldest of the tag's rows came with; 0: it has none. */
static inline uint64_t hist__pending_first_row(hist__pending *p, uint32_t tag_id)
{
    return ((const hist__hot *)hist__per_tag_at(&p->hot, tag_id, sizeof(hist__hot)))->first_row;
}
static inline uint64_t hist__pending_bytes(const hist__pending *p) /* memory of all rows */
{
    return p->bytes;
}

/* ---- a read-only store: around what is for whoever is alone -------------------------------------------------------- */
void hist__pending_lock(hist__pending *p);
void hist__pending_unlock(hist__pending *p);
#endif
