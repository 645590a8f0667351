/* host/nodes/names.c -- the words for causes, reasons, events and states: what users and metrics read. */
#include "host/nodes/tracker_internal.h"

static const char *const causes[HOST_CAUSE_COUNT] = {
    [HOST_CAUSE_NONE] = "none",
    [HOST_CAUSE_UNKNOWN_NODE] = "unknown-node",
    [HOST_CAUSE_UNKNOWN_ALIAS] = "unknown-alias",
    [HOST_CAUSE_UNKNOWN_METRIC] = "unknown-metric",
    [HOST_CAUSE_SEQ_GAP] = "seq-gap",
    [HOST_CAUSE_REORDER_TIMEOUT] = "reorder-timeout",
    [HOST_CAUSE_DATA_BEFORE_BIRTH] = "data-before-birth",
    [HOST_CAUSE_HOST_RESTART] = "host-restart",
    [HOST_CAUSE_OPERATOR] = "operator",
    [HOST_CAUSE_TYPE_MISMATCH] = "type-mismatch",
    [HOST_CAUSE_NO_BIRTH_AFTER_STATE] = "no-birth-after-state",
    [HOST_CAUSE_DUPLICATE_ALIAS] = "duplicate-alias",
    [HOST_CAUSE_MALFORMED] = "malformed",
    [HOST_CAUSE_OVERLOAD] = "overload",
    [HOST_CAUSE_DOUBTFUL_DEATH] = "doubtful-death",
    [HOST_CAUSE_SILENT] = "silent",
};

static const char *const rejects[HOST_REJECT_COUNT] = {
    [HOST_REJECT_MALFORMED] = "malformed",
    [HOST_REJECT_TOO_BIG] = "too-big",
    [HOST_REJECT_NO_SEQ] = "no-seq",
    [HOST_REJECT_BAD_SEQ] = "bad-seq",
    [HOST_REJECT_RETAINED] = "retained",
    [HOST_REJECT_NOT_BORN] = "not-born",
    [HOST_REJECT_OFFLINE] = "offline",
    [HOST_REJECT_DEVICE_NOT_BORN] = "device-not-born",
    [HOST_REJECT_DUPLICATE_SEQ] = "duplicate-seq",
    [HOST_REJECT_REORDER] = "reorder-discarded",
    [HOST_REJECT_OLD_SESSION] = "old-session",
    [HOST_REJECT_OTHER_SERVER] = "other-server",
    [HOST_REJECT_BAD_DEATH] = "death-of-other-session",
    [HOST_REJECT_DUPLICATE_ALIAS] = "duplicate-alias",
    [HOST_REJECT_TOO_MANY] = "too-many",
    [HOST_REJECT_UNKNOWN_ALIAS] = "unknown-alias",
    [HOST_REJECT_AMBIGUOUS_ALIAS] = "ambiguous-alias",
    [HOST_REJECT_FOREIGN_ALIAS] = "foreign-alias",
    [HOST_REJECT_UNKNOWN_METRIC] = "unknown-metric",
    [HOST_REJECT_NO_IDENTITY] = "no-identity",
    [HOST_REJECT_BAD_NAME] = "bad-name",
    [HOST_REJECT_DUPLICATE_NAME] = "duplicate-name",
    [HOST_REJECT_BAD_TYPE] = "bad-type",
    [HOST_REJECT_BAD_VALUE] = "bad-value",
    [HOST_REJECT_OVERLOAD] = "overload",
    [HOST_REJECT_FILE_PART] = "file-part",
    [HOST_REJECT_FILE_TOO_BIG] = "file-too-big",
    [HOST_REJECT_FILE_SUM] = "file-sum",
};

static const char *const events[HOST_EVENT_TYPE_COUNT] = {
    [HOST_EVENT_NBIRTH] = "nbirth",
    [HOST_EVENT_NDEATH] = "ndeath",
    [HOST_EVENT_DBIRTH] = "dbirth",
    [HOST_EVENT_DDEATH] = "ddeath",
    [HOST_EVENT_REBIRTH_REQUEST] = "rebirth-request",
    [HOST_EVENT_SEQ_GAP] = "seq-gap",
    [HOST_EVENT_REORDER_TIMEOUT] = "reorder-timeout",
    [HOST_EVENT_HOST_ONLINE] = "host-online",
    [HOST_EVENT_HOST_OFFLINE] = "host-offline",
    [HOST_EVENT_HOST_ID_IN_USE] = "host-id-in-use",
    [HOST_EVENT_WRITE] = "write",
    [HOST_EVENT_METADATA_CHANGED] = "metadata-changed",
    [HOST_EVENT_PATH_COLLISION] = "path-collision",
    [HOST_EVENT_PATH_TAKEOVER] = "path-takeover",
    [HOST_EVENT_QUARANTINE] = "quarantine",
    [HOST_EVENT_DUPLICATE_NODE] = "duplicate-node",
    [HOST_EVENT_CLOCK_SKEW] = "clock-skew",
    [HOST_EVENT_BACKFILL] = "backfill",
    [HOST_EVENT_CONFIG_RELOAD] = "config-reload",
    [HOST_EVENT_DOUBTFUL] = "doubtful",
    [HOST_EVENT_CONFORMANCE] = "conformance",
};

const char *host_cause_name(host_cause c)
{
    return (unsigned)c < HOST_CAUSE_COUNT ? causes[c] : "none";
}

const char *host_reject_name(host_reject r)
{
    return (unsigned)r < HOST_REJECT_COUNT ? rejects[r] : "unknown";
}

const char *host_event_type_name(host_event_type t)
{
    return (unsigned)t < HOST_EVENT_TYPE_COUNT ? events[t] : "unknown";
}

const char *host_node_state_name(host_node_state s)
{
    static const char *const names[] = { "unknown", "offline", "rebirth-wanted", "online" };
    return (unsigned)s < PT_COUNT_OF(names) ? names[s] : "unknown";
}
