/* host/cli/output.c -- text for people (tables that no plant string can disturb) and for programs (CSV, JSON). */
#include "host/cli/cli.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <wchar.h>

enum { MAX_TEXT = 1 << 20, MAX_CELL = 200, HELD_ROWS = 5000, MAX_HELD = 512 << 20, MAX_COLUMNS = 32 };

/* Controls, invisible marks and direction overrides. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || c >= 0xe0000;
}

void cli_printable(pt_buf *out, pt_slice s)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t code = 0;
        size_t n = pt_utf8_next(s.ptr + i, s.len - i, &code);
        if (!n || is_unsafe(code)) pt_buf_char(out, '?');
        else pt_buf_add(out, s.ptr + i, n);
        i += n ? n : 1;
    }
}

/* --- JSON --- */

void cli_json_value(pt_json *j, const json_t *v)
{
    const char *key;
    json_t *member;
    size_t i;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        pt_json_object(j);
        json_object_foreach((json_t *)(uintptr_t)v, key, member)
        {
            pt_json_key(j, key);
            cli_json_value(j, member);
        }
        pt_json_end_object(j);
        break;
    case JSON_ARRAY:
        pt_json_array(j);
        json_array_foreach(v, i, member) cli_json_value(j, member);
        pt_json_end_array(j);
        break;
    case JSON_STRING: pt_json_str(j, pt_slice_of(json_string_value(v), json_string_length(v))); break;
    case JSON_INTEGER: pt_json_i64(j, json_integer_value(v)); break;
    case JSON_REAL: pt_json_f64(j, json_real_value(v)); break;
    case JSON_TRUE:
    case JSON_FALSE: pt_json_bool(j, json_is_true(v)); break;
    default: pt_json_null(j); break;
    }
}

void cli_value_text(pt_buf *out, const json_t *v)
{
    pt_json j;
    if (!v || json_is_null(v)) return;
    if (json_is_string(v)) {
        pt_buf_add(out, json_string_value(v), json_string_length(v));
        return;
    }
    pt_json_init(&j, out);
    cli_json_value(&j, v);
}

const char *cli_str(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

int64_t cli_int(const json_t *v)
{
    double d = json_real_value(v);
    return json_is_real(v) ? fabs(d) < 9e18 ? llround(d) : 0 : json_integer_value(v);
}

int64_t cli_i64(const json_t *o, const char *key)
{
    return cli_int(json_object_get(o, key));
}

const json_t *cli_items(const json_t *v)
{
    if (json_is_array(v)) return v;
    const json_t *items = json_object_get(v, "items");
    return json_is_array(items) ? items : NULL;
}

const char *cli_quality_word(char letter)
{
    switch (letter) {
    case 'G': return "GOOD";
    case 'U': return "UNCERTAIN";
    case 'B': return "BAD";
    case 'S': return "STALE";
    default: return "";
    }
}

/* A reader that has seen enough (`| head`) is no error worth a message. */
static int not_written(const cli *c, int err)
{
    return err == EPIPE ? PT_EXIT_FAILED : cli_fail(c, PT_EXIT_FAILED, "standard output cannot be written: %s", strerror(err));
}

int cli_put(const cli *c, const pt_buf *out)
{
    if (pt_buf_status(out)) return cli_fail(c, PT_EXIT_FAILED, "the output is too large for memory");
    if (fwrite(out->ptr ? out->ptr : "", 1, out->len, stdout) != out->len || fflush(stdout)) return not_written(c, errno);
    return PT_EXIT_OK;
}

int cli_put_json(const cli *c, const cli_answer *a)
{
    int rc = cli_put(c, &a->body);
    if (rc == PT_EXIT_OK && (a->body.len == 0 || a->body.ptr[a->body.len - 1] != '\n') && (putchar('\n') == EOF || fflush(stdout)))
        rc = not_written(c, errno);
    return rc;
}

/* --- tables --- */

struct cli_table {
    const char *const *heads;
    const char *align;
    size_t columns, width[MAX_COLUMNS];
    size_t cells; /* held back */
    pt_buf text;  /* their texts, NUL-separated */
    pt_buf line;  /* the row being printed */
    bool head_printed;
    int failed; /* errno */
};

static size_t width_of(const char *s, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = pt_utf8_next(s + i, len - i, &code);
        int w = n ? wcwidth((wchar_t)code) : 1;
        width += w < 0 ? 1u : (size_t)w;
        i += n ? n : 1;
    }
    return width;
}

cli_table *cli_table_new(const char *const *heads, const char *align, size_t columns)
{
    cli_table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->heads = heads;
    t->align = align;
    t->columns = columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
    for (size_t i = 0; i < t->columns; i++)
        t->width[i] = strlen(heads[i]);
    pt_buf_init(&t->text, MAX_HELD);
    pt_buf_init(&t->line, MAX_TEXT);
    return t;
}

static void blanks(pt_buf *line, size_t n)
{
    while (n--)
        pt_buf_char(line, ' ');
}

/* The cell goes into t->line; the last one of a row sends it off, without blanks at its end. */
static void put_cell(cli_table *t, size_t column, const char *s)
{
    size_t len = strlen(s), width = width_of(s, len);
    size_t pad = t->width[column] > width ? t->width[column] - width : 0;
    if (t->align[column] == 'r') blanks(&t->line, pad);
    pt_buf_add(&t->line, s, len);
    if (t->align[column] != 'r') blanks(&t->line, pad);
    if (column + 1 < t->columns) {
        blanks(&t->line, 2);
        return;
    }
    while (t->line.len && t->line.ptr[t->line.len - 1] == ' ')
        t->line.len--;
    pt_buf_char(&t->line, '\n');
    if (fwrite(t->line.ptr ? t->line.ptr : "", 1, t->line.len, stdout) != t->line.len) t->failed = errno ? errno : EIO;
    pt_buf_reset(&t->line);
}

static void flush(cli_table *t)
{
    const char *p = t->text.ptr;
    if (!t->head_printed) {
        t->head_printed = true;
        for (size_t i = 0; i < t->columns; i++)
            put_cell(t, i, t->heads[i]);
    }
    pt_assert(t->columns > 0);
    for (size_t i = 0; p && i < t->cells; i++) {
        put_cell(t, i % t->columns, p);
        p += strlen(p) + 1;
    }
    pt_buf_reset(&t->text);
    t->cells = 0;
}

void cli_table_cell(cli_table *t, pt_slice text)
{
    pt_buf cell;
    bool cut = text.len > MAX_CELL;
    pt_buf_init(&cell, 4096);
    cli_printable(&cell, cut ? (pt_slice){ text.ptr, MAX_CELL } : text);
    if (cut) pt_buf_cstr(&cell, "...");
    size_t width = width_of(pt_buf_view(&cell).ptr, cell.len);
    if (width > t->width[t->cells % t->columns]) t->width[t->cells % t->columns] = width;
    pt_buf_slice(&t->text, pt_buf_view(&cell));
    pt_buf_char(&t->text, '\0');
    pt_buf_fini(&cell);
    t->cells++;
    if (t->cells == HELD_ROWS * t->columns) flush(t);
}

void cli_table_cstr(cli_table *t, const char *text)
{
    cli_table_cell(t, text ? pt_cstr(text) : PT_LIT("-"));
}

void cli_table_i64(cli_table *t, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, v);
    cli_table_cell(t, pt_cstr(text));
}

void cli_table_time(cli_table *t, int64_t ms)
{
    char text[PT_RFC3339_MAX];
    pt_rfc3339_format(ms, text);
    cli_table_cell(t, ms ? pt_cstr(text) : PT_LIT("-"));
}

void cli_table_json(cli_table *t, const json_t *v)
{
    pt_buf text;
    pt_buf_init(&text, MAX_TEXT);
    cli_value_text(&text, v);
    if (!v || json_is_null(v)) cli_table_cell(t, PT_LIT("-"));
    else cli_table_cell(t, pt_buf_view(&text));
    pt_buf_fini(&text);
}

int cli_table_flush(const cli *c, cli_table *t)
{
    flush(t);
    if (fflush(stdout)) t->failed = errno;
    return t->failed ? not_written(c, t->failed) : CLI_GO_ON;
}

int cli_table_end(const cli *c, cli_table *t)
{
    flush(t);
    int failed = t->failed;
    bool lost = pt_buf_status(&t->text) != PT_OK;
    pt_buf_fini(&t->text);
    pt_buf_fini(&t->line);
    free(t);
    if (fflush(stdout)) failed = errno;
    if (lost) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    return failed ? not_written(c, failed) : PT_EXIT_OK;
}
