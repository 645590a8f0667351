/* host/ingest/paths.c -- owners, those that wait, and when one takes over. */
#include "host/ingest/paths.h"

#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

struct host_paths {
    uns_tree *tree;
    hist *history;
    const pt_clock *clock;
    pthread_mutex_t lock; /* guards what follows, and that catalogue and tree say the same of a path */
    host_paths_options o;
    pt_map waiting;     /* tag id -> the path it waits for, owned */
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

/* One that the tree does not know is being put there at this moment: the catalogue's tags are loaded before the first birth. */
static bool may_be_replaced(const host_paths *p, uint32_t owner)
{
    presence o = { .there = true };
    if (is_import(p, owner)) return true;
    if (!p->o.adopt || uns_read_id(p->tree, owner, look, &o) != PT_OK || o.there) return false;
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

/* The path goes from its owner to the tag, in the catalogue and, as far as the owner goes, in the tree. */
static pt_status take(host_paths *p, pt_slice path, uint32_t tag_id, uint32_t owner)
{
    pt_status st = hist_path_take(p->history, path, tag_id);
    if (st != PT_OK) return st;
    st = uns_tag_place(p->tree, owner, PT_LIT(""));
    return st == PT_ENOTFOUND ? PT_OK : st;
}

static void wait_no_more(host_paths *p, uint32_t tag_id)
{
    uint64_t path = 0;
    if (pt_map_del_u64(&p->waiting, tag_id, &path)) free((char *)(uintptr_t)path);
}

/* True: it was not known to wait for this one. */
static bool wait_for(host_paths *p, pt_slice path, uint32_t tag_id)
{
    uint64_t known = 0;
    if (pt_map_get_u64(&p->waiting, tag_id, &known) && pt_slice_eq_cstr(path, (const char *)(uintptr_t)known)) return false;
    wait_no_more(p, tag_id);
    char *copy = p->waiting.count < HOST_PATHS_WAITING_MAX ? pt_slice_dup(path) : NULL;
    if (copy && pt_map_put_u64(&p->waiting, tag_id, (uintptr_t)copy, NULL) == PT_OK) return true;
    p->forgotten++;
    free(copy);
    return true;
}

static pt_status born(host_paths *p, const uns_tag_def *def, host_path_said *said, void *ctx, uint32_t id)
{
    uns_tag_def d = *def;
    uint32_t owner = hist_path_owner(p->history, d.path);
    d.tag_id = id;
    d.there = true;
    if (owner == id) {
        wait_no_more(p, id);
        return uns_tag_put(p->tree, &d);
    }
    if (owner && may_be_replaced(p, owner)) {
        pt_status st = take(p, d.path, id, owner);
        if (st == PT_OK) st = uns_tag_put(p->tree, &d);
        if (st == PT_OK) wait_no_more(p, id);
        if (st == PT_OK) say(said, ctx, HOST_EVENT_PATH_TAKEOVER, &d, d.path, id, owner);
        return st;
    }
    bool news = wait_for(p, d.path, id);
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
    say(w->said, w->ctx, HOST_EVENT_PATH_TAKEOVER, &v->def, w->path, v->def.tag_id, w->owner);
}

/* True: it waits no more. */
static bool settle(waiter *w, uint32_t id)
{
    host_paths *p = w->p;
    w->owner = hist_path_owner(p->history, w->path);
    w->there = false;
    if (uns_read_id(p->tree, id, waits_still, w) != PT_OK || !w->there || w->owner == id) return true;
    if (w->owner && !may_be_replaced(p, w->owner)) return false;
    pt_status st = w->owner ? take(p, w->path, id, w->owner) : hist_path_take(p->history, w->path, id);
    if (st == PT_OK) st = uns_tag_place(p->tree, id, w->path);
    if (st == PT_OK) st = uns_read_id(p->tree, id, tell, w);
    return st == PT_OK;
}

void host_paths_tick(host_paths *p, host_path_said *said, void *ctx)
{
    size_t at = 0;
    uint64_t id, path;
    pthread_mutex_lock(&p->lock);
    while (p->waiting.count && pt_map_each(&p->waiting, &at, NULL, &id, &path)) {
        waiter w = { .p = p, .path = pt_cstr((const char *)(uintptr_t)path), .said = said, .ctx = ctx };
        if (settle(&w, (uint32_t)id)) wait_no_more(p, (uint32_t)id);
    }
    pthread_mutex_unlock(&p->lock);
}

uint32_t host_paths_waiting(host_paths *p, uint64_t *forgotten)
{
    pthread_mutex_lock(&p->lock);
    uint32_t n = (uint32_t)p->waiting.count;
    *forgotten = p->forgotten;
    pthread_mutex_unlock(&p->lock);
    return n;
}
