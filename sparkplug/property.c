/* sparkplug/property.c -- looking into a property set. */
#include "sparkplug/payload.h"

const spb_property *spb_property_find(const spb_property_set *set, pt_slice key)
{
    if (!set) return NULL;
    for (uint32_t i = set->n; i-- > 0;) {
        if (pt_slice_eq(set->items[i].key, key)) return &set->items[i];
    }
    return NULL;
}
