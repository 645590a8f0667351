/* edge-node/config.c -- reading edge.yaml; see config.h. */
#include "edge-node/config.h"

#include "base/timestamp.h"
#include "sparkplug/topic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define IN(part, member) offsetof(__typeof__(((edge_config *)0)->part), member)
#define TAG(member)      offsetof(edge_tag_config, member)
#define DEV(member)      offsetof(edge_device_config, member)

static const char *const versions[] = { [EDGE_MQTT_3_1_1] = "3.1.1", [EDGE_MQTT_5] = "5", NULL };
static const char *const encodings[] = { [EDGE_UINT32_INT] = "int", [EDGE_UINT32_LONG] = "long", NULL };
static const char *const overflows[] = { [EDGE_DROP_OLDEST] = "drop-oldest", [EDGE_DROP_NEWEST] = "drop-newest", NULL };

static const pt_config_field node_fields[] = { { .key = "group",
                                                 .type = PT_CFG_STRING,
                                                 .offset = IN(node, group),
                                                 .required = true,
                                                 .min = 1,
                                                 .max = 512,
                                                 .doc = "Sparkplug group id." },
                                               { .key = "id",
                                                 .type = PT_CFG_STRING,
                                                 .offset = IN(node, id),
                                                 .required = true,
                                                 .min = 1,
                                                 .max = 512,
                                                 .doc = "Sparkplug edge node id; with the group unique in the whole system." },
                                               { 0 } };
static const pt_config_field tls_fields[] = {
    { .key = "ca", .type = PT_CFG_STRING, .offset = IN(mqtt.tls, ca), .doc = "PEM file of the authorities that may vouch for the server." },
    { .key = "cert",
      .type = PT_CFG_STRING,
      .offset = IN(mqtt.tls, cert),
      .doc = "PEM file of our certificate, when the server asks for one." },
    { .key = "key", .type = PT_CFG_STRING, .offset = IN(mqtt.tls, key), .doc = "PEM file of its private key." },
    { .key = "key_password",
      .type = PT_CFG_STRING,
      .offset = IN(mqtt.tls, key_password),
      .doc = "Password of the private key; `file:/path` or `env:NAME` keep it out of this file." },
    { .key = "insecure",
      .type = PT_CFG_BOOL,
      .offset = IN(mqtt.tls, insecure),
      .def = "false",
      .doc = "Do not verify the server. For laboratories; logged at every connect." },
    { 0 }
};
static const pt_config_field mqtt_fields[] = {
    { .key = "servers",
      .type = PT_CFG_STRINGS,
      .offset = IN(mqtt, servers),
      .required = true,
      .doc = "1 to 8 URLs, walked in this order: tcp:// ssl:// ws:// wss://." },
    { .key = "version", .type = PT_CFG_ENUM, .offset = IN(mqtt, version), .def = "3.1.1", .names = versions, .doc = "MQTT version." },
    { .key = "keep_alive",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, keep_alive_ms),
      .def = "30s",
      .min = 1000,
      .max = 3600000,
      .doc = "The broker notices a silent death after 1.5 times this." },
    { .key = "client_id",
      .type = PT_CFG_STRING,
      .offset = IN(mqtt, client_id),
      .max = 200,
      .doc = "Default: `plantree-edge/<group>/<id>`." },
    { .key = "user", .type = PT_CFG_STRING, .offset = IN(mqtt, user), .doc = "User name." },
    { .key = "password",
      .type = PT_CFG_STRING,
      .offset = IN(mqtt, password),
      .doc = "Password; `file:/path` or `env:NAME` keep it out of this file." },
    { .key = "connect_timeout",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, connect_timeout_ms),
      .def = "10s",
      .min = 100,
      .max = 600000,
      .doc = "How long one attempt may take." },
    { .key = "reconnect_min",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, reconnect_min_ms),
      .def = "1s",
      .min = 10,
      .max = 600000,
      .doc = "First pause between attempts; it doubles, with jitter." },
    { .key = "reconnect_max",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, reconnect_max_ms),
      .def = "60s",
      .min = 10,
      .max = 3600000,
      .doc = "Longest pause." },
    { .key = "tls",
      .type = PT_CFG_SECTION,
      .offset = IN(mqtt, tls),
      .sub = tls_fields,
      .doc = "Certificates for ssl:// and wss:// servers." },
    { 0 }
};
static const pt_config_field sparkplug_fields[] = {
    { .key = "primary_host",
      .type = PT_CFG_STRING,
      .offset = IN(sparkplug, primary_host),
      .max = 512,
      .doc = "Births wait until this host application is online; without it nobody is waited for." },
    { .key = "aliases",
      .type = PT_CFG_BOOL,
      .offset = IN(sparkplug, aliases),
      .def = "true",
      .doc = "Short numbers instead of names in DATA." },
    { .key = "data_datatype",
      .type = PT_CFG_BOOL,
      .offset = IN(sparkplug, data_datatype),
      .def = "true",
      .doc = "Send the datatype with DATA metrics too: JavaScript consumers read null without it. The specification would leave it out." },
    { .key = "uint32_encoding",
      .type = PT_CFG_ENUM,
      .offset = IN(sparkplug, uint32_encoding),
      .def = "int",
      .names = encodings,
      .doc = "Field that carries UInt32: int as the specification says, long as Tahu-like receivers expect." },
    { .key = "birth_settle",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, birth_settle_ms),
      .def = "0ms",
      .max = 60000,
      .doc = "Births are stamped, then sent this much later." },
    { .key = "rebirth_debounce",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, rebirth_debounce_ms),
      .def = "2s",
      .max = 600000,
      .doc = "Rebirth requests within this time after a birth become one at its end." },
    { .key = "host_wait",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, host_wait_ms),
      .def = "30s",
      .min = 100,
      .max = 3600000,
      .doc = "With several servers: how long to wait for the primary host on one." },
    { .key = "legacy_state",
      .type = PT_CFG_BOOL,
      .offset = IN(sparkplug, legacy_state),
      .def = "false",
      .doc = "Understand the old STATE/<host> texts ONLINE and OFFLINE too." },
    { .key = "accept_older_after",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, accept_older_after_ms),
      .def = "0ms",
      .max = 86400000,
      .doc = "A live online STATE older than the last one counts after this long unopposed, for hosts whose clock went back; 0: never." },
    { 0 }
};
static const pt_config_field spool_fields[] = {
    { .key = "dir",
      .type = PT_CFG_STRING,
      .offset = IN(spool, dir),
      .def = "/var/lib/plantree-edge",
      .min = 1,
      .max = 400,
      .doc = "Directory of the spool, the journal and the bdSeq." },
    { .key = "max_bytes",
      .type = PT_CFG_BYTES,
      .offset = IN(spool, max_bytes),
      .def = "512MiB",
      .min = 1048576,
      .max = 1e15,
      .doc = "Size limit of the stored samples." },
    { .key = "max_age",
      .type = PT_CFG_DURATION,
      .offset = IN(spool, max_age_ms),
      .def = "72h",
      .min = 1000,
      .max = 3.2e11,
      .doc =
          "Samples are kept this long, delivered or not. Steps of the clock and time in which the program does not run are not counted." },
    { .key = "overflow",
      .type = PT_CFG_ENUM,
      .offset = IN(spool, overflow),
      .def = "drop-oldest",
      .names = overflows,
      .doc = "What goes when max_bytes is reached; counted." },
    { .key = "rate",
      .type = PT_CFG_INT,
      .offset = IN(spool, rate),
      .def = "10000",
      .min = 1,
      .max = 10000000,
      .doc = "Stored samples sent per second, beside live ones." },
    { .key = "commit_interval",
      .type = PT_CFG_DURATION,
      .offset = IN(spool, commit_interval_ms),
      .def = "250ms",
      .min = 10,
      .max = 60000,
      .doc = "A kill -9 loses at most this much of what waits." },
    { 0 }
};
static const pt_config_field http_fields[] = { { .key = "listen",
                                                 .type = PT_CFG_STRING,
                                                 .offset = IN(http, listen),
                                                 .def = "127.0.0.1:8081",
                                                 .doc = "Address of the status page; empty: none." },
                                               { 0 } };
static const pt_config_field fields[] = {
    { .key = "version",
      .type = PT_CFG_INT,
      .offset = offsetof(edge_config, version),
      .required = true,
      .min = 1,
      .max = 1,
      .doc = "Version of this file's form: 1." },
    { .key = "node",
      .type = PT_CFG_SECTION,
      .offset = offsetof(edge_config, node),
      .required = true,
      .sub = node_fields,
      .doc = "Who this edge node is." },
    { .key = "mqtt",
      .type = PT_CFG_SECTION,
      .offset = offsetof(edge_config, mqtt),
      .required = true,
      .sub = mqtt_fields,
      .doc = "The broker." },
    { .key = "sparkplug",
      .type = PT_CFG_SECTION,
      .offset = offsetof(edge_config, sparkplug),
      .sub = sparkplug_fields,
      .doc = "How it speaks." },
    { .key = "spool", .type = PT_CFG_SECTION, .offset = offsetof(edge_config, spool), .sub = spool_fields, .doc = "Store and forward." },
    { .key = "http", .type = PT_CFG_SECTION, .offset = offsetof(edge_config, http), .sub = http_fields, .doc = "Status page and metrics." },
    { .key = "scan_classes",
      .type = PT_CFG_NODE,
      .taken = PT_CFG_AT_RELOAD,
      .offset = offsetof(edge_config, scan_classes),
      .doc = "Names for poll times: `{ fast: 100ms, slow: 10s }`; tags name one with `scan`." },
    { .key = "properties",
      .type = PT_CFG_NODE,
      .taken = PT_CFG_AT_RELOAD,
      .offset = offsetof(edge_config, properties),
      .doc = "Facts about the node, published as metrics `Properties/<name>`." },
    { .key = "templates",
      .type = PT_CFG_NODE,
      .taken = PT_CFG_AT_RELOAD,
      .offset = offsetof(edge_config, templates),
      .doc = "User-defined types: name, version, parameters, members." },
    { .key = "devices",
      .type = PT_CFG_NODE,
      .taken = PT_CFG_AT_RELOAD,
      .offset = offsetof(edge_config, devices_node),
      .doc = "The devices, with their drivers and tags." },
    { 0 }
};
static const pt_config_field device_fields[] = {
    { .key = "id", .type = PT_CFG_STRING, .offset = DEV(id), .required = true, .min = 1, .max = 512, .doc = "Sparkplug device id." },
    { .key = "driver",
      .type = PT_CFG_STRING,
      .offset = DEV(driver_name),
      .required = true,
      .doc = "modbus-tcp, modbus-rtu or sim; each adds keys of its own (docs/drivers.md)." },
    { .key = "poll",
      .type = PT_CFG_DURATION,
      .offset = DEV(poll_ms),
      .def = "1s",
      .min = 10,
      .max = 86400000,
      .doc = "How often its tags are read." },
    { .key = "retry_min",
      .type = PT_CFG_DURATION,
      .offset = DEV(retry_min_ms),
      .def = "1s",
      .min = 10,
      .max = 3600000,
      .doc = "First pause before a lost device is tried again; it doubles, with jitter." },
    { .key = "retry_max",
      .type = PT_CFG_DURATION,
      .offset = DEV(retry_max_ms),
      .def = "30s",
      .min = 10,
      .max = 3600000,
      .doc = "Longest such pause." },
    { .key = "tags_file", .type = PT_CFG_STRING, .offset = DEV(tags_file), .doc = "CSV file with more tags; relative to this file." },
    { .key = "tags", .type = PT_CFG_NODE, .offset = DEV(tags_node), .doc = "List of tags." },
    { 0 }
};
const pt_config_field edge__tag_fields[] = {
    { .key = "name",
      .type = PT_CFG_STRING,
      .offset = TAG(name),
      .required = true,
      .min = 1,
      .max = 4096,
      .doc = "Metric name, levels separated by '/'." },
    { .key = "type",
      .type = PT_CFG_STRING,
      .offset = TAG(type),
      .required = true,
      .doc =
          "Sparkplug datatype: Int8..UInt64, Float, Double, Boolean, String, Text, DateTime, UUID, Template; arrays of numbers and Booleans: Int8Array..UInt64Array, FloatArray, DoubleArray, BooleanArray, DateTimeArray." },
    { .key = "template", .type = PT_CFG_STRING, .offset = TAG(tmpl), .doc = "type Template: which one." },
    { .key = "members", .type = PT_CFG_NODE, .offset = TAG(members), .doc = "type Template: for each member its driver keys." },
    { .key = "parameters", .type = PT_CFG_NODE, .offset = TAG(parameters), .doc = "type Template: values other than the defaults." },
    { .key = "scan", .type = PT_CFG_STRING, .offset = TAG(scan), .doc = "A scan class instead of `poll`." },
    { .key = "poll",
      .type = PT_CFG_DURATION,
      .offset = TAG(poll_ms),
      .def = "0ms",
      .max = 86400000,
      .doc = "How often it is read; default: the device's." },
    { .key = "unit", .type = PT_CFG_STRING, .offset = TAG(unit), .max = 200, .doc = "Engineering unit, property engUnit." },
    { .key = "low", .type = PT_CFG_DOUBLE, .offset = TAG(low), .def = "nan", .doc = "Low end of the range, property engLow." },
    { .key = "high", .type = PT_CFG_DOUBLE, .offset = TAG(high), .def = "nan", .doc = "High end, property engHigh." },
    { .key = "description", .type = PT_CFG_STRING, .offset = TAG(description), .max = 2000, .doc = "Property documentation." },
    { .key = "properties",
      .type = PT_CFG_NODE,
      .offset = TAG(properties),
      .doc = "Further properties: numbers, texts, Booleans, maps, lists of maps." },
    { .key = "deadband",
      .type = PT_CFG_DOUBLE,
      .offset = TAG(deadband),
      .def = "nan",
      .doc = "Changes up to this are not reported, in the tag's unit." },
    { .key = "deadband_percent",
      .type = PT_CFG_DOUBLE,
      .offset = TAG(deadband_percent),
      .def = "nan",
      .doc = "The same in percent of high - low." },
    { .key = "exc_dev",
      .type = PT_CFG_DOUBLE,
      .offset = TAG(exc_dev),
      .def = "nan",
      .doc = "Exception reporting: deviation that is reported, together with the value before it." },
    { .key = "exc_min",
      .type = PT_CFG_DURATION,
      .offset = TAG(exc_min_ms),
      .def = "0ms",
      .max = 86400000,
      .doc = "Not more often than this." },
    { .key = "exc_max",
      .type = PT_CFG_DURATION,
      .offset = TAG(exc_max_ms),
      .def = "0ms",
      .max = 8640000000,
      .doc = "At least this often; 0: no." },
    { .key = "every", .type = PT_CFG_BOOL, .offset = TAG(every), .def = "false", .doc = "Report every reading, changed or not." },
    { .key = "transient", .type = PT_CFG_BOOL, .offset = TAG(transient), .def = "false", .doc = "Of live interest only: never stored." },
    { .key = "scale", .type = PT_CFG_DOUBLE, .offset = TAG(scale), .def = "nan", .doc = "value = raw * scale + offset." },
    { .key = "offset", .type = PT_CFG_DOUBLE, .offset = TAG(offset), .def = "nan", .doc = "See scale." },
    { .key = "clamp",
      .type = PT_CFG_BOOL,
      .offset = TAG(clamp),
      .def = "false",
      .doc = "Readings outside low and high are set to the limit." },
    { .key = "clamp_low",
      .type = PT_CFG_DOUBLE,
      .offset = TAG(clamp_low),
      .def = "nan",
      .doc = "Lower limit for clamping, when it is not low." },
    { .key = "clamp_high", .type = PT_CFG_DOUBLE, .offset = TAG(clamp_high), .def = "nan", .doc = "Upper limit for clamping." },
    { .key = "write", .type = PT_CFG_BOOL, .offset = TAG(write), .def = "false", .doc = "Commands may write it." },
    { .key = "write_low", .type = PT_CFG_DOUBLE, .offset = TAG(write_low), .def = "nan", .doc = "Writes below are refused; default: low." },
    { .key = "write_high",
      .type = PT_CFG_DOUBLE,
      .offset = TAG(write_high),
      .def = "nan",
      .doc = "Writes above are refused; default: high." },
    { .key = "max_length",
      .type = PT_CFG_INT,
      .offset = TAG(max_length),
      .def = "256",
      .min = 1,
      .max = 1048576,
      .doc = "Longest text in bytes." },
    { 0 }
};

void edge_config_document(pt_buf *out)
{
    pt_config_document(fields, "plantree-edge", PT_CFG_AT_START, out);
    pt_config_document(device_fields, "Devices", PT_CFG_AT_RELOAD, out);
    pt_config_document(edge__tag_fields, "Tags", PT_CFG_AT_RELOAD, out);
}

void edge__tag_fault(const edge_config_file *f, const edge_device_config *d, const edge_tag_config *t, pt_buf *faults, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t->node) pt_yaml_fault(pt_config_yaml(f->cfg), t->node, faults, "tag '%s': %s", t->name ? t->name : "", text);
    else pt_buf_printf(faults, "%s:%u:1: tag '%s': %s\n", d->tags_file ? d->tags_file : f->path, t->csv_line, t->name ? t->name : "", text);
}

static bool set(double v)
{
    return !isnan(v);
}

/* The time between polls: the tag's, its scan class's or the device's. */
static void finish_poll(const edge_config_file *f, const edge_device_config *d, edge_tag_config *t, pt_buf *faults)
{
    const pt_yaml_node *n = t->scan && f->c.scan_classes ? pt_yaml_get(f->c.scan_classes, t->scan) : NULL;
    pt_error err;
    if (t->scan && !n) edge__tag_fault(f, d, t, faults, "no scan class '%s'", t->scan);
    else if (n && t->poll_ms) edge__tag_fault(f, d, t, faults, "scan and poll exclude each other");
    else if (n && (pt_duration_parse(n->text, &t->poll_ms, &err) != PT_OK || t->poll_ms < 10))
        edge__tag_fault(f, d, t, faults, "scan class '%s' must be a time of at least 10ms", t->scan);
    if (!t->poll_ms) t->poll_ms = d->poll_ms;
}

/* Limits that are not given are the range's. */
static void finish_limits(edge_tag_config *t)
{
    if (t->clamp && !set(t->clamp_low)) t->clamp_low = t->low;
    if (t->clamp && !set(t->clamp_high)) t->clamp_high = t->high;
    if (t->write && !set(t->write_low)) t->write_low = t->low;
    if (t->write && !set(t->write_high)) t->write_high = t->high;
}

static bool is_number(spb_datatype type)
{
    spb_class k = spb_datatype_class(type);
    return k == SPB_CLASS_SIGNED || k == SPB_CLASS_UNSIGNED || k == SPB_CLASS_FLOAT || k == SPB_CLASS_DOUBLE || k == SPB_CLASS_BOOLEAN;
}

bool edge__tag_finish(edge_config_file *f, const edge_device_config *d, edge_tag_config *t, pt_buf *faults)
{
    size_t before = faults->len;
    spb_datatype type;
    if (spb_datatype_parse(pt_cstr(t->type), &type) != PT_OK || !spb_datatype_is_metric(type)) {
        edge__tag_fault(f, d, t, faults, "'%s' is no datatype", t->type);
        return false;
    }
    const bool writes_limited = set(t->write_low) || set(t->write_high), scaled = set(t->scale) || set(t->offset);
    finish_poll(f, d, t, faults);
    finish_limits(t);
    const bool ranged = set(t->low) && set(t->high), clamped = t->clamp || set(t->clamp_low) || set(t->clamp_high);
    const struct {
        bool broken;
        const char *rule;
    } rules[] = {
        { t->poll_ms < 10, "poll must be at least 10ms" },
        { ranged && t->low >= t->high, "low must be below high" },
        { set(t->deadband) + set(t->deadband_percent) + set(t->exc_dev) > 1, "deadband, deadband_percent and exc_dev exclude each other" },
        { t->deadband < 0 || t->deadband_percent < 0 || t->exc_dev <= 0, "a band must not be negative, exc_dev more than 0" },
        { set(t->deadband_percent) && !ranged, "deadband_percent needs low and high" },
        { (t->exc_min_ms || t->exc_max_ms) && !set(t->exc_dev), "exc_min and exc_max need exc_dev" },
        { t->exc_max_ms && t->exc_min_ms > t->exc_max_ms, "exc_min must not exceed exc_max" },
        { !is_number(type) && (scaled || clamped), "scale, offset and clamping are for numbers, not for texts, templates and the like" },
        { t->scale == 0, "scale must not be 0" },
        { clamped && !(set(t->clamp_low) && set(t->clamp_high)), "clamping needs a lower and an upper limit" },
        { writes_limited && !t->write, "write_low and write_high need write: true" },
        { (type == SPB_TEMPLATE) != (t->tmpl != NULL), "type Template and `template` belong together" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rules); i++)
        if (rules[i].broken) edge__tag_fault(f, d, t, faults, "%s", rules[i].rule);
    return faults->len == before;
}

/* Values of a driver's keys in a map; the binder has been told to leave them alone. */
static const edge_option *read_options(edge_config_file *f, const pt_yaml_node *map, const edge_driver_key *keys, pt_buf *faults)
{
    size_t n = edge_driver_keys_count(keys);
    edge_option *o = pt_arena_zalloc(&f->arena, (n + 1) * sizeof *o);
    if (!o) return NULL;
    const pt_yaml *y = pt_config_yaml(f->cfg);
    for (size_t i = 0; i < n; i++) {
        const pt_yaml_node *v = map ? pt_yaml_get(map, keys[i].key) : NULL;
        const char *text = v && v->kind == PT_YAML_SCALAR ? v->text.ptr : v ? NULL : keys[i].def;
        pt_error err = { 0 };
        if (v && !text) pt_yaml_fault(y, v, faults, "%s must be a single value", keys[i].key);
        else if (!text && keys[i].required && map) pt_yaml_fault(y, map, faults, "%s is missing", keys[i].key);
        else if (text && edge_option_parse(&keys[i], text, &o[i], &err) != PT_OK) pt_yaml_fault(y, v ? v : map, faults, "%s", err.text);
    }
    return o;
}

static const char *const *key_names(edge_config_file *f, const edge_driver_key *keys)
{
    size_t n = edge_driver_keys_count(keys);
    const char **names = pt_arena_zalloc(&f->arena, (n + 1) * sizeof *names);
    for (size_t i = 0; names && i < n; i++)
        names[i] = keys[i].key;
    return names;
}

static void read_tags(edge_config_file *f, edge_device_config *d, pt_buf *faults)
{
    const pt_yaml *y = pt_config_yaml(f->cfg);
    const pt_yaml_node *list = d->tags_node;
    if (list && list->kind != PT_YAML_LIST) {
        pt_yaml_fault(y, list, faults, "tags must be a list");
        return;
    }
    uint32_t n = list ? list->n : 0;
    const char *const *names = key_names(f, d->driver->tag_keys);
    d->tags = pt_arena_zalloc(&f->arena, (n + 1u) * sizeof *d->tags);
    if (!d->tags || !names) {
        pt_yaml_fault(y, d->node, faults, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        edge_tag_config *t = &d->tags[d->n_tags];
        if (list->items[i]->kind != PT_YAML_MAP) {
            pt_yaml_fault(y, list->items[i], faults, "a tag must be a map");
            continue;
        }
        if (pt_config_bind(f->cfg, list->items[i], edge__tag_fields, t, names, faults) != PT_OK) continue;
        t->node = list->items[i];
        d->n_tags++;
        edge__tag_finish(f, d, t, faults);
        bool own = !t->tmpl;
        t->options = read_options(f, own ? t->node : NULL, d->driver->tag_keys, faults);
    }
    if (d->tags_file) {
        pt_status st = edge_config_tags_csv(f, d, d->tags_file, faults);
        (void)st; /* faults say it */
    }
}

static void read_devices(edge_config_file *f, pt_buf *faults)
{
    const pt_yaml *y = pt_config_yaml(f->cfg);
    const pt_yaml_node *list = f->c.devices_node;
    if (!list) return;
    if (list->kind != PT_YAML_LIST) {
        pt_yaml_fault(y, list, faults, "devices must be a list");
        return;
    }
    f->c.devices = pt_arena_zalloc(&f->arena, (list->n + 1u) * sizeof *f->c.devices);
    for (uint32_t i = 0; f->c.devices && i < list->n; i++) {
        const pt_yaml_node *node = list->items[i];
        edge_device_config *d = &f->c.devices[f->c.n_devices];
        const pt_yaml_node *name = node->kind == PT_YAML_MAP ? pt_yaml_get(node, "driver") : NULL;
        const edge_driver *driver = name && name->kind == PT_YAML_SCALAR ? edge_driver_find(name->text) : NULL;
        if (name && !driver) {
            pt_yaml_fault(y, name, faults, "no driver '%.*s'", PT_SLICE_ARGS(name->text));
            continue;
        }
        if (pt_config_bind(f->cfg, node, device_fields, d, driver ? key_names(f, driver->device_keys) : NULL, faults) != PT_OK || !driver)
            continue;
        f->c.n_devices++;
        d->node = node;
        d->driver = driver;
        if (d->retry_max_ms < d->retry_min_ms) pt_yaml_fault(y, node, faults, "retry_max must not be below retry_min");
        d->options = read_options(f, node, driver->device_keys, faults);
        read_tags(f, d, faults);
    }
}

static void check(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx)
{
    (void)ctx;
    const edge_config *c = bound;
    const pt_yaml_node *root = pt_yaml_root(y), *node = pt_yaml_get(root, "node"), *mqtt = pt_yaml_get(root, "mqtt");
    pt_error err = { 0 };
    if (c->node.group && spb_id_check(pt_cstr(c->node.group), true, &err) != PT_OK) pt_yaml_fault(y, node, faults, "group: %s", err.text);
    if (c->node.id && spb_id_check(pt_cstr(c->node.id), false, &err) != PT_OK) pt_yaml_fault(y, node, faults, "id: %s", err.text);
    if (c->mqtt.servers.n > EDGE_SERVERS_MAX) pt_yaml_fault(y, mqtt, faults, "at most %d servers", EDGE_SERVERS_MAX);
    if (mqtt && c->mqtt.servers.n == 0) pt_yaml_fault(y, mqtt, faults, "at least one server is needed");
    pt_config_check_network(y, true, faults);
    if (c->mqtt.reconnect_max_ms < c->mqtt.reconnect_min_ms)
        pt_yaml_fault(y, mqtt, faults, "reconnect_max must not be below reconnect_min");
    const char *host = c->sparkplug.primary_host;
    if (host && *host && spb_id_check(pt_cstr(host), false, &err) != PT_OK)
        pt_yaml_fault(y, pt_yaml_get(root, "sparkplug"), faults, "primary_host: %s", err.text);
    if (c->scan_classes && c->scan_classes->kind != PT_YAML_MAP) pt_yaml_fault(y, c->scan_classes, faults, "scan_classes must be a map");
}

pt_status edge_config_load(const char *path, edge_config_file **out, pt_buf *faults)
{
    edge_config_file *f = calloc(1, sizeof *f);
    if (!f) return PT_ENOMEM;
    pt_arena_init(&f->arena, (size_t)1 << 30);
    f->path = pt_slice_dup(pt_cstr(path));
    pt_status st = f->path ? pt_config_load(path, fields, &f->c, sizeof f->c, check, NULL, &f->cfg, faults) : PT_ENOMEM;
    if (st == PT_OK) {
        read_devices(f, faults);
        if (faults->len || pt_buf_status(faults) != PT_OK) st = PT_EMALFORMED;
    }
    if (st != PT_OK) {
        edge_config_free(f);
        return st;
    }
    *out = f;
    return PT_OK;
}

void edge_config_free(edge_config_file *f)
{
    if (!f) return;
    if (f->cfg) pt_config_free(f->cfg);
    pt_arena_fini(&f->arena);
    free(f->path);
    free(f);
}

void edge_config_fixed_changes(const edge_config *was, const edge_config *is, pt_buf *out)
{
    pt_config_at_start(fields, was, is, out);
}
