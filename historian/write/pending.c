/* historian/write/pending.c -- the rows of each tag that are committed to the journal and not yet in a block.
 *
 * Kept in key order without gaps: nearly every sample is newer than the last and goes to the end; a late one is moved into its place. Room
 * grows from 2 rows, first to the double, from 8 rows on by half: a tag that was never heard of costs nothing, one that is heard of once an
 * hour little. */
#include "historian/write/pending.h"

static inline hist__hot *hot_at(hist__pending *p, uint32_t tag_id)
{
    return hist__per_tag_at(&p->hot, tag_id, sizeof(hist__hot));
}

pt_status hist__pending_init(hist__pending *p, const hist_options *o)
{
    p->o = o;
    p->bytes = 0;
    return pthread_mutex_init(&p->lock, NULL) == 0 ? PT_OK : PT_ENOMEM;
}

void hist__pending_fini(hist__pending *p)
{
    hist__pending_reset(p);
    hist__per_tag_fini(&p->hot);
    pthread_mutex_destroy(&p->lock);
}

pt_status hist__pending_reserve(hist__pending *p, uint32_t tag_id)
{
    return hist__per_tag_reserve(&p->hot, tag_id, sizeof(hist__hot));
}

void hist__pending_lock(hist__pending *p)
{
    pthread_mutex_lock(&p->lock);
}

void hist__pending_unlock(hist__pending *p)
{
    pthread_mutex_unlock(&p->lock);
}

/* ---- readers ------------------------------------------------------------------------------------------------ */

hist__stored hist__pending_stored(hist__pending *p, uint32_t tag_id)
{
    pthread_mutex_lock(&p->lock);
    const hist__hot *hot = hot_at(p, tag_id);
    hist__stored s = { .samples = hot->samples, .first_ms = hot->first_ms, .last_ms = hot->last_ms, .pending = hot->n };
    pthread_mutex_unlock(&p->lock);
    return s;
}

pt_status hist__pending_copy(hist__pending *p, uint32_t tag_id, int64_t from_ms, int64_t to_ms, hist__rows *out)
{
    pthread_mutex_lock(&p->lock);
    const hist__hot *hot = hot_at(p, tag_id);
    size_t lo = hist__rows_lower(hot->rows, hot->n, from_ms), hi = hist__rows_lower(hot->rows, hot->n, to_ms);
    pt_status st = lo < hi ? hist__rows_add(out, hot->rows + lo, hi - lo) : PT_OK;
    pthread_mutex_unlock(&p->lock);
    return st;
}

pt_status hist__pending_before(hist__pending *p, uint32_t tag_id, int64_t at_ms, bool states, pt_arena *arena, hist_sample *out)
{
    pthread_mutex_lock(&p->lock);
    const hist__hot *hot = hot_at(p, tag_id);
    const hist_sample *s = hist__rows_last(hot->rows, hot->n, at_ms, states);
    pt_status st = s ? hist__sample_dup(s, arena, out) : PT_EEMPTY;
    pthread_mutex_unlock(&p->lock);
    return st;
}

/* ---- looking, alone ----------------------------------------------------------------------------------------- */

const hist_sample *hist__pending_find(hist__pending *p, uint32_t tag_id, int64_t time_ms, bool state)
{
    const hist__hot *hot = hot_at(p, tag_id);
    for (size_t i = hist__rows_lower(hot->rows, hot->n, time_ms); i < hot->n && hot->rows[i].time_ms == time_ms; i++) {
        if (hist__is_state(&hot->rows[i]) == state) return &hot->rows[i];
    }
    return NULL;
}

const hist_sample *hist__pending_rows(hist__pending *p, uint32_t tag_id, int64_t from_ms, int64_t to_ms, size_t *n)
{
    const hist__hot *hot = hot_at(p, tag_id);
    size_t lo = hist__rows_lower(hot->rows, hot->n, from_ms);
    size_t hi = to_ms == INT64_MAX ? hot->n : hist__rows_lower(hot->rows, hot->n, to_ms);
    *n = lo < hi ? hi - lo : 0;
    return *n ? hot->rows + lo : NULL;
}

/* ---- putting rows in ---------------------------------------------------------------------------------------- */

static bool owns_bytes(const hist_sample *s)
{
    return hist__has_value(s) && hist__family_of_type(s->type) == HIST__BYTES;
}

static pt_status grow(hist__pending *p, hist__hot *hot)
{
    uint32_t cap = hot->cap < 2 ? 2 : hot->cap < 8 ? hot->cap * 2 : hot->cap + hot->cap / 2;
    if (hot->cap < p->o->block_samples && cap > p->o->block_samples) cap = p->o->block_samples;
    hist_sample *rows = realloc(hot->rows, cap * sizeof *rows);
    if (!rows) return PT_ENOMEM;
    p->bytes += (uint64_t)(cap - hot->cap) * sizeof *rows;
    hot->rows = rows;
    hot->cap = cap;
    return PT_OK;
}

static void release_bytes(hist__pending *p, hist__hot *hot, const hist_sample *s)
{
    if (!owns_bytes(s)) return;
    hot->value_bytes -= s->len + 1;
    p->bytes -= s->len + 1;
    free((char *)(uintptr_t)s->as.ptr);
}

/* The place of this key, from the end: nearly always that is where it goes. *equal: a row of this key is there. */
static uint32_t place_of(const hist__hot *hot, int64_t time_ms, bool state, bool *equal)
{
    uint32_t at = hot->n;
    *equal = false;
    while (at > 0) { /* nearly always stops at once */
        int cmp = hist__key_cmp(hot->rows[at - 1].time_ms, hist__is_state(&hot->rows[at - 1]), time_ms, state);
        if (cmp < 0) break;
        if (at > 8 && cmp > 0) { /* far back: search instead of walking */
            at = (uint32_t)hist__rows_lower(hot->rows, hot->n, time_ms);
            while (at < hot->n && hist__key_cmp(hot->rows[at].time_ms, hist__is_state(&hot->rows[at]), time_ms, state) < 0)
                at++;
            *equal = at < hot->n && hist__key_cmp(hot->rows[at].time_ms, hist__is_state(&hot->rows[at]), time_ms, state) == 0;
            break;
        }
        at--;
        if (cmp == 0) {
            *equal = true;
            break;
        }
    }
    return at;
}

/* *known: an equal key was there. */
static inline pt_status put(hist__pending *p, hist__hot *hot, const hist_sample *s, uint64_t row, bool *known)
{
    hist_sample copy = *s;
    copy.reserved = 0;
    bool equal = false, bytes = owns_bytes(s);
    if (bytes) {
        char *own = malloc(s->len ? s->len : 1);
        if (!own) return PT_ENOMEM;
        if (s->len) memcpy(own, s->as.ptr, s->len);
        copy.as.ptr = own;
    }
    uint32_t at = place_of(hot, s->time_ms, hist__is_state(s), &equal);
    if (equal) {
        release_bytes(p, hot, &hot->rows[at]);
        hot->rows[at] = copy;
    } else {
        if (hot->n == hot->cap && grow(p, hot) != PT_OK) {
            if (bytes) free((char *)(uintptr_t)copy.as.ptr);
            return PT_ENOMEM;
        }
        if (at < hot->n) memmove(&hot->rows[at + 1], &hot->rows[at], (hot->n - at) * sizeof *hot->rows);
        hot->rows[at] = copy;
        hot->n++;
    }
    if (bytes) {
        hot->value_bytes += copy.len + 1;
        p->bytes += copy.len + 1;
    }
    if (hot->first_row == 0) hot->first_row = row;
    *known = equal;
    return PT_OK;
}

static inline void count(hist__hot *hot, uint64_t samples, int64_t first_ms, int64_t last_ms)
{
    if (hot->samples == 0 || first_ms < hot->first_ms) hot->first_ms = first_ms;
    if (hot->samples == 0 || last_ms > hot->last_ms) hot->last_ms = last_ms;
    hot->samples += samples;
}

static inline pt_status put_and_count(hist__pending *p, hist__hot *hot, const hist_sample *s, uint64_t row, bool stored)
{
    bool known = false;
    pt_status st = put(p, hot, s, row, &known);
    if (st == PT_OK && !hist__is_state(s)) count(hot, !known && !stored, s->time_ms, s->time_ms);
    return st;
}

pt_status hist__pending_put(hist__pending *p, const hist_sample *s, uint64_t row, bool stored)
{
    return put_and_count(p, hot_at(p, s->tag_id), s, row, stored);
}

void hist__pending_add_stored(hist__pending *p, uint32_t tag_id, uint64_t samples, int64_t first_ms, int64_t last_ms)
{
    count(hot_at(p, tag_id), samples, first_ms, last_ms);
}

/* A sample goes to the end of its tag's rows, which nobody has touched since the tag's last one: fetch them ahead. */
static inline void fetch_ahead(hist__pending *p, const hist_sample *s, size_t i, size_t n)
{
    if (i + 24 < n) __builtin_prefetch(hot_at(p, s[i + 24].tag_id), 1);
    if (i + 12 >= n) return;
    const hist__hot *hot = hot_at(p, s[i + 12].tag_id);
    if (!hot->n || hot->n == hot->cap) return;
    __builtin_prefetch(&hot->rows[hot->n - 1]);
    __builtin_prefetch(&hot->rows[hot->n], 1);
}

pt_status hist__pending_add(hist__pending *p, const hist_sample *s, size_t n, uint64_t row, uint32_t *full, size_t *n_full)
{
    const uint32_t block = p->o->block_samples;
    pt_status st = PT_OK;
    *n_full = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < n; i++) {
        fetch_ahead(p, s, i, n);
        hist__hot *hot = hot_at(p, s[i].tag_id);
        if ((st = put_and_count(p, hot, &s[i], row, s[i].reserved != 0)) != PT_OK) break;
        if (hot->n >= block || hot->value_bytes > HIST__BLOCK_VALUE_BYTES) full[(*n_full)++] = s[i].tag_id;
    }
    pthread_mutex_unlock(&p->lock);
    return st;
}

/* ---- taking them out ---------------------------------------------------------------------------------------- */

static void drop(hist__pending *p, hist__hot *hot, int64_t before_ms)
{
    uint32_t n = before_ms == INT64_MAX ? hot->n : (uint32_t)hist__rows_lower(hot->rows, hot->n, before_ms);
    for (uint32_t i = 0; hot->value_bytes && i < n; i++)
        release_bytes(p, hot, &hot->rows[i]);
    if (n) memmove(hot->rows, hot->rows + n, (hot->n - n) * sizeof *hot->rows);
    hot->n -= n;
    if (hot->n == 0) hot->first_row = 0;
}

static void clear(hist__pending *p, hist__hot *hot)
{
    bool fast = hot->n >= p->o->block_samples; /* it fills its room again soon */
    drop(p, hot, INT64_MAX);
    if (fast && p->bytes <= p->o->pending_bytes) return;
    p->bytes -= (uint64_t)hot->cap * sizeof *hot->rows;
    free(hot->rows);
    hot->rows = NULL;
    hot->cap = 0;
}

void hist__pending_drop(hist__pending *p, const uint32_t *tags, size_t n, int64_t before_ms)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < n; i++)
        drop(p, hot_at(p, tags[i]), before_ms);
    pthread_mutex_unlock(&p->lock);
}

void hist__pending_clear(hist__pending *p, const uint32_t *tags, size_t n)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < n; i++)
        clear(p, hot_at(p, tags[i]));
    pthread_mutex_unlock(&p->lock);
}

void hist__pending_reset(hist__pending *p)
{
    uint32_t n = hist__per_tag_room(&p->hot);
    for (uint32_t id = 1; id <= n; id++) {
        hist__hot *hot = hot_at(p, id);
        if (!hot->rows && !hot->samples) continue;
        drop(p, hot, INT64_MAX);
        p->bytes -= (uint64_t)hot->cap * sizeof *hot->rows;
        free(hot->rows);
        *hot = (hist__hot){ 0 };
    }
}

/* ---- what is stored altogether ------------------------------------------------------------------------------ */

void hist__pending_uncount(hist__pending *p, uint32_t tag_id, uint64_t samples)
{
    pthread_mutex_lock(&p->lock);
    hist__hot *hot = hot_at(p, tag_id);
    hot->samples -= samples < hot->samples ? samples : hot->samples;
    pthread_mutex_unlock(&p->lock);
}

void hist__pending_set_stored(hist__pending *p, uint32_t tag_id, uint64_t samples, int64_t first_ms, int64_t last_ms)
{
    pthread_mutex_lock(&p->lock);
    hist__hot *hot = hot_at(p, tag_id);
    hot->samples = samples;
    hot->first_ms = first_ms;
    hot->last_ms = last_ms;
    pthread_mutex_unlock(&p->lock);
}
