/* tests/edge-node/rig.h -- an edge node on a fake clock, with a connection that only records what is handed to it.
 *
 * What was published is kept as raw bytes and decoded with sparkplug/'s reader, which is not the codec under test. */
#ifndef EDGE_RIG_H
#define EDGE_RIG_H
#include "edge-node/edge.h"
#include "sparkplug/topic.h"
#include "tests/support/check.h"

#define RIG_MESSAGES 4096

typedef struct rig_message {
    char topic[256];
    char *bytes;
    size_t len;
    int qos;
    bool retain;
    spb_verb verb;
    char device[64];
} rig_message;

typedef struct rig_batch {
    char *bytes;
    size_t len;
    uint32_t samples;
    bool delivered;
} rig_batch;

typedef struct rig {
    pt_fake_clock clock;
    edge_model *model;
    edge_node *node;
    void *model_memory, *node_memory;
    rig_message sent[RIG_MESSAGES];
    size_t n_sent, cursor;
    pt_status publish_answer; /* what the connection says next; PT_OK */
    uint32_t publish_room;    /* publishes it still takes; UINT32_MAX */
    uint32_t disconnects;
    bool last_again, last_with_will;
    uint8_t stored; /* bdSeq */
    bool has_stored;
    pt_status store_answer;
    uint32_t stores;
    rig_batch batches[256];
    size_t n_batches;
    pt_status journal_answer;
    int64_t backfill_from;
    uint32_t losts;
    edge_command command; /* the last one */
    spb_value command_value;
    char command_text[256];
    uint32_t commands;
    edge_connect connect;
    edge_node_options options;
    uint32_t device, temp, count, name, flag; /* the usual model: device "filler" with four metrics */
    pt_arena arena;
} rig;

/* Options with one server, no debounce; change them, then rig_start. */
void rig_init(rig *r);
edge_model *rig_model(rig *r, const edge_model_limits *limits); /* an empty one in memory of the rig */
void rig_usual_model(
    rig *r); /* Temp (Double, deadband 0.5), Count (Int64), Name (String, writable), Flag (Boolean, writable), and node metric Uptime */
void rig_start(rig *r);   /* seals the model when it is not, makes and starts the node */
void rig_connect(rig *r); /* prepare, connected, ready */
void rig_fini(rig *r);

void rig_set(rig *r, uint32_t metric, spb_value v);
spb_value rig_f64(double v);
spb_value rig_i64(int64_t v);
spb_value rig_bool(bool v);
spb_value rig_text(const char *s);

/* Next message not looked at yet, or NULL. */
const rig_message *rig_next(rig *r);
/* Skip to the end. */
void rig_skip(rig *r);
/* Decode it; lives until rig_fini. Fatal when it does not parse. */
const spb_payload *rig_decode(rig *r, const rig_message *m);
const spb_metric *rig_metric(const spb_payload *p, const char *name);
const spb_metric *rig_alias(const spb_payload *p, uint64_t alias);
uint64_t rig_alias_of(rig *r, uint32_t metric);

void rig_state(rig *r, const char *host, bool online, int64_t ts);
/* A command of one Boolean metric. */
void rig_ncmd_bool(rig *r, const char *metric, bool v);
/* Any metric to the device (or the node: NULL). */
void rig_command(rig *r, const char *device, spb_metric *metrics, uint32_t n);
#endif
