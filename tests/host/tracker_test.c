/* The tracker's rules: one row per rule, named by its requirement where the specification has one. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const struct {
    const char *rule, *script;
} rows[] = {
    { "guide 19: a birth makes the node known and its values current",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000" },
    { "guide 13: values by alias, by name, by both",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1.5@98000 u:12=sx@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000 3=x@98000\n"
      "NDATA g/e | ts=99001 seq=1 #5=d2@98001 u=sy@98002 > 2=2@98001 3=y@98002\n"
      "NDATA g/e | ts=99001 seq=2 t#5=d3@98003 > 2=3@98003" },
    { "guide 10: alias 0 is an alias", "NBIRTH g/e | ts=99000 seq=0 bd=7 t#0:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
                                       "NDATA g/e | ts=99001 seq=1 #0=d2@98001 > 2=2@98001" },
    { "guide 10: name and alias in conflict: the name counts",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 u#6:10=d2@98000 > *nbirth +g/e ~1=7@99000 2=1@98000 3=2@98000\n"
      "NDATA g/e | ts=99001 seq=1 u#5=d9@98001 > 3=9@98001" },
    { "tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "wait 500 >\n"
      "NDEATH g/e | bd=7 > stale(1,2)@100500 m2:S@100500 -g/e *ndeath" },
    { "tck-id-operational-behavior-edge-node-termination-host-action-ndeath-devices-offline, -devices-tags-stale",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NDEATH g/e | bd=7 > stale(2)@100000 m2:S@100000 -g/e/d stale(1)@100000 -g/e *ndeath" },
    { "guide 25.30: NDEATH of another session is ignored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "NDEATH g/e | bd=6 > !death-of-other-session\n"
      "NDEATH g/e | x:4=l7 > !death-of-other-session\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98001 > 2=2@98001" },
    { "guide 25.11: bdSeq of a death in int_value, as UInt64, or nameless by alias",
      "NBIRTH g/e | ts=99000 seq=0 bdSeq:8=l7 > *nbirth +g/e ~1=7@99000\n"
      "NDEATH g/e | bdSeq:8=i7 > stale(1)@100000 -g/e *ndeath\n"
      "NBIRTH g/e | ts=99000 seq=0 bdSeq#9:8=l8 > *nbirth +g/e ~1=8@99000\n"
      "NDEATH g/e | #9=l8 > stale(1)@100000 -g/e *ndeath" },
    { "guide 25.30: without a known bdSeq every death counts",
      "NBIRTH g/e | ts=99000 seq=0 t:10=d1@98000 > *nbirth +g/e 1=1@98000\n"
      "NDEATH g/e | bd=3 > stale(1)@100000 m1:S@100000 -g/e *ndeath" },
    { "guide 19: the second NDEATH of a session is ignored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NDEATH g/e | bd=7 > stale(1)@100000 -g/e *ndeath\n"
      "NDEATH g/e | bd=7 >" },
    { "guide 19: NDEATH of the old session behind the new NBIRTH is ignored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=8 > *nbirth ~1=8@99500\n"
      "NDEATH g/e | bd=7 > !death-of-other-session" },
    { "tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline, -ddeath-devices-tags-stale: payload time",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "DDEATH g/e/d | ts=99700 seq=2 > stale(2)@99700 m2:S@99700 -g/e/d *ddeath\n"
      "DDEATH g/e/d | ts=99800 seq=3 >\n"
      "NDATA g/e | ts=99900 seq=4 >" },
    { "guide 19: a device is dead from NBIRTH until its DBIRTH",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@99100\n"
      "DDATA g/e/d | ts=99200 seq=1 t=d3@98001 > !device-not-born NCMD:g/e@0 *rebirth-request" },
    { "guide 23: a device that is not born again gets its STALE mark in history",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 2=1.5@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@99100\n"
      "wait 6000 > m2:S@100000" },
    { "guide 23: an unchanged value in a birth is no new sample; after a death history says it is good again",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1.5@98000 > *nbirth +g/e ~1=7@99000 2=1.5@98000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d1.5@98000 > *nbirth ~1=7@99500 ~2=1.5@98000\n"
      "NDEATH g/e | bd=7 > stale(1,2)@100000 m2:S@100000 -g/e *ndeath\n"
      "wait 1000 >\n"
      "NBIRTH g/e | ts=100900 seq=0 bd=8 t:10=d1.5@98000 > *nbirth +g/e ~1=8@100900 ~2=1.5@98000 m2:G@100900" },
    { "guide 25.35: any seq of an NBIRTH is the base",
      "NBIRTH g/e | ts=99000 seq=200 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=201 t=d2@98001 > 2=2@98001" },
    { "tck-id-payloads-sequence-num-incrementing: 255 is followed by 0",
      "NBIRTH g/e | ts=99000 seq=254 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=255 t=d2@98001 > 2=2@98001\n"
      "NDATA g/e | ts=99001 seq=0 t=d3@98002 > 2=3@98002\n"
      "NDATA g/e | ts=99001 seq=1 t=d4@98003 > 2=4@98003" },
    { "guide 25.34: DBIRTH and DDEATH use up a seq, NDEATH, NCMD and DCMD do not",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NCMD g/e | ts=1 x=i1 >\n"
      "DCMD g/e/d | ts=1 x=i1 >\n"
      "DBIRTH g/e/d | ts=99000 seq=1 > +g/e/d *dbirth\n"
      "NDEATH g/e | bd=6 > !death-of-other-session\n"
      "DDEATH g/e/d | ts=99000 seq=2 > -g/e/d *ddeath\n"
      "NDATA g/e | ts=99001 seq=3 t=d2@98001 > 2=2@98001" },
    { "tck-id-operational-behavior-host-reordering-success: the missing message comes in time, order is restored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1900 >\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002 2=3@98003\n"
      "wait 60000 >" },
    { "tck-id-operational-behavior-host-reordering-start, -rebirth: one timer from the first gap, then one rebirth, nothing shown as live",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1500 >\n"
      "NDATA g/e | ts=99001 seq=3 t=d4@98004 >\n"
      "wait 499 >\n"
      "wait 1 > *reorder-timeout !reorder-discarded !reorder-discarded stale(1,2)@102000 m2:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "wait 4000 >" },
    { "guide 20: a second gap runs from the message that showed it",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
      "wait 1000 >\n"
      "NDATA g/e | ts=99001 seq=4 t=d5@98005 >\n"
      "wait 500 >\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002 2=3@98003\n"
      "wait 1499 >\n"
      "NDATA g/e | ts=99001 seq=3 t=d4@98004 > 2=4@98004 2=5@98005\n"
      "wait 60000 >" },
    { "guide 20: reordering across the wrap",
      "NBIRTH g/e | ts=99000 seq=253 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=0 t=d4@98004 > *seq-gap\n"
      "NDATA g/e | ts=99001 seq=255 t=d3@98003 >\n"
      "NDATA g/e | ts=99001 seq=1 t=d5@98005 >\n"
      "NDATA g/e | ts=99001 seq=254 t=d2@98002 > 2=2@98002 2=3@98003 2=4@98004 2=5@98005" },
    { "guide 20: DBIRTH and data may overtake their NBIRTH: they wait for it",
      "DBIRTH g/e/d | ts=99000 seq=1 t#5:10=d1@98000 > NCMD:g/e@0 *rebirth-request\n"
      "DDATA g/e/d | ts=99001 seq=2 #5=d2@98002 >\n"
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000 +g/e/d *dbirth 2=1@98000 2=2@98002\n"
      "wait 60000 >" },
    { "guide 20: so, too, after a death and in a rebirth",
      "NBIRTH g/e | ts=90000 seq=0 bd=7 > *nbirth +g/e ~1=7@90000\n"
      "DBIRTH g/e/d | ts=90000 seq=1 t#5:10=d1@90000 > +g/e/d *dbirth 2=1@90000\n"
      "DDATA g/e/d | ts=90001 seq=2 #5=d2@90001 > 2=2@90001\n"
      "DBIRTH g/e/d | ts=90002 seq=1 t#6:10=d3@90002 >\n"
      "NBIRTH g/e | ts=90002 seq=0 bd=7 > stale(2)@100000 -g/e/d *nbirth ~1=7@90002 +g/e/d *dbirth 2=3@90002\n"
      "NDEATH g/e | bd=7 > stale(2)@100000 m2:S@100000 -g/e/d stale(1)@100000 -g/e *ndeath\n"
      "wait 100 >\n"
      "DBIRTH g/e/d | ts=100050 seq=1 t#6:10=d4@100050 > NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=100050 seq=0 bd=8 > *nbirth +g/e ~1=8@100050 +g/e/d *dbirth 2=4@100050\n"
      "wait 60000 >" },
    { "guide 19: another session whose NBIRTH is lost is noticed before its seq fits by chance",
      "NBIRTH g/e | ts=90000 seq=0 bd=7 a#1:10=d1@90000 b#2:10=d1@90000 > *nbirth +g/e ~1=7@90000 2=1@90000 3=1@90000\n"
      "NDATA g/e | ts=90001 seq=1 #1=d2@90001 > 2=2@90001\n"
      "NDATA g/e | ts=95000 seq=1 #2=d5@95000 >\n"
      "NDATA g/e | ts=95001 seq=2 #2=d6@95001 >\n"
      "NDATA g/e | ts=95002 seq=3 #2=d7@95002 >\n"
      "wait 2000 > !duplicate-seq !not-born !not-born *seq-gap stale(1,2,3)@102000 m2:S@102000 m3:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=102001 seq=0 bd=8 a#2:10=d8@102001 b#1:10=d9@102001 > *nbirth +g/e ~1=8@102001 2=8@102001 3=9@102001" },
    { "guide 20: what waited for an NBIRTH in vain is refused for what it was",
      "DBIRTH g/e/d | ts=99000 seq=1 t#5:10=d1@98000 > NCMD:g/e@0 *rebirth-request\n"
      "wait 1999 >\n"
      "wait 1 > !not-born\n"
      "NBIRTH g/e | ts=100000 seq=0 bd=7 > *nbirth +g/e ~1=7@100000\n"
      "wait 60000 >" },
    { "guide 20: behind is a duplicate", "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
                                         "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002\n"
                                         "NDATA g/e | ts=99001 seq=1 t=d2@98002 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=130 t=d2@98002 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=3 t=d4@98004 > *seq-gap\n"
                                         "NDATA g/e | ts=99001 seq=3 t=d4@98004 > !duplicate-seq\n"
                                         "NDATA g/e | ts=99001 seq=2 t=d3@98003 > 2=3@98003 2=4@98004" },
    { "guide 20: more than half the circle lost at once is a gap, not a duplicate",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@98002 > 2=2@98002\n"
      "NDATA g/e | ts=99200 seq=201 t=d3@98200 > \n"
      "NDATA g/e | ts=99201 seq=2 t=d4@98201 >\n"
      "wait 2000 > !not-born !duplicate-seq *seq-gap stale(1,2)@102000 m2:S@102000 -g/e NCMD:g/e@0 *rebirth-request" },
    { "guide 20: an NBIRTH never waits, and what was held back is of the past",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=5 t=d4@98004 > *seq-gap\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d6@99400 > !old-session *nbirth ~1=7@99500 2=6@99400\n"
      "wait 60000 >\n"
      "NDATA g/e | ts=99501 seq=1 t=d7@99401 > 2=7@99401" },
    { "guide 19, spk 178: data sent before the NBIRTH it arrives behind",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | ts=99500 seq=0 bd=7 t:10=d6@99400 > *nbirth ~1=7@99500 2=6@99400\n"
      "NDATA g/e | ts=99200 seq=1 t=d2@99200 > !old-session\n"
      "NDATA g/e | ts=99501 seq=1 t=d7@99401 > 2=7@99401" },
    { "guide 12: frozen payload timestamps: dropping once, believing after it led to a gap",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=50000 seq=1 t=d2@50000 > !old-session\n"
      "wait 3000 >\n"
      "NDATA g/e | ts=50000 seq=2 t=d3@50000 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1,2)@105000 m2:S@105000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=105000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@105000 ~2=1@98000 m2:G@105001\n"
      "NDATA g/e | ts=50000 seq=1 t=d2@50000 > 2=2@50000" },
    { "guide 19: metric timestamps frozen at process start are data like others",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@50 > *nbirth +g/e ~1=7@99000 2=1@50\n"
      "NDATA g/e | ts=99001 seq=1 t=d2@50 > 2=2@50\n"
      "NDATA g/e | ts=99001 seq=2 t=d3@40 > 2=3@40" },
    { "guide 19: unknown node: one rebirth request, data dropped, growing distances while unanswered",
      "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=100 t=d2@98002 > !not-born\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 9999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request\n"
      "wait 19999 >\n"
      "NBIRTH g/e | ts=134000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@134000 2=1@98000\n"
      "wait 100000 >" },
    { "guide 19: DBIRTH, DDATA, DDEATH of an unknown node ask for a rebirth; NDEATH is noted",
      "DBIRTH g/a/d | ts=99001 seq=99 t:10=d2@98002 > !not-born NCMD:g/a@0 *rebirth-request\n"
      "DDATA g/b/d | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/b@0 *rebirth-request\n"
      "DDEATH g/c/d | ts=99001 seq=9 > !not-born NCMD:g/c@0 *rebirth-request\n"
      "NDEATH g/d | bd=3 > *ndeath" },
    { "guide 25.37: commands, deaths and nothing else never ask for a rebirth",
      "NCMD g/a | ts=1 x=i1 >\nDCMD g/a/d | ts=1 x=i1 >\nNDEATH g/a | bd=1 > *ndeath\nwait 10000 >" },
    { "guide 19: data of a dead node sent before its death is dropped without a request; later data asks",
      "NBIRTH g/e | ts=100000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@100000 2=1@98000\n"
      "wait 1000 >\n"
      "NDEATH g/e | bd=7 > stale(1,2)@101000 m2:S@101000 -g/e *ndeath\n"
      "NDATA g/e | ts=100900 seq=1 t=d2@98002 > !offline\n"
      "NDATA g/e | ts=101500 seq=99 t=d2@98002 > !offline NCMD:g/e@0 *rebirth-request" },
    { "guide 10: unknown alias: the metric is skipped, the rest kept, one request, never an alias_17 tag",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 #17=d9@98001 #5=d2@98001 > !unknown-alias 2=2@98001 NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=2 #17=d9@98001 #5=d3@98002 > !unknown-alias 2=3@98002" },
    { "guide 19: unknown metric name: skipped, one request",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 x:10=d9@98001 t=d2@98001 > !unknown-metric 2=2@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 25.39: bdSeq repeated in DATA is tolerated and not stored",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 u:10=d1@98000 > +g/e/d *dbirth 3=1@98000\n"
      "DDATA g/e/d | ts=99001 seq=2 bd=7 u=d2@98001 > 3=2@98001" },
    { "guide 10: aliases are cleared by an NBIRTH",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 t#5:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | ts=99100 seq=0 bd=7 u#6:10=d1@98000 t#7:10=d1@98000 > *metadata-changed *nbirth ~1=7@99100 3=1@98000 ~2=1@98000\n"
      "NDATA g/e | ts=99201 seq=1 #5=d2@98001 #6=d2@98001 > !unknown-alias 3=2@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 10: a DBIRTH replaces the aliases of its device only",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#6:10=d1@98000 > +g/e/b *dbirth 3=1@98000\n"
      "DBIRTH g/e/a | ts=99000 seq=3 t#7:10=d1@98001 > *dbirth 2=1@98001\n"
      "DDATA g/e/b | ts=99000 seq=4 #6=d2@98002 > 3=2@98002\n"
      "DDATA g/e/a | ts=99000 seq=5 #7=d2@98002 > 2=2@98002\n"
      "DDATA g/e/a | ts=99000 seq=6 #6=d3@98003 > !foreign-alias NCMD:g/e@0 *rebirth-request" },
    { "guide 10: a DBIRTH with another device's alias is refused once with a rebirth, then the alias means nothing",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
      "DBIRTH g/e/a | ts=99000 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth 2=1@98000\n"
      "DBIRTH g/e/b | ts=99000 seq=2 t#5:10=d1@98000 > !duplicate-alias NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=99001 seq=0 bd=7 > stale(2)@100000 -g/e/a *nbirth ~1=7@99001\n"
      "DBIRTH g/e/a | ts=99001 seq=1 t#5:10=d1@98000 > +g/e/a *dbirth ~2=1@98000\n"
      "DBIRTH g/e/b | ts=99001 seq=2 t#5:10=d1@98000 u#6:10=d2@98000 > !duplicate-alias +g/e/b *dbirth 3=1@98000 4=2@98000\n"
      "DDATA g/e/b | ts=99001 seq=3 #5=d8@98000 #6=d3@98001 > !ambiguous-alias 4=3@98001" },
    { "one alias twice in a birth means nothing: never a wrong value",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a#5:10=d1@98000 b#5:10=d2@98000 > !duplicate-alias *nbirth +g/e ~1=7@99000 2=1@98000 3=2@98000\n"
      "NDATA g/e | ts=99001 seq=1 #5=d9@98001 b=d3@98001 > !ambiguous-alias 3=3@98001" },
    { "one name twice in a birth: the first",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 a:10=d2@98000 > *nbirth +g/e ~1=7@99000 2=1@98000" },
    { "guide 4: unknown and missing datatypes of a birth",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:99=d1@98000 b=d1@98000 c:0=d1@98000 d:20=d1@98000 ok:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000" },
    { "guide 4: a wire field that does not fit skips that metric only",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 b:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000 3=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a=sno@98001 b=d2@98001 > 3=2@98001" },
    { "guide 25.1: UInt32 in either field; 25.2: negative small integers three ways",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 u:7=l4294967295@1 v:7=i4294967295@1 i:1=i4294967254@1 > "
      "*nbirth +g/e ~1=7@99000 2=4294967295@1 3=4294967295@1 4=-42@1\n"
      "NDATA g/e | ts=99001 seq=1 i=i214@2 u=i7@2 > 4=-42@2 2=7@2\n"
      "NDATA g/e | ts=99001 seq=2 i=l-42@3 > 4=-42@3" },
    { "guide 4: DATA whose datatype contradicts the birth: the birth's word, and a request",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:3=i1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a:7=i4294967295@98001 > 2=-1@98001 NCMD:g/e@0 *rebirth-request" },
    { "guide 9: historical goes to history only, transient is live only, null is a value state",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 seq=1 a=d5@97000!h > h2=5@97000\n"
      "NDATA g/e | ts=99001 seq=2 a=d6@98001!t > ~2=6@98001\n"
      "NDATA g/e | ts=99001 seq=3 a=-@98002!n > 2=@98002\n"
      "NDATA g/e | ts=99001 seq=4 a=d7@98003!n > 2=@98003\n"
      "NDATA g/e | ts=99001 seq=5 a=d7@98004!H > 2=7@98004" },
    { "guide 8: quality: 0 BAD, 192 GOOD, 500 STALE, others BAD, absent GOOD again",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;Quality:3=i0 > *nbirth +g/e ~1=7@99000 2=1@98000!B\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001;Quality:3=i500 > 2=2@98001!S\n"
      "NDATA g/e | ts=99001 seq=2 a=d3@98002;Quality:4=l192 > 2=3@98002\n"
      "NDATA g/e | ts=99001 seq=3 a=d4@98003;Quality:3=i7 > 2=4@98003!B\n"
      "NDATA g/e | ts=99001 seq=4 a=d5@98004 > 2=5@98004" },
    { "guide 19: timestamps: metric, then payload, then arrival",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1 > *nbirth +g/e ~1=7@99000 2=1@99000\n"
      "NDATA g/e | ts=99001 seq=1 a=d2 > 2=2@99001\n"
      "NDATA g/e | seq=2 a=d3 > 2=3@100000?\n"
      "NDATA g/e | seq=3 a=d4@18446744073709551615 > 2=4@100000?" },
    { "guide 3.6: an empty or malformed payload",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | > !malformed\n"
      "NDATA g/e | hex=12ff > !malformed\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001 > 2=2@98001" },
    { "guide 19: an NBIRTH that does not decode ends the session: its aliases are unknown",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a#1:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NBIRTH g/e | hex=12ff > !malformed stale(1,2)@100000 m2:S@100000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NDATA g/e | ts=99001 seq=101 #1=d2@98001 > !not-born" },
    { "guide 19: an NBIRTH without seq is none", "NBIRTH g/e | ts=99000 bd=7 a:10=d1@98000 > !no-seq NCMD:g/e@0 *rebirth-request\n"
                                                  "NBIRTH g/e | ts=99000 seq=256 bd=7 a:10=d1@98000 > !bad-seq" },
    { "guide 20: data without seq or with one above 255",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e | ts=99001 a=d2@98001 > !no-seq\n"
      "NDATA g/e | ts=99001 seq=256 a=d2@98001 > !bad-seq\n"
      "NDATA g/e | ts=99001 seq=1 a=d2@98001 > 2=2@98001" },
    { "retained births are not believed, but the node is asked",
      "retained NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > !retained NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=100000 seq=0 bd=7 a:10=d2@99999 > *nbirth +g/e ~1=7@100000 2=2@99999\n"
      "retained NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > !retained" },
    { "guide 22: the node lives on the server of its last NBIRTH",
      "ready 1 >\n"
      "NBIRTH g/e@0 | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "NDATA g/e@1 | ts=99001 seq=1 a=d2@98001 > !other-server\n"
      "NBIRTH g/e@1 | ts=99500 seq=0 bd=8 a:10=d3@98002 > *nbirth ~1=8@99500 2=3@98002\n"
      "NDEATH g/e@0 | bd=7 > !death-of-other-session\n"
      "NDATA g/e@1 | ts=99501 seq=1 a=d4@98003 > 2=4@98003\n"
      "lost 0 >\n"
      "lost 1 > stale(1,2)@100000 m2:S@100000 -g/e" },
    { "tck-not-testable-1: connection loss makes everything learned through that server stale",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t:10=d1.5@98000 > +g/e/d *dbirth 3=1.5@98000\n"
      "lost 0 > stale(3)@100000 m3:S@100000 -g/e/d stale(1,2)@100000 m2:S@100000 -g/e" },
    { "issue 4: after a reconnect the session goes on when the next seq proves it",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "DBIRTH g/e/d | ts=99000 seq=1 t#4:10=d1.5@98000 > +g/e/d *dbirth 3=1.5@98000\n"
      "wait 10000 >\n"
      "lost 0 > stale(3)@110000 m3:S@110000 -g/e/d stale(1,2)@110000 m2:S@110000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "DDATA g/e/d | ts=111000 seq=2 #4=d2@110500 > fresh(1,2)@111000 +g/e fresh(3)@111000 +g/e/d 3=2@110500\n"
      "wait 60000 >" },
    { "issue 4: where it does not prove it, one rebirth, cause host-restart",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "lost 0 > stale(1,2)@100000 m2:S@100000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "NDATA g/e | ts=111000 seq=2 a=d2@110500 > !not-born NCMD:g/e@0 *rebirth-request\n"
      "wait 4000 >" },
    { "issue 4: a known node silent after our STATE is asked",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "lost 0 > stale(1,2)@100000 m2:S@100000 -g/e\n"
      "wait 1000 >\n"
      "ready 0 >\n"
      "wait 4999 >\n"
      "wait 1 > NCMD:g/e@0 *rebirth-request" },
    { "guide 18.2: nothing is sent before STATE is acknowledged",
      "lost 0 >\n"
      "NDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\n"
      "wait 30000 >\n"
      "ready 0 > NCMD:g/e@0 *rebirth-request" },
    { "issue 4: riding on another host's request",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
      "ask g/e > NCMD:g/e@0 *rebirth-request\n"
      "NCMD g/e | ts=1 Node_Control/Rebirth:11=b1 >\n"
      "NDATA g/e | ts=99001 seq=1 #99=d2@98001 > !unknown-alias\n"
      "NCMD g/e | ts=1 Node_Control/Rebirth:11=b1 >\n"
      "wait 4999 >\n"
      "wait 30000 >" },
    { "guide 25.3: out-of-range small integers are masked, not refused",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:5=i300@98000 > *nbirth +g/e ~1=7@99000 2=44@98000" },
    { "guide 23: session plumbing has values but no history",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 Node_Control/Rebirth:11=b0@1 Properties/OS:12=sx@1 > *nbirth +g/e ~1=7@99000 ~2=false@1 ~3=x@1" },
    { "guide 7: template instance members are tags; definitions are not; members' types from the definition",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 M:19=T{d}(rpm:10=-!n,on:11=-!n)@1 m1:19=T{M}(rpm:10=d5@1,on:11=b1@1)@1 > "
      "*nbirth +g/e ~1=7@99000 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":5,\"on\":true},\"parameters\":{}}@1 3=5@1 4=true@1\n"
      "NDATA g/e | ts=99001 seq=1 m1=T{M}(rpm=d6@2)@2 > 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":6,\"on\":true},\"parameters\":{}}@2 3=6@2" },
    { "decision 7: after a gap the node is asked for what is missing since its last message, and says when it is done",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@99000 2=1@98000 ~3=@99000 ~4=0@1\n"
      "NDATA g/e | ts=99500 seq=1 a=d2@99500 > 2=2@99500\n"
      "NDATA g/e | ts=99600 seq=3 a=d4@99600 > *seq-gap\n"
      "wait 2000 > *reorder-timeout !reorder-discarded stale(1,2,3,4)@102000 m2:S@102000 m4:S@102000 -g/e NCMD:g/e@0 *rebirth-request\n"
      "NBIRTH g/e | ts=102100 seq=0 bd=7 a:10=d4@99600 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@102100 2=4@99600 m2:G@102100 ~3=@102100 ~4=0@1 m4:G@102100\n"
      "wait 199 >\n"
      "wait 1 > BACKFILL:g/e=98500 *backfill\n"
      "NDATA g/e | ts=102300 seq=1 a=d2@99500!h a=d3@99550!h Backfill/Pending=l2@102300!t > h2=2@99500 h2=3@99550 ~4=2@102300\n"
      "NDATA g/e | ts=102400 seq=2 Backfill/Pending=l0@102400!t > *backfill ~4=0@102400\n"
      "NBIRTH g/e | ts=103000 seq=0 bd=7 a:10=d4@99600 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth ~1=7@103000 ~2=4@99600 ~3=@103000 ~4=0@1\n"
      "wait 1000 >" },
    { "decision 7: a new session after a death, too; nodes that announce nothing are not asked",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=7@99000 ~2=@99000 ~3=0@1\n"
      "NDEATH g/e | bd=7 > stale(1,2,3)@100000 m3:S@100000 -g/e *ndeath\n"
      "NBIRTH g/e | ts=102100 seq=0 bd=8 Node_Control/Backfill_From:13=-!n Backfill/Pending:4=l0@1!t > *nbirth +g/e ~1=8@102100 ~2=@102100 ~3=0@1 m3:G@102100\n"
      "wait 200 > BACKFILL:g/e=98000 *backfill\n"
      "NBIRTH g/f | ts=99000 seq=0 bd=7 > *nbirth +g/f ~4=7@99000\n"
      "NDEATH g/f | bd=7 > stale(4)@100200 -g/f *ndeath\n"
      "NBIRTH g/f | ts=102100 seq=0 bd=8 > *nbirth +g/f ~4=8@102100\n"
      "wait 1000 >" },
};

static void every_rule_holds(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        host_tracker_options o;
        script s;
        script_options(&o);
        script_init(&s, &o);
        script_run(&s, rows[i].rule, "ready 0 >");
        script_run(&s, rows[i].rule, rows[i].script);
        script_fini(&s);
    }
}

static void a_rebirth_request_is_vector_v6(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    s.wall_ms = 1700000000000;
    script_run(&s, "V6", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request");
    CHECK_HEX(pt_buf_view(&s.last_command),
              "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001");
    script_fini(&s);
    o.cmd_datatype = false;
    script_init(&s, &o);
    s.wall_ms = 1700000000000;
    script_run(&s, "V6 without datatype", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born NCMD:g/e@0 *rebirth-request");
    CHECK_HEX(pt_buf_view(&s.last_command), "0880d095ffbc31121f0a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc317001");
    script_fini(&s);
}

static void a_passive_host_asks_for_nothing(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.commands = false;
    script_init(&s, &o);
    script_run(&s, "passive", "ready 0 >\nNDATA g/e | ts=99001 seq=9 t=d2@98002 > !not-born\nwait 100000 >\nask g/e > refused");
    script_fini(&s);
}

static void with_timeout_0_a_gap_acts_at_once(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.reorder_timeout_ms = 0;
    script_init(&s, &o);
    script_run(&s, "timeout 0",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "NDATA g/e | ts=99001 seq=3 t=d3@98003 > *seq-gap !reorder-discarded *reorder-timeout stale(1,2)@100000 m2:S@100000 -g/e "
               "NCMD:g/e@0 *rebirth-request");
    const host_node *n = host_tracker_at(s.tracker, 0);
    CHECK_INT(n->counts.holes, 2);
    CHECK_INT(n->counts.expected, 4);
    script_run(&s, "timeout 0: more than half the circle",
               "NBIRTH g/f | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/f ~3=7@99000 4=1@98000\n"
               "NDATA g/f | ts=98999 seq=201 t=d3@98003 > !old-session\n"
               "NDATA g/f | ts=99001 seq=201 t=d3@98003 > *seq-gap !reorder-discarded *reorder-timeout stale(3,4)@100000 m4:S@100000 -g/f "
               "NCMD:g/f@0 *rebirth-request");
    CHECK_INT(host_tracker_at(s.tracker, 1)->counts.holes, 200);
    script_fini(&s);
}

static void what_is_held_back_is_bounded(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.reorder_bytes = 30;
    script_init(&s, &o);
    script_run(&s, "bounded",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "NDATA g/e | ts=99001 seq=2 t=d3@98003 > *seq-gap\n"
               "NDATA g/e | ts=99001 seq=3 t=d3@98004 > !reorder-discarded *reorder-timeout !reorder-discarded stale(1,2)@100000 "
               "m2:S@100000 -g/e NCMD:g/e@0 *rebirth-request");
    script_fini(&s);
}

static void many_unknown_nodes_share_the_budget(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.rebirth_global_per_s = 10;
    o.rebirth_jitter_ms = 500;
    script_init(&s, &o);
    script_run(&s, "budget", "ready 0 >");
    char line[128];
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "NDATA g/n%d | ts=99001 seq=9 t=d2@98002 > !not-born", i);
        script_run(&s, "budget", line);
    }
    host_tracker_stats st;
    for (int second = 1; second <= 25; second++) {
        script_advance(&s, 1000);
        host_tracker_stats_get(s.tracker, &st);
        CHECK(st.rebirths[HOST_CAUSE_UNKNOWN_NODE] <= (uint64_t)(10 * second + 10));
    }
    int asked = 0;
    for (size_t i = 0; host_tracker_at(s.tracker, i); i++)
        asked += host_tracker_at(s.tracker, i)->counts.rebirths_sent > 0;
    CHECK(asked >= 100);
    script_fini(&s);
}

static void a_rebirth_with_the_same_metrics_asks_for_no_tag(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "again", "ready 0 >\nNBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;engUnit:12=sm > *nbirth +g/e ~1=7@99000 2=1@98000");
    uint32_t calls = s.tag_calls;
    script_run(&s, "again", "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000;engUnit:12=sm > *nbirth ~1=7@99000 ~2=1@98000");
    CHECK_INT(s.tag_calls, calls);
    s.details = true;
    script_run(&s, "diff",
               "NBIRTH g/e | ts=99100 seq=0 bd=7 b:10=d1@98000 a:10=d1@98000;engUnit:12=scm > "
               "*metadata-changed{\"added_count\":1,\"added\":[\"b\"],\"reunited_count\":1,\"reunited\":[\"a\"]} "
               "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":3,\"rebirth\":true,\"server\":0} ~1=7@99100 3=1@98000 ~2=1@98000\n"
               "NBIRTH g/e | ts=99100 seq=0 bd=7 a:9=f1@98000;engUnit:12=scm > absent(3)@100000 "
               "*metadata-changed{\"removed_count\":1,\"removed\":[\"b\"],\"retyped_count\":1,\"retyped\":[\"a\"]} "
               "*nbirth{\"bd_seq\":7,\"seq\":0,\"metrics\":2,\"rebirth\":true,\"server\":0} ~1=7@99100 2=1@98000");
    script_fini(&s);
}

static void two_nodes_with_one_id_are_noticed(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "twins",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 > *nbirth +g/e ~1=7@99000\n"
               "NBIRTH g/e | ts=99001 seq=0 bd=30 > *nbirth ~1=30@99001\n"
               "NBIRTH g/e | ts=99002 seq=0 bd=7 > *duplicate-node *nbirth ~1=7@99002\n"
               "NBIRTH g/e | ts=99003 seq=0 bd=30 > *nbirth ~1=30@99003");
    script_fini(&s);
}

static void a_wrong_edge_clock_is_told_once(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.clock_skew_ms = 60000;
    script_init(&s, &o);
    script_run(&s, "skew",
               "ready 0 >\n"
               "NBIRTH g/e | ts=500000 seq=0 bd=7 > *clock-skew *nbirth +g/e ~1=7@500000\n"
               "NBIRTH g/e | ts=500001 seq=0 bd=7 > *nbirth ~1=7@500001\n"
               "NBIRTH g/e | ts=100000 seq=0 bd=7 > *nbirth ~1=7@100000");
    script_fini(&s);
}

static void limits_on_nodes_devices_and_metrics_are_counted(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.nodes_max = 1;
    o.devices_max = 1;
    o.metrics_max = 2;
    script_init(&s, &o);
    script_run(&s, "limits",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 a:10=d1@98000 b:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "DBIRTH g/e/d | ts=99000 seq=1 > +g/e/d *dbirth\n"
               "DBIRTH g/e/f | ts=99000 seq=2 > !too-many\n"
               "NBIRTH g/x | ts=99000 seq=0 bd=7 > !too-many");
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
        PT_TEST(a_rebirth_request_is_vector_v6),
        PT_TEST(a_passive_host_asks_for_nothing),
        PT_TEST(with_timeout_0_a_gap_acts_at_once),
        PT_TEST(what_is_held_back_is_bounded),
        PT_TEST(many_unknown_nodes_share_the_budget),
        PT_TEST(a_rebirth_with_the_same_metrics_asks_for_no_tag),
        PT_TEST(two_nodes_with_one_id_are_noticed),
        PT_TEST(a_wrong_edge_clock_is_told_once),
        PT_TEST(limits_on_nodes_devices_and_metrics_are_counted),
    };
    return pt_test_main("host/tracker", tests, PT_COUNT_OF(tests), argc, argv);
}
