/* historian/write/claims.c -- who owns a path, and who owned it when.
 *
 * Memory knows who owns a path now, catalog.db's tag_path who owned it when. The present owner may not be on disk yet: what memory says is
 * put over what was read. A directory written before paths had one owner may have claims over each other: the later one counts from where
 * it begins. */
#include "historian/write/catalog.h"
#include "historian/files/files.h"

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

static pt_status read_claims(hist__catalog *c, pt_slice path, claims *found, pt_error *err)
{
    pthread_mutex_lock(&c->reader_lock);
    pt_status st = c->claims ? hist__db_bind_slice(c->claims, 1, path) : PT_OK; /* without a file memory knows all */
    bool row = false;
    while (st == PT_OK && c->claims && (st = hist__db_step(c->reader, c->claims, &row, err)) == PT_OK && row) {
        bool open = sqlite3_column_type(c->claims, 2) == SQLITE_NULL;
        st = add(found, (hist_claim){ .tag_id = (uint32_t)sqlite3_column_int64(c->claims, 0),
                                      .from_ms = sqlite3_column_int64(c->claims, 1),
                                      .to_ms = open ? INT64_MAX : sqlite3_column_int64(c->claims, 2) });
    }
    if (c->claims) sqlite3_reset(c->claims);
    pthread_mutex_unlock(&c->reader_lock);
    return st;
}

/* What memory knows and the file may not know yet. */
static pt_status add_present(hist__catalog *c, pt_slice path, int64_t now_ms, claims *found)
{
    uint64_t owner = 0;
    hist_claim *last = found->n ? &found->at[found->n - 1] : NULL;
    pt_status st = PT_OK;
    pthread_rwlock_rdlock(&c->lock);
    if (!pt_map_get(&c->by_path, path, &owner)) {
        if (last && last->to_ms == INT64_MAX) {
            const hist__tag *t = last->tag_id <= hist__catalog_count(c) ? hist__catalog_at(c, last->tag_id) : NULL;
            last->to_ms = t && t->path_dirty && t->left_ms > last->from_ms ? t->left_ms : now_ms;
        }
    } else if (!last || last->tag_id != owner || last->to_ms != INT64_MAX) {
        const hist__tag *t = hist__catalog_at(c, (uint32_t)owner);
        int64_t from = t->owns_ms;
        if (last && from < last->from_ms) from = last->from_ms; /* the clock was set back */
        st = add(found, (hist_claim){ .tag_id = (uint32_t)owner, .from_ms = from, .to_ms = INT64_MAX });
    }
    pthread_rwlock_unlock(&c->lock);
    return st;
}

pt_status hist__catalog_claims(hist__catalog *c, pt_slice path, int64_t now_ms, pt_arena *arena, hist_claim **out, size_t *n, pt_error *err)
{
    claims found = { .arena = arena };
    *out = NULL;
    *n = 0;
    pt_status st = path.len ? read_claims(c, path, &found, err) : PT_OK;
    if (st == PT_OK && path.len) st = add_present(c, path, now_ms, &found);
    if (st != PT_OK) return pt_fail(err, st, "the owners of a path cannot be read: %s", pt_status_name(st));
    *out = found.at;
    *n = found.n;
    return PT_OK;
}
