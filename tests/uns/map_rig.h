/* tests/uns/map_rig.h -- a rule set under test, in few words. */
#ifndef TESTS_UNS_MAP_RIG_H
#define TESTS_UNS_MAP_RIG_H
#include "tests/support/check.h"
#include "uns/map.h"

extern uns_map *map; /* between open_map and close_map */

void open_map(uns_empty empty, uns_unmapped unmapped);
void close_map(void);

typedef struct from { /* NULL: absent */
    const char *group, *edge, *device, *metric, *topic;
} from;

pt_status rule(const char *id, from f, const char *to, const char **field, pt_error *err); /* `to` NULL: ignore */
void must_rule(const char *id, from f, const char *to);
const uns_mapping *map_source(from f); /* valid until the next call */
#endif
