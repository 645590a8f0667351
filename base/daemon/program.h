/* base/daemon/program.h -- what every daemon's main does alike: options, signals, notify.
 *
 * Exit codes (contract): 0 ok, 1 failed, 2 usage or configuration, 3 refused, 4 timed out or target lost. */
#ifndef PT_PROGRAM_H
#define PT_PROGRAM_H
#include "base/log.h"

enum { PT_EXIT_OK = 0, PT_EXIT_FAILED = 1, PT_EXIT_USAGE = 2, PT_EXIT_REFUSED = 3, PT_EXIT_TIMEOUT = 4 };

/* The options all programs share; the rest is left in argv order for the caller. */
typedef struct pt_program {
    const char *name, *synopsis, *help; /* given by the caller: "plantree-edge", one line, the text of --help that teaches */
    const char *config;                 /* --config FILE; NULL when not given */
    bool check;                         /* --check */
    pt_log_level level;                 /* --log-level, default info */
    bool json_log;                      /* --log-format json */
} pt_program;

/* Parse the common options and take them out of argv (*argc shrinks). --help and --version print and return PT_ECLOSED (exit 0);
 * a bad option or value is PT_EINVAL, already said on stderr (exit 2). Options not known here stay for the caller, unless `strict`. */
PT_MUST_CHECK pt_status pt_program_options(pt_program *p, int *argc, char **argv, bool strict);

/* Signals as data: SIGTERM and SIGINT, SIGHUP, through a signalfd; SIGPIPE ignored. Call before any thread is started. */
typedef enum pt_signal { PT_SIGNAL_NONE, PT_SIGNAL_STOP, PT_SIGNAL_RELOAD } pt_signal;
PT_MUST_CHECK pt_status pt_signals_open(int *fd);
/* Wait up to timeout_ms (< 0: for ever). */
pt_signal pt_signals_wait(int fd, int64_t timeout_ms);

/* systemd: READY=1, STOPPING=1, RELOADING=1, STATUS=...; does nothing outside systemd or without libsystemd. */
void pt_notify(const char *state);
/* Watchdog period to honour in ms, 0 when none is asked; then pt_notify("WATCHDOG=1") at half of it. */
int64_t pt_notify_watchdog_ms(void);

/* A lock file with our pid inside, held until the process ends: PT_EBUSY when another process holds it (*err names its pid). */
PT_MUST_CHECK pt_status pt_lock_file(const char *path, int *fd, pt_error *err);
#endif
