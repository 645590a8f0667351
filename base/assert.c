/* base/assert.c -- how a broken invariant ends. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void pt_assert_failed(const char *file, int line, const char *cond)
{
    (void)fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, cond);
    abort();
}
