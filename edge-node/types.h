/* edge-node/types.h -- compound values an application hands to the edge node: property sets and data sets. */
#ifndef EDGE_TYPES_H
#define EDGE_TYPES_H
#include "base/status.h"
#include "sparkplug/value.h"

/* A property: scalar or string of a basic type, or a set of properties, or a list of sets. */
typedef struct edge_property edge_property;
struct edge_property {
    pt_slice key;
    spb_value value;            /* types 1..14; type SPB_PROPERTYSET / SPB_PROPERTYSETLIST: see below */
    const edge_property *items; /* PROPERTYSET: its members. LIST: one item per set, key unused, items and n inside */
    uint32_t n;
};
/* A table value; cells row by row, each of its column's type (1..14). */
typedef struct edge_dataset {
    const pt_slice *columns;
    const uint8_t *types;
    uint32_t n_columns, n_rows;
    const spb_value *cells; /* n_rows * n_columns */
} edge_dataset;
/* Encode a DataSet as the value of a metric of type SPB_DATASET (spb_value.as.bytes of such a value holds the encoded message).
 * PT_ETOOBIG; PT_EINVAL: a column type that is not basic, a cell of another type, a null cell. */
PT_MUST_CHECK pt_status edge_dataset_encode(const edge_dataset *ds, void *buf, size_t cap, size_t *len);
#endif
