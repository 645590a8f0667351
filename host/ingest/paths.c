/* host/ingest/paths.c -- owners, those that wait, and when one takes over. */
#include "host/ingest/paths.h"

#include "base/map.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A tag that maps to a path which another has; it may be away itself, one that lost its path for instance. */
typedef struct waiting {
    bool there; /* as far as was told */
    char path[];
} waiting;

struct host_paths {
    uns_tree *tree;
    hist *history;
    const pt_clock *clock;
    pthread_mutex_t lock; /* guards what follows, and that catalogue and tree say the same of a path */
    host_paths_options o;
    pt_map waiting;     /* tag id -> waiting, owned */
    uint64_t forgotten; /* told, but not kept for want of room or memory */
};

host_paths *host_paths_new(const host_paths_options *o, uns_tree *tree, hist *history, const pt_clock *clock)
{
    host_paths *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->tree = tree;
    p->history = history;
    p->clock = clock;
    p->o = *o;
    pt_map_init(&p->waiting, PT_MAP_U64_KEYS);
    if (pthread_mutex_init(&p->lock, NULL) == 0) return p;
    free(p);
    return NULL;
}

void host_paths_free(host_paths *p)
{
    if (!p) return;
    size_t at = 0;
    uint64_t path;
    while (pt_map_each(&p->waiting, &at, NULL, NULL, &path))
        free((char *)(uintptr_t)path);
    pt_map_fini(&p->waiting);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void host_paths_configure(host_paths *p, const host_paths_options *o)
{
    pthread_mutex_lock(&p->lock);
    p->o = *o;
    pthread_mutex_unlock(&p->lock);
}

typedef struct presence {
    bool there;
    int64_t away_since_ms;
} presence;

static void look(void *ctx, const uns_tag_view *v)
{
    presence *p = ctx;
    p->there = v->def.there;
    p->away_since_ms = v->stale_since_ms;
}

static bool is_import(const host_paths *p, uint32_t tag_id)
{
    pt_arena arena;
    hist_tag t;
    pt_arena_init(&arena, 1u << 20);
    bool import = hist_tag_by_id(p->history, tag_id, &arena, &t) == PT_OK && pt_slice_eq_cstr(t.key.source, "import");
    pt_arena_fini(&arena);
    return import;
}

/* *since_ms: from when on the path may be another's, since this one is away. One that the tree does not know is being put there at this
 * moment: the catalogue's tags are loaded before the first birth. */
static bool may_be_replaced(const host_paths *p, uint32_t owner, int64_t *since_ms)
{
    presence o = { .there = true };
    *since_ms = INT64_MIN;
    if (is_import(p, owner)) return true;
    if (!p->o.adopt || uns_read_id(p->tree, owner, look, &o) != PT_OK || o.there) return false;
    *since_ms = o.away_since_ms;
    return pt_wall_ms(p->clock) - o.away_since_ms >= p->o.takeover_after_ms;
}

static void say(host_path_said *said, void *ctx, host_event_type type, const uns_tag_def *d, pt_slice path, uint32_t id, uint32_t other)
{
    host_path_change c = { .type = type,
                           .tag_id = id,
                           .other = other,
                           .path = path,
                           .group = d->group,
                           .edge = d->edge,
                           .device = d->device,
                           .metric = d->metric };
    said(ctx, &c);
}

static void wait_no_more(host_paths *p, uint32_t tag_id)
{
    uint64_t w = 0;
    if (pt_map_del_u64(&p->waiting, tag_id, &w)) free((waiting *)(uintptr_t)w);
}

/* True: that it is there and waits for this path was not known. */
static bool wait_for(host_paths *p, pt_slice path, uint32_t tag_id, bool there)
{
    uint64_t known = 0;
    waiting *w = pt_map_get_u64(&p->waiting, tag_id, &known) ? (waiting *)(uintptr_t)known : NULL;
    if (w && pt_slice_eq_cstr(path, w->path)) {
        bool news = there && !w->there;
        w->there = w->there || there;
        return news;
    }
    wait_no_more(p, tag_id);
    w = p->waiting.count < HOST_PATHS_WAITING_MAX ? malloc(sizeof *w + path.len + 1) : NULL;
    if (w) {
        w->there = there;
        memcpy(w->path, path.ptr, path.len);
        w->path[path.len] = '\0';
        if (pt_map_put_u64(&p->waiting, tag_id, (uintptr_t)w, NULL) == PT_OK) return there;
    }
    p->forgotten++;
    free(w);
    return there;
}

/* The path goes from its owner to the tag, in the catalogue and, as far as the owner goes, in the tree. The owner waits from now on. */
static pt_status take(host_paths *p, pt_slice path, uint32_t tag_id, uint32_t owner, int64_t since_ms)
{
    pt_status st = hist_path_take(p->history, path, tag_id, since_ms);
    if (st != PT_OK) return st;
    st = uns_tag_place(p->tree, owner, PT_LIT(""));
    if (!is_import(p, owner)) (void)wait_for(p, path, owner, false);
    return st == PT_ENOTFOUND ? PT_OK : st;
}

static pt_status born(host_paths *p, const uns_tag_def *def, host_path_said *said, void *ctx, uint32_t id)
{
    uns_tag_def d = *def;
    uint32_t owner = hist_path_owner(p->history, d.path);
    int64_t since_ms;
    d.tag_id = id;
    if (owner == id) {
        wait_no_more(p, id);
        return uns_tag_put(p->tree, &d);
    }
    if (owner && d.there && may_be_replaced(p, owner, &since_ms)) {
        pt_status st = take(p, d.path, id, owner, since_ms);
        if (st == PT_OK) st = uns_tag_put(p->tree, &d);
        if (st == PT_OK) wait_no_more(p, id);
        if (st == PT_OK) say(said, ctx, HOST_EVENT_PATH_TAKEOVER, &d, d.path, id, owner);
        return st;
    }
    bool news = wait_for(p, d.path, id, d.there);
    if (news) say(said, ctx, HOST_EVENT_PATH_COLLISION, &d, d.path, id, owner);
    d.path = PT_LIT("");
    return uns_tag_put(p->tree, &d);
}

pt_status host_paths_born(host_paths *p, const hist_tag_key *key, const uns_tag_def *def, host_path_said *said, void *ctx, uint32_t *tag_id,
                          bool *in_tree)
{
    pthread_mutex_lock(&p->lock);
    uint32_t before = hist_path_owner(p->history, def->path);
    pt_status st = hist_tag_ensure(p->history, key, def->path, def->type, def->unit, tag_id);
    *in_tree = st == PT_OK;
    if (st == PT_OK && before && before != *tag_id && hist_path_owner(p->history, def->path) == *tag_id) { /* from an import */
        st = uns_tag_place(p->tree, before, PT_LIT(""));
        if (st == PT_ENOTFOUND) st = PT_OK;
        if (st == PT_OK) say(said, ctx, HOST_EVENT_PATH_TAKEOVER, def, def->path, *tag_id, before);
    }
    if (st == PT_OK) st = born(p, def, said, ctx, *tag_id);
    pthread_mutex_unlock(&p->lock);
    return st;
}

/* ---- those that wait --------------------------------------------------------------------------------------- */

typedef struct waiter {
    host_paths *p;
    pt_slice path;
    uint32_t owner;
    bool there;
    host_event_type type;
    host_path_said *said;
    void *ctx;
} waiter;

static void waits_still(void *ctx, const uns_tag_view *v)
{
    waiter *w = ctx;
    w->there = v->def.there;
}

static void tell(void *ctx, const uns_tag_view *v)
{
    waiter *w = ctx;
    say(w->said, w->ctx, w->type, &v->def, w->path, v->def.tag_id, w->owner);
}

/* True: it waits no more. */
static bool settle(waiter *w, uint32_t id, waiting *known)
{
    host_paths *p = w->p;
    w->owner = hist_path_owner(p->history, w->path);
    w->there = false;
    if (uns_read_id(p->tree, id, waits_still, w) != PT_OK || w->owner == id) return true;
    int64_t since_ms = pt_wall_ms(p->clock);
    bool came = w->there && !known->there;
    known->there = w->there;
    if (!w->there) return false;
    if (w->owner && !may_be_replaced(p, w->owner, &since_ms)) {
        w->type = HOST_EVENT_PATH_COLLISION;
        if (came && uns_read_id(p->tree, id, tell, w) != PT_OK) return true;
        return false;
    }
    w->type = HOST_EVENT_PATH_TAKEOVER;
    pt_status st = w->owner ? take(p, w->path, id, w->owner, since_ms) : hist_path_take(p->history, w->path, id, since_ms);
    if (st == PT_OK) st = uns_tag_place(p->tree, id, w->path);
    if (st == PT_OK) st = uns_read_id(p->tree, id, tell, w);
    return st == PT_OK;
}

void host_paths_tick(host_paths *p, host_path_said *said, void *ctx)
{
    size_t at = 0;
    uint64_t id, known;
    pthread_mutex_lock(&p->lock);
    uint32_t *ids = p->waiting.count ? malloc(p->waiting.count * sizeof *ids) : NULL; /* one that takes over makes another wait */
    size_t n = 0;
    while (ids && pt_map_each(&p->waiting, &at, NULL, &id, &known))
        ids[n++] = (uint32_t)id;
    for (size_t i = 0; i < n; i++) {
        if (!pt_map_get_u64(&p->waiting, ids[i], &known)) continue;
        waiting *k = (waiting *)(uintptr_t)known;
        char *path = pt_slice_dup(pt_cstr(k->path));
        waiter w = { .p = p, .path = path ? pt_cstr(path) : PT_NONE, .said = said, .ctx = ctx };
        if (path && settle(&w, ids[i], k)) wait_no_more(p, ids[i]);
        free(path);
    }
    free(ids);
    pthread_mutex_unlock(&p->lock);
}

/* ---- rules for what is known --------------------------------------------------------------------------------- */

typedef struct rules {
    host_paths *p;
    const uns_map *map;
    enum { LEAVE, THOSE_WITH_A_PATH, THE_OTHERS } walk; /* paths that are no longer a tag's; then claims, of those that had one first */
    pt_map had;                                         /* tags that left a path */
    host_paths_moved moved;
    pt_status status;
} rules;

static pt_status place_anew(rules *r, const hist_tag *tag, pt_slice path)
{
    pt_status st = PT_OK, in_tree = PT_OK;
    if (r->walk == LEAVE) {
        if ((st = pt_map_put_u64(&r->had, tag->tag_id, 1, NULL)) != PT_OK) return st;
        st = hist_path_take(r->p->history, PT_LIT(""), tag->tag_id, pt_wall_ms(r->p->clock));
        in_tree = uns_tag_place(r->p->tree, tag->tag_id, PT_LIT(""));
        r->moved.left++;
    } else if (hist_path_owner(r->p->history, path) == 0) {
        st = hist_path_take(r->p->history, path, tag->tag_id, pt_wall_ms(r->p->clock));
        in_tree = uns_tag_place(r->p->tree, tag->tag_id, path);
        r->moved.placed++;
    } else {
        r->moved.waiting++;
        (void)wait_for(r->p, path, tag->tag_id, false);
    }
    return st == PT_OK && in_tree != PT_ENOTFOUND ? in_tree : st;
}

static bool one_tag(void *ctx, const hist_tag *tag)
{
    rules *r = ctx;
    uns_mapping m;
    if (!pt_slice_eq_cstr(tag->key.source, "spb")) return true;
    host_paths_map(r->map,
                   &(uns_source){ .group = tag->key.group,
                                  .edge = tag->key.edge,
                                  .device = tag->key.device,
                                  .metric = tag->key.metric,
                                  .type = tag->type,
                                  .partial = true },
                   &m);
    if (m.partial) {
        r->moved.left_alone += r->walk == THE_OTHERS;
        return true;
    }
    pt_slice path = pt_slice_of(m.path, m.len);
    if (pt_slice_eq(path, tag->path) || (r->walk == LEAVE ? !tag->path.len : !path.len)) return true;
    uint64_t had = 0;
    if (r->walk == THOSE_WITH_A_PATH && !pt_map_get_u64(&r->had, tag->tag_id, &had)) return true;
    r->status = place_anew(r, tag, path);
    return r->status == PT_OK;
}

pt_status host_paths_rules(host_paths *p, const uns_map *map, host_paths_moved *moved)
{
    rules r = { .p = p, .map = map };
    pt_status st = PT_OK;
    pt_map_init(&r.had, PT_MAP_U64_KEYS);
    pthread_mutex_lock(&p->lock);
    for (int walk = LEAVE; walk <= THE_OTHERS && st == PT_OK && r.status == PT_OK; walk++) {
        r.walk = walk;
        st = hist_tag_each(p->history, one_tag, &r);
    }
    pthread_mutex_unlock(&p->lock);
    pt_map_fini(&r.had);
    *moved = r.moved;
    return st == PT_OK ? r.status : st;
}

void host_paths_map(const uns_map *map, const uns_source *source, uns_mapping *m)
{
    pt_error err = { 0, "" };
    if (map) {
        uns_map_apply(map, source, m);
        return;
    }
    *m = (uns_mapping){ .outcome = UNS_LITERAL };
    if (uns_path_literal(source->group, source->edge, source->device, source->metric, m->path, sizeof m->path, &m->len, &err) != PT_OK) {
        m->outcome = UNS_QUARANTINED;
        m->len = 0;
        snprintf(m->reason, sizeof m->reason, "%.*s", (int)sizeof m->reason - 1, err.text);
    }
}

pt_status host_paths_retire(host_paths *p, uint32_t tag_id, pt_error *err)
{
    presence o = { .there = false };
    pthread_mutex_lock(&p->lock);
    pt_status known = uns_read_id(p->tree, tag_id, look, &o), st = PT_OK;
    if (known == PT_OK && o.there) st = pt_fail(err, PT_EBUSY, "tag %u is in the newest birth of a node that is on line", tag_id);
    if (st == PT_OK) st = hist_path_take(p->history, PT_LIT(""), tag_id, pt_wall_ms(p->clock));
    if (st == PT_OK) wait_no_more(p, tag_id);
    if (st == PT_OK && known == PT_OK) st = uns_tag_place(p->tree, tag_id, PT_LIT(""));
    pthread_mutex_unlock(&p->lock);
    return st;
}

uint32_t host_paths_waiting(host_paths *p, uint64_t *forgotten)
{
    pthread_mutex_lock(&p->lock);
    uint32_t n = (uint32_t)p->waiting.count;
    *forgotten = p->forgotten;
    pthread_mutex_unlock(&p->lock);
    return n;
}
