/* host/ingest/conformance.h -- what edge nodes publish, judged against the specification all day (sparkplug/judge.h): which rule a node
 * breaks, how often, since when, and the first message that broke it.
 *
 * It judges and remembers; nothing is refused because of it. Births and deaths are always judged; data messages as long as a node and all
 * of them together stay below a rate of metrics, beyond that they are left out and counted, so that a busy host pays a bounded price.
 *
 * Memory is bounded: nodes, announced metrics that are followed, kinds of findings per node, bytes kept of first messages. What is beyond
 * is counted and said. Threads: one at a time (a shard's lock). */
#ifndef HOST_CONFORMANCE_H
#define HOST_CONFORMANCE_H
#include "base/json.h"
#include "sparkplug/judge.h"

typedef struct host_conformance_options {
    uint32_t nodes_max;       /* default 20000 */
    uint32_t metrics_max;     /* announced by the births of all nodes followed; default 200000 */
    uint32_t metrics_per_s;   /* of data messages of all nodes that are judged; default 20000 */
    uint32_t node_per_s;      /* of one node; default 2000; ten seconds of it may come at once */
    uint64_t first_bytes_max; /* of first messages kept in all; default 16 MiB */
} host_conformance_options;
void host_conformance_options_init(host_conformance_options *o);

enum {
    HOST_FINDINGS_MAX = 64,    /* kinds per node */
    HOST_FINDING_BYTES = 1024, /* of the first message of a kind */
};

/* A kind of fault of a node. */
typedef struct host_finding {
    const char *rule, *text; /* as in spb_finding; static */
    bool advice, of_metric;
    uint64_t times;
    int64_t first_ms, last_ms; /* when it was received */
    /* of the first: */
    char *topic, *metric; /* owned; metric NULL: the message is meant, or the metric has no name */
    uint32_t index;       /* of the metric in the payload */
    uint8_t *bytes;       /* owned: its beginning; NULL: no room was left */
    uint32_t n_bytes;
    uint64_t total_bytes; /* of the whole message */
} host_finding;

typedef struct host_judged {
    pt_slice group, edge;
    int64_t since_ms;             /* first message */
    uint64_t messages, judged;    /* received, looked at */
    uint64_t times;               /* findings in all */
    uint64_t left_out;            /* findings of kinds beyond HOST_FINDINGS_MAX */
    bool begun;                   /* a birth or death was heard since we listen without a gap */
    bool too_large;               /* announces more metrics than there is room for: only its births and deaths are judged */
    const host_finding *findings; /* in order of appearance */
    uint32_t n_findings;
} host_judged;

typedef struct host_conformance host_conformance;
/* `news`: a kind of fault the node did not have before, advice excepted. */
PT_MUST_CHECK pt_status host_conformance_new(const host_conformance_options *o,
                                             void (*news)(void *ctx, const host_judged *n, const host_finding *f), void *ctx,
                                             host_conformance **out);
void host_conformance_free(host_conformance *c); /* NULL allowed */
/* A message of a node as it was received; `p` NULL: it does not decode. */
void host_conformance_take(host_conformance *c, const spb_topic *topic, const spb_payload *p, pt_slice payload, int64_t wall_ms,
                           int64_t mono_ms);
/* Messages of any node, or of this one, may have been missed by us: what follows from that is no fault of theirs. */
void host_conformance_missed(host_conformance *c);
void host_conformance_missed_of(host_conformance *c, pt_slice group, pt_slice edge);
/* One node, PT_ENOTFOUND; all of them, in no order. Valid during the call. */
PT_MUST_CHECK pt_status host_conformance_node(host_conformance *c, pt_slice group, pt_slice edge,
                                              void (*see)(void *ctx, const host_judged *n), void *ctx);
void host_conformance_each(host_conformance *c, void (*see)(void *ctx, const host_judged *n), void *ctx);
uint64_t host_conformance_not_followed(const host_conformance *c); /* messages of nodes beyond nodes_max, or without memory */

/* The node as the HTTP interface gives it; `findings` false: the counts only. */
void host_judged_json(pt_json *j, const host_judged *n, bool findings);
#endif
