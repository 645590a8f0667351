/* historian/write/writer.c -- the one thread that writes.
 *
 *   WAITING --interval over, hurry, much buffered--> COMMITTING --ok--> APPLYING --> SEALING --> WAITING
 *                                                        |  ^
 *                                                  error v  | back-off over
 *                                                       FAILING   (the batch is kept; appends go on until the buffer is full)
 *
 * Closing drains the buffer first; if commits keep failing until the deadline, what is left is counted as lost. */
#include "historian/write/write.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 1000, RETENTION_MS = 60000, BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

int64_t hist__mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void note_error(hist *h, pt_status st, const pt_error *err)
{
    pthread_mutex_lock(&h->stat_lock);
    bool changed = h->stats.error != st;
    if (h->stats.error == PT_OK) h->stats.error_since_ms = pt_wall_ms(h->clock);
    h->stats.error = st;
    h->stats.commit_errors++;
    snprintf(h->stats.error_text, sizeof h->stats.error_text, "%.199s", err->text);
    pthread_mutex_unlock(&h->stat_lock);
    if (changed)
        pt_logf(h->log, PT_LOG_ERROR, "HIST-WRITE-FAILED", "%s: %s; samples are kept in memory and the write is tried again",
                pt_status_name(st), err->text);
}

static void note_success(hist *h, const hist__batch *b, double seconds)
{
    pthread_mutex_lock(&h->stat_lock);
    bool recovered = h->stats.error != PT_OK && h->seal_status == PT_OK;
    if (recovered) {
        h->stats.error = PT_OK;
        h->stats.error_text[0] = 0;
        h->stats.error_since_ms = 0;
    }
    h->stats.stored += b->samples - b->duplicates - b->replaced;
    h->stats.duplicates += b->duplicates;
    h->stats.replaced += b->replaced;
    h->stats.historical += b->historical;
    h->stats.events += b->n_events;
    h->stats.commits++;
    h->stats.last_commit_ms = pt_wall_ms(h->clock);
    h->stats.commit_seconds_sum += seconds;
    h->stats.commit_seconds_max = fmax(h->stats.commit_seconds_max, seconds);
    pthread_mutex_unlock(&h->stat_lock);
    if (recovered) pt_logf(h->log, PT_LOG_INFO, "HIST-WRITE-RECOVERED", "the historian writes again");
}

static void fail(hist *h, pt_status st, const pt_error *err)
{
    note_error(h, st, err);
    int64_t wait = BACKOFF_FIRST_MS << (h->failures < 6 ? h->failures : 6);
    h->failures++;
    h->retry_mono_ms = hist__mono_ms() + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
    pthread_mutex_lock(
        &h->buffer.lock); /* flushers look at the error when their time is up; waking them now would only make them wait again */
    h->buffer.hurry = false;
    pthread_mutex_unlock(&h->buffer.lock);
}

/* Take what is buffered as the batch in flight. The buffer's lock is held. */
static void take(hist *h)
{
    hist__buffer *b = &h->buffer;
    h->batch = b->in;
    h->batch.tickets = b->tickets;
    b->in = (hist__batch){ 0 };
    b->in_flight_bytes = h->batch.bytes;
    b->in_flight_samples = h->batch.samples;
    b->hurry = false;
}

static void commit(hist *h)
{
    pt_error err = { 0 };
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pt_status st = hist__batch_commit(h, &err);
    if (st != PT_OK) {
        fail(h, st, &err);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    h->failures = 0;
    h->retry_mono_ms = 0;
    note_success(h, &h->batch, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    if (hist__batch_apply(h) != PT_OK) {
        /* Durable, but not in memory: readers of this process miss it until the store is opened again, and nothing may be trimmed. */
        h->pending_incomplete = true;
        pt_logf(h->log, PT_LOG_ERROR, "HIST-NO-MEMORY",
                "committed samples could not be kept in memory; they are read back when the historian is opened again");
    }
    uint64_t tickets = h->batch.tickets;
    hist__batch_free(h, &h->batch);
    pthread_mutex_lock(&h->buffer.lock);
    h->buffer.in_flight_bytes = h->buffer.in_flight_samples = 0;
    h->buffer.committed = tickets;
    pthread_cond_broadcast(&h->buffer.done);
    pthread_mutex_unlock(&h->buffer.lock);
}

static void seal(hist *h)
{
    int64_t now = hist__mono_ms();
    if (now < h->seal_retry_mono_ms) return;
    pt_error err = { 0 };
    h->seal_status = hist__seal_due(h, false, &err);
    if (h->seal_status == PT_OK && now - h->last_tick_mono_ms >= TICK_MS) {
        h->last_tick_mono_ms = now;
        hist__sealed_advance(h);
        h->seal_status = hist__journal_trim(&h->journal, pt_wall_ms(h->clock), &err);
        if (h->seal_status == PT_OK) h->seal_status = hist__journal_compact(&h->journal, &err);
    } else if (h->seal_status == PT_OK && hist__journal_trim_due(&h->journal)) {
        h->seal_status = hist__journal_trim(&h->journal, pt_wall_ms(h->clock), &err);
    }
    if (h->seal_status == PT_OK && now - h->last_retention_mono_ms >= RETENTION_MS) {
        h->last_retention_mono_ms = now;
        h->seal_status = hist__retention_tick(h, &err);
    }
    if (h->seal_status == PT_OK) return;
    note_error(h, h->seal_status, &err);
    h->seal_retry_mono_ms = now + 1000;
}

/* Too many pending rows that can't be sealed: committing more would only move the flood from the bounded buffer to unbounded memory. */
static bool clogged(const hist *h)
{
    return h->seal_status != PT_OK && hist__pending_bytes(&h->pending) > h->o.pending_bytes * 2 + (64u << 20);
}

static bool batch_empty(const hist__batch *b)
{
    return b->samples == 0 && b->n_events == 0;
}

static void answer(hist *h, hist__request *r)
{
    r->status = PT_OK;
    if (batch_empty(&h->batch)) {
        r->status = r->run(h, r->ctx, &r->err);
    } else { /* what was appended before can't be written: neither can this */
        pthread_mutex_lock(&h->stat_lock);
        r->status = pt_fail(&r->err, h->stats.error != PT_OK ? h->stats.error : PT_EIO, "%s", h->stats.error_text);
        pthread_mutex_unlock(&h->stat_lock);
    }
    pthread_mutex_lock(&h->buffer.lock);
    r->done = true;
    h->request = NULL;
    pthread_cond_broadcast(&h->buffer.done);
    pthread_mutex_unlock(&h->buffer.lock);
}

/* Wait until there is something to do; takes the buffer as the batch unless one is in flight. The buffer's lock is held. */
static void wait_for_work(hist *h, int64_t next_commit, bool *closing, bool *asked, hist__request **request)
{
    hist__buffer *b = &h->buffer;
    for (;;) {
        int64_t now = hist__mono_ms();
        if (b->closing && !*closing) h->retry_mono_ms = 0; /* one more try at once */
        *closing = b->closing;
        *asked = b->hurry;
        *request = h->request;
        bool want = *asked || *closing || *request || now >= next_commit || b->in.bytes >= h->o.buffer_bytes / 8;
        if (want && now >= h->retry_mono_ms) break;
        if (*closing && now >= h->close_deadline_mono_ms) break;
        int64_t until = h->retry_mono_ms > now ? h->retry_mono_ms : next_commit;
        if (*closing && until > h->close_deadline_mono_ms) until = h->close_deadline_mono_ms;
        struct timespec t = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
        pthread_cond_timedwait(&b->wake, &b->lock, &t);
    }
    if (batch_empty(&h->batch)) take(h);
}

/* Everything written, or the time is up: the thread may end. */
static bool may_end(hist *h)
{
    hist__buffer *b = &h->buffer;
    pthread_mutex_lock(&b->lock);
    bool drained = batch_empty(&h->batch) && batch_empty(&b->in) && h->failures == 0;
    bool end = drained || hist__mono_ms() >= h->close_deadline_mono_ms;
    if (end) {
        b->dead = true;
        pthread_cond_broadcast(&b->done);
    }
    pthread_mutex_unlock(&b->lock);
    return end;
}

void *hist__writer_main(void *arg)
{
    hist *h = arg;
    int64_t next_commit = hist__mono_ms() + h->o.commit_interval_ms;
    bool closing = false;
    for (;;) {
        bool asked = false;
        hist__request *request = NULL;
        pthread_mutex_lock(&h->buffer.lock);
        wait_for_work(h, next_commit, &closing, &asked, &request);
        pthread_mutex_unlock(&h->buffer.lock);

        next_commit = hist__mono_ms() + h->o.commit_interval_ms;
        if (clogged(h)) {
            seal(h);
            if (clogged(h)) h->retry_mono_ms = hist__mono_ms() + 1000;
        }
        if (!clogged(h)) {
            if (!batch_empty(&h->batch) || asked || closing || request || hist__catalog_is_dirty(&h->catalog)) commit(h);
            else h->batch = (hist__batch){ 0 };
            seal(h);
        }
        if (request) answer(h, request);
        if (closing && may_end(h)) return NULL;
    }
}
