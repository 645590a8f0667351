/* tests/host/cli/run.h -- run build/bin/plantree as a user would, and see what it says. */
#ifndef PT_TEST_RUN_H
#define PT_TEST_RUN_H
#include "base/buf.h"

typedef struct outcome {
    int code;        /* exit code; 128 + signal when killed */
    pt_buf out, err; /* NUL-terminated behind len */
} outcome;

/* Is a sanitizer's report in it? */
bool is_sanitizers(const char *text);

/* Arguments up to NULL, without the program's name. Environment: PLANTREE_* are taken out, then `env` ("NAME=value" or NULL) is added. A
 * sanitizer's report ends the test program. */
outcome run_plantree(const char *env, const char *const *args);
/* The same without `env`, with `kb` KiB of memory for data (heap, stacks): a program that wants more gets none. */
outcome run_plantree_within(unsigned kb, const char *const *args);
void outcome_release(outcome *o);
bool outcome_says(const pt_buf *text, const char *what);
#endif
