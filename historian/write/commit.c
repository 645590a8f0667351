/* historian/write/commit.c -- one batch on its way to disk: classify, write, apply.
 *
 * Classify (once per batch, no matter how often the commit is tried): a sample newer than everything its tag ever had is new without
 * looking. The others are late: sorted by key and compared with the batch itself, the pending rows and the blocks, they are new, duplicates
 * (left out) or replacements. A sample's `reserved` byte carries the verdict.
 *
 * Write: tags and events to catalog.db, then the samples to journal.db, one row per chunk. The order matters: a sample on disk always has
 * its tag. Apply: only what is committed becomes visible to readers. */
#include "historian/write/write.h"

#include <stdlib.h>

enum { NEW, REPLACED, DUPLICATE, LATE }; /* 0: as hist__pending_add takes it */

/* ---- classify ----------------------------------------------------------------------------------------------- */

/* The block of the tag that covers this time becomes the one looked into; look->valid is false when there is none, or it can't be read. */
static void look_into(hist *h, hist__look *look, uint32_t tag_id, int64_t start_ms, int64_t time_ms)
{
    hist__conn *c = NULL;
    pt_error err = { 0 };
    bool row = false;
    pt_status st = hist__conn_take(&h->weeks, start_ms, &c, &err);
    if (st == PT_ENOTFOUND) return;
    look->valid = false;
    if (st == PT_OK) {
        sqlite3_bind_int64(c->before, 1, tag_id);
        sqlite3_bind_int64(c->before, 2, time_ms);
        st = hist__db_step(c->db, c->before, &row, &err);
    }
    if (st == PT_OK && row && sqlite3_column_int64(c->before, 1) >= time_ms) {
        look->tag_id = tag_id;
        look->start_ms = start_ms;
        look->t0 = sqlite3_column_int64(c->before, 0);
        look->t1 = sqlite3_column_int64(c->before, 1);
        look->count++;
        hist__rows_reset(&look->rows);
        st = hist__block_decode(c->codec, sqlite3_column_blob(c->before, 3), (size_t)sqlite3_column_bytes(c->before, 3), NULL, &look->rows,
                                &err);
        look->valid = st == PT_OK;
    }
    if (row) sqlite3_reset(c->before);
    if (st == PT_OK) hist__conn_give(&h->weeks, c);
    else hist__conn_close(c);
    if (st != PT_OK) pt_logf(h->log, PT_LOG_ERROR, "HIST-LOOK-FAILED", "tag %u at %lld ms: %s", tag_id, (long long)time_ms, err.text);
}

static bool looks_at(const hist__look *look, uint32_t tag_id, int64_t start_ms, int64_t time_ms)
{
    return look->valid && look->tag_id == tag_id && look->start_ms == start_ms && time_ms >= look->t0 && time_ms <= look->t1;
}

const hist_sample *hist__find_in_blocks(hist *h, uint32_t tag_id, int64_t time_ms, bool state)
{
    hist__look *look = &h->writer.look;
    const hist__mark *mark = hist__mark_at(&h->writer, tag_id);
    if (!mark->has_sealed || time_ms > mark->sealed_ms) return NULL;
    int64_t start_ms = hist__partition_start(time_ms);
    if (!looks_at(look, tag_id, start_ms, time_ms)) look_into(h, look, tag_id, start_ms, time_ms);
    if (!looks_at(look, tag_id, start_ms, time_ms)) return NULL;
    size_t lo = 0, hi = look->rows.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const hist_sample *m = &look->rows.s[mid];
        if (hist__key_cmp(m->time_ms, hist__is_state(m), time_ms, state) < 0) lo = mid + 1;
        else hi = mid;
    }
    const hist_sample *f = lo < look->rows.n ? &look->rows.s[lo] : NULL;
    return f && f->time_ms == time_ms && hist__is_state(f) == state ? f : NULL;
}

bool hist__left_out(const hist__look *look, const hist_sample *s)
{
    const hist__rows *r = &look->rows;
    if (!look->valid || look->tag_id != s->tag_id || s->time_ms < look->t0 || s->time_ms > look->t1) return false;
    size_t lo = 0, hi = r->n; /* the first row behind it */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->s[mid].time_ms <= s->time_ms) lo = mid + 1;
        else hi = mid;
    }
    return lo > 0 && lo < r->n && (r->s[lo].flags & HIST_THINNED) && isfinite(r->deviation) &&
           hist__distance(&r->s[lo - 1], &r->s[lo], s) <= r->deviation;
}

/* First pass: mark late samples; returns how many, and lists their tags in *tags (U64 map). */
static pt_status mark_late(hist *h, hist__batch *b, uint64_t *late, pt_map *tags)
{
    for (hist__chunk *c = b->chunks; c; c = c->next) {
        for (uint32_t i = 0; i < c->n; i++) {
            hist_sample *s = &c->s[i];
            if (b->classified >= 1) {
                if (s->reserved != LATE) continue;
            } else {
                hist__mark *mark = hist__mark_at(&h->writer, s->tag_id);
                bool state = hist__is_state(s);
                if (!mark->has_max || s->time_ms > mark->max_ms || (s->time_ms == mark->max_ms && state && !mark->max_state)) {
                    mark->has_max = true;
                    mark->max_ms = s->time_ms;
                    mark->max_state = state;
                    s->reserved = NEW;
                    continue;
                }
                s->reserved = LATE;
            }
            ++*late;
        }
    }
    b->classified = 1;
    for (hist__chunk *c = *late ? b->chunks : NULL; c; c = c->next) {
        for (uint32_t i = 0; i < c->n; i++) {
            if (c->s[i].reserved != LATE) continue;
            pt_status st = pt_map_put_u64(tags, c->s[i].tag_id, 1, NULL);
            if (st != PT_OK) return st;
        }
    }
    return PT_OK;
}

typedef struct arrival {
    hist_sample *s;
    uint64_t order;
} arrival;

static int by_key(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->s->tag_id != y->s->tag_id) return x->s->tag_id < y->s->tag_id ? -1 : 1;
    int cmp = hist__key_cmp(x->s->time_ms, hist__is_state(x->s), y->s->time_ms, hist__is_state(y->s));
    return cmp ? cmp : (x->order > y->order) - (x->order < y->order);
}

static bool same_key(const hist_sample *a, const hist_sample *b)
{
    return a->tag_id == b->tag_id && a->time_ms == b->time_ms && hist__is_state(a) == hist__is_state(b);
}

/* Second pass: every sample of a tag with late ones, in key order, equal keys in order of arrival. */
static pt_status judge_late(hist *h, hist__batch *b, const pt_map *tags)
{
    uint64_t count = 0, ignored = 0;
    for (hist__chunk *c = b->chunks; c; c = c->next) {
        for (uint32_t i = 0; i < c->n; i++)
            count += pt_map_get_u64(tags, c->s[i].tag_id, &ignored);
    }
    arrival *all = malloc((count + 1) * sizeof *all);
    if (!all) return PT_ENOMEM;
    size_t n = 0;
    for (hist__chunk *c = b->chunks; c; c = c->next) {
        for (uint32_t i = 0; i < c->n; i++) {
            if (pt_map_get_u64(tags, c->s[i].tag_id, &ignored)) {
                all[n] = (arrival){ &c->s[i], n };
                n++;
            }
        }
    }
    qsort(all, n, sizeof *all, by_key);
    const hist_sample *kept = NULL; /* of the key looked at: what is or will be stored */
    for (size_t i = 0; i < n; i++) {
        hist_sample *s = all[i].s;
        if (!kept || !same_key(kept, s)) {
            kept = NULL;
            if (s->reserved == LATE) {
                kept = hist__pending_find(&h->pending, s->tag_id, s->time_ms, hist__is_state(s));
                if (!kept) kept = hist__find_in_blocks(h, s->tag_id, s->time_ms, hist__is_state(s));
            }
        }
        uint8_t verdict = kept ? (hist__same_content(kept, s) ? DUPLICATE : REPLACED) : NEW;
        s->reserved = verdict;
        if (verdict != DUPLICATE) kept = s;
        else if (i + 1 < n && same_key(s, all[i + 1].s)) kept = s; /* same content; a block's row would not stay valid */
        else kept = NULL;
    }
    free(all);
    return PT_OK;
}

static void drop_duplicates(hist__batch *b)
{
    for (hist__chunk *c = b->chunks; c; c = c->next) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < c->n; i++) {
            if (c->s[i].reserved == DUPLICATE) {
                b->duplicates++;
                continue;
            }
            b->replaced += c->s[i].reserved == REPLACED;
            b->historical += c->s[i].reserved == NEW && (c->s[i].flags & HIST_HISTORICAL);
            if (kept != i) c->s[kept] = c->s[i];
            kept++;
        }
        c->n = kept;
    }
}

static void count_plain(hist__batch *b)
{
    for (hist__chunk *c = b->chunks; c; c = c->next) {
        for (uint32_t i = 0; i < c->n; i++)
            b->historical += (c->s[i].flags & HIST_HISTORICAL) != 0;
    }
}

static pt_status classify(hist *h, hist__batch *b)
{
    if (b->classified == 2) return PT_OK;
    uint64_t late = 0;
    pt_map tags;
    pt_map_init(&tags, PT_MAP_U64_KEYS);
    pt_status st = mark_late(h, b, &late, &tags);
    if (st == PT_OK && late) st = judge_late(h, b, &tags);
    if (st == PT_OK) {
        if (late) drop_duplicates(b);
        else count_plain(b);
        b->classified = 2;
    }
    pt_map_fini(&tags);
    return st;
}

/* ---- write -------------------------------------------------------------------------------------------------- */

pt_status hist__files_open(hist *h, pt_error *err)
{
    pt_status st = hist__catalog_open(&h->catalog, err);
    if (st == PT_OK) st = hist__journal_open(&h->journal, err);
    if (st != PT_OK) hist__files_close(h);
    return st;
}

void hist__files_close(hist *h)
{
    hist__journal_close(&h->journal);
    hist__catalog_close(&h->catalog);
}

static uint64_t samples_left(const hist__batch *b)
{
    uint64_t n = 0;
    for (const hist__chunk *c = b->chunks; c; c = c->next)
        n += c->n;
    return n;
}

pt_status hist__batch_commit(hist *h, pt_error *err)
{
    hist__batch *b = &h->writer.batch;
    pt_status st = classify(h, b);
    if (st != PT_OK) return pt_fail(err, st, "sorting late samples: %s", pt_status_name(st));
    if ((st = hist__files_open(h, err)) != PT_OK) return st;
    uint64_t samples = samples_left(b);
    if (!h->writer.batch_catalog_done) {
        h->writer.batch_seq = hist__journal_next_seq(&h->journal);
        st = hist__catalog_commit(&h->catalog, b->events, h->writer.batch_seq, err);
        if (st == PT_OK) h->writer.batch_catalog_done = true;
    }
    if (st == PT_OK && samples)
        st = hist__journal_append(&h->journal, b->chunks, h->writer.batch_seq + b->n_events, pt_wall_ms(h->clock), &h->writer.batch_row,
                                  err);
    if (st != PT_OK) {
        if (st != PT_ENOSPC) hist__files_close(h); /* whatever state it is in: a new connection next time */
        return st;
    }
    hist__journal_gave(&h->journal, h->writer.batch_seq + b->n_events + samples);
    h->writer.batch_catalog_done = false;
    return PT_OK;
}

/* ---- apply -------------------------------------------------------------------------------------------------- */

static pt_status queue_tag(hist *h, uint32_t tag_id)
{
    if (h->writer.n_seal == h->writer.cap_seal) {
        size_t cap = h->writer.cap_seal ? h->writer.cap_seal * 2 : 256;
        uint32_t *list = realloc(h->writer.seal_list, cap * sizeof *list);
        if (!list) return PT_ENOMEM;
        h->writer.seal_list = list;
        h->writer.cap_seal = cap;
    }
    h->writer.seal_list[h->writer.n_seal++] = tag_id;
    return PT_OK;
}

pt_status hist__batch_apply(hist *h)
{
    pt_status st = PT_OK;
    uint64_t row = (uint64_t)h->writer.batch_row;
    for (hist__chunk *c = h->writer.batch.chunks; c && st == PT_OK; c = c->next) {
        uint32_t full[HIST__CHUNK];
        size_t n = 0;
        if (c->n == 0) continue;
        st = hist__pending_add(&h->pending, c->s, c->n, row++, full, &n);
        for (size_t i = 0; st == PT_OK && i < n; i++) {
            hist__mark *mark = hist__mark_at(&h->writer, full[i]);
            if (mark->queued) continue;
            st = queue_tag(h, full[i]);
            mark->queued = st == PT_OK;
        }
    }
    return st;
}
