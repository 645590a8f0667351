/* host/cli/map_plan.h -- `plantree map plan`. */
#ifndef HOST_CLI_MAP_PLAN_H
#define HOST_CLI_MAP_PLAN_H
#include "host/cli/cli.h"
#include "uns/map.h"

/* Print what `map` would do to the tags of c->data_dir, opened read-only (beside a running host too); returns the exit code. What a rule
 * asks of properties or template names counts as empty: the catalogue does not keep them. */
int cli_map_plan(cli *c, const uns_map *map);
#endif
