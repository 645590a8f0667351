/* host/control/command.c -- see command.h. */
#include "host/control/command.h"

#include <stdio.h>
#include <stdlib.h>

/* "": longer than that. */
void host__value_json(const spb_value *v, char text[HOST_COMMAND_JSON])
{
    pt_buf b;
    pt_json j;
    text[0] = '\0';
    pt_buf_init(&b, HOST_COMMAND_JSON - 1);
    pt_json_init(&j, &b);
    spb_value_json(&j, v);
    if (pt_buf_status(&b) == PT_OK) snprintf(text, HOST_COMMAND_JSON, "%.*s", PT_SLICE_ARGS(pt_buf_view(&b)));
    pt_buf_fini(&b);
}

static void see_target(void *ctx, const uns_tag_view *v)
{
    host_command *t = ctx;
    t->found = true;
    t->group = pt_slice_dup(v->def.group);
    t->edge = pt_slice_dup(v->def.edge);
    t->device = pt_slice_dup(v->def.device);
    t->metric = pt_slice_dup(v->def.metric);
    t->tag_id = v->def.tag_id;
    t->type = v->def.type;
    t->writable = v->def.writable;
    t->live = v->state == UNS_LIVE;
    t->low = v->def.eng_low;
    t->high = v->def.eng_high;
    t->has_value = v->has_value;
    if (v->has_value) host__value_json(&v->value, t->current_json);
}

/* A metric of a unit, and what it stands in. */
static void see_metric(host_command *f, const host_unit *u, uint32_t at)
{
    host_command_instance **link = &f->instance;
    pt_slice *name = &f->name;
    for (;;) {
        const host_metric *hm = &u->metrics[at];
        uint32_t outer = host_object_of(u, at);
        size_t skip = outer == at ? 0 : u->metrics[outer].name.len + 1;
        *name = pt_arena_dup(&f->arena, pt_slice_from(hm->name, skip));
        if (!name->ptr) f->no_memory = true;
        if (outer == at) {
            f->has_alias = (hm->flags & HOST_METRIC_ALIAS) != 0;
            f->alias = hm->alias;
            return;
        }
        host_command_instance *i = *link = pt_arena_zalloc(&f->arena, sizeof *i);
        if (i) i->template_ref = host_object_template(&u->metrics[outer], &f->arena);
        if (!i || !i->template_ref.ptr) {
            f->no_memory = f->no_memory || !i;
            f->no_template = i != NULL;
            return;
        }
        link = &i->outer;
        name = &i->name;
        at = outer;
    }
}

static void see_node(void *ctx, const host_node *n)
{
    host_command *f = ctx;
    f->node_online = n->state == HOST_NODE_ONLINE;
    f->server = n->server;
    for (uint32_t i = 0; i < n->n_units; i++) {
        const host_unit *u = n->units[i];
        if (!pt_slice_eq(u->id_slice, pt_cstr(f->device))) continue;
        f->device_online = u->online;
        uint64_t at;
        if (pt_map_get(&u->by_name, pt_cstr(f->metric), &at)) see_metric(f, u, (uint32_t)at);
    }
}

static host_write_refusal refuse(char text[HOST_COMMAND_WHY], host_write_refusal why, const char *fmt, ...) PT_PRINTF(3, 4);
static host_write_refusal refuse(char text[HOST_COMMAND_WHY], host_write_refusal why, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, HOST_COMMAND_WHY, fmt, ap);
    va_end(ap);
    return why;
}

/* Is this JSON scalar the current value? 0.10 and 1e-1 are 0.1; "1" is not 1. */
static bool is_current(const host_command *t, pt_slice json)
{
    char text[HOST_COMMAND_JSON];
    spb_value v;
    pt_error err = { 0, "" };
    if (!t->has_value) return false;
    if (pt_slice_eq_cstr(json, t->current_json)) return true;
    if (json.len == 0 || json.ptr[0] == '"' || spb_datatype_class(t->type) == SPB_CLASS_STRING ||
        spb_value_parse(t->type, json, &v, &err) != PT_OK)
        return false;
    host__value_json(&v, text);
    return text[0] && strcmp(text, t->current_json) == 0;
}

/* Is there something to write to at all? */
static host_write_refusal check_target(const host_command *t, const host_write_request *rq, char r[HOST_COMMAND_WHY])
{
    if (!t->found) return refuse(r, HOST_WRITE_NO_TAG, "there is no tag %.*s", PT_SLICE_ARGS(rq->path));
    if (!t->writable) return refuse(r, HOST_WRITE_FORBIDDEN, "%.*s is read-only", PT_SLICE_ARGS(rq->path));
    if (!t->node_online) return refuse(r, HOST_WRITE_OFFLINE, "edge node %s/%s is not online", t->group, t->edge);
    if (!t->device_online) return refuse(r, HOST_WRITE_OFFLINE, "device %s of %s/%s is not online", t->device, t->group, t->edge);
    if (!t->live) return refuse(r, HOST_WRITE_OFFLINE, "%.*s is not live", PT_SLICE_ARGS(rq->path));
    if (t->no_memory) return refuse(r, HOST_WRITE_NOT_READY, "out of memory");
    if (t->no_template)
        return refuse(r, HOST_WRITE_FORBIDDEN, "%.*s is a member of a template instance whose template is not known",
                      PT_SLICE_ARGS(rq->path));
    return HOST_WRITE_ACCEPTED;
}

host_write_refusal host_command_check(host_command *t, const host_writes_options *o, const host_write_request *rq, char r[HOST_COMMAND_WHY])
{
    pt_error err = { 0, "" };
    spb_value *v = &t->value;
    pt_slice text = rq->value_text;
    if (!o->allowed) return refuse(r, HOST_WRITE_FORBIDDEN, "%s", o->not_allowed);
    host_write_refusal no = check_target(t, rq, r);
    if (no != HOST_WRITE_ACCEPTED) return no;
    if (pt_slice_eq_cstr(rq->value_json, "null")) return refuse(r, HOST_WRITE_INVALID, "null cannot be written");
    spb_class c = spb_datatype_class(t->type);
    if (c == SPB_CLASS_STRING && !rq->value_is_string)
        return refuse(r, HOST_WRITE_INVALID, "%.*s is text: the value must be a JSON string", PT_SLICE_ARGS(rq->path));
    pt_status st = spb_value_parse(t->type, text, v, &err);
    if (st != PT_OK)
        return refuse(r, HOST_WRITE_INVALID, "%.*s is no %s: %s", (int)(text.len < 60 ? text.len : 60), text.ptr,
                      spb_datatype_name(t->type), err.text);
    double number;
    if (t->high > t->low && spb_value_number(v, &number) && (number < t->low || number > t->high))
        return refuse(r, HOST_WRITE_INVALID, "%.*s is outside the limits %g to %g", PT_SLICE_ARGS(text), t->low, t->high);
    if (rq->has_expected && !is_current(t, rq->expected_json))
        return refuse(r, HOST_WRITE_CONFLICT, "the current value is %s, not %.*s", t->has_value ? t->current_json : "unknown",
                      PT_SLICE_ARGS(rq->expected_json));
    return HOST_WRITE_ACCEPTED;
}

static spb_metric command_metric(const host_writes_options *o, pt_slice name, spb_datatype type, int64_t now)
{
    spb_metric m = { .name = name, .timestamp = (uint64_t)now, .flags = SPB_HAS_NAME | SPB_HAS_TIMESTAMP };
    if (o->cmd_datatype) {
        m.datatype = type;
        m.flags |= SPB_HAS_DATATYPE;
    }
    return m;
}

const char *host_command_not_sent(pt_status st)
{
    switch (st) {
    case PT_ESTATE: return "the node's MQTT server is not connected, or our STATE is not acknowledged yet";
    case PT_EFULL: return "too much is on its way to the MQTT server";
    case PT_EREFUSED: return "this host is stopping";
    default: return pt_status_name(st);
    }
}

/* tck-id-topics-ncmd-payload, -dcmd-payload: name, value in the birth's datatype, timestamp; no seq. A member goes inside its instance. */
static pt_status build(host_command *t, const host_writes_options *o, int64_t now, spb_metric *out)
{
    spb_metric m = command_metric(o, t->name.ptr ? t->name : pt_cstr(t->metric), t->type, now);
    pt_status st = spb_metric_set_value(&m, &t->value, o->uint32_long);
    if (st != PT_OK) return st;
    for (const host_command_instance *i = t->instance; i; i = i->outer) {
        spb_template *tmpl = pt_arena_zalloc(&t->arena, sizeof *tmpl);
        spb_metric *member = pt_arena_zalloc(&t->arena, sizeof *member);
        if (!tmpl || !member) return PT_ENOMEM;
        *member = m;
        *tmpl = (spb_template){ .template_ref = i->template_ref, .has_is_definition = true, .metrics = member, .n_metrics = 1 };
        m = command_metric(o, i->name, SPB_TEMPLATE, now);
        m.wire = SPB_WIRE_TEMPLATE;
        m.value.tmpl = tmpl;
    }
    if (o->cmd_alias && t->has_alias) {
        m.name = PT_NONE;
        m.alias = t->alias;
        m.flags = (uint16_t)((m.flags & ~SPB_HAS_NAME) | SPB_HAS_ALIAS);
    }
    *out = m;
    return PT_OK;
}

pt_status host_command_send(host_command *t, const host_writes_options *o, host_send_fn *send, void *send_ctx, int64_t now)
{
    spb_metric m;
    pt_status st = build(t, o, now, &m);
    if (st != PT_OK) return st;
    spb_payload p = { .timestamp = (uint64_t)now, .has_timestamp = true, .metrics = &m, .n_metrics = 1 };
    spb_topic topic = { .verb = t->device[0] ? SPB_DCMD : SPB_NCMD, .group = pt_cstr(t->group), .edge = pt_cstr(t->edge) };
    if (t->device[0]) topic.device = pt_cstr(t->device);
    pt_buf bytes, name;
    size_t len = 0;
    pt_buf_init(&bytes, 2u << 20);
    pt_buf_init(&name, SPB_TOPIC_MAX + 1);
    st = spb_payload_encode(&p, &bytes);
    if (st == PT_OK) {
        st = spb_topic_format(&spb_namespace_b, &topic, NULL, 0, &len);
        if (st == PT_ETOOBIG) st = pt_buf_reserve(&name, len + 1);
    }
    if (st == PT_OK) st = spb_topic_format(&spb_namespace_b, &topic, name.ptr, len + 1, &len);
    if (st == PT_OK) st = send(send_ctx, t->server, pt_slice_of(name.ptr, len), pt_buf_view(&bytes));
    pt_buf_fini(&bytes);
    pt_buf_fini(&name);
    return st;
}

/* The plant's last word is this value. */
bool host_command_stands(const host_command *t, const spb_value *v)
{
    char text[HOST_COMMAND_JSON];
    host__value_json(v, text);
    return t->live && t->has_value && text[0] && strcmp(text, t->current_json) == 0;
}

void host_command_init(host_command *c)
{
    memset(c, 0, sizeof *c);
    c->value = (spb_value){ .type = SPB_BOOLEAN, .is_null = true };
    pt_arena_init(&c->arena, 64u << 20);
}

pt_status host_command_look(host_command *c, uns_tree *tree, host_ingest *ingest, pt_slice path)
{
    if (uns_read(tree, path, see_target, c) != PT_OK || !c->found) return PT_OK;
    if (!c->group || !c->edge || !c->device || !c->metric) return PT_ENOMEM;
    if (ingest && host_ingest_node(ingest, pt_cstr(c->group), pt_cstr(c->edge), see_node, c) != PT_OK) c->node_online = false;
    return PT_OK;
}

void host_command_fini(host_command *c)
{
    free(c->group);
    free(c->edge);
    free(c->device);
    free(c->metric);
    pt_arena_fini(&c->arena);
}
