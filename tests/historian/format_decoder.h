/* tests/historian/format_decoder.h -- a second reader of blocks and journal rows, written from docs/file-format.md and nothing else.
 *
 * It shares no code with the historian: chapter numbers in the .c are those of the page. zstd and the arithmetic are the machine's. */
#ifndef HIST_TEST_FORMAT_DECODER_H
#define HIST_TEST_FORMAT_DECODER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fd_row {
    uint32_t tag_id;
    int64_t time_ms;
    uint8_t type, quality, flags;
    uint64_t word;        /* integers two's complement, Double and Float their bits */
    const uint8_t *bytes; /* byte strings; NULL: none. In fd_result.heap */
    size_t len;
} fd_row;

typedef struct fd_result {
    fd_row *rows; /* owned */
    size_t n;
    uint8_t encoding;  /* of a block's values */
    double deviation;  /* of a block of version 2; else 0 */
    uint8_t *heap;     /* owned */
    const char *fault; /* NULL: none */
} fd_result;

/* `out` is emptied by fd_free in any case. */
void fd_block(const uint8_t *bytes, size_t len, fd_result *out);
void fd_journal_row(const uint8_t *bytes, size_t len, fd_result *out);
void fd_free(fd_result *r);
#endif
