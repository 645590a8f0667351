/* host/cli/verb_decode.c -- a Sparkplug payload as it stands on the wire, what it means, and which assertions it breaks. */
#include "host/cli/decode.h"
#include "base/timestamp.h"
#include "sparkplug/state.h"
#include "sparkplug/value.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MEMORY = 512 << 20, OUTPUT_MAX = 512 << 20, FINDINGS_MAX = 1000, SHOWN_BYTES = 24, PROPERTIES_TEXT_MAX = 1 << 16 };

typedef struct finding {
    spb_finding is;
    size_t field; /* of the wire whose bytes are meant; DECODE_TOP: what is missing has none */
} finding;

/* One message on its way through. */
typedef struct judged {
    const decode_message *in;
    decode_wire wire;
    spb_payload p;
    pt_slice topic_text; /* absent: guessed */
    spb_topic topic;
    const char *guess; /* why this verb was guessed; NULL: the topic is given */
    bool compressed, has_topic, judged, begun;
    const char *not_judged; /* why not */
    finding *findings;
    size_t n_findings, more_findings;
} judged;

typedef struct decoder {
    cli *c;
    const char *topic; /* --topic */
    decode_nodes *nodes;
    pt_arena arena;
    size_t count;
    bool damaged;
} decoder;

/* ---- which message it is ---- */

static const spb_metric *find(const spb_payload *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if (pt_slice_eq_cstr(p->metrics[i].name, name)) return &p->metrics[i];
    return NULL;
}

static bool all_declared(const spb_payload *p)
{
    unsigned want = SPB_HAS_NAME | SPB_HAS_DATATYPE;
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if ((p->metrics[i].flags & want) != want) return false;
    return true;
}

static const char *guess_verb(const spb_payload *p, spb_verb *verb)
{
    if (find(p, "bdSeq")) {
        *verb = p->has_seq ? SPB_NBIRTH : SPB_NDEATH;
        return p->has_seq ? "bdSeq and a seq" : "bdSeq without a seq";
    }
    if (!p->has_seq) {
        *verb = SPB_NCMD;
        return "no seq";
    }
    if (p->n_metrics == 0) {
        *verb = SPB_DDEATH;
        return "a seq and no metrics";
    }
    *verb = all_declared(p) ? SPB_DBIRTH : SPB_NDATA;
    return *verb == SPB_DBIRTH ? "every metric has a name and a datatype" : "a seq, and metrics without name or datatype";
}

/* ---- the judgement ---- */

/* Which member of the metric, or of the payload, an assertion is about: the first word that is in the id. */
static size_t field_meant(judged *j, const spb_finding *f)
{
    static const char *const of_metric[][2] = {
        { "alias", "alias" },           { "rebirth-value", "boolean_value" },
        { "datatype", "datatype" },     { "timestamp", "timestamp" },
        { "-order", "timestamp" },      { "quality", "properties" },
        { "propert", "properties" },    { "template-dataset", "dataset_value" },
        { "dataset", "dataset_value" }, { "template", "template_value" },
    };
    if (f->of_metric) {
        size_t metric = decode_metric(&j->wire, f->index), member = DECODE_TOP;
        for (size_t i = 0; metric != DECODE_TOP && i < PT_COUNT_OF(of_metric) && member == DECODE_TOP; i++)
            if (strstr(f->rule, of_metric[i][0])) member = decode_find(&j->wire, metric, of_metric[i][1]);
        return member == DECODE_TOP ? metric : member;
    }
    if (strstr(f->rule, "timestamp")) return decode_find(&j->wire, DECODE_TOP, "timestamp");
    if (strstr(f->rule, "bdseq") || strstr(f->rule, "bdSeq")) {
        const spb_metric *m = find(&j->p, "bdSeq");
        return m ? decode_metric(&j->wire, (uint32_t)(m - j->p.metrics)) : DECODE_TOP;
    }
    return strstr(f->rule, "seq") ? decode_find(&j->wire, DECODE_TOP, "seq") : DECODE_TOP;
}

static void keep(void *ctx, const spb_finding *f)
{
    judged *j = ctx;
    if (!j->findings) j->findings = calloc(FINDINGS_MAX, sizeof *j->findings);
    if (!j->findings || j->n_findings == FINDINGS_MAX) j->more_findings++;
    else j->findings[j->n_findings++] = (finding){ *f, field_meant(j, f) };
}

static int judge(decoder *d, judged *j)
{
    const decode_message *m = j->in;
    spb_delivery delivery = { m->qos >= 0 && m->retain >= 0, m->qos, m->retain == 1 };
    if (j->compressed) j->not_judged = "the metrics are in the compressed body";
    if (j->not_judged) return CLI_GO_ON;
    pt_status st = decode_nodes_take(d->nodes, &j->topic, &j->p, delivery, keep, j, &j->begun);
    if (st == PT_EFULL) j->not_judged = "too many edge nodes in the input";
    else if (st) return cli_fail(d->c, PT_EXIT_FAILED, "%s", pt_status_name(st));
    j->judged = st == PT_OK;
    return CLI_GO_ON;
}

/* ---- the meaning of a metric ---- */

/* Without a datatype, from here or a birth, the field's own type is the best that is known. */
static uint32_t type_of_field(uint8_t wire)
{
    static const uint8_t types[] = { [SPB_WIRE_INT] = SPB_UINT32,    [SPB_WIRE_LONG] = SPB_UINT64,     [SPB_WIRE_FLOAT] = SPB_FLOAT,
                                     [SPB_WIRE_DOUBLE] = SPB_DOUBLE, [SPB_WIRE_BOOL] = SPB_BOOLEAN,    [SPB_WIRE_STRING] = SPB_STRING,
                                     [SPB_WIRE_BYTES] = SPB_BYTES,   [SPB_WIRE_DATASET] = SPB_DATASET, [SPB_WIRE_TEMPLATE] = SPB_TEMPLATE };
    return wire < PT_COUNT_OF(types) ? types[wire] : SPB_UNKNOWN;
}

typedef struct meaning {
    pt_slice name; /* absent: not known */
    uint32_t type;
    bool type_known;
    pt_status read; /* of the value */
    spb_value value;
    pt_error err;
} meaning;

static meaning meaning_of(decoder *d, const judged *j, const spb_metric *m)
{
    meaning t = { .read = PT_OK };
    decode_nodes_resolve(d->nodes, &j->topic, m, &t.name, &t.type);
    t.type_known = t.type != SPB_UNKNOWN;
    if (!t.type_known) t.type = type_of_field(m->wire);
    if ((m->flags & SPB_IS_NULL) || m->wire == SPB_WIRE_NONE) t.value = (spb_value){ .type = (uint8_t)t.type, .is_null = true };
    else t.read = spb_metric_value(m, t.type, &d->arena, &t.value, &t.err);
    return t;
}

static void value_text(const spb_metric *m, const meaning *t, pt_buf *out)
{
    if (t->read) pt_buf_printf(out, "(not readable: %s)", t->err.text[0] ? t->err.text : pt_status_name(t->read));
    else if (m->wire == SPB_WIRE_NONE && !(m->flags & SPB_IS_NULL)) pt_buf_cstr(out, "(no value)");
    else if (t->value.is_null) pt_buf_cstr(out, "null");
    else if (t->value.type == SPB_DATETIME && t->value.as.u64 <= INT64_MAX) {
        char time[PT_RFC3339_MAX];
        pt_buf_add(out, time, pt_rfc3339_format((int64_t)t->value.as.u64, time));
    } else spb_value_text(out, &t->value);
}

static void properties_text(const spb_property_set *set, pt_buf *out)
{
    for (uint32_t i = 0; set && i < set->n; i++) {
        const spb_property *p = &set->items[i];
        spb_value v;
        if (i) pt_buf_cstr(out, ", ");
        cli_printable(out, p->key);
        pt_buf_char(out, '=');
        if (spb_property_value(p, type_of_field(p->wire), &v, NULL) == PT_OK) spb_value_text(out, &v);
        else pt_buf_char(out, '?');
    }
}

/* ---- for people ---- */

static void heading(const decoder *d, const judged *j, pt_buf *b)
{
    const decode_message *m = j->in;
    if (d->count > 1) pt_buf_char(b, '\n');
    if (m->line) pt_buf_printf(b, "line %zu: ", m->line);
    if (j->topic_text.ptr) cli_printable(b, j->topic_text);
    else if (j->guess) pt_buf_printf(b, "%s, guessed by %s (--topic says for sure)", spb_verb_name(j->topic.verb), j->guess);
    else pt_buf_cstr(b, "a payload without a topic");
    pt_buf_printf(b, ", %zu bytes", m->payload.len);
    if (m->qos >= 0) pt_buf_printf(b, ", QoS %d", m->qos);
    if (m->retain == 1) pt_buf_cstr(b, ", retained");
    if (m->time) {
        pt_buf_cstr(b, ", received ");
        cli_printable(b, pt_cstr(m->time));
    }
    pt_buf_cstr(b, "\n");
}

static void cell_of(cli_table *t, pt_buf *b)
{
    cli_table_cell(t, pt_buf_view(b));
    pt_buf_reset(b);
}

/* Fields in the order of the wire, members under their message. */
static int wire_table(const decoder *d, const decode_wire *w)
{
    static const char *const heads[] = { "offset", "field", "number", "wire type", "value", "bytes" };
    cli_table *t = cli_table_new(heads, "rlrlll", PT_COUNT_OF(heads));
    pt_buf b;
    if (!t) return cli_fail(d->c, PT_EXIT_FAILED, "out of memory");
    pt_buf_init(&b, OUTPUT_MAX);
    for (size_t i = 0; i < w->n; i++) {
        const decode_field *f = &w->fields[i];
        char path[DECODE_PATH_MAX];
        decode_path(w, i, path);
        cli_table_i64(t, (int64_t)f->offset);
        cli_table_cstr(t, path);
        cli_table_i64(t, f->id);
        cli_table_cstr(t, decode_wire_type(f->wire_type));
        if (!f->known) pt_buf_cstr(&b, "unknown field: ");
        decode_value_text(w, f, &b);
        cell_of(t, &b);
        pt_slice bytes = decode_bytes(w, f);
        if (f->known && f->known->type == PROTOBUF_C_TYPE_MESSAGE) bytes.len = f->value_at - f->offset; /* its members follow */
        decode_hex(&b, bytes, SHOWN_BYTES);
        cell_of(t, &b);
    }
    pt_buf_fini(&b);
    return cli_table_end(d->c, t);
}

static int meaning_table(decoder *d, const judged *j)
{
    static const char *const heads[] = { "metric", "alias", "datatype", "value", "time", "marks", "properties" };
    cli_table *t = cli_table_new(heads, "lrlllll", PT_COUNT_OF(heads));
    pt_buf b;
    if (!t) return cli_fail(d->c, PT_EXIT_FAILED, "out of memory");
    pt_buf_init(&b, OUTPUT_MAX);
    for (uint32_t i = 0; i < j->p.n_metrics; i++) {
        const spb_metric *m = &j->p.metrics[i];
        meaning k = meaning_of(d, j, m);
        char alias[32];
        cli_table_cell(t, k.name.ptr ? k.name : PT_LIT("?"));
        if (m->flags & SPB_HAS_ALIAS) (void)pt_u64_text(m->alias, alias);
        cli_table_cstr(t, m->flags & SPB_HAS_ALIAS ? alias : NULL);
        pt_buf_printf(&b, "%s%s", k.type_known ? "" : "not said, shown as ", spb_datatype_name(k.type));
        cell_of(t, &b);
        value_text(m, &k, &b);
        cell_of(t, &b);
        if (!(m->flags & SPB_HAS_TIMESTAMP)) cli_table_cstr(t, NULL);
        else if (m->timestamp && m->timestamp <= INT64_MAX) cli_table_time(t, (int64_t)m->timestamp);
        else {
            pt_buf_printf(&b, "%" PRIu64 " ms", m->timestamp);
            cell_of(t, &b);
        }
        pt_buf_printf(&b, "%s%s", m->flags & SPB_IS_HISTORICAL ? "historical " : "", m->flags & SPB_IS_TRANSIENT ? "transient" : "");
        cell_of(t, &b);
        properties_text(m->properties, &b);
        cell_of(t, &b);
    }
    pt_buf_fini(&b);
    return cli_table_end(d->c, t);
}

/* The algorithm's metric may be missing: the specification gives no default, so none is said. */
static pt_slice algorithm(const spb_payload *p)
{
    const spb_metric *m = find(p, "algorithm");
    return m && m->wire == SPB_WIRE_STRING ? m->value.bytes : PT_NONE;
}

static void payload_text(const judged *j, pt_buf *b)
{
    const spb_payload *p = &j->p;
    char time[PT_RFC3339_MAX];
    pt_buf_cstr(b, "\nIt means: timestamp ");
    if (!p->has_timestamp) pt_buf_cstr(b, "none");
    else if (p->timestamp > INT64_MAX) pt_buf_printf(b, "%" PRIu64 " ms", p->timestamp);
    else pt_buf_add(b, time, pt_rfc3339_format((int64_t)p->timestamp, time));
    if (p->has_seq) pt_buf_printf(b, ", seq %" PRIu64, p->seq);
    else pt_buf_cstr(b, ", no seq");
    pt_buf_printf(b, ", %" PRIu32 " metric%s\n", p->n_metrics, p->n_metrics == 1 ? "" : "s");
    if (!j->compressed) return;
    pt_buf_printf(b, "The payload is compressed (SPBV1.0_COMPRESSED): algorithm ");
    if (algorithm(p).ptr) cli_printable(b, algorithm(p));
    else pt_buf_cstr(b, "not said");
    pt_buf_printf(b, ", a body of %zu bytes. What is in it is not decoded.\n", p->body.len);
}

static void findings_text(const judged *j, pt_buf *b)
{
    if (!j->judged) {
        pt_buf_printf(b, "\nNot judged: %s.\n", j->not_judged);
        return;
    }
    pt_buf_printf(b, j->n_findings ? "\nBroken, as %s:\n" : "\nAs %s it breaks no assertion.\n", spb_verb_name(j->topic.verb));
    for (size_t i = 0; i < j->n_findings; i++) {
        const finding *f = &j->findings[i];
        char path[DECODE_PATH_MAX];
        pt_buf_printf(b, "  %s: %s", f->is.advice ? "advice" : "broken", f->is.text);
        if (f->is.metric.ptr) {
            pt_buf_cstr(b, ", metric ");
            cli_printable(b, f->is.metric);
        }
        pt_buf_printf(b, "\n    %s\n", f->is.rule);
        if (f->field == DECODE_TOP) continue;
        const decode_field *at = &j->wire.fields[f->field];
        decode_path(&j->wire, f->field, path);
        pt_buf_printf(b, "    %s at byte %zu: ", path, at->offset);
        decode_hex(b, decode_bytes(&j->wire, at), SHOWN_BYTES);
        pt_buf_char(b, '\n');
    }
    if (j->more_findings) pt_buf_printf(b, "  and %zu more\n", j->more_findings);
    if (!j->begun && j->topic.verb != SPB_NCMD && j->topic.verb != SPB_DCMD)
        pt_buf_cstr(b, "The birth is not in the input: the order of messages, aliases, names and types cannot be held against it.\n");
}

static int show_text(decoder *d, judged *j)
{
    pt_buf b;
    pt_buf_init(&b, OUTPUT_MAX);
    heading(d, j, &b);
    int rc = cli_put(d->c, &b);
    pt_buf_reset(&b);
    if (rc == PT_EXIT_OK && j->wire.n) rc = wire_table(d, &j->wire);
    if (j->wire.damaged) return pt_buf_fini(&b), rc;
    payload_text(j, &b);
    if (rc == PT_EXIT_OK) rc = cli_put(d->c, &b);
    pt_buf_reset(&b);
    if (rc == PT_EXIT_OK && j->p.n_metrics) rc = meaning_table(d, j);
    findings_text(j, &b);
    if (rc == PT_EXIT_OK) rc = cli_put(d->c, &b);
    pt_buf_fini(&b);
    return rc;
}

/* ---- for programs: one object per message and line ---- */

static void json_hex(pt_json *o, pt_slice bytes)
{
    pt_buf b;
    pt_buf_init(&b, OUTPUT_MAX);
    decode_hex(&b, bytes, SIZE_MAX);
    pt_json_str(o, pt_buf_view(&b));
    pt_buf_fini(&b);
}

static void json_time(pt_json *o, const char *key, uint64_t ms)
{
    char time[PT_RFC3339_MAX];
    if (ms > INT64_MAX) return;
    (void)pt_rfc3339_format((int64_t)ms, time);
    pt_json_member_cstr(o, key, time);
}

static void json_field(pt_json *o, const decode_wire *w, size_t i)
{
    const decode_field *f = &w->fields[i];
    char path[DECODE_PATH_MAX];
    pt_buf text;
    decode_path(w, i, path);
    pt_json_object(o);
    pt_json_member_u64(o, "offset", f->offset);
    pt_json_member_u64(o, "length", f->end - f->offset);
    pt_json_member_cstr(o, "path", path);
    pt_json_member_u64(o, "number", f->id);
    pt_json_member_cstr(o, "wire_type", decode_wire_type(f->wire_type));
    pt_json_member_bool(o, "known", f->known != NULL);
    pt_buf_init(&text, OUTPUT_MAX);
    if (decode_is_text(f)) {
        pt_json_member_str(o, "value", decode_value_bytes(w, f));
    } else {
        decode_value_text(w, f, &text);
        pt_json_member_str(o, "value", pt_buf_view(&text));
    }
    pt_buf_fini(&text);
    if (!f->known || f->known->type != PROTOBUF_C_TYPE_MESSAGE) { /* a message's are its members' */
        pt_json_key(o, "bytes");
        json_hex(o, decode_bytes(w, f));
    }
    pt_json_end_object(o);
}

static void json_properties(pt_json *o, const spb_property_set *set)
{
    pt_json_key(o, "properties");
    pt_json_array(o);
    for (uint32_t i = 0; set && i < set->n; i++) {
        const spb_property *p = &set->items[i];
        spb_value v;
        pt_json_object(o);
        pt_json_member_str(o, "key", p->key);
        pt_json_member_cstr(o, "type", p->has_type ? spb_datatype_name(p->type) : NULL);
        pt_json_key(o, "value");
        if (spb_property_value(p, type_of_field(p->wire), &v, NULL) == PT_OK) spb_value_json(o, &v);
        else pt_json_null(o);
        pt_json_end_object(o);
    }
    pt_json_end_array(o);
}

static void json_metric(decoder *d, const judged *j, pt_json *o, const spb_metric *m)
{
    meaning k = meaning_of(d, j, m);
    pt_json_object(o);
    pt_json_member_str(o, "name", k.name);
    if (m->flags & SPB_HAS_ALIAS) pt_json_member_u64(o, "alias", m->alias);
    pt_json_member_cstr(o, "datatype", k.type_known ? spb_datatype_name(k.type) : NULL);
    pt_json_key(o, "value");
    if (k.read) pt_json_null(o);
    else spb_value_json(o, &k.value);
    pt_json_member_bool(o, "is_null", (m->flags & SPB_IS_NULL) != 0);
    if (k.read) pt_json_member_cstr(o, "fault", k.err.text[0] ? k.err.text : pt_status_name(k.read));
    if (m->flags & SPB_HAS_TIMESTAMP) {
        pt_json_member_u64(o, "timestamp", m->timestamp);
        json_time(o, "time", m->timestamp);
    }
    pt_json_member_cstr(o, "quality", spb_quality_name(spb_metric_quality(m)));
    pt_json_member_bool(o, "historical", (m->flags & SPB_IS_HISTORICAL) != 0);
    pt_json_member_bool(o, "transient", (m->flags & SPB_IS_TRANSIENT) != 0);
    if (m->properties) json_properties(o, m->properties);
    pt_json_end_object(o);
}

static void json_payload(decoder *d, const judged *j, pt_json *o)
{
    const spb_payload *p = &j->p;
    if (p->has_timestamp) {
        pt_json_member_u64(o, "timestamp", p->timestamp);
        json_time(o, "time", p->timestamp);
    }
    if (p->has_seq) pt_json_member_u64(o, "seq", p->seq);
    if (p->uuid.ptr) pt_json_member_str(o, "uuid", p->uuid);
    if (p->body.ptr) pt_json_member_u64(o, "body_bytes", p->body.len);
    pt_json_member_bool(o, "compressed", j->compressed);
    if (j->compressed) pt_json_member_str(o, "algorithm", algorithm(p));
    pt_json_key(o, "metrics");
    pt_json_array(o);
    for (uint32_t i = 0; i < p->n_metrics; i++)
        json_metric(d, j, o, &p->metrics[i]);
    pt_json_end_array(o);
}

static void json_findings(const judged *j, pt_json *o)
{
    pt_json_member_bool(o, "judged", j->judged);
    if (!j->judged) pt_json_member_cstr(o, "not_judged", j->not_judged);
    pt_json_member_bool(o, "birth_seen", j->judged && j->begun);
    pt_json_key(o, "findings");
    pt_json_array(o);
    for (size_t i = 0; i < j->n_findings; i++) {
        const finding *f = &j->findings[i];
        pt_slice rest = pt_cstr(f->is.rule), id;
        char path[DECODE_PATH_MAX];
        pt_json_object(o);
        pt_json_key(o, "rules");
        pt_json_array(o);
        while (rest.len && pt_slice_split(&rest, ' ', &id))
            pt_json_str(o, id);
        pt_json_end_array(o);
        pt_json_member_cstr(o, "text", f->is.text);
        pt_json_member_bool(o, "advice", f->is.advice);
        pt_json_member_str(o, "metric", f->is.metric);
        if (f->field != DECODE_TOP) {
            const decode_field *at = &j->wire.fields[f->field];
            decode_path(&j->wire, f->field, path);
            pt_json_member_cstr(o, "path", path);
            pt_json_member_u64(o, "offset", at->offset);
            pt_json_key(o, "bytes");
            json_hex(o, decode_bytes(&j->wire, at));
        }
        pt_json_end_object(o);
    }
    pt_json_end_array(o);
    pt_json_member_u64(o, "more_findings", j->more_findings);
}

static void json_heading(const judged *j, pt_json *o)
{
    const decode_message *m = j->in;
    if (m->line) pt_json_member_u64(o, "line", m->line);
    pt_json_member_str(o, "topic", j->topic_text);
    if (j->has_topic) pt_json_member_cstr(o, "type", spb_verb_name(j->topic.verb));
    pt_json_member_cstr(o, "guessed", j->guess);
    if (m->time) pt_json_member_cstr(o, "received", m->time);
    if (m->qos >= 0) pt_json_member_i64(o, "qos", m->qos);
    if (m->retain >= 0) pt_json_member_bool(o, "retain", m->retain == 1);
    pt_json_member_u64(o, "length", m->payload.len);
}

static int put_line(const decoder *d, pt_json *o)
{
    pt_json_end_object(o);
    pt_buf_char(o->out, '\n');
    int rc = cli_put(d->c, o->out);
    pt_buf_fini(o->out);
    return rc;
}

static int show_json(decoder *d, judged *j)
{
    pt_buf b;
    pt_json o;
    pt_buf_init(&b, OUTPUT_MAX);
    pt_json_init(&o, &b);
    pt_json_object(&o);
    json_heading(j, &o);
    pt_json_key(&o, "wire");
    pt_json_array(&o);
    for (size_t i = 0; i < j->wire.n; i++)
        json_field(&o, &j->wire, i);
    pt_json_end_array(&o);
    if (j->wire.damaged) {
        pt_json_key(&o, "damage");
        pt_json_object(&o);
        pt_json_member_u64(&o, "offset", j->wire.damaged_at);
        pt_json_member_cstr(&o, "path", j->wire.damaged_path);
        pt_json_member_cstr(&o, "text", j->wire.why);
        pt_json_end_object(&o);
    } else {
        json_payload(d, j, &o);
        json_findings(j, &o);
    }
    return put_line(d, &o);
}

/* ---- one message ---- */

static int say_damage(decoder *d, const judged *j, size_t at, const char *path, const char *why)
{
    char line[40] = "";
    d->damaged = true;
    if (j->in->line) snprintf(line, sizeof line, "line %zu: ", j->in->line);
    (void)cli_fail(d->c, PT_EXIT_FAILED, "%sdamaged at byte %zu of %zu, in %s: %s", line, at, j->in->payload.len, path, why);
    return CLI_GO_ON;
}

static int show_state(decoder *d, judged *j)
{
    spb_state s = { 0 };
    pt_error err = { 0 };
    pt_buf b;
    pt_json o;
    char time[PT_RFC3339_MAX] = "";
    pt_status st = spb_state_parse(j->in->payload, &s, &err);
    if (st == PT_OK && !s.legacy) (void)pt_rfc3339_format((int64_t)s.timestamp_ms, time);
    if (st == PT_EMALFORMED) (void)say_damage(d, j, err.offset, "STATE", err.text);
    pt_buf_init(&b, OUTPUT_MAX);
    if (d->c->json) {
        pt_json_init(&o, &b);
        pt_json_object(&o);
        json_heading(j, &o);
        pt_json_member_str(&o, "text", j->in->payload);
        if (st == PT_OK) pt_json_member_bool(&o, "online", s.online);
        if (st == PT_OK) pt_json_member_bool(&o, "legacy", s.legacy);
        if (time[0]) pt_json_member_u64(&o, "timestamp", s.timestamp_ms);
        if (time[0]) pt_json_member_cstr(&o, "time", time);
        if (st) pt_json_member_cstr(&o, "fault", err.text);
        return put_line(d, &o);
    }
    heading(d, j, &b);
    pt_buf_cstr(&b, "Text: ");
    cli_printable(&b, j->in->payload);
    if (st == PT_EEMPTY) pt_buf_cstr(&b, "\nIt means: a retained STATE was cleared\n");
    else if (st) pt_buf_cstr(&b, "\nIt is no STATE of a host\n");
    else if (s.legacy) pt_buf_printf(&b, "\nIt means: %s, as Sparkplug 2.x says it, without a time\n", s.online ? "online" : "offline");
    else pt_buf_printf(&b, "\nIt means: the host is %s, since %s\n", s.online ? "online" : "offline", time);
    int rc = cli_put(d->c, &b);
    pt_buf_fini(&b);
    return rc;
}

/* A capture of '#' has other people's messages, too: no fault. */
static int show_foreign(decoder *d, judged *j)
{
    pt_buf b;
    pt_json o;
    pt_buf_init(&b, OUTPUT_MAX);
    j->not_judged = "the topic is not in the namespace spBv1.0";
    if (d->c->json) {
        pt_json_init(&o, &b);
        pt_json_object(&o);
        json_heading(j, &o);
        pt_json_member_cstr(&o, "not_judged", j->not_judged);
        return put_line(d, &o) == PT_EXIT_OK ? CLI_GO_ON : PT_EXIT_FAILED;
    }
    heading(d, j, &b);
    pt_buf_printf(&b, "Not decoded: %s.\n", j->not_judged);
    int rc = cli_put(d->c, &b);
    pt_buf_fini(&b);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

static int decode_payload(decoder *d, judged *j)
{
    pt_error err = { 0 };
    pt_status st = decode_wire_read(&j->wire, j->in->payload);
    if (st) return cli_fail(d->c, PT_EXIT_FAILED, "%s", pt_status_name(st));
    if (!j->wire.damaged && spb_payload_decode_pbc(j->in->payload, NULL, &d->arena, &j->p, &err) != PT_OK) {
        j->wire.damaged = true;
        j->wire.damaged_at = err.offset;
        snprintf(j->wire.damaged_path, sizeof j->wire.damaged_path, "payload");
        snprintf(j->wire.why, sizeof j->wire.why, "%.150s", err.text);
    }
    int rc = CLI_GO_ON;
    if (!j->wire.damaged) {
        j->compressed = pt_slice_eq_cstr(j->p.uuid, "SPBV1.0_COMPRESSED");
        if (!j->has_topic && !j->topic_text.ptr && !j->compressed) {
            j->guess = guess_verb(&j->p, &j->topic.verb);
            j->has_topic = true;
            j->topic.group = j->topic.edge = PT_LIT("?");
            if (spb_verb_is_device(j->topic.verb)) j->topic.device = PT_LIT("?");
        }
        rc = judge(d, j);
    }
    if (rc == CLI_GO_ON) rc = d->c->json ? show_json(d, j) : show_text(d, j);
    if (rc == PT_EXIT_OK) rc = CLI_GO_ON;
    if (rc == CLI_GO_ON && j->wire.damaged) rc = say_damage(d, j, j->wire.damaged_at, j->wire.damaged_path, j->wire.why);
    return rc;
}

static bool looks_like_state(pt_slice s)
{
    return (s.len && s.ptr[0] == '{') || pt_slice_eq_cstr(s, "ONLINE") || pt_slice_eq_cstr(s, "OFFLINE");
}

static int each(void *ctx, const decode_message *m)
{
    decoder *d = ctx;
    judged j = { .in = m, .topic_text = m->topic.ptr || !d->topic ? m->topic : pt_cstr(d->topic), .begun = true };
    pt_error err = { 0 };
    int rc;
    d->count++;
    if (j.topic_text.ptr) {
        pt_status st = spb_topic_parse(&spb_namespace_b, j.topic_text, &j.topic, &err);
        j.has_topic = st == PT_OK;
        if (st == PT_ENOTFOUND) return show_foreign(d, &j);
        if (st) j.not_judged = err.text;
    } else if (looks_like_state(m->payload)) {
        j.topic.verb = SPB_STATE;
        j.guess = "its text";
        j.has_topic = true;
    }
    if (j.has_topic && j.topic.verb == SPB_STATE) rc = show_state(d, &j);
    else rc = decode_payload(d, &j);
    decode_wire_free(&j.wire);
    free(j.findings);
    pt_arena_reset(&d->arena);
    return rc == PT_EXIT_OK ? CLI_GO_ON : rc;
}

static int run(cli *c, int argc, char **argv)
{
    decoder d = { .c = c };
    const cli_option options[] = { { .name = "--topic", .value = &d.topic }, { 0 } };
    spb_topic topic;
    pt_error err = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc != 2) rc = cli_usage(c, "one argument is expected: a file, hex or base64 text, or -");
    if (rc == CLI_GO_ON && d.topic) {
        pt_status st = spb_topic_parse(&spb_namespace_b, pt_cstr(d.topic), &topic, &err);
        if (st) rc = cli_usage(c, "--topic %s: %s", d.topic, st == PT_ENOTFOUND ? "not in the namespace spBv1.0" : err.text);
    }
    if (rc != CLI_GO_ON) return rc;
    if (decode_nodes_new(&d.nodes)) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    pt_arena_init(&d.arena, MEMORY);
    rc = decode_input(c, argv[1], each, &d);
    pt_arena_fini(&d.arena);
    decode_nodes_free(d.nodes);
    return rc != CLI_GO_ON ? rc : d.damaged ? PT_EXIT_FAILED : PT_EXIT_OK;
}

const cli_verb cli_verb_decode = {
    "decode", "a Sparkplug payload field by field: bytes, meaning, broken assertions",
    "Usage: plantree decode FILE|TEXT|- [--topic TOPIC] [--json]\n"
    "\n"
    "Takes a payload as hex text, as base64 text, as a file of its bytes, or standard input (-) with one of these. It shows every field as it\n"
    "stands on the wire (offset, number, wire type, bytes; fields the schema does not know, too), then what it means, then which assertions of\n"
    "the Sparkplug 3.0 specification it breaks (tck-id-...) and with which bytes. STATE texts are read, too. No host is needed.\n"
    "\n"
    "A capture holds a JSON object per line with topic and payload, as mosquitto_sub writes them; messages are shown as they come. Births in it\n"
    "give later messages their names and types, and the judgement follows each edge node's session. Payloads must be recorded as hex (%x):\n"
    "mosquitto_sub's %J and %j break bytes and serve for STATE only.\n"
    "\n"
    "Without a topic the kind of message is guessed: bdSeq with seq is an NBIRTH, bdSeq alone an NDEATH, and so on; --topic says for sure.\n"
    "A damaged payload is shown up to the damage, which is named by byte and field; the exit code is 1 then. Broken assertions alone give 0.\n"
    "--json prints an object per message and line.\n"
    "\n"
    "Examples:\n"
    "  plantree decode 0880d095ffbc3112120a0562645365711880d095ffbc3120045803\n"
    "  plantree decode payload.bin --topic spBv1.0/Plant/NBIRTH/Press1\n"
    "  mosquitto_sub -t spBv1.0/Plant/DDATA/Press1/PLC -C 1 -N | plantree decode - --topic spBv1.0/Plant/DDATA/Press1/PLC\n"
    "  mosquitto_sub -t 'spBv1.0/#' -F '{\"tst\":\"%I\",\"topic\":\"%t\",\"qos\":%q,\"retain\":%r,\"payload\":\"%x\"}' > plant.jsonl\n"
    "  plantree decode plant.jsonl --json | jq -c 'select(.findings != []) | {line, topic, findings}'\n",
    run
};
