/* tests/fuzz/hist_block_fuzz.c -- any bytes as a block and as a journal row: no crash; what decodes encodes to something that decodes the
 * same.
 *
 * The checksum would stop nearly every input at the door, so it is put right first. */
#include "historian/format/format.h"

#include <stdlib.h>

static void fix(uint8_t *copy, size_t size)
{
    if (size >= 4) hist__store32(copy + size - 4, hist__checksum(copy, size - 4));
}

static bool same(const hist__rows *a, const hist__rows *b)
{
    if (a->n != b->n || !(a->deviation == b->deviation)) return false;
    for (size_t i = 0; i < a->n; i++) {
        if (a->s[i].time_ms != b->s[i].time_ms || a->s[i].flags != b->s[i].flags || !hist__same_content(&a->s[i], &b->s[i])) return false;
    }
    return true;
}

/* As columns they are the same numbers, or rows again. */
static bool same_numbers(hist__codec *codec, const uint8_t *block, size_t size, const hist__rows *rows)
{
    hist__columns c;
    hist__rows again;
    hist__rows_init(&again);
    bool ok = hist__block_decode_numbers(codec, block, size, NULL, &again, &c, NULL) == PT_OK && c.n + again.n == rows->n;
    for (size_t i = 0; ok && i < c.n; i++) {
        double v = 0;
        ok = hist__usable_number(&rows->s[i], &v) && c.times[i] == rows->s[i].time_ms && c.values[i] == v;
    }
    hist__rows_fini(&again);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hist__codec *codec;
    if (!codec && hist__codec_new(&codec) != PT_OK) return 0;
    if (size < 8) return 0;
    uint8_t *copy = malloc(size); /* of exactly this size: reading beyond it is seen */
    if (!copy) return 0;
    memcpy(copy, data, size);
    copy[0] = data[0] & 1 ? 0xb7 : 0xa7;
    copy[1] = copy[0] == 0xb7 && (data[1] & 1) ? 2 : 1;
    fix(copy, size);
    hist__rows rows, again;
    hist__rows_init(&rows);
    hist__rows_init(&again);
    pt_buf blob;
    pt_buf_init(&blob, HIST__BLOCK_BYTES_MAX * (size_t)4);
    uint32_t tag = 0;
    if (copy[0] == 0xb7) {
        if (hist__block_decode(codec, copy, size, &tag, &rows, NULL) == PT_OK) {
            hist__summary sum;
            hist__summarize(rows.s, rows.n, &sum);
            double deviation = copy[1] == 2 ? rows.deviation : -1;
            if (hist__block_encode_within(codec, tag, rows.s, rows.n, deviation, &blob) != PT_OK || blob.ptr[1] != (char)copy[1] ||
                hist__block_decode(codec, blob.ptr, blob.len, &tag, &again, NULL) != PT_OK || !same(&rows, &again))
                abort();
            if (!same_numbers(codec, copy, size, &rows)) abort();
        }
    } else if (hist__journal_decode(copy, size, &rows, NULL) == PT_OK) {
        if (hist__journal_encode(rows.s, rows.n, &blob) != PT_OK || hist__journal_decode(blob.ptr, blob.len, &again, NULL) != PT_OK ||
            !same(&rows, &again))
            abort();
    }
    pt_buf_fini(&blob);
    hist__rows_fini(&again);
    hist__rows_fini(&rows);
    free(copy);
    return 0;
}
