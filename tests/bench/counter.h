/* tests/bench/counter.h -- the yardstick: a Paho subscriber in a process of its own that only counts. */
#ifndef PT_BENCH_COUNTER_H
#define PT_BENCH_COUNTER_H
#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct bench_counter_shared { /* memory both processes see */
    atomic_uint_fast64_t count;
    _Atomic double last; /* bench_now() when the newest counted thousand, or the target, was complete */
    atomic_uint_fast64_t target;
    atomic_int state; /* 0 connecting, 1 subscribed, -1 failed */
} bench_counter_shared;
typedef struct bench_counter {
    pid_t pid;
    bench_counter_shared *shared;
} bench_counter;

/* Subscribed to spBv1.0/# at QoS 0 when it returns PT_OK. Call while this process has one thread: it forks. */
PT_MUST_CHECK pt_status bench_counter_start(uint16_t port, bench_counter *c, pt_error *err);
void bench_counter_stop(bench_counter *c);
#endif
