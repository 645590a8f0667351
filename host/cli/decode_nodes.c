/* host/cli/decode_nodes.c -- one memory per edge node of a capture: the rules' own, and the names and types of its births. */
#include "host/cli/decode.h"
#include "base/map.h"

#include <stdlib.h>

enum { NODES_MAX = 1000, NODE_MEMORY = 64 << 20, KEY_MAX_BYTES = 1 << 18 };

typedef struct known {
    pt_slice device, name;
    uint32_t type;
} known;

typedef struct node {
    spb_judge *judge;
    pt_arena arena; /* of what the births said; until the next NBIRTH */
    pt_map aliases; /* -> known */
    pt_map names;   /* device NUL name -> known */
} node;

struct decode_nodes {
    pt_map nodes; /* group NUL edge -> node */
    pt_buf key;
};

pt_status decode_nodes_new(decode_nodes **out)
{
    decode_nodes *n = calloc(1, sizeof *n);
    if (!n) return PT_ENOMEM;
    pt_map_init(&n->nodes, PT_MAP_COPY_KEYS);
    pt_buf_init(&n->key, KEY_MAX_BYTES);
    *out = n;
    return PT_OK;
}

static void node_free(node *d)
{
    if (!d) return;
    spb_judge_free(d->judge);
    pt_map_fini(&d->aliases);
    pt_map_fini(&d->names);
    pt_arena_fini(&d->arena);
    free(d);
}

void decode_nodes_free(decode_nodes *n)
{
    size_t it = 0;
    pt_slice key;
    uint64_t number, value;
    if (!n) return;
    while (pt_map_each(&n->nodes, &it, &key, &number, &value))
        node_free((node *)(uintptr_t)value);
    pt_map_fini(&n->nodes);
    pt_buf_fini(&n->key);
    free(n);
}

static void pair(pt_buf *key, pt_slice a, pt_slice b)
{
    pt_buf_reset(key);
    pt_buf_slice(key, a);
    pt_buf_char(key, '\0');
    pt_buf_slice(key, b);
}

static pt_status node_of(decode_nodes *n, const spb_topic *t, node **out)
{
    pair(&n->key, t->group, t->edge);
    if (pt_buf_status(&n->key)) return pt_buf_status(&n->key);
    if ((*out = pt_map_get_ptr(&n->nodes, pt_buf_view(&n->key)))) return PT_OK;
    if (n->nodes.count == NODES_MAX) return PT_EFULL;
    node *d = calloc(1, sizeof *d);
    if (!d) return PT_ENOMEM;
    pt_arena_init(&d->arena, NODE_MEMORY);
    pt_map_init(&d->aliases, PT_MAP_U64_KEYS);
    pt_map_init(&d->names, PT_MAP_COPY_KEYS);
    pt_status st = spb_judge_new(&d->judge);
    if (st == PT_OK) st = pt_map_put(&n->nodes, pt_buf_view(&n->key), (uint64_t)(uintptr_t)d, NULL);
    if (st) node_free(d);
    else *out = d;
    return st;
}

static pt_status learn(decode_nodes *n, node *d, const spb_topic *t, const spb_payload *p)
{
    pt_slice device = t->device.ptr ? t->device : PT_LIT("");
    pt_status st = PT_OK;
    if (t->verb == SPB_NBIRTH) {
        pt_map_reset(&d->aliases);
        pt_map_reset(&d->names);
        pt_arena_reset(&d->arena);
    }
    for (uint32_t i = 0; i < p->n_metrics && st == PT_OK; i++) {
        const spb_metric *m = &p->metrics[i];
        if (!(m->flags & SPB_HAS_NAME)) continue;
        known *k = pt_arena_zalloc(&d->arena, sizeof *k);
        if (!k) return PT_ENOMEM;
        *k = (known){ pt_arena_dup(&d->arena, device), pt_arena_dup(&d->arena, m->name), m->datatype };
        if (!k->device.ptr || !k->name.ptr) return PT_ENOMEM;
        pair(&n->key, device, m->name);
        if ((st = pt_buf_status(&n->key)) == PT_OK) st = pt_map_put(&d->names, pt_buf_view(&n->key), (uint64_t)(uintptr_t)k, NULL);
        if (st == PT_OK && (m->flags & SPB_HAS_ALIAS)) st = pt_map_put_u64(&d->aliases, m->alias, (uint64_t)(uintptr_t)k, NULL);
    }
    return st;
}

pt_status decode_nodes_take(decode_nodes *n, const spb_topic *topic, const spb_payload *p, spb_delivery delivery, spb_finding_fn report,
                            void *ctx, bool *begun)
{
    node *d = NULL;
    *begun = true;
    if (topic->verb == SPB_STATE) return PT_OK;
    pt_status st = node_of(n, topic, &d);
    if (st) return st;
    if ((st = spb_judge_take(d->judge, topic, p, delivery, report, ctx, begun)) != PT_OK) return st;
    return topic->verb == SPB_NBIRTH || topic->verb == SPB_DBIRTH ? learn(n, d, topic, p) : PT_OK;
}

void decode_nodes_resolve(const decode_nodes *n, const spb_topic *topic, const spb_metric *m, pt_slice *name, uint32_t *type)
{
    pt_buf key;
    uint64_t found = 0;
    *name = m->flags & SPB_HAS_NAME ? m->name : PT_NONE;
    *type = m->flags & SPB_HAS_DATATYPE ? m->datatype : SPB_UNKNOWN;
    if (name->ptr && *type != SPB_UNKNOWN) return;
    pt_buf_init(&key, KEY_MAX_BYTES);
    pair(&key, topic->group, topic->edge);
    const node *d = pt_buf_status(&key) ? NULL : pt_map_get_ptr(&n->nodes, pt_buf_view(&key));
    if (d && name->ptr) {
        pair(&key, topic->device.ptr ? topic->device : PT_LIT(""), *name);
        if (pt_buf_status(&key) || !pt_map_get(&d->names, pt_buf_view(&key), &found)) found = 0;
    } else if (d && (m->flags & SPB_HAS_ALIAS) && !pt_map_get_u64(&d->aliases, m->alias, &found)) {
        found = 0;
    }
    pt_buf_fini(&key);
    const known *k = (const known *)(uintptr_t)found;
    if (!k) return;
    if (!name->ptr) *name = k->name;
    if (*type == SPB_UNKNOWN) *type = k->type;
}
