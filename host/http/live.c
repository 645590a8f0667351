/* host/http/live.c -- the ring, and the readers' streams.
 *
 * One lock: live.lock guards ring, texts, the list of streams and their new selections. The rest of a stream belongs to `more`, which never
 * runs twice at a time. The lock is not held while the tree is read. */
#include "host/http/live.h"

#include "base/glob.h"
#include "host/query/sink.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { RING = 1u << 17, STREAMS_MAX = 200, PIECE = 60000, HEARTBEAT_MS = 15000, GLOBS_MAX = 1000 };

typedef struct entry {
    uint32_t tag;     /* 0: text */
    const char *kind; /* static */
    char *text;       /* owned */
} entry;

typedef struct bits {
    uint64_t *words;
    size_t n; /* words */
} bits;

typedef struct stream {
    host_live *live;
    struct stream *next;
    uint64_t sid;
    char **globs; /* owned texts */
    size_t n_globs;
    char **new_globs; /* guarded by live.lock: what globs are to become; NULL: as they are */
    size_t n_new_globs;
    bool reselect; /* the selection changed: decide anew, send a snapshot */
    bool events, tree, int64_string, first;
    int64_t gap_ms; /* between two batches */
    int64_t next_mono, beat_mono;
    uint64_t at;      /* place in the ring: everything before is sent or pending */
    uint64_t safe_at; /* everything before is sent: the id a reader may come back with */
    bool reset;       /* tell `reset` before the snapshot */
    bits decided, wanted, known, dirty;
    uint32_t *pending; /* tags to send, in order */
    size_t n_pending, cap_pending, sent_pending;
    bool pending_snapshot; /* pending is a snapshot */
    char **texts;          /* alternating: owned texts to send */
    const char **kinds;
    size_t n_texts, cap_texts;
    uint64_t conflated;
    pt_http_stream_ops ops;
} stream;

struct host_live {
    uns_tree *tree;
    const pt_clock *clock;
    pthread_mutex_t lock;
    entry *ring;
    uint64_t head; /* entries ever appended */
    uint64_t epoch;
    stream *streams;
    uint32_t n_streams;
    uint64_t next_sid, conflated;
};

/* ---- bits ---- */

static bool bit_get(const bits *b, uint32_t i)
{
    return i / 64 < b->n && (b->words[i / 64] >> (i % 64) & 1u);
}

static bool bit_set(bits *b, uint32_t i, bool on)
{
    if (i / 64 >= b->n) {
        if (!on) return true;
        size_t n = i / 64 + 64;
        uint64_t *grown = realloc(b->words, n * sizeof *grown);
        if (!grown) return false;
        memset(grown + b->n, 0, (n - b->n) * sizeof *grown);
        b->words = grown;
        b->n = n;
    }
    if (on) b->words[i / 64] |= (uint64_t)1 << (i % 64);
    else b->words[i / 64] &= ~((uint64_t)1 << (i % 64));
    return true;
}

static void bits_clear(bits *b)
{
    if (b->n) memset(b->words, 0, b->n * sizeof *b->words);
}

/* ---- the ring ---- */

pt_status host_live_new(uns_tree *tree, const pt_clock *clock, host_live **out)
{
    host_live *l = calloc(1, sizeof *l);
    if (!l) return PT_ENOMEM;
    l->ring = calloc(RING, sizeof *l->ring);
    if (!l->ring || pthread_mutex_init(&l->lock, NULL) != 0) {
        free(l->ring);
        free(l);
        return PT_ENOMEM;
    }
    l->tree = tree;
    l->clock = clock;
    l->epoch = (uint64_t)pt_wall_ms(clock);
    *out = l;
    return PT_OK;
}

void host_live_free(host_live *l)
{
    if (!l) return;
    for (size_t i = 0; i < RING; i++)
        free(l->ring[i].text);
    free(l->ring);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void append(host_live *l, uint32_t tag, const char *kind, char *text)
{
    entry *e = &l->ring[l->head++ % RING];
    free(e->text);
    *e = (entry){ .tag = tag, .kind = kind, .text = text };
}

void host_live_values(host_live *l, const uns_update *u, size_t n)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < n; i++)
        append(l, u[i].tag_id, NULL, NULL);
    pthread_mutex_unlock(&l->lock);
}

void host_live_tags(host_live *l, const uint32_t *ids, size_t n)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < n; i++)
        append(l, ids[i], NULL, NULL);
    pthread_mutex_unlock(&l->lock);
}

void host_live_text(host_live *l, const char *kind, pt_slice json)
{
    char *text = pt_slice_dup(json);
    if (!text) return; /* readers see the state itself at the next look */
    pthread_mutex_lock(&l->lock);
    append(l, 0, kind, text);
    pthread_mutex_unlock(&l->lock);
}

void host_live_stats_get(host_live *l, host_live_stats *out)
{
    pthread_mutex_lock(&l->lock);
    *out = (host_live_stats){ .streams = l->n_streams, .appended = l->head, .conflated = l->conflated };
    pthread_mutex_unlock(&l->lock);
}

/* ---- a stream: selection ---- */

static size_t globs_of(const stream *s, pt_slice globs[GLOBS_MAX])
{
    size_t n = s->n_globs < GLOBS_MAX ? s->n_globs : GLOBS_MAX;
    for (size_t i = 0; i < n; i++)
        globs[i] = pt_cstr(s->globs[i]);
    return n;
}

static bool selected(const stream *s, pt_slice path)
{
    pt_slice globs[GLOBS_MAX];
    return pt_glob_selects(globs, globs_of(s, globs), path);
}

static bool pend(stream *s, uint32_t id)
{
    if (bit_get(&s->dirty, id)) {
        s->conflated++;
        return true;
    }
    if (s->n_pending == s->cap_pending) {
        size_t cap = s->cap_pending ? s->cap_pending * 2 : 256;
        uint32_t *grown = realloc(s->pending, cap * sizeof *grown);
        if (!grown) return false;
        s->pending = grown;
        s->cap_pending = cap;
    }
    s->pending[s->n_pending++] = id;
    return bit_set(&s->dirty, id, true);
}

static bool see_selected(void *ctx, const uns_tag_view *v)
{
    stream *s = ctx;
    bit_set(&s->decided, v->def.tag_id, true);
    bit_set(&s->wanted, v->def.tag_id, true);
    if (v->has_value) pend(s, v->def.tag_id);
    return true;
}

static void take_snapshot(stream *s)
{
    pt_slice globs[GLOBS_MAX + 1];
    size_t n = globs_of(s, globs);
    bits_clear(&s->decided);
    bits_clear(&s->wanted);
    bits_clear(&s->dirty);
    s->n_pending = s->sent_pending = 0;
    if (pt_glob_only_excludes(globs, n)) globs[n++] = PT_LIT("**");
    uns_select(s->live->tree, globs, n, false, see_selected, s);
    s->pending_snapshot = true;
}

typedef struct decide_ctx {
    stream *s;
    pt_buf *added;
    bool any;
} decide_ctx;

static void see_decide(void *ctx, const uns_tag_view *v)
{
    decide_ctx *d = ctx;
    bool want = !v->def.hidden && selected(d->s, v->def.path);
    bit_set(&d->s->decided, v->def.tag_id, true);
    bit_set(&d->s->wanted, v->def.tag_id, want);
    if (!want || !d->s->tree) return;
    pt_json j;
    pt_json_init(&j, d->added);
    if (d->any) pt_buf_char(d->added, ',');
    pt_json_str(&j, v->def.path);
    d->any = true;
}

/* ---- a stream: writing ---- */

static void head(stream *s, pt_buf *out, const char *event)
{
    pt_buf_printf(out, "id: %llx-%llu\nevent: %s\ndata: ", (unsigned long long)s->live->epoch, (unsigned long long)s->safe_at, event);
}

typedef struct row_ctx {
    stream *s;
    pt_buf *dict, *rows;
    uint32_t n_dict, n_rows;
} row_ctx;

static void see_row(void *ctx, const uns_tag_view *v)
{
    row_ctx *r = ctx;
    pt_json j;
    if (!bit_get(&r->s->known, v->def.tag_id)) {
        bit_set(&r->s->known, v->def.tag_id, true);
        if (r->n_dict++) pt_buf_char(r->dict, ',');
        pt_json_init(&j, r->dict);
        pt_json_array(&j);
        pt_json_u64(&j, v->def.tag_id);
        pt_json_str(&j, v->def.path);
        pt_json_str(&j, pt_cstr(spb_datatype_name(v->def.type)));
        if (v->def.unit.len) pt_json_str(&j, v->def.unit);
        else pt_json_null(&j);
        pt_json_end_array(&j);
    }
    if (!v->has_value) return;
    if (r->n_rows++) pt_buf_char(r->rows, ',');
    char q[2] = { spb_quality_letter(v->quality), '\0' };
    pt_json_init(&j, r->rows);
    pt_json_array(&j);
    pt_json_u64(&j, v->def.tag_id);
    pt_json_i64(&j, v->time_ms);
    query_json_value(&j, &v->value, r->s->int64_string);
    pt_json_str(&j, pt_slice_of(q, 1));
    pt_json_end_array(&j);
}

/* As many pending tags as fit a piece. */
static void write_rows(stream *s, pt_buf *out)
{
    pt_buf dict, rows;
    pt_buf_init(&dict, 64u << 20);
    pt_buf_init(&rows, 64u << 20);
    row_ctx r = { s, &dict, &rows, 0, 0 };
    while (s->sent_pending < s->n_pending && dict.len + rows.len < PIECE) {
        uint32_t id = s->pending[s->sent_pending++];
        bit_set(&s->dirty, id, false);
        if (uns_read_id(s->live->tree, id, see_row, &r) != PT_OK) continue; /* gone since */
    }
    if (r.n_dict) {
        head(s, out, "dict");
        pt_buf_printf(out, "[%.*s]\n\n", PT_SLICE_ARGS(pt_buf_view(&dict)));
    }
    if (r.n_rows) {
        head(s, out, s->pending_snapshot ? "snapshot" : "value");
        pt_buf_printf(out, "[%.*s]\n\n", PT_SLICE_ARGS(pt_buf_view(&rows)));
    }
    if (s->sent_pending >= s->n_pending) {
        s->n_pending = s->sent_pending = 0;
        s->pending_snapshot = false;
    }
    pt_buf_fini(&dict);
    pt_buf_fini(&rows);
}

static bool keep_text(stream *s, const entry *e)
{
    if (s->n_texts == s->cap_texts) {
        size_t cap = s->cap_texts ? s->cap_texts * 2 : 32;
        char **grown = realloc(s->texts, cap * sizeof *grown);
        if (grown) s->texts = grown;
        const char **kinds = grown ? realloc(s->kinds, cap * sizeof *kinds) : NULL;
        if (kinds) s->kinds = kinds;
        if (!grown || !kinds) return false;
        s->cap_texts = cap;
    }
    char *copy = strdup(e->text);
    if (!copy) return false;
    s->texts[s->n_texts] = copy;
    s->kinds[s->n_texts++] = e->kind;
    return true;
}

/* What happened since our place; false: the ring has gone over us. */
static bool collect(stream *s)
{
    host_live *l = s->live;
    bool ok = true;
    pthread_mutex_lock(&l->lock);
    if (l->head - s->at > RING) {
        s->at = l->head;
        ok = false;
    }
    for (; ok && s->at < l->head; s->at++) {
        const entry *e = &l->ring[s->at % RING];
        if (e->tag) {
            if (!bit_get(&s->decided, e->tag) || bit_get(&s->wanted, e->tag)) ok = pend(s, e->tag);
        } else if (e->text && (s->events || strcmp(e->kind, "event") != 0)) {
            ok = keep_text(s, e);
        }
    }
    if (!ok) s->at = l->head;
    l->conflated += s->conflated;
    s->conflated = 0;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

/* New tags: are they wanted? */
static void decide(stream *s, pt_buf *out)
{
    pt_buf added;
    pt_buf_init(&added, 16u << 20);
    decide_ctx d = { s, &added, false };
    size_t keep = 0;
    for (size_t i = 0; i < s->n_pending; i++) {
        uint32_t id = s->pending[i];
        if (!bit_get(&s->decided, id) && uns_read_id(s->live->tree, id, see_decide, &d) != PT_OK) continue;
        if (bit_get(&s->wanted, id)) s->pending[keep++] = id;
        else bit_set(&s->dirty, id, false);
    }
    s->n_pending = keep;
    if (d.any && pt_buf_status(&added) == PT_OK) {
        head(s, out, "tree");
        pt_buf_printf(out, "{\"added\":[%.*s],\"moved\":[],\"removed\":[]}\n\n", PT_SLICE_ARGS(pt_buf_view(&added)));
    }
    pt_buf_fini(&added);
}

static void write_texts(stream *s, pt_buf *out)
{
    size_t i = 0;
    for (; i < s->n_texts && out->len < PIECE; i++) {
        head(s, out, s->kinds[i]);
        pt_buf_printf(out, "%s\n\n", s->texts[i]);
        free(s->texts[i]);
    }
    memmove(s->texts, s->texts + i, (s->n_texts - i) * sizeof *s->texts);
    memmove(s->kinds, s->kinds + i, (s->n_texts - i) * sizeof *s->kinds);
    s->n_texts -= i;
}

static void globs_free(char **globs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(globs[i]);
    free(globs);
}

/* Another selection has been asked for. */
static void take_selection(stream *s)
{
    pthread_mutex_lock(&s->live->lock);
    char **fresh = s->new_globs;
    size_t n = s->n_new_globs;
    s->new_globs = NULL;
    s->n_new_globs = 0;
    pthread_mutex_unlock(&s->live->lock);
    if (!fresh) return;
    globs_free(s->globs, s->n_globs);
    s->globs = fresh;
    s->n_globs = n;
    s->reselect = true;
}

static pt_status more(void *arg, pt_buf *out)
{
    stream *s = arg;
    host_live *l = s->live;
    int64_t now = pt_mono_ms(l->clock);
    take_selection(s);
    if (s->first) {
        s->first = false;
        pt_buf_cstr(out, "retry: 3000\n\n");
        head(s, out, "hello");
        pt_buf_printf(out, "{\"sid\":\"%llx\",\"server_time\":%lld,\"epoch\":\"%llx\",\"rate\":%lld}\n\n", (unsigned long long)s->sid,
                      (long long)pt_wall_ms(l->clock), (unsigned long long)l->epoch, (long long)(1000 / s->gap_ms));
        s->beat_mono = now;
    }
    if (s->reset) {
        s->reset = false;
        head(s, out, "reset");
        pt_buf_cstr(out, "{\"reason\":\"the stream could not be resumed\"}\n\n");
        bits_clear(&s->known);
    }
    if (s->reselect) {
        s->reselect = false;
        take_snapshot(s);
    }
    bool busy = s->sent_pending < s->n_pending || s->n_texts > 0;
    if (!busy && now >= s->next_mono) {
        s->next_mono = now + s->gap_ms;
        if (!collect(s)) { /* too slow even for conflated values: say so, and begin with the present again */
            head(s, out, "lag");
            pt_buf_cstr(out, "{\"conflated\":true,\"dropped\":true}\n\n");
            take_snapshot(s);
        } else if (s->n_pending) {
            decide(s, out);
        }
    }
    if (s->n_texts) write_texts(s, out);
    if (s->n_pending) write_rows(s, out);
    if (out->len == 0 && now - s->beat_mono >= HEARTBEAT_MS) pt_buf_cstr(out, ": hb\n\n");
    if (out->len) s->beat_mono = now;
    bool again = s->n_pending > 0 || s->n_texts > 0;
    if (!again && s->safe_at != s->at) { /* all of it is in this piece */
        s->safe_at = s->at;
        if (out->len) pt_buf_printf(out, "id: %llx-%llu\n\n", (unsigned long long)l->epoch, (unsigned long long)s->at);
    }
    if (pt_buf_status(out) != PT_OK) return PT_ECLOSED;
    return again ? PT_OK : out->len ? PT_OK : PT_EEMPTY;
}

static void stream_free(stream *s)
{
    if (!s) return;
    globs_free(s->globs, s->n_globs);
    globs_free(s->new_globs, s->n_new_globs);
    for (size_t i = 0; i < s->n_texts; i++)
        free(s->texts[i]);
    free(s->texts);
    free((void *)s->kinds);
    free(s->pending);
    free(s->decided.words);
    free(s->wanted.words);
    free(s->known.words);
    free(s->dirty.words);
    free(s);
}

static void closed(void *arg)
{
    stream *s = arg;
    host_live *l = s->live;
    pthread_mutex_lock(&l->lock);
    stream **at = &l->streams;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at) {
        *at = s->next;
        l->n_streams--;
    }
    pthread_mutex_unlock(&l->lock);
    stream_free(s);
}

static char **globs_copy(const pt_slice *globs, size_t n)
{
    char **copy = calloc(n ? n : 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = pt_slice_dup(globs[i]))) {
            globs_free(copy, i);
            return NULL;
        }
    return copy;
}

/* `<epoch>-<place>`: is it in our ring? */
static bool resume_at(host_live *l, pt_slice id, uint64_t *at)
{
    char buf[64];
    unsigned long long epoch = 0, place = 0;
    int used = 0;
    if (id.len == 0 || id.len >= sizeof buf) return false;
    memcpy(buf, id.ptr, id.len);
    buf[id.len] = '\0';
    if (sscanf(buf, "%llx-%llu%n", &epoch, &place, &used) != 2 || (size_t)used != id.len || epoch != l->epoch) return false;
    pthread_mutex_lock(&l->lock);
    bool in = place <= l->head && l->head - place <= RING;
    pthread_mutex_unlock(&l->lock);
    *at = place;
    return in;
}

void host_live_serve(host_live *l, pt_http_request *rq, const host_live_query *q)
{
    stream *s = calloc(1, sizeof *s);
    pt_slice globs[GLOBS_MAX], rest = q->select, one;
    size_t n = 0;
    while (rest.ptr && rest.len && n < GLOBS_MAX && pt_slice_split(&rest, ',', &one))
        if (one.len) globs[n++] = one;
    if (!s) {
        pt_http_problem(rq, 503, "not-ready", "no memory for another stream");
        return;
    }
    s->live = l;
    s->globs = globs_copy(globs, n);
    if (!s->globs) {
        stream_free(s);
        pt_http_problem(rq, 503, "not-ready", "no memory for another stream");
        return;
    }
    s->n_globs = n;
    s->events = q->events;
    s->tree = q->tree;
    s->int64_string = q->int64_string;
    s->first = true;
    s->gap_ms = 1000 / (q->rate ? q->rate : 4);
    bool resumed = q->last_event_id.len && resume_at(l, q->last_event_id, &s->at);
    s->reset = q->last_event_id.len && !resumed;
    s->reselect = !resumed && q->snapshot;
    pthread_mutex_lock(&l->lock);
    if (l->n_streams >= STREAMS_MAX) {
        pthread_mutex_unlock(&l->lock);
        stream_free(s);
        pt_http_problem(rq, 429, "rate-limited", "there are %d live streams already", STREAMS_MAX);
        return;
    }
    if (!resumed) s->at = l->head;
    s->safe_at = s->at;
    s->sid = ++l->next_sid;
    s->next = l->streams;
    l->streams = s;
    l->n_streams++;
    pthread_mutex_unlock(&l->lock);
    s->ops = (pt_http_stream_ops){ .more = more, .closed = closed, .idle_ms = s->gap_ms };
    pt_http_set_header(rq, "Cache-Control", "no-cache");
    pt_http_set_header(rq, "X-Accel-Buffering", "no");
    (void)pt_http_stream_begin(rq, 200, "text/event-stream; charset=utf-8", &s->ops, s); /* NULL: `closed` has run */
}

pt_status host_live_select(host_live *l, pt_slice sid, const pt_slice *globs, size_t n)
{
    char hex[24];
    char **copy = globs_copy(globs, n);
    if (!copy) return PT_ENOMEM;
    pthread_mutex_lock(&l->lock);
    stream *s = l->streams;
    for (; s; s = s->next) {
        int len = snprintf(hex, sizeof hex, "%llx", (unsigned long long)s->sid);
        if (pt_slice_eq(pt_slice_of(hex, (size_t)len), sid)) break;
    }
    if (s) {
        globs_free(s->new_globs, s->n_new_globs); /* one that nobody has seen yet */
        s->new_globs = copy;
        s->n_new_globs = n;
    }
    pthread_mutex_unlock(&l->lock);
    if (!s) globs_free(copy, n);
    return s ? PT_OK : PT_ENOTFOUND;
}
