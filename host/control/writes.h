/* host/control/writes.h -- set-points: from a path and a value to an NCMD or DCMD, and on to what the plant says about it.
 *
 *   requested --checks--> refused
 *                   +--> sent --DATA with the value--> confirmed
 *                             --DATA with another, and no better one in time--> deviates
 *                             --nothing, and the value was there already--> confirmed, marked unchanged
 *                             --nothing--> timeout
 *                             --the host stops or dies--> unknown
 *
 * Sparkplug acknowledges no command: only newer DATA of the metric does. `sent` never means done (uns-and-api.md 5.6). A node reports by
 * exception, so writing the value that stands there brings no DATA; when the tag is still live with that value after a second, and no
 * other write to it is under way, that is the answer, and it says so.
 * Threads: any; one lock. Requests are kept for ten minutes so that an Idempotency-Key gives the same answer again. */
#ifndef HOST_WRITES_H
#define HOST_WRITES_H
#include "host/control/audit.h"
#include "host/control/command.h"

typedef enum host_write_state {
    HOST_WRITE_SENT,
    HOST_WRITE_CONFIRMED,
    HOST_WRITE_DEVIATES,
    HOST_WRITE_TIMEOUT,
    HOST_WRITE_REFUSED,
    HOST_WRITE_UNKNOWN, /* this host stopped before the plant answered */
    HOST_WRITE_STATES
} host_write_state;
const char *host_write_state_name(host_write_state s); /* "sent" ... */

typedef struct host_writes host_writes;

typedef struct host_write_result {
    uint64_t id;
    host_write_state state;
    uint32_t tag_id;
    host_write_refusal refusal;  /* when REFUSED */
    char text[HOST_COMMAND_WHY]; /* for people */
    bool unchanged;              /* CONFIRMED without newer DATA: the value was there before */
    char seen[200];              /* JSON of the value that came back; "" when none */
    int64_t sent_ms, done_ms;
} host_write_result;

/* tree, ingest, history, audit, clock, log are borrowed. `told` gets the outcome as JSON for the live stream (may be NULL). Every request
 * and outcome is an audit row: a request that cannot be audited is refused; an outcome that cannot be is tried again with each tick. */
PT_MUST_CHECK pt_status host_writes_new(const host_writes_options *o, uns_tree *tree, hist *history, host_audit *audit, host_send_fn *send,
                                        void *send_ctx, void (*told)(void *ctx, pt_slice json), void *told_ctx, const pt_clock *clock,
                                        const pt_log *log, host_writes **out);
void host_writes_free(host_writes *w);
void host_writes_configure(host_writes *w, const host_writes_options *o);
int64_t host_writes_confirm_ms(host_writes *w);
/* Where to ask about nodes; before the first request. */
void host_writes_bind(host_writes *w, host_ingest *ingest);

/* The outcome of a write that was SENT: once, on any thread, without a lock of ours; it must not wait. */
typedef void host_write_done(void *ctx, const host_write_result *r);
/* Check, audit, send; waits for the disk, not for the plant. PT_OK with *out complete, refusals included; PT_ENOMEM. When *out is SENT, and
 * only then, `done` (NULL: nobody asks) is called with the outcome, perhaps before this returns. At most 10,000 are open or unsaid. *id
 * (NULL allowed) is set before anything is sent or `done` is called. */
PT_MUST_CHECK pt_status host_writes_start(host_writes *w, const host_write_request *rq, host_write_done *done, void *ctx,
                                          host_write_result *out, _Atomic uint64_t *id);
/* Ask for the outcome of one that was started: as for host_writes_start. PT_ENOTFOUND: no such id any more. */
PT_MUST_CHECK pt_status host_writes_watch(host_writes *w, uint64_t id, host_write_done *done, void *ctx, host_write_result *out);
/* Every open write ends as unknown, in the audit too, and later ones are refused. Waits for those that are being started. Before whatever
 * `send`, `told` and the callbacks use goes away. */
void host_writes_stop(host_writes *w);
/* Close in the audit what stands open there from a host that was killed: once, after opening, before the first request. *n (may be NULL):
 * how many. A failure leaves the rest for the next start. */
PT_MUST_CHECK pt_status host_writes_close_killed(host_writes *w, uint64_t *n, pt_error *err);
/* PT_ENOTFOUND: no such id any more. */
PT_MUST_CHECK pt_status host_writes_get(host_writes *w, uint64_t id, host_write_result *out);
/* New live values, from the shards; cheap when no write is open. */
void host_writes_see(host_writes *w, const uns_update *u, size_t n);
/* Time-outs, and the events and audit rows of what has ended. Call every 100 ms or so. */
void host_writes_tick(host_writes *w);
void host_writes_counts(host_writes *w, uint64_t by_state[HOST_WRITE_STATES]);
#endif
