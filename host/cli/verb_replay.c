/* host/cli/verb_replay.c -- the past again: recorded values and events in their order, written to standard output. */
#include "host/cli/cli.h"
#include "host/cli/data.h"

static int parse_speed(cli *c, const char *text, double *out)
{
    *out = 1;
    if (!text) return CLI_GO_ON;
    if (strcmp(text, "max") == 0) {
        *out = 0;
        return CLI_GO_ON;
    }
    if (!pt_slice_to_f64(pt_cstr(text), out) || !(*out >= 0.01 && *out <= 1000))
        return cli_usage(c, "--speed is max or a number from 0.01 to 1000, not '%s'", text);
    return CLI_GO_ON;
}

static int run_job(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *speed = NULL, *format = NULL, *loop = NULL, *gap = NULL;
    bool no_events = false;
    cli_list select = { 0 };
    const cli_option options[] = { { .name = "--from", .value = &from },
                                   { .name = "--to", .value = &to },
                                   { .name = "--speed", .value = &speed },
                                   { .name = "--to-stdout", .value = &format },
                                   { .name = "--loop", .value = &loop },
                                   { .name = "--max-gap", .value = &gap },
                                   { .name = "--select", .list = &select },
                                   { .name = "--no-events", .flag = &no_events },
                                   { 0 } };
    cli_replay r = { .select = &select, .loops = 1 };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && (argc != 2 || strcmp(argv[1], "run") != 0)) rc = cli_usage(c, "replay run is expected");
    if (rc == CLI_GO_ON && (!from || !to)) rc = cli_usage(c, "--from and --to are needed");
    if (rc == CLI_GO_ON) rc = cli_range(c, from, to, &r.from_ms, &r.to_ms);
    if (rc == CLI_GO_ON) rc = parse_speed(c, speed, &r.speed);
    if (rc == CLI_GO_ON) rc = cli_duration(c, "--max-gap", gap, 0, &r.max_gap_ms);
    if (rc == CLI_GO_ON && loop && !pt_slice_to_u64(pt_cstr(loop), &r.loops)) rc = cli_usage(c, "--loop is a number, not '%s'", loop);
    if (rc == CLI_GO_ON && (!format || (strcmp(format, "jsonl") != 0 && strcmp(format, "csv") != 0)))
        rc = cli_usage(c, "--to-stdout jsonl or --to-stdout csv is needed");
    if (rc == CLI_GO_ON) rc = cli_need_data(c);
    if (rc != CLI_GO_ON) return rc;
    r.events = !no_events;
    r.csv = format && strcmp(format, "csv") == 0;
    return cli_data_replay(c, &r);
}

const cli_verb cli_verb_replay = {
    "replay", "play a recorded range again, to standard output",
    "Usage: plantree replay run [--data DIR] --from T --to T [--select GLOB]... [--speed X|max] [--loop N] [--max-gap D]\n"
    "                           [--no-events] --to-stdout jsonl|csv\n"
    "\n"
    "Writes what was recorded in [from, to), values and events, in the order it happened. It reads the historian's directory\n"
    "itself, beside a running host or without one, and never sends anything to the plant. `plantree import` takes it back without a loss\n"
    "(flags: N null, H historical, S what marks a state; base64: the value's own bytes where its text doesn't hold them).\n"
    "\n"
    "  --select GLOB    only these paths; may be given often; a leading ! excludes (default: everything but plumbing)\n"
    "  --speed X        1 is the pace it happened in (default), 10 ten times faster; max: no waiting, no wall times, and the same\n"
    "                   data give the same bytes: the export tool\n"
    "  --max-gap D      make longer pauses this short\n"
    "  --loop N         so many times (default 1)\n"
    "  --no-events      values only, without what marks a state\n"
    "\n"
    "Exit codes: 0 finished, 1 failed, 2 usage, 130 interrupted.\n"
    "\n"
    "Examples:\n"
    "  plantree replay run --data /var/lib/plantree --from now-8h --to now --speed max --to-stdout csv > shift.csv\n"
    "  plantree replay run --data ./copy --from 2026-11-20T22:00:00Z --to 2026-11-21T06:00:00Z --select 'Acme/**' --speed 10 --to-stdout jsonl\n",
    run_job
};
