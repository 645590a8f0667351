/* tests/historian/journal_test.c -- journal rows of anything come back bit for bit; what is no row is refused, with the reason. */
#include "base/random.h"
#include "historian/format/format.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static bool same_row(const hist_sample *a, const hist_sample *b)
{
    return a->time_ms == b->time_ms && a->tag_id == b->tag_id && a->flags == b->flags && hist__same_content(a, b);
}

static hist_sample any_sample(pt_random *r, int64_t *clock_ms)
{
    static const uint8_t types[] = { SPB_INT8,  SPB_INT64,  SPB_UINT64, SPB_BOOLEAN, SPB_DATETIME,
                                     SPB_FLOAT, SPB_DOUBLE, SPB_STRING, SPB_BYTES,   SPB_DATASET };
    static const char *const words[] = { "", "x", "a text of some length, so that it is worth it" };
    static const int64_t steps[] = { 0, 1, -1, 200, -70000, INT64_C(5000000000), INT64_C(-900000000000000000) };
    uint64_t u = pt_random_u64(r);
    *clock_ms = (int64_t)((uint64_t)*clock_ms + (uint64_t)steps[pt_random_below(r, PT_COUNT_OF(steps))]);
    hist_sample s = { .tag_id = 1 + (uint32_t)(u % 3 ? pt_random_below(r, 50) : pt_random_below(r, UINT32_MAX)),
                      .time_ms = *clock_ms,
                      .type = types[pt_random_below(r, PT_COUNT_OF(types))],
                      .quality = (uint8_t)pt_random_below(r, 4) };
    if (u % 11 == 0) s.flags = HIST_NULL;
    if (u % 13 == 0) s.flags = HIST_STATE;
    if (u % 7 == 0) s.flags |= HIST_HISTORICAL;
    if (!hist__has_value(&s)) return s;
    uint64_t word = pt_random_u64(r) >> pt_random_below(r, 64);
    switch (hist__family_of_type(s.type)) {
    case HIST__BYTES:
        s.as.ptr = words[pt_random_below(r, PT_COUNT_OF(words))];
        s.len = (uint32_t)strlen(s.as.ptr);
        break;
    case HIST__F32:
        s.as.u64 = (uint32_t)word << (u % 24);
        s.as.u64 &= UINT32_MAX;
        break;
    case HIST__F64: s.as.u64 = word << (u % 48); break;
    default: s.as.u64 = s.type == SPB_BOOLEAN ? word & 1 : u % 2 ? word : 0u - word; break;
    }
    return s;
}

static void every_kind_of_sample_comes_back(void)
{
    pt_random rnd = pt_random_seed(6);
    for (unsigned round = 0; round < 200; round++) {
        hist_sample s[300];
        size_t n = pt_random_below(&rnd, 300);
        int64_t at = NOW;
        for (size_t i = 0; i < n; i++)
            s[i] = any_sample(&rnd, &at);
        pt_buf blob;
        hist__rows rows;
        pt_buf_init(&blob, 1 << 24);
        hist__rows_init(&rows);
        pt_buf_cstr(&blob, "before"); /* rows are appended on both sides */
        CHECK_OK_FATAL(hist__journal_encode(s, n, &blob));
        hist_sample first = i64(1, 1, 1);
        CHECK_OK_FATAL(hist__rows_add(&rows, &first, 1));
        pt_error err = { 0 };
        pt_status st = hist__journal_decode(blob.ptr + 6, blob.len - 6, &rows, &err);
        CHECK_OK(st);
        bool same = rows.n == n + 1;
        for (size_t i = 0; same && i < n; i++)
            same = same_row(&s[i], &rows.s[i + 1]);
        CHECK(same);
        if (!same) printf("round %u: %s\n", round, err.text);
        pt_buf_fini(&blob);
        hist__rows_fini(&rows);
    }
}

static void a_steady_stream_takes_about_ten_bytes(void)
{
    static hist_sample s[4096];
    for (size_t i = 0; i < PT_COUNT_OF(s); i++)
        s[i] = f64(1 + (uint32_t)(i % 1000), NOW + (int64_t)(i / 1000) * 1000, (double)(i % 77) / 10);
    pt_buf blob;
    pt_buf_init(&blob, 1 << 24);
    CHECK_OK(hist__journal_encode(s, PT_COUNT_OF(s), &blob));
    CHECK(blob.len < PT_COUNT_OF(s) * 11);
    pt_buf_fini(&blob);
}

static void every_flipped_bit_and_every_cut_is_found(void)
{
    pt_random rnd = pt_random_seed(2);
    hist_sample s[20];
    int64_t at = NOW;
    for (size_t i = 0; i < PT_COUNT_OF(s); i++)
        s[i] = any_sample(&rnd, &at);
    pt_buf blob;
    hist__rows rows;
    pt_buf_init(&blob, 1 << 20);
    hist__rows_init(&rows);
    CHECK_OK_FATAL(hist__journal_encode(s, PT_COUNT_OF(s), &blob));
    for (size_t i = 0; i < blob.len * 8; i++) {
        blob.ptr[i / 8] = (char)(blob.ptr[i / 8] ^ (1 << (i % 8)));
        CHECK(hist__journal_decode(blob.ptr, blob.len, &rows, NULL) == PT_ECORRUPT);
        blob.ptr[i / 8] = (char)(blob.ptr[i / 8] ^ (1 << (i % 8)));
    }
    for (size_t len = 0; len < blob.len; len++)
        CHECK(hist__journal_decode(blob.ptr, len, &rows, NULL) == PT_ECORRUPT);
    CHECK_INT(rows.n, 0);
    CHECK_OK(hist__journal_decode(blob.ptr, blob.len, &rows, NULL));
    pt_buf_fini(&blob);
    hist__rows_fini(&rows);
}

/* Rows whose checksum is right and whose content is not. */
static void nonsense_with_a_right_checksum_is_named(void)
{
    static const struct {
        const char *row, *hex, *why;
        pt_status st;
    } rows[] = {
        { "another magic", "b7 01 00", "not one", PT_ECORRUPT },
        { "a newer version", "a7 03 00", "version 3", PT_EUNSUPPORTED },
        { "more records than bytes", "a7 01 7f 00 00", "count", PT_ECORRUPT },
        { "an endless count", "a7 01 ff ff ff ff ff ff ff ff ff ff 01", "count", PT_ECORRUPT },
        { "tag 0", "a7 01 01 12 0a 00 00 00 10", "tag", PT_ECORRUPT },
        { "time code 7", "a7 01 01 e2 02 02 00 00 00 00 00", "", PT_ECORRUPT },
        { "an unknown type", "a7 01 01 11 63 00 00 02 07", "damaged journal row", PT_ECORRUPT },
        { "an unknown quality", "a7 01 01 11 04 09 00 02 07", "kind", PT_ECORRUPT },
        { "an unknown flag", "a7 01 01 11 04 00 80 02 07", "kind", PT_ECORRUPT },
        { "a null with a value", "a7 01 01 11 04 00 01 02 07", "a value where none can be", PT_ECORRUPT },
        { "Boolean 2", "a7 01 01 11 0b 00 00 02 04", "Boolean", PT_ECORRUPT },
        { "a Float of 5 bytes", "a7 01 01 15 09 00 00 02 01 02 03 04 05", "value", PT_ECORRUPT },
        { "a length for an Int64", "a7 01 01 19 04 00 00 02 01 07", "value", PT_ECORRUPT },
        { "a String without a length", "a7 01 01 11 0c 00 00 02 01 07", "bytes", PT_ECORRUPT },
        { "a String longer than the row", "a7 01 01 19 0c 00 00 02 7f 41", "bytes", PT_ECORRUPT },
        { "a record too few", "a7 01 02 11 04 00 00 02 07", "", PT_ECORRUPT },
        { "a byte too many", "a7 01 01 11 04 00 00 02 07 00", "left over", PT_ECORRUPT },
    };
    hist__rows out;
    hist__rows_init(&out);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char bytes[100];
        pt_slice in = pt_unhex(rows[i].hex, bytes, sizeof bytes);
        hist__store32((uint8_t *)bytes + in.len, hist__checksum(bytes, in.len));
        uint8_t *exact = malloc(in.len + 4); /* of exactly this size: a sanitizer sees every step beyond it */
        CHECK_FATAL(exact != NULL);
        memcpy(exact, bytes, in.len + 4);
        pt_error err = { 0 };
        pt_status st = hist__journal_decode(exact, in.len + 4, &out, &err);
        CHECK_ROW(rows[i].row, st == rows[i].st);
        CHECK_ROW(rows[i].row, strstr(err.text, rows[i].why) != NULL);
        CHECK_ROW(rows[i].row, out.n == 0);
        free(exact);
    }
    hist__rows_fini(&out);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_kind_of_sample_comes_back),
        PT_TEST(a_steady_stream_takes_about_ten_bytes),
        PT_TEST(every_flipped_bit_and_every_cut_is_found),
        PT_TEST(nonsense_with_a_right_checksum_is_named),
    };
    return pt_test_main("historian/journal", tests, PT_COUNT_OF(tests), argc, argv);
}
