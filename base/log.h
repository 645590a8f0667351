/* base/log.h -- log lines: a stable id to search and alert on, then a sentence with the facts.
 *
 *     pt_logf(log, PT_LOG_WARN, "SPB-SEQ-GAP", "node %s/%s: expected seq %u, got %u", ...);
 *
 * A log is a value handed down from main; there is no global one. Any thread may write; a line is
 * written whole. Passing NULL as the log discards. Bytes below 0x20 in the text become '?'. */
#ifndef PT_LOG_H
#define PT_LOG_H
#include "base/clock.h"
#include "base/slice.h"
#include "base/status.h"

typedef enum pt_log_level { PT_LOG_ERROR, PT_LOG_WARN, PT_LOG_INFO, PT_LOG_DEBUG } pt_log_level;

typedef struct pt_log {
    pt_log_level level;                                                             /* lines above it are not formatted */
    void (*write)(void *ctx, pt_log_level level, const char *id, const char *text); /* any thread */
    void *ctx;
} pt_log;

void pt_logf(const pt_log *log, pt_log_level level, const char *id, const char *fmt, ...) PT_PRINTF(4, 5);

/* "error" "warn" "info" "debug"; PT_ENOTFOUND otherwise. */
PT_MUST_CHECK pt_status pt_log_level_parse(pt_slice s, pt_log_level *out);
const char *pt_log_level_name(pt_log_level level);

/* A log to a file descriptor (borrowed), one line each: text `2026-11-23T02:46:59.123Z WARN SPB-SEQ-GAP node ...`
 * or JSON {"time","level","id","text"}. `clock` is borrowed and outlives the log. */
typedef struct pt_log_fd {
    pt_log log; /* pass &x.log around */
    int fd;
    bool json;
    const pt_clock *clock;
} pt_log_fd;
void pt_log_fd_init(pt_log_fd *l, int fd, bool json, pt_log_level level, const pt_clock *clock);

/* "Logged once per subject and minute": true when a line about `subject` (a hash) may be written now;
 * *suppressed (may be NULL) is how many were held back since the last true. Bounded: 256 subjects, the oldest is
 * forgotten. Not thread-safe; zero-initialise. */
typedef struct pt_log_limit {
    struct {
        uint64_t subject;
        int64_t last_ms; /* monotonic */
        uint32_t held;
        bool used;
    } slot[256];
} pt_log_limit;
bool pt_log_allow(pt_log_limit *l, uint64_t subject, int64_t mono_ms, int64_t every_ms, uint32_t *suppressed);
#endif
