/* tests/bench/generate.h -- the data every benchmark is fed: seeded, the same on every machine.
 *
 * The mixed set of docs/performance.md: a third of the tags a sine with two decimals (Double), a third a counter (Int64), a third by turns
 * a Boolean and a set-point that seldom moves (Double); one sample per period with jittered ms timestamps, ascending; quality GOOD but for
 * a bad stretch now and then. What is random in it (jitter of 31 values, noise of 41 cents on the sine, counts of 0..63) comes to about 1.1
 * bytes per sample: no store can keep it in less. Each tag has its own random numbers, so the samples of a tag do not depend on the order
 * in which tags are asked. */
#ifndef PT_BENCH_GENERATE_H
#define PT_BENCH_GENERATE_H
#include "base/arena.h"
#include "base/random.h"
#include "historian/historian.h"
#include "sparkplug/payload.h"

typedef struct gen_tag gen_tag;
typedef struct gen_mixed {
    gen_tag *tags; /* owned; tag i has id i + 1 */
    uint32_t n;
    int64_t start_ms, period_ms;
} gen_mixed;

/* `tags` tags, the first sample of each near start_ms, then one per period. */
PT_MUST_CHECK pt_status gen_mixed_init(gen_mixed *g, uint64_t seed, uint32_t tags, int64_t start_ms, int64_t period_ms);
void gen_mixed_fini(gen_mixed *g);
/* The next sample of tag `id` (1..tags); scalars only. */
void gen_mixed_next(gen_mixed *g, uint32_t id, hist_sample *out);
/* Its Sparkplug datatype: SPB_DOUBLE, SPB_INT64 or SPB_BOOLEAN. */
spb_datatype gen_mixed_type(uint32_t id);

/* A DATA payload: `n` metrics by alias (below 2^14), random scalar types and varint lengths, timestamps; optionally with datatypes. Lives
 * in `arena`. */
PT_MUST_CHECK pt_status gen_data(pt_arena *arena, pt_random *r, uint32_t n, bool datatypes, spb_payload *out);
/* A BIRTH payload: `n` metrics with names, aliases, datatypes, timestamps and four properties each (engUnit, engLow, engHigh,
 * documentation). */
PT_MUST_CHECK pt_status gen_birth(pt_arena *arena, pt_random *r, uint32_t n, spb_payload *out);
#endif
