/* host/cli/data.c -- history, events and replay from the files themselves.
 *
 * What is always true: the directory is opened read-only, so a running host is not disturbed and a copy is not changed. */
#include "host/cli/data.h"
#include "historian/historian.h"
#include "historian/read/replay.h"
#include "base/timestamp.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { FLUSH_AT = 64 << 10, MAX_OUT = 1 << 30 };

static void write_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    cli *c = ctx;
    if (level == PT_LOG_ERROR) c->damaged = true;
    fprintf(stderr, "plantree: %s %s\n", id, text);
}

int cli_data_open(cli *c, bool read_only, hist **h)
{
    hist_options o;
    pt_error err = { 0 };
    hist_options_init(&o);
    o.dir = c->data_dir;
    o.read_only = read_only;
    c->files_log = (pt_log){ PT_LOG_WARN, write_log, c };
    pt_status st = hist_open(&o, pt_clock_system(), &c->files_log, h, &err);
    return st ? cli_fail(c, st == PT_EBUSY ? PT_EXIT_REFUSED : PT_EXIT_FAILED, "%s: %s", c->data_dir,
                         err.text[0] ? err.text : pt_status_name(st))
              : CLI_GO_ON;
}

int cli_data_close(const cli *c, hist *h, int rc)
{
    pt_error err = { 0 };
    pt_status st = hist_close(h, 1000, &err);
    if (st && (rc == PT_EXIT_OK || rc == CLI_GO_ON)) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text);
    if (rc == CLI_GO_ON) rc = PT_EXIT_OK;
    return rc == PT_EXIT_OK && c->damaged ? PT_EXIT_FAILED : rc;
}

/* --- replay --- */

static volatile sig_atomic_t interrupted; /* set by the handler, read between items */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

typedef struct pace {
    double speed;
    int64_t max_gap_ms;
    int64_t start_us, first_ms, last_ms, skipped_ms;
} pace;

/* Wait until the item recorded at `ms` is due; false when interrupted. */
static bool wait_until_due(pace *p, int64_t ms)
{
    if (p->speed <= 0) return true;
    if (p->start_us == 0) {
        p->start_us = pt_mono_us(pt_clock_system());
        p->first_ms = p->last_ms = ms;
    }
    if (p->max_gap_ms && ms - p->last_ms > p->max_gap_ms) p->skipped_ms += ms - p->last_ms - p->max_gap_ms;
    p->last_ms = ms;
    int64_t due_us = p->start_us + (int64_t)((double)(ms - p->first_ms - p->skipped_ms) * 1000 / p->speed);
    while (!interrupted) {
        int64_t left = due_us - pt_mono_us(pt_clock_system());
        if (left <= 0) return true;
        if (left > 200000) left = 200000;
        const struct timespec pause = { 0, (long)left * 1000 };
        nanosleep(&pause, NULL);
    }
    return false;
}

static int play(cli *c, hist *h, const cli_replay *r, const hist_replay_options *o, pt_buf *out)
{
    hist_replay *engine = NULL;
    hist_replay_item item;
    pt_error err = { 0 };
    pace p = { .speed = r->speed, .max_gap_ms = r->max_gap_ms };
    int rc = CLI_GO_ON;
    pt_status st = hist_replay_open(h, o, &engine, &err);
    while (!st && rc == CLI_GO_ON && !interrupted) {
        st = hist_replay_next(engine, &item, &err);
        if (st == PT_ECORRUPT) { /* said, and gone on behind the damage; the exit code remembers */
            cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
            c->damaged = true;
            st = PT_OK;
            continue;
        }
        if (st || !wait_until_due(&p, item.time_ms)) break;
        int64_t wall = r->speed > 0 ? pt_wall_ms(pt_clock_system()) : -1;
        (r->csv ? hist_replay_csv : hist_replay_jsonl)(&item, wall, out);
        if (r->speed > 0 || out->len >= FLUSH_AT) {
            int put = cli_put(c, out);
            pt_buf_reset(out);
            if (put) rc = put;
        }
    }
    hist_replay_close(engine);
    if (rc == CLI_GO_ON && st && st != PT_EEMPTY)
        rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, err.text[0] ? err.text : pt_status_name(st));
    return rc;
}

int cli_data_replay(cli *c, const cli_replay *r)
{
    pt_slice globs[CLI_MAX_LIST];
    struct sigaction action = { .sa_handler = on_interrupt };
    hist *h = NULL;
    pt_buf out;
    for (size_t i = 0; i < r->select->n; i++)
        globs[i] = pt_cstr(r->select->items[i]);
    const hist_replay_options o = {
        .from_ms = r->from_ms, .to_ms = r->to_ms, .select = globs, .n_select = r->select->n, .events = r->events
    };
    int rc = cli_data_open(c, true, &h);
    if (rc != CLI_GO_ON) return rc;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL); /* cannot fail for these signals */
    sigaction(SIGTERM, &action, NULL);
    pt_buf_init(&out, MAX_OUT);
    if (r->csv) hist_replay_csv_header(&out);
    for (uint64_t i = 0; i < r->loops && rc == CLI_GO_ON && !interrupted; i++)
        rc = play(c, h, r, &o, &out);
    int put = cli_put(c, &out);
    if (rc == CLI_GO_ON && put) rc = put;
    pt_buf_fini(&out);
    rc = cli_data_close(c, h, rc);
    return rc == PT_EXIT_OK && interrupted ? CLI_EXIT_INTERRUPTED : rc;
}
