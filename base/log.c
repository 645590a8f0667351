/* base/log.c -- formatting happens on the writer's stack; one write(2) a line. */
#include "base/log.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };

const char *pt_log_level_name(pt_log_level level)
{
    return (unsigned)level < PT_COUNT_OF(level_names) ? level_names[level] : "unknown";
}

pt_status pt_log_level_parse(pt_slice s, pt_log_level *out)
{
    for (size_t i = 0; i < PT_COUNT_OF(level_names); i++) {
        if (pt_slice_eq_cstr(s, level_names[i])) {
            *out = (pt_log_level)i;
            return PT_OK;
        }
    }
    return PT_ENOTFOUND;
}

void pt_logf(const pt_log *log, pt_log_level level, const char *id, const char *fmt, ...)
{
    char text[1024];
    if (!log || !log->write || level > log->level) return;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    }
    log->write(log->ctx, level, id, text);
}

static void write_fd(void *ctx, pt_log_level level, const char *id, const char *text)
{
    const pt_log_fd *l = ctx;
    char when[PT_RFC3339_MAX];
    pt_buf b;
    pt_buf_init(&b, 8192);
    pt_rfc3339_format(pt_wall_ms(l->clock), when);
    if (l->json) {
        pt_json j;
        pt_json_init(&j, &b);
        pt_json_object(&j);
        pt_json_member_cstr(&j, "time", when);
        pt_json_member_cstr(&j, "level", pt_log_level_name(level));
        pt_json_member_cstr(&j, "id", id);
        pt_json_member_cstr(&j, "text", text);
        pt_json_end_object(&j);
        pt_buf_char(&b, '\n');
    } else {
        static const char *const upper[] = { "ERROR", "WARN", "INFO", "DEBUG" };
        pt_buf_printf(&b, "%s %-5s %s %s\n", when, (unsigned)level < 4 ? upper[level] : "?", id, text);
    }
    /* A log that cannot be written must not take the process down, and there is nowhere to report it. */
    if (!pt_buf_status(&b) && write(l->fd, b.ptr, b.len) < 0) { /* nothing to do */
    }
    pt_buf_fini(&b);
}

void pt_log_fd_init(pt_log_fd *l, int fd, bool json, pt_log_level level, const pt_clock *clock)
{
    *l = (pt_log_fd){ .log = { level, write_fd, l }, .fd = fd, .json = json, .clock = clock };
}

bool pt_log_allow(pt_log_limit *l, uint64_t subject, int64_t mono_ms, int64_t every_ms, uint32_t *suppressed)
{
    size_t base = (size_t)(subject & 63u) * 4, victim = base; /* 64 sets of 4 ways */
    if (suppressed) *suppressed = 0;
    for (size_t i = base; i < base + 4; i++) {
        if (l->slot[i].used && l->slot[i].subject == subject) {
            if (mono_ms - l->slot[i].last_ms < every_ms) {
                l->slot[i].held++;
                return false;
            }
            if (suppressed) *suppressed = l->slot[i].held;
            l->slot[i].held = 0;
            l->slot[i].last_ms = mono_ms;
            return true;
        }
        if (!l->slot[i].used || (l->slot[victim].used && l->slot[i].last_ms < l->slot[victim].last_ms)) victim = i;
    }
    l->slot[victim].used = true;
    l->slot[victim].subject = subject;
    l->slot[victim].last_ms = mono_ms;
    l->slot[victim].held = 0;
    return true;
}
