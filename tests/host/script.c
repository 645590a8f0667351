#include "tests/host/script.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void word(script *s, const char *fmt, ...) PT_PRINTF(2, 3);
static void word(script *s, const char *fmt, ...)
{
    char buf[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    pt_buf_printf(&s->words, "%s%s", s->words.len ? " " : "", buf);
}

static uint32_t on_tag(void *ctx, const host_tag_birth *b, bool *historise)
{
    (void)historise;
    script *s = ctx;
    char key[1024];
    int n = snprintf(key, sizeof key, "%.*s/%.*s/%.*s/%.*s", PT_SLICE_ARGS(b->group), PT_SLICE_ARGS(b->edge), PT_SLICE_ARGS(b->device),
                     PT_SLICE_ARGS(b->metric));
    uint64_t id;
    s->tag_calls++;
    if (pt_map_get(&s->tags, pt_slice_of(key, (size_t)n), &id)) return (uint32_t)id;
    CHECK_OK_FATAL(pt_map_put(&s->tags, pt_slice_of(key, (size_t)n), ++s->n_tags, NULL));
    return s->n_tags;
}

static void on_updates(void *ctx, const host_update *u, size_t n)
{
    script *s = ctx;
    for (size_t i = 0; i < n; i++, u++) {
        if (u->flags & HOST_MARK) {
            word(s, "m%u:%c@%lld", u->tag_id, spb_quality_letter((spb_quality)u->quality), (long long)u->time_ms);
            continue;
        }
        pt_buf v;
        pt_buf_init(&v, 1 << 16);
        spb_value_text(&v, &u->value);
        char q[4] = "";
        if (u->quality != SPB_GOOD) snprintf(q, sizeof q, "!%c", spb_quality_letter((spb_quality)u->quality));
        const char *how = (u->flags & HOST_HISTORICAL) ? "h" : (u->flags & HOST_STORE) ? "" : "~";
        word(s, "%s%u=%.*s@%lld%s%s", how, u->tag_id, PT_SLICE_ARGS(pt_buf_view(&v)), (long long)u->time_ms, q,
             (u->flags & HOST_ARRIVAL) ? "?" : "");
        pt_buf_fini(&v);
    }
}

static void ids(script *s, const char *what, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    char buf[900];
    size_t len = 0;
    for (size_t i = 0; i < n && len + 16 < sizeof buf; i++)
        len += (size_t)snprintf(buf + len, sizeof buf - len, "%s%u", i ? "," : "", tag_ids[i]);
    buf[len] = '\0';
    word(s, "%s(%s)@%lld", what, buf, (long long)at_ms);
}

static void on_stale(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    (void)node;
    ids(ctx, "stale", tag_ids, n, at_ms);
}

static void on_fresh(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    (void)node;
    ids(ctx, "fresh", tag_ids, n, at_ms);
}

static void on_absent(void *ctx, host_node *node, const uint32_t *tag_ids, size_t n, int64_t at_ms)
{
    (void)node;
    ids(ctx, "absent", tag_ids, n, at_ms);
}

static void on_event(void *ctx, host_event_type type, host_node *node, pt_slice device, int64_t at_ms, pt_slice detail)
{
    script *s = ctx;
    (void)node, (void)device, (void)at_ms;
    pt_buf_reset(&s->last_detail);
    pt_buf_slice(&s->last_detail, detail);
    if (s->details) word(s, "*%s%.*s", host_event_type_name(type), PT_SLICE_ARGS(detail));
    else word(s, "*%s", host_event_type_name(type));
}

static void on_state(void *ctx, host_node *n, pt_slice device, bool online, int64_t at_ms, const char *reason)
{
    (void)at_ms, (void)reason;
    word(ctx, "%c%s/%s%s%.*s", online ? '+' : '-', n->group, n->edge, device.len ? "/" : "", PT_SLICE_ARGS(device));
}

static pt_status on_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    script *s = ctx;
    spb_topic t;
    CHECK_OK_FATAL(spb_topic_parse(&spb_namespace_b, topic, &t, NULL));
    CHECK(t.verb == SPB_NCMD);
    if (s->command_answer != PT_OK) return s->command_answer;
    pt_buf_reset(&s->last_command);
    pt_buf_slice(&s->last_command, payload);
    spb_payload p;
    CHECK_OK_FATAL(spb_payload_decode(payload, &spb_limits_default, &s->arena, &p, NULL));
    if (p.n_metrics == 1 && pt_slice_eq_cstr(p.metrics[0].name, "Node Control/Backfill From")) {
        word(s, "BACKFILL:%.*s/%.*s=%llu", PT_SLICE_ARGS(t.group), PT_SLICE_ARGS(t.edge), (unsigned long long)p.metrics[0].value.u64);
        return PT_OK;
    }
    word(s, "NCMD:%.*s/%.*s@%u", PT_SLICE_ARGS(t.group), PT_SLICE_ARGS(t.edge), server);
    return PT_OK;
}

static void on_bad(void *ctx, const host_node *node, const spb_topic *topic, host_reject why, const char *text)
{
    script *s = ctx;
    (void)node, (void)topic;
    snprintf(s->last_bad, sizeof s->last_bad, "%s", text);
    word(ctx, "!%s", host_reject_name(why));
}

void script_options(host_tracker_options *o)
{
    host_tracker_options_init(o);
    o->rebirth_jitter_ms = 0;
    o->clock_skew_ms = 0;
}

void script_init(script *s, const host_tracker_options *o)
{
    *s = (script){ .wall_ms = 100000 };
    pt_arena_init(&s->arena, 64u << 20);
    pt_buf_init(&s->words, 1u << 20);
    pt_buf_init(&s->last_command, 1u << 16);
    pt_buf_init(&s->last_detail, 1u << 20);
    pt_map_init(&s->tags, PT_MAP_COPY_KEYS);
    host_sink sink = { .ctx = s,
                       .tag = on_tag,
                       .updates = on_updates,
                       .stale = on_stale,
                       .fresh = on_fresh,
                       .absent = on_absent,
                       .event = on_event,
                       .state = on_state,
                       .command = on_command,
                       .bad = on_bad };
    CHECK_OK_FATAL(host_tracker_new(o, &sink, &s->tracker));
}

void script_fini(script *s)
{
    host_tracker_free(s->tracker);
    pt_arena_fini(&s->arena);
    pt_buf_fini(&s->words);
    pt_buf_fini(&s->last_command);
    pt_buf_fini(&s->last_detail);
    pt_map_fini(&s->tags);
}

void script_advance(script *s, int64_t ms)
{
    int64_t end = s->mono_ms + ms;
    for (;;) {
        int64_t due = host_tracker_due(s->tracker);
        int64_t to = due < end ? (due > s->mono_ms ? due : s->mono_ms) : end;
        s->wall_ms += to - s->mono_ms;
        s->mono_ms = to;
        if (due > end) break;
        host_tracker_tick(s->tracker, s->wall_ms, s->mono_ms, &s->arena);
        if (host_tracker_due(s->tracker) <= s->mono_ms) { CHECK_FATAL(host_tracker_due(s->tracker) > s->mono_ms); }
    }
    pt_arena_reset(&s->arena);
}

static pt_slice next_word(pt_slice *s)
{
    while (s->len && s->ptr[0] == ' ')
        *s = pt_slice_from(*s, 1);
    size_t n = pt_slice_find(*s, ' ');
    pt_slice w = pt_slice_of(s->ptr, n);
    *s = pt_slice_from(*s, n);
    return w;
}

static void message(script *s, pt_slice step, bool retained)
{
    static const char *const verbs[] = { "NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD" };
    pt_slice verb = next_word(&step), id = next_word(&step), group, edge, device = PT_NONE, server = PT_NONE;
    host_message m = { .wall_ms = s->wall_ms, .mono_ms = s->mono_ms, .retained = retained, .topic.verb = SPB_VERB_COUNT };
    for (unsigned v = 0; v < PT_COUNT_OF(verbs); v++)
        if (pt_slice_eq_cstr(verb, verbs[v])) m.topic.verb = (spb_verb)v;
    CHECK_FATAL(m.topic.verb != SPB_VERB_COUNT);
    size_t at = pt_slice_find(id, '@');
    if (at < id.len) {
        server = pt_slice_from(id, at + 1);
        id.len = at;
        m.server = (uint16_t)(server.ptr[0] - '0');
    }
    CHECK_FATAL(pt_slice_split(&id, '/', &group) && pt_slice_split(&id, '/', &edge));
    if (id.ptr) device = id;
    m.topic.group = group;
    m.topic.edge = edge;
    m.topic.device = device;
    pt_slice bar = next_word(&step);
    (void)bar;
    char *text = pt_slice_dup(step);
    pt_buf bytes;
    pt_buf_init(&bytes, 32u << 20);
    wire_payload(text ? text : "", &bytes);
    m.payload = pt_buf_view(&bytes);
    host_tracker_message(s->tracker, &m, &s->arena);
    pt_arena_reset(&s->arena);
    pt_buf_fini(&bytes);
    free(text);
}

static void step_run(script *s, pt_slice step)
{
    pt_slice rest = step, w = next_word(&rest);
    uint64_t n = 0;
    pt_slice arg = rest;
    if (pt_slice_eq_cstr(w, "wait")) {
        CHECK_FATAL(pt_slice_to_u64(next_word(&arg), &n));
        script_advance(s, (int64_t)n);
    } else if (pt_slice_eq_cstr(w, "ready") || pt_slice_eq_cstr(w, "lost")) {
        CHECK_FATAL(pt_slice_to_u64(next_word(&arg), &n));
        if (w.len == 5) host_tracker_server_ready(s->tracker, (uint16_t)n, s->wall_ms, s->mono_ms);
        else host_tracker_server_lost(s->tracker, (uint16_t)n, s->wall_ms, s->mono_ms);
        script_advance(s, 0);
    } else if (pt_slice_eq_cstr(w, "ask")) {
        pt_slice id = next_word(&arg), group;
        CHECK_FATAL(pt_slice_split(&id, '/', &group));
        pt_status st = host_tracker_rebirth(s->tracker, group, id, s->wall_ms, s->mono_ms);
        if (st != PT_OK) word(s, "%s", pt_status_name(st));
    } else if (pt_slice_eq_cstr(w, "retained")) {
        message(s, rest, true);
    } else {
        message(s, step, false);
    }
}

void script_step(script *s, const char *step)
{
    pt_buf_reset(&s->words);
    step_run(s, pt_cstr(step));
}

void script_run(script *s, const char *row, const char *lines)
{
    pt_slice rest = pt_cstr(lines), line;
    while (rest.ptr && pt_slice_split(&rest, '\n', &line)) {
        while (line.len && line.ptr[0] == ' ')
            line = pt_slice_from(line, 1);
        if (line.len == 0) continue;
        size_t mid = 0;
        while (mid + 2 < line.len && memcmp(line.ptr + mid, " > ", 3) != 0)
            mid++;
        pt_slice step = line, want = PT_LIT("");
        if (mid + 2 < line.len) {
            step.len = mid;
            want = pt_slice_from(line, mid + 3);
        } else if (line.len >= 2 && memcmp(line.ptr + line.len - 2, " >", 2) == 0) {
            step.len = line.len - 2;
        }
        pt_buf_reset(&s->words);
        step_run(s, step);
        pt_slice got = pt_buf_view(&s->words);
        pt_check_at(pt_slice_eq(got, want), false, row, 0, "\n      step %.*s\n      want %.*s\n      got  %.*s", PT_SLICE_ARGS(step),
                    PT_SLICE_ARGS(want), PT_SLICE_ARGS(got));
        for (size_t i = 0; host_tracker_at(s->tracker, i); i++)
            CHECK_ROW(row, host__counts_close(host_tracker_at(s->tracker, i)));
    }
}

void script_rows(const script_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        host_tracker_options o;
        script s;
        script_options(&o);
        script_init(&s, &o);
        script_run(&s, rows[i].rule, "ready 0 >");
        script_run(&s, rows[i].rule, rows[i].script);
        script_fini(&s);
    }
}
