/* tests/uns/tree_test.c -- tags in the tree: put, applied, dying, moving, and a model of them. */
#include "base/random.h"
#include "tests/uns/tree_rig.h"

#include <stdio.h>
#include <stdlib.h>

static void odd_metric_names_keep_their_own_places_in_the_source_view(void)
{
    static const char *const odd[] = { "a", "a/", "/a", "a//b", "a/b", "/", "//", "", "a\xFF", "%41", " a" };
    open_tree();
    for (uint32_t i = 0; i < PT_COUNT_OF(odd); i++)
        CHECK_ROW(odd[i], put(i + 1, "", "d", odd[i]) == PT_OK);
    CHECK_INT(stats().tags, PT_COUNT_OF(odd));
    CHECK(at_path("_source/spb/G/E/d/a//b")->def.tag_id == 4);
    CHECK(at_path("_source/spb/G/E/d/a/")->def.tag_id == 2);
    CHECK(at_path("_source/spb/G/E/d/a%FF")->def.tag_id == 9);
    CHECK(at_path("_source/spb/G/E/d/%2541")->def.tag_id == 10);
    close_tree();
}

static void a_name_too_deep_or_long_to_spell_out_is_shown_by_digest(void)
{
    static char deep[60001], more[60001];
    open_tree();
    for (size_t i = 0; i + 1 < sizeof deep; i++)
        deep[i] = more[i] = i % 2 ? '/' : 'a';
    more[59999] = 'b';
    CHECK_OK(put(1, "", "d", deep));
    CHECK_OK(put(2, "", "d", more));
    CHECK(stats().nodes < 12);
    pt_slice p = by_id(1)->def.path;
    CHECK(p.len < 100 && pt_slice_starts(p, PT_LIT("_source/spb/G/E/d/~")));
    CHECK_STATUS(put(3, "", "d", (memset(deep, 'x', 60000), deep)), PT_OK);
    static char huge[70000];
    memset(huge, 'x', sizeof huge - 1);
    CHECK_STATUS(put(4, "", "d", huge), PT_ETOOBIG);
    CHECK_STATUS(put(4, "", huge, "m"), PT_ETOOBIG);
    CHECK_INT(stats().tags, 3);
    close_tree();
}

static void wrong_definitions_change_nothing(void)
{
    static char path[UNS_PATH_MAX + 2];
    open_tree();
    CHECK_STATUS(put(0, "a", "d", "m"), PT_EINVAL);
    CHECK_STATUS(put(UINT32_MAX, "a", "d", "m"), PT_ETOOBIG);
    CHECK_STATUS(put(1, "/a", "d", "m"), PT_EINVAL);
    CHECK_STATUS(put(1, "a//b", "d", "m"), PT_EINVAL);
    CHECK_STATUS(put(1, "a/", "d", "m"), PT_EINVAL);
    CHECK_STATUS(put(1, "_source/x", "d", "m"), PT_EINVAL);
    CHECK_OK(put(1, "_sources", "d", "m"));
    memset(path, 'x', UNS_SEGMENT_MAX + 1);
    CHECK_STATUS(put(2, path, "d", "n"), PT_EINVAL);
    for (size_t i = 0; i < UNS_PATH_MAX + 1; i++)
        path[i] = i % 100 == 99 ? '/' : 'x';
    CHECK_STATUS(put(2, path, "d", "n"), PT_EINVAL);
    CHECK_STATUS(put(3, "z", "d", "m"), PT_EINVAL); /* the source of tag 1 */
    CHECK(!at_path("z"));
    CHECK_INT(stats().tags, 1);
    close_tree();
}

static void death_keeps_value_and_time_and_the_first_moment_of_staleness(void)
{
    open_tree();
    uint32_t id = 1;
    CHECK_OK(put(1, "a", "d", "m"));
    apply_double(1, 2.5, 1000, SPB_GOOD);
    uns_stale(tree, &id, 1, 5000);
    const uns_tag_view *v = at_path("a");
    CHECK(v->state == UNS_STALE_STATE && v->quality == SPB_STALE && v->stale_since_ms == 5000);
    CHECK(v->last_quality == SPB_GOOD); /* what it was before, for who comes back */
    CHECK(v->value.as.f64 == 2.5 && v->time_ms == 1000);
    uint64_t change = v->change;
    uns_stale(tree, &id, 1, 9000);
    v = at_path("a");
    CHECK(v->stale_since_ms == 5000 && v->change == change);
    apply_double(1, 3.5, 10000, SPB_GOOD);
    v = at_path("a");
    CHECK(v->state == UNS_LIVE && v->quality == SPB_GOOD && v->change > change);
    apply_double(1, 3.5, 11000, SPB_STALE); /* the edge node itself says so */
    v = at_path("a");
    CHECK(v->state == UNS_STALE_STATE && v->stale_since_ms == 11000);
    apply_double(1, 4.5, 12000, SPB_STALE);
    CHECK(at_path("a")->stale_since_ms == 11000);
    apply_double(1, 4.5, 13000, SPB_BAD);
    CHECK(at_path("a")->state == UNS_LIVE && at_path("a")->quality == SPB_BAD);
    close_tree();
}

static void a_metric_gone_from_the_birth_is_absent_until_it_returns(void)
{
    open_tree();
    uint32_t id = 1;
    CHECK_OK(put(1, "a", "d", "m"));
    apply_double(1, 1, 1000, SPB_GOOD);
    uns_absent(tree, &id, 1, 2000);
    CHECK(at_path("a")->state == UNS_ABSENT && at_path("a")->quality == SPB_STALE && at_path("a")->stale_since_ms == 2000);
    uns_stale(tree, &id, 1, 3000);
    CHECK(at_path("a")->state == UNS_ABSENT && at_path("a")->stale_since_ms == 2000);
    CHECK_INT(stats().absent, 1);
    apply_double(1, 1, 4000, SPB_GOOD);
    CHECK(at_path("a")->state == UNS_LIVE);
    uns_stale(tree, &id, 1, 5000);
    uns_absent(tree, &id, 1, 6000); /* from stale: the first moment stays */
    CHECK(at_path("a")->state == UNS_ABSENT && at_path("a")->stale_since_ms == 5000);
    close_tree();
}

static void a_new_type_forgets_the_value_and_the_same_type_keeps_it(void)
{
    open_tree();
    CHECK_OK(put(1, "a", "d", "m"));
    apply_double(1, 1.5, 1000, SPB_GOOD);
    CHECK_OK(put(1, "a", "d", "m"));
    CHECK(at_path("a")->has_value);
    uns_tag_def d = def_of(1, "a", "d", "m");
    d.type = SPB_STRING;
    CHECK_OK(uns_tag_put(tree, &d));
    CHECK(!at_path("a")->has_value && at_path("a")->value.is_null && at_path("a")->value.type == SPB_STRING);
    close_tree();
}

static void texts_are_copied_reused_and_bounded(void)
{
    static char big[UNS_VALUE_MAX + 1];
    open_tree();
    uns_tag_def d = def_of(1, "a", "d", "m");
    d.type = SPB_STRING;
    CHECK_OK(uns_tag_put(tree, &d));
    char text[] = "running";
    apply_text(1, pt_cstr(text), 1);
    text[0] = 'X';
    CHECK_STR(at_path("a")->value.as.bytes, "running");
    apply_text(1, PT_LIT(""), 2);
    CHECK_STR(at_path("a")->value.as.bytes, "");
    CHECK(!at_path("a")->value.is_null);
    memset(big, 'b', sizeof big);
    apply_text(1, pt_slice_of(big, UNS_VALUE_MAX), 3);
    CHECK(!at_path("a")->value.is_null && at_path("a")->quality == SPB_GOOD);
    CHECK_INT(stats().oversized, 0);
    apply_text(1, pt_slice_of(big, UNS_VALUE_MAX + 1), 4);
    CHECK(at_path("a")->value.is_null && at_path("a")->quality == SPB_BAD && at_path("a")->time_ms == 4);
    CHECK_INT(stats().oversized, 1);
    apply_text(1, PT_LIT("ok"), 5);
    CHECK_STR(at_path("a")->value.as.bytes, "ok");
    apply_double(1, 8.5, 6, SPB_GOOD); /* a value of another type than announced is shown as what it is */
    CHECK(at_path("a")->value.type == SPB_DOUBLE && at_path("a")->value.as.f64 == 8.5);
    uns_update null = { .tag_id = 1, .time_ms = 7, .value = { .type = SPB_STRING, .is_null = true } };
    uns_apply(tree, &null, 1);
    CHECK(at_path("a")->has_value && at_path("a")->value.is_null && at_path("a")->quality == SPB_GOOD);
    close_tree();
}

static void the_first_owner_keeps_a_path_and_the_second_is_quarantined(void)
{
    open_tree();
    CHECK_OK(put(1, "a/b", "d1", "m"));
    CHECK_STATUS(put(2, "a/b", "d2", "m"), PT_EEXISTS);
    CHECK_STATUS(put(2, "a/b", "d2", "m"), PT_EEXISTS);
    CHECK_INT(stats().collisions, 1);
    apply_double(2, 9, 1, SPB_GOOD);
    CHECK(at_path("a/b")->def.tag_id == 1 && !at_path("a/b")->has_value);
    CHECK(at_path("_source/spb/G/E/d2/m")->value.as.f64 == 9);
    CHECK_STR(by_id(2)->def.path, "_source/spb/G/E/d2/m");
    CHECK_OK(put(1, "a/c", "d1", "m")); /* the owner moves away */
    CHECK_OK(put(2, "a/b", "d2", "m"));
    CHECK(at_path("a/b")->def.tag_id == 2 && at_path("a/b")->value.as.f64 == 9);
    CHECK_STATUS(put(1, "a/b", "d1", "m"), PT_EEXISTS); /* a move onto an owned path */
    CHECK(!at_path("a/c"));
    CHECK_INT(stats().collisions, 2);
    close_tree();
}

static void unknown_ids_are_counted_not_followed(void)
{
    static const uint32_t ids[] = { 0, 2, 255, 256, 4000000000u };
    open_tree();
    CHECK_OK(put(1, "a", "d", "m"));
    for (size_t i = 0; i < PT_COUNT_OF(ids); i++)
        apply_double(ids[i], 1, 1, SPB_GOOD);
    uns_stale(tree, ids, PT_COUNT_OF(ids), 1);
    CHECK_INT(stats().unknown, 2 * PT_COUNT_OF(ids));
    CHECK_INT(stats().updates, PT_COUNT_OF(ids));
    close_tree();
}

/* ---- random operations against a model that is a plain list ---- */

enum { TAGS = 60 };
typedef struct model_tag {
    bool used, mapped, hidden;
    char path[64];
    uns_state state;
} model_tag;
static model_tag model[TAGS + 1];

static void random_path(pt_random *r, char *out, size_t cap)
{
    size_t n = 0, depth = 1 + pt_random_below(r, 4);
    for (size_t i = 0; i < depth; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%c", i ? "/" : "", (char)('a' + pt_random_below(r, 3)));
}

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return n == 0 || (strncmp(path, folder, n) == 0 && path[n] == '/');
}

typedef struct check_ctx {
    unsigned bad, tags;
    char last[64];
} check_ctx;

static bool check_node(void *ctx, const uns_node_view *v)
{
    check_ctx *c = ctx;
    char path[64];
    unsigned live = 0, stale = 0, tag = 0;
    char kids[64][64];
    unsigned n_kids = 0;
    copy_slice(path, sizeof path - 1, v->path);
    path[v->path.len] = '\0';
    for (uint32_t i = 1; i <= TAGS; i++) {
        const model_tag *m = &model[i];
        if (!m->used || !m->mapped) continue;
        if (strcmp(m->path, path) == 0) tag = i;
        if (!below(m->path, path)) continue;
        live += m->state == UNS_LIVE;
        stale += m->state == UNS_STALE_STATE;
        if (m->hidden) continue;
        char kid[64];
        snprintf(kid, sizeof kid, "%s", m->path);
        char *cut = strchr(kid + strlen(path) + 1, '/');
        if (cut) *cut = '\0';
        unsigned k = 0;
        while (k < n_kids && strcmp(kids[k], kid) != 0)
            k++;
        if (k == n_kids && n_kids < 64) strcpy(kids[n_kids++], kid);
    }
    uns_state want = tag ? model[tag].state : live ? UNS_LIVE : stale ? UNS_STALE_STATE : UNS_ABSENT;
    c->bad += v->tag_id != tag || v->state != want || v->children != n_kids;
    c->bad += tag && model[tag].hidden && !n_kids;
    c->bad += strcmp(c->last, path) >= 0 && !strchr(path, '-'); /* a..c and '/' only: bytewise order is path order */
    c->tags += tag && !model[tag].hidden;
    snprintf(c->last, sizeof c->last, "%s", path);
    return true;
}

static void random_operations_agree_with_a_plain_list(void)
{
    pt_random r = pt_random_seed(42);
    open_tree();
    unsigned bad = 0;
    for (unsigned op = 0; op < 20000; op++) {
        uint32_t id = 1 + (uint32_t)pt_random_below(&r, TAGS);
        model_tag *m = &model[id];
        switch (pt_random_below(&r, 6)) {
        case 0:
        case 1: {
            char path[64] = "", metric[16];
            if (pt_random_below(&r, 8)) random_path(&r, path, sizeof path);
            snprintf(metric, sizeof metric, "m/%u", id);
            uns_tag_def d = def_of(id, path, "d", metric);
            d.hidden = pt_random_below(&r, 4) == 0;
            pt_status st = uns_tag_put(tree, &d), want = PT_OK;
            for (uint32_t i = 1; i <= TAGS; i++) {
                if (i != id && *path && model[i].used && model[i].mapped && strcmp(model[i].path, path) == 0) want = PT_EEXISTS;
            }
            bad += st != want;
            if (!m->used) m->state = UNS_STALE_STATE;
            m->used = true;
            m->hidden = d.hidden;
            m->mapped = *path && want == PT_OK;
            snprintf(m->path, sizeof m->path, "%s", path);
            break;
        }
        case 2:
        case 3:
            apply_double(id, 1, op, SPB_GOOD);
            if (m->used) m->state = UNS_LIVE;
            break;
        case 4:
            uns_stale(tree, &id, 1, op);
            if (m->used && m->state != UNS_ABSENT) m->state = UNS_STALE_STATE;
            break;
        default:
            uns_absent(tree, &id, 1, op);
            if (m->used) m->state = UNS_ABSENT;
            break;
        }
        if (op % 16) continue;
        check_ctx c = { 0, 0, "" };
        CHECK_OK(uns_children(tree, PT_NONE, 64, false, check_node, &c));
        unsigned want = 0, states[4] = { 0 };
        for (uint32_t i = 1; i <= TAGS; i++) {
            want += model[i].used && model[i].mapped && !model[i].hidden;
            if (model[i].used) states[model[i].state]++;
        }
        uns_stats s = stats();
        bad += c.bad + (c.tags != want);
        bad += s.live != states[UNS_LIVE] || s.stale != states[UNS_STALE_STATE] || s.absent != states[UNS_ABSENT];
    }
    CHECK_INT(bad, 0);
    close_tree();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(odd_metric_names_keep_their_own_places_in_the_source_view),
        PT_TEST(a_name_too_deep_or_long_to_spell_out_is_shown_by_digest),
        PT_TEST(wrong_definitions_change_nothing),
        PT_TEST(death_keeps_value_and_time_and_the_first_moment_of_staleness),
        PT_TEST(a_metric_gone_from_the_birth_is_absent_until_it_returns),
        PT_TEST(a_new_type_forgets_the_value_and_the_same_type_keeps_it),
        PT_TEST(texts_are_copied_reused_and_bounded),
        PT_TEST(the_first_owner_keeps_a_path_and_the_second_is_quarantined),
        PT_TEST(unknown_ids_are_counted_not_followed),
        PT_TEST(random_operations_agree_with_a_plain_list),
    };
    return pt_test_main("uns/tree", tests, PT_COUNT_OF(tests), argc, argv);
}
