/* tests/host/program.h -- plantree-host as a program: its command line, its log, its signals.
 *
 *     program p;
 *     program_open(&p, "host: { role: primary }\n...");   a fresh directory with host.yaml and, where it says DIR, the data directory
 *     program_start(&p);
 *     CHECK_WITHIN(10000, program_logged(&p, "HOST-START"));
 *     CHECK_INT(program_end(&p, SIGTERM), 0);
 *
 * Processes die with the test. */
#ifndef HOST_TEST_PROGRAM_H
#define HOST_TEST_PROGRAM_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct program {
    char dir[256], config[300];
    pid_t pid; /* 0: not running */
} program;

void program_open(program *p, const char *yaml); /* `$` in yaml stands for the directory */
void program_config(program *p, const char *yaml);
void program_start(program *p);
int program_end(program *p, int sig); /* exit code, 256 + signal when one ended it */
int program_wait(program *p);         /* the same, for one that ends by itself */
/* Runs `plantree-host` with these arguments to its end; its exit code. stdout and stderr go to `out`, NUL-terminated. */
int program_run(program *p, const char *const *args, char *out, size_t cap);
/* The number of log lines with this text. */
size_t program_logged(const program *p, const char *text);
/* The number behind the first `text` in the log; -1: none. */
long program_number(const program *p, const char *text);
#endif
