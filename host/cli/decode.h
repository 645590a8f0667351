/* host/cli/decode.h -- the parts of `plantree decode`: what was given, the fields on the wire, what was seen of a node before.
 *
 * Main thread only. Nothing here needs a host, a broker or a data directory. */
#ifndef HOST_CLI_DECODE_H
#define HOST_CLI_DECODE_H
#include "host/cli/cli.h"
#include "sparkplug/payload.h"
#include "sparkplug/judge.h"
#include "sparkplug/topic.h"

#include <protobuf-c/protobuf-c.h>

/* ---- what was given (decode_input.c) ---- */

typedef struct decode_message {
    pt_slice topic; /* absent: not known */
    pt_slice payload;
    const char *time; /* of a capture, as it stands there; NULL: none */
    int qos, retain;  /* -1: not known */
    size_t line;      /* of a capture, from 1; 0: the only message */
} decode_message;

/* Everything in *m is borrowed for the call. CLI_GO_ON: the next one, please; else the exit code, at once. */
typedef int decode_each(void *ctx, const decode_message *m);

/* "-", the name of a file, hex or base64 text; a file holds one of these texts, the bytes themselves, or a capture: a JSON object per line
 * with topic and payload, taken as it comes. CLI_GO_ON when all could be read, or the exit code (said; a line of a capture that is none
 * is said, and the others are taken). */
int decode_input(cli *c, const char *what, decode_each *each, void *ctx);

/* ---- the fields on the wire (decode_wire.c) ---- */

enum { DECODE_PATH_MAX = 512 };
#define DECODE_TOP SIZE_MAX

typedef struct decode_field {
    size_t offset, value_at, end;          /* of the tag, of the value (behind a length), behind the value */
    size_t parent;                         /* the field it is in, DECODE_TOP: the payload */
    const ProtobufCFieldDescriptor *known; /* static; NULL: the schema has no such field */
    uint64_t number;                       /* varint and fixed values: the bits */
    uint32_t id, index;                    /* field number; which of the repeated ones */
    uint8_t wire_type, depth;
} decode_field;

typedef struct decode_wire {
    pt_slice payload; /* borrowed */
    decode_field *fields;
    size_t n, room, asked;
    bool damaged;                                 /* the fields before the damage are there */
    size_t damaged_at;                            /* byte of the payload */
    char damaged_path[DECODE_PATH_MAX], why[160]; /* "metrics[2].name" */
} decode_wire;

/* Every field in wire order, a message before its members, by the schema protobuf-c was generated from. PT_OK also when w->damaged;
 * PT_ENOMEM. decode_wire_free in every case. `payload` is borrowed until then. */
PT_MUST_CHECK pt_status decode_wire_read(decode_wire *w, pt_slice payload);
void decode_wire_free(decode_wire *w);
/* "metrics[2].properties.values[0].type", an unknown field as "#17". Cut at the room. */
void decode_path(const decode_wire *w, size_t field, char out[DECODE_PATH_MAX]);
const char *decode_wire_type(uint8_t wire_type); /* "varint" "fixed64" "bytes" "fixed32" */
/* The bytes of the field, tag and length included, or of its value alone. */
pt_slice decode_bytes(const decode_wire *w, const decode_field *f);
pt_slice decode_value_bytes(const decode_wire *w, const decode_field *f);
bool decode_is_text(const decode_field *f); /* a string of the schema */
/* The value as the schema has it: number, time, datatype, text in quotes (unprintable bytes as \xNN), bytes in hex. */
void decode_value_text(const decode_wire *w, const decode_field *f, pt_buf *out);
/* `most` bytes at most, then "... (N bytes)". */
void decode_hex(pt_buf *out, pt_slice bytes, size_t most);
/* The field `name` in `parent`, the last one (it counts); DECODE_TOP when it is not there. */
size_t decode_find(const decode_wire *w, size_t parent, const char *name);
/* The metric number `index` of the payload, or DECODE_TOP. */
size_t decode_metric(decode_wire *w, uint32_t index);

/* ---- what was seen of each edge node (decode_nodes.c) ---- */

typedef struct decode_nodes decode_nodes;

PT_MUST_CHECK pt_status decode_nodes_new(decode_nodes **out);
void decode_nodes_free(decode_nodes *n); /* NULL is allowed */

/* Take one message in. *begun: false while neither birth nor death of the node has been in the input; then nothing is reported that only a
 * missing birth explains. PT_OK; PT_EFULL: too many nodes, not judged; PT_ENOMEM. */
PT_MUST_CHECK pt_status decode_nodes_take(decode_nodes *n, const spb_topic *topic, const spb_payload *p, spb_delivery delivery,
                                          spb_finding_fn report, void *ctx, bool *begun);
/* Name and datatype of a metric by the births taken in; what the metric says itself goes first. An absent name, type 0: not known.
 * *name lives until the next decode_nodes_take. */
void decode_nodes_resolve(const decode_nodes *n, const spb_topic *topic, const spb_metric *m, pt_slice *name, uint32_t *type);
#endif
