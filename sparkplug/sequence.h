/* sparkplug/sequence.h -- arithmetic modulo 256 of seq and bdSeq. Pure. */
#ifndef SPB_SEQUENCE_H
#define SPB_SEQUENCE_H
#include <stdbool.h>
#include <stdint.h>

static inline uint8_t spb_seq_next(uint8_t seq) /* 255 -> 0 (tck-id-payloads-sequence-num-incrementing) */
{
    return (uint8_t)(seq + 1u);
}
/* How far `seq` is ahead of `expected`: 0 in order, 1..127 ahead, 128..255 behind (late or duplicate). */
static inline uint8_t spb_seq_ahead(uint8_t expected, uint8_t seq)
{
    return (uint8_t)(seq - expected);
}
static inline bool spb_seq_is_behind(uint8_t expected, uint8_t seq)
{
    return spb_seq_ahead(expected, seq) >= 128;
}
#endif
