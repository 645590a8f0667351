/* edge-node/spool.c -- see spool.h.
 *
 * Two locks: `lock` guards the queue in memory and the figures, and is taken with the node's lock held; `db_lock` guards the SQLite
 * connection and is never taken by anything the node calls. Order: db_lock, then the node's, then lock.
 *
 *   queue --commit--> batch, state 0 waiting --sent--> 1 delivered --lost, backfill--> 0            any --age, size--> gone  */
#include "edge-node/spool.h"

#include "base/monitor.h"
#include "base/thread.h"
#include "edge-node/spool_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RETENTION_MIN_MS 5000
#define SAY_EVERY_MS     60000
#define FAILING_RETRY_MS 1000
#define ACTIVE_WAIT_MS   20
#define SENT_MAX         256

typedef enum entry_kind { ENTRY_BATCH, ENTRY_LOST, ENTRY_BACKFILL } entry_kind;

typedef struct entry {
    struct entry *next;
    entry_kind kind;
    bool delivered;
    uint32_t samples, len;
    int64_t first_ms, last_ms; /* BACKFILL: first_ms is the wish */
    int64_t at_ms;             /* own time it was made */
    char bytes[];
} entry;

struct edge_spool {
    edge_spool_options o;
    edge_node *node;
    pthread_t thread;
    bool running;
    int64_t opened_ms; /* monotonic time when it was opened; constant then */
    int64_t retention_every_ms;

    pthread_mutex_t db_lock; /* guards the file, cursor, sums */
    edge__spool_file file;
    int64_t cursor;  /* batches up to this id were looked at in this pass */
    int64_t pass_ms; /* when the pass began, monotonic */
    char *sending;   /* the batch being sent; owned */
    int64_t sending_id;
    uint32_t sending_len, sending_samples;
    edge_history_cursor sending_at;
    int64_t sent_ids[SENT_MAX]; /* sent, not yet marked so in the file */
    uint32_t sent_samples[SENT_MAX];
    uint32_t n_sent;
    double tokens;
    int64_t tokens_ms, retention_ms, newest_ms, oldest_pending_ms;
    int64_t told_pending, told_done, told_ms;
    bool named; /* a names transaction is open */
    pt_log_limit limit;

    pt_monitor m; /* guards the rest; woken by urgent, stop */
    entry *first, **last;
    uint64_t queue_bytes;
    bool stop, urgent;
    edge_spool_stats stats;
};

static int64_t mono(const edge_spool *s)
{
    return pt_mono_ms(s->o.clock);
}
/* The spool's own time: never steps, goes on where the last run ended. */
static int64_t own(const edge_spool *s)
{
    return s->file.own_ms + mono(s) - s->opened_ms;
}

/* The figures of the file. */
static pt_status read_sums(edge_spool *s, pt_error *err)
{
    edge__spool_sums sums;
    pt_status st = edge__spool_file_sums(&s->file, &sums, err);
    if (st != PT_OK) return st;
    pt_monitor_lock(&s->m);
    s->stats.stored_samples = sums.samples;
    s->stats.stored_bytes = sums.bytes;
    s->stats.pending_samples = sums.pending;
    pt_monitor_unlock(&s->m);
    s->newest_ms = sums.newest_ms;
    return PT_OK;
}

pt_status edge_spool_open(const edge_spool_options *o, edge_spool **out, pt_error *err)
{
    edge_spool *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "out of memory");
    s->o = *o;
    if (!s->o.max_bytes) s->o.max_bytes = 512u << 20;
    if (!s->o.max_age_ms) s->o.max_age_ms = 72 * 3600000ll;
    if (!s->o.rate) s->o.rate = 10000;
    if (!s->o.commit_interval_ms) s->o.commit_interval_ms = 250;
    if (!s->o.replay_window_ms) s->o.replay_window_ms = 65000;
    if (!s->o.memory_bytes) s->o.memory_bytes = 8u << 20;
    s->retention_every_ms = s->o.max_age_ms / 1000 > RETENTION_MIN_MS ? s->o.max_age_ms / 1000 : RETENTION_MIN_MS;
    s->opened_ms = mono(s);
    s->last = &s->first;
    s->told_pending = s->told_done = -2;
    if (pt_monitor_init(&s->m) != PT_OK) {
        free(s);
        return pt_fail(err, PT_ENOMEM, "no lock");
    }
    if (pthread_mutex_init(&s->db_lock, NULL) != 0) {
        pt_monitor_fini(&s->m);
        free(s);
        return pt_fail(err, PT_ENOMEM, "no lock");
    }
    pt_status st = edge__spool_file_open(&s->file, o->dir, s->o.replay_window_ms, err);
    if (st == PT_OK) st = read_sums(s, err);
    if (st != PT_OK) {
        edge_spool_close(s);
        return st;
    }
    *out = s;
    return PT_OK;
}

/* --- names --- */

static pt_status number_of(void *ctx, pt_slice device, pt_slice metric, uint32_t *number)
{
    edge_spool *s = ctx;
    pthread_mutex_lock(&s->db_lock);
    pt_status st = edge__spool_file_number(&s->file, device, metric, number);
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

edge_names edge_spool_names(edge_spool *s)
{
    return (edge_names){ s, number_of };
}

/* A names transaction must not meet the thread's own: while it is open the thread only waits. */
pt_status edge_spool_names_begin(edge_spool *s)
{
    pthread_mutex_lock(&s->db_lock);
    pt_status st = edge__spool_file_begin(&s->file, NULL);
    s->named = st == PT_OK;
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

pt_status edge_spool_names_end(edge_spool *s)
{
    pt_status st = PT_OK;
    pthread_mutex_lock(&s->db_lock);
    if (s->named) st = edge__spool_file_commit(&s->file, NULL);
    if (s->named && st != PT_OK) edge__spool_file_rollback(&s->file);
    s->named = false;
    pthread_mutex_unlock(&s->db_lock);
    return st;
}

/* --- what the node calls: the queue --- */

static void count_dropped(edge_spool *s, const entry *e)
{
    if (e->delivered) s->stats.dropped_journal += e->samples;
    else s->stats.dropped_memory += e->samples;
}

/* With `lock`: take out the oldest batch, delivered ones first. False when there is none. */
static bool drop_oldest(edge_spool *s)
{
    for (int pass = 0; pass < 2; pass++)
        for (entry **at = &s->first; *at; at = &(*at)->next) {
            entry *e = *at;
            if (e->kind != ENTRY_BATCH || (pass == 0 && !e->delivered)) continue;
            *at = e->next;
            if (s->last == &e->next) s->last = at;
            s->queue_bytes -= e->len + sizeof *e;
            count_dropped(s, e);
            free(e);
            return true;
        }
    return false;
}

static pt_status enqueue(edge_spool *s, entry_kind kind, pt_slice bytes, uint32_t samples, int64_t first_ms, int64_t last_ms,
                         bool delivered)
{
    entry *e = malloc(sizeof *e + bytes.len);
    if (!e) return PT_ENOMEM;
    *e = (entry){ .kind = kind,
                  .delivered = delivered,
                  .samples = samples,
                  .len = (uint32_t)bytes.len,
                  .first_ms = first_ms,
                  .last_ms = last_ms,
                  .at_ms = own(s) };
    if (bytes.len) memcpy(e->bytes, bytes.ptr, bytes.len);
    pt_monitor_lock(&s->m);
    while (s->queue_bytes + e->len + sizeof *e > s->o.memory_bytes && drop_oldest(s)) {}
    *s->last = e;
    s->last = &e->next;
    s->queue_bytes += e->len + sizeof *e;
    if (kind != ENTRY_BATCH) {
        s->urgent = true;
        pt_monitor_wake_one(&s->m);
    }
    pt_monitor_unlock(&s->m);
    return PT_OK;
}

static pt_status append(void *ctx, pt_slice batch, uint32_t samples, int64_t first_ms, int64_t last_ms, bool delivered)
{
    return enqueue(ctx, ENTRY_BATCH, batch, samples, first_ms, last_ms, delivered);
}

static void backfill(void *ctx, int64_t from_ms)
{
    edge_spool *s = ctx;
    if (enqueue(s, ENTRY_BACKFILL, PT_NONE, 0, from_ms, 0, false) != PT_OK)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-MEMORY", "a backfill request is lost: out of memory");
}

static void lost(void *ctx)
{
    edge_spool *s = ctx;
    if (enqueue(s, ENTRY_LOST, PT_NONE, 0, 0, 0, false) != PT_OK)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-MEMORY", "what was sent at last is not sent again: out of memory");
}

edge_journal edge_spool_journal(edge_spool *s)
{
    return (edge_journal){ s, append, backfill, lost };
}

/* --- the thread: into the file; db_lock held --- */

typedef struct outcome {
    bool resum;                                /* waiting changed in ways not counted here */
    bool tell;                                 /* report progress even when it looks the same */
    uint64_t samples, bytes, pending, refused; /* added; not taken */
    edge__spool_sums gone;                     /* removed */
    uint64_t expired, overflowed;              /* waiting samples of these */
    int64_t newest_ms;
} outcome;

static pt_status put_entry(edge_spool *s, const entry *e, uint64_t stored_bytes, outcome *o, pt_error *err)
{
    switch (e->kind) {
    case ENTRY_LOST:
        o->resum = o->tell = true;
        s->cursor = 0;
        return edge__spool_file_lost(&s->file, e->at_ms - s->o.replay_window_ms, err);
    case ENTRY_BACKFILL:
        o->resum = o->tell = true;
        s->cursor = 0;
        return edge__spool_file_backfill(&s->file, e->first_ms, err);
    case ENTRY_BATCH:
    default: break;
    }
    if (s->o.drop_newest && !e->delivered && stored_bytes + o->bytes + e->len > s->o.max_bytes) {
        o->refused += e->samples;
        return PT_OK;
    }
    edge__spool_batch b = { .first_ms = e->first_ms,
                            .last_ms = e->last_ms,
                            .samples = e->samples,
                            .delivered = e->delivered,
                            .sent_ms = e->at_ms,
                            .data = pt_slice_of(e->bytes, e->len) };
    pt_status st = edge__spool_file_add(&s->file, &b, err);
    if (st != PT_OK) return st;
    o->samples += e->samples;
    o->bytes += e->len;
    o->pending += e->delivered ? 0 : e->samples;
    if (e->last_ms > o->newest_ms) o->newest_ms = e->last_ms;
    return PT_OK;
}

static pt_status mark_sent(edge_spool *s, pt_error *err)
{
    pt_status st = PT_OK;
    for (uint32_t i = 0; st == PT_OK && i < s->n_sent; i++)
        st = edge__spool_file_sent(&s->file, s->sent_ids[i], own(s), err);
    return st;
}

/* Make room: by age, then by size, delivered ones first. Within the transaction. */
static pt_status retain(edge_spool *s, outcome *o, uint64_t stored_bytes, pt_error *err)
{
    pt_status st = edge__spool_file_expire(&s->file, own(s), s->o.max_age_ms, &o->gone, err);
    o->expired = o->gone.pending;
    for (bool delivered = true; st == PT_OK && stored_bytes + o->bytes > s->o.max_bytes + o->gone.bytes;) {
        st = edge__spool_file_drop_oldest(&s->file, delivered, &o->gone, err);
        if (st != PT_ENOTFOUND) continue;
        st = PT_OK;
        if (!delivered) break;
        delivered = false;
    }
    o->overflowed = o->gone.pending - o->expired;
    return st;
}

static void failed(edge_spool *s, const pt_error *err)
{
    pt_monitor_lock(&s->m);
    bool first = !s->stats.failing;
    s->stats.failing = true;
    s->stats.failures++;
    snprintf(s->stats.error, sizeof s->stats.error, "%.199s", err->text);
    pt_monitor_unlock(&s->m);
    if (first)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-FAILED", "%s; the newest %llu KiB of samples are kept in memory", err->text,
                (unsigned long long)(s->o.memory_bytes >> 10));
}

/* Waiting samples that went are said, not only counted. */
static void say_lost(edge_spool *s, const outcome *o)
{
    int64_t now = mono(s);
    if (o->expired && pt_log_allow(&s->limit, 1, now, SAY_EVERY_MS, NULL))
        pt_logf(s->o.log, PT_LOG_WARN, "EDGE-SPOOL-EXPIRED",
                "%llu samples waited longer than max_age and are lost; spool.dropped_age counts them", (unsigned long long)o->expired);
    if (o->overflowed + o->refused && pt_log_allow(&s->limit, 2, now, SAY_EVERY_MS, NULL))
        pt_logf(s->o.log, PT_LOG_WARN, "EDGE-SPOOL-OVERFLOW",
                "%llu samples that waited are lost: max_bytes is reached; spool.dropped_overflow counts them",
                (unsigned long long)o->overflowed + o->refused);
}

/* Queue and marks into the file, one transaction. What could not be written goes back to the front of the queue. */
static void commit(edge_spool *s)
{
    pt_error err = { 0 };
    outcome o = { .newest_ms = s->newest_ms };
    pt_monitor_lock(&s->m);
    entry *list = s->first;
    uint64_t bytes = s->queue_bytes, stored = s->stats.stored_bytes;
    s->first = NULL;
    s->last = &s->first;
    s->queue_bytes = 0;
    s->urgent = false;
    bool failing = s->stats.failing;
    pt_monitor_unlock(&s->m);
    int64_t now = mono(s);
    bool retention = now - s->retention_ms >= s->retention_every_ms || stored + bytes > s->o.max_bytes;
    if (!list && s->n_sent == 0 && !retention) return;
    int64_t begin = pt_mono_us(s->o.clock);
    pt_status st = edge__spool_file_begin(&s->file, &err);
    if (st == PT_OK) {
        st = mark_sent(s, &err);
        for (entry *e = list; st == PT_OK && e; e = e->next)
            st = put_entry(s, e, stored, &o, &err);
        if (st == PT_OK && retention) st = retain(s, &o, stored, &err);
        if (st == PT_OK) st = edge__spool_file_commit(&s->file, &err);
        if (st != PT_OK) edge__spool_file_rollback(&s->file);
    }
    if (st != PT_OK) {
        pt_monitor_lock(&s->m);
        if (list) {
            entry **end = &list;
            while (*end)
                end = &(*end)->next;
            *end = s->first;
            if (!s->first) s->last = end;
            s->first = list;
            s->queue_bytes += bytes;
            while (s->queue_bytes > s->o.memory_bytes && drop_oldest(s)) {}
            if (!s->first) s->last = &s->first;
        }
        pt_monitor_unlock(&s->m);
        failed(s, &err);
        return;
    }
    for (entry *next; list; list = next) {
        next = list->next;
        free(list);
    }
    uint64_t marked = 0;
    for (uint32_t i = 0; i < s->n_sent; i++)
        marked += s->sent_samples[i];
    s->n_sent = 0;
    s->newest_ms = o.newest_ms;
    pt_monitor_lock(&s->m);
    s->stats.commits++;
    s->stats.last_commit_us = pt_mono_us(s->o.clock) - begin;
    s->stats.stored_samples += o.samples - o.gone.samples;
    s->stats.stored_bytes += o.bytes - o.gone.bytes;
    s->stats.pending_samples += o.pending;
    marked += o.gone.pending;
    s->stats.pending_samples -= marked < s->stats.pending_samples ? marked : s->stats.pending_samples;
    s->stats.dropped_overflow += o.refused + o.overflowed;
    s->stats.dropped_age += o.expired;
    s->stats.failing = false;
    s->stats.error[0] = 0;
    pt_monitor_unlock(&s->m);
    if (failing) pt_logf(s->o.log, PT_LOG_INFO, "EDGE-SPOOL-WORKS", "%s: writable again", s->file.path);
    if (retention) s->retention_ms = now; /* not the present time: what has passed since was not looked at */
    say_lost(s, &o);
    if (o.tell) s->told_pending = -2;
    if (o.resum && read_sums(s, &err) != PT_OK) failed(s, &err);
}

/* --- the thread: out of the file --- */

static void drop_sending(edge_spool *s)
{
    free(s->sending);
    s->sending = NULL;
    s->sending_at = (edge_history_cursor){ 0 };
}

/* Load the next waiting batch. False: none, or they are all looked at in this pass. */
static bool load_next(edge_spool *s)
{
    pt_error err = { 0 };
    edge__spool_batch b;
    pt_status st = edge__spool_file_next(&s->file, s->cursor, &b, &err);
    if (st != PT_OK) {
        if (st != PT_ENOTFOUND && st != PT_ENOMEM) failed(s, &err); /* without memory it is found again */
        return false;
    }
    s->sending = (char *)(uintptr_t)b.data.ptr;
    s->sending_id = b.id;
    s->sending_samples = b.samples;
    s->sending_len = (uint32_t)b.data.len;
    s->sending_at = (edge_history_cursor){ 0 };
    return true;
}

/* A batch that only memory holds, because the file cannot be written: the oldest that waits. */
static entry *take_queued(edge_spool *s)
{
    entry *e = NULL;
    pt_monitor_lock(&s->m);
    for (entry **at = &s->first; s->stats.failing && *at; at = &(*at)->next) {
        if ((*at)->kind != ENTRY_BATCH || (*at)->delivered) continue;
        e = *at;
        *at = e->next;
        if (s->last == &e->next) s->last = at;
        s->queue_bytes -= e->len + sizeof *e;
        break;
    }
    pt_monitor_unlock(&s->m);
    return e;
}

static bool send_queued(edge_spool *s)
{
    entry *e = take_queued(s);
    if (!e) return false;
    edge_history_cursor at = { 0 };
    pt_status st;
    while ((st = edge_node_send_history(s->node, pt_slice_of(e->bytes, e->len), &at)) == PT_OK) {}
    s->tokens -= at.sent;
    pt_monitor_lock(&s->m);
    s->stats.sent += at.sent;
    bool done = st == PT_EEMPTY;
    if (done) {
        free(e);
    } else { /* back to the front */
        e->next = s->first;
        if (!s->first) s->last = &e->next;
        s->first = e;
        s->queue_bytes += e->len + sizeof *e;
    }
    pt_monitor_unlock(&s->m);
    return done;
}

/* Send history as the rate allows. True: there is more to do soon. */
static bool forward(edge_spool *s)
{
    if (!s->node || edge_node_state(s->node) != EDGE_ONLINE) {
        drop_sending(s);
        s->cursor = 0;
        return false;
    }
    int64_t now = mono(s);
    s->tokens += (double)(now - s->tokens_ms) * (double)s->o.rate / 1000;
    s->tokens_ms = now;
    double burst = (double)s->o.rate / 10 + 1;
    if (s->tokens > burst) s->tokens = burst;
    while (s->tokens > 0 && s->n_sent < SENT_MAX) {
        if (!s->sending && !load_next(s)) {
            if (send_queued(s)) continue;
            if (s->cursor && s->n_sent == 0 && now - s->pass_ms >= 1000) { /* devices that were away may be back */
                s->cursor = 0;
                s->pass_ms = now;
            }
            return false;
        }
        uint32_t before = s->sending_at.sent;
        pt_status st = edge_node_send_history(s->node, pt_slice_of(s->sending, s->sending_len), &s->sending_at);
        s->tokens -= s->sending_at.sent - before;
        pt_monitor_lock(&s->m);
        s->stats.sent += s->sending_at.sent - before;
        pt_monitor_unlock(&s->m);
        if (st == PT_OK) continue;
        if (st == PT_EEMPTY || st == PT_EBUSY) {
            if (st == PT_EEMPTY) {
                s->sent_ids[s->n_sent] = s->sending_id;
                s->sent_samples[s->n_sent++] = s->sending_samples;
            }
            s->cursor = s->sending_id;
            drop_sending(s);
            continue;
        }
        return st == PT_EFULL; /* no room now, or not online any more */
    }
    return true;
}

static void tell(edge_spool *s)
{
    int64_t now = mono(s);
    pt_monitor_lock(&s->m);
    int64_t pending = (int64_t)s->stats.pending_samples;
    pt_monitor_unlock(&s->m);
    if (now - s->told_ms < 1000 || !s->node) return;
    int64_t done = pending == 0 ? s->newest_ms : s->oldest_pending_ms > 0 ? s->oldest_pending_ms - 1 : -1;
    if (pending == s->told_pending && (pending != 0 || s->told_done >= 0) && s->told_pending == 0) {
        s->told_ms = now;
        return; /* nothing to catch up with, and that is known: live data needs no progress report */
    }
    if (pending == s->told_pending && done == s->told_done) return;
    s->told_ms = now;
    s->told_pending = pending;
    s->told_done = done;
    edge_node_backfill_progress(s->node, pending, done);
}

static void wait_for_work(edge_spool *s, int64_t ms)
{
    int64_t until = pt_deadline(s->o.clock, ms);
    pt_monitor_lock(&s->m);
    while (!s->stop && !s->urgent && pt_monitor_wait_until(&s->m, s->o.clock, until)) {}
    pt_monitor_unlock(&s->m);
}

static void *run(void *ctx)
{
    edge_spool *s = ctx;
    int64_t committed = 0, retry = 0;
    for (;;) {
        pt_monitor_lock(&s->m);
        bool stop = s->stop, urgent = s->urgent, failing = s->stats.failing;
        pt_monitor_unlock(&s->m);
        if (stop) return NULL;
        bool more = false;
        pthread_mutex_lock(&s->db_lock);
        if (!s->named) {
            int64_t now = mono(s);
            bool due = urgent || now - committed >= s->o.commit_interval_ms || s->n_sent == SENT_MAX;
            if (due && (!failing || now - retry >= FAILING_RETRY_MS)) {
                commit(s);
                committed = retry = now;
            }
            more = forward(s);
            pt_error err;
            if (edge__spool_file_first_waiting(&s->file, &s->oldest_pending_ms, &err) != PT_OK) failed(s, &err);
        }
        pthread_mutex_unlock(&s->db_lock);
        tell(s);
        pt_monitor_lock(&s->m);
        if (failing) s->urgent = false; /* do not spin on a full disk */
        pt_monitor_unlock(&s->m);
        wait_for_work(s, more ? ACTIVE_WAIT_MS : s->o.commit_interval_ms);
    }
}

pt_status edge_spool_start(edge_spool *s, edge_node *node)
{
    s->node = node;
    s->tokens_ms = mono(s);
    s->retention_ms = mono(s);
    pt_status st = pt_thread_start(&s->thread, "pt-spool", 0, run, s, NULL);
    s->running = st == PT_OK;
    return st;
}

void edge_spool_stop(edge_spool *s)
{
    pt_monitor_lock(&s->m);
    s->stop = true;
    pt_monitor_wake_one(&s->m);
    pt_monitor_unlock(&s->m);
    if (s->running) pthread_join(s->thread, NULL);
    bool was = s->running;
    s->running = false;
    if (!was) return;
    pt_error err = { 0 };
    pthread_mutex_lock(&s->db_lock);
    drop_sending(s);
    commit(s);
    pt_monitor_lock(&s->m);
    bool empty = s->first == NULL;
    pt_monitor_unlock(&s->m);
    if (empty && edge__spool_file_clean(&s->file, &err) != PT_OK) failed(s, &err);
    pthread_mutex_unlock(&s->db_lock);
}

void edge_spool_close(edge_spool *s)
{
    if (!s) return;
    edge_spool_stop(s);
    if (edge__spool_file_close(&s->file) != PT_OK)
        pt_logf(s->o.log, PT_LOG_ERROR, "EDGE-SPOOL-CLOSE", "%s: SQLite does not close it", s->file.path);
    for (entry *e = s->first, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    drop_sending(s);
    pt_monitor_fini(&s->m);
    pthread_mutex_destroy(&s->db_lock);
    free(s);
}

void edge_spool_stats_get(edge_spool *s, edge_spool_stats *out)
{
    pt_monitor_lock(&s->m);
    *out = s->stats;
    out->queue_bytes = s->queue_bytes;
    pt_monitor_unlock(&s->m);
}

sqlite3 *edge__spool_lock(edge_spool *s)
{
    pthread_mutex_lock(&s->db_lock);
    return s->file.db;
}

void edge__spool_unlock(edge_spool *s)
{
    pthread_mutex_unlock(&s->db_lock);
}
