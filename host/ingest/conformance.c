/* host/ingest/conformance.c -- one judge per node, and what it found. */
#include "host/ingest/conformance.h"

#include "base/map.h"

#include <stdlib.h>

enum { BURST_S = 10 };

typedef struct node {
    spb_judge *judge;          /* owned */
    char *key;                 /* owned: group NUL edge */
    host_judged says;          /* group and edge point into key */
    host_finding *findings;    /* owned */
    uint32_t cap, metrics;     /* metrics: of its births, as counted in all */
    uint64_t epoch;            /* of the last gap it knows of */
    int64_t tokens, filled_ms; /* metrics that may be judged; when they were counted */
} node;

struct host_conformance {
    host_conformance_options o;
    void (*news)(void *ctx, const host_judged *n, const host_finding *f);
    void *ctx;
    pt_map nodes; /* key -> node */
    pt_buf key;
    uint64_t epoch, metrics, first_bytes, not_followed;
    int64_t tokens, filled_ms;
};

void host_conformance_options_init(host_conformance_options *o)
{
    *o = (host_conformance_options){
        .nodes_max = 20000, .metrics_max = 200000, .metrics_per_s = 20000, .node_per_s = 2000, .first_bytes_max = 16u << 20
    };
}

pt_status host_conformance_new(const host_conformance_options *o, void (*news)(void *ctx, const host_judged *n, const host_finding *f),
                               void *ctx, host_conformance **out)
{
    host_conformance *c = calloc(1, sizeof *c);
    if (!c) return PT_ENOMEM;
    c->o = *o;
    c->news = news;
    c->ctx = ctx;
    c->tokens = (int64_t)o->metrics_per_s;
    c->filled_ms = INT64_MIN;
    pt_map_init(&c->nodes, PT_MAP_COPY_KEYS);
    pt_buf_init(&c->key, 1u << 18);
    *out = c;
    return PT_OK;
}

static void node_free(node *n)
{
    if (!n) return;
    spb_judge_free(n->judge);
    for (uint32_t i = 0; i < n->says.n_findings; i++) {
        free(n->findings[i].topic);
        free(n->findings[i].metric);
        free(n->findings[i].bytes);
    }
    free(n->findings);
    free(n->key);
    free(n);
}

void host_conformance_free(host_conformance *c)
{
    size_t it = 0;
    uint64_t value;
    if (!c) return;
    while (pt_map_each(&c->nodes, &it, NULL, NULL, &value))
        node_free((node *)(uintptr_t)value);
    pt_map_fini(&c->nodes);
    pt_buf_fini(&c->key);
    free(c);
}

static node *find(host_conformance *c, pt_slice group, pt_slice edge)
{
    pt_buf_reset(&c->key);
    pt_buf_slice(&c->key, group);
    pt_buf_char(&c->key, '\0');
    pt_buf_slice(&c->key, edge);
    return pt_buf_status(&c->key) == PT_OK ? pt_map_get_ptr(&c->nodes, pt_buf_view(&c->key)) : NULL;
}

/* c->key is the node's. */
static node *make(host_conformance *c, pt_slice group, pt_slice edge, int64_t wall_ms)
{
    if (c->nodes.count >= c->o.nodes_max || pt_buf_status(&c->key) != PT_OK) return NULL;
    node *n = calloc(1, sizeof *n);
    if (!n) return NULL;
    n->key = pt_slice_dup(pt_buf_view(&c->key));
    n->says = (host_judged){ .group = pt_slice_of(n->key, group.len),
                             .edge = pt_slice_of(n->key + group.len + 1, edge.len),
                             .since_ms = wall_ms };
    n->epoch = c->epoch;
    n->tokens = (int64_t)c->o.node_per_s * BURST_S;
    n->filled_ms = INT64_MIN;
    if (!n->key || spb_judge_new(&n->judge) != PT_OK || pt_map_put(&c->nodes, pt_buf_view(&c->key), (uintptr_t)n, NULL) != PT_OK) {
        node_free(n);
        return NULL;
    }
    return n;
}

/* ---- the price ---------------------------------------------------------------------------------------------------- */

static bool take_tokens(int64_t *tokens, int64_t *filled_ms, uint32_t per_s, int64_t burst, int64_t mono_ms, uint32_t want, bool take)
{
    int64_t passed = *filled_ms == INT64_MIN ? 0 : mono_ms - *filled_ms;
    int64_t more = passed > 0 ? (passed > 60000 ? burst : passed * (int64_t)per_s / 1000) : 0;
    if (more > 0 || *filled_ms == INT64_MIN) {
        *tokens = *tokens + more > burst ? burst : *tokens + more;
        *filled_ms = mono_ms;
    }
    if (*tokens < (int64_t)want && *tokens < burst) return false; /* one larger than all there may be is judged when all is there */
    if (take) *tokens -= (int64_t)want;
    return true;
}

static bool may_judge(host_conformance *c, node *n, uint32_t metrics, int64_t mono_ms)
{
    int64_t node_burst = (int64_t)c->o.node_per_s * BURST_S, burst = (int64_t)c->o.metrics_per_s;
    return take_tokens(&n->tokens, &n->filled_ms, c->o.node_per_s, node_burst, mono_ms, metrics, false) &&
           take_tokens(&c->tokens, &c->filled_ms, c->o.metrics_per_s, burst, mono_ms, metrics, true) &&
           take_tokens(&n->tokens, &n->filled_ms, c->o.node_per_s, node_burst, mono_ms, metrics, true);
}

/* ---- findings ----------------------------------------------------------------------------------------------------- */

typedef struct looking {
    host_conformance *c;
    node *n;
    const spb_topic *topic;
    pt_slice payload;
    int64_t wall_ms;
} looking;

static host_finding *known(node *n, const char *rule, const char *text)
{
    for (uint32_t i = 0; i < n->says.n_findings; i++) {
        host_finding *f = &n->findings[i];
        if ((f->rule == rule || strcmp(f->rule, rule) == 0) && (f->text == text || strcmp(f->text, text) == 0)) return f;
    }
    return NULL;
}

static bool room_for_one(node *n)
{
    if (n->says.n_findings < n->cap) return true;
    if (n->cap == HOST_FINDINGS_MAX) return false;
    uint32_t cap = n->cap ? n->cap * 2 : 4;
    host_finding *grown = realloc(n->findings, cap * sizeof *grown);
    if (!grown) return false;
    n->findings = grown;
    n->says.findings = grown;
    n->cap = cap;
    return true;
}

static char *topic_text(const spb_topic *t)
{
    size_t len = 0;
    if (spb_topic_format(&spb_namespace_b, t, NULL, 0, &len) != PT_ETOOBIG) return NULL;
    char *text = malloc(len + 1);
    if (text && spb_topic_format(&spb_namespace_b, t, text, len + 1, &len) == PT_OK) return text;
    free(text);
    return NULL;
}

static void keep_first(host_conformance *c, host_finding *f, const looking *l, pt_slice metric)
{
    size_t n = l->payload.len < HOST_FINDING_BYTES ? l->payload.len : HOST_FINDING_BYTES;
    f->total_bytes = l->payload.len;
    f->topic = topic_text(l->topic);
    if (metric.len) f->metric = pt_slice_dup(pt_slice_of(metric.ptr, metric.len < 300 ? metric.len : 300));
    if (n == 0 || c->first_bytes + n > c->o.first_bytes_max || !(f->bytes = malloc(n))) return;
    memcpy(f->bytes, l->payload.ptr, n);
    f->n_bytes = (uint32_t)n;
    c->first_bytes += n;
}

static void one(void *ctx, const spb_finding *found)
{
    const looking *l = ctx;
    host_conformance *c = l->c;
    node *n = l->n;
    n->says.times++;
    host_finding *f = known(n, found->rule, found->text);
    if (!f && !room_for_one(n)) {
        n->says.left_out++;
        return;
    }
    bool is_new = !f;
    if (is_new) {
        f = &n->findings[n->says.n_findings++];
        *f = (host_finding){ .rule = found->rule,
                             .text = found->text,
                             .advice = found->advice,
                             .of_metric = found->of_metric,
                             .index = found->index,
                             .first_ms = l->wall_ms };
        keep_first(c, f, l, found->metric);
    }
    f->times++;
    f->last_ms = l->wall_ms;
    if (is_new && !f->advice && c->news) c->news(c->ctx, &n->says, f);
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */

/* How many announced metrics are followed; false: there is no room for this birth's. */
static bool follow(host_conformance *c, node *n, const spb_topic *t, const spb_payload *p)
{
    uint32_t before = t->verb == SPB_NBIRTH ? n->metrics : 0;
    if (c->metrics - before + p->n_metrics > c->o.metrics_max) return false;
    c->metrics += p->n_metrics - before;
    n->metrics = n->metrics - before + p->n_metrics;
    return true;
}

static void unfollow(host_conformance *c, node *n)
{
    c->metrics -= n->metrics;
    n->metrics = 0;
    n->says.too_large = true;
    n->says.begun = false;
    if (spb_judge_forget(n->judge) != PT_OK) c->not_followed++;
}

static bool is_data(spb_verb v)
{
    return v == SPB_NDATA || v == SPB_DDATA;
}

void host_conformance_take(host_conformance *c, const spb_topic *topic, const spb_payload *p, pt_slice payload, int64_t wall_ms,
                           int64_t mono_ms)
{
    node *n = find(c, topic->group, topic->edge);
    if (!n) n = make(c, topic->group, topic->edge, wall_ms);
    if (!n) {
        c->not_followed++;
        return;
    }
    looking l = { c, n, topic, payload, wall_ms };
    n->says.messages++;
    if (n->epoch != c->epoch) {
        n->epoch = c->epoch;
        n->says.begun = false;
        if (spb_judge_forget(n->judge) != PT_OK) c->not_followed++;
    }
    if (!p) {
        static const char *const rules[SPB_VERB_COUNT] = {
            [SPB_NBIRTH] = "tck-id-message-flow-edge-node-birth-publish-nbirth-payload",
            [SPB_DBIRTH] = "tck-id-message-flow-device-birth-publish-dbirth-payload",
            [SPB_NDEATH] = "tck-id-message-flow-edge-node-birth-publish-will-message-payload",
        };
        const char *rule = rules[topic->verb];
        n->says.judged++;
        one(&l, &(spb_finding){ .rule = rule ? rule : "", .text = "the payload is not Sparkplug's: its protobuf does not decode" });
        return;
    }
    if (topic->verb == SPB_NBIRTH) n->says.too_large = false;
    if (n->says.too_large && topic->verb != SPB_NDEATH) return;
    if (is_data(topic->verb) && !may_judge(c, n, p->n_metrics, mono_ms)) {
        spb_judge_skipped(n->judge);
        return;
    }
    bool birth = topic->verb == SPB_NBIRTH || topic->verb == SPB_DBIRTH;
    bool room = !birth || follow(c, n, topic, p);
    n->says.judged++;
    if (spb_judge_take(n->judge, topic, p, (spb_delivery){ .known = false }, one, &l, &n->says.begun) != PT_OK) n->says.judged--;
    if (!room) unfollow(c, n);
}

void host_conformance_missed(host_conformance *c)
{
    c->epoch++;
}

void host_conformance_missed_of(host_conformance *c, pt_slice group, pt_slice edge)
{
    node *n = find(c, group, edge);
    if (!n) return;
    n->says.begun = false;
    if (spb_judge_forget(n->judge) != PT_OK) c->not_followed++;
}

/* ---- looking ------------------------------------------------------------------------------------------------------ */

pt_status host_conformance_node(host_conformance *c, pt_slice group, pt_slice edge, void (*see)(void *ctx, const host_judged *n), void *ctx)
{
    node *n = find(c, group, edge);
    if (!n) return PT_ENOTFOUND;
    see(ctx, &n->says);
    return PT_OK;
}

void host_conformance_each(host_conformance *c, void (*see)(void *ctx, const host_judged *n), void *ctx)
{
    size_t it = 0;
    uint64_t value;
    while (pt_map_each(&c->nodes, &it, NULL, NULL, &value))
        see(ctx, &((node *)(uintptr_t)value)->says);
}

uint64_t host_conformance_not_followed(const host_conformance *c)
{
    return c->not_followed;
}

static void rules_member(pt_json *j, const char *rules)
{
    pt_slice rest = pt_cstr(rules), id;
    pt_json_key(j, "rules");
    pt_json_array(j);
    while (rest.len && pt_slice_split(&rest, ' ', &id))
        if (id.len) pt_json_str(j, id);
    pt_json_end_array(j);
}

static void finding_json(pt_json *j, const host_finding *f)
{
    static const char digits[] = "0123456789abcdef";
    char hex[HOST_FINDING_BYTES * 2];
    for (uint32_t i = 0; i < f->n_bytes; i++) {
        hex[2 * i] = digits[f->bytes[i] >> 4];
        hex[2 * i + 1] = digits[f->bytes[i] & 15];
    }
    pt_json_object(j);
    rules_member(j, f->rule);
    pt_json_member_cstr(j, "text", f->text);
    pt_json_member_bool(j, "advice", f->advice);
    pt_json_member_u64(j, "times", f->times);
    pt_json_member_i64(j, "first_ms", f->first_ms);
    pt_json_member_i64(j, "last_ms", f->last_ms);
    pt_json_member_cstr(j, "topic", f->topic);
    if (f->of_metric) pt_json_member_u64(j, "metric_index", f->index);
    pt_json_member_cstr(j, "metric", f->metric);
    pt_json_member_u64(j, "message_bytes", f->total_bytes);
    pt_json_member_str(j, "bytes", pt_slice_of(hex, (size_t)f->n_bytes * 2));
    pt_json_end_object(j);
}

void host_judged_json(pt_json *j, const host_judged *n, bool findings)
{
    uint64_t kinds = 0, advices = 0, faults = 0;
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < n->n_findings; i++) {
        const host_finding *f = &n->findings[i];
        kinds += !f->advice;
        advices += f->advice;
        if (!f->advice) faults += f->times;
        if (!f->advice && f->last_ms > last_ms) last_ms = f->last_ms;
    }
    pt_json_object(j);
    pt_json_member_str(j, "group", n->group);
    pt_json_member_str(j, "edge", n->edge);
    pt_json_member_i64(j, "since_ms", n->since_ms);
    pt_json_member_u64(j, "messages", n->messages);
    pt_json_member_u64(j, "judged", n->judged);
    pt_json_member_bool(j, "birth_heard", n->begun);
    pt_json_member_bool(j, "too_large", n->too_large);
    pt_json_member_u64(j, "kinds", kinds);
    pt_json_member_u64(j, "advice_kinds", advices);
    pt_json_member_u64(j, "times", faults);
    if (last_ms) pt_json_member_i64(j, "last_ms", last_ms);
    else pt_json_member_null(j, "last_ms");
    pt_json_member_u64(j, "left_out", n->left_out);
    if (findings) {
        pt_json_key(j, "findings");
        pt_json_array(j);
        for (uint32_t i = 0; i < n->n_findings; i++)
            finding_json(j, &n->findings[i]);
        pt_json_end_array(j);
    }
    pt_json_end_object(j);
}
