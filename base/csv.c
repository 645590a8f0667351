/* base/csv.c -- one writer and one reader of CSV. */
#include "base/csv.h"

const pt_csv pt_csv_rfc4180 = { .separator = ',', .quote = '"' };

static bool must_be_quoted(const pt_csv *csv, pt_slice s)
{
    if (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[s.len - 1] == ' ')) return true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == csv->separator || c == csv->quote || c == '\n' || c == '\r') return true;
    }
    return false;
}

void pt_csv_field(pt_buf *out, const pt_csv *csv, pt_slice s)
{
    if (!must_be_quoted(csv, s)) {
        pt_buf_slice(out, s);
        return;
    }
    pt_buf_char(out, csv->quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == csv->quote) pt_buf_char(out, csv->quote);
        pt_buf_char(out, s.ptr[i]);
    }
    pt_buf_char(out, csv->quote);
}

#define MARK PT_LIT("\xef\xbb\xbf")

static size_t mark_length(pt_slice text)
{
    return pt_slice_starts(text, MARK) ? 3 : 0;
}

size_t pt_csv_length(const pt_csv *csv, pt_csv_scan *c, pt_slice text)
{
    if (c->at == 0 && text.len < 3 && pt_slice_starts(MARK, text)) return 0; /* half a mark, or nothing */
    if (c->at == 0) c->at = mark_length(text);
    for (; c->at < text.len; c->at++) {
        char x = text.ptr[c->at];
        if (c->place == PT_CSV_QUOTED) {
            if (x == csv->quote) c->place = PT_CSV_CLOSED;
        } else if (x == '\n') {
            return c->at + 1;
        } else if (x == csv->quote && (c->place == PT_CSV_AT_START || c->place == PT_CSV_CLOSED)) {
            if (c->place == PT_CSV_AT_START) c->opened = c->at;
            c->place = PT_CSV_QUOTED;
        } else {
            c->place = x == csv->separator ? PT_CSV_AT_START : PT_CSV_BARE;
        }
    }
    return 0;
}

pt_slice pt_csv_trim(pt_slice s)
{
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* The quoted field at *i, unquoted into `to`; *i is then behind its closing quote. */
static pt_csv_fault quoted(const pt_csv *csv, pt_slice record, size_t *i, char *to, size_t *len)
{
    for ((*i)++; *i < record.len; (*i)++) {
        if (record.ptr[*i] == csv->quote) {
            if (*i + 1 >= record.len || record.ptr[*i + 1] != csv->quote) {
                (*i)++;
                return *i < record.len && record.ptr[*i] != csv->separator ? PT_CSV_TEXT_BEHIND : PT_CSV_OK;
            }
            (*i)++;
        }
        to[(*len)++] = record.ptr[*i];
    }
    return PT_CSV_OPEN;
}

static pt_slice bare(const pt_csv *csv, pt_slice record, size_t *i)
{
    size_t from = *i;
    while (*i < record.len && record.ptr[*i] != csv->separator)
        (*i)++;
    pt_slice field = pt_slice_of(record.ptr + from, *i - from);
    while (csv->trim && field.len && (field.ptr[field.len - 1] == ' ' || field.ptr[field.len - 1] == '\r'))
        field.len--;
    return field;
}

pt_csv_fault pt_csv_split(const pt_csv *csv, pt_slice record, pt_arena *room, pt_slice *fields, size_t max, size_t *n, size_t *at)
{
    char *to = NULL;
    size_t i = mark_length(record);
    for (*n = 0; *n < max;) {
        *at = i;
        if (i < record.len && record.ptr[i] == csv->quote) {
            size_t len = 0;
            if (!to && !(to = pt_arena_alloc(room, record.len))) return PT_CSV_ENOMEM;
            pt_csv_fault fault = quoted(csv, record, &i, to, &len);
            if (fault != PT_CSV_OK) return fault;
            fields[(*n)++] = pt_slice_of(to, len);
            to += len; /* all of them together are not longer than the record */
        } else {
            fields[(*n)++] = bare(csv, record, &i);
        }
        if (i == record.len) return PT_CSV_OK;
        i++; /* the separator */
    }
    *at = i;
    return PT_CSV_MANY;
}
