/* historian/write/writer.c -- the one thread that writes.
 *
 *   WAITING --interval over, hurry, much buffered--> COMMITTING --ok--> APPLYING --> SEALING --> WAITING
 *                                                        |  ^
 *                                                  error v  | back-off over
 *                                                       FAILING   (the batch is kept; appends go on until the buffer is full)
 *
 * Closing drains the buffer first; if commits keep failing until the deadline, what is left is counted as lost. */
#include "base/thread.h"
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
    pthread_mutex_lock(&h->writer.stat_lock);
    bool changed = h->writer.stats.error != st;
    if (h->writer.stats.error == PT_OK) h->writer.stats.error_since_ms = pt_wall_ms(h->clock);
    h->writer.stats.error = st;
    h->writer.stats.commit_errors++;
    snprintf(h->writer.stats.error_text, sizeof h->writer.stats.error_text, "%.199s", err->text);
    pthread_mutex_unlock(&h->writer.stat_lock);
    if (changed)
        pt_logf(h->log, PT_LOG_ERROR, "HIST-WRITE-FAILED", "%s: %s; samples are kept in memory and the write is tried again",
                pt_status_name(st), err->text);
}

static void note_success(hist *h, const hist__batch *b, double seconds)
{
    pthread_mutex_lock(&h->writer.stat_lock);
    bool recovered = h->writer.stats.error != PT_OK && h->writer.seal_status == PT_OK;
    if (recovered) {
        h->writer.stats.error = PT_OK;
        h->writer.stats.error_text[0] = 0;
        h->writer.stats.error_since_ms = 0;
    }
    h->writer.stats.stored += b->samples - b->duplicates - b->replaced;
    h->writer.stats.duplicates += b->duplicates;
    h->writer.stats.replaced += b->replaced;
    h->writer.stats.historical += b->historical;
    h->writer.stats.events += b->n_events;
    h->writer.stats.commits++;
    h->writer.stats.last_commit_ms = pt_wall_ms(h->clock);
    h->writer.stats.commit_seconds_sum += seconds;
    h->writer.stats.commit_seconds_max = fmax(h->writer.stats.commit_seconds_max, seconds);
    pthread_mutex_unlock(&h->writer.stat_lock);
    if (recovered) pt_logf(h->log, PT_LOG_INFO, "HIST-WRITE-RECOVERED", "the historian writes again");
}

static void fail(hist *h, pt_status st, const pt_error *err)
{
    note_error(h, st, err);
    int64_t wait = BACKOFF_FIRST_MS << (h->writer.failures < 6 ? h->writer.failures : 6);
    h->writer.failures++;
    h->writer.retry_mono_ms = hist__mono_ms() + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
    pthread_mutex_lock(
        &h->writer.buffer.lock); /* flushers look at the error when their time is up; waking them now would only make them wait again */
    h->writer.buffer.hurry = false;
    pthread_mutex_unlock(&h->writer.buffer.lock);
}

/* Take what is buffered as the batch in flight. The buffer's lock is held. */
static void take(hist *h)
{
    hist__buffer *b = &h->writer.buffer;
    h->writer.batch = b->in;
    h->writer.batch.tickets = b->tickets;
    b->in = (hist__batch){ 0 };
    b->in_flight_bytes = h->writer.batch.bytes;
    b->in_flight_samples = h->writer.batch.samples;
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
    h->writer.failures = 0;
    h->writer.retry_mono_ms = 0;
    note_success(h, &h->writer.batch, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    if (hist__batch_apply(h) != PT_OK) {
        /* Durable, but not in memory: readers of this process miss it until the store is opened again, and nothing may be trimmed. */
        h->writer.pending_incomplete = true;
        pt_logf(h->log, PT_LOG_ERROR, "HIST-NO-MEMORY",
                "committed samples could not be kept in memory; they are read back when the historian is opened again");
    }
    uint64_t tickets = h->writer.batch.tickets;
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
    pthread_mutex_lock(&h->writer.buffer.lock);
    h->writer.buffer.in_flight_bytes = h->writer.buffer.in_flight_samples = 0;
    h->writer.buffer.committed = tickets;
    pthread_cond_broadcast(&h->writer.buffer.done);
    pthread_mutex_unlock(&h->writer.buffer.lock);
}

static void seal(hist *h)
{
    int64_t now = hist__mono_ms();
    if (now < h->writer.seal_retry_mono_ms) return;
    pt_error err = { 0 };
    h->writer.seal_status = hist__seal_due(h, false, &err);
    if (h->writer.seal_status == PT_OK && now - h->writer.last_tick_mono_ms >= TICK_MS) {
        h->writer.last_tick_mono_ms = now;
        hist__sealed_advance(h);
        h->writer.seal_status = hist__journal_trim(&h->journal, pt_wall_ms(h->clock), &err);
        if (h->writer.seal_status == PT_OK) h->writer.seal_status = hist__journal_compact(&h->journal, &err);
    } else if (h->writer.seal_status == PT_OK && hist__journal_trim_due(&h->journal)) {
        h->writer.seal_status = hist__journal_trim(&h->journal, pt_wall_ms(h->clock), &err);
    }
    if (h->writer.seal_status == PT_OK && now - h->writer.last_retention_mono_ms >= RETENTION_MS) {
        h->writer.last_retention_mono_ms = now;
        h->writer.seal_status = hist__retention_tick(h, &err);
    }
    if (h->writer.seal_status == PT_OK) return;
    note_error(h, h->writer.seal_status, &err);
    h->writer.seal_retry_mono_ms = now + 1000;
}

/* Too many pending rows that can't be sealed: committing more would only move the flood from the bounded buffer to unbounded memory. */
static bool clogged(const hist *h)
{
    return h->writer.seal_status != PT_OK && hist__pending_bytes(&h->pending) > h->o.pending_bytes * 2 + (64u << 20);
}

static bool batch_empty(const hist__batch *b)
{
    return b->samples == 0 && b->n_events == 0;
}

static void answer(hist *h, hist__request *r)
{
    r->status = PT_OK;
    if (batch_empty(&h->writer.batch)) {
        r->status = r->run(h, r->ctx, &r->err);
    } else { /* what was appended before can't be written: neither can this */
        pthread_mutex_lock(&h->writer.stat_lock);
        r->status = pt_fail(&r->err, h->writer.stats.error != PT_OK ? h->writer.stats.error : PT_EIO, "%s", h->writer.stats.error_text);
        pthread_mutex_unlock(&h->writer.stat_lock);
    }
    pthread_mutex_lock(&h->writer.buffer.lock);
    r->done = true;
    h->writer.request = NULL;
    pthread_cond_broadcast(&h->writer.buffer.done);
    pthread_mutex_unlock(&h->writer.buffer.lock);
}

/* Wait until there is something to do; takes the buffer as the batch unless one is in flight. The buffer's lock is held. */
static void wait_for_work(hist *h, int64_t next_commit, bool *closing, bool *asked, hist__request **request)
{
    hist__buffer *b = &h->writer.buffer;
    for (;;) {
        int64_t now = hist__mono_ms();
        if (b->closing && !*closing) h->writer.retry_mono_ms = 0; /* one more try at once */
        *closing = b->closing;
        *asked = b->hurry;
        *request = h->writer.request;
        bool want = *asked || *closing || *request || now >= next_commit || b->in.bytes >= h->o.buffer_bytes / 8;
        if (want && now >= h->writer.retry_mono_ms) break;
        if (*closing && now >= h->writer.close_deadline_mono_ms) break;
        int64_t until = h->writer.retry_mono_ms > now ? h->writer.retry_mono_ms : next_commit;
        if (*closing && until > h->writer.close_deadline_mono_ms) until = h->writer.close_deadline_mono_ms;
        struct timespec t = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
        pthread_cond_timedwait(&b->wake, &b->lock, &t);
    }
    if (batch_empty(&h->writer.batch)) take(h);
}

/* Everything written, or the time is up: the thread may end. */
static bool may_end(hist *h)
{
    hist__buffer *b = &h->writer.buffer;
    pthread_mutex_lock(&b->lock);
    bool drained = batch_empty(&h->writer.batch) && batch_empty(&b->in) && h->writer.failures == 0;
    bool end = drained || hist__mono_ms() >= h->writer.close_deadline_mono_ms;
    if (end) {
        b->dead = true;
        pthread_cond_broadcast(&b->done);
    }
    pthread_mutex_unlock(&b->lock);
    return end;
}

static void *run(void *arg)
{
    hist *h = arg;
    int64_t next_commit = hist__mono_ms() + h->o.commit_interval_ms;
    bool closing = false;
    for (;;) {
        bool asked = false;
        hist__request *request = NULL;
        pthread_mutex_lock(&h->writer.buffer.lock);
        wait_for_work(h, next_commit, &closing, &asked, &request);
        pthread_mutex_unlock(&h->writer.buffer.lock);

        next_commit = hist__mono_ms() + h->o.commit_interval_ms;
        if (clogged(h)) {
            seal(h);
            if (clogged(h)) h->writer.retry_mono_ms = hist__mono_ms() + 1000;
        }
        if (!clogged(h)) {
            if (!batch_empty(&h->writer.batch) || asked || closing || request || hist__catalog_is_dirty(&h->catalog)) commit(h);
            else h->writer.batch = (hist__batch){ 0 };
            seal(h);
        }
        if (request) answer(h, request);
        if (closing && may_end(h)) return NULL;
    }
}

/* ---- beginning and end ---------------------------------------------------------------------------------------- */

pt_status hist__writer_init(hist__writer *w)
{
    pt_buf_init(&w->blob, HIST__BLOCK_BYTES_MAX);
    hist__rows_init(&w->merge_rows);
    hist__rows_init(&w->look.rows);
    pt_status st = hist__codec_new(&w->codec);
    if (st == PT_OK && (pthread_mutex_init(&w->turn, NULL) != 0 || pthread_mutex_init(&w->stat_lock, NULL) != 0)) st = PT_ENOMEM;
    if (st == PT_OK) st = hist__buffer_init(&w->buffer);
    if (st != PT_OK) hist__codec_free(w->codec);
    return st;
}

static void free_rules(hist__writer *w)
{
    for (size_t i = 0; i < w->n_deviations; i++)
        free((char *)(uintptr_t)w->deviations[i].tags);
    free(w->deviations);
    w->deviations = NULL;
    w->n_deviations = 0;
}

void hist__writer_fini(hist__writer *w)
{
    hist__batch_free(&w->buffer, &w->batch);
    hist__buffer_fini(&w->buffer);
    hist__parts_close(w);
    hist__per_tag_fini(&w->marks);
    hist__codec_free(w->codec);
    pt_buf_fini(&w->blob);
    hist__rows_fini(&w->merge_rows);
    hist__rows_fini(&w->look.rows);
    free_rules(w);
    free(w->thinned);
    free(w->why);
    free(w->seal_list);
    pthread_mutex_destroy(&w->turn);
    pthread_mutex_destroy(&w->stat_lock);
}

pt_status hist__writer_reserve(hist__writer *w, uint32_t tag_id)
{
    return hist__per_tag_reserve(&w->marks, tag_id, sizeof(hist__mark));
}

pt_status hist__writer_rules(hist__writer *w, const hist_deviation *rules, size_t n)
{
    if (n == 0) return PT_OK;
    w->deviations = calloc(n, sizeof *w->deviations);
    if (!w->deviations) return PT_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char *tags = pt_slice_dup(pt_cstr(rules[i].tags));
        if (!tags) return PT_ENOMEM;
        w->deviations[i] = rules[i];
        w->deviations[i].tags = tags;
        w->n_deviations++;
    }
    return PT_OK;
}

pt_status hist__writer_start(hist *h, pt_error *err)
{
    hist__writer *w = &h->writer;
    w->last_tick_mono_ms = w->last_trim_mono_ms = hist__mono_ms();
    pt_status st = pt_thread_start(&w->thread, "pt-historian", 0, run, h, err);
    w->started = st == PT_OK;
    return st;
}

pt_status hist__writer_stop(hist *h, int64_t timeout_ms, pt_error *err)
{
    hist__writer *w = &h->writer;
    hist__buffer *b = &w->buffer;
    if (!w->started) return PT_OK;
    pthread_mutex_lock(&b->lock);
    w->close_deadline_mono_ms = hist__mono_ms() + (timeout_ms > 0 ? timeout_ms : 0);
    b->closing = true;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
    pthread_join(w->thread, NULL);
    uint64_t samples = b->in.samples + w->batch.samples, events = b->in.n_events + w->batch.n_events;
    if (!samples && !events) return PT_OK;
    pt_status st = w->stats.error != PT_OK ? w->stats.error : PT_ETIMEOUT;
    pt_fail(err, st, "%llu samples and %llu events could not be committed: %.120s", (unsigned long long)samples, (unsigned long long)events,
            w->stats.error != PT_OK ? w->stats.error_text : "no time left");
    pt_logf(h->log, PT_LOG_ERROR, "HIST-LOST", "closed with %llu samples and %llu events not committed", (unsigned long long)samples,
            (unsigned long long)events);
    return st;
}

void hist__writer_stats(hist *h, hist_stats *out)
{
    hist__writer *w = &h->writer;
    pthread_mutex_lock(&w->stat_lock);
    *out = w->stats;
    pthread_mutex_unlock(&w->stat_lock);
    pthread_mutex_lock(&w->buffer.lock);
    out->appended = w->buffer.appended;
    out->buffered = w->buffer.in.samples + w->buffer.in_flight_samples;
    out->buffered_bytes = w->buffer.in.bytes + w->buffer.in_flight_bytes;
    pthread_mutex_unlock(&w->buffer.lock);
}
