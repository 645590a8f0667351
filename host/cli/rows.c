/* host/cli/rows.c -- rows of history as a table or as CSV, in bounded memory. */
#include "host/cli/data.h"
#include "base/csv.h"
#include "base/timestamp.h"

enum { FLUSH_AT = 64 << 10, MAX_OUT = 64 << 20 };

void cli_rows_begin(cli_rows *r, cli *c, const cli_history *q)
{
    *r = (cli_rows){ .c = c, .q = q, .code = CLI_GO_ON };
    pt_buf_init(&r->out, MAX_OUT);
}

/* The header, with the first row or at the end of a call that had none. */
static int begin(cli_rows *r)
{
    static const char *const sample_heads[] = { "TIME", "PATH", "VALUE", "QUALITY" };
    static const char align[] = "llrl", bucket_align[] = "llrrrrrrrrrrrrrrrrrr";
    _Static_assert(sizeof bucket_align == 2 + CLI_MAX_FNS + 1, "a column for each function");
    const cli_history *q = r->q;
    if (r->begun || r->code != CLI_GO_ON) return r->code;
    r->begun = true;
    if (q->format == CLI_CSV) {
        pt_buf_cstr(&r->out, "time,path");
        for (size_t i = 0; i < q->n_fns; i++)
            pt_buf_printf(&r->out, ",%s", q->fns[i]);
        pt_buf_cstr(&r->out, q->n_fns ? "\n" : ",value,quality,type,flags,base64\n");
        return r->code;
    }
    if (q->n_fns) {
        r->heads[0] = sample_heads[0];
        r->heads[1] = sample_heads[1];
        for (size_t i = 0; i < q->n_fns; i++)
            r->heads[2 + i] = q->fns[i];
        r->table = cli_table_new(r->heads, bucket_align, 2 + q->n_fns);
    } else {
        r->table = cli_table_new(sample_heads, align, PT_COUNT_OF(sample_heads));
    }
    if (!r->table) r->code = cli_fail(r->c, PT_EXIT_FAILED, "out of memory");
    return r->code;
}

static void flush(cli_rows *r, bool all)
{
    if (r->code != CLI_GO_ON || (!all && r->out.len < FLUSH_AT && pt_buf_status(&r->out) == PT_OK)) return;
    int rc = cli_put(r->c, &r->out);
    if (rc) r->code = rc;
    pt_buf_reset(&r->out);
}

static void start(cli_rows *r, int64_t ms, pt_slice path)
{
    char when[PT_RFC3339_MAX];
    pt_rfc3339_format(ms, when);
    if (r->q->format == CLI_TABLE) {
        cli_table_cstr(r->table, when);
        cli_table_cell(r->table, path);
    } else {
        pt_buf_cstr(&r->out, when);
        pt_buf_char(&r->out, ',');
        pt_csv_field(&r->out, &pt_csv_rfc4180, path);
    }
}

void cli_rows_sample(cli_rows *r, const cli_sample *s)
{
    if (begin(r) != CLI_GO_ON) return;
    start(r, s->ms, s->path);
    if (r->q->format == CLI_TABLE) {
        cli_table_cell(r->table, s->value.len ? s->value : PT_LIT("-"));
        cli_table_cstr(r->table, s->quality);
        return;
    }
    pt_buf_char(&r->out, ',');
    pt_csv_field(&r->out, &pt_csv_rfc4180, s->value);
    pt_buf_printf(&r->out, ",%s,%s,%s,", s->quality, s->type, s->flags);
    pt_buf_slice(&r->out, s->base64); /* its characters need no quotes */
    pt_buf_char(&r->out, '\n');
    flush(r, false);
}

void cli_rows_bucket(cli_rows *r, int64_t ms, pt_slice path, const pt_slice *values, size_t n)
{
    if (begin(r) != CLI_GO_ON) return;
    start(r, ms, path);
    for (size_t i = 0; i < n; i++) {
        if (r->q->format == CLI_TABLE) {
            cli_table_cell(r->table, values[i].len ? values[i] : PT_LIT("-"));
        } else {
            pt_buf_char(&r->out, ',');
            pt_csv_field(&r->out, &pt_csv_rfc4180, values[i]);
        }
    }
    if (r->q->format == CLI_CSV) pt_buf_char(&r->out, '\n');
    flush(r, false);
}

int cli_rows_end(cli_rows *r, bool failed)
{
    if (!failed) (void)begin(r);
    flush(r, true);
    pt_buf_fini(&r->out);
    int rc = r->table ? cli_table_end(r->c, r->table) : PT_EXIT_OK;
    return r->code != CLI_GO_ON ? r->code : rc;
}
