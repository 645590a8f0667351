/* host/cli/ask.h -- one question about the past, to a running host or to a data directory: the same rows from the same code.
 *
 * The host's HTTP interface and this program both run host/query/; with --data the run is here, without it is there. Bytes are passed on as
 * they come (CSV, JSON, JSON Lines) or laid out as a table, so an answer of any length needs little memory. */
#ifndef HOST_CLI_ASK_H
#define HOST_CLI_ASK_H
#include "host/cli/cli.h"
#include "host/query/query.h"

typedef struct cli_question {
    enum { CLI_ASK_HISTORY, CLI_ASK_EVENTS, CLI_ASK_TAGS } of;
    query_tags_question tags;
    query_history history; /* its shape decides the route */
    hist_event_filter events;
    query_format format;
} cli_question;

/* `put` gets the answer piece by piece; false stops it. CLI_GO_ON, or the exit code (said). What could not be read is said, and remembered
 * in c->damaged. */
int cli_ask(cli *c, const cli_question *q, bool (*put)(void *ctx, pt_slice piece), void *ctx);
/* To standard output. The exit code. */
int cli_ask_print(cli *c, const cli_question *q);

/* How rows of CSV become rows of a table: `row` adds the cells of one, by cli_table_cell and its like. */
typedef struct cli_view {
    const char *const *heads; /* NULL: those of the CSV */
    const char *align;
    size_t columns; /* with heads NULL: as many as the CSV has */
    void (*row)(void *ctx, cli_table *t, const pt_slice *cells, size_t n);
    void *ctx;
} cli_view;
/* As a table; q's format must be QUERY_CSV. The exit code. */
int cli_ask_table(cli *c, const cli_question *q, const cli_view *view);
/* A row function: the first cells as they are, '-' for empty ones. `ctx` points to how many (size_t); NULL: all. */
void cli_view_plain(void *ctx, cli_table *t, const pt_slice *cells, size_t n);
#endif
