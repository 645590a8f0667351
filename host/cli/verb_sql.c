/* host/cli/verb_sql.c -- read-only SQL over the historian's tables. */
#include "host/cli/data.h"
#include "base/csv.h"
#include "historian/exchange/sql.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 64, FLUSH_AT = 64 << 10 };

typedef struct out {
    cli *c;
    char align[COLUMNS_MAX + 1];
    bool csv, begun;
    cli_table *table;
    const char *heads[COLUMNS_MAX];
    char *names; /* owned: the heads' texts */
    int columns;
    pt_buf text;
    pt_json j;
    int code;
} out;

static void cell_text(pt_buf *b, const hist_sql_cell *v)
{
    char number[32];
    switch (v->type) {
    case HIST_SQL_INTEGER: pt_buf_printf(b, "%lld", (long long)v->i64); break;
    case HIST_SQL_REAL: pt_buf_add(b, number, pt_f64_text(v->f64, number)); break;
    case HIST_SQL_TEXT: pt_buf_slice(b, v->bytes); break;
    case HIST_SQL_BLOB: { /* base64, without the quotes JSON has around it */
        pt_buf quoted;
        pt_json j;
        pt_buf_init(&quoted, 256u << 20);
        pt_json_init(&j, &quoted);
        pt_json_base64(&j, v->bytes);
        if (quoted.len >= 2) pt_buf_add(b, quoted.ptr + 1, quoted.len - 2);
        pt_buf_fini(&quoted);
        break;
    }
    default: break;
    }
}

static void flush(out *o, size_t at_least)
{
    if (o->code != CLI_GO_ON || o->text.len < at_least || o->text.len == 0) return;
    int rc = cli_put(o->c, &o->text);
    if (rc != PT_EXIT_OK) o->code = rc;
    pt_buf_reset(&o->text);
}

/* Another statement's result goes on below the first one's, if it has the same columns. */
static bool begin(out *o, int n, const char *const *names)
{
    size_t bytes = 0;
    bool same = o->begun && n == o->columns;
    for (int i = 0; same && i < n; i++)
        same = strcmp(o->heads[i], names[i]) == 0;
    if (o->begun && !same)
        o->code = cli_fail(o->c, PT_EXIT_USAGE, "a later statement gives other columns than the first: ask them one by one");
    if (o->begun) return same;
    o->begun = true;
    if (n > COLUMNS_MAX) {
        o->code = cli_fail(o->c, PT_EXIT_FAILED, "%d columns; at most %d can be shown", n, COLUMNS_MAX);
        return false;
    }
    o->columns = n;
    for (int i = 0; i < n; i++)
        bytes += strlen(names[i]) + 1;
    char *to = o->names = malloc(bytes + 1);
    if (!to) return false;
    for (int i = 0; i < n; i++) {
        o->heads[i] = to;
        to = stpcpy(to, names[i]) + 1;
    }
    if (o->c->json) {
        pt_json_array(&o->j);
    } else if (o->csv) {
        for (int i = 0; i < n; i++) {
            if (i) pt_buf_char(&o->text, ',');
            pt_csv_field(&o->text, &pt_csv_rfc4180, pt_cstr(o->heads[i]));
        }
        pt_buf_char(&o->text, '\n');
    } else {
        memset(o->align, 'l', (size_t)n);
        o->table = cli_table_new(o->heads, o->align, (size_t)n);
        if (!o->table) return false;
    }
    return true;
}

static void json_row(out *o, const hist_sql_cell *cells)
{
    pt_json_object(&o->j);
    for (int i = 0; i < o->columns; i++) {
        const hist_sql_cell *v = &cells[i];
        pt_json_key(&o->j, o->heads[i]);
        if (v->type == HIST_SQL_INTEGER) pt_json_i64(&o->j, v->i64);
        else if (v->type == HIST_SQL_REAL) pt_json_f64(&o->j, v->f64);
        else if (v->type == HIST_SQL_TEXT) pt_json_str(&o->j, v->bytes);
        else if (v->type == HIST_SQL_BLOB) pt_json_base64(&o->j, v->bytes);
        else pt_json_null(&o->j);
    }
    pt_json_end_object(&o->j);
    flush(o, FLUSH_AT);
}

static bool row(void *ctx, int n, const char *const *names, const hist_sql_cell *cells)
{
    out *o = ctx;
    if (!cells) return begin(o, n, names);
    if (o->c->json) {
        json_row(o, cells);
        return o->code == CLI_GO_ON;
    }
    for (int i = 0; i < n; i++) {
        pt_buf tmp;
        pt_buf_init(&tmp, 256u << 20);
        cell_text(&tmp, &cells[i]);
        if (o->table) cli_table_cell(o->table, cells[i].type == HIST_SQL_NULL ? PT_LIT("-") : pt_buf_view(&tmp));
        else {
            if (i) pt_buf_char(&o->text, ',');
            pt_csv_field(&o->text, &pt_csv_rfc4180, pt_buf_view(&tmp));
        }
        pt_buf_fini(&tmp);
    }
    if (!o->table) {
        pt_buf_char(&o->text, '\n');
        flush(o, FLUSH_AT);
    }
    return o->code == CLI_GO_ON;
}

static int run(cli *c, int argc, char **argv)
{
    bool csv = false;
    const cli_option options[] = { { .name = "--csv", .flag = &csv }, { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc != 2) rc = cli_usage(c, "one argument is expected: the query");
    if (rc == CLI_GO_ON) rc = cli_need_data(c);
    if (rc != CLI_GO_ON) return rc;
    hist *h = NULL;
    pt_error err = { 0 };
    if ((rc = cli_data_open(c, true, &h)) != CLI_GO_ON) return rc;
    out to = { .c = c, .csv = csv, .code = CLI_GO_ON };
    pt_buf_init(&to.text, 512u << 20);
    pt_json_init(&to.j, &to.text);
    pt_status st = hist_sql_run(h, argv[1], row, &to, &err);
    if (c->json && st == PT_OK) {
        if (!to.begun) pt_json_array(&to.j); /* no statement had a result */
        pt_json_end_array(&to.j);
        pt_buf_char(&to.text, '\n');
    }
    flush(&to, 1);
    int shown = to.table ? cli_table_end(c, to.table) : PT_EXIT_OK;
    pt_buf_fini(&to.text);
    free(to.names);
    pt_status closed = hist_close(h, 1000, &err);
    if (st) return cli_fail(c, st == PT_EMALFORMED ? PT_EXIT_USAGE : st == PT_EREFUSED ? PT_EXIT_REFUSED : PT_EXIT_FAILED, "%s", err.text);
    if (to.code != CLI_GO_ON) return to.code;
    return closed || (shown == PT_EXIT_OK && c->damaged) ? PT_EXIT_FAILED : shown;
}

const cli_verb cli_verb_sql = {
    "sql", "read-only SQL over the historian's tables",
    "Usage: plantree sql QUERY [--data DIR] [--csv | --json]\n"
    "\n"
    "Tables: tag, history, bucket(FROM_MS, TO_MS, INTERVAL[, ZONE]), event, tag_path, tag_meta, tag_storage; columns and examples in\n"
    "docs/historian.md. Nothing can be written. The directory may be in use by a running host. The same tables in the sqlite3 shell: .load plantree_sqlite\n"
    "\n"
    "Examples:\n"
    "  plantree sql --data /var/lib/plantree \"SELECT path, samples FROM tag ORDER BY samples DESC LIMIT 10\"\n"
    "  plantree sql --data . --csv \"SELECT time_ms, value FROM history WHERE path='acme/line1/level' AND time_ms > 1750000000000\"\n"
    "  plantree sql --data . \"SELECT t_ms, min, max, twa FROM bucket(1750000000000, 1750086400000, 3600000) WHERE path='acme/line1/level'\"\n"
    "  plantree sql --data . \"SELECT t_ms, avg FROM bucket(1748736000000, 1751328000000, '1d', 'Europe/Berlin') WHERE tag_id=1\"\n",
    run
};
