/* host/cli/main.c -- plantree, the operator's tool: find the verb, run it, give its exit code. */
#include "base/nearest.h"
#include "host/cli/cli.h"

#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

static const cli_verb *const verbs[] = { CLI_EACH_VERB(CLI_VERB_ADDRESS) };

static const char tail[] =
    "\n"
    "Options of every verb:\n"
    "  --url URL           the host's address; else PLANTREE_URL, else http://127.0.0.1:8080\n"
    "  --token-file FILE   a token to show to the host; else PLANTREE_TOKEN\n"
    "  --data DIR          read a data directory instead of asking a host (history, events, log, audit, replay, sql, export, verify, backup, user, token);\n"
    "                      verbs that read files take the host's own directory when it is on this machine\n"
    "  --json              the host's JSON instead of a table\n"
    "  --timeout D         how long to wait for the host (default 30s)\n"
    "  --help              the verb's options, with examples\n"
    "\n"
    "Times: 2026-11-20T22:00:00Z, epoch milliseconds, now, now-8h, now/d. Ranges are [from, to).\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 4 timed out or host not reached.\n"
    "\n"
    "Start with:  plantree nodes      plantree tree      plantree watch '**'\n";

static int overview(FILE *to)
{
    fprintf(to, "plantree - look into a plant, its history and its past\n\nUsage: plantree VERB [ARGUMENTS] [OPTIONS]\n\n");
    for (size_t i = 0; i < PT_COUNT_OF(verbs); i++)
        fprintf(to, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(to, "%s", tail);
    return fflush(to) ? PT_EXIT_FAILED : PT_EXIT_OK;
}

static int run(cli *c, int argc, char **argv)
{
    int rc = cli_options(c, &argc, argv, NULL);
    if (rc != CLI_GO_ON) return rc;
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        overview(stderr);
        return PT_EXIT_USAGE;
    }
    if (strcmp(word, "--version") == 0) {
        printf("plantree %s\n", PLANTREE_VERSION);
        return fflush(stdout) ? PT_EXIT_FAILED : PT_EXIT_OK;
    }
    bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 2)) return overview(stdout);
    if (help) word = argv[2];
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < PT_COUNT_OF(verbs); i++) {
        if (strcmp(word, verbs[i]->name) != 0) {
            if (pt_nearer(pt_cstr(word), verbs[i]->name, &best)) nearest = verbs[i]->name;
            continue;
        }
        c->verb = verbs[i];
        if (help) {
            printf("%s", verbs[i]->help);
            return fflush(stdout) ? PT_EXIT_FAILED : PT_EXIT_OK;
        }
        return verbs[i]->run(c, argc - 1, argv + 1);
    }
    return nearest ? cli_usage(c, "there is no verb '%s'; did you mean '%s'?", word, nearest) : cli_usage(c, "there is no verb '%s'", word);
}

int main(int argc, char **argv)
{
    const char *url = getenv("PLANTREE_URL");
    cli c = { .url = url && *url ? url : "http://127.0.0.1:8080", .timeout_ms = 30000, .now_ms = pt_wall_ms(pt_clock_system()) };
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth; without it columns of wide characters are a little off */
    (void)signal(SIGPIPE, SIG_IGN);       /* a closed pipe is a failed write */
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) return cli_fail(&c, PT_EXIT_FAILED, "libcurl does not start");
    int rc = run(&c, argc, argv);
    cli_client_close(&c);
    curl_global_cleanup();
    return rc;
}
