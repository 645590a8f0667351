/* sparkplug/judge.c -- see judge.h. */
#include "sparkplug/judge.h"
#include "sparkplug/rules_internal.h"

#include <stdlib.h>

struct spb_judge {
    spb_rules *rules; /* owned */
    bool begun;       /* a birth or the death was heard */
    bool dead;        /* the last of them was the death */
};

pt_status spb_judge_new(spb_judge **out)
{
    spb_judge *j = calloc(1, sizeof *j);
    if (!j) return PT_ENOMEM;
    pt_status st = spb_rules_new(&j->rules);
    if (st == PT_OK) *out = j;
    else free(j);
    return st;
}

void spb_judge_free(spb_judge *j)
{
    if (!j) return;
    spb_rules_free(j->rules);
    free(j);
}

static pt_status fresh_rules(spb_judge *j)
{
    spb_rules *fresh = NULL;
    pt_status st = spb_rules_new(&fresh);
    if (st != PT_OK) return st;
    spb_rules_free(j->rules);
    j->rules = fresh;
    return PT_OK;
}

pt_status spb_judge_forget(spb_judge *j)
{
    pt_status st = fresh_rules(j);
    if (st == PT_OK) j->begun = j->dead = false;
    return st;
}

void spb_judge_skipped(spb_judge *j)
{
    j->rules->any_seq = true;
}

typedef struct filter {
    spb_finding_fn report;
    void *ctx;
    bool begun;
} filter;

/* What came before we listened is not known, so its absence is no fault. */
static void pass_on(void *ctx, const spb_finding *f)
{
    static const char *const needs_birth[] = { "tck-id-payloads-ndata-order", "tck-id-payloads-ddata-order",
                                               "tck-id-message-flow-device-birth-publish-nbirth-wait" };
    const filter *to = ctx;
    for (size_t i = 0; !to->begun && i < PT_COUNT_OF(needs_birth); i++)
        if (strcmp(f->rule, needs_birth[i]) == 0) return;
    if (to->report) to->report(to->ctx, f);
}

pt_status spb_judge_take(spb_judge *j, const spb_topic *topic, const spb_payload *p, spb_delivery delivery, spb_finding_fn report,
                         void *ctx, bool *begun)
{
    pt_status st = topic->verb == SPB_NBIRTH && j->dead ? fresh_rules(j) : PT_OK;
    *begun = j->begun;
    if (st != PT_OK) return st;
    j->begun |= topic->verb == SPB_NBIRTH || topic->verb == SPB_NDEATH;
    j->dead = topic->verb == SPB_NDEATH || (j->dead && topic->verb != SPB_NBIRTH);
    *begun = j->begun;
    filter to = { report, ctx, j->begun };
    (void)spb_rules_check(j->rules, topic, p, delivery, pass_on, &to);
    return PT_OK;
}
