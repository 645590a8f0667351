/* sparkplug/judge.h -- the rules (rules.h) for one edge node that is listened to from outside, without its CONNECT and perhaps from the
 * middle of its session on: what only a message that was not heard would explain is no fault.
 *
 * Owner thread only. */
#ifndef SPB_JUDGE_H
#define SPB_JUDGE_H
#include "sparkplug/rules.h"

typedef struct spb_judge spb_judge;

PT_MUST_CHECK pt_status spb_judge_new(spb_judge **out);
void spb_judge_free(spb_judge *j); /* NULL is allowed */
/* Messages may have been missed, births among them: judged as at first from now on. PT_ENOMEM: nothing has changed. */
PT_MUST_CHECK pt_status spb_judge_forget(spb_judge *j);
/* Data messages, and nothing else, were left out: the next sequence number may be any. */
void spb_judge_skipped(spb_judge *j);
/* One message of the node, or a command to it, as it was received. After a death comes a new connection, whose Will nobody sees: any bdSeq
 * is right. *begun: false while neither birth nor death was heard. PT_ENOMEM: not judged. */
PT_MUST_CHECK pt_status spb_judge_take(spb_judge *j, const spb_topic *topic, const spb_payload *p, spb_delivery delivery,
                                       spb_finding_fn report, void *ctx, bool *begun);
#endif
