/* tests/host/cli/plant.h -- the real programs: plantree-plc, plantree-edge and plantree-host with its own broker, one plant for a test
 * program.
 *
 *     G/e            the edge node
 *     G/e/filler/    Level/PV (read, moving)   Level/SP (write, 0..5)   Level/Kp (write; the PLC takes 0..1000, nobody else knows)
 *                    Batch/Size (write; in tens: the PLC's register holds whole tens only)   Valve/Open (write, Boolean)
 *
 * One thread. Everything runs on free loopback ports in a directory of its own and ends with the test program. */
#ifndef PT_TEST_PLANT_H
#define PT_TEST_PLANT_H
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <jansson.h>
#include <signal.h>

typedef enum plant_part { PLANT_PLC, PLANT_HOST, PLANT_EDGE, PLANT_PARTS } plant_part;

#define LEVEL    "G/e/filler/Level/PV"
#define SETPOINT "G/e/filler/Level/SP"
#define GAIN     "G/e/filler/Level/Kp"
#define BATCH    "G/e/filler/Batch/Size"
#define VALVE    "G/e/filler/Valve/Open"

/* Runs the tests on a running plant: pt_test_main between its start (values are GOOD, everything online) and its end. */
int plant_main(const char *suite, const pt_test *tests, size_t n, int argc, char **argv);

const char *plant_url(void);  /* of the host */
const char *plant_data(void); /* the host's data directory */
const char *plant_dir(void);  /* for files of the test */

void plant_start(plant_part p);
int plant_end(plant_part p, int sig);     /* the signal, then the exit code, or 128 + signal; 0 when it does not run */
void plant_signal(plant_part p, int sig); /* SIGSTOP, SIGCONT */

/* `plantree --url URL args...` */
outcome plant_cli(const char *const *args);
#define CLI(...) plant_cli((const char *const[]){ __VA_ARGS__, NULL })

/* Ask again until the verb ends with 0 and its JSON satisfies `good`, or 30 s have gone. The last answer is in *o, to be released. */
bool plant_until(const char *const *args, bool (*good)(const json_t *v), outcome *o);
#define UNTIL(good, o, ...) plant_until((const char *const[]){ __VA_ARGS__, "--json", NULL }, good, o)

/* Until the host sends commands: it sends none before its STATE is acknowledged. Writes the gain to know. */
bool plant_takes_commands(void);

/* Conditions for UNTIL. */
bool is_good(const json_t *v);    /* read */
bool is_stale(const json_t *v);   /* read */
bool is_online(const json_t *v);  /* nodes: the node and its first device */
bool is_offline(const json_t *v); /* nodes */
bool has_any(const json_t *v);    /* a list that is not empty */
bool has_points(const json_t *v); /* history: five samples or more */
#endif
