/* host/cli/ask.c -- the question as an HTTP request, or as a run on the files. */
#include "host/cli/ask.h"

#include "base/arena.h"
#include "base/csv.h"
#include "host/cli/data.h"

#include <stdlib.h>

enum { STEP_MAX = 1 << 30 };

/* ---- to a host ------------------------------------------------------------------------------------------------- */

static void query_slice(pt_buf *target, const char *name, pt_slice v)
{
    if (!v.len) return;
    char *text = pt_slice_dup(v);
    if (text) cli_query(target, name, text);
    else target->status = PT_ENOMEM;
    free(text);
}

static void history_target(pt_buf *t, const query_history *q)
{
    static const char *const routes[] = {
        [QUERY_SAMPLES] = "/api/v1/history", [QUERY_BUCKETS] = "/api/v1/aggregate", [QUERY_DURATIONS] = "/api/v1/durations"
    };
    pt_buf_cstr(t, routes[q->shape]);
    cli_query_ms(t, "from", q->from_ms);
    cli_query_ms(t, "to", q->to_ms);
    if (q->max_points) cli_query_ms(t, "max_points", q->max_points);
    if (q->lttb) cli_query(t, "reduce", "lttb");
    if (q->zone.len) query_slice(t, "interval", q->interval);
    else if (q->interval_ms) cli_query_ms(t, "interval", q->interval_ms);
    query_slice(t, "tz", q->zone);
    for (size_t i = 0; i < q->n_fns; i++)
        pt_buf_printf(t, "%s%s", i ? "," : "&fn=", query_fn_name(q->fns[i]));
}

static void events_target(pt_buf *t, const hist_event_filter *f)
{
    pt_buf_cstr(t, "/api/v1/events");
    cli_query_ms(t, "from", f->from_ms);
    cli_query_ms(t, "to", f->to_ms);
    query_slice(t, "type", f->types);
    query_slice(t, "node", f->node);
    query_slice(t, "path", f->path);
    cli_query_ms(t, "limit", f->limit);
    if (f->newest_first) cli_query(t, "order", "newest");
}

static void tags_target(pt_buf *t, const query_tags_question *q)
{
    pt_buf paths;
    pt_buf_cstr(t, "/api/v1/tags");
    query_slice(t, "owners_of", q->owners_of);
    pt_buf_init(&paths, 1 << 20);
    for (size_t i = 0; i < q->n_paths; i++)
        pt_buf_printf(&paths, "%s%.*s", i ? "," : "", PT_SLICE_ARGS(q->paths[i]));
    query_slice(t, "paths", pt_buf_view(&paths));
    pt_buf_fini(&paths);
}

static void body_of(pt_buf *body, const query_history *q)
{
    pt_json j;
    pt_json_init(&j, body);
    pt_json_object(&j);
    pt_json_key(&j, "paths");
    pt_json_array(&j);
    for (size_t i = 0; i < q->n_paths; i++)
        pt_json_str(&j, q->paths[i]);
    pt_json_end_array(&j);
    pt_json_end_object(&j);
}

static int ask_host(cli *c, const cli_question *q, bool (*put)(void *ctx, pt_slice piece), void *ctx)
{
    static const char *const formats[] = { [QUERY_JSON] = "json", [QUERY_LINES] = "jsonl", [QUERY_CSV] = "csv" };
    pt_buf target, body;
    uint64_t damaged = 0;
    pt_buf_init(&target, 1 << 16);
    pt_buf_init(&body, 1 << 24);
    if (q->of == CLI_ASK_HISTORY) {
        history_target(&target, &q->history);
        body_of(&body, &q->history);
    } else if (q->of == CLI_ASK_EVENTS) {
        events_target(&target, &q->events);
    } else {
        tags_target(&target, &q->tags);
    }
    cli_query(&target, "format", formats[q->format]);
    bool has_body = q->of == CLI_ASK_HISTORY;
    char *to = pt_buf_take(&target, NULL), *json = pt_buf_take(&body, NULL);
    int rc = to && json ? cli_download(c, to, has_body ? json : NULL, put, ctx, &damaged) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    free(to);
    free(json);
    if (damaged) {
        c->damaged = true;
        (void)cli_fail(c, PT_EXIT_FAILED, "%llu damaged blocks could not be read; the host's log names them", (unsigned long long)damaged);
    }
    return rc;
}

/* ---- to the files ------------------------------------------------------------------------------------------------ */

static int steps(cli *c, query_run *run, bool (*put)(void *ctx, pt_slice piece), void *ctx)
{
    pt_buf out;
    pt_error err = { 0, "" };
    pt_status st = PT_OK;
    bool go_on = true;
    pt_buf_init(&out, STEP_MAX);
    while (st == PT_OK && go_on) {
        pt_buf_reset(&out);
        st = query_step(run, &out, &err);
        if (st == PT_OK || st == PT_ECLOSED) go_on = put(ctx, pt_buf_view(&out));
    }
    pt_buf_fini(&out);
    if (query_damaged(run)) c->damaged = true; /* the historian's log has said it */
    return st == PT_OK || st == PT_ECLOSED ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
}

static int ask_files(cli *c, const cli_question *q, bool (*put)(void *ctx, pt_slice piece), void *ctx)
{
    hist *h = NULL;
    query_run *run = NULL;
    pt_error err = { 0, "" };
    int rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    const query_source src = { .history = h, .clock = pt_clock_system(), .log = &c->files_log };
    query_sink *sink = query_sink_new(q->format, false);
    pt_status st = q->of == CLI_ASK_HISTORY  ? query_history_open(&src, &query_everything, &q->history, sink, &run, &err)
                   : q->of == CLI_ASK_EVENTS ? query_events_open(&src, &query_everything, &q->events, sink, &run, &err)
                                             : query_tags_open(&src, &query_everything, &q->tags, sink, &run, &err);
    if (st == PT_OK) rc = steps(c, run, put, ctx);
    else rc = cli_fail(c, st == PT_EINVAL ? PT_EXIT_USAGE : PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    query_close(run);
    int end = cli_data_close(c, h, rc == CLI_GO_ON ? PT_EXIT_OK : rc);
    return rc == CLI_GO_ON && end == PT_EXIT_OK ? CLI_GO_ON : end;
}

int cli_ask(cli *c, const cli_question *q, bool (*put)(void *ctx, pt_slice piece), void *ctx)
{
    return c->data_dir ? ask_files(c, q, put, ctx) : ask_host(c, q, put, ctx);
}

/* ---- as it comes -------------------------------------------------------------------------------------------------- */

typedef struct printing {
    const cli *c;
    int rc;
    char last; /* byte */
} printing;

static bool print_piece(void *ctx, pt_slice piece)
{
    printing *p = ctx;
    if (!piece.len) return true;
    pt_buf whole = { .ptr = (char *)(uintptr_t)piece.ptr, .len = piece.len };
    p->last = piece.ptr[piece.len - 1];
    p->rc = cli_put(p->c, &whole);
    return p->rc == PT_EXIT_OK;
}

int cli_ask_print(cli *c, const cli_question *q)
{
    printing p = { .c = c, .rc = PT_EXIT_OK };
    int rc = cli_ask(c, q, print_piece, &p);
    if (p.rc != PT_EXIT_OK) return p.rc;
    if (rc != CLI_GO_ON) return rc;
    if (p.last && p.last != '\n') print_piece(&p, PT_LIT("\n"));
    return p.rc != PT_EXIT_OK ? p.rc : c->damaged ? PT_EXIT_FAILED : PT_EXIT_OK;
}

/* ---- as a table ---------------------------------------------------------------------------------------------------- */

enum { CELLS = 40, ROW_MAX = 64 << 20 };

/* Records of the CSV that host/query/ writes, wherever its pieces are cut. */
typedef struct laying_out {
    cli *c;
    const cli_view *view;
    cli_table *table;
    pt_buf text; /* from the beginning of the record that is not complete yet */
    pt_csv_scan scan;
    pt_arena cells; /* of one record */
    bool head_done;
    char *heads_text; /* owned: the CSV's own head */
    const char *heads[CELLS];
    char align[CELLS + 1];
    int rc;
} laying_out;

static bool fail_table(laying_out *l)
{
    l->rc = cli_fail(l->c, PT_EXIT_FAILED, "out of memory");
    return false;
}

static bool own_heads(laying_out *l, const pt_slice *cells, size_t n, size_t bytes)
{
    char *at = l->heads_text = malloc(bytes + n);
    if (!at) return fail_table(l);
    for (size_t i = 0; i < n; i++) {
        memcpy(at, cells[i].ptr, cells[i].len);
        at[cells[i].len] = '\0';
        l->heads[i] = at;
        l->align[i] = i < 2 ? 'l' : 'r';
        for (char *p = at; i < 2 && *p; p++)
            if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A'); /* TIME, PATH; aggregates keep their names */
        at += cells[i].len + 1;
    }
    return true;
}

static bool take_head(laying_out *l, const pt_slice *cells, size_t n, size_t bytes)
{
    const cli_view *v = l->view;
    l->head_done = true;
    if (!v->heads && !own_heads(l, cells, n, bytes)) return false;
    l->table = v->heads ? cli_table_new(v->heads, v->align, v->columns) : cli_table_new(l->heads, l->align, n);
    return l->table ? true : fail_table(l);
}

static bool take_record(laying_out *l, pt_slice record)
{
    pt_slice cells[CELLS];
    size_t n = 0, at = 0;
    pt_arena_reset(&l->cells);
    pt_csv_fault fault = pt_csv_split(&pt_csv_rfc4180, pt_csv_trim(record), &l->cells, cells, CELLS, &n, &at);
    if (fault == PT_CSV_ENOMEM) return fail_table(l);
    if (fault != PT_CSV_OK) {
        l->rc = cli_fail(l->c, PT_EXIT_FAILED, "the answer is no CSV: '%.*s'", (int)(record.len < 80 ? record.len : 80), record.ptr);
        return false;
    }
    if (!l->head_done) return take_head(l, cells, n, record.len);
    l->view->row(l->view->ctx, l->table, cells, n);
    return true;
}

static bool lay_out(void *ctx, pt_slice piece)
{
    laying_out *l = ctx;
    size_t len;
    pt_buf_slice(&l->text, piece);
    if (pt_buf_status(&l->text)) return fail_table(l);
    pt_slice rest = pt_buf_view(&l->text);
    while ((len = pt_csv_length(&pt_csv_rfc4180, &l->scan, rest)) > 0) {
        if (!take_record(l, pt_slice_of(rest.ptr, len))) return false;
        rest = pt_slice_from(rest, len);
        l->scan = (pt_csv_scan){ 0 };
    }
    if (rest.len) memmove(l->text.ptr, rest.ptr, rest.len);
    l->text.len = rest.len;
    return true;
}

void cli_view_plain(void *ctx, cli_table *t, const pt_slice *cells, size_t n)
{
    const size_t *most = ctx;
    for (size_t i = 0; i < n && !(most && i == *most); i++)
        cli_table_cell(t, cells[i].len ? cells[i] : PT_LIT("-"));
}

int cli_ask_table(cli *c, const cli_question *q, const cli_view *view)
{
    laying_out l = { .c = c, .view = view, .rc = PT_EXIT_OK };
    pt_buf_init(&l.text, ROW_MAX);
    pt_arena_init(&l.cells, ROW_MAX);
    int rc = cli_ask(c, q, lay_out, &l);
    int end = l.table ? cli_table_end(c, l.table) : PT_EXIT_OK;
    pt_buf_fini(&l.text);
    pt_arena_fini(&l.cells);
    free(l.heads_text);
    if (l.rc != PT_EXIT_OK) return l.rc;
    if (rc != CLI_GO_ON) return rc;
    return end != PT_EXIT_OK ? end : c->damaged ? PT_EXIT_FAILED : PT_EXIT_OK;
}
