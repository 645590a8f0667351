/* host/cli/data_none.c -- for builds without the historian's library. */
#include "host/cli/data.h"

int cli_data_events(cli *c, const cli_events *e, const char *const *heads, const char *align)
{
    (void)e, (void)heads, (void)align;
    return cli_fail(c, PT_EXIT_FAILED, "this build cannot read a data directory");
}

int cli_data_history(cli *c, const cli_history *q)
{
    (void)q;
    return cli_fail(c, PT_EXIT_FAILED, "this build cannot read a data directory");
}

int cli_data_replay(cli *c, const cli_replay *r)
{
    (void)r;
    return cli_fail(c, PT_EXIT_FAILED, "this build cannot read a data directory");
}
