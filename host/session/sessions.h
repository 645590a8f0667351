/* host/session/sessions.h -- what survives a restart of the host: who was in which session, so that it can go on without a rebirth, and
 * who was off line since when, so that nobody is forgotten.
 *
 *   DIR/sessions.births   every node's NBIRTH and DBIRTHs as received; rewritten when one of them changes
 *   DIR/sessions.seq      every node's next seq, last message, state, devices on line; rewritten every second while anything happens
 *   DIR/sessions.state    the largest STATE timestamp used on each server, so that a clock that was set back does not make us older than
 * before
 *
 * All begin with a magic line and end with a checksum over everything before it; a file that does not check is named in the log and set
 * aside as FILE.damaged, which costs rebirths and nothing else. sessions.seq is written only after history has committed every sample it
 * speaks of, so a session that continues has no hole. Whether it continues is decided by the next message's seq
 * (host/nodes/tracker_session.c).
 *
 * Little-endian, fixed layout; one writer thread, STATE timestamps aside, which any thread may hand over. */
#ifndef HOST_SESSIONS_H
#define HOST_SESSIONS_H
#include "host/ingest/ingest.h"

typedef struct host_sessions host_sessions;

/* dir is borrowed. */
PT_MUST_CHECK pt_status host_sessions_new(const char *dir, host_ingest *ingest, hist *history, const pt_clock *clock, const pt_log *log,
                                          host_sessions **out);
/* Read what is there into the trackers; before host_ingest_start. Returns how many sessions may go on. */
size_t host_sessions_load(host_sessions *s);
/* The largest STATE timestamp used on a server (a URL) in this run and, after host_sessions_load, before it; 0: none. */
int64_t host_sessions_state(host_sessions *s, const char *server);
/* One that is about to be used; on disk when it returns. A failure is logged: then the server's retained STATE has to tell. */
void host_sessions_state_used(host_sessions *s, const char *server, int64_t t);
/* Start the thread that writes every second. */
PT_MUST_CHECK pt_status host_sessions_start(host_sessions *s);
/* Write now, if anything has changed. Called by the thread, and by tests. */
PT_MUST_CHECK pt_status host_sessions_save(host_sessions *s, pt_error *err);
/* End the thread; write a last time. History is still open, the shards have stopped. NULL allowed. */
void host_sessions_stop(host_sessions *s);
void host_sessions_free(host_sessions *s);
#endif
