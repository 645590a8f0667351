/* host/cli/people.h -- what `plantree user` and `plantree token` share: access.db and the audit of a data directory, and passwords that are
 * typed. Also while a host runs on the directory: it notices. */
#ifndef HOST_CLI_PEOPLE_H
#define HOST_CLI_PEOPLE_H
#include "host/access/accounts.h"
#include "host/cli/cli.h"
#include "host/control/audit.h"

/* "cli:" and the name of the user who runs the command, for the audit. */
void cli_os_user(char out[300]);

typedef struct cli_people {
    cli *c;
    host_access *a;
    host_audit *audit; /* of a call that changes something */
    char who[300];
    access_actor by;
    pt_status noted; /* of the audit */
    pt_error why;
} cli_people;

typedef enum cli_people_for { CLI_PEOPLE_READ, CLI_PEOPLE_CHANGE, CLI_PEOPLE_MAKE } cli_people_for;
/* c->data_dir, or the directory of the host that answers. MAKE: access.db is made when there is none. CLI_GO_ON, or the exit code (said);
 * close in both cases. */
int cli_people_open(cli *c, cli_people_for what, cli_people *p);
/* rc, CLI_GO_ON as 0; 1 when what was done is not in the audit (said). */
int cli_people_close(cli_people *p, int rc);
/* Say why a call of access failed: 2 for a wrong name or value, 3 refused, 4 busy, else 1. */
int cli_people_fail(const cli_people *p, pt_status st, const pt_error *err);

/* One subcommand's shape; `takes` and `needs` are bits of the verb's own options. */
typedef struct cli_sub {
    const char *name;
    const char *arguments; /* "NAME", NULL: none */
    unsigned takes, needs;
    int id;
} cli_sub;
/* An option of the verb for messages: its name, and whether it was given. */
typedef struct cli_given {
    const char *name;
    bool given;
} cli_given;
/* argv[1] is the subcommand, argv[2] its argument. CLI_GO_ON and *out, or the exit code (said). */
int cli_sub_find(const cli *c, int argc, char **argv, const cli_sub *subs, size_t n, const cli_given *given, size_t n_given,
                 const cli_sub **out);

enum { CLI_PASSWORD_ROOM = 1026 };
/* From standard input's first line (`from_stdin`), else typed twice on the terminal without an echo. NUL-terminated; wipe it after use.
 * CLI_GO_ON, or the exit code (said): 2 neither is there, 130 interrupted. */
int cli_password_read(const cli *c, bool from_stdin, char out[CLI_PASSWORD_ROOM]);

void cli_paths_json(pt_json *j, const char *key, const pt_slice *paths, size_t n);
/* The patterns as one cell; none: `none`. */
void cli_paths_cell(cli_table *t, const pt_slice *paths, size_t n, const char *none);
/* The list as slices; room for CLI_MAX_LIST. */
access_patterns cli_patterns(const cli_list *list, pt_slice *room);
#endif
