/* sparkplug/rules.h -- check what an edge node publishes against the specification's assertions, message by message.
 *
 * For tests (feed it everything an edge publishes), for diagnosis of foreign producers, and for decoding tools. It
 * judges, it does not filter: a receiver goes on working with what a finding complains about.
 *
 * One object follows one edge node (group and edge id are the caller's to separate): it remembers the births of the
 * session, so that aliases, data, templates and sequence numbers can be judged. Owner thread only; memory is bounded.
 */
#ifndef SPB_RULES_H
#define SPB_RULES_H
#include "sparkplug/payload.h"
#include "sparkplug/topic.h"

typedef struct spb_rules spb_rules;

typedef struct spb_finding {
    const char *rule; /* the assertion's id, "tck-id-..."; several broken by one fault are separated by blanks. Static */
    const char *text; /* what is wrong; static */
    bool advice;      /* a SHOULD, or a MUST that accepted practice relaxes */
    pt_slice metric;  /* the metric's name, absent when the message as a whole is meant or the metric has none; borrowed */
    uint32_t index;   /* of the metric in the payload; 0 for the message */
    bool of_metric;   /* a metric is meant, not the message */
} spb_finding;
typedef void (*spb_finding_fn)(void *ctx, const spb_finding *f);

PT_MUST_CHECK pt_status spb_rules_new(spb_rules **out);
void spb_rules_free(spb_rules *r); /* NULL is allowed */

/* How a message was published; unknown to an ordinary subscriber (MQTT clears retain on live delivery). */
typedef struct spb_delivery {
    bool known;
    int qos;
    bool retain;
} spb_delivery;

/* The Will of a CONNECT: a new MQTT session begins; its bdSeq is the one to be seen from now on. Returns the number of
 * findings. */
size_t spb_rules_connect(spb_rules *r, const spb_payload *will, spb_delivery delivery, spb_finding_fn report, void *ctx);

/* One published message (or a command to the node), in order. Returns the number of findings. Without a
 * spb_rules_connect before, bdSeq is taken from the first NBIRTH. */
size_t spb_rules_check(spb_rules *r, const spb_topic *topic, const spb_payload *p, spb_delivery delivery, spb_finding_fn report, void *ctx);
#endif
