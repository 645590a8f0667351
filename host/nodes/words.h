/* host/nodes/words.h -- why a rebirth is asked for, why something is refused, what happened: the tracker's words, as users, events and
 * metrics read them (names.c). */
#ifndef HOST_WORDS_H
#define HOST_WORDS_H

/* Why a rebirth was asked for. */
typedef enum host_cause {
    HOST_CAUSE_NONE,
    HOST_CAUSE_UNKNOWN_NODE, /* something but a birth from a node never born here */
    HOST_CAUSE_UNKNOWN_ALIAS,
    HOST_CAUSE_UNKNOWN_METRIC, /* a name that is not in the birth */
    HOST_CAUSE_SEQ_GAP,        /* a gap with reorder_timeout 0, or too much to hold back */
    HOST_CAUSE_REORDER_TIMEOUT,
    HOST_CAUSE_DATA_BEFORE_BIRTH, /* device data before its DBIRTH */
    HOST_CAUSE_HOST_RESTART,      /* a session of before our restart or disconnect does not continue */
    HOST_CAUSE_OPERATOR,
    HOST_CAUSE_TYPE_MISMATCH,        /* DATA contradicts the birth's datatype */
    HOST_CAUSE_NO_BIRTH_AFTER_STATE, /* a known node stays silent after our STATE */
    HOST_CAUSE_DUPLICATE_ALIAS,      /* a DBIRTH claims an alias that another device owns */
    HOST_CAUSE_MALFORMED,            /* a birth, or anything but NDEATH of an online node, that does not decode */
    HOST_CAUSE_OVERLOAD,             /* we had to let messages of the node go */
    HOST_CAUSE_DOUBTFUL_DEATH,       /* an NDEATH that does not fit the session of an online node */
    HOST_CAUSE_SILENT,               /* no message for longer than silence_ms */
    HOST_CAUSE_COUNT
} host_cause;
const char *host_cause_name(host_cause c); /* "unknown-node", ... */

/* Why a message or a sample did not become a stored value. */
typedef enum host_reject {
    HOST_REJECT_MALFORMED, /* payload does not decode; an empty one */
    HOST_REJECT_TOO_BIG,   /* beyond a limit; a value of more than HOST_VALUE_MAX */
    HOST_REJECT_NO_SEQ,    /* a sequenced message without seq */
    HOST_REJECT_BAD_SEQ,   /* seq above 255 */
    HOST_REJECT_RETAINED,  /* out of the broker's retained store: of an unknown age */
    HOST_REJECT_NOT_BORN,  /* node unknown or waiting for its rebirth */
    HOST_REJECT_OFFLINE,   /* node dead */
    HOST_REJECT_DEVICE_NOT_BORN,
    HOST_REJECT_DUPLICATE_SEQ, /* behind: a duplicate or very late */
    HOST_REJECT_REORDER,       /* held back for a missing one that never came */
    HOST_REJECT_OLD_SESSION,   /* sent before the NBIRTH it arrives after */
    HOST_REJECT_OTHER_SERVER,  /* the node is online on another server */
    HOST_REJECT_BAD_DEATH,     /* NDEATH without bdSeq, or of another session */
    HOST_REJECT_DUPLICATE_ALIAS,
    HOST_REJECT_TOO_MANY, /* nodes, devices or metrics beyond the limit */
    HOST_REJECT_UNKNOWN_ALIAS,
    HOST_REJECT_AMBIGUOUS_ALIAS,
    HOST_REJECT_FOREIGN_ALIAS, /* an alias that belongs to another device */
    HOST_REJECT_UNKNOWN_METRIC,
    HOST_REJECT_NO_IDENTITY, /* neither name nor alias */
    HOST_REJECT_BAD_NAME,    /* empty, or not UTF-8 */
    HOST_REJECT_DUPLICATE_NAME,
    HOST_REJECT_BAD_TYPE,     /* no or an unknown datatype in a birth */
    HOST_REJECT_BAD_VALUE,    /* wire field and datatype do not go together */
    HOST_REJECT_OVERLOAD,     /* no room in our queue, for longer than the reader may wait */
    HOST_REJECT_FILE_PART,    /* of a file in parts: out of order, contradicting those before, or of a file whose end cannot be known */
    HOST_REJECT_FILE_TOO_BIG, /* beyond the bounds of files in parts */
    HOST_REJECT_FILE_SUM,     /* the whole is not what its size and md5 say */
    HOST_REJECT_COUNT
} host_reject;
const char *host_reject_name(host_reject r); /* "malformed", ... */

/* Kinds of events; names are the contract's. */
typedef enum host_event_type {
    HOST_EVENT_NBIRTH,
    HOST_EVENT_NDEATH,
    HOST_EVENT_DBIRTH,
    HOST_EVENT_DDEATH,
    HOST_EVENT_REBIRTH_REQUEST,
    HOST_EVENT_SEQ_GAP,
    HOST_EVENT_REORDER_TIMEOUT,
    HOST_EVENT_HOST_ONLINE,
    HOST_EVENT_HOST_OFFLINE,
    HOST_EVENT_HOST_ID_IN_USE,
    HOST_EVENT_WRITE,
    HOST_EVENT_METADATA_CHANGED,
    HOST_EVENT_PATH_COLLISION,
    HOST_EVENT_PATH_TAKEOVER,
    HOST_EVENT_QUARANTINE,
    HOST_EVENT_DUPLICATE_NODE,
    HOST_EVENT_CLOCK_SKEW,
    HOST_EVENT_BACKFILL,
    HOST_EVENT_CONFIG_RELOAD,
    HOST_EVENT_DOUBTFUL,
    HOST_EVENT_CONFORMANCE,
    HOST_EVENT_TYPE_COUNT
} host_event_type;
const char *host_event_type_name(host_event_type t); /* "nbirth", ... */
#endif
