/* sparkplug/topic.h -- parse and format Sparkplug topic names.
 *
 *     spBv1.0/<group>/<verb>/<edge>[/<device>]    or    spBv1.0/STATE/<host>
 *
 * Slices in a parsed topic borrow the caller's bytes and live exactly as long. Nothing here allocates, locks, logs or
 * reads a clock: any thread may call it, the MQTT receive callback included. */
#ifndef SPB_TOPIC_H
#define SPB_TOPIC_H
#include "base/slice.h"
#include "base/status.h"

#define SPB_TOPIC_MAX 65535u /* bytes; MQTT gives a topic a 16-bit length */

/* clang-format off */
typedef enum spb_verb {
    SPB_NBIRTH, SPB_NDEATH, SPB_NDATA, SPB_NCMD, /* an edge node: no device */
    SPB_DBIRTH, SPB_DDEATH, SPB_DDATA, SPB_DCMD, /* a device of a node */
    SPB_STATE,                                   /* a host application */
    SPB_VERB_COUNT
} spb_verb;
/* clang-format on */

/* One row per namespace: a second one (spCv1.0) is a second row. */
typedef struct spb_namespace {
    const char *prefix; /* "spBv1.0" */
    const char *state;  /* "STATE" */
} spb_namespace;
extern const spb_namespace spb_namespace_b;

typedef struct spb_topic {
    spb_verb verb;
    pt_slice group, edge; /* absent for STATE */
    pt_slice device;      /* absent unless verb is DBIRTH..DCMD */
    pt_slice host;        /* absent unless verb is STATE */
} spb_topic;

const char *spb_verb_name(spb_verb verb); /* "NBIRTH" ... "STATE" */
static inline bool spb_verb_is_device(spb_verb v)
{
    return v >= SPB_DBIRTH && v <= SPB_DCMD;
}

/* Parse `text` into *out.
 * PT_OK          *out is complete.
 * PT_ENOTFOUND   another namespace: not ours to judge.
 * PT_EMALFORMED  our namespace but not a Sparkplug topic; *out untouched; *err has the reason and byte offset. */
PT_MUST_CHECK pt_status spb_topic_parse(const spb_namespace *ns, pt_slice text, spb_topic *out, pt_error *err);

/* Write `topic` and a final NUL into `buf` (room for `cap` bytes). *len becomes the length without the NUL; on
 * PT_ETOOBIG it is the length needed and `buf` is untouched, so a first call with cap 0 measures. PT_EINVAL: an id
 * missing or not valid. */
PT_MUST_CHECK pt_status spb_topic_format(const spb_namespace *ns, const spb_topic *topic, char *buf, size_t cap, size_t *len);

/* Group, edge node, device and host ids: UTF-8, not empty, none of + / #, no U+0000; and a group is not "STATE"
 * (tck-id-topic-structure-namespace-valid-group-id, -edge-node-id, -device-id). PT_EMALFORMED with the reason. */
PT_MUST_CHECK pt_status spb_id_check(pt_slice id, bool is_group, pt_error *err);
#endif
