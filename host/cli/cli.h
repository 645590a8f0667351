/* host/cli/cli.h -- what the verbs of `plantree` share: options, the host's HTTP interface, tables, values as text.
 *
 * A verb is one function in one file. It parses its options, asks the host (or reads a data directory), prints and returns the exit
 * code of the contract. Everything runs on the main thread. Texts that came from outside reach the terminal through
 * cli_printable or a table only, so no plant string can move a cursor. */
#ifndef HOST_CLI_H
#define HOST_CLI_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/daemon/program.h" /* PT_EXIT_... */
#include "base/json.h"
#include "base/log.h"
#include "base/timestamp.h"

#include <jansson.h>
#include <stdio.h>

enum { CLI_GO_ON = -1, CLI_MAX_LIST = 256, CLI_EXIT_INTERRUPTED = 130 };

typedef struct cli cli;

typedef struct cli_verb {
    const char *name, *summary;                /* one line for the overview */
    const char *help;                          /* usage, what it does, examples */
    int (*run)(cli *c, int argc, char **argv); /* argv[0] is the verb */
} cli_verb;

struct cli {
    const cli_verb *verb;
    const char *url;        /* without a final '/' */
    const char *data_dir;   /* NULL: ask the host */
    char *hosts_dir;        /* owned: what the host answered, cli_need_data */
    const char *token_file; /* NULL: PLANTREE_TOKEN or none */
    bool json;
    int64_t timeout_ms;
    int64_t now_ms;   /* taken once, so that all times of a call agree */
    char *token;      /* owned; NULL: none */
    bool damaged;     /* something recorded could not be read; said already */
    pt_log files_log; /* of the historian whose files are read */
    void *curl;       /* owned handle, made on first use */
};

/* ---- options (options.c) ---- */

typedef struct cli_list {
    const char *items[CLI_MAX_LIST];
    size_t n;
} cli_list;

typedef struct cli_option { /* exactly one of the three pointers */
    const char *name;       /* "--from"; NULL closes the table */
    const char **value;
    bool *flag;
    cli_list *list; /* may be given often */
} cli_option;

/* Take the options (common ones too) out of argv, wherever they stand; arguments stay, argv[0] kept. CLI_GO_ON, or the exit code. */
int cli_options(cli *c, int *argc, char **argv, const cli_option *own);
/* Say what is wrong with the call; returns PT_EXIT_USAGE. */
int cli_usage(const cli *c, const char *fmt, ...) PT_PRINTF(2, 3);
/* Say what went wrong; returns `code`. */
int cli_fail(const cli *c, int code, const char *fmt, ...) PT_PRINTF(3, 4);
/* A time of the contract, `text` NULL: `def`. CLI_GO_ON or the exit code. */
int cli_time(const cli *c, const char *option, const char *text, int64_t def, int64_t *out);
int cli_duration(const cli *c, const char *option, const char *text, int64_t def, int64_t *out);
/* --from and --to with their defaults (now-1h, now); an empty or backward range is a usage error. */
int cli_range(const cli *c, const char *from, const char *to, int64_t *from_ms, int64_t *to_ms);

/* ---- the host (client.c) ---- */

typedef struct cli_answer {
    long status;
    pt_buf body;
    json_t *json; /* the body parsed, once cli_answer_json was called; owned */
} cli_answer;

/* GET or POST `target` ("/api/v1/nodes?..."). CLI_GO_ON: the host said 2xx. Otherwise the failure is said and the exit code returned:
 * 4 not reachable or too slow, 3 refused (401, 403, 409, 422, 423), 2 for 400, else 1. Release in every case. */
int cli_get(cli *c, const char *target, cli_answer *out);
int cli_post(cli *c, const char *target, const char *json, const char *header, cli_answer *out);
/* The same without judging the status (CLI_GO_ON whenever there is an answer). */
int cli_request(cli *c, const char *method, const char *target, const char *json, const char *header, cli_answer *out);
int cli_judge(cli *c, cli_answer *a);
/* "/api/v1/nodes/GROUP/EDGE" and `suffix` of a node written as GROUP/EDGE; free(*out). CLI_GO_ON, or the exit code (said). */
int cli_node_target(cli *c, const char *node, const char *suffix, char **out);
/* GET, or POST of `json`: `put` gets the answer of a 2xx piece by piece, and stops it with false. CLI_GO_ON: whole, or stopped; else the
 * exit code (said), also of an answer that breaks off. *damaged: what the host could not read of it. */
int cli_download(cli *c, const char *target, const char *json, bool (*put)(void *ctx, pt_slice piece), void *ctx, uint64_t *damaged);
/* Parse the body into a->json. CLI_GO_ON or the exit code. */
int cli_answer_json(cli *c, cli_answer *a);
void cli_release(cli_answer *a);

/* Server-sent events: `each` gets every event until it returns false or limit_ms is over (0: no limit). CLI_GO_ON: ended so; else the
 * exit code (said). */
typedef bool cli_event_fn(void *ctx, pt_slice event, pt_slice data);
int cli_stream(cli *c, const char *target, int64_t limit_ms, cli_event_fn *each, void *ctx);
void cli_client_close(cli *c);
/* For verbs that read files: without --data, ask the host for its data directory (c->data_dir then). CLI_GO_ON, or the exit code: 4 no
 * host, 2 its directory is not on this machine or not ours to read. */
int cli_need_data(cli *c);

/* Append "name=value" percent-encoded with '?' or '&' in front; does nothing for a NULL value. */
void cli_query(pt_buf *target, const char *name, const char *value);
void cli_query_ms(pt_buf *target, const char *name, int64_t ms);

/* ---- output (output.c) ---- */

/* Terminal text: control characters, direction overrides and invalid UTF-8 become '?'. */
void cli_printable(pt_buf *out, pt_slice s);
/* A JSON value as text: strings as they are, null empty, numbers shortest, others compact JSON. */
void cli_value_text(pt_buf *out, const json_t *v);
/* The same into a JSON writer (jansson's own dump is not shortest for doubles). */
void cli_json_value(pt_json *j, const json_t *v);
/* The whole buffer to standard output; returns the exit code (1 and a message when it cannot be written). */
int cli_put(const cli *c, const pt_buf *out);
int cli_put_json(const cli *c, const cli_answer *a); /* the body as it came, with one final newline */

/* Aligned columns; numbers to the right. Rows are held back until there are some thousand, then widths are settled. */
typedef struct cli_table cli_table;
cli_table *cli_table_new(const char *const *heads, const char *align,
                         size_t columns); /* align: 'l' or 'r' each; both are borrowed as long as the table lives. NULL: out of memory */
void cli_table_cell(cli_table *t, pt_slice text);    /* the next cell; rows end by themselves */
void cli_table_cstr(cli_table *t, const char *text); /* NULL: "-" */
void cli_table_i64(cli_table *t, int64_t v);
void cli_table_time(cli_table *t, int64_t ms);      /* RFC 3339; 0: "-" */
void cli_table_json(cli_table *t, const json_t *v); /* missing or null: "-" */
int cli_table_flush(const cli *c, cli_table *t);    /* whole rows go out now, with the widths known so far. CLI_GO_ON, or the exit code */
int cli_table_end(const cli *c, cli_table *t);      /* prints what is left, frees; returns the exit code */

/* Members of API objects with a fallback. */
const char *cli_str(const json_t *o, const char *key); /* NULL when absent or no text */
int64_t cli_i64(const json_t *o, const char *key);     /* 0 when absent */
int64_t cli_int(const json_t *v);                      /* a number, whichever way jansson holds it; else 0 */
/* A list answer: the array itself, or the member "items" of an object; NULL otherwise. */
const json_t *cli_items(const json_t *v);
const char *cli_quality_word(char letter); /* 'G' -> "GOOD" */

/* ---- verbs ---- */

/* All of them, in the order of the overview: cli_verb_nodes in verb_nodes.c and so on. */
#define CLI_EACH_VERB(X) \
    X(nodes)             \
    X(conformance)       \
    X(tree)              \
    X(read)              \
    X(tag)               \
    X(watch)             \
    X(history)           \
    X(durations)         \
    X(events)            \
    X(log) X(audit) X(write) X(rebirth) X(replay) X(map) X(sql) X(export) X(import) X(verify) X(backup) X(prune) X(user) X(token) X(decode)
#define CLI_VERB_DECLARED(name) extern const cli_verb cli_verb_##name;
#define CLI_VERB_ADDRESS(name)  &cli_verb_##name,
CLI_EACH_VERB(CLI_VERB_DECLARED)
#endif
