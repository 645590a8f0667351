/* host/cli/verb_tag.c -- which tags there are, who owned a path when, and letting a tag give up its path. */
#include "host/cli/ask.h"

#include <stdlib.h>

static int show(cli *c, cli_question *q, const char *const *heads, const char *align, size_t columns)
{
    q->of = CLI_ASK_TAGS;
    q->format = c->json ? QUERY_JSON : QUERY_CSV;
    if (c->json) return cli_ask_print(c, q);
    return cli_ask_table(c, q, &(cli_view){ heads, align, columns, cli_view_plain, NULL });
}

static int list(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "TAG",    "PATH", "SOURCE", "GROUP",   "EDGE",  "DEVICE",
                                         "METRIC", "TYPE", "UNIT",   "SAMPLES", "FIRST", "LAST" };
    pt_slice paths[CLI_MAX_LIST];
    cli_question q = { .tags.paths = paths };
    if (argc > CLI_MAX_LIST) return cli_usage(c, "more than %d patterns", CLI_MAX_LIST);
    for (int i = 0; i < argc; i++)
        paths[q.tags.n_paths++] = pt_cstr(argv[i]);
    return show(c, &q, heads, "rllllllllrll", PT_COUNT_OF(heads));
}

static int history_of(cli *c, int argc, char **argv)
{
    static const char *const heads[] = { "TAG",    "FROM",   "TO",   "PATH NOW", "SOURCE",  "GROUP", "EDGE",
                                         "DEVICE", "METRIC", "TYPE", "UNIT",     "SAMPLES", "FIRST", "LAST" };
    cli_question q = { .of = CLI_ASK_TAGS };
    if (argc != 1) return cli_usage(c, "history-of needs one path");
    q.tags.owners_of = pt_cstr(argv[0]);
    return show(c, &q, heads, "rllllllllllrll", PT_COUNT_OF(heads));
}

static int retire(cli *c, int argc, char **argv)
{
    char target[100], *end = NULL;
    cli_answer a = { 0 };
    unsigned long long id = argc == 1 ? strtoull(argv[0], &end, 10) : 0;
    if (c->data_dir) return cli_usage(c, "retire is for a running host; without one, the tag's source can be left out by a rule");
    if (argc != 1 || !argv[0][0] || *end || id == 0 || id > UINT32_MAX)
        return cli_usage(c, "retire needs the number of a tag (plantree tag ls)");
    snprintf(target, sizeof target, "/api/v1/tags/%llu/retire", id);
    int rc = cli_post(c, target, "{}", NULL, &a);
    if (rc == CLI_GO_ON && c->json) {
        rc = cli_put_json(c, &a);
    } else if (rc == CLI_GO_ON) {
        pt_buf out;
        pt_buf_init(&out, 4096);
        pt_buf_printf(&out, "Tag %llu owns no path from now on. Its history stays.\n", id);
        rc = cli_put(c, &out);
        pt_buf_fini(&out);
    }
    cli_release(&a);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(cli *c, int argc, char **argv);
    } parts[] = { { "ls", list }, { "history-of", history_of }, { "retire", retire } };
    int rc = cli_options(c, &argc, argv, NULL);
    if (rc != CLI_GO_ON) return rc;
    for (size_t i = 0; argc > 1 && i < PT_COUNT_OF(parts); i++)
        if (strcmp(argv[1], parts[i].name) == 0) return parts[i].run(c, argc - 2, argv + 2);
    return argc > 1 ? cli_usage(c, "'%s' is not one of ls, history-of, retire", argv[1]) : cli_usage(c, "ls, history-of or retire?");
}

const cli_verb cli_verb_tag = {
    "tag", "the tags there are, and who owned a path when",
    "Usage: plantree tag ls [GLOB...] [--json] [--data DIR]\n"
    "       plantree tag history-of PATH [--json] [--data DIR]\n"
    "       plantree tag retire NUMBER [--json]\n"
    "\n"
    "A tag is a source for ever, known by its number; a path is a place in the tree, owned by one tag at a time. Questions by path are\n"
    "answered by all that owned it, one after the other.\n"
    "\n"
    "  ls          tags by number, with the path each owns now (-: none, another has it), where it comes from, and what is stored;\n"
    "              patterns choose by path\n"
    "  history-of  who owned the path, oldest first, from when to when (-: still)\n"
    "  retire      a tag whose source is gone gives up its path, so that another may have it at once; its history stays, under its\n"
    "              number and for the time it owned the path. It comes back with its next birth. Noted in the audit\n"
    "\n"
    "Examples:\n"
    "  plantree tag ls 'Acme/line1/**'\n"
    "  plantree tag history-of Acme/line1/tank/level\n"
    "  plantree tag retire 3\n",
    run
};
