/* base/thread.c -- see thread.h. A thread names itself: its creator might be too late, and its creator's own name would be inherited. */
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct start {
    char name[PT_THREAD_NAME_MAX + 1];
    void *(*body)(void *ctx);
    void *ctx;
} start;

static void *begin(void *arg)
{
    start s = *(start *)arg;
    free(arg);
    (void)pthread_setname_np(pthread_self(), s.name); /* without a name it works as well */
    return s.body(s.ctx);
}

pt_status pt_thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*body)(void *ctx), void *ctx, pt_error *err)
{
    pthread_attr_t attr;
    start *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "thread %s: out of memory", name);
    snprintf(s->name, sizeof s->name, "%s", name);
    s->body = body;
    s->ctx = ctx;
    int rc = pthread_attr_init(&attr);
    if (rc != 0) {
        free(s);
        return pt_fail(err, PT_ENOMEM, "thread %s: %s", name, pt_errno_text(rc));
    }
    pt_status st = PT_ENOMEM;
    if (stack_bytes) rc = pthread_attr_setstacksize(&attr, stack_bytes);
    if (rc != 0) st = PT_EINVAL;
    if (rc == 0) rc = pthread_create(thread, &attr, begin, s);
    (void)pthread_attr_destroy(&attr);
    if (rc == 0) return PT_OK;
    free(s);
    return pt_fail(err, st, "thread %s: %s", name, pt_errno_text(rc));
}
