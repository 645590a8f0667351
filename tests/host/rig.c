/* tests/host/rig.c -- see rig.h. */
#include "tests/host/rig.h"

#include "tests/host/wire.h"

#include <stdio.h>
#include <stdlib.h>

static void note(rig *r, char *text, size_t cap, const char *fmt, ...) PT_PRINTF(4, 5);
static void note(rig *r, char *text, size_t cap, const char *fmt, ...)
{
    va_list ap;
    pthread_mutex_lock(&r->lock);
    size_t n = strlen(text);
    va_start(ap, fmt);
    if (n < cap) vsnprintf(text + n, cap - n, fmt, ap);
    va_end(ap);
    pthread_mutex_unlock(&r->lock);
}

static void on_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    rig *r = ctx;
    (void)level;
    note(r, r->said, sizeof r->said, "%s %s\n", id, text);
}

static void on_values(void *ctx, const uns_update *u, size_t n)
{
    rig *r = ctx;
    (void)u;
    pthread_mutex_lock(&r->lock);
    r->values += n;
    pthread_mutex_unlock(&r->lock);
}

static void on_event(void *ctx, host_event_type type, pt_slice node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    rig *r = ctx;
    (void)node, (void)device, (void)at_ms, (void)detail;
    note(r, r->events, sizeof r->events, "%s ", host_event_type_name(type));
}

static void on_state(void *ctx, pt_slice node, pt_slice device, bool online, int64_t at_ms, const char *reason)
{
    rig *r = ctx;
    (void)at_ms, (void)reason;
    note(r, r->states, sizeof r->states, "%c%.*s%s%.*s ", online ? '+' : '-', PT_SLICE_ARGS(node), device.len ? "/" : "",
         PT_SLICE_ARGS(device));
}

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    rig *r = ctx;
    (void)server, (void)payload;
    note(r, r->commands, sizeof r->commands, "%.*s ", PT_SLICE_ARGS(topic));
    r->n_commands++;
    return PT_OK;
}

void rig_again(rig *r)
{
    hist_options ho;
    hist_options_init(&ho);
    ho.dir = r->dir;
    ho.commit_interval_ms = 20;
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), &r->log, &r->history, NULL));
    CHECK_OK_FATAL(uns_tree_new(&r->tree));
}

void rig_open(rig *r)
{
    static unsigned made;
    memset(r, 0, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "%s/r%u", pt_test_dir(), made++);
    pthread_mutex_init(&r->lock, NULL);
    r->log = (pt_log){ .level = PT_LOG_WARN, .write = on_log, .ctx = r };
    host_ingest_options_init(&r->options);
    r->options.shards = 2;
    r->options.conformance = false; /* words of the tests are short of what the specification wants */
    r->options.tracker.rebirth_jitter_ms = 0;
    r->options.tracker.clock_skew_ms = 0;
    rig_again(r);
}

void rig_make(rig *r)
{
    host_outputs out = { .ctx = r, .values = on_values, .event = on_event, .state = on_state, .command = on_command };
    CHECK_OK_FATAL(host_ingest_new(&r->options, r->tree, r->history, &out, pt_clock_system(), &r->log, &r->ingest));
}

void rig_start(rig *r)
{
    rig_make(r);
    CHECK_OK_FATAL(host_ingest_start(r->ingest));
    host_ingest_server(r->ingest, 0, true);
}

void rig_halt(rig *r)
{
    if (r->ingest) host_ingest_stop(r->ingest);
    if (r->history) CHECK_OK(hist_close(r->history, 20000, NULL));
    host_ingest_free(r->ingest);
    uns_tree_free(r->tree);
    r->ingest = NULL;
    r->history = NULL;
    r->tree = NULL;
}

void rig_close(rig *r)
{
    rig_halt(r);
    pthread_mutex_destroy(&r->lock);
}

void rig_push(rig *r, const char *topic, const char *words)
{
    pt_buf b;
    pt_buf_init(&b, 1u << 20);
    wire_payload(words, &b);
    host_packet p = { .topic = pt_cstr(topic),
                      .payload = pt_buf_view(&b),
                      .wall_ms = pt_wall_ms(pt_clock_system()) - r->ago_ms,
                      .mono_ms = pt_mono_ms(pt_clock_system()) - r->ago_ms };
    host_ingest_push(r->ingest, &p);
    pt_buf_fini(&b);
}

void rig_settle(rig *r)
{
    CHECK_OK(host_ingest_drain(r->ingest, 20000));
}

static void see(void *ctx, const host_node *n)
{
    memcpy(ctx, n, sizeof *n);
}

host_node rig_node(rig *r, const char *group, const char *edge)
{
    host_node n = { .index = UINT32_MAX };
    rig_settle(r);
    if (host_ingest_node(r->ingest, pt_cstr(group), pt_cstr(edge), see, &n) != PT_OK) n.index = UINT32_MAX;
    return n;
}

bool rig_said(rig *r, const char *text)
{
    pthread_mutex_lock(&r->lock);
    bool found = strstr(r->said, text) != NULL;
    pthread_mutex_unlock(&r->lock);
    return found;
}

size_t rig_count(rig *r, const char *text, const char *word)
{
    char whole[300];
    size_t n = 0;
    snprintf(whole, sizeof whole, "%s ", word);
    pthread_mutex_lock(&r->lock);
    for (const char *at = text; (at = strstr(at, whole)); at++)
        n += at == text || at[-1] == ' ';
    pthread_mutex_unlock(&r->lock);
    return n;
}

typedef struct text_out {
    char *buf;
    size_t cap;
} text_out;

static void show(void *ctx, const uns_tag_view *v)
{
    text_out *o = ctx;
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 4096);
    pt_json_init(&j, &b);
    spb_value_json(&j, &v->value);
    snprintf(o->buf, o->cap, "%.*s %s", PT_SLICE_ARGS(pt_buf_view(&b)), spb_quality_name(v->quality));
    pt_buf_fini(&b);
}

const char *rig_value(rig *r, const char *path, char *buf, size_t cap)
{
    text_out o = { buf, cap };
    rig_settle(r);
    if (uns_read(r->tree, pt_cstr(path), show, &o) != PT_OK) snprintf(buf, cap, "(absent)");
    return buf;
}

const char *rig_history(rig *r, const char *path, char *buf, size_t cap)
{
    pt_arena arena;
    hist_tag tag;
    hist_cursor *c = NULL;
    hist_sample rows[64];
    size_t n = 0, len = 0;
    pt_error err = { 0, "" };
    rig_settle(r);
    CHECK_OK(hist_flush(r->history, 10000, &err));
    pt_arena_init(&arena, 1u << 20);
    snprintf(buf, cap, "(none)");
    if (hist_tag_by_path(r->history, pt_cstr(path), &arena, &tag) == PT_OK) {
        CHECK_OK_FATAL(hist_cursor_open(r->history, hist_of_tag(tag.tag_id), INT64_MIN / 2, INT64_MAX / 2, true, &c, &err));
        buf[0] = '\0';
        do {
            CHECK_OK(hist_cursor_next(c, rows, PT_COUNT_OF(rows), &n, &err));
            for (size_t i = 0; i < n && len < cap; i++) {
                const char *blank = len ? " " : "";
                if (rows[i].flags & HIST_STATE) {
                    len += (size_t)snprintf(buf + len, cap - len, "%s%c@%lld", blank, spb_quality_letter((spb_quality)rows[i].quality),
                                            (long long)rows[i].time_ms);
                    continue;
                }
                spb_value v;
                pt_buf b;
                pt_json j;
                hist_sample_value(&rows[i], &v);
                pt_buf_init(&b, 4096);
                pt_json_init(&j, &b);
                spb_value_json(&j, &v);
                len += (size_t)snprintf(buf + len, cap - len, "%s%.*s@%lld", blank, PT_SLICE_ARGS(pt_buf_view(&b)),
                                        (long long)rows[i].time_ms);
                pt_buf_fini(&b);
            }
        } while (n > 0);
        hist_cursor_close(c);
    }
    pt_arena_fini(&arena);
    return buf;
}
