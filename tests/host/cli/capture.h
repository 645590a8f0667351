/* tests/host/cli/capture.h -- what a function of the command writes to standard output and standard error, called in this process. */
#ifndef PT_TEST_CAPTURE_H
#define PT_TEST_CAPTURE_H
#include "tests/host/cli/run.h"

void capture_begin(void);
/* Code is `code`; the texts are NUL-terminated behind len. Release it. */
outcome capture_end(int code);
/* Between the two, standard output is this file instead (/dev/full); it is not read. */
void capture_begin_to(const char *path);
#endif
