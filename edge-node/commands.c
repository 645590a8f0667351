/* edge-node/commands.c -- NCMD and DCMD: rebirth, next server, backfill, writes. Bad input is counted and never acted on.
 *
 * A payload is read twice: once to see that all of it parses, then metric by metric. The application's callback runs without the lock. */
#include "edge-node/node.h"

#define COMMAND_METRICS_MAX 10000u

typedef struct command_ctx {
    edge_node *n;
    uint32_t device, model_number;
    uint32_t parent; /* template instance whose members are being read, or EDGE_NO_METRIC */
} command_ctx;

static void ignore_metric(void *ctx, const edge__command_metric *m)
{
    (void)ctx;
    (void)m;
}

/* By name, or by alias in the node-wide table; a DCMD only reaches its own device (guide, section 15). */
static uint32_t resolve(const command_ctx *c, const edge__command_metric *m)
{
    const edge_model *model = c->n->model;
    if (c->parent != EDGE_NO_METRIC) {
        const edge__metric *inst = &model->metrics[c->parent];
        for (uint32_t i = c->parent + 1; i <= c->parent + inst->members; i++)
            if (model->metrics[i].parent == c->parent && pt_slice_eq(model->metrics[i].name, m->name)) return i;
        return EDGE_NO_METRIC;
    }
    if (m->name.ptr) return edge_model_find(model, c->device, m->name);
    if (!m->has_alias || c->n->o.no_aliases || m->alias > UINT32_MAX) return EDGE_NO_METRIC;
    uint32_t found = edge__find_number(model, (uint32_t)m->alias);
    if (found == EDGE_NO_METRIC || model->metrics[found].device != c->device || (model->metrics[found].flags & EDGE__NO_ALIAS))
        return EDGE_NO_METRIC;
    return found;
}

static bool is_true(const edge__command_metric *m)
{
    return m->wire == SPB_WIRE_BOOL && !m->is_null && m->value.boolean;
}

static void refuse(edge_node *n, const char *id, const char *why, pt_slice name)
{
    n->stats.commands_refused++;
    uint64_t subject = pt_slice_hash(name, (uint64_t)(uintptr_t)id);
    if (pt_log_allow(&n->limit, subject, pt_mono_ms(n->o.clock), 60000, NULL))
        pt_logf(n->o.log, PT_LOG_WARN, id, "%s/%s: write to '%.*s' refused: %s", n->group, n->node, (int)(name.len < 200 ? name.len : 200),
                name.ptr ? name.ptr : "", why);
}

static void control(edge_node *n, uint32_t metric, const edge__command_metric *m)
{
    const edge_model *model = n->model;
    spb_value v;
    if (metric == model->m_rebirth) {
        if (!is_true(m)) return; /* false or missing: ignored */
        pt_logf(n->o.log, PT_LOG_INFO, "EDGE-REBIRTH", "%s/%s: rebirth requested", n->group, n->node);
        edge__event(n, &(edge_event){ .type = EDGE_EV_REBIRTH });
    } else if (metric == model->m_next_server) {
        if (is_true(m)) edge__event(n, &(edge_event){ .type = EDGE_EV_NEXT_SERVER });
    } else if (metric == model->m_backfill_from && n->has_journal && edge__command_value(m, SPB_DATETIME, &v) == PT_OK && !v.is_null &&
               v.as.u64 <= INT64_MAX) {
        pt_logf(n->o.log, PT_LOG_INFO, "EDGE-BACKFILL", "%s/%s: backfill requested from %lld", n->group, n->node, (long long)v.as.i64);
        edge__metric *x = &n->model->metrics[metric];
        edge__put(x, &v, SPB_GOOD, pt_wall_ms(n->o.clock));
        edge__enqueue(n, metric, &v, SPB_GOOD, x->ts);
        if (n->journal.backfill) n->journal.backfill(n->journal.ctx, v.as.i64);
    } else {
        refuse(n, "EDGE-WRITE-CONTROL", "not a control that can be written so", n->model->metrics[metric].path);
    }
}

static void one(void *ctx, const edge__command_metric *m)
{
    command_ctx *c = ctx;
    edge_node *n = c->n;
    edge_command cmd = { .device = c->device, .model = c->model_number };
    spb_value v;
    bool deliver = false;
    pthread_mutex_lock(&n->lock);
    if (n->model_number != c->model_number) { /* indices of the one before mean nothing in this one */
        refuse(n, "EDGE-WRITE-RELOADED", "the configuration was replaced meanwhile", m->name);
        pthread_mutex_unlock(&n->lock);
        return;
    }
    uint32_t metric = resolve(c, m);
    if (metric == EDGE_NO_METRIC) {
        if (c->device != EDGE_NODE_DEVICE && c->parent == EDGE_NO_METRIC && pt_slice_eq_cstr(m->name, "Device Control/Rebirth") &&
            is_true(m)) {
            if (edge_session_may_send(&n->session) && edge__send_dbirth(n, c->device, pt_wall_ms(n->o.clock)) != PT_OK)
                n->model->devices[c->device].born = false; /* the next poll tries again */
        } else {
            refuse(n, "EDGE-WRITE-UNKNOWN", "no such metric here", m->name);
        }
    } else if (n->model->metrics[metric].flags & EDGE__CONTROL) {
        control(n, metric, m);
    } else if (n->model->metrics[metric].type == SPB_TEMPLATE) {
        if (m->wire == SPB_WIRE_TEMPLATE) {
            command_ctx inner = { n, c->device, c->model_number, metric };
            pthread_mutex_unlock(&n->lock);
            if (edge__decode_members(m->value.bytes, COMMAND_METRICS_MAX, one, &inner) != PT_OK) {
                pthread_mutex_lock(&n->lock);
                n->stats.messages_bad++;
                pthread_mutex_unlock(&n->lock);
            }
            return;
        }
        refuse(n, "EDGE-WRITE-TYPE", "a template value is needed", m->name);
    } else {
        const edge__metric *x = &n->model->metrics[metric];
        pt_status st = edge__command_value(m, x->type, &v);
        if (!(x->flags & EDGE__WRITABLE)) refuse(n, "EDGE-WRITE-READONLY", "not writable", x->path);
        else if (st == PT_OK && v.is_null) refuse(n, "EDGE-WRITE-NULL", "null is no value to write", x->path);
        else if (st != PT_OK || edge__check_value(x, &v) != PT_OK)
            refuse(n, "EDGE-WRITE-TYPE", st == PT_ETOOBIG ? "out of range" : "not a value of its datatype", x->path);
        else if (!n->o.command) refuse(n, "EDGE-WRITE-NOBODY", "this node takes no writes", x->path);
        else deliver = true;
        if (deliver) {
            n->stats.commands++;
            cmd.metric = metric;
            cmd.user = x->user;
            cmd.value = &v;
        }
    }
    pthread_mutex_unlock(&n->lock);
    if (deliver) n->o.command(n->o.command_ctx, &cmd);
}

void edge__commands(edge_node *n, uint32_t device, uint32_t model_number, pt_slice payload)
{
    pt_status st = edge__decode_metrics(payload, COMMAND_METRICS_MAX, ignore_metric, NULL);
    if (st != PT_OK) {
        pthread_mutex_lock(&n->lock);
        n->stats.messages_bad++;
        if (pt_log_allow(&n->limit, 3, pt_mono_ms(n->o.clock), 60000, NULL))
            pt_logf(n->o.log, PT_LOG_WARN, "EDGE-COMMAND-BAD", "%s/%s: a command that does not parse was dropped", n->group, n->node);
        pthread_mutex_unlock(&n->lock);
        return;
    }
    command_ctx c = { n, device, model_number, EDGE_NO_METRIC };
    st = edge__decode_metrics(payload, COMMAND_METRICS_MAX, one, &c);
    (void)st; /* it has parsed before */
}
