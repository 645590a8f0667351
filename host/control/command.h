/* host/control/command.h -- one set-point: who it goes to, whether it may, and the NCMD or DCMD it becomes.
 *
 *     init -> look (tree and node) -> check -> send -> fini
 *
 * Knows nothing of waiting, of the audit or of HTTP. One owner; nothing is kept between calls but in the host_command. */
#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H
#include "base/arena.h"
#include "host/ingest/ingest.h"

enum { HOST_COMMAND_JSON = 200, HOST_COMMAND_WHY = 200 };

/* Why a write is refused; what an interface makes of it is its own business. */
typedef enum host_write_refusal {
    HOST_WRITE_ACCEPTED,
    HOST_WRITE_FORBIDDEN, /* role, configuration, read-only */
    HOST_WRITE_NO_TAG,
    HOST_WRITE_OFFLINE,   /* node, device or tag is not there at present */
    HOST_WRITE_INVALID,   /* not of the datatype, or outside its limits */
    HOST_WRITE_CONFLICT,  /* the current value or the Idempotency-Key's write is another */
    HOST_WRITE_NOT_READY, /* not connected, no audit, stopping, out of memory */
    HOST_WRITE_BUSY       /* too many are open */
} host_write_refusal;

typedef struct host_writes_options {
    bool allowed;            /* role and configuration */
    const char *not_allowed; /* why not: for people */
    int64_t confirm_ms;      /* default 5000 */
    bool cmd_datatype;       /* the datatype in commands (default true) */
    bool cmd_alias;          /* alias instead of name (default false) */
    bool uint32_long;        /* UInt32 in long_value */
} host_writes_options;

typedef struct host_write_request {
    pt_slice path;
    pt_slice value_json; /* a JSON scalar, canonical */
    pt_slice value_text; /* the same as text: of a string its characters */
    bool value_is_string;
    pt_slice reason;   /* may be empty */
    pt_slice key;      /* Idempotency-Key; empty: none */
    pt_slice who;      /* address or name */
    bool has_expected; /* refuse unless the current value equals this JSON scalar */
    pt_slice expected_json;
} host_write_request;

typedef pt_status host_send_fn(void *ctx, uint16_t server, pt_slice topic, pt_slice payload);

/* What a member stands in: a command names the instance of the birth, and the member inside it. */
typedef struct host_command_instance {
    struct host_command_instance *outer;
    pt_slice name, template_ref;
} host_command_instance;

typedef struct host_command {
    /* the tag */
    bool found;
    char *group, *edge, *device, *metric; /* owned */
    uint32_t tag_id;
    spb_datatype type;
    bool writable, live, has_value;
    double low, high;
    char current_json[HOST_COMMAND_JSON]; /* "": none, or longer */
    /* its node */
    bool node_online, device_online, has_alias, no_template, no_memory;
    uint16_t server;
    uint64_t alias;                  /* of the outermost instance, or the metric itself */
    pt_slice name;                   /* the metric's own, inside its instance; absent: not known */
    host_command_instance *instance; /* NULL: the metric stands for itself */
    pt_arena arena;                  /* of name and instances */
    spb_value value;                 /* after check; text and arrays borrow from the request */
} host_command;

void host_command_init(host_command *c);
/* Read tag and node. PT_OK, also when there is no such tag; PT_ENOMEM. ingest NULL: nodes are not asked for. */
PT_MUST_CHECK pt_status host_command_look(host_command *c, uns_tree *tree, host_ingest *ingest, pt_slice path);
/* May it be sent? ACCEPTED, and c->value is the value; else `why` says it for people. */
host_write_refusal host_command_check(host_command *c, const host_writes_options *o, const host_write_request *rq,
                                      char why[HOST_COMMAND_WHY]);
/* PT_ENOMEM, PT_ETOOBIG, and what `send` says. */
PT_MUST_CHECK pt_status host_command_send(host_command *c, const host_writes_options *o, host_send_fn *send, void *send_ctx, int64_t now);
/* A status of host_command_send for people. */
const char *host_command_not_sent(pt_status st);
/* The plant's last word is this value. */
bool host_command_stands(const host_command *c, const spb_value *v);
void host_command_fini(host_command *c);

/* "": longer than that. */
void host__value_json(const spb_value *v, char text[HOST_COMMAND_JSON]);
#endif
