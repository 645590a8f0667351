/* base/random.h -- small seeded pseudo-random numbers: jitter, simulations, benchmarks. Not for secrets. */
#ifndef PT_RANDOM_H
#define PT_RANDOM_H
#include <stdint.h>

typedef struct pt_random {
    uint64_t state;
} pt_random;

static inline pt_random pt_random_seed(uint64_t seed)
{
    return (pt_random){ seed };
}
static inline uint64_t pt_random_u64(pt_random *r) /* splitmix64 */
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline uint64_t pt_random_below(pt_random *r, uint64_t n) /* 0..n-1, n > 0 */
{
    return pt_random_u64(r) % n;
}
static inline double pt_random_unit(pt_random *r) /* [0, 1) */
{
    return (double)(pt_random_u64(r) >> 11) * 0x1p-53;
}
#endif
