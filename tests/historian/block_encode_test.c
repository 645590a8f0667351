/* tests/historian/block_encode_test.c -- rows of every type come back bit for bit, in few bytes; one flipped bit is always found. */
#include "base/random.h"
#include "tests/historian/block_rows.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>

static hist__codec *codec;

static bool same_row(const hist_sample *a, const hist_sample *b)
{
    return a->time_ms == b->time_ms && a->tag_id == b->tag_id && a->flags == b->flags && hist__same_content(a, b);
}

static size_t round_trip(const char *what, const hist_sample *s, size_t n)
{
    pt_buf blob;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX);
    CHECK_OK_FATAL(hist__block_encode(codec, 77, s, n, &blob));
    hist__rows rows;
    hist__rows_init(&rows);
    uint32_t tag = 0;
    pt_error err = { 0 };
    CHECK_ROW(what, hist__block_decode(codec, blob.ptr, blob.len, &tag, &rows, &err) == PT_OK);
    CHECK_INT(tag, 77);
    CHECK_ROW(what, rows.n == n);
    for (size_t i = 0; i < n && i < rows.n; i++) {
        if (same_row(&s[i], &rows.s[i])) continue;
        CHECK_ROW(what, !"rows differ");
        break;
    }
    size_t len = blob.len;
    pt_random rnd = pt_random_seed(len);
    for (unsigned k = 0; k < 20; k++) { /* one flipped bit is always found */
        size_t at = pt_random_below(&rnd, len);
        blob.ptr[at] = (char)(blob.ptr[at] ^ (1 << pt_random_below(&rnd, 8)));
        size_t before = rows.n;
        CHECK_ROW(what, hist__block_decode(codec, blob.ptr, len, NULL, &rows, NULL) != PT_OK && rows.n == before);
        hist__rows_reset(&rows);
        CHECK_OK_FATAL(hist__block_encode(codec, 77, s, n, &blob));
    }
    hist__rows_fini(&rows);
    pt_buf_fini(&blob);
    return len;
}

enum { N = 1024 };
static hist_sample s[N];

static void a_two_decimal_sine_takes_under_two_bytes(void)
{
    pt_random rnd = pt_random_seed(5);
    for (size_t i = 0; i < N; i++) {
        int64_t t = 1700000000000 + (int64_t)i * 1000 + (int64_t)pt_random_below(&rnd, 8);
        s[i] = block_row(t, SPB_DOUBLE, word64(round(5000 + 500 * sin((double)i / 50)) / 100));
    }
    size_t len = round_trip("sine", s, N);
    CHECK(len < N * 2);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row(s[i].time_ms, SPB_FLOAT, word32((float)(round(5000 + 500 * sin((double)i / 50)) / 100)));
    CHECK(round_trip("float sine", s, N) <= len);
}

static void every_family_round_trips(void)
{
    pt_random rnd = pt_random_seed(9);
    static const uint8_t ints[] = { SPB_INT8, SPB_INT64, SPB_UINT8, SPB_UINT64, SPB_DATETIME, SPB_BOOLEAN };
    for (size_t k = 0; k < PT_COUNT_OF(ints); k++) {
        for (size_t i = 0; i < N; i++) {
            uint64_t v = ints[k] == SPB_BOOLEAN ? pt_random_below(&rnd, 2) : pt_random_u64(&rnd);
            s[i] = block_row((int64_t)i * 10, ints[k], v);
        }
        round_trip(spb_datatype_name(ints[k]), s, N);
    }
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_DOUBLE, pt_random_u64(&rnd)); /* NaNs of all kinds among them */
    CHECK(round_trip("random bits", s, N) < N * 8 + 300);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_FLOAT, (uint32_t)pt_random_u64(&rnd));
    CHECK(round_trip("random float bits", s, N) < N * 4 + 300);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_DOUBLE, word64(20 + 3 * sin((double)i / 30) + pt_random_unit(&rnd) * 0.01));
    CHECK(round_trip("noisy sine", s, N) < N * 8);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_DOUBLE, word64(i % 50 == 3 ? NAN : i % 70 == 5 ? -0.0 : (double)i / 8));
    CHECK(round_trip("decimals with NaN and -0", s, N) < N * 4);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_DOUBLE, word64(i % 3 ? INFINITY : -INFINITY));
    round_trip("infinities", s, N);
    for (size_t i = 0; i < N; i++)
        s[i] = block_row((int64_t)i, SPB_DOUBLE, word64(1.0 / 3.0));
    CHECK(round_trip("a constant that is no decimal", s, N) < 60);
    for (size_t n = 1; n < 40; n++) {
        for (size_t i = 0; i < n; i++)
            s[i] = block_row((int64_t)(i * i * 1000) - 5, SPB_DOUBLE, word64((double)i * 0.1));
        round_trip("short", s, n);
    }
}

static void strings_share_a_dictionary(void)
{
    static const char *const states[] = { "RUNNING", "STOPPED", "", "FAULT: the infeed is blocked" };
    for (size_t i = 0; i < N; i++) {
        s[i] = block_row((int64_t)i * 100, SPB_STRING, 0);
        s[i].as.ptr = states[i / 30 % 4];
        s[i].len = (uint32_t)strlen(s[i].as.ptr);
    }
    CHECK(round_trip("states", s, N) < 200);
    static char text[N][24];
    for (size_t i = 0; i < N; i++) {
        s[i].type = SPB_BYTES;
        s[i].len = (uint32_t)snprintf(text[i], sizeof text[i], "batch-%zu-%zx", i, i * 2654435761u);
        s[i].as.ptr = text[i];
    }
    CHECK(round_trip("all different", s, N) < N * 20);
}

static void nulls_states_and_qualities_are_kept(void)
{
    for (size_t i = 0; i < N; i++) {
        s[i] = block_row((int64_t)i * 100, i % 2 ? SPB_INT32 : SPB_INT16, i);
        s[i].quality = (uint8_t)(i % 4);
        if (i % 5 == 0) s[i].flags = HIST_NULL, s[i].as.u64 = 0;
        if (i % 7 == 0) s[i].flags = HIST_STATE, s[i].as.u64 = 0, s[i].quality = SPB_STALE;
        if (i % 11 == 0) s[i].flags |= HIST_HISTORICAL;
        if (i % 7 == 0 && i) s[i].time_ms = s[i - 1].time_ms; /* a state change in the millisecond of a sample */
    }
    round_trip("mixed kinds", s, N);
    for (size_t i = 0; i < N; i++)
        s[i] = (hist_sample){ .time_ms = (int64_t)i, .tag_id = 77, .type = SPB_STRING, .flags = HIST_NULL };
    CHECK(round_trip("only nulls", s, N) < 40);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_two_decimal_sine_takes_under_two_bytes),
        PT_TEST(every_family_round_trips),
        PT_TEST(strings_share_a_dictionary),
        PT_TEST(nulls_states_and_qualities_are_kept),
    };
    if (hist__codec_new(&codec) != PT_OK) return 1;
    int rc = pt_test_main("historian/block_encode", tests, PT_COUNT_OF(tests), argc, argv);
    hist__codec_free(codec);
    return rc;
}
