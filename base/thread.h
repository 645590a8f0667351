/* base/thread.h -- threads with a name, which debuggers, `top -H` and core files show. */
#ifndef PT_THREAD_H
#define PT_THREAD_H
#include "base/status.h"
#include <pthread.h>

enum { PT_THREAD_NAME_MAX = 15 }; /* bytes: the kernel keeps no more */

/* Run body(ctx) on a thread of that name, to be joined by the caller. `name` is copied; what is longer is cut. stack_bytes 0: the system's
 * choice. PT_ENOMEM: no memory or no thread to be had, with the reason; PT_EINVAL: a stack of that size is not possible. */
PT_MUST_CHECK pt_status pt_thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*body)(void *ctx), void *ctx,
                                        pt_error *err);
#endif
