/* host/control/audit.h -- who changed what: an append-only table in DIR/audit.db, each row chained to the one before.
 *
 *     hash = BLAKE2b-256(prev_hash || row in canonical form); the first prev_hash is all zeros
 *
 * UPDATE and DELETE are refused by triggers; a change made around them breaks the chain, and host_audit_verify says where. Rows cut off at
 * the end leave a whole chain: note the newest hash elsewhere to notice that (uns-and-api.md 5.6).
 *
 * A row is on the disk when append returns. Threads: any; one lock. Several processes may append at the same time. */
#ifndef HOST_AUDIT_H
#define HOST_AUDIT_H
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct host_audit host_audit;

typedef struct host_audit_row {
    uint64_t seq; /* from 1, without holes; given by append */
    int64_t at_ms;
    pt_slice principal;     /* who; "anonymous" while nothing authenticates, "cli:" and the name of the user who ran the command line */
    pt_slice auth_kind;     /* "none", "os-user" */
    pt_slice address;       /* where from */
    pt_slice action;        /* "write", "rebirth", "config-reload", "history-prune", "history-delete" */
    pt_slice object;        /* path, node; "history" of history-prune */
    pt_slice before, after; /* JSON; empty: not known, none */
    pt_slice reason;
    pt_slice outcome; /* "requested", "refused", "confirmed" ... */
    pt_slice request_id;
} host_audit_row;

/* PT_ECORRUPT, PT_EREADONLY, PT_ENOSPC, PT_EIO, PT_ENOMEM: *err says why. */
PT_MUST_CHECK pt_status host_audit_open(const char *dir, host_audit **out, pt_error *err);
/* An audit that is there already, also one that a host writes to or in a read-only directory, to look at only. PT_ENOTFOUND: there is none;
 * else as host_audit_open, and never that. */
PT_MUST_CHECK pt_status host_audit_read(const char *dir, host_audit **out, pt_error *err);
void host_audit_close(host_audit *a); /* NULL allowed */
/* A consistent copy of dir's audit in `dest`, where none may be (PT_EEXISTS), also while a host writes to it; on the disk when this
 * returns. PT_ENOTFOUND: there is none to copy. */
PT_MUST_CHECK pt_status host_audit_copy(const char *dir, const char *dest, pt_error *err);
/* Absent slices are stored as empty. PT_EREADONLY after host_audit_read. On failure nothing was written, and the next append may succeed.
 */
PT_MUST_CHECK pt_status host_audit_append(host_audit *a, const host_audit_row *row, pt_error *err);
/* Give every "requested" row of the action that no row with the same request_id and another outcome follows one with `outcome`, a copy in
 * all else; *n: how many were written, also on failure. Reads the whole audit once. */
PT_MUST_CHECK pt_status host_audit_close_open(host_audit *a, pt_slice action, pt_slice outcome, int64_t at_ms, uint64_t *n, pt_error *err);
/* A row of something done at once, without before, after and reason: by "anonymous" from `address`, by "system" when that is empty. False:
 * it could not be written, which is logged. */
bool host_audit_note(host_audit *a, const pt_clock *clock, const pt_log *log, pt_slice address, const char *action, pt_slice object,
                     const char *outcome);
/* Rows with seq > after, ascending, at most `limit`; slices valid during the call; `each` returns false to stop. */
PT_MUST_CHECK pt_status host_audit_each(host_audit *a, uint64_t after, uint32_t limit, bool (*each)(void *ctx, const host_audit_row *row),
                                        void *ctx, pt_error *err);
/* The row as the HTTP interface gives it. */
void host_audit_row_json(pt_json *j, const host_audit_row *row);
/* What host_audit_verify found, likewise; `detail` NULL: whole. */
void host_audit_verdict_json(pt_json *j, uint64_t rows, const char *newest_hash, const char *detail);
/* Walk the chain. PT_OK: *rows are whole, `newest` is the hash of the last in hex. PT_ECORRUPT: *rows before the first that is wrong, named
 * in *err. */
PT_MUST_CHECK pt_status host_audit_verify(host_audit *a, uint64_t *rows, char newest[65], pt_error *err);
#endif
