/* tests/host/plant.h -- a whole plant in one process, on a fake clock, out of one seed.
 *
 *   edge cores (edge-node/) --> broker model: delay, order per topic only, loss at QoS 0, dropped connections with their Wills
 *                          <--  STATE retained, NCMD               |
 *                                                                  v
 *                               host core: tracker + presence, restarted and disconnected now and then
 *
 * First a stormy time, in which everything of that happens; then a quiet one, in which nothing does but data. At its end the host must
 * know exactly what the edges know. Everything random comes from the seed: a failing seed fails again, step by step. */
#ifndef HOST_TEST_PLANT_H
#define HOST_TEST_PLANT_H
#include <stdbool.h>
#include <stdint.h>

typedef struct plant_result {
    bool ok;
    char text[300]; /* what is not as it should be */
    uint64_t messages, lost, rebirths, restarts, reconnects, samples, resumed;
} plant_result;

/* stormy_ms of faults, then quiet_ms without. */
void plant_run(uint64_t seed, int64_t stormy_ms, int64_t quiet_ms, plant_result *out);
#endif
