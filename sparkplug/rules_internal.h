/* sparkplug/rules_internal.h -- shared by rules.c and rules_value.c. */
#ifndef SPB_RULES_INTERNAL_H
#define SPB_RULES_INTERNAL_H
#include "base/arena.h"
#include "base/map.h"
#include "sparkplug/rules.h"

/* A metric of the current births; in the arena. */
typedef struct spb__known {
    pt_slice device; /* empty: the node's own */
    pt_slice name;
    uint32_t type;
    bool has_alias;
} spb__known;

typedef struct spb__definition {
    uint32_t members, parameters;
} spb__definition;

struct spb_rules {
    pt_arena arena;     /* lives until the next NBIRTH */
    pt_map metrics;     /* device NUL name -> spb__known */
    pt_map aliases;     /* -> spb__known */
    pt_map devices;     /* born and alive -> 1 */
    pt_map definitions; /* template name -> spb__definition */
    pt_map members;     /* template NUL 'm' or 'p' name -> 1 */
    pt_map scratch;     /* of one check */
    pt_buf key;
    bool born, data_seen, has_bd_seq, has_will;
    bool any_seq; /* messages were left out: the next one's sequence number tells nothing */
    uint64_t bd_seq;
    uint8_t next_seq;
};

typedef struct spb__check {
    spb_rules *r;
    spb_finding_fn report;
    void *ctx;
    size_t findings;
    spb_verb verb;
    pt_slice device;          /* empty: the node */
    const spb_metric *metric; /* the one looked at, or NULL */
    uint32_t index;
} spb__check;

static inline bool spb__is_birth(spb_verb v)
{
    return v == SPB_NBIRTH || v == SPB_DBIRTH;
}
static inline bool spb__is_command(spb_verb v)
{
    return v == SPB_NCMD || v == SPB_DCMD;
}

void spb__broken(spb__check *c, const char *rule, const char *text);
void spb__advise(spb__check *c, const char *rule, const char *text);
/* a NUL b as one key, valid until the next call. */
pt_slice spb__pair(spb_rules *r, pt_slice a, pt_slice b);

/* rules_value.c: properties, data sets and templates of one metric. */
void spb__check_content(spb__check *c, const spb_metric *m, unsigned depth);
/* Remember the definition in metric `m` of an NBIRTH. */
void spb__learn_definition(spb_rules *r, const spb_metric *m);
#endif
