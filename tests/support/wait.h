/* tests/support/wait.h -- wait for a condition with a deadline, the only waiting tests do. */
#ifndef PT_TEST_WAIT_H
#define PT_TEST_WAIT_H
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline int64_t pt_test_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum { PT_TEST_PATIENCE = 6 };

#define PT_HOLDS_BY_(ms, cond)                                       \
    __extension__({                                                  \
        int64_t pt_until_ = pt_test_now_ms() + (ms);                 \
        bool pt_held_;                                               \
        while (!(pt_held_ = (cond)) && pt_test_now_ms() < pt_until_) \
            nanosleep(&(struct timespec){ 0, 2000000 }, NULL);       \
        pt_held_;                                                    \
    })
/* Polls every 2 ms; true as soon as the condition holds. `ms` is ample on an idle machine; one that has much else to do, or runs with
 * sanitizers, is given PT_TEST_PATIENCE times as long before the answer is false. */
#define PT_WITHIN(ms, cond) PT_HOLDS_BY_((int64_t)(ms)*PT_TEST_PATIENCE, cond)
/* True when the condition does not come to hold in all of `ms`. */
#define PT_NOT_WITHIN(ms, cond)      (!PT_HOLDS_BY_(ms, cond))
#define CHECK_WITHIN(ms, cond)       CHECK(PT_WITHIN((ms), (cond)))
#define CHECK_WITHIN_FATAL(ms, cond) CHECK_FATAL(PT_WITHIN((ms), (cond)))
#endif
