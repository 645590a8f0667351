/* historian/write/buffer.c -- where samples and events wait for the writer: bounded by bytes, in arrival order.
 *
 * Appending is a check per sample and a copy under one lock; the writer takes everything at once. Chunks are reused, so a steady stream
 * does not touch malloc. What the writer holds (in flight) counts against the bound until it is committed. */
#include "historian/write/write.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { EVENT_BYTES_MAX = 1 << 20 };

pt_status hist__buffer_init(hist__buffer *b)
{
    pthread_condattr_t attr;
    if (pthread_mutex_init(&b->lock, NULL) != 0) return PT_ENOMEM;
    if (pthread_condattr_init(&attr) != 0) return PT_ENOMEM;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bool ok = pthread_cond_init(&b->wake, &attr) == 0 && pthread_cond_init(&b->done, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok ? PT_OK : PT_ENOMEM;
}

static void chunk_free(hist__chunk *c)
{
    pt_arena_fini(&c->arena);
    free(c);
}

/* Take the chunks and events out of `batch`; with the lock held, empty chunks go to the spare ones. */
static void release(hist__buffer *b, hist__batch *batch)
{
    while (batch->chunks) {
        hist__chunk *c = batch->chunks;
        batch->chunks = c->next;
        if (b->spares < HIST__SPARE_CHUNKS) {
            if (c->bytes > HIST__CHUNK_BYTES) pt_arena_fini(&c->arena);
            else pt_arena_reset(&c->arena);
            c->n = 0;
            c->bytes = 0;
            c->next = b->spare;
            b->spare = c;
            b->spares++;
        } else {
            chunk_free(c);
        }
    }
    while (batch->events) {
        hist__event *e = batch->events;
        batch->events = e->next;
        free(e);
    }
    *batch = (hist__batch){ 0 };
}

void hist__batch_free(hist__buffer *b, hist__batch *batch)
{
    pthread_mutex_lock(&b->lock);
    release(b, batch);
    pthread_mutex_unlock(&b->lock);
}

void hist__buffer_fini(hist__buffer *b)
{
    release(b, &b->in);
    while (b->spare) {
        hist__chunk *c = b->spare;
        b->spare = c->next;
        chunk_free(c);
    }
    pthread_cond_destroy(&b->wake);
    pthread_cond_destroy(&b->done);
    pthread_mutex_destroy(&b->lock);
}

/* The chunk to write to, with room for a sample of `value_bytes`; the lock is held. */
static hist__chunk *room(hist__buffer *b, size_t value_bytes)
{
    hist__chunk *c = b->in.chunks_end;
    if (c && c->n < HIST__CHUNK && (value_bytes == 0 || c->bytes == 0 || c->bytes + value_bytes <= HIST__CHUNK_BYTES)) return c;
    c = b->spare;
    if (c) {
        b->spare = c->next;
        b->spares--;
    } else {
        if (!(c = malloc(sizeof *c))) return NULL;
        c->n = 0;
        c->bytes = 0;
        pt_arena_init(&c->arena, SIZE_MAX / 2);
    }
    c->next = NULL;
    if (b->in.chunks_end) b->in.chunks_end->next = c;
    else b->in.chunks = c;
    b->in.chunks_end = c;
    return c;
}

/* Lines lead to numbers alone. */
static bool leads_to(const hist_sample *s)
{
    double v;
    return hist__usable_number(s, &v);
}

/* Is everything in order with these samples; how many bytes will they take; are there byte strings among them. */
static pt_status check(hist *h, const hist_sample *s, size_t n, uint64_t *bytes, bool *plain)
{
    uint32_t tags = hist__tag_count(h);
    uint64_t total = n * sizeof *s;
    bool simple = true;
    for (size_t i = 0; i < n; i++) {
        if (s[i].tag_id - 1u >= tags) return PT_ENOTFOUND;
        if (s[i].quality > SPB_STALE || s[i].type >= SPB_DATATYPE_COUNT || (s[i].flags & ~15u)) return PT_EINVAL;
        if (s[i].flags & HIST_THINNED && !leads_to(&s[i])) return PT_EINVAL;
        hist__family f = hist__family_of_type(s[i].type);
        if (f == HIST__INT || f == HIST__F64 || !hist__has_value(&s[i])) continue;
        if (f == HIST__NO_VALUES) return PT_EINVAL;
        if (f == HIST__F32) continue;
        if (s[i].len > HIST__VALUE_BYTES_MAX) return PT_ETOOBIG;
        if (s[i].len && !s[i].as.ptr) return PT_EINVAL;
        total += s[i].len;
        simple = false;
    }
    *bytes = total;
    *plain = simple;
    return PT_OK;
}

/* The canonical form (block.h) of anything but a byte string. */
static inline void copy_plain(hist_sample *to, const hist_sample *s)
{
    *to = *s;
    to->reserved = 0;
    to->len = 0;
    if (!hist__has_value(s)) {
        to->as.u64 = 0;
    } else if (s->type == SPB_BOOLEAN) {
        to->as.u64 = s->as.boolean ? 1 : 0;
    } else if (s->type == SPB_FLOAT) {
        to->as.u64 = 0;
        to->as.f32 = s->as.f32;
    }
}

static bool copy_sample(hist__chunk *c, const hist_sample *s)
{
    hist_sample *to = &c->s[c->n];
    copy_plain(to, s);
    if (hist__has_value(s) && hist__family_of_type(s->type) == HIST__BYTES) {
        pt_slice bytes = pt_arena_dup(&c->arena, pt_slice_of(s->as.ptr ? s->as.ptr : "", s->len));
        if (!bytes.ptr) return false;
        to->as.ptr = bytes.ptr;
        to->len = s->len;
        c->bytes += s->len;
    }
    c->n++;
    return true;
}

pt_status hist_append(hist *h, const hist_sample *samples, size_t n)
{
    uint64_t bytes = 0;
    bool plain = false;
    if (n == 0) return PT_OK;
    if (h->lock_fd < 0) return PT_EREADONLY;
    pt_status st = check(h, samples, n, &bytes, &plain);
    if (st != PT_OK) return st;

    hist__buffer *b = &h->writer.buffer;
    pthread_mutex_lock(&b->lock);
    uint64_t held = b->in.bytes + b->in_flight_bytes;
    if (b->closing) st = PT_ECLOSED;
    else if (held > 0 && (held >= h->o.buffer_bytes || bytes > h->o.buffer_bytes - held)) st = PT_EFULL;
    if (st == PT_OK && plain) {
        for (size_t done = 0; done < n;) {
            hist__chunk *c = room(b, 0);
            if (!c) {
                st = PT_ENOMEM;
                break;
            }
            size_t take = n - done < HIST__CHUNK - c->n ? n - done : HIST__CHUNK - c->n;
            for (size_t i = 0; i < take; i++)
                copy_plain(&c->s[c->n + i], &samples[done + i]);
            c->n += (uint32_t)take;
            done += take;
        }
    } else if (st == PT_OK) {
        for (size_t i = 0; st == PT_OK && i < n; i++) {
            size_t value_bytes = hist__has_value(&samples[i]) && hist__family_of_type(samples[i].type) == HIST__BYTES ? samples[i].len : 0;
            hist__chunk *c = room(b, value_bytes);
            if (!c || !copy_sample(c, &samples[i])) st = PT_ENOMEM;
        }
    }
    if (st == PT_OK) {
        b->in.samples += n;
        b->in.bytes += bytes;
        b->tickets += n;
        b->appended += n;
        if (b->in.bytes >= h->o.buffer_bytes / 8) pthread_cond_signal(&b->wake);
    } else if (st == PT_ENOMEM) {
        /* All or none: take back what was copied of this call. Counted samples fill the chunks from the front. */
        uint64_t left = b->in.samples;
        hist__chunk *end = NULL;
        for (hist__chunk *c = b->in.chunks; c; c = c->next) {
            if (left < c->n) c->n = (uint32_t)left;
            left -= c->n;
            if (c->n) end = c;
        }
        hist__batch rest = { .chunks = end ? end->next : b->in.chunks };
        if (end) end->next = NULL;
        else b->in.chunks = NULL;
        b->in.chunks_end = end;
        release(b, &rest);
    }
    pthread_mutex_unlock(&b->lock);
    return st;
}

pt_status hist_event_append(hist *h, const hist_event *e)
{
    if (h->lock_fd < 0) return PT_EREADONLY;
    if (!e->type.ptr || e->type.len == 0) return PT_EINVAL;
    size_t bytes = e->type.len + e->node.len + e->device.len + e->path.len + e->detail.len + 5;
    if (bytes > EVENT_BYTES_MAX) return PT_ETOOBIG;
    hist__event *copy = malloc(sizeof *copy + bytes);
    if (!copy) return PT_ENOMEM;
    *copy = (hist__event){ .e = *e, .bytes = sizeof *copy + bytes };
    char *to = (char *)(copy + 1);
    pt_slice *text[] = { &copy->e.type, &copy->e.node, &copy->e.device, &copy->e.path, &copy->e.detail };
    for (size_t i = 0; i < PT_COUNT_OF(text); i++) {
        if (!text[i]->ptr) continue;
        memcpy(to, text[i]->ptr, text[i]->len);
        text[i]->ptr = to;
        to += text[i]->len;
        *to++ = 0;
    }
    hist__buffer *b = &h->writer.buffer;
    pthread_mutex_lock(&b->lock);
    uint64_t held = b->in.bytes + b->in_flight_bytes;
    pt_status st = b->closing ? PT_ECLOSED : held > 0 && held + copy->bytes > h->o.buffer_bytes ? PT_EFULL : PT_OK;
    if (st == PT_OK) {
        if (b->in.events_end) b->in.events_end->next = copy;
        else b->in.events = copy;
        b->in.events_end = copy;
        b->in.n_events++;
        b->in.bytes += copy->bytes;
        b->tickets++;
    }
    pthread_mutex_unlock(&b->lock);
    if (st != PT_OK) free(copy);
    return st;
}

static struct timespec deadline_in(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (ms > 86400000) ms = 86400000;
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static pt_status present_error(hist *h, pt_error *err)
{
    pthread_mutex_lock(&h->writer.stat_lock);
    pt_status st = h->writer.stats.error;
    if (st != PT_OK) pt_fail(err, st, "%s", h->writer.stats.error_text);
    pthread_mutex_unlock(&h->writer.stat_lock);
    return st;
}

pt_status hist_flush(hist *h, int64_t timeout_ms, pt_error *err)
{
    if (h->lock_fd < 0) return PT_OK;
    bool dirty = hist__catalog_is_dirty(&h->catalog);
    hist__buffer *b = &h->writer.buffer;
    struct timespec until = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
    pt_status st = PT_OK;
    pthread_mutex_lock(&b->lock);
    uint64_t mine = b->tickets;
    if (dirty && b->committed >= mine) mine = ++b->tickets; /* only tags wait: an empty ticket makes the writer commit them */
    while (b->committed < mine && st == PT_OK) {
        b->hurry = true;
        pthread_cond_signal(&b->wake);
        if (b->dead) st = PT_ECLOSED;
        else if (pthread_cond_timedwait(&b->done, &b->lock, &until) == ETIMEDOUT) st = PT_ETIMEOUT;
    }
    if (b->committed >= mine) st = PT_OK;
    pthread_mutex_unlock(&b->lock);
    if (st == PT_OK) return PT_OK;
    pt_status why = present_error(h, err);
    if (why != PT_OK) return why;
    return pt_fail(err, st, "not committed within %lld ms", (long long)timeout_ms);
}

pt_status hist__request_run(hist *h, hist__request *r, pt_error *err)
{
    hist__buffer *b = &h->writer.buffer;
    if (h->lock_fd < 0) return pt_fail(err, PT_EREADONLY, "opened read-only");
    pthread_mutex_lock(&h->writer.turn);
    pthread_mutex_lock(&b->lock);
    r->done = false;
    pt_status st = b->closing || b->dead ? PT_ECLOSED : PT_OK;
    if (st == PT_OK) {
        h->writer.request = r;
        pthread_cond_signal(&b->wake);
        while (!r->done && !b->dead)
            pthread_cond_wait(&b->done, &b->lock);
        st = r->done ? r->status : PT_ECLOSED;
        h->writer.request = NULL;
    }
    pthread_mutex_unlock(&b->lock);
    pthread_mutex_unlock(&h->writer.turn);
    if (st != PT_OK) pt_fail(err, st, "%s", r->done ? r->err.text : "the historian is closing");
    return st;
}
