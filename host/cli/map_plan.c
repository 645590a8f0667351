/* host/cli/map_plan.c -- what a rule set would do to the tags of a data directory: which stay, move, lose their path or collide. */
#include "host/cli/map_plan.h"
#include "base/map.h"
#include "historian/historian.h"

enum { EXAMPLES = 10 };

typedef enum fate { STAYS, MOVES, IGNORED, UNMAPPED, COLLIDES, FATES } fate;
static const char *const fate_names[FATES] = { "same", "moved", "ignored", "unmapped", "collisions" };

typedef struct example {
    uint32_t tag_id, other;  /* other: who has the path, of a collision */
    pt_slice from, to, text; /* rule or reason; in the arena */
} example;

typedef struct plan {
    const uns_map *map;
    pt_arena arena;
    pt_map taken; /* new path -> tag id */
    uint64_t tags, count[FATES];
    example examples[FATES][EXAMPLES];
    bool failed;
} plan;

static bool note(plan *p, fate f, const hist_tag *tag, const uns_mapping *m, uint32_t other)
{
    uint64_t n = p->count[f]++;
    if (f == STAYS || n >= EXAMPLES) return true;
    example *e = &p->examples[f][n];
    *e = (example){ .tag_id = tag->tag_id,
                    .other = other,
                    .from = pt_arena_dup(&p->arena, tag->path),
                    .to = pt_arena_dup(&p->arena, pt_slice_of(m->path, m->len)),
                    .text = pt_arena_dup(&p->arena, m->reason[0] ? pt_cstr(m->reason) : m->rule) };
    return e->from.ptr && e->to.ptr && e->text.ptr;
}

static bool one_tag(void *ctx, const hist_tag *tag)
{
    plan *p = ctx;
    uns_mapping m;
    uint64_t other = 0;
    bool spb = pt_slice_eq(tag->key.source, PT_LIT("spb"));
    uns_source s = {
        .group = tag->key.group, .edge = tag->key.edge, .device = tag->key.device, .metric = tag->key.metric, .type = tag->type
    };
    if (!spb) s = (uns_source){ .topic = tag->key.metric, .type = tag->type };
    p->tags++;
    uns_map_apply(p->map, &s, &m);
    fate f = m.outcome == UNS_IGNORED ? IGNORED : !m.len ? UNMAPPED : pt_slice_eq(pt_slice_of(m.path, m.len), tag->path) ? STAYS : MOVES;
    if (m.len && pt_map_get(&p->taken, pt_slice_of(m.path, m.len), &other)) f = COLLIDES;
    else if (m.len && pt_map_put(&p->taken, pt_slice_of(m.path, m.len), tag->tag_id, NULL)) p->failed = true;
    if (!note(p, f, tag, &m, (uint32_t)other)) p->failed = true;
    return !p->failed;
}

static void write_json(const plan *p, pt_buf *out)
{
    pt_json j;
    pt_json_init(&j, out);
    pt_json_object(&j);
    pt_json_member_u64(&j, "tags", p->tags);
    for (int f = 0; f < FATES; f++)
        pt_json_member_u64(&j, fate_names[f], p->count[f]);
    pt_json_key(&j, "examples");
    pt_json_object(&j);
    for (int f = MOVES; f < FATES; f++) {
        pt_json_key(&j, fate_names[f]);
        pt_json_array(&j);
        for (uint64_t i = 0; i < p->count[f] && i < EXAMPLES; i++) {
            const example *e = &p->examples[f][i];
            pt_json_object(&j);
            pt_json_member_u64(&j, "tag_id", e->tag_id);
            pt_json_member_str(&j, "from", e->from);
            pt_json_member_str(&j, "to", e->to.len ? e->to : PT_NONE);
            pt_json_member_str(&j, f == UNMAPPED ? "reason" : "rule", e->text.len ? e->text : PT_NONE);
            if (f == COLLIDES) pt_json_member_u64(&j, "with_tag_id", e->other);
            pt_json_end_object(&j);
        }
        pt_json_end_array(&j);
    }
    pt_json_end_object(&j);
    pt_json_end_object(&j);
    pt_buf_char(out, '\n');
}

static void write_text(const plan *p, pt_buf *out)
{
    pt_buf_printf(out, "%llu tags: %llu stay, %llu move, %llu ignored, %llu without a path, %llu collisions\n", (unsigned long long)p->tags,
                  (unsigned long long)p->count[STAYS], (unsigned long long)p->count[MOVES], (unsigned long long)p->count[IGNORED],
                  (unsigned long long)p->count[UNMAPPED], (unsigned long long)p->count[COLLIDES]);
    for (int f = MOVES; f < FATES; f++) {
        for (uint64_t i = 0; i < p->count[f] && i < EXAMPLES; i++) {
            const example *e = &p->examples[f][i];
            pt_buf_printf(out, "  %-10s ", fate_names[f]);
            cli_printable(out, e->from);
            if (e->to.len) {
                pt_buf_cstr(out, " -> ");
                cli_printable(out, e->to);
            }
            if (e->text.len) {
                pt_buf_cstr(out, "  (");
                cli_printable(out, e->text);
                if (f == COLLIDES) pt_buf_printf(out, ", with tag %u", e->other);
                pt_buf_char(out, ')');
            }
            pt_buf_char(out, '\n');
        }
        if (p->count[f] > EXAMPLES)
            pt_buf_printf(out, "  %-10s and %llu more\n", fate_names[f], (unsigned long long)(p->count[f] - EXAMPLES));
    }
}

int cli_map_plan(cli *c, const uns_map *map)
{
    hist_options o;
    hist *h = NULL;
    pt_error err = { 0, "" };
    plan p = { .map = map };
    pt_buf out;
    hist_options_init(&o);
    o.dir = c->data_dir;
    o.read_only = true;
    pt_status st = hist_open(&o, pt_clock_system(), NULL, &h, &err);
    if (st) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text[0] ? err.text : pt_status_name(st));
    pt_arena_init(&p.arena, 64u << 20);
    pt_map_init(&p.taken, PT_MAP_COPY_KEYS);
    pt_buf_init(&out, 16u << 20);
    st = hist_tag_each(h, one_tag, &p);
    if (!st && p.failed) st = PT_ENOMEM;
    if (!st && c->json) write_json(&p, &out);
    else if (!st) write_text(&p, &out);
    int rc = st ? cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, pt_status_name(st)) : cli_put(c, &out);
    if (hist_close(h, 1000, &err) && rc == PT_EXIT_OK) rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    pt_buf_fini(&out);
    pt_map_fini(&p.taken);
    pt_arena_fini(&p.arena);
    return rc;
}
