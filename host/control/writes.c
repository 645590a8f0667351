/* host/control/writes.c -- the list of recent writes; open ones wait for DATA.
 *
 * What is always true: n_open counts the records in state SENT, which are those in the open list; host_writes_see looks no further when it
 * is 0. A record leaves SENT in `finish` only, which hands its watches to `due`; they are called without the lock. A record is freed by
 * forget_old only: never one that is open, pinned or unsaid. Records stand in `oldest` in the order of their ids. */
#include "host/control/writes.h"

#include "base/assert.h"
#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEEP_MS = 600000, RECORDS_MAX = 10000, WATCHES_MAX = 64, SETTLE_MS = 1000 };

typedef struct watch {
    struct watch *next;
    host_write_done *done;
    void *ctx;
    host_write_result result; /* when due */
} watch;

typedef struct record {
    struct record *newer;             /* all */
    struct record *open_next, **open; /* open ones; *open is this one */
    struct record *same_tag;          /* armed ones of the same tag */
    struct record *unsaid_next;       /* finished, its event or audit row not yet written */
    host_write_result r;
    char *path, *key, *reason, *who, *node, *value_json;
    char before[HOST_COMMAND_JSON]; /* JSON of the value when it was asked for; "": none, or longer */
    char *want_bytes;               /* of a text value */
    spb_value want;
    int64_t sent_mono, deadline_mono, settle_mono; /* settle: a deviation may still be corrected until then, silence may end */
    watch *watches;
    uint32_t n_watches;
    bool pinned; /* being started */
    bool deviates;
    bool same;      /* the value stood there when it was sent, and nothing else has been seen or sent since */
    bool armed;     /* audited, and being sent: what comes from now on counts */
    bool unwritten; /* it is not in the audit, and its outcome need not be either */
    bool untold, unaudited;
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
    pthread_mutex_t saying; /* one thread at a time writes outcomes; before `lock` */
    pthread_cond_t started; /* `starting` fell to 0 */
    record *oldest, *newest, *open;
    record *unsaid, **unsaid_last;
    watch *due;
    pt_map by_id, by_key, by_tag; /* record; by_tag: the first armed one */
    uint32_t n_records, starting;
    _Atomic uint32_t n_open, n_unsaid;
    _Atomic bool audit_fails; /* told already */
    bool stopping;
    uint64_t next_id;
    uint64_t counts[HOST_WRITE_STATES];
};

const char *host_write_state_name(host_write_state s)
{
    static const char *const names[] = { "sent", "confirmed", "deviates", "timeout", "refused", "unknown" };
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
    w->unsaid_last = &w->unsaid;
    pt_map_init(&w->by_id, PT_MAP_U64_KEYS);
    pt_map_init(&w->by_key, PT_MAP_BORROW_KEYS);
    pt_map_init(&w->by_tag, PT_MAP_U64_KEYS);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->saying, NULL);
    pthread_cond_init(&w->started, NULL);
    *out = w;
    return PT_OK;
}

static void record_free(record *r)
{
    if (!r) return;
    for (watch *x = r->watches, *next; x; x = next) {
        next = x->next;
        free(x);
    }
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
    for (record *r = w->oldest, *next; r; r = next) {
        next = r->newer;
        record_free(r);
    }
    pt_map_fini(&w->by_id);
    pt_map_fini(&w->by_key);
    pt_map_fini(&w->by_tag);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->saying);
    pthread_cond_destroy(&w->started);
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

void host_writes_counts(host_writes *w, uint64_t by_state[HOST_WRITE_STATES])
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

pt_status host_writes_close_killed(host_writes *w, uint64_t *n, pt_error *err)
{
    uint64_t closed = 0;
    pt_status st =
        host_audit_close_open(w->audit, PT_LIT("write"), PT_LIT("unknown (host was killed)"), pt_wall_ms(w->clock), &closed, err);
    if (closed)
        pt_logf(w->log, PT_LOG_WARN, "HOST-WRITES-KILLED",
                "%llu writes were open when the host was killed; what became of them is not known, and the audit says so",
                (unsigned long long)closed);
    if (n) *n = closed;
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

/* ---- the end of a write ---- */

/* With the lock: take it out of those of its tag. */
static void disarm(host_writes *w, record *r)
{
    uint64_t first = 0;
    if (!r->armed) return;
    r->armed = false;
    if (!pt_map_get_u64(&w->by_tag, r->r.tag_id, &first)) return;
    record *at = (record *)(uintptr_t)first;
    if (at == r) {
        if (!r->same_tag) (void)pt_map_del_u64(&w->by_tag, r->r.tag_id, NULL);
        else if (pt_map_put_u64(&w->by_tag, r->r.tag_id, (uintptr_t)r->same_tag, NULL) != PT_OK) /* a replacement needs no memory */
            pt_logf(w->log, PT_LOG_ERROR, "HOST-WRITES", "the other open writes of tag %u will end as timeouts", (unsigned)r->r.tag_id);
        return;
    }
    while (at->same_tag != r)
        at = at->same_tag;
    at->same_tag = r->same_tag;
}

/* With the lock. The text stands already where it is not the state's own. */
static bool open_are_counted(const host_writes *w)
{
    uint32_t n = 0;
    for (const record *r = w->open; r; r = r->open_next) {
        if (r->r.state != HOST_WRITE_SENT || *r->open != r) return false;
        n++;
    }
    return n == w->n_open;
}

static void finish(host_writes *w, record *r, host_write_state state)
{
    disarm(w, r);
    r->r.state = state;
    if (state != HOST_WRITE_REFUSED) r->r.done_ms = pt_wall_ms(w->clock);
    if (r->r.unchanged) snprintf(r->r.text, sizeof r->r.text, "the value was there before; a node reports changes only");
    if (state == HOST_WRITE_DEVIATES) snprintf(r->r.text, sizeof r->r.text, "the plant reports another value");
    if (state == HOST_WRITE_TIMEOUT)
        snprintf(r->r.text, sizeof r->r.text, "no newer value arrived; the command may or may not have been carried out");
    if (state == HOST_WRITE_UNKNOWN)
        snprintf(r->r.text, sizeof r->r.text,
                 "this host stopped before the plant answered; the command may or may not have been carried out");
    *r->open = r->open_next;
    if (r->open_next) r->open_next->open = r->open;
    w->n_open--;
    pt_assert(open_are_counted(w));
    w->counts[state]++;
    r->untold = true;
    r->unaudited = !r->unwritten;
    r->unsaid_next = NULL;
    *w->unsaid_last = r;
    w->unsaid_last = &r->unsaid_next;
    w->n_unsaid++;
    for (watch *x = r->watches, *next; x; x = next) {
        next = x->next;
        x->result = r->r;
        x->next = w->due;
        w->due = x;
    }
    r->watches = NULL;
}

/* Without the lock: whoever waited for what has been finished. */
static void call_due(host_writes *w)
{
    pthread_mutex_lock(&w->lock);
    watch *due = w->due;
    w->due = NULL;
    pthread_mutex_unlock(&w->lock);
    for (watch *next; due; due = next) {
        next = due->next;
        due->done(due->ctx, &due->result);
        free(due);
    }
}

static const char *audit_outcome(const record *r)
{
    return r->r.state == HOST_WRITE_UNKNOWN ? "unknown (host stopped)" : host_write_state_name(r->r.state);
}

/* Events and audit rows of what was finished, in that order. What is unsaid changes no more and is not freed: read without the lock. */
static void say_finished(host_writes *w)
{
    if (w->n_unsaid == 0) return;
    pthread_mutex_lock(&w->saying);
    for (;;) {
        pt_error err = { 0, "" };
        pthread_mutex_lock(&w->lock);
        record *r = w->unsaid;
        pthread_mutex_unlock(&w->lock);
        if (!r) break;
        if (r->untold) tell(w, r, r->r.done_ms ? r->r.done_ms : r->r.sent_ms);
        r->untold = false;
        if (r->unaudited && audit(w, r, audit_outcome(r), r->r.done_ms ? r->r.done_ms : r->r.sent_ms, &err) != PT_OK)
            break; /* again with the next tick */
        pthread_mutex_lock(&w->lock);
        r->unaudited = false;
        w->unsaid = r->unsaid_next;
        if (!w->unsaid) w->unsaid_last = &w->unsaid;
        w->n_unsaid--;
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&w->saying);
}

/* ---- the records; all with the lock ---- */

static bool forgettable(const record *r)
{
    return r->r.state != HOST_WRITE_SENT && !r->pinned && !r->untold && !r->unaudited;
}

static void forget_old(host_writes *w, int64_t now_ms)
{
    for (record *r = w->oldest; r && forgettable(r); r = w->oldest) {
        if (now_ms - r->r.sent_ms <= KEEP_MS && w->n_records < RECORDS_MAX) return;
        w->oldest = r->newer;
        if (!w->oldest) w->newest = NULL;
        w->n_records--;
        (void)pt_map_del_u64(&w->by_id, r->r.id, NULL);
        if (r->key) (void)pt_map_del(&w->by_key, pt_cstr(r->key), NULL);
        record_free(r);
    }
}

static record *record_new(const host_write_request *rq)
{
    record *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->path = pt_slice_dup(rq->path);
    r->value_json = pt_slice_dup(rq->value_json);
    r->reason = pt_slice_dup(rq->reason);
    r->who = pt_slice_dup(rq->who);
    r->key = rq->key.len ? pt_slice_dup(rq->key) : NULL;
    if (r->path && r->value_json && r->reason && r->who && (r->key || !rq->key.len)) return r;
    record_free(r);
    return NULL;
}

/* Into every list but the tag's. */
static pt_status enter(host_writes *w, const host_write_request *rq, int64_t now, record **out)
{
    record *r = record_new(rq);
    if (!r) return PT_ENOMEM;
    r->r = (host_write_result){ .id = w->next_id + 1, .state = HOST_WRITE_SENT, .sent_ms = now };
    pt_status st = pt_map_put_u64(&w->by_id, r->r.id, (uintptr_t)r, NULL);
    if (st == PT_OK && r->key && (st = pt_map_put(&w->by_key, pt_cstr(r->key), (uintptr_t)r, NULL)) != PT_OK)
        (void)pt_map_del_u64(&w->by_id, r->r.id, NULL);
    if (st != PT_OK) {
        record_free(r);
        return st;
    }
    w->next_id++;
    r->pinned = true;
    w->starting++;
    if (w->newest) w->newest->newer = r;
    else w->oldest = r;
    w->newest = r;
    w->n_records++;
    r->open_next = w->open;
    r->open = &w->open;
    if (r->open_next) r->open_next->open = &r->open_next;
    w->open = r;
    w->n_open++;
    pt_assert(open_are_counted(w));
    *out = r;
    return PT_OK;
}

static void refuse(host_write_result *r, host_write_refusal why, const char *fmt, ...) PT_PRINTF(3, 4);
static void refuse(host_write_result *r, host_write_refusal why, const char *fmt, ...)
{
    va_list ap;
    r->refusal = why;
    va_start(ap, fmt);
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
}

/* How it stands; `done` will say how it ended when that is not yet known. */
static pt_status join(record *r, host_write_done *done, void *ctx, host_write_result *out)
{
    *out = r->r;
    if (r->r.state != HOST_WRITE_SENT || !done) return PT_OK;
    if (r->n_watches == WATCHES_MAX) {
        *out = (host_write_result){ .state = HOST_WRITE_REFUSED };
        refuse(out, HOST_WRITE_BUSY, "%d requests wait for this write already", WATCHES_MAX);
        return PT_OK;
    }
    watch *x = calloc(1, sizeof *x);
    if (!x) return PT_ENOMEM;
    *x = (watch){ .next = r->watches, .done = done, .ctx = ctx };
    r->watches = x;
    r->n_watches++;
    return PT_OK;
}

/* ---- starting one ---- */

/* True: answered without a write of its own. With the lock. */
static bool known_or_full(host_writes *w, const host_write_request *rq, host_write_done *done, void *ctx, host_write_result *out,
                          pt_status *st)
{
    record *same = rq->key.len ? pt_map_get_ptr(&w->by_key, rq->key) : NULL;
    *out = (host_write_result){ .state = HOST_WRITE_REFUSED };
    *st = PT_OK;
    if (same && (!pt_slice_eq_cstr(rq->path, same->path) || !pt_slice_eq_cstr(rq->value_json, same->value_json)))
        refuse(out, HOST_WRITE_CONFLICT, "this Idempotency-Key belongs to another write");
    else if (same) *st = join(same, done, ctx, out); /* said before: the same answer, nothing sent again */
    else if (w->stopping) refuse(out, HOST_WRITE_NOT_READY, "this host is stopping");
    else if (w->n_records >= RECORDS_MAX) refuse(out, HOST_WRITE_BUSY, "%d writes are open already, or not yet in the audit", RECORDS_MAX);
    else return false;
    return true;
}

/* What is now known of tag and value. With the lock. PT_ENOMEM. */
static pt_status describe(record *r, const host_command *c)
{
    r->want = c->value;
    snprintf(r->before, sizeof r->before, "%s", c->current_json);
    spb_class k = spb_datatype_class(c->value.type);
    if (!c->value.is_null && (k == SPB_CLASS_STRING || k == SPB_CLASS_BYTES || k == SPB_CLASS_ARRAY)) {
        r->want_bytes = pt_slice_dup(c->value.as.bytes);
        if (!r->want_bytes) return PT_ENOMEM;
        r->want.as.bytes.ptr = r->want_bytes;
    }
    if (!c->found) return PT_OK;
    size_t n = strlen(c->group) + strlen(c->edge) + 2;
    r->node = malloc(n);
    if (!r->node) return PT_ENOMEM;
    snprintf(r->node, n, "%s/%s", c->group, c->edge);
    r->r.tag_id = c->tag_id;
    return PT_OK;
}

/* From now on DATA of the tag counts. With the lock. */
static pt_status arm(host_writes *w, record *r, const host_command *c, int64_t confirm_ms)
{
    uint64_t first = 0;
    (void)pt_map_get_u64(&w->by_tag, r->r.tag_id, &first);
    r->same_tag = (record *)(uintptr_t)first;
    if (pt_map_put_u64(&w->by_tag, r->r.tag_id, (uintptr_t)r, NULL) != PT_OK) return PT_ENOMEM;
    r->armed = true;
    r->same = host_command_stands(c, &c->value);
    r->sent_mono = pt_mono_ms(w->clock);
    r->deadline_mono = r->sent_mono + confirm_ms;
    r->settle_mono = r->sent_mono + SETTLE_MS;
    for (record *other = r->same_tag; other; other = other->same_tag) /* what another write does to the tag is not known yet */
        r->same = other->same = false;
    return PT_OK;
}

static void refused(host_writes *w, record *r, host_write_refusal why, const char *fmt, const char *text)
{
    pthread_mutex_lock(&w->lock);
    if (r->r.state == HOST_WRITE_SENT) { /* the plant may have been quicker than the error */
        refuse(&r->r, why, fmt, text);
        finish(w, r, HOST_WRITE_REFUSED);
    }
    pthread_mutex_unlock(&w->lock);
}

/* Audited and armed before it is sent: the answer may be quick. */
static void audit_and_send(host_writes *w, record *r, host_command *c, const host_writes_options *o, int64_t now)
{
    pt_error err = { 0, "" };
    if (audit(w, r, "requested", now, &err) != PT_OK) {
        r->unwritten = true;
        refused(w, r, HOST_WRITE_NOT_READY, "nothing was sent, because the audit cannot be written: %s", err.text);
        return;
    }
    pthread_mutex_lock(&w->lock);
    pt_status st = arm(w, r, c, o->confirm_ms);
    pthread_mutex_unlock(&w->lock);
    if (st == PT_OK) st = host_command_send(c, o, w->send, w->send_ctx, now);
    if (st != PT_OK) refused(w, r, HOST_WRITE_NOT_READY, "the command could not be sent: %s", host_command_not_sent(st));
    else tell(w, r, now); /* the request; a quick outcome may have been told before: it carries its times */
}

static void run(host_writes *w, record *r, const host_write_request *rq, const host_writes_options *o, int64_t now)
{
    host_command c;
    char why[HOST_COMMAND_WHY];
    host_command_init(&c);
    pt_status st = host_command_look(&c, w->tree, w->ingest, rq->path);
    host_write_refusal no = st == PT_OK ? host_command_check(&c, o, rq, why) : HOST_WRITE_ACCEPTED;
    pthread_mutex_lock(&w->lock);
    if (st == PT_OK) st = describe(r, &c);
    pthread_mutex_unlock(&w->lock);
    if (st != PT_OK) refused(w, r, HOST_WRITE_NOT_READY, "%s", "out of memory");
    else if (no != HOST_WRITE_ACCEPTED) refused(w, r, no, "%s", why);
    else audit_and_send(w, r, &c, o, now);
    host_command_fini(&c);
}

pt_status host_writes_start(host_writes *w, const host_write_request *rq, host_write_done *done, void *ctx, host_write_result *out,
                            _Atomic uint64_t *id)
{
    record *r = NULL;
    pt_status st;
    int64_t now = pt_wall_ms(w->clock);
    pthread_mutex_lock(&w->lock);
    forget_old(w, now);
    host_writes_options o = w->opt;
    bool known = known_or_full(w, rq, done, ctx, out, &st);
    if (!known) st = enter(w, rq, now, &r);
    if (id) *id = r ? r->r.id : out->id;
    pthread_mutex_unlock(&w->lock);
    if (known || st != PT_OK) return st;
    run(w, r, rq, &o, now);
    say_finished(w);
    pthread_mutex_lock(&w->lock);
    r->pinned = false;
    if (--w->starting == 0) pthread_cond_broadcast(&w->started);
    st = join(r, done, ctx, out);
    pthread_mutex_unlock(&w->lock);
    call_due(w); /* others who said the same */
    return st;
}

pt_status host_writes_watch(host_writes *w, uint64_t id, host_write_done *done, void *ctx, host_write_result *out)
{
    uint64_t at;
    pthread_mutex_lock(&w->lock);
    pt_status st = pt_map_get_u64(&w->by_id, id, &at) ? join((record *)(uintptr_t)at, done, ctx, out) : PT_ENOTFOUND;
    pthread_mutex_unlock(&w->lock);
    return st;
}

pt_status host_writes_get(host_writes *w, uint64_t id, host_write_result *out)
{
    uint64_t at;
    pthread_mutex_lock(&w->lock);
    bool found = pt_map_get_u64(&w->by_id, id, &at);
    if (found) *out = ((record *)(uintptr_t)at)->r;
    pthread_mutex_unlock(&w->lock);
    return found ? PT_OK : PT_ENOTFOUND;
}

/* ---- outcomes ---- */

/* With the lock. */
static void see_value(host_writes *w, record *r, const spb_value *v, int64_t now)
{
    host__value_json(v, r->r.seen);
    if (spb_value_equal(v, &r->want)) {
        finish(w, r, HOST_WRITE_CONFIRMED);
    } else if (!r->deviates) { /* perhaps it was on its way before the command: wait a little for a better one */
        r->deviates = true;
        r->same = false;
        r->settle_mono = now + SETTLE_MS;
    }
}

void host_writes_see(host_writes *w, const uns_update *u, size_t n)
{
    if (atomic_load(&w->n_open) == 0) return;
    int64_t now = pt_mono_ms(w->clock);
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < n; i++) {
        uint64_t first = 0;
        if (!pt_map_get_u64(&w->by_tag, u[i].tag_id, &first)) continue;
        for (record *r = (record *)(uintptr_t)first, *next; r; r = next) {
            next = r->same_tag;
            see_value(w, r, &u[i].value, now);
        }
    }
    pthread_mutex_unlock(&w->lock);
    call_due(w);
}

/* Nothing came since it was sent, and the value still stands there: so it was done, or there was nothing to do. */
static bool still_stands(const host_writes *w, record *r)
{
    host_command c;
    host_command_init(&c);
    bool ok = host_command_look(&c, w->tree, NULL, pt_cstr(r->path)) == PT_OK && c.found && c.tag_id == r->r.tag_id &&
              host_command_stands(&c, &r->want);
    if (ok) snprintf(r->r.seen, sizeof r->r.seen, "%s", c.current_json);
    host_command_fini(&c);
    return ok;
}

static void time_out(host_writes *w)
{
    if (atomic_load(&w->n_open) == 0) return;
    int64_t now = pt_mono_ms(w->clock);
    pthread_mutex_lock(&w->lock);
    for (record *r = w->open, *next; r; r = next) {
        next = r->open_next;
        if (!r->armed) continue;
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
    call_due(w);
    say_finished(w);
}

void host_writes_stop(host_writes *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    while (w->starting)
        pthread_cond_wait(&w->started, &w->lock);
    while (w->open)
        finish(w, w->open, HOST_WRITE_UNKNOWN);
    pthread_mutex_unlock(&w->lock);
    call_due(w);
    say_finished(w);
}
