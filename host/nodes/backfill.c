/* host/nodes/backfill.c -- asking an edge node for what we may have missed.
 *
 * A Plantree edge node keeps a journal of what it published and announces `Node Control/Backfill From` in its NBIRTH. Whenever a session
 * ended in a way that may have lost messages (a gap, a death, a lost connection, our restart), the next birth is answered with that NCMD:
 * the payload time of the last message we applied, a little earlier. The node sends everything since as is_historical; history is
 * idempotent, so too much does no harm. `Backfill/Pending` back at 0 says that it is done. Foreign nodes that do not announce it are left
 * alone.
 *
 *   from = 0 --session ends--> from = last payload time --NBIRTH--> due --sent--> open --Pending 0--> done */
#include "host/nodes/tracker_internal.h"

#define BACKFILL_FROM "Node Control/Backfill From"
enum { MARGIN_MS = 1000, SETTLE_MS = 200, PATIENCE_MS = 600000 };

/* The session ends here; what comes next must begin again at this point or before. */
void host__backfill_mark(host_node *n)
{
    int64_t from = n->last_payload_ms;
    if (n->backfill_open || n->backfill_due != INT64_MAX) {
        if (from == 0 || n->backfill_from < from) from = n->backfill_from;
    }
    if (n->backfill_from == 0 || (from > 0 && from < n->backfill_from)) n->backfill_from = from;
    n->backfill_open = false;
    n->backfill_due = INT64_MAX;
}

/* The session went on after all: nothing is missing. */
void host__backfill_clear(host_node *n)
{
    n->backfill_from = 0;
    n->backfill_open = false;
    n->backfill_due = INT64_MAX;
}

void host__backfill_born(host_tracker *t, host_node *n, int64_t mono_ms)
{
    uint64_t at;
    if (n->backfill_from <= 0 || !t->opt.commands) return;
    if (!pt_map_get(&n->units[0]->by_name, PT_LIT(BACKFILL_FROM), &at)) {
        host__backfill_clear(n);
        return;
    }
    n->backfill_due = mono_ms + SETTLE_MS; /* its devices are born first */
}

static void tell(host_tracker *t, host_node *n, const char *state, int64_t wall_ms)
{
    pt_json j;
    host__detail_begin(t, &j);
    pt_json_member_cstr(&j, "state", state);
    pt_json_member_i64(&j, "from_ms", n->backfill_asked_ms);
    pt_json_member_u64(&j, "historical", n->counts.historical - n->backfill_base);
    host__detail_send(t, &j, HOST_EVENT_BACKFILL, n, PT_NONE, wall_ms);
}

void host__backfill_tick(host_tracker *t, host_node *n, int64_t wall_ms, int64_t mono_ms)
{
    if (n->backfill_due > mono_ms || n->server >= HOST_SERVERS_MAX || !t->server[n->server].ready) return;
    n->backfill_due = INT64_MAX;
    if (n->backfill_open) { /* waited long enough */
        tell(t, n, "unanswered", wall_ms);
        host__backfill_clear(n);
        return;
    }
    n->backfill_asked_ms = n->backfill_from > MARGIN_MS ? n->backfill_from - MARGIN_MS : 0;
    spb_metric m = { .name = PT_LIT(BACKFILL_FROM),
                     .timestamp = (uint64_t)wall_ms,
                     .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP,
                     .wire = SPB_WIRE_LONG,
                     .value = { .u64 = (uint64_t)n->backfill_asked_ms } };
    if (t->opt.cmd_datatype) {
        m.datatype = SPB_DATETIME;
        m.flags |= SPB_HAS_DATATYPE;
    }
    if (host__send_ncmd(t, n, &m, wall_ms) != PT_OK) {
        n->backfill_due = mono_ms + 5000;
        return;
    }
    n->backfill_open = true;
    n->backfill_base = n->counts.historical;
    n->backfill_due = mono_ms + PATIENCE_MS;
    n->counts.backfills++;
    tell(t, n, "requested", wall_ms);
}

/* A live value of `Backfill/Pending`. */
void host__backfill_progress(host_tracker *t, host_node *n, const spb_value *v, int64_t wall_ms)
{
    if (!n->backfill_open || v->is_null || v->as.i64 != 0) return;
    tell(t, n, "done", wall_ms);
    host__backfill_clear(n);
}
