/* tests/host/script.h -- a tracker driven by lines of text, its actions recorded as words.
 *
 * A script is lines `STEP > WORDS`; after each step the recorded words must be exactly WORDS.
 *   STEP   VERB group/edge[/device][@server] [| payload words of wire.h]      an arriving message (`retained ` before it: retained)
 *          wait MS        time passes, timers run when they are due
 *          ready S        our STATE birth on server S is acknowledged      lost S    its connection is gone
 *          ask g/e        an operator asks for a rebirth
 *   WORDS  +g/e -g/e/d    a node or device went online, offline           *nbirth   an event
 *          3=1.5@900      tag 3's value: live and stored; prefixes ~ live only, h historical; suffix !B !S quality, ? stamped with arrival
 *          m3:S@900       a quality mark in history                        stale(1,2)@900 fresh(..) absent(..)
 *          NCMD:g/e@0     a rebirth request; BACKFILL:g/e=5000 one for everything since 5000                                !reason   bad
 * input Tag ids are given in the order the tracker asks, from 1. The wall clock starts at 100000 ms, the monotonic one at 0. */
#ifndef HOST_TEST_SCRIPT_H
#define HOST_TEST_SCRIPT_H
#include "host/nodes/node.h"

typedef struct script {
    host_tracker *tracker;
    pt_arena arena;
    pt_buf words;
    pt_map tags; /* "group/edge/device/metric" -> id */
    uint32_t n_tags, tag_calls;
    int64_t wall_ms, mono_ms;
    pt_buf last_command, last_detail; /* payload; JSON of the last event */
    char last_bad[700];               /* what was said of the last bad input */
    bool details;
    pt_status command_answer; /* anything but PT_OK: commands cannot be sent, and say no word */
} script;

void script_init(script *s, const host_tracker_options *o);
void script_fini(script *s);
/* Run all lines; failures are reported with `row` and the line. */
void script_run(script *s, const char *row, const char *lines);
/* One step; its words are left in `words`. */
void script_step(script *s, const char *step);
/* One row per rule, named by its requirement where the specification has one: each on a tracker of its own, server 0 ready. */
typedef struct script_row {
    const char *rule, *script;
} script_row;
void script_rows(const script_row *rows, size_t n);
void script_advance(script *s, int64_t ms);
void script_options(host_tracker_options *o); /* defaults without jitter */
#endif
