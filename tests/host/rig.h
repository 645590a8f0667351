/* tests/host/rig.h -- history, tree and ingest on a fresh directory, fed with payloads in words (wire.h), without a broker.
 *
 *     rig r;
 *     rig_open(&r, NULL);
 *     rig_push(&r, "spBv1.0/g/NBIRTH/e", "ts=1000 seq=0 bd=7 t:10=d1@1000");
 *     CHECK_INT(rig_node(&r, "g", "e").state, HOST_NODE_ONLINE);
 *     rig_close(&r);
 *
 * Log lines at WARN and above are kept; `commands` counts what was to be published, the last topic in `command`. */
#ifndef HOST_TEST_RIG_H
#define HOST_TEST_RIG_H
#include "host/ingest/ingest.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <pthread.h>

typedef struct rig {
    char dir[300];
    uns_tree *tree;
    hist *history;
    host_ingest *ingest;
    int64_t ago_ms;              /* what is pushed arrived that long ago */
    host_ingest_options options; /* of the next rig_start */
    pt_log log;
    pthread_mutex_t lock;        /* guards what follows */
    char said[8192];             /* log lines */
    char commands[4096];         /* topics */
    char states[4096];           /* "+g/e -g/e/d " */
    char events[8192];           /* "nbirth rebirth-request " */
    _Atomic unsigned n_commands; /* any shard */
    uint64_t values;             /* live ones */
} rig;

void rig_open(rig *r);  /* the directory, history and tree; rig_start or rig_make follow */
void rig_make(rig *r);  /* ingest, whose threads do not run yet */
void rig_start(rig *r); /* rig_make and its threads; server 0 is ready */
void rig_halt(rig *r);  /* ingest away, history closed; open again with rig_again */
void rig_again(rig *r);
void rig_close(rig *r);

void rig_push(rig *r, const char *topic, const char *words);
void rig_settle(rig *r);                                         /* everything pushed is done */
host_node rig_node(rig *r, const char *group, const char *edge); /* a copy: counters and state only; index UINT32_MAX: not known */
bool rig_said(rig *r, const char *text);
size_t rig_count(rig *r, const char *text, const char *word); /* how often in r->commands, states, events */
/* "1.5 GOOD"; "(absent)" */
const char *rig_value(rig *r, const char *path, char *buf, size_t cap);
/* "1@1000 2@1001 S@1002": samples and marks of history. */
const char *rig_history(rig *r, const char *path, char *buf, size_t cap);
#endif
