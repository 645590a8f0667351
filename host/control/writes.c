/* host/control/writes.c -- the list of recent writes; open ones wait for DATA.
 *
 * Invariant: n_open counts the records in state SENT; host_writes_see looks no further when it is 0. */
#include "host/control/writes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEEP_MS = 600000, RECORDS_MAX = 10000, SETTLE_MS = 1000, JSON_TEXT = 200 };

typedef struct record {
    struct record *next;
    host_write_result r;
    char *path, *key, *reason, *who, *node, *value_json;
    char before[200]; /* JSON of the value when it was asked for; "": none, or longer */
    char *want_bytes; /* of a text value */
    spb_value want;
    int64_t sent_mono, deadline_mono, settle_mono; /* settle: a deviation may still be corrected until then, silence may end */
    bool deviates;
    bool same;      /* the value stood there when it was sent, and nothing else has been seen or sent since */
    bool armed;     /* audited, and being sent: what comes from now on counts */
    bool untold;    /* finished, its event not yet written */
    bool unaudited; /* finished, its audit row not yet written */
} record;

struct host_writes {
    host_writes_options opt;
    uns_tree *tree;
    hist *history;
    host_audit *audit;
    host_ingest *ingest;
    host_send_fn *send;
    void *send_ctx;
    void (*told)(void *ctx, pt_slice json);
    void *told_ctx;
    const pt_clock *clock;
    const pt_log *log;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    record *records; /* newest first */
    uint32_t n_records;
    _Atomic uint32_t n_open, n_unsaid; /* unsaid: finished, and untold or unaudited */
    _Atomic bool audit_fails;          /* told already */
    uint64_t next_id;
    uint64_t counts[5];
};

const char *host_write_state_name(host_write_state s)
{
    static const char *const names[] = { "sent", "confirmed", "deviates", "timeout", "refused" };
    return (unsigned)s < PT_COUNT_OF(names) ? names[s] : "unknown";
}

pt_status host_writes_new(const host_writes_options *o, uns_tree *tree, hist *history, host_audit *audit, host_send_fn *send,
                          void *send_ctx, void (*told)(void *ctx, pt_slice json), void *told_ctx, const pt_clock *clock, const pt_log *log,
                          host_writes **out)
{
    host_writes *w = calloc(1, sizeof *w);
    if (!w) return PT_ENOMEM;
    w->opt = *o;
    w->tree = tree;
    w->history = history;
    w->audit = audit;
    w->send = send;
    w->send_ctx = send_ctx;
    w->told = told;
    w->told_ctx = told_ctx;
    w->clock = clock;
    w->log = log;
    w->next_id = (uint64_t)pt_wall_ms(clock); /* ids of different runs do not meet */
    pthread_condattr_t attr;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    *out = w;
    return PT_OK;
}

static void record_free(record *r)
{
    if (!r) return;
    free(r->path);
    free(r->key);
    free(r->reason);
    free(r->who);
    free(r->node);
    free(r->value_json);
    free(r->want_bytes);
    free(r);
}

void host_writes_free(host_writes *w)
{
    if (!w) return;
    for (record *r = w->records, *next; r; r = next) {
        next = r->next;
        record_free(r);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
}

void host_writes_configure(host_writes *w, const host_writes_options *o)
{
    pthread_mutex_lock(&w->lock);
    w->opt = *o;
    pthread_mutex_unlock(&w->lock);
}

int64_t host_writes_confirm_ms(host_writes *w)
{
    pthread_mutex_lock(&w->lock);
    int64_t ms = w->opt.confirm_ms;
    pthread_mutex_unlock(&w->lock);
    return ms;
}

void host_writes_bind(host_writes *w, host_ingest *ingest)
{
    w->ingest = ingest;
}

void host_writes_counts(host_writes *w, uint64_t by_state[5])
{
    pthread_mutex_lock(&w->lock);
    memcpy(by_state, w->counts, sizeof w->counts);
    by_state[0] = w->n_open;
    pthread_mutex_unlock(&w->lock);
}

/* ---- telling ---- */

static void write_json(const record *r, const host_write_result *now, pt_buf *out)
{
    pt_json j;
    pt_json_init(&j, out);
    pt_json_object(&j);
    pt_json_member_u64(&j, "id", now->id);
    pt_json_member_cstr(&j, "state", host_write_state_name(now->state));
    pt_json_member_cstr(&j, "path", r->path);
    pt_json_member_u64(&j, "tag_id", now->tag_id);
    pt_json_key(&j, "value");
    pt_json_raw(&j, pt_cstr(r->value_json));
    if (now->seen[0]) {
        pt_json_key(&j, "reported");
        pt_json_raw(&j, pt_cstr(now->seen));
    }
    if (now->unchanged) pt_json_member_bool(&j, "unchanged", true);
    pt_json_member_cstr(&j, "reason", r->reason);
    pt_json_member_cstr(&j, "who", r->who);
    pt_json_member_cstr(&j, "detail", now->text);
    pt_json_member_i64(&j, "sent_ms", now->sent_ms);
    if (now->done_ms) pt_json_member_i64(&j, "done_ms", now->done_ms);
    pt_json_end_object(&j);
}

/* A row of the audit. Without the lock. */
static pt_status audit(host_writes *w, const record *r, const char *outcome, int64_t at_ms, pt_error *err)
{
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)r->r.id);
    host_audit_row row = { .at_ms = at_ms,
                           .principal = PT_LIT("anonymous"), /* nothing authenticates yet: the address is all that is known */
                           .auth_kind = PT_LIT("none"),
                           .address = pt_cstr(r->who),
                           .action = PT_LIT("write"),
                           .object = pt_cstr(r->path),
                           .before = pt_cstr(r->before),
                           .after = pt_cstr(r->value_json),
                           .reason = pt_cstr(r->reason),
                           .outcome = pt_cstr(outcome),
                           .request_id = pt_cstr(id) };
    pt_status st = host_audit_append(w->audit, &row, err);
    if (st != PT_OK && !w->audit_fails) pt_logf(w->log, PT_LOG_ERROR, "HOST-AUDIT", "write %s: %s", id, err->text);
    w->audit_fails = st != PT_OK;
    return st;
}

/* Event and live stream: every request and every outcome. Without the lock. */
static void tell(host_writes *w, const record *r, int64_t at_ms)
{
    pt_buf b;
    pthread_mutex_lock(&w->lock);
    host_write_result now = r->r;
    pthread_mutex_unlock(&w->lock);
    pt_buf_init(&b, 64u << 10);
    write_json(r, &now, &b);
    if (pt_buf_status(&b) == PT_OK) {
        hist_event e = { .time_ms = at_ms,
                         .type = PT_LIT("write"),
                         .node = r->node ? pt_cstr(r->node) : PT_NONE,
                         .path = pt_cstr(r->path),
                         .detail = pt_buf_view(&b) };
        pt_status st = hist_event_append(w->history, &e);
        if (st != PT_OK)
            pt_logf(w->log, PT_LOG_ERROR, "HOST-WRITE-EVENT", "write %llu: %s", (unsigned long long)now.id, pt_status_name(st));
        if (w->told) w->told(w->told_ctx, pt_buf_view(&b));
    }
    pt_logf(w->log, PT_LOG_INFO, "HOST-WRITE", "%s = %s by %s: %s%s%s", r->path, r->value_json, r->who, host_write_state_name(now.state),
            now.text[0] ? ", " : "", now.text);
    pt_buf_fini(&b);
}

/* ---- checking and sending ---- */

typedef struct target {
    bool found;
    char *group, *edge, *device, *metric;
    uint32_t tag_id;
    spb_datatype type;
    bool writable, live;
    double low, high;
    char current_json[JSON_TEXT]; /* "": none, or longer */
    bool has_value;
} target;

/* "": longer than that. */
static void json_text(const spb_value *v, char text[JSON_TEXT])
{
    pt_buf b;
    pt_json j;
    text[0] = '\0';
    pt_buf_init(&b, JSON_TEXT - 1);
    pt_json_init(&j, &b);
    spb_value_json(&j, v);
    if (pt_buf_status(&b) == PT_OK) snprintf(text, JSON_TEXT, "%.*s", PT_SLICE_ARGS(pt_buf_view(&b)));
    pt_buf_fini(&b);
}

static void see_target(void *ctx, const uns_tag_view *v)
{
    target *t = ctx;
    t->found = true;
    t->group = pt_slice_dup(v->def.group);
    t->edge = pt_slice_dup(v->def.edge);
    t->device = pt_slice_dup(v->def.device);
    t->metric = pt_slice_dup(v->def.metric);
    t->tag_id = v->def.tag_id;
    t->type = v->def.type;
    t->writable = v->def.writable;
    t->live = v->state == UNS_LIVE;
    t->low = v->def.eng_low;
    t->high = v->def.eng_high;
    t->has_value = v->has_value;
    if (v->has_value) json_text(&v->value, t->current_json);
}

static void target_free(target *t)
{
    free(t->group);
    free(t->edge);
    free(t->device);
    free(t->metric);
}

/* What a member stands in: a command names the instance of the birth, and the member inside it. */
typedef struct instance {
    struct instance *outer;
    pt_slice name, template_ref;
} instance;

typedef struct node_facts {
    pt_slice device;
    pt_slice metric;
    bool node_online, device_online, has_alias, no_template, no_memory;
    uint16_t server;
    uint64_t alias;     /* of the outermost instance, or the metric itself */
    pt_slice name;      /* the metric's own, inside its instance; absent: not known */
    instance *instance; /* NULL: the metric stands for itself */
    pt_arena arena;     /* of name and instances */
} node_facts;

/* A metric of a unit, and what it stands in. */
static void see_metric(node_facts *f, const host_unit *u, uint32_t at)
{
    instance **link = &f->instance;
    pt_slice *name = &f->name;
    for (;;) {
        const host_metric *hm = &u->metrics[at];
        uint32_t outer = host__object_of(u, at);
        size_t skip = outer == at ? 0 : u->metrics[outer].name.len + 1;
        *name = pt_arena_dup(&f->arena, pt_slice_from(hm->name, skip));
        if (!name->ptr) f->no_memory = true;
        if (outer == at) {
            f->has_alias = (hm->flags & HOST_METRIC_ALIAS) != 0;
            f->alias = hm->alias;
            return;
        }
        instance *i = *link = pt_arena_zalloc(&f->arena, sizeof *i);
        if (i) i->template_ref = host__object_template(&u->metrics[outer], &f->arena);
        if (!i || !i->template_ref.ptr) {
            f->no_memory = f->no_memory || !i;
            f->no_template = i != NULL;
            return;
        }
        link = &i->outer;
        name = &i->name;
        at = outer;
    }
}

static void see_node(void *ctx, const host_node *n)
{
    node_facts *f = ctx;
    f->node_online = n->state == HOST_NODE_ONLINE;
    f->server = n->server;
    for (uint32_t i = 0; i < n->n_units; i++) {
        const host_unit *u = n->units[i];
        if (!pt_slice_eq(u->id_slice, f->device)) continue;
        f->device_online = u->online;
        uint64_t at;
        if (pt_map_get(&u->by_name, f->metric, &at)) see_metric(f, u, (uint32_t)at);
    }
}

static pt_status refuse(host_write_result *r, int http, const char *slug, const char *fmt, ...) PT_PRINTF(4, 5);
static pt_status refuse(host_write_result *r, int http, const char *slug, const char *fmt, ...)
{
    va_list ap;
    r->state = HOST_WRITE_REFUSED;
    r->http = http;
    snprintf(r->slug, sizeof r->slug, "%s", slug);
    va_start(ap, fmt);
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
    return PT_EREFUSED;
}

/* Is this JSON scalar the current value? 0.10 and 1e-1 are 0.1; "1" is not 1. */
static bool is_current(const target *t, pt_slice json)
{
    char text[JSON_TEXT];
    spb_value v;
    pt_error err = { 0, "" };
    if (!t->has_value) return false;
    if (pt_slice_eq_cstr(json, t->current_json)) return true;
    if (json.len == 0 || json.ptr[0] == '"' || spb_datatype_class(t->type) == SPB_CLASS_STRING ||
        spb_value_parse(t->type, json, &v, &err) != PT_OK)
        return false;
    json_text(&v, text);
    return text[0] && strcmp(text, t->current_json) == 0;
}

static pt_status check(host_writes *w, const host_write_request *rq, const target *t, const node_facts *f, spb_value *v,
                       host_write_result *r)
{
    pt_error err = { 0, "" };
    if (!w->opt.allowed) return refuse(r, 403, "write-rejected", "%s", w->opt.not_allowed);
    if (!t->found) return refuse(r, 404, "not-found", "there is no tag %.*s", PT_SLICE_ARGS(rq->path));
    if (!t->writable) return refuse(r, 403, "write-rejected", "%.*s is read-only", PT_SLICE_ARGS(rq->path));
    if (!f->node_online) return refuse(r, 409, "source-offline", "edge node %s/%s is not online", t->group, t->edge);
    if (!f->device_online) return refuse(r, 409, "source-offline", "device %s of %s/%s is not online", t->device, t->group, t->edge);
    if (!t->live) return refuse(r, 409, "source-offline", "%.*s is not live", PT_SLICE_ARGS(rq->path));
    if (f->no_memory) return refuse(r, 503, "not-ready", "out of memory");
    if (f->no_template)
        return refuse(r, 403, "write-rejected", "%.*s is a member of a template instance whose template is not known",
                      PT_SLICE_ARGS(rq->path));
    pt_slice text = rq->value_text;
    if (pt_slice_eq_cstr(rq->value_json, "null")) return refuse(r, 422, "validation", "null cannot be written");
    spb_class c = spb_datatype_class(t->type);
    if (c == SPB_CLASS_STRING && !rq->value_is_string)
        return refuse(r, 422, "validation", "%.*s is text: the value must be a JSON string", PT_SLICE_ARGS(rq->path));
    pt_status st = spb_value_parse(t->type, text, v, &err);
    if (st != PT_OK)
        return refuse(r, 422, "validation", "%.*s is no %s: %s", (int)(text.len < 60 ? text.len : 60), text.ptr, spb_datatype_name(t->type),
                      err.text);
    double number;
    if (t->high > t->low && spb_value_number(v, &number) && (number < t->low || number > t->high))
        return refuse(r, 422, "validation", "%.*s is outside the limits %g to %g", PT_SLICE_ARGS(text), t->low, t->high);
    if (rq->has_expected && !is_current(t, rq->expected_json))
        return refuse(r, 409, "conflict", "the current value is %s, not %.*s", t->has_value ? t->current_json : "unknown",
                      PT_SLICE_ARGS(rq->expected_json));
    return PT_OK;
}

static spb_metric command_metric(const host_writes *w, pt_slice name, spb_datatype type, int64_t now)
{
    spb_metric m = { .name = name, .timestamp = (uint64_t)now, .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP };
    if (w->opt.cmd_datatype) {
        m.datatype = type;
        m.flags |= SPB_HAS_DATATYPE;
    }
    return m;
}

/* tck-id-topics-ncmd-payload, -dcmd-payload: name, value in the birth's datatype, timestamp; no seq. A member goes inside its instance. */
static const char *not_sent(pt_status st)
{
    switch (st) {
    case PT_ESTATE: return "the node's MQTT server is not connected, or our STATE is not acknowledged yet";
    case PT_EFULL: return "too much is on its way to the MQTT server";
    case PT_EREFUSED: return "this host is stopping";
    default: return pt_status_name(st);
    }
}

static pt_status send_command(host_writes *w, const target *t, node_facts *f, const spb_value *v, int64_t now)
{
    spb_metric m = command_metric(w, f->name.ptr ? f->name : pt_cstr(t->metric), t->type, now);
    pt_status st = spb_metric_set_value(&m, v, w->opt.uint32_long);
    if (st != PT_OK) return st;
    for (const instance *i = f->instance; i; i = i->outer) {
        spb_template *tmpl = pt_arena_zalloc(&f->arena, sizeof *tmpl);
        spb_metric *member = pt_arena_zalloc(&f->arena, sizeof *member);
        if (!tmpl || !member) return PT_ENOMEM;
        *member = m;
        *tmpl = (spb_template){ .template_ref = i->template_ref, .has_is_definition = true, .metrics = member, .n_metrics = 1 };
        m = command_metric(w, i->name, SPB_TEMPLATE, now);
        m.wire = SPB_WIRE_TEMPLATE;
        m.value.tmpl = tmpl;
    }
    if (w->opt.cmd_alias && f->has_alias) {
        m.name = PT_NONE;
        m.alias = f->alias;
        m.flags = (uint16_t)((m.flags & ~SPB_HAS_NAME) | SPB_HAS_ALIAS);
    }
    spb_payload p = { .timestamp = (uint64_t)now, .has_timestamp = true, .metrics = &m, .n_metrics = 1 };
    spb_topic topic = { .verb = t->device[0] ? SPB_DCMD : SPB_NCMD, .group = pt_cstr(t->group), .edge = pt_cstr(t->edge) };
    if (t->device[0]) topic.device = pt_cstr(t->device);
    pt_buf bytes, name;
    size_t len = 0;
    pt_buf_init(&bytes, 2u << 20);
    pt_buf_init(&name, SPB_TOPIC_MAX + 1);
    st = spb_payload_encode(&p, &bytes);
    if (st == PT_OK) {
        st = spb_topic_format(&spb_namespace_b, &topic, NULL, 0, &len);
        if (st == PT_ETOOBIG) st = pt_buf_reserve(&name, len + 1);
    }
    if (st == PT_OK) st = spb_topic_format(&spb_namespace_b, &topic, name.ptr, len + 1, &len);
    if (st == PT_OK) st = w->send(w->send_ctx, f->server, pt_slice_of(name.ptr, len), pt_buf_view(&bytes));
    pt_buf_fini(&bytes);
    pt_buf_fini(&name);
    return st;
}

/* The plant's last word is this value. */
static bool stands(const target *t, const spb_value *v)
{
    char text[JSON_TEXT];
    json_text(v, text);
    return t->live && t->has_value && text[0] && strcmp(text, t->current_json) == 0;
}

static void forget_old(host_writes *w, int64_t now_ms)
{
    record **at = &w->records;
    uint32_t n = 0;
    while (*at) {
        record *r = *at;
        bool open = r->r.state == HOST_WRITE_SENT || r->untold || r->unaudited;
        if (!open && (now_ms - r->r.sent_ms > KEEP_MS || n >= RECORDS_MAX)) {
            *at = r->next;
            record_free(r);
            w->n_records--;
            continue;
        }
        n++;
        at = &r->next;
    }
}

static record *find_key(host_writes *w, pt_slice key)
{
    if (key.len == 0) return NULL;
    for (record *r = w->records; r; r = r->next)
        if (r->key && pt_slice_eq_cstr(key, r->key)) return r;
    return NULL;
}

static void wait_for(host_writes *w, record *r, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int rc = 0;
    while (r->r.state == HOST_WRITE_SENT && rc == 0)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
}

static record *record_new(host_writes *w, const host_write_request *rq, const target *t, const spb_value *v)
{
    record *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->path = pt_slice_dup(rq->path);
    r->value_json = pt_slice_dup(rq->value_json);
    r->reason = pt_slice_dup(rq->reason);
    r->who = pt_slice_dup(rq->who);
    r->key = rq->key.len ? pt_slice_dup(rq->key) : NULL;
    r->want = *v;
    bool ok = r->path && r->value_json && r->reason && r->who && (r->key || !rq->key.len);
    spb_class c = spb_datatype_class(v->type);
    if (c == SPB_CLASS_STRING || c == SPB_CLASS_BYTES || c == SPB_CLASS_ARRAY) {
        r->want_bytes = pt_slice_dup(v->as.bytes);
        ok = ok && r->want_bytes;
        r->want.as.bytes.ptr = r->want_bytes;
    }
    if (t->found) {
        size_t n = strlen(t->group) + strlen(t->edge) + 2;
        r->node = malloc(n);
        if (r->node) snprintf(r->node, n, "%s/%s", t->group, t->edge);
        r->r.tag_id = t->tag_id;
    }
    if (!ok) {
        record_free(r);
        return NULL;
    }
    pthread_mutex_lock(&w->lock);
    r->r.id = ++w->next_id;
    pthread_mutex_unlock(&w->lock);
    return r;
}

pt_status host_writes_do(host_writes *w, const host_write_request *rq, host_write_result *out)
{
    pthread_mutex_lock(&w->lock);
    record *same = find_key(w, rq->key);
    if (same) { /* said before: the same answer, nothing sent again */
        if (!pt_slice_eq_cstr(rq->path, same->path) || !pt_slice_eq_cstr(rq->value_json, same->value_json)) {
            refuse(out, 409, "conflict", "this Idempotency-Key belongs to another write");
        } else {
            wait_for(w, same, rq->wait_ms);
            *out = same->r;
        }
        pthread_mutex_unlock(&w->lock);
        return PT_OK;
    }
    pthread_mutex_unlock(&w->lock);

    int64_t now = pt_wall_ms(w->clock);
    target t = { 0 };
    node_facts f = { 0 };
    pt_arena_init(&f.arena, 64u << 20);
    spb_value v = { .type = SPB_BOOLEAN, .is_null = true };
    if (uns_read(w->tree, rq->path, see_target, &t) == PT_OK && t.found) {
        if (!t.group || !t.edge || !t.device || !t.metric) {
            target_free(&t);
            pt_arena_fini(&f.arena);
            return PT_ENOMEM;
        }
        f.device = pt_cstr(t.device);
        f.metric = pt_cstr(t.metric);
        if (host_ingest_node(w->ingest, pt_cstr(t.group), pt_cstr(t.edge), see_node, &f) != PT_OK) f.node_online = false;
    }
    host_write_result result = { .state = HOST_WRITE_SENT, .tag_id = t.tag_id, .sent_ms = now };
    pt_status st = check(w, rq, &t, &f, &v, &result);
    record *r = record_new(w, rq, &t, &v);
    if (!r) {
        target_free(&t);
        pt_arena_fini(&f.arena);
        return PT_ENOMEM;
    }
    result.id = r->r.id;
    snprintf(r->before, sizeof r->before, "%s", t.current_json);
    r->r = result;
    r->sent_mono = pt_mono_ms(w->clock);
    r->deadline_mono = r->sent_mono + w->opt.confirm_ms;
    pthread_mutex_lock(&w->lock);
    forget_old(w, now);
    if ((same = find_key(w, rq->key)) != NULL) { /* the same key came twice at a time: one of them is sent */
        pthread_mutex_unlock(&w->lock);
        target_free(&t);
        pt_arena_fini(&f.arena);
        record_free(r);
        return host_writes_do(w, rq, out);
    }
    if (st == PT_OK) {
        r->same = stands(&t, &v);
        r->settle_mono = r->sent_mono + SETTLE_MS;
        for (record *other = w->records; other; other = other->next) { /* what another write does to the tag is not known yet */
            if (other->r.state != HOST_WRITE_SENT || other->r.tag_id != r->r.tag_id) continue;
            other->same = false;
            r->same = false;
        }
    }
    r->next = w->records;
    w->records = r;
    w->n_records++;
    if (st == PT_OK) w->n_open++;
    pthread_mutex_unlock(&w->lock);
    pt_error err = { 0, "" };
    pt_status audited = audit(w, r, st == PT_OK ? "requested" : "refused", now, &err);
    if (st == PT_OK) { /* armed before it is sent: the answer may be quick */
        pthread_mutex_lock(&w->lock);
        r->armed = audited == PT_OK;
        if (!r->armed) {
            w->n_open--;
            st = refuse(&r->r, 503, "not-ready", "nothing was sent, because the audit cannot be written: %s", err.text);
            pthread_cond_broadcast(&w->changed);
        }
        pthread_mutex_unlock(&w->lock);
    }
    if (st == PT_OK) {
        pt_status sent = send_command(w, &t, &f, &v, now);
        if (sent != PT_OK) {
            pthread_mutex_lock(&w->lock);
            if (r->r.state == HOST_WRITE_SENT) {
                w->n_open--;
                refuse(&r->r, 503, "not-ready", "the command could not be sent: %s", not_sent(sent));
                pthread_cond_broadcast(&w->changed);
            }
            pthread_mutex_unlock(&w->lock);
            (void)audit(w, r, "refused", pt_wall_ms(w->clock), &err); /* logged when it fails */
        }
    }
    target_free(&t);
    pt_arena_fini(&f.arena);
    tell(w, r, now); /* the request */
    pthread_mutex_lock(&w->lock);
    if (r->r.state == HOST_WRITE_REFUSED) w->counts[HOST_WRITE_REFUSED]++;
    wait_for(w, r, rq->wait_ms);
    *out = r->r;
    pthread_mutex_unlock(&w->lock);
    return PT_OK;
}

pt_status host_writes_get(host_writes *w, uint64_t id, host_write_result *out)
{
    pt_status st = PT_ENOTFOUND;
    pthread_mutex_lock(&w->lock);
    for (record *r = w->records; r; r = r->next)
        if (r->r.id == id) {
            *out = r->r;
            st = PT_OK;
        }
    pthread_mutex_unlock(&w->lock);
    return st;
}

/* ---- outcomes ---- */

/* With the lock. */
static void finish(host_writes *w, record *r, host_write_state state)
{
    r->r.state = state;
    r->r.done_ms = pt_wall_ms(w->clock);
    r->untold = r->unaudited = true;
    w->n_unsaid++;
    w->n_open--;
    w->counts[state]++;
    if (r->r.unchanged) snprintf(r->r.text, sizeof r->r.text, "the value was there before; a node reports changes only");
    if (state == HOST_WRITE_DEVIATES) snprintf(r->r.text, sizeof r->r.text, "the plant reports another value");
    if (state == HOST_WRITE_TIMEOUT)
        snprintf(r->r.text, sizeof r->r.text, "no newer value arrived; the command may or may not have been carried out");
    pthread_cond_broadcast(&w->changed);
}

/* Events and audit rows of what was finished. A record stays in the list for ten minutes and at least until all is said, so it may be read
 * without the lock. */
static void tell_finished(host_writes *w)
{
    while (atomic_load(&w->n_unsaid) > 0) {
        pt_error err = { 0, "" };
        pthread_mutex_lock(&w->lock);
        record *r = w->records;
        while (r && !r->untold && !r->unaudited)
            r = r->next;
        bool untold = r && r->untold;
        if (r) r->untold = false;
        pthread_mutex_unlock(&w->lock);
        if (!r) return;
        if (untold) tell(w, r, r->r.done_ms);
        if (audit(w, r, host_write_state_name(r->r.state), r->r.done_ms, &err) != PT_OK) return; /* again with the next tick */
        pthread_mutex_lock(&w->lock);
        r->unaudited = false;
        w->n_unsaid--;
        pthread_mutex_unlock(&w->lock);
    }
}

void host_writes_see(host_writes *w, const uns_update *u, size_t n)
{
    if (atomic_load(&w->n_open) == 0) return;
    int64_t now = pt_mono_ms(w->clock);
    pthread_mutex_lock(&w->lock);
    for (record *r = w->records; r; r = r->next) {
        for (size_t i = 0; i < n && r->armed && r->r.state == HOST_WRITE_SENT; i++) {
            if (u[i].tag_id != r->r.tag_id) continue;
            json_text(&u[i].value, r->r.seen);
            if (spb_value_equal(&u[i].value, &r->want)) {
                finish(w, r, HOST_WRITE_CONFIRMED);
            } else if (!r->deviates) { /* perhaps it was on its way before the command: wait a little for a better one */
                r->deviates = true;
                r->same = false;
                r->settle_mono = now + SETTLE_MS;
            }
        }
    }
    pthread_mutex_unlock(&w->lock);
}

/* Nothing came since it was sent, and the value still stands there: so it was done, or there was nothing to do. */
static bool still_stands(const host_writes *w, record *r)
{
    target t = { 0 };
    if (uns_read(w->tree, pt_cstr(r->path), see_target, &t) != PT_OK) return false;
    bool ok = t.found && t.tag_id == r->r.tag_id && stands(&t, &r->want);
    if (ok) snprintf(r->r.seen, sizeof r->r.seen, "%s", t.current_json);
    target_free(&t);
    return ok;
}

static void time_out(host_writes *w)
{
    if (atomic_load(&w->n_open) == 0) return;
    int64_t now = pt_mono_ms(w->clock);
    pthread_mutex_lock(&w->lock);
    for (record *r = w->records; r; r = r->next) {
        if (!r->armed || r->r.state != HOST_WRITE_SENT) continue;
        bool settled = now >= r->settle_mono || now >= r->deadline_mono;
        if (r->deviates && settled) {
            finish(w, r, HOST_WRITE_DEVIATES);
        } else if (r->same && settled && still_stands(w, r)) {
            r->r.unchanged = true;
            finish(w, r, HOST_WRITE_CONFIRMED);
        } else if (now >= r->deadline_mono) {
            finish(w, r, HOST_WRITE_TIMEOUT);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

void host_writes_tick(host_writes *w)
{
    time_out(w);
    tell_finished(w);
}
