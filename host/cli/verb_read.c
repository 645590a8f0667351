/* host/cli/verb_read.c -- current values, once. */
#include "base/glob.h"
#include "host/cli/cli.h"

#include <stdlib.h>

enum { MAX_TARGET = 6000 }; /* bytes of an address the host surely takes */

static void row(cli_table *t, const json_t *v)
{
    cli_table_cstr(t, cli_str(v, "path"));
    cli_table_json(t, json_object_get(v, "value"));
    cli_table_cstr(t, cli_str(v, "unit") ? cli_str(v, "unit") : "");
    cli_table_cstr(t, cli_str(v, "quality"));
    cli_table_time(t, cli_i64(v, "timestamp_ms"));
    cli_table_time(t, cli_i64(v, "stale_since_ms"));
    cli_table_cstr(t, cli_str(v, "type"));
}

/* A source path is asked for alone: what answers it bears its path in the tree, so only the answer's size tells whether it is there. */
static bool is_source(const char *path)
{
    return strncmp(path, "_source", 7) == 0 && (!path[7] || path[7] == '/');
}

/* As many paths as one request takes, from *at on. */
static char *next_target(int argc, char **argv, int *at)
{
    pt_buf paths, target;
    pt_buf_init(&paths, 1 << 20);
    pt_buf_init(&target, 1 << 20);
    for (bool alone = false; *at < argc && !alone && (paths.len == 0 || paths.len + strlen(argv[*at]) < MAX_TARGET / 3); ++*at) {
        alone = is_source(argv[*at]);
        if (alone && paths.len) break;
        if (paths.len) pt_buf_char(&paths, ',');
        pt_buf_cstr(&paths, argv[*at]);
    }
    char *list = pt_buf_take(&paths, NULL);
    pt_buf_cstr(&target, "/api/v1/values");
    cli_query(&target, "paths", list);
    char *text = list ? pt_buf_take(&target, NULL) : NULL;
    free(list);
    pt_buf_fini(&target);
    return text;
}

/* Which of argv[from, to) the answer to them has nothing for. */
static int missing(const cli *c, const json_t *answer, int from, int to, char **argv)
{
    int code = PT_EXIT_OK;
    for (int i = from; i < to; i++) {
        size_t k = 0;
        for (; k < json_array_size(answer); k++) {
            const char *path = cli_str(json_array_get(answer, k), "path");
            if (is_source(argv[i]) || (path && pt_glob_match(pt_cstr(argv[i]), pt_cstr(path)))) break; /* a literal path matches itself */
        }
        if (k == json_array_size(answer)) code = cli_fail(c, PT_EXIT_FAILED, "there is no tag '%s'", argv[i]);
    }
    return code;
}

static int print(const cli *c, const json_t *all)
{
    static const char *const heads[] = { "PATH", "VALUE", "UNIT", "QUALITY", "TIME", "STALE SINCE", "TYPE" };
    if (c->json) {
        pt_buf out;
        pt_json j;
        pt_buf_init(&out, 1 << 30);
        pt_json_init(&j, &out);
        cli_json_value(&j, all);
        pt_buf_char(&out, '\n');
        int rc = cli_put(c, &out);
        pt_buf_fini(&out);
        return rc;
    }
    cli_table *t = cli_table_new(heads, "lrlllll", PT_COUNT_OF(heads));
    for (size_t i = 0; t && i < json_array_size(all); i++)
        row(t, json_array_get(all, i));
    return t ? cli_table_end(c, t) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
}

static int run(cli *c, int argc, char **argv)
{
    int rc = cli_options(c, &argc, argv, NULL);
    if (rc != CLI_GO_ON) return rc;
    if (argc < 2) return cli_usage(c, "which path?");
    json_t *all = json_array();
    int at = 1, lost = PT_EXIT_OK;
    rc = all ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    while (rc == CLI_GO_ON && at < argc) {
        cli_answer a = { 0 };
        int before = at;
        char *target = next_target(argc, argv, &at);
        rc = target ? cli_get(c, target, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
        if (rc == CLI_GO_ON && c->json && before == 1 && at == argc) { /* everything in one answer: as it came */
            rc = cli_put_json(c, &a);
            if (rc == PT_EXIT_OK && (rc = cli_answer_json(c, &a)) == CLI_GO_ON) rc = missing(c, cli_items(a.json), before, at, argv);
        } else if (rc == CLI_GO_ON && (rc = cli_answer_json(c, &a)) == CLI_GO_ON) {
            if (json_array_extend(all, (json_t *)(uintptr_t)cli_items(a.json)))
                rc = cli_fail(c, PT_EXIT_FAILED, "%s did not answer with a list", c->url);
            else if (missing(c, cli_items(a.json), before, at, argv)) lost = PT_EXIT_FAILED;
        }
        free(target);
        cli_release(&a);
    }
    if (rc == CLI_GO_ON && (rc = print(c, all)) == PT_EXIT_OK) rc = lost;
    json_decref(all);
    return rc;
}

const cli_verb cli_verb_read = {
    "read", "current values",
    "Usage: plantree read PATH... [--json]\n"
    "\n"
    "The newest value of each tag with its quality: GOOD, UNCERTAIN, BAD, or STALE when its source is gone (the value is then\n"
    "the last one known). A path without a tag is said, and the exit code is 1.\n"
    "\n"
    "Examples:\n"
    "  plantree read Acme/gw-1/filler/Level/PV Acme/gw-1/filler/Level/SP\n"
    "  plantree read --json Acme/gw-1/filler/Level/PV | jq '.[0].value'\n"
    "\n"
    "See also: plantree watch, for values as they change.\n",
    run
};
