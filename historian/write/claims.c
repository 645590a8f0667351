/* historian/write/claims.c -- who owns a path, and who owned it when.
 *
 * Memory knows who owns a path now, catalog.db's tag_path who owned it when. The present owner may not be on disk yet: what memory says is
 * put over what was read. A directory written before paths had one owner may have claims over each other: the later one counts from where
 * it begins. */
#include "historian/write/write.h"

uint32_t hist_path_owner(hist *h, pt_slice path)
{
    uint64_t id = 0;
    pthread_rwlock_rdlock(&h->tag_lock);
    bool found = path.len && pt_map_get(&h->by_path, path, &id);
    pthread_rwlock_unlock(&h->tag_lock);
    return found ? (uint32_t)id : 0;
}

pt_status hist_path_take(hist *h, pt_slice path, uint32_t tag_id)
{
    if (h->lock_fd < 0) return PT_EREADONLY;
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return PT_ENOTFOUND;
    pthread_rwlock_wrlock(&h->tag_lock);
    hist__tag *t = hist__tag_at(h, tag_id);
    uint64_t owner = tag_id;
    pt_status st = t->id ? PT_OK : PT_ENOTFOUND;
    if (st == PT_OK && path.len && pt_map_get(&h->by_path, path, &owner) && owner != tag_id) {
        hist__tag *old = hist__tag_at(h, (uint32_t)owner);
        st = hist__tag_set_path(h, old, PT_LIT(""));
        if (st == PT_OK) st = hist__tag_touched(h, old);
    }
    if (st == PT_OK && !pt_slice_eq(path, pt_slice_of(t->path, t->path_len))) {
        st = hist__tag_set_path(h, t, path);
        if (st == PT_OK) st = hist__tag_touched(h, t);
    }
    pthread_rwlock_unlock(&h->tag_lock);
    return st;
}

typedef struct claims {
    hist_claim *at; /* in the arena */
    size_t n, cap;
    pt_arena *arena;
} claims;

/* One that begins later than all before; it cuts the one before short. One that ends before it begins was none. */
static pt_status add(claims *c, hist_claim one)
{
    if (c->n && c->at[c->n - 1].to_ms > one.from_ms) c->at[c->n - 1].to_ms = one.from_ms;
    if (c->n && c->at[c->n - 1].to_ms <= c->at[c->n - 1].from_ms) c->n--;
    if (c->n && c->at[c->n - 1].tag_id == one.tag_id && c->at[c->n - 1].to_ms == one.from_ms) {
        c->at[c->n - 1].to_ms = one.to_ms;
        return PT_OK;
    }
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 4;
        hist_claim *grown = pt_arena_alloc(c->arena, cap * sizeof *grown);
        if (!grown) return PT_ENOMEM;
        if (c->n) memcpy(grown, c->at, c->n * sizeof *grown);
        c->at = grown;
        c->cap = cap;
    }
    c->at[c->n++] = one;
    return PT_OK;
}

static pt_status read_claims(hist *h, pt_slice path, claims *c, pt_error *err)
{
    pthread_mutex_lock(&h->catalog_lock);
    pt_status st = hist__db_bind_slice(h->claims, 1, path);
    bool row = false;
    while (st == PT_OK && (st = hist__db_step(h->catalog_reader, h->claims, &row, err)) == PT_OK && row) {
        bool open = sqlite3_column_type(h->claims, 2) == SQLITE_NULL;
        st = add(c, (hist_claim){ .tag_id = (uint32_t)sqlite3_column_int64(h->claims, 0),
                                  .from_ms = sqlite3_column_int64(h->claims, 1),
                                  .to_ms = open ? INT64_MAX : sqlite3_column_int64(h->claims, 2) });
    }
    sqlite3_reset(h->claims);
    pthread_mutex_unlock(&h->catalog_lock);
    return st;
}

/* What memory knows and the file may not know yet. */
static pt_status add_present(hist *h, pt_slice path, claims *c)
{
    uint64_t owner = 0;
    hist_claim *last = c->n ? &c->at[c->n - 1] : NULL;
    pt_status st = PT_OK;
    pthread_rwlock_rdlock(&h->tag_lock);
    if (!pt_map_get(&h->by_path, path, &owner)) {
        if (last && last->to_ms == INT64_MAX) {
            const hist__tag *t = last->tag_id <= hist__tag_count(h) ? hist__tag_at(h, last->tag_id) : NULL;
            last->to_ms = t && t->path_dirty && t->changed_ms > last->from_ms ? t->changed_ms : pt_wall_ms(h->clock);
        }
    } else if (!last || last->tag_id != owner || last->to_ms != INT64_MAX) {
        const hist__tag *t = hist__tag_at(h, (uint32_t)owner);
        int64_t from = t->path_dirty ? t->changed_ms : last && last->to_ms < INT64_MAX ? last->to_ms : pt_wall_ms(h->clock);
        if (last && from < last->from_ms) from = last->from_ms; /* the clock was set back */
        st = add(c, (hist_claim){ .tag_id = (uint32_t)owner, .from_ms = from, .to_ms = INT64_MAX });
    }
    pthread_rwlock_unlock(&h->tag_lock);
    return st;
}

pt_status hist_path_claims(hist *h, pt_slice path, pt_arena *arena, hist_claim **out, size_t *n, pt_error *err)
{
    claims c = { .arena = arena };
    *out = NULL;
    *n = 0;
    pt_status st = h->lock_fd < 0 ? hist__journal_refresh(h, err) : PT_OK;
    if (st == PT_OK && path.len) st = read_claims(h, path, &c, err);
    if (st == PT_OK && path.len) st = add_present(h, path, &c);
    if (st != PT_OK) return pt_fail(err, st, "the owners of a path cannot be read: %s", pt_status_name(st));
    *out = c.at;
    *n = c.n;
    return PT_OK;
}

pt_status hist_path_line(hist *h, pt_slice path, pt_arena *arena, hist_line *out, pt_error *err)
{
    hist_claim *of = NULL;
    size_t n = 0;
    pt_status st = hist_path_claims(h, path, arena, &of, &n, err);
    if (st != PT_OK) return st;
    if (n == 0) return pt_fail(err, PT_ENOTFOUND, "there is no tag %.*s", PT_SLICE_ARGS(path));
    *out = hist_of_tag(of[n - 1].tag_id);
    if (n == 1 && of[0].to_ms == INT64_MAX) return PT_OK;
    hist_claim *line = pt_arena_alloc(arena, (2 * n) * sizeof *line);
    if (!line) return pt_fail(err, PT_ENOMEM, "out of memory");
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        line[k++] = of[i];
        int64_t next = i + 1 < n ? of[i + 1].from_ms : INT64_MAX;
        if (of[i].to_ms < next) line[k++] = (hist_claim){ .tag_id = 0, .from_ms = of[i].to_ms, .to_ms = next };
    }
    line[0].from_ms = INT64_MIN;
    out->claims = line;
    out->n = k;
    return PT_OK;
}
