/* tests/host/cli/verb.h -- what every verb promises: help that teaches, wrong calls that end with 2 and say why, a host that is not there.
 */
#ifndef PT_TEST_VERB_H
#define PT_TEST_VERB_H
#include "host/cli/cli.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#define CHECK_CODE(o, want)                                                                                                     \
    pt_check_at((o).code == (want), false, __FILE__, __LINE__, "exit code %d, not %d; it said: %.200s%.200s", (o).code, (want), \
                (o).out.ptr, (o).err.ptr)
#define CHECK_SAYS(text, what) \
    pt_check_at(outcome_says(&(text), (what)), false, __FILE__, __LINE__, "'%.400s' has no '%s'", (text).ptr, (what))

/* `plantree args...` without PLANTREE_URL and PLANTREE_TOKEN. */
#define RUN(...) run_plantree(NULL, (const char *const[]){ __VA_ARGS__, NULL })

/* Nobody answers there, at once. */
#define NO_HOST "http://127.0.0.1:1"

/* `VERB --help`, `VERB -h` and `help VERB` print the verb's own text, which begins with its usage and has an example; exit 0. */
void check_help(const cli_verb *verb);

typedef struct wrong_call {
    const char *args[16];
    const char *says;
} wrong_call;
/* Each ends with 2, says why on standard error, points to --help and prints nothing else. */
void check_wrong_calls(const wrong_call *rows, size_t n);

/* The call against a host that is not there ends with 4 and names the address. */
void check_host_absent(const char *const *args);
#define CHECK_HOST_ABSENT(...) check_host_absent((const char *const[]){ __VA_ARGS__, NULL })

/* Does the object have these members? "name:kind ...", kind: s text, i whole number, n number, b Boolean, o object, a list, * anything;
 * a final ? allows null. What is missing or of another kind is named in a failed check. */
void check_shape(const json_t *object, const char *members);

/* The output as JSON; NULL, and a failed check, when it is none. Owned by the caller. */
json_t *outcome_json(const outcome *o);
#endif
