/* historian/write/catalog.h -- tags by identity and by path: in memory, and in catalog.db, where events are too.
 *
 * Threads: any, except where the writer's is named; locks of its own, never held during a write to disk. A tag's id is given out once and
 * for ever, from 1 on without a gap; what is kept of each tag elsewhere has room before its id is known to anybody. */
#ifndef HIST_CATALOG_H
#define HIST_CATALOG_H
#include "base/map.h"
#include "historian/files/files.h"
#include "historian/historian.h"
#include "historian/write/per_tag.h"

#include <pthread.h>

struct hist__event;

typedef struct hist__tag {
    uint32_t id;       /* 0: a gap in the ids of a file */
    hist_tag_key key;  /* slices into key_bytes */
    pt_slice key_text; /* the map's key: the five parts with a NUL behind each; owned */
    char *path, *unit; /* owned, NUL-terminated */
    size_t path_len, unit_len;
    spb_datatype type;
    int64_t changed_ms; /* when path, type or unit last changed */
    int64_t owns_ms;    /* since when it owns the path */
    int64_t left_ms;    /* when it ceased to own the one before, as far as this process knows */
    bool is_new;        /* not in catalog.db yet */
    bool dirty, path_dirty;
} hist__tag;

typedef struct hist__catalog {
    const hist_options *o; /* borrowed: dir, synchronous */
    pt_status (*room)(void *ctx, uint32_t tag_id);
    void *ctx; /* of room, borrowed */

    pthread_rwlock_t lock;  /* guards the maps, the tags' contents, the list of dirty ones */
    pt_map by_key, by_path; /* key_text / current path -> tag id */
    hist__per_tag tags;
    _Atomic uint32_t n_tags; /* ids 1..n_tags exist */
    uint32_t *dirty;         /* owned */
    size_t n_dirty, cap_dirty;

    pthread_mutex_t reader_lock; /* guards the read connection and what was read */
    sqlite3 *reader;
    sqlite3_stmt *claims; /* of a path */
    int64_t generation;   /* of the tags, when they were last read; -1: never */

    sqlite3 *db; /* the writer's; NULL: to be opened */
} hist__catalog;

/* `room(ctx, id)` is called before an id is given out, by one thread at a time; unless it is PT_OK the id is not. PT_ENOMEM: nothing to
 * fini. */
PT_MUST_CHECK pt_status hist__catalog_init(hist__catalog *c, const hist_options *o, pt_status (*room)(void *ctx, uint32_t tag_id),
                                           void *ctx);
void hist__catalog_fini(hist__catalog *c); /* closes what is open */

static inline uint32_t hist__catalog_count(hist__catalog *c) /* ids 1..n are given out */
{
    return atomic_load_explicit(&c->n_tags, memory_order_acquire);
}

static inline hist__tag *hist__catalog_at(hist__catalog *c, uint32_t id) /* 1..n; for catalog.c and claims.c, with the lock held */
{
    return hist__per_tag_at(&c->tags, id, sizeof(hist__tag));
}

/* Found, made, or brought up to date; `now_ms` is when that was. `may_change` false: only found, else PT_EREADONLY. PT_ENOMEM, PT_ETOOBIG.
 */
PT_MUST_CHECK pt_status hist__catalog_ensure(hist__catalog *c, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit,
                                             int64_t now_ms, bool may_change, uint32_t *tag_id);
/* Who owns the path now; 0: nobody. */
uint32_t hist__catalog_owner(hist__catalog *c, pt_slice path);
/* As hist_path_take. */
PT_MUST_CHECK pt_status hist__catalog_take(hist__catalog *c, pt_slice path, uint32_t tag_id, int64_t since_ms, int64_t now_ms);
/* claims.c: as hist_path_claims; `now_ms` for what memory knows and the file does not. */
PT_MUST_CHECK pt_status hist__catalog_claims(hist__catalog *c, pt_slice path, int64_t now_ms, pt_arena *arena, hist_claim **out, size_t *n,
                                             pt_error *err);
/* What it is called, copied into `arena`; samples and times stay 0. PT_ENOTFOUND, PT_ENOMEM. */
PT_MUST_CHECK pt_status hist__catalog_tag(hist__catalog *c, uint32_t tag_id, pt_arena *arena, hist_tag *out);
bool hist__catalog_is_dirty(hist__catalog *c); /* tags wait for a commit */

/* The read connection: for paths of the past, and for a read-only store. */
PT_MUST_CHECK pt_status hist__catalog_open_reader(hist__catalog *c, pt_error *err);
void hist__catalog_close_reader(hist__catalog *c);
PT_MUST_CHECK pt_status hist__catalog_refresh(hist__catalog *c, pt_error *err); /* read-only: pick up what the writer added */

/* ---- the writer's thread, or whoever opens the store ---------------------------------------------------------------- */
PT_MUST_CHECK pt_status hist__catalog_open(hist__catalog *c, pt_error *err); /* nothing to do when it is open */
void hist__catalog_close(hist__catalog *c);
/* All tags of the file; `now_ms` is when a path that two of them claim became the later one's. */
PT_MUST_CHECK pt_status hist__catalog_load(hist__catalog *c, int64_t now_ms, pt_error *err);
/* Write dirty tags and the events, numbered from first_seq on, in one transaction. On failure the tags stay dirty. */
PT_MUST_CHECK pt_status hist__catalog_commit(hist__catalog *c, const struct hist__event *events, uint64_t first_seq, pt_error *err);
/* The number behind that of the newest event. */
PT_MUST_CHECK pt_status hist__catalog_next_seq(hist__catalog *c, uint64_t *out, pt_error *err);
/* Events from before a time and below a number go, all but the newest; `count_only`: they would. */
PT_MUST_CHECK pt_status hist__catalog_drop_events(hist__catalog *c, int64_t before_ms, int64_t below_seq, bool count_only, uint64_t *n,
                                                  pt_error *err);
#endif
