/* tests/fuzz/uns_map_fuzz.c -- rules and names from outside: input is NUL-separated texts: metric pattern, group pattern, template,
 * then group, edge, device, metric of a source. What maps must be a path that the tree accepts. */
#include "uns/map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_lint(void *ctx, pt_slice rule, pt_slice earlier)
{
    (void)ctx, (void)rule, (void)earlier;
}
static void ignore_step(void *ctx, pt_slice rule, bool matched, const char *text)
{
    (void)ctx, (void)rule, (void)matched, (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_slice rest = pt_slice_of(data, size), text[7] = { 0 };
    const char *field;
    pt_error err;
    uns_map *m;
    uns_tree *tree;
    uns_mapping out, again;
    if (!size) return 0;
    for (unsigned i = 0; i < 7 && rest.ptr; i++)
        (void)pt_slice_split(&rest, '\0', &text[i]);
    if (uns_map_new(UNS_EMPTY_DROP, UNS_UNMAPPED_LITERAL, &m)) return 0;
    (void)!uns_map_var(m, PT_LIT("v"), PT_LIT("value"));
    (void)!uns_map_entry(m, PT_LIT("t"), PT_LIT("a"), PT_LIT("b"));
    uns_rule_def one = { .id = PT_LIT("1"), .metric = text[0], .to = text[2] },
                 two = { .id = PT_LIT("2"), .group = text[1], .to = text[2] };
    (void)!uns_map_rule(m, &one, &field, &err);
    (void)!uns_map_rule(m, &two, &field, &err);
    uns_map_lint(m, ignore_lint, NULL);
    uns_source s = { .group = text[3], .edge = text[4], .device = text[5], .metric = text[6], .type = SPB_DOUBLE };
    uns_map_apply(m, &s, &out);
    uns_map_explain(m, &s, ignore_step, NULL, &again);
    if (out.outcome != again.outcome || strcmp(out.path, again.path) != 0) abort();
    if ((out.len > 0) != (out.outcome == UNS_MAPPED || out.outcome == UNS_LITERAL)) abort();
    if (out.len && uns_tree_new(&tree) == PT_OK) {
        uns_tag_def d = { .tag_id = 1, .path = { out.path, out.len }, .group = PT_LIT("g"), .edge = PT_LIT("e"), .metric = PT_LIT("m") };
        if (uns_tag_put(tree, &d) == PT_EINVAL) abort();
        uns_tree_free(tree);
    }
    uns_map_free(m);
    return 0;
}
