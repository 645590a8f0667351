/* historian/write/catalog.c -- tags by identity and by path, in memory and in catalog.db.
 *
 * Memory is first: a tag gets its id at once, is marked dirty, and reaches catalog.db with the next commit, before any sample that refers
 * to it. An id that was given out and lost with a crash is given out again: nothing on disk can refer to it. */
#include "historian/write/catalog.h"
#include "historian/write/batch.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_PARTS = 5, KEY_ON_STACK = 1024 };

static size_t key_size(const hist_tag_key *k)
{
    return k->source.len + k->group.len + k->edge.len + k->device.len + k->metric.len + KEY_PARTS;
}

/* The five parts, each with a NUL behind it; *out's slices then point into `to`. */
static void key_write(const hist_tag_key *k, char *to, hist_tag_key *out)
{
    const pt_slice *from[KEY_PARTS] = { &k->source, &k->group, &k->edge, &k->device, &k->metric };
    pt_slice *parts[KEY_PARTS] = { &out->source, &out->group, &out->edge, &out->device, &out->metric };
    for (int i = 0; i < KEY_PARTS; i++) {
        size_t len = from[i]->len;
        if (len) memcpy(to, from[i]->ptr, len);
        to[len] = 0;
        *parts[i] = pt_slice_of(to, len);
        to += len + 1;
    }
}

static char *dup_text(pt_slice s)
{
    return pt_slice_dup(s.ptr ? s : PT_LIT(""));
}

static pt_slice path_of(const hist__tag *t)
{
    return pt_slice_of(t->path, t->path_len);
}

static void tag_fini(hist__tag *t)
{
    free((char *)(uintptr_t)t->key_text.ptr);
    free(t->path);
    free(t->unit);
    *t = (hist__tag){ 0 };
}

static hist__tag *tag_at(hist__catalog *c, uint32_t id) /* 1..n_tags, or there is room for it */
{
    return hist__catalog_at(c, id);
}

/* Room for one more tag, here and elsewhere. */
static pt_status reserve(hist__catalog *c, uint32_t id)
{
    pt_status st = c->room(c->ctx, id);
    return st == PT_OK ? hist__per_tag_reserve(&c->tags, id, sizeof(hist__tag)) : st;
}

static pt_status mark_dirty(hist__catalog *c, hist__tag *t)
{
    if (t->dirty) return PT_OK;
    if (c->n_dirty == c->cap_dirty) {
        size_t cap = c->cap_dirty ? c->cap_dirty * 2 : 64;
        uint32_t *d = realloc(c->dirty, cap * sizeof *d);
        if (!d) return PT_ENOMEM;
        c->dirty = d;
        c->cap_dirty = cap;
    }
    c->dirty[c->n_dirty++] = t->id;
    t->dirty = true;
    return PT_OK;
}

/* Append tag `id` (n_tags + 1); the write lock is held or the store not shared yet. */
static pt_status add_tag(hist__catalog *c, uint32_t id, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit,
                         hist__tag **out)
{
    pt_status st = reserve(c, id);
    if (st != PT_OK) return st;
    hist__tag *t = tag_at(c, id);
    char *text = malloc(key_size(key));
    *t = (hist__tag){ .id = id, .path = dup_text(path), .path_len = path.len, .unit = dup_text(unit), .unit_len = unit.len, .type = type };
    t->key_text = pt_slice_of(text, key_size(key));
    if (!text || !t->path || !t->unit) {
        tag_fini(t);
        return PT_ENOMEM;
    }
    key_write(key, text, &t->key);
    if ((st = pt_map_put(&c->by_key, t->key_text, id, NULL)) != PT_OK ||
        (path.len && (st = pt_map_put(&c->by_path, path_of(t), id, NULL)) != PT_OK)) {
        pt_map_del(&c->by_key, t->key_text, NULL);
        tag_fini(t);
        return st;
    }
    atomic_store_explicit(&c->n_tags, id, memory_order_release);
    *out = t;
    return PT_OK;
}

/* It changed: to be written. The write lock is held. */
static pt_status touched(hist__catalog *c, hist__tag *t, int64_t now_ms)
{
    t->changed_ms = now_ms;
    return mark_dirty(c, t);
}

/* The tag owns that path since then, and its old one no more from now on; an empty one: none. The write lock is held; nobody else owns it.
 */
static pt_status set_path(hist__catalog *c, hist__tag *t, pt_slice path, int64_t since_ms, int64_t now_ms)
{
    uint64_t owner = 0;
    if (pt_slice_eq(path, path_of(t))) return PT_OK;
    char *copy = dup_text(path);
    pt_status st = !copy ? PT_ENOMEM : path.len ? pt_map_put(&c->by_path, path, t->id, NULL) : PT_OK;
    if (st != PT_OK) {
        free(copy);
        return st;
    }
    if (t->path_len && pt_map_get(&c->by_path, path_of(t), &owner) && owner == t->id) pt_map_del(&c->by_path, path_of(t), NULL);
    free(t->path);
    t->path = copy;
    if (t->path_len) t->left_ms = now_ms;
    t->path_len = path.len;
    t->owns_ms = since_ms < t->left_ms ? t->left_ms : since_ms; /* its claims do not lie over each other */
    t->path_dirty = true;
    return PT_OK;
}

/* Whoever owns the path, but for `tag_id`, does so no more since then: not before it began to, nor in the future; *since_ms is then when.
 * The write lock is held. */
static pt_status make_way(hist__catalog *c, pt_slice path, uint64_t tag_id, int64_t now_ms, int64_t *since_ms)
{
    uint64_t owner = tag_id;
    if (*since_ms > now_ms) *since_ms = now_ms;
    if (!path.len || !pt_map_get(&c->by_path, path, &owner) || owner == tag_id) return PT_OK;
    hist__tag *t = tag_at(c, (uint32_t)owner);
    if (*since_ms <= t->owns_ms) *since_ms = t->owns_ms < now_ms ? t->owns_ms + 1 : now_ms;
    pt_status st = set_path(c, t, PT_LIT(""), *since_ms, *since_ms);
    return st == PT_OK ? touched(c, t, now_ms) : st;
}

/* The path as the tag may have it: none when another tag owns it. What was imported under a path makes way for a source that appears there.
 */
static pt_status path_for(hist__catalog *c, uint64_t tag_id, const hist_tag_key *key, int64_t now_ms, pt_slice *path, int64_t *since_ms)
{
    uint64_t owner = tag_id;
    *since_ms = now_ms;
    if (!path->len || !pt_map_get(&c->by_path, *path, &owner) || owner == tag_id) return PT_OK;
    if (pt_slice_eq_cstr(tag_at(c, (uint32_t)owner)->key.source, "import") && !pt_slice_eq_cstr(key->source, "import")) {
        *since_ms = INT64_MIN; /* what it brings from before this moment is its own: the import is of the past */
        return make_way(c, *path, tag_id, now_ms, since_ms);
    }
    *path = PT_LIT("");
    return PT_OK;
}

/* Bring path, type and unit up to date; the write lock is held. */
static pt_status update_tag(hist__catalog *c, hist__tag *t, pt_slice path, spb_datatype type, pt_slice unit, int64_t since_ms,
                            int64_t now_ms)
{
    char *new_unit = NULL;
    if (!pt_slice_eq(unit, pt_slice_of(t->unit, t->unit_len)) && !(new_unit = dup_text(unit))) return PT_ENOMEM;
    pt_status st = set_path(c, t, path, since_ms, now_ms);
    if (st != PT_OK) {
        free(new_unit);
        return st;
    }
    if (new_unit) {
        free(t->unit);
        t->unit = new_unit;
        t->unit_len = unit.len;
    }
    t->type = type;
    return PT_OK;
}

static bool up_to_date(const hist__tag *t, pt_slice path, spb_datatype type, pt_slice unit)
{
    return t->type == type && pt_slice_eq(path, path_of(t)) && pt_slice_eq(unit, pt_slice_of(t->unit, t->unit_len));
}

pt_status hist__catalog_ensure(hist__catalog *c, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit, int64_t now_ms,
                               bool may_change, uint32_t *tag_id)
{
    char stack[KEY_ON_STACK], *text = stack;
    size_t size = key_size(key);
    hist_tag_key local;
    if (size > sizeof stack && !(text = malloc(size))) return PT_ENOMEM;
    key_write(key, text, &local);
    uint64_t id = 0;
    bool current = false;
    pthread_rwlock_rdlock(&c->lock);
    if (pt_map_get(&c->by_key, pt_slice_of(text, size), &id)) current = up_to_date(tag_at(c, (uint32_t)id), path, type, unit);
    pthread_rwlock_unlock(&c->lock);

    pt_status st = PT_OK;
    if (!current && !may_change) st = PT_EREADONLY;
    else if (!current) {
        pthread_rwlock_wrlock(&c->lock);
        hist__tag *t = NULL;
        bool known = pt_map_get(&c->by_key, pt_slice_of(text, size), &id);
        if (!known) id = hist__catalog_count(c) + 1u;
        int64_t since_ms;
        st = path_for(c, id, &local, now_ms, &path, &since_ms);
        if (st == PT_OK && known) {
            t = tag_at(c, (uint32_t)id);
            current = up_to_date(t, path, type, unit);
            if (!current) st = update_tag(c, t, path, type, unit, since_ms, now_ms);
        } else if (st == PT_OK) {
            st = add_tag(c, (uint32_t)id, &local, path, type, unit, &t);
            if (st == PT_OK) t->is_new = t->path_dirty = true;
            if (st == PT_OK) t->owns_ms = since_ms;
        }
        if (st == PT_OK && !current) st = touched(c, t, now_ms);
        pthread_rwlock_unlock(&c->lock);
    }
    if (text != stack) free(text);
    if (st == PT_OK) *tag_id = (uint32_t)id;
    return st;
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

static bool dup_into(pt_arena *a, pt_slice s, pt_slice *out)
{
    *out = pt_arena_dup(a, s);
    return out->ptr != NULL;
}

/* A copy of the tag in `arena`; the read lock is held. */
static pt_status copy_tag(const hist__tag *t, pt_arena *arena, hist_tag *out)
{
    *out = (hist_tag){ .tag_id = t->id, .type = t->type };
    return dup_into(arena, t->key.source, &out->key.source) && dup_into(arena, t->key.group, &out->key.group) &&
                   dup_into(arena, t->key.edge, &out->key.edge) && dup_into(arena, t->key.device, &out->key.device) &&
                   dup_into(arena, t->key.metric, &out->key.metric) && dup_into(arena, path_of(t), &out->path) &&
                   dup_into(arena, pt_slice_of(t->unit, t->unit_len), &out->unit)
               ? PT_OK
               : PT_ENOMEM;
}

pt_status hist__catalog_tag(hist__catalog *c, uint32_t tag_id, pt_arena *arena, hist_tag *out)
{
    if (tag_id == 0 || tag_id > hist__catalog_count(c)) return PT_ENOTFOUND;
    pthread_rwlock_rdlock(&c->lock);
    const hist__tag *t = tag_at(c, tag_id);
    pt_status st = t->id ? copy_tag(t, arena, out) : PT_ENOTFOUND;
    pthread_rwlock_unlock(&c->lock);
    return st;
}

uint32_t hist__catalog_owner(hist__catalog *c, pt_slice path)
{
    uint64_t id = 0;
    pthread_rwlock_rdlock(&c->lock);
    bool found = path.len && pt_map_get(&c->by_path, path, &id);
    pthread_rwlock_unlock(&c->lock);
    return found ? (uint32_t)id : 0;
}

pt_status hist__catalog_take(hist__catalog *c, pt_slice path, uint32_t tag_id, int64_t since_ms, int64_t now_ms)
{
    if (tag_id == 0 || tag_id > hist__catalog_count(c)) return PT_ENOTFOUND;
    pthread_rwlock_wrlock(&c->lock);
    hist__tag *t = tag_at(c, tag_id);
    pt_status st = t->id ? make_way(c, path, tag_id, now_ms, &since_ms) : PT_ENOTFOUND;
    if (st == PT_OK && !pt_slice_eq(path, path_of(t))) {
        st = set_path(c, t, path, since_ms, now_ms);
        if (st == PT_OK) st = touched(c, t, now_ms);
    }
    pthread_rwlock_unlock(&c->lock);
    return st;
}

/* ---- disk --------------------------------------------------------------------------------------------------- */

/* A row of the file. A directory of before a path had one owner, or a refresh that comes to the new owner first: the later row has it. */
static pt_status load_tag(hist__catalog *c, uint32_t id, const hist_tag_key *key, pt_slice path, spb_datatype type, pt_slice unit,
                          int64_t owns_ms, int64_t now_ms)
{
    hist__tag *t = NULL;
    int64_t since_ms = owns_ms;
    pt_status st = make_way(c, path, id, now_ms, &since_ms);
    if (st != PT_OK) return st;
    if (id > hist__catalog_count(c)) {
        st = add_tag(c, id, key, path, type, unit, &t);
    } else {
        t = tag_at(c, id);
        st = update_tag(c, t, path, type, unit, owns_ms, now_ms);
    }
    if (st == PT_OK) t->owns_ms = owns_ms;
    return st;
}

static pt_status load(hist__catalog *c, sqlite3 *db, int64_t now_ms, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    pt_status st =
        hist__db_prepare(db,
                         "SELECT tag_id, source, group_id, edge, device, metric, path, type, unit,"
                         " (SELECT max(p.from_ms) FROM tag_path p WHERE p.tag_id=t.tag_id AND p.to_ms IS NULL) FROM tag t ORDER BY tag_id",
                         &q, err);
    if (st != PT_OK) return st;
    bool row = false;
    while ((st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        int64_t id = sqlite3_column_int64(q, 0);
        hist_tag_key key = { hist__db_slice(q, 1), hist__db_slice(q, 2), hist__db_slice(q, 3), hist__db_slice(q, 4), hist__db_slice(q, 5) };
        int64_t type = sqlite3_column_int64(q, 7);
        if (id <= 0 || id > (int64_t)HIST__SEGMENT * HIST__SEGMENTS || type < 0 || type >= SPB_DATATYPE_COUNT) {
            st = pt_fail(err, PT_ECORRUPT, "catalog.db: tag %lld with type %lld", (long long)id, (long long)type);
            break;
        }
        while (st == PT_OK && (int64_t)hist__catalog_count(c) + 1 < id) { /* a gap in the ids: keep the tables dense */
            st = reserve(c, hist__catalog_count(c) + 1u);
            if (st == PT_OK) atomic_store_explicit(&c->n_tags, hist__catalog_count(c) + 1u, memory_order_release);
        }
        if (st == PT_OK)
            st = load_tag(c, (uint32_t)id, &key, hist__db_slice(q, 6), (spb_datatype)type, hist__db_slice(q, 8), sqlite3_column_int64(q, 9),
                          now_ms);
        if (st != PT_OK) {
            pt_fail(err, st, "catalog.db: tag %lld: %s", (long long)id, pt_status_name(st));
            break;
        }
    }
    sqlite3_finalize(q);
    return st;
}

pt_status hist__catalog_load(hist__catalog *c, int64_t now_ms, pt_error *err)
{
    return load(c, c->db, now_ms, err);
}

pt_status hist__catalog_refresh(hist__catalog *c, pt_error *err)
{
    int64_t generation = 0;
    pthread_mutex_lock(&c->reader_lock);
    pt_status st = hist__db_number(c->reader, "SELECT value FROM meta WHERE key='tag_generation'", &generation, err);
    if (st == PT_OK && generation != c->generation) {
        pthread_rwlock_wrlock(&c->lock);
        st = load(c, c->reader, 0, err); /* nothing is written here: no time is needed */
        c->n_dirty = 0;
        pthread_rwlock_unlock(&c->lock);
        if (st == PT_OK) c->generation = generation;
    }
    pthread_mutex_unlock(&c->reader_lock);
    return st;
}

bool hist__catalog_is_dirty(hist__catalog *c)
{
    pthread_rwlock_rdlock(&c->lock);
    bool dirty = c->n_dirty > 0;
    pthread_rwlock_unlock(&c->lock);
    return dirty;
}

static pt_status write_tag(hist__catalog *c, const hist__tag *t, sqlite3_stmt *put, sqlite3_stmt *close, sqlite3_stmt *open,
                           sqlite3_stmt *meta, pt_error *err)
{
    pt_slice text[] = { t->key.source, t->key.group, t->key.edge, t->key.device, t->key.metric, path_of(t) };
    pt_status st = PT_OK;
    sqlite3_bind_int64(put, 1, t->id);
    for (int i = 0; st == PT_OK && i < 6; i++)
        st = hist__db_bind_slice(put, 2 + i, text[i]);
    sqlite3_bind_int64(put, 8, t->type);
    if (st == PT_OK) st = hist__db_bind_slice(put, 9, pt_slice_of(t->unit, t->unit_len));
    sqlite3_bind_int64(put, 10, t->changed_ms);
    if (st == PT_OK) st = hist__db_run(c->db, put, err);
    if (st == PT_OK && t->path_dirty) {
        sqlite3_bind_int64(close, 1, t->id);
        sqlite3_bind_int64(close, 2, t->left_ms);
        st = hist__db_run(c->db, close, err);
        sqlite3_bind_int64(open, 1, t->id);
        sqlite3_bind_int64(open, 2, t->owns_ms);
        if (st == PT_OK) st = hist__db_bind_slice(open, 3, path_of(t));
        if (st == PT_OK && t->path_len) st = hist__db_run(c->db, open, err);
    }
    sqlite3_bind_int64(meta, 1, t->id);
    sqlite3_bind_int64(meta, 2, t->changed_ms);
    sqlite3_bind_int64(meta, 3, t->type);
    if (st == PT_OK) st = hist__db_bind_slice(meta, 4, pt_slice_of(t->unit, t->unit_len));
    if (st == PT_OK) st = hist__db_run(c->db, meta, err);
    return st;
}

/* Write the dirty tags from `from` on, up to `max`, under the read lock. */
static pt_status write_tags(hist__catalog *c, size_t n, pt_error *err)
{
    sqlite3_stmt *put = NULL, *close = NULL, *open = NULL, *meta = NULL;
    pt_status st = hist__db_prepare(
        c->db, "INSERT INTO tag VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT(tag_id) DO UPDATE SET path=?7, type=?8, unit=?9", &put,
        err);
    if (st == PT_OK) st = hist__db_prepare(c->db, "UPDATE tag_path SET to_ms=?2 WHERE tag_id=?1 AND to_ms IS NULL", &close, err);
    if (st == PT_OK)
        st =
            hist__db_prepare(c->db, "INSERT INTO tag_path VALUES(?1,?2,NULL,?3) ON CONFLICT DO UPDATE SET path=?3, to_ms=NULL", &open, err);
    if (st == PT_OK)
        st = hist__db_prepare(
            c->db,
            "INSERT INTO tag_meta SELECT ?1,?2,?3,?4 WHERE NOT EXISTS (SELECT 1 FROM (SELECT type, unit FROM tag_meta WHERE tag_id=?1"
            " ORDER BY from_ms DESC LIMIT 1) WHERE type=?3 AND unit=?4) ON CONFLICT DO UPDATE SET type=?3, unit=?4",
            &meta, err);
    pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; st == PT_OK && i < n; i++)
        st = write_tag(c, tag_at(c, c->dirty[i]), put, close, open, meta, err);
    pthread_rwlock_unlock(&c->lock);
    sqlite3_finalize(put);
    sqlite3_finalize(close);
    sqlite3_finalize(open);
    sqlite3_finalize(meta);
    if (st == PT_OK) st = hist__db_exec(c->db, "UPDATE meta SET value=value+1 WHERE key='tag_generation'", err);
    return st;
}

static pt_status write_events(hist__catalog *c, const hist__event *events, uint64_t seq, pt_error *err)
{
    sqlite3_stmt *put = NULL;
    pt_status st = hist__db_prepare(c->db, "INSERT OR REPLACE INTO event VALUES(?1,?2,?3,?4,?5,?6,?7)", &put, err);
    for (const hist__event *e = events; st == PT_OK && e; e = e->next) {
        sqlite3_bind_int64(put, 1, (int64_t)seq++);
        sqlite3_bind_int64(put, 2, e->e.time_ms);
        const pt_slice *text[] = { &e->e.type, &e->e.node, &e->e.device, &e->e.path, &e->e.detail };
        for (int i = 0; st == PT_OK && i < 5; i++)
            st = hist__db_bind_slice(put, 3 + i, *text[i]);
        if (st == PT_OK) st = hist__db_run(c->db, put, err);
    }
    sqlite3_finalize(put);
    return st;
}

pt_status hist__catalog_commit(hist__catalog *c, const hist__event *events, uint64_t first_seq, pt_error *err)
{
    /* A tag may change while it is written: what was dirty when we began is taken off the list at the end, and a tag whose strings changed
     * meanwhile would be written with the newer ones, which is as good. The writer alone shortens the list. */
    pthread_rwlock_wrlock(&c->lock);
    size_t n = c->n_dirty;
    for (size_t i = 0; i < n; i++)
        tag_at(c, c->dirty[i])->dirty = false; /* a change from here on queues it again */
    pthread_rwlock_unlock(&c->lock);
    if (n == 0 && !events) return PT_OK;
    pt_status st = hist__db_exec(c->db, "BEGIN IMMEDIATE", err);
    if (st == PT_OK && n) st = write_tags(c, n, err);
    if (st == PT_OK && events) st = write_events(c, events, first_seq, err);
    if (st == PT_OK) st = hist__db_exec(c->db, "COMMIT", err);
    if (st != PT_OK && !sqlite3_get_autocommit(c->db)) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);

    pthread_rwlock_wrlock(&c->lock);
    if (st == PT_OK) {
        for (size_t i = 0; i < n; i++) {
            hist__tag *t = tag_at(c, c->dirty[i]);
            if (!t->dirty) t->is_new = t->path_dirty = false;
        }
        if (n) memmove(c->dirty, c->dirty + n, (c->n_dirty - n) * sizeof *c->dirty);
        c->n_dirty -= n;
    } else {
        for (size_t i = 0; i < n; i++)
            tag_at(c, c->dirty[i])->dirty = true;
    }
    pthread_rwlock_unlock(&c->lock);
    return st;
}

pt_status hist__catalog_next_seq(hist__catalog *c, uint64_t *out, pt_error *err)
{
    int64_t next = 0;
    pt_status st = hist__db_number(c->db, "SELECT coalesce(max(seq), 0) + 1 FROM event", &next, err);
    *out = (uint64_t)next;
    return st;
}

/* The newest event stays: it keeps the change numbers going. */
#define OLD_EVENTS "FROM event WHERE time_ms < %lld AND seq < min(%lld, (SELECT max(seq) FROM event))"

pt_status hist__catalog_drop_events(hist__catalog *c, int64_t before_ms, int64_t below_seq, bool count_only, uint64_t *n, pt_error *err)
{
    char sql[200];
    int64_t old = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) " OLD_EVENTS, (long long)before_ms, (long long)below_seq);
    pt_status st = hist__db_number(c->db, sql, &old, err);
    if (st == PT_OK && old && !count_only) {
        snprintf(sql, sizeof sql, "DELETE " OLD_EVENTS, (long long)before_ms, (long long)below_seq);
        st = hist__db_exec(c->db, sql, err);
    }
    if (st == PT_OK) *n = (uint64_t)old;
    return st;
}

/* ---- beginning and end -------------------------------------------------------------------------------------- */

pt_status hist__catalog_init(hist__catalog *c, const hist_options *o, pt_status (*room)(void *ctx, uint32_t tag_id), void *ctx)
{
    c->o = o;
    c->room = room;
    c->ctx = ctx;
    c->generation = -1;
    pt_map_init(&c->by_key, PT_MAP_BORROW_KEYS);
    pt_map_init(&c->by_path, PT_MAP_COPY_KEYS);
    return pthread_rwlock_init(&c->lock, NULL) == 0 && pthread_mutex_init(&c->reader_lock, NULL) == 0 ? PT_OK : PT_ENOMEM;
}

pt_status hist__catalog_open(hist__catalog *c, pt_error *err)
{
    return c->db ? PT_OK : hist__db_open_writer(c->o->dir, "catalog.db", HIST__CATALOG, c->o->synchronous, &c->db, err);
}

void hist__catalog_close(hist__catalog *c)
{
    hist__db_close(c->db);
    c->db = NULL;
}

pt_status hist__catalog_open_reader(hist__catalog *c, pt_error *err)
{
    char *path = hist__path_in(c->o->dir, "catalog.db");
    if (!path) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = hist__db_open(path, HIST__CATALOG, true, &c->reader, err);
    free(path);
    if (st == PT_OK)
        st = hist__db_prepare(c->reader, "SELECT tag_id, from_ms, to_ms FROM tag_path WHERE path=?1 ORDER BY from_ms, tag_id", &c->claims,
                              err);
    return st;
}

void hist__catalog_close_reader(hist__catalog *c)
{
    sqlite3_finalize(c->claims);
    c->claims = NULL;
    hist__db_close(c->reader);
    c->reader = NULL;
}

void hist__catalog_fini(hist__catalog *c)
{
    uint32_t n = hist__catalog_count(c);
    hist__catalog_close_reader(c);
    hist__catalog_close(c);
    for (uint32_t id = 1; id <= n; id++)
        tag_fini(tag_at(c, id));
    hist__per_tag_fini(&c->tags);
    free(c->dirty);
    pt_map_fini(&c->by_key);
    pt_map_fini(&c->by_path);
    pthread_rwlock_destroy(&c->lock);
    pthread_mutex_destroy(&c->reader_lock);
}
