/* historian/write/pending.c -- the rows of each tag that are committed to the journal and not yet in a block.
 *
 * Kept in key order without gaps: nearly every sample is newer than the last and goes to the end; a late one is moved into its place. Room
 * grows from 2 rows, first to the double, from 8 rows on by half: a tag that was never heard of costs nothing, one that is heard of once an
 * hour little. */
#include "historian/write/write.h"

#include <stdlib.h>

static bool owns_bytes(const hist_sample *s)
{
    return hist__has_value(s) && hist__family_of_type(s->type) == HIST__BYTES;
}

size_t hist__pending_lower(const hist__hot *hot, int64_t time_ms)
{
    size_t lo = 0, hi = hot->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (hot->rows[mid].time_ms < time_ms) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

const hist_sample *hist__pending_find(const hist__hot *hot, int64_t time_ms, bool state)
{
    for (size_t i = hist__pending_lower(hot, time_ms); i < hot->n && hot->rows[i].time_ms == time_ms; i++) {
        if (hist__is_state(&hot->rows[i]) == state) return &hot->rows[i];
    }
    return NULL;
}

static pt_status grow(hist *h, hist__hot *hot)
{
    uint32_t cap = hot->cap < 2 ? 2 : hot->cap < 8 ? hot->cap * 2 : hot->cap + hot->cap / 2;
    if (hot->cap < h->o.block_samples && cap > h->o.block_samples) cap = h->o.block_samples;
    hist_sample *rows = realloc(hot->rows, cap * sizeof *rows);
    if (!rows) return PT_ENOMEM;
    h->pending_bytes += (uint64_t)(cap - hot->cap) * sizeof *rows;
    hot->rows = rows;
    hot->cap = cap;
    return PT_OK;
}

pt_status hist__pending_put(hist *h, const hist_sample *s, uint64_t row, bool *known)
{
    hist__hot *hot = hist__hot_at(h, s->tag_id);
    hist_sample copy = *s;
    bool state = hist__is_state(s), equal = false;
    if (owns_bytes(s)) {
        char *bytes = malloc(s->len ? s->len : 1);
        if (!bytes) return PT_ENOMEM;
        if (s->len) memcpy(bytes, s->as.ptr, s->len);
        copy.as.ptr = bytes;
    }
    uint32_t at = hot->n;
    while (at > 0) { /* nearly always stops at once */
        int cmp = hist__key_cmp(hot->rows[at - 1].time_ms, hist__is_state(&hot->rows[at - 1]), s->time_ms, state);
        if (cmp < 0) break;
        if (at > 8 && cmp > 0) { /* far back: search instead of walking */
            at = (uint32_t)hist__pending_lower(hot, s->time_ms);
            while (at < hot->n && hist__key_cmp(hot->rows[at].time_ms, hist__is_state(&hot->rows[at]), s->time_ms, state) < 0)
                at++;
            equal = at < hot->n && hist__key_cmp(hot->rows[at].time_ms, hist__is_state(&hot->rows[at]), s->time_ms, state) == 0;
            break;
        }
        at--;
        if (cmp == 0) {
            equal = true;
            break;
        }
    }
    if (equal) {
        hist_sample *old = &hot->rows[at];
        if (owns_bytes(old)) {
            hot->value_bytes -= old->len + 1;
            h->pending_bytes -= old->len + 1;
            free((char *)(uintptr_t)old->as.ptr);
        }
        *old = copy;
    } else {
        if (hot->n == hot->cap) {
            pt_status st = grow(h, hot);
            if (st != PT_OK) {
                if (owns_bytes(&copy)) free((char *)(uintptr_t)copy.as.ptr);
                return st;
            }
        }
        if (at < hot->n) memmove(&hot->rows[at + 1], &hot->rows[at], (hot->n - at) * sizeof *hot->rows);
        hot->rows[at] = copy;
        hot->n++;
    }
    if (owns_bytes(&copy)) {
        hot->value_bytes += copy.len + 1;
        h->pending_bytes += copy.len + 1;
    }
    if (hot->first_row == 0) hot->first_row = row;
    *known = equal;
    return PT_OK;
}

void hist__pending_clear(hist *h, uint32_t tag_id)
{
    hist__hot *hot = hist__hot_at(h, tag_id);
    for (uint32_t i = 0; hot->value_bytes && i < hot->n; i++) {
        if (owns_bytes(&hot->rows[i])) free((char *)(uintptr_t)hot->rows[i].as.ptr);
    }
    h->pending_bytes -= hot->value_bytes;
    hot->value_bytes = 0;
    if (hot->n < h->o.block_samples || h->pending_bytes > h->o.pending_bytes) { /* a fast tag fills its room again soon */
        h->pending_bytes -= (uint64_t)hot->cap * sizeof *hot->rows;
        free(hot->rows);
        hot->rows = NULL;
        hot->cap = 0;
    }
    hot->n = 0;
    hot->first_row = 0;
}

void hist__pending_drop(hist *h, uint32_t tag_id, int64_t before_ms)
{
    hist__hot *hot = hist__hot_at(h, tag_id);
    uint32_t n = before_ms == INT64_MAX ? hot->n : (uint32_t)hist__pending_lower(hot, before_ms);
    for (uint32_t i = 0; hot->value_bytes && i < n; i++) {
        if (!owns_bytes(&hot->rows[i])) continue;
        hot->value_bytes -= hot->rows[i].len + 1;
        h->pending_bytes -= hot->rows[i].len + 1;
        free((char *)(uintptr_t)hot->rows[i].as.ptr);
    }
    if (n) memmove(hot->rows, hot->rows + n, (hot->n - n) * sizeof *hot->rows);
    hot->n -= n;
    if (hot->n == 0) hot->first_row = 0;
}

void hist__pending_free(hist *h)
{
    uint32_t n = hist__tag_count(h);
    for (uint32_t id = 1; id <= n; id++) {
        hist__hot *hot = hist__hot_at(h, id);
        hist__pending_clear(h, id);
        free(hot->rows);
        *hot = (hist__hot){ 0 };
    }
}
