/* tests/fuzz/text_fuzz.c -- the small parsers of base/ on any bytes: times, durations, sizes, numbers, percent-encoding, globs, JSON
 * strings. What is read can be written and read again to the same. */
#include "base/daemon/percent.h"
#include "base/glob.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "base/utf8.h"

#include <stdlib.h>

static void times(pt_slice s)
{
    int64_t ms, again;
    char text[PT_RFC3339_MAX];
    if (pt_time_parse(s, 1763848992123, &ms, NULL) == PT_OK) {
        size_t n = pt_rfc3339_format(ms, text);
        if (pt_time_parse(pt_slice_of(text, n), 0, &again, NULL) || again != ms) abort();
    }
    if (pt_duration_parse(s, &ms, NULL) == PT_OK) {
        size_t n = pt_duration_format(ms, text);
        if (pt_duration_parse(pt_slice_of(text, n), &again, NULL)) abort();
        if (ms < 1000000000000000 && again != ms) abort();
    }
    uint64_t bytes;
    (void)(pt_bytes_parse(s, &bytes, NULL) == PT_OK && pt_bytes_format(bytes, text));
}

static void numbers(pt_slice s)
{
    double d, again;
    char text[32];
    if (!pt_slice_to_f64(s, &d)) return;
    size_t n = pt_f64_text(d, text);
    if (!pt_slice_to_f64(pt_slice_of(text, n), &again) || (d == d && memcmp(&d, &again, sizeof d))) abort();
}

static void percent(pt_slice s)
{
    char *out = malloc(s.len + 1), *back = malloc(s.len * 3 + 1);
    size_t n, m;
    pt_buf b;
    if (!out || !back) abort();
    pt_buf_init(&b, s.len * 3 + 1);
    if (pt_percent_decode(s, true, out, &n) && n > s.len) abort();
    pt_percent_encode(&b, s, false);
    if (!pt_percent_decode(pt_buf_view(&b), true, back, &m) || !pt_slice_eq(s, pt_slice_of(back, m))) abort();
    pt_buf_fini(&b);
    free(out);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_slice s = pt_slice_of(data, size);
    pt_buf b;
    pt_json j;
    if (size > 4096) return 0;
    times(s);
    numbers(s);
    percent(s);
    size_t half = pt_slice_find(s, '\n');
    if (half < size && !pt_glob_match((pt_slice){ s.ptr, half }, pt_slice_from(s, half + 1)) &&
        pt_glob_is_literal((pt_slice){ s.ptr, half }) && pt_slice_eq((pt_slice){ s.ptr, half }, pt_slice_from(s, half + 1)))
        abort(); /* a literal matches itself */
    pt_buf_init(&b, size * 6 + 2);
    pt_json_init(&j, &b);
    pt_json_str(&j, s);
    if (pt_buf_status(&b) || !pt_utf8_valid(pt_buf_view(&b))) abort();
    pt_buf_fini(&b);
    return 0;
}
