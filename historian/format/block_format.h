/* historian/format/block_format.h -- what both halves of the block codec share: constants of the bytes, and one thread's room to work in.
 */
#ifndef HIST_BLOCK_FORMAT_H
#define HIST_BLOCK_FORMAT_H
#include "historian/format/ints.h"

#include <zstd.h>

enum { HIST__BLOCK_MAGIC = 0xb7, HIST__KINDS_MAX = 255, HIST__PLANES_XOR = 1, HIST__DECIMALS_MAX = 15, HIST__ZSTD_LEVEL = 3 };
enum { HIST__BLOCK_EXACT = 1, HIST__BLOCK_WITHIN = 2 }; /* versions: every sample; some left out within a stated deviation */
enum {                                                  /* value encodings on disk */
       HIST__ENC_NONE,
       HIST__ENC_INT,
       HIST__ENC_F64_DECIMAL,
       HIST__ENC_F64_WORDS,
       HIST__ENC_F64_PLANES,
       HIST__ENC_F32_DECIMAL,
       HIST__ENC_F32_WORDS,
       HIST__ENC_F32_PLANES,
       HIST__ENC_BYTES
};
extern const double hist__powers[HIST__DECIMALS_MAX + 1]; /* of ten */

struct hist__codec {
    ZSTD_CCtx *compress;   /* owned; NULL until needed */
    ZSTD_DCtx *decompress; /* owned; NULL until needed */
    hist__ints_work work;
    uint64_t *words, *ints, *index, *times, *offsets; /* owned: one array cut in five; of `cap` numbers each */
    size_t cap;
    uint8_t *bytes, *packed; /* owned; of bytes_cap each */
    size_t bytes_cap;
};

/* The contexts, made when first needed; false: no memory. */
bool hist__codec_compressor(hist__codec *c);
bool hist__codec_decompressor(hist__codec *c);
/* Room for n numbers in each of the five arrays, for n bytes in each of the two; what was there is lost. PT_ENOMEM. */
PT_MUST_CHECK pt_status hist__codec_words(hist__codec *c, size_t n);
PT_MUST_CHECK pt_status hist__codec_bytes(hist__codec *c, size_t n);

static inline bool hist__is_unsigned(uint32_t type)
{
    return (type >= SPB_UINT8 && type <= SPB_UINT64) || type == SPB_DATETIME;
}
#endif
