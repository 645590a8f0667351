/* historian/read/replay.c -- many tags and the events, merged by time, in bounded memory.
 *
 * The range is worked off in slices of time: all rows of all selected tags in a slice are gathered, sorted by (time, tag), and given out,
 * events of the slice before the samples of the same millisecond. A slice that turns out too full is halved and gathered again; one that is
 * not full lets the next be longer. A slice of one millisecond can't be halved: it is given out tag by tag, which is its order anyway. */
#include "historian/read/replay.h"
#include "base/assert.h"
#include "base/glob.h"
#include "historian/read/scan.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLICE_ROWS = 262144, SLICE_BYTES = 16 << 20 };

typedef struct event_copy {
    hist_event e; /* slices point behind the struct */
    struct event_copy *next;
} event_copy;

struct hist_replay {
    hist *h; /* borrowed */
    int64_t to_ms;
    bool events;
    pt_arena tag_bytes;
    hist_tag *tags; /* owned; ascending tag_id */
    size_t n_tags, cap_tags;
    char *select_text; /* owned copy of the patterns */
    pt_slice *select;  /* owned */
    size_t n_select;

    int64_t slice_from, slice_to; /* the slice given out at present */
    int64_t width_ms;             /* of the next slice */
    size_t part_tag;              /* a one-millisecond slice is given out in parts: the next tag to gather; 0 otherwise */
    hist__rows rows;
    size_t at;
    event_copy *queue, *queue_end; /* events of the slice */
    event_copy *given;             /* the one just returned */
    uint64_t index;
    hist_tag *last_tag;
    bool no_memory;   /* while collecting tags */
    unsigned damaged; /* blocks of the slice that could not be read, not told yet */
    char damage[200]; /* the first of them */
};

static bool is_plumbing(pt_slice path)
{
    pt_slice piece;
    while (path.len && pt_slice_split(&path, '/', &piece)) {
        if (pt_slice_eq_cstr(piece, "_sparkplug")) return true;
    }
    return false;
}

static bool selected(const hist_replay *r, pt_slice path)
{
    return r->n_select ? pt_glob_selects(r->select, r->n_select, path) : !is_plumbing(path);
}

static bool collect_tag(void *ctx, const hist_tag *t)
{
    hist_replay *r = ctx;
    if (!selected(r, t->path)) return true;
    if (r->n_tags == r->cap_tags) {
        size_t cap = r->cap_tags ? r->cap_tags * 2 : 64;
        hist_tag *tags = realloc(r->tags, cap * sizeof *tags);
        if (!tags) return !(r->no_memory = true);
        r->tags = tags;
        r->cap_tags = cap;
    }
    hist_tag c = *t;
    pt_slice *text[] = { &c.key.source, &c.key.group, &c.key.edge, &c.key.device, &c.key.metric, &c.path, &c.unit };
    for (size_t i = 0; i < PT_COUNT_OF(text); i++) {
        *text[i] = pt_arena_dup(&r->tag_bytes, *text[i]);
        if (!text[i]->ptr) return !(r->no_memory = true);
    }
    r->tags[r->n_tags++] = c;
    return true;
}

static pt_status copy_select(hist_replay *r, const hist_replay_options *o)
{
    size_t bytes = 1;
    for (size_t i = 0; i < o->n_select; i++)
        bytes += o->select[i].len;
    r->select_text = malloc(bytes);
    r->select = calloc(o->n_select ? o->n_select : 1, sizeof *r->select);
    if (!r->select_text || !r->select) return PT_ENOMEM;
    char *to = r->select_text;
    for (size_t i = 0; i < o->n_select; i++) {
        if (o->select[i].len) memcpy(to, o->select[i].ptr, o->select[i].len);
        r->select[i] = pt_slice_of(to, o->select[i].len);
        to += o->select[i].len;
    }
    r->n_select = o->n_select;
    return PT_OK;
}

/* Widen [*first, *last] to the rows in [from, to): STATE rows, which no tag's first and last time tell of. Damage is met again on the way.
 */
static pt_status widen(hist_replay *r, int64_t from_ms, int64_t to_ms, int64_t *first, int64_t *last, pt_error *err)
{
    pt_status st = PT_OK;
    for (size_t i = 0; st == PT_OK && from_ms < to_ms && i < r->n_tags; i++) {
        hist__scan *scan = NULL;
        hist__piece piece;
        st = hist__scan_open(r->h, hist_of_tag(r->tags[i].tag_id), from_ms, to_ms, false, &scan, err);
        while (st == PT_OK) {
            st = hist__scan_next(scan, &piece, err);
            if (st == PT_ECORRUPT) {
                st = PT_OK;
                continue;
            }
            for (size_t k = 0; st == PT_OK && k < piece.n; k++) {
                if (piece.rows[k].time_ms < *first) *first = piece.rows[k].time_ms;
                if (piece.rows[k].time_ms > *last) *last = piece.rows[k].time_ms;
            }
        }
        if (st == PT_EEMPTY) st = PT_OK;
        hist__scan_close(scan);
    }
    return st;
}

/* The range cut to where there are rows or events at all, so that an open range does not walk through empty centuries. */
static pt_status clip_range(hist_replay *r, const hist_replay_options *o, pt_error *err)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    if (o->events) {
        char *path = hist__path(r->h, "catalog.db");
        sqlite3 *db = NULL;
        pt_status st = path ? hist__db_open(path, HIST__CATALOG, true, &db, err) : PT_ENOMEM;
        free(path);
        if (st == PT_OK) st = hist__db_number(db, "SELECT coalesce(min(time_ms), 9223372036854775807) FROM event", &first, err);
        if (st == PT_OK) st = hist__db_number(db, "SELECT coalesce(max(time_ms), -9223372036854775808) FROM event", &last, err);
        hist__db_close(db);
        if (st != PT_OK) return st;
    }
    for (size_t i = 0; i < r->n_tags; i++) {
        if (r->tags[i].first_ms > r->tags[i].last_ms) continue;
        if (r->tags[i].first_ms < first) first = r->tags[i].first_ms;
        if (r->tags[i].last_ms > last) last = r->tags[i].last_ms;
    }
    if (o->events) {
        int64_t before = first < o->to_ms ? first : o->to_ms, after = last < o->from_ms  ? o->from_ms
                                                                      : last < INT64_MAX ? last + 1
                                                                                         : INT64_MAX;
        pt_status st = widen(r, o->from_ms, before, &first, &last, err);
        if (st == PT_OK && after > before) st = widen(r, after, o->to_ms, &first, &last, err);
        if (st != PT_OK) return st;
    }
    if (first > last) last = first = o->to_ms; /* nothing at all */
    r->slice_to = o->from_ms > first ? o->from_ms : first;
    r->to_ms = last < INT64_MAX && last + 1 < o->to_ms ? last + 1 : o->to_ms;
    return PT_OK;
}

pt_status hist_replay_open(hist *h, const hist_replay_options *o, hist_replay **out, pt_error *err)
{
    hist_replay *r = calloc(1, sizeof *r);
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    r->h = h;
    r->events = o->events;
    r->width_ms = 3600000;
    pt_arena_init(&r->tag_bytes, SIZE_MAX / 2);
    hist__rows_init(&r->rows);
    pt_status st = copy_select(r, o);
    if (st == PT_OK) st = hist_tag_each(h, collect_tag, r);
    if (r->no_memory) st = PT_ENOMEM;
    if (st == PT_OK) st = clip_range(r, o, err);
    if (st != PT_OK) {
        hist_replay_close(r);
        return pt_fail(err, st, "replay: %s", pt_status_name(st));
    }
    *out = r;
    return PT_OK;
}

static void drop_events(hist_replay *r)
{
    while (r->queue) {
        event_copy *e = r->queue;
        r->queue = e->next;
        free(e);
    }
    r->queue_end = NULL;
    free(r->given);
    r->given = NULL;
}

void hist_replay_close(hist_replay *r)
{
    if (!r) return;
    drop_events(r);
    hist__rows_fini(&r->rows);
    pt_arena_fini(&r->tag_bytes);
    free(r->tags);
    free(r->select);
    free(r->select_text);
    free(r);
}

/* ---- gathering a slice -------------------------------------------------------------------------------------- */

typedef struct event_sink {
    hist_replay *r;
    bool failed;
} event_sink;

static bool event_selected(const hist_replay *r, const hist_event *e)
{
    if (r->n_select == 0) return true;
    if (e->path.ptr) return selected(r, e->path);
    for (size_t i = 0; i < r->n_tags && e->node.ptr; i++) { /* an event of a node that has a selected tag */
        const hist_tag_key *k = &r->tags[i].key;
        if (e->node.len == k->group.len + 1 + k->edge.len && pt_slice_starts(e->node, k->group) && e->node.ptr[k->group.len] == '/' &&
            pt_slice_eq(pt_slice_from(e->node, k->group.len + 1), k->edge))
            return true;
    }
    return false;
}

static bool collect_event(void *ctx, const hist_event *e)
{
    event_sink *k = ctx;
    if (!event_selected(k->r, e)) return true;
    const pt_slice from[] = { e->type, e->node, e->device, e->path, e->detail };
    size_t bytes = 0;
    for (size_t i = 0; i < PT_COUNT_OF(from); i++)
        bytes += from[i].len;
    event_copy *c = malloc(sizeof *c + bytes);
    if (!c) {
        k->failed = true;
        return false;
    }
    *c = (event_copy){ .e = *e };
    pt_slice *to[] = { &c->e.type, &c->e.node, &c->e.device, &c->e.path, &c->e.detail };
    char *p = (char *)(c + 1);
    for (size_t i = 0; i < PT_COUNT_OF(from); i++) {
        if (!from[i].ptr) continue;
        if (from[i].len) memcpy(p, from[i].ptr, from[i].len);
        to[i]->ptr = p;
        p += from[i].len;
    }
    if (k->r->queue_end) k->r->queue_end->next = c;
    else k->r->queue = c;
    k->r->queue_end = c;
    return true;
}

static pt_status gather_events(hist_replay *r, pt_error *err)
{
    event_sink k = { .r = r };
    hist_event_filter f = { .from_ms = r->slice_from, .to_ms = r->slice_to };
    pt_status st = hist_events(r->h, &f, collect_event, &k, err);
    return k.failed ? pt_fail(err, PT_ENOMEM, "out of memory") : st;
}

/* Rows of one tag in the slice; *full when there is no more room. */
static pt_status gather_tag(hist_replay *r, const hist_tag *t, bool *full, pt_error *err)
{
    if (!r->events && (t->first_ms > t->last_ms || t->first_ms >= r->slice_to)) return PT_OK;
    hist__scan *scan = NULL;
    hist__piece piece;
    pt_status st = hist__scan_open(r->h, hist_of_tag(t->tag_id), r->slice_from, r->slice_to, false, &scan, err);
    while (st == PT_OK && !*full) {
        pt_error why = { 0 };
        st = hist__scan_next(scan, &piece, &why);
        if (st == PT_ECORRUPT) { /* what is behind it is read all the same */
            if (r->damaged++ == 0) snprintf(r->damage, sizeof r->damage, "%.199s", why.text);
            st = PT_OK;
            continue;
        }
        if (st != PT_OK) {
            if (st != PT_EEMPTY) pt_fail(err, st, "%s", why.text);
            break;
        }
        for (size_t i = 0; st == PT_OK && i < piece.n; i++) {
            if (hist__is_state(&piece.rows[i]) && !r->events) continue;
            st = hist__rows_add(&r->rows, &piece.rows[i], 1);
        }
        *full = r->rows.n >= SLICE_ROWS || r->rows.bytes.used >= SLICE_BYTES;
    }
    hist__scan_close(scan);
    return st == PT_EEMPTY ? PT_OK : st;
}

static int by_time(const void *a, const void *b)
{
    const hist_sample *x = a, *y = b;
    if (x->time_ms != y->time_ms) return x->time_ms < y->time_ms ? -1 : 1;
    if (x->tag_id != y->tag_id) return x->tag_id < y->tag_id ? -1 : 1;
    return (int)hist__is_state(x) - (int)hist__is_state(y);
}

static pt_status gather(hist_replay *r, pt_error *err)
{
    for (;;) {
        bool full = false, single = r->slice_to - r->slice_from == 1;
        size_t i = r->part_tag;
        hist__rows_reset(&r->rows);
        r->at = 0;
        r->damaged = 0;
        for (; i < r->n_tags && !full; i++) {
            pt_status st = gather_tag(r, &r->tags[i], &full, err);
            if (st != PT_OK) return st;
        }
        if (!full || single) {
            r->part_tag = full && i < r->n_tags ? i : 0;
            break;
        }
        r->slice_to = r->slice_from + (r->slice_to - r->slice_from) / 2;
        r->width_ms = r->slice_to - r->slice_from;
    }
    if (r->rows.n) qsort(r->rows.s, r->rows.n, sizeof *r->rows.s, by_time);
    return PT_OK;
}

/* The next slice with anything in it. */
static pt_status next_slice(hist_replay *r, pt_error *err)
{
    for (;;) {
        drop_events(r);
        bool more_parts = r->part_tag > 0;
        if (!more_parts) {
            if (r->slice_to >= r->to_ms) return PT_EEMPTY;
            if (r->rows.n < SLICE_ROWS / 4 && r->width_ms < INT64_C(1) << 40) r->width_ms *= 2;
            r->slice_from = r->slice_to;
            r->slice_to = r->to_ms - r->slice_from > r->width_ms || r->to_ms - r->slice_from < 0 ? r->slice_from + r->width_ms : r->to_ms;
        }
        pt_status st = gather(r, err);
        if (st == PT_OK && r->events && !more_parts) st = gather_events(r, err);
        if (st != PT_OK) return st;
        if (r->rows.n || r->queue || r->damaged) return PT_OK;
    }
}

static const hist_tag *tag_of(hist_replay *r, uint32_t id)
{
    if (r->last_tag && r->last_tag->tag_id == id) return r->last_tag;
    size_t lo = 0, hi = r->n_tags;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->tags[mid].tag_id < id) lo = mid + 1;
        else hi = mid;
    }
    r->last_tag = &r->tags[lo];
    return r->last_tag;
}

pt_status hist_replay_next(hist_replay *r, hist_replay_item *item, pt_error *err)
{
    free(r->given);
    r->given = NULL;
    if (r->at == r->rows.n && !r->queue) {
        pt_status st = next_slice(r, err);
        if (st != PT_OK) return st;
        if (r->damaged > 1) return pt_fail(err, PT_ECORRUPT, "%s, and %u more", r->damage, r->damaged - 1);
        if (r->damaged) return pt_fail(err, PT_ECORRUPT, "%s", r->damage);
    }
    const hist_sample *s = r->at < r->rows.n ? &r->rows.s[r->at] : NULL;
    if (r->queue && (!s || r->queue->e.time_ms <= s->time_ms)) {
        r->given = r->queue;
        r->queue = r->given->next;
        if (!r->queue) r->queue_end = NULL;
        *item = (hist_replay_item){ .index = r->index++, .time_ms = r->given->e.time_ms, .kind = HIST_REPLAY_EVENT, .event = &r->given->e };
        return PT_OK;
    }
    r->at++;
    pt_assert(s != NULL); /* no event is left: then a sample is */
    *item = (hist_replay_item){
        .index = r->index++, .time_ms = s->time_ms, .kind = HIST_REPLAY_VALUE, .tag = tag_of(r, s->tag_id), .sample = s
    };
    return PT_OK;
}
