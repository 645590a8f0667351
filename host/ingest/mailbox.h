/* host/ingest/mailbox.h -- a bounded queue of messages by copy: many push, one takes everything there is.
 *
 *   push:  [record][record][record]...   appended to one buffer under a short lock
 *   take:  the taker gets that whole buffer and leaves its old one, emptied, in exchange
 *
 * So a message costs one copy and no allocation, whoever received it keeps (and frees) its own memory, and the taker is woken once per
 * gathering instead of once per message. Bounded: `limit` bytes wait at most, and as many again are with the taker.
 *
 * Threads: push, close and stats from any; take from one. */
#ifndef HOST_MAILBOX_H
#define HOST_MAILBOX_H
#include "base/clock.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct host_mail { /* a record's head; topic and payload follow it */
    int64_t wall_ms, mono_ms;
    void *call; /* control records: what is asked; the mailbox only carries it */
    uint32_t topic_len, payload_len;
    uint16_t server;
    uint8_t control; /* 0: a message */
    bool retained;
} host_mail;

typedef struct host_mailbox host_mailbox;
PT_MUST_CHECK pt_status host_mailbox_new(size_t limit, const pt_clock *clock, host_mailbox **out); /* clock: borrowed, for the waits */
/* No thread uses it any more; `drop` (may be NULL) sees every record still inside. */
void host_mailbox_free(host_mailbox *b, void (*drop)(const host_mail *m));

/* Copy the record in. When it does not fit now: wait up to timeout_ms (< 0: for ever); *waited_us (may be NULL) is how long. A record
 * larger than the limit is admitted when nothing waits, a control record always (they are few, and must come in their order). PT_OK,
 * PT_ETIMEOUT, PT_ECLOSED, PT_ENOMEM. */
PT_MUST_CHECK pt_status host_mailbox_push(host_mailbox *b, const host_mail *head, pt_slice topic, pt_slice payload, int64_t timeout_ms,
                                          int64_t *waited_us);

/* Everything that waits, in order, waiting up to timeout_ms for the first; valid until the next take. Empty: timeout, or closed and drained
 * (*closed). */
pt_slice host_mailbox_take(host_mailbox *b, int64_t timeout_ms, bool *closed);
/* Walk what was taken: false at the end. */
static inline bool host_mail_next(pt_slice *rest, host_mail *m, pt_slice *topic, pt_slice *payload)
{
    if (rest->len < sizeof *m) return false;
    memcpy(m, rest->ptr, sizeof *m);
    *topic = pt_slice_of(rest->ptr + sizeof *m, m->topic_len);
    *payload = pt_slice_of(rest->ptr + sizeof *m + m->topic_len, m->payload_len);
    size_t n = (sizeof *m + m->topic_len + m->payload_len + 7u) & ~(size_t)7u;
    *rest = pt_slice_from(*rest, n);
    return true;
}

void host_mailbox_close(host_mailbox *b); /* pushes fail from now on; quick, repeatable */

typedef struct host_mailbox_stats {
    size_t items, bytes, max_bytes; /* waiting now; most ever */
} host_mailbox_stats;
void host_mailbox_stats_get(host_mailbox *b, host_mailbox_stats *out);
#endif
