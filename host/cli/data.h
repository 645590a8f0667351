/* host/cli/data.h -- the verbs that read a data directory without a host, through the historian's library. */
#ifndef HOST_CLI_DATA_H
#define HOST_CLI_DATA_H
#include "historian/historian.h"
#include "host/cli/cli.h"

typedef struct cli_replay {
    int64_t from_ms, to_ms;
    const cli_list *select;
    bool events, csv;
    double speed;       /* 0: as fast as possible */
    int64_t max_gap_ms; /* 0: gaps are kept */
    uint64_t loops;     /* 1: once */
} cli_replay;

/* c->data_dir. CLI_GO_ON, or the exit code (said). Damage that is met, now or later, is said and remembered in c->damaged. */
int cli_data_open(cli *c, bool read_only, hist **h);
int cli_data_close(const cli *c, hist *h,
                   int rc); /* rc, CLI_GO_ON as 0, and 1 instead of 0 when there was damage; a failure to close is said */

/* Each opens c->data_dir read-only, prints, and returns the exit code. */
int cli_data_replay(cli *c, const cli_replay *r);
#endif
