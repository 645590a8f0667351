/* host/cli/verb_tree.c -- the tree of names. */
#include "host/cli/cli.h"

#include <stdlib.h>

static size_t depth_of(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

static void rows(cli_table *t, const json_t *nodes)
{
    size_t top = SIZE_MAX;
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const char *path = cli_str(json_array_get(nodes, i), "path");
        if (path && depth_of(path) < top) top = depth_of(path);
    }
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *n = json_array_get(nodes, i);
        const char *path = cli_str(n, "path"), *name = cli_str(n, "name"), *kind = cli_str(n, "kind");
        bool folder = kind && strcmp(kind, "folder") == 0;
        char text[1200];
        snprintf(text, sizeof text, "%*s%s%s", path ? (int)(2 * (depth_of(path) - top)) : 0, "", name ? name : "?", folder ? "/" : "");
        cli_table_cstr(t, text);
        cli_table_cstr(t, kind);
        cli_table_cstr(t, cli_str(n, "class"));
        cli_table_cstr(t, cli_str(n, "state"));
        cli_table_json(t, json_object_get(n, "tag_id"));
        cli_table_i64(t, cli_i64(n, "children"));
    }
}

static int run(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "NAME", "KIND", "CLASS", "STATE", "TAG", "CHILDREN" };
    const char *depth = NULL, *at = NULL;
    bool source = false;
    int64_t at_ms = 0;
    uint64_t levels = 32;
    const cli_option options[] = {
        { .name = "--depth", .value = &depth }, { .name = "--at", .value = &at }, { .name = "--source", .flag = &source }, { 0 }
    };
    pt_buf target;
    cli_answer a = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && at) rc = cli_time(c, "--at", at, 0, &at_ms);
    if (rc != CLI_GO_ON) return rc;
    if (argc > 2) return cli_usage(c, "one path at most");
    if (depth && (!pt_slice_to_u64(pt_cstr(depth), &levels) || levels < 1 || levels > 64))
        return cli_usage(c, "--depth is a number from 1 to 64, not '%s'", depth);
    const char *path = argc > 1 ? argv[1] : NULL;
    char below[1200];
    if (source && (!path || strncmp(path, "_source", 7) != 0)) {
        snprintf(below, sizeof below, "_source%s%s", path ? "/" : "", path ? path : "");
        path = below;
    }
    pt_buf_init(&target, 1 << 16);
    pt_buf_cstr(&target, "/api/v1/tree");
    cli_query(&target, "path", path);
    cli_query_ms(&target, "depth", (int64_t)levels);
    if (at) cli_query_ms(&target, "at", at_ms);
    char *text = pt_buf_take(&target, NULL);
    rc = text ? cli_get(c, text, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (rc == CLI_GO_ON && c->json) {
        rc = cli_put_json(c, &a);
    } else if (rc == CLI_GO_ON && (rc = cli_answer_json(c, &a)) == CLI_GO_ON) {
        cli_table *t = cli_table_new(heads, "llllrr", PT_COUNT_OF(heads));
        if (t) rows(t, cli_items(a.json));
        rc = t ? cli_table_end(c, t) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    free(text);
    cli_release(&a);
    return rc;
}

const cli_verb cli_verb_tree = {
    "tree", "the tree of names: folders and tags",
    "Usage: plantree tree [PATH] [--depth N] [--at TIME] [--source] [--json]\n"
    "\n"
    "What stands below PATH (the whole plant when it is left out), parents before children. A tag may have children too.\n"
    "\n"
    "  --depth N    so many levels (default: all, at most 64)\n"
    "  --at TIME    the tree as it was then\n"
    "  --source     the source view: group, edge node, device and metric as they were published\n"
    "\n"
    "Examples:\n"
    "  plantree tree --depth 2\n"
    "  plantree tree Acme/gw-1/filler\n"
    "  plantree tree --source spb/Acme\n",
    run
};
