/* tests/host/cli/scripted_host.h -- an HTTP server that answers in the contract's shapes, for what no plant gives on request: exact tables,
 * odd texts, refusals, answers in parts. What the real host says is asked of the real host (plant.h). */
#ifndef PT_TEST_SCRIPTED_HOST_H
#define PT_TEST_SCRIPTED_HOST_H
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#define NODES                                                                                                                                                                           \
    "[{\"group\":\"g\",\"edge\":\"e\",\"state\":\"online\",\"phase\":\"doubtful\",\"since_ms\":1763848992123,\"last_message_ms\":1763848993000,\"bd_seq\":3,\"seq\":17,\"metrics\":42," \
    "\"rebirths\":{\"requested\":1,\"last_cause\":\"seq-gap\",\"last_ms\":0},\"seq_gaps\":2,\"duplicates\":0,"                                                                          \
    "\"samples\":{\"received\":100,\"stored\":98,\"historical\":1,\"duplicate\":0,\"rejected\":1},"                                                                                     \
    "\"devices\":[{\"device\":\"d\\u001b[31m\",\"state\":\"offline\",\"since_ms\":0,\"metrics\":20}]}]"
#define TREE                                                                                                                           \
    "[{\"path\":\"a\",\"name\":\"a\",\"kind\":\"folder\",\"class\":\"functional\",\"state\":\"live\",\"children\":1,\"tag_id\":null}," \
    "{\"path\":\"a/b\",\"name\":\"b\",\"kind\":\"tag\",\"class\":\"functional\",\"state\":\"live\",\"children\":0,\"tag_id\":7}]"
#define VALUES                                                                                                                              \
    "[{\"path\":\"a/b\",\"tag_id\":7,\"value\":0.1,\"type\":\"Double\",\"unit\":\"m\",\"quality\":\"GOOD\",\"timestamp_ms\":1763848992123," \
    "\"stale_since_ms\":null},{\"path\":\"a/big\",\"tag_id\":8,\"value\":18446744073709551615,\"type\":\"UInt64\",\"unit\":null,"           \
    "\"quality\":\"STALE\",\"timestamp_ms\":1,\"stale_since_ms\":2}]"

/* pt_test_main with the server running. */
int scripted_main(const char *suite, const pt_test *tests, size_t n, int argc, char **argv);
/* For a program with another main: started at the first call, ended at exit. */
const char *scripted_url(void);

/* Of the last request; read it after the program ended. */
typedef struct scripted_request {
    char target[4096], query[4096], body[4096], authorization[256];
} scripted_request;
const scripted_request *scripted_seen(void);

outcome scripted_cli(const char *const *args);
#define SCRIPTED(...) scripted_cli((const char *const[]){ __VA_ARGS__, NULL })
#endif
