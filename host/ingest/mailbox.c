/* host/ingest/mailbox.c -- see mailbox.h. Invariant with the lock held: fill.len <= limit, or fill holds one record, control records aside.
 */
#include "host/ingest/mailbox.h"

#include "base/assert.h"
#include "base/monitor.h"

#include <stdlib.h>

enum { KEEP = 1 << 20 }; /* bytes of buffer kept whatever was in it */

typedef struct buffer {
    char *ptr;
    size_t len, cap;
} buffer;

struct host_mailbox {
    const pt_clock *clock;
    pt_monitor m; /* guards everything below but `out`; waited on by the taker */
    pt_condition not_full;
    buffer fill;
    size_t items, limit, max_bytes;
    bool closed, taker_waits;
    unsigned pushers_wait;
    buffer out; /* the taker's */
};

pt_status host_mailbox_new(size_t limit, const pt_clock *clock, host_mailbox **out)
{
    host_mailbox *b = calloc(1, sizeof *b);
    if (!b) return PT_ENOMEM;
    b->limit = limit;
    b->clock = clock;
    pt_status st = pt_monitor_init(&b->m);
    if (st == PT_OK && (st = pt_condition_init(&b->not_full)) != PT_OK) pt_monitor_fini(&b->m);
    if (st == PT_OK) *out = b;
    else free(b);
    return st;
}

void host_mailbox_free(host_mailbox *b, void (*drop)(const host_mail *m))
{
    if (!b) return;
    pt_slice rest = pt_slice_of(b->fill.ptr, b->fill.len), topic, payload;
    host_mail m;
    while (drop && host_mail_next(&rest, &m, &topic, &payload))
        drop(&m);
    free(b->fill.ptr);
    free(b->out.ptr);
    pt_condition_fini(&b->not_full);
    pt_monitor_fini(&b->m);
    free(b);
}

static pt_status reserve(buffer *f, size_t need)
{
    if (need <= f->cap - f->len) return PT_OK;
    size_t cap = f->cap ? f->cap : 16384;
    while (cap < f->len + need) {
        if (cap > SIZE_MAX / 2) return PT_ENOMEM;
        cap *= 2;
    }
    char *p = realloc(f->ptr, cap);
    if (!p) return PT_ENOMEM;
    f->ptr = p;
    f->cap = cap;
    return PT_OK;
}

static pt_status append(host_mailbox *b, const host_mail *head, pt_slice topic, pt_slice payload, size_t need)
{
    pt_status st = reserve(&b->fill, need);
    if (st) return st;
    char *at = b->fill.ptr + b->fill.len;
    host_mail m = *head;
    m.topic_len = (uint32_t)topic.len;
    m.payload_len = (uint32_t)payload.len;
    memcpy(at, &m, sizeof m);
    if (topic.len) memcpy(at + sizeof m, topic.ptr, topic.len);
    if (payload.len) memcpy(at + sizeof m + topic.len, payload.ptr, payload.len);
    b->fill.len += need;
    b->items++;
    if (b->fill.len > b->max_bytes) b->max_bytes = b->fill.len;
    pt_assert(head->control || b->items == 1 || b->fill.len <= b->limit);
    return PT_OK;
}

/* Wait for room, if any is needed; the lock is held in every case. */
static pt_status wait_for_room(host_mailbox *b, size_t need, int64_t timeout_ms, int64_t *waited_us)
{
    int64_t start = -1, until = PT_NEVER;
    pt_status st = PT_OK;
    if (waited_us) *waited_us = 0;
    while (!st && need && !b->closed && b->items && (b->fill.len >= b->limit || need > b->limit - b->fill.len)) {
        if (!timeout_ms) return PT_ETIMEOUT;
        if (start < 0) {
            start = pt_mono_us(b->clock);
            until = pt_deadline(b->clock, timeout_ms);
        }
        b->pushers_wait++;
        if (!pt_condition_wait_until(&b->not_full, &b->m, b->clock, until)) st = PT_ETIMEOUT;
        b->pushers_wait--;
    }
    if (waited_us) *waited_us = start >= 0 ? pt_mono_us(b->clock) - start : 0;
    return b->closed ? PT_ECLOSED : st;
}

pt_status host_mailbox_push(host_mailbox *b, const host_mail *head, pt_slice topic, pt_slice payload, int64_t timeout_ms,
                            int64_t *waited_us)
{
    if (topic.len > UINT32_MAX / 2 || payload.len > UINT32_MAX / 2) return PT_ETOOBIG;
    size_t need = (sizeof *head + topic.len + payload.len + 7u) & ~(size_t)7u;
    pt_monitor_lock(&b->m);
    pt_status st = wait_for_room(b, head->control ? 0 : need, timeout_ms, waited_us);
    if (!st) st = append(b, head, topic, payload, need);
    bool wake = !st && b->taker_waits;
    if (wake) b->taker_waits = false; /* once is enough */
    pt_monitor_unlock(&b->m);
    if (wake) pt_monitor_wake_one(&b->m);
    return st;
}

pt_slice host_mailbox_take(host_mailbox *b, int64_t timeout_ms, bool *closed)
{
    int64_t until = pt_deadline(b->clock, timeout_ms);
    if (b->out.cap > KEEP && b->out.len < b->out.cap / 8) { /* a burst is over: give its memory back */
        free(b->out.ptr);
        b->out = (buffer){ NULL, 0, 0 };
    }
    b->out.len = 0;
    pt_monitor_lock(&b->m);
    while (!b->items && !b->closed) {
        b->taker_waits = true;
        bool in_time = pt_monitor_wait_until(&b->m, b->clock, until);
        b->taker_waits = false;
        if (!in_time) break;
    }
    buffer full = b->fill;
    if (full.len) {
        b->fill = b->out;
        b->out = full;
        b->items = 0;
    }
    pt_assert(b->items == 0 && b->fill.len == 0); /* all that was there is taken */
    *closed = b->closed;
    bool wake = b->pushers_wait != 0 && full.len;
    pt_monitor_unlock(&b->m);
    if (wake) pt_condition_wake_all(&b->not_full);
    return full.len ? pt_slice_of(full.ptr, full.len) : PT_NONE;
}

void host_mailbox_close(host_mailbox *b)
{
    pt_monitor_lock(&b->m);
    b->closed = true;
    pt_monitor_unlock(&b->m);
    pt_monitor_wake_all(&b->m);
    pt_condition_wake_all(&b->not_full);
}

void host_mailbox_stats_get(host_mailbox *b, host_mailbox_stats *out)
{
    pt_monitor_lock(&b->m);
    *out = (host_mailbox_stats){ b->items, b->fill.len, b->max_bytes };
    pt_monitor_unlock(&b->m);
}
