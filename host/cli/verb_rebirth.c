/* host/cli/verb_rebirth.c -- ask an edge node to announce everything again. */
#include "host/cli/cli.h"

#include <stdlib.h>

static int run(cli *c, int argc, char **argv)
{
    char *text = NULL;
    cli_answer a = { 0 };
    int rc = cli_options(c, &argc, argv, NULL);
    if (rc != CLI_GO_ON) return rc;
    if (argc != 2) return cli_usage(c, "one edge node is needed, as GROUP/EDGE");
    rc = cli_node_target(c, argv[1], "/rebirth", &text);
    if (rc == CLI_GO_ON) rc = cli_post(c, text, "{}", NULL, &a);
    if (rc == CLI_GO_ON && c->json) {
        rc = cli_put_json(c, &a);
    } else if (rc == CLI_GO_ON) {
        pt_buf out;
        pt_buf_init(&out, 4096);
        pt_buf_cstr(&out, "A rebirth is requested from ");
        cli_printable(&out, pt_cstr(argv[1]));
        pt_buf_cstr(&out, ".\n");
        rc = cli_put(c, &out);
        pt_buf_fini(&out);
    }
    free(text);
    cli_release(&a);
    return rc;
}

const cli_verb cli_verb_rebirth = {
    "rebirth", "ask an edge node for its births again",
    "Usage: plantree rebirth GROUP/EDGE [--json]\n"
    "\n"
    "The node is asked to send its NBIRTH and the DBIRTHs of its devices again. Values and history stay as they are. Requests are\n"
    "rate-limited per node by the host.\n"
    "\n"
    "Example:\n"
    "  plantree rebirth Acme/gw-1\n",
    run
};
