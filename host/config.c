/* host/config.c -- the table of plantree-host's settings. */
#include "host/config.h"
#include "historian/historian.h"

#include "host/rules.h"
#include "host/nodes/tracker.h"
#include <stdio.h>

#define AT(field) offsetof(host_config, field)

static const char *const roles[] = { [HOST_PASSIVE] = "passive", [HOST_ACTIVE] = "active", [HOST_PRIMARY] = "primary", NULL };
static const char *const state_words[] = {
    [HOST_PUBLISH_AUTO] = "auto", [HOST_PUBLISH_ALWAYS] = "always", [HOST_PUBLISH_NEVER] = "never", NULL
};
static const char *const versions[] = { [HOST_MQTT_3_1_1] = "3.1.1", [HOST_MQTT_5] = "5", NULL };
static const char *const encodings[] = { [HOST_UINT32_INT] = "int", [HOST_UINT32_LONG] = "long", NULL };
static const char *const synchronous[] = { [HIST_SYNC_FULL] = "full", [HIST_SYNC_NORMAL] = "normal", [HIST_SYNC_OFF] = "off", NULL };
static const char *const escapes[] = { "percent", NULL };
static const char *const unmapped[] = {
    [UNS_UNMAPPED_LITERAL] = "literal", [UNS_UNMAPPED_QUARANTINE] = "quarantine", [UNS_UNMAPPED_DROP] = "drop", NULL
};
static const char *const empties[] = {
    [UNS_EMPTY_DROP] = "drop", [UNS_EMPTY_UNDERSCORE] = "underscore", [UNS_EMPTY_REJECT] = "reject", NULL
};
static const char *const takeovers[] = { [HOST_TAKEOVER_ADOPT] = "adopt", [HOST_TAKEOVER_QUARANTINE] = "quarantine", NULL };
static const char *const collisions[] = { "quarantine", NULL };

/* Offsets of a sub-table are relative to its section. */
#define IN(section, field) (offsetof(host_config, section.field) - offsetof(host_config, section))

static const pt_config_field host_fields[] = {
    { .key = "id",
      .type = PT_CFG_STRING,
      .offset = IN(host, id),
      .def = "plantree",
      .min = 1,
      .max = 255,
      .doc = "Sparkplug host id, unique in the infrastructure; edge nodes name it as their primary host. No `+`, `/` or `#`." },
    { .key = "role",
      .type = PT_CFG_ENUM,
      .offset = IN(host, role),
      .def = "passive",
      .names = roles,
      .doc = "`primary` publishes STATE and sends commands; `active` sends commands; `passive` only listens and sends nothing at all." },
    { .key = "state",
      .type = PT_CFG_ENUM,
      .offset = IN(host, state),
      .def = "auto",
      .names = state_words,
      .doc = "Publish STATE: `auto` as the role says (primary only), or `always`, or `never`." },
    { 0 },
};
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
      .doc = "Its password: `file:/path`, `env:NAME` or the text." },
    { .key = "insecure",
      .type = PT_CFG_BOOL,
      .offset = IN(mqtt.tls, insecure),
      .def = "false",
      .doc = "Do not verify the server. For laboratories only." },
    { 0 },
};
static const pt_config_field mqtt_fields[] = {
    { .key = "servers",
      .type = PT_CFG_STRINGS,
      .offset = IN(mqtt, servers),
      .def = "tcp://127.0.0.1:1883",
      .doc = "MQTT servers, followed all at once and independently: tcp:// ssl:// ws:// wss:// URLs; at most 8." },
    { .key = "version",
      .type = PT_CFG_ENUM,
      .offset = IN(mqtt, version),
      .def = "3.1.1",
      .names = versions,
      .doc = "MQTT protocol version." },
    { .key = "embedded_broker",
      .type = PT_CFG_BOOL,
      .offset = IN(mqtt, embedded_broker),
      .def = "false",
      .doc = "Start and supervise a private mosquitto on the first server's port, on loopback. For one-machine use." },
    { .key = "keep_alive",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, keep_alive_ms),
      .def = "30s",
      .min = 1000,
      .max = 3600000,
      .doc = "The server notices our silent death after 1.5 times this." },
    { .key = "reconnect_min",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, reconnect_min_ms),
      .def = "500ms",
      .min = 10,
      .max = 3600000,
      .doc = "First pause before connecting again; it doubles, with jitter." },
    { .key = "reconnect_max",
      .type = PT_CFG_DURATION,
      .offset = IN(mqtt, reconnect_max_ms),
      .def = "30s",
      .min = 10,
      .max = 3600000,
      .doc = "Longest pause before connecting again." },
    { .key = "client_id",
      .type = PT_CFG_STRING,
      .offset = IN(mqtt, client_id),
      .doc = "MQTT client id; default `plantree-host-<host id>`, with a number behind it from the second server on." },
    { .key = "user", .type = PT_CFG_STRING, .offset = IN(mqtt, user), .doc = "User name." },
    { .key = "password", .type = PT_CFG_STRING, .offset = IN(mqtt, password), .doc = "`file:/path`, `env:NAME` or the text itself." },
    { .key = "tls", .type = PT_CFG_SECTION, .offset = IN(mqtt, tls), .sub = tls_fields, .doc = "For ssl:// and wss:// servers." },
    { 0 },
};
static const pt_config_field rebirth_fields[] = {
    { .key = "per_node",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug.rebirth, per_node_ms),
      .def = "5s",
      .max = 86400000,
      .doc = "Least distance of two rebirth requests to a node; doubles while they go unanswered." },
    { .key = "max",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug.rebirth, max_ms),
      .def = "5m",
      .max = 86400000,
      .doc = "Largest such distance." },
    { .key = "jitter",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug.rebirth, jitter_ms),
      .def = "100ms",
      .max = 60000,
      .doc = "Random delay before a request." },
    { .key = "global_per_s",
      .type = PT_CFG_DOUBLE,
      .offset = IN(sparkplug.rebirth, global_per_s),
      .def = "50",
      .min = 0.01,
      .max = 100000,
      .doc = "Rebirth requests per second to all nodes together, so that a host's start does not melt the plant." },
    { 0 },
};
static const pt_config_field limit_fields[] = {
    { .key = "nodes",
      .type = PT_CFG_INT,
      .offset = IN(sparkplug.limits, nodes),
      .def = "20000",
      .min = 1,
      .max = 1000000,
      .doc = "Edge nodes followed at most, per shard." },
    { .key = "devices",
      .type = PT_CFG_INT,
      .offset = IN(sparkplug.limits, devices),
      .def = "1000",
      .min = 1,
      .max = 100000,
      .doc = "Devices per node." },
    { .key = "metrics",
      .type = PT_CFG_INT,
      .offset = IN(sparkplug.limits, metrics),
      .def = "200000",
      .min = 1,
      .max = 10000000,
      .doc = "Metrics per node or device." },
    { 0 },
};
static const pt_config_field sparkplug_fields[] = {
    { .key = "reorder_timeout",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, reorder_timeout_ms),
      .def = "2s",
      .max = 600000,
      .doc =
          "How long a message may be missing before a rebirth is requested; 0: act at once (tck-id-operational-behavior-host-reordering-param)." },
    { .key = "reorder_bytes",
      .type = PT_CFG_BYTES,
      .offset = IN(sparkplug, reorder_bytes),
      .def = "4MiB",
      .doc = "Messages held back per node meanwhile." },
    { .key = "payload_bytes",
      .type = PT_CFG_BYTES,
      .offset = IN(sparkplug, payload_bytes),
      .def = "16MiB",
      .min = 1024,
      .max = 268435456,
      .doc = "Larger payloads are refused." },
    { .key = "hold_off",
      .type = PT_CFG_DURATION,
      .taken = PT_CFG_AT_START,
      .offset = IN(sparkplug, hold_off_ms),
      .def = "1s",
      .max = 60000,
      .doc = "Commands wait this long after our STATE is acknowledged: edge nodes that wait for us are born by themselves meanwhile." },
    { .key = "birth_wait",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, birth_wait_ms),
      .def = "5s",
      .max = 600000,
      .doc =
          "A node known from before may stay silent this long after our STATE; then it is asked. A doubtful one has as long to answer." },
    { .key = "silence",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, silence_ms),
      .def = "0ms",
      .max = 604800000,
      .doc =
          "An online node that is not heard for so long is doubtful: its values go stale and it is asked for a rebirth; off line when it does not answer within birth_wait. Longer than the longest pause of a healthy node; 0: never." },
    { .key = "clock_skew",
      .type = PT_CFG_DURATION,
      .offset = IN(sparkplug, clock_skew_ms),
      .def = "1m",
      .doc = "An edge clock farther off is reported; 0: never." },
    { .key = "cmd_datatype",
      .type = PT_CFG_BOOL,
      .offset = IN(sparkplug, cmd_datatype),
      .def = "true",
      .doc = "Send the datatype in commands: Tahu's edge nodes need it." },
    { .key = "cmd_alias",
      .type = PT_CFG_BOOL,
      .offset = IN(sparkplug, cmd_alias),
      .def = "false",
      .doc = "Send the alias instead of the name in commands, where there is one." },
    { .key = "uint32_encoding",
      .type = PT_CFG_ENUM,
      .offset = IN(sparkplug, uint32_encoding),
      .def = "int",
      .names = encodings,
      .doc = "Field of UInt32 values in commands: `int` as the specification says, `long` as Tahu reads them." },
    { .key = "conformance",
      .type = PT_CFG_BOOL,
      .taken = PT_CFG_AT_START,
      .offset = IN(sparkplug, conformance),
      .def = "true",
      .doc =
          "Judge what edge nodes publish against the specification: `plantree conformance`, event `conformance`. Data beyond some thousand metrics a second is judged in samples." },
    { .key = "legacy_state",
      .type = PT_CFG_BOOL,
      .taken = PT_CFG_AT_START,
      .offset = IN(sparkplug, legacy_state),
      .def = "false",
      .doc = "Also publish the STATE/<id> text of Sparkplug 2." },
    { .key = "rebirth",
      .type = PT_CFG_SECTION,
      .offset = IN(sparkplug, rebirth),
      .sub = rebirth_fields,
      .doc = "Rationing of rebirth requests." },
    { .key = "limits",
      .type = PT_CFG_SECTION,
      .offset = IN(sparkplug, limits),
      .sub = limit_fields,
      .doc = "Beyond these, messages are refused and counted." },
    { 0 },
};
static const pt_config_field retention_fields[] = {
    { .key = "age", .type = PT_CFG_DURATION, .offset = IN(data.retention, age_ms), .doc = "Older history is dropped; not given: kept." },
    { .key = "bytes",
      .type = PT_CFG_BYTES,
      .offset = IN(data.retention, bytes),
      .doc = "The oldest history beyond this size is dropped; not given: no bound." },
    { 0 },
};
static const pt_config_field change_log_fields[] = {
    { .key = "age",
      .type = PT_CFG_DURATION,
      .offset = IN(data.change_log, age_ms),
      .def = "24h",
      .doc = "How far back changes can be read in the order of their commit." },
    { .key = "bytes",
      .type = PT_CFG_BYTES,
      .offset = IN(data.change_log, bytes),
      .def = "256MiB",
      .max = 1e15,
      .doc = "And no more than this on the disk; a reader that falls behind it is told." },
    { 0 },
};
#define DEVIATION(field) offsetof(host_deviation, field)
static const pt_config_field deviation_fields[] = {
    { .key = "tags",
      .type = PT_CFG_STRING,
      .offset = DEVIATION(tags),
      .required = true,
      .min = 1,
      .max = 4000,
      .doc = "Paths these settings are for, as a glob; the first entry that matches counts." },
    { .key = "exc_dev",
      .type = PT_CFG_DOUBLE,
      .offset = DEVIATION(exc_dev),
      .def = "nan",
      .doc =
          "Exception deviation, in the tag's unit: a sample passes when it is farther from the last that passed, and the one before it with it." },
    { .key = "exc_dev_percent",
      .type = PT_CFG_DOUBLE,
      .offset = DEVIATION(exc_dev_percent),
      .def = "nan",
      .doc = "The same in percent of `span`." },
    { .key = "exc_min",
      .type = PT_CFG_DURATION,
      .offset = DEVIATION(exc_min_ms),
      .def = "0s",
      .doc = "No exception closer than this to the last that passed." },
    { .key = "exc_max",
      .type = PT_CFG_DURATION,
      .offset = DEVIATION(exc_max_ms),
      .def = "10m",
      .doc = "After this a sample passes in any case; 0: never." },
    { .key = "comp_dev",
      .type = PT_CFG_DOUBLE,
      .offset = DEVIATION(comp_dev),
      .def = "nan",
      .doc =
          "Compression deviation, in the tag's unit: of what passed, samples are kept so that lines between them (steps, for all types but Double and Float) miss none by more." },
    { .key = "comp_dev_percent",
      .type = PT_CFG_DOUBLE,
      .offset = DEVIATION(comp_dev_percent),
      .def = "nan",
      .doc = "The same in percent of `span`." },
    { .key = "comp_min",
      .type = PT_CFG_DURATION,
      .offset = DEVIATION(comp_min_ms),
      .def = "0s",
      .doc = "Nothing is kept closer than this to the last that was kept." },
    { .key = "comp_max",
      .type = PT_CFG_DURATION,
      .offset = DEVIATION(comp_max_ms),
      .def = "8h",
      .doc = "No longer gap where there are samples; 0: none." },
    { .key = "span",
      .type = PT_CFG_DOUBLE,
      .offset = DEVIATION(span),
      .def = "nan",
      .doc = "The tag's range (high - low), for the settings in percent." },
    { 0 },
};
static const pt_config_field data_fields[] = {
    { .key = "dir",
      .type = PT_CFG_STRING,
      .offset = IN(data, dir),
      .def = "/var/lib/plantree",
      .min = 1,
      .max = 4000,
      .doc = "Data directory; one host at a time." },
    { .key = "commit_interval",
      .type = PT_CFG_DURATION,
      .offset = IN(data, commit_interval_ms),
      .def = "250ms",
      .min = 10,
      .max = 60000,
      .doc = "A kill loses at most this much." },
    { .key = "synchronous",
      .type = PT_CFG_ENUM,
      .offset = IN(data, synchronous),
      .def = "full",
      .names = synchronous,
      .doc = "What a commit waits for: `full` survives a power cut." },
    { .key = "buffer",
      .type = PT_CFG_BYTES,
      .offset = IN(data, buffer_bytes),
      .def = "256MiB",
      .min = 1048576,
      .max = 1e15,
      .doc = "Samples waiting for the disk at most; then ingest waits." },
    { .key = "pending_memory",
      .type = PT_CFG_BYTES,
      .offset = IN(data, pending_bytes),
      .def = "32MiB",
      .min = 1048576,
      .max = 1e15,
      .doc =
          "Memory for samples that are on the disk but not in blocks yet. Beyond it blocks are sealed before they are full and merged later: with many tags more memory saves work." },
    { .key = "retention", .type = PT_CFG_SECTION, .offset = IN(data, retention), .sub = retention_fields, .doc = "What is kept." },
    { .key = "change_log",
      .type = PT_CFG_SECTION,
      .offset = IN(data, change_log),
      .sub = change_log_fields,
      .doc = "Everything committed, in order, for readers that follow." },
    { .key = "deviation",
      .type = PT_CFG_LIST,
      .offset = IN(data, deviation),
      .sub = deviation_fields,
      .size = sizeof(host_deviation),
      .doc = "Tags of which history keeps less than every sample; docs/historian.md. Not given: history is lossless." },
    { 0 },
};
static const pt_config_field uns_fields[] = {
    { .key = "escape",
      .type = PT_CFG_ENUM,
      .offset = IN(uns, escape),
      .def = "percent",
      .names = escapes,
      .doc = "How characters that a path cannot hold are written." },
    { .key = "on_unmapped",
      .type = PT_CFG_ENUM,
      .offset = IN(uns, on_unmapped),
      .def = "literal",
      .names = unmapped,
      .doc =
          "A tag that no rule names: `literal` puts it at group/edge/device/metric, `quarantine` and `drop` do not keep it, with and without saying so." },
    { .key = "empty",
      .type = PT_CFG_ENUM,
      .offset = IN(uns, empty),
      .def = "drop",
      .names = empties,
      .doc = "Empty parts of a metric name (`a//b`)." },
    { .key = "vars", .type = PT_CFG_NODE, .offset = IN(uns, vars), .doc = "Texts for the rules' templates: `vars.NAME`." },
    { .key = "tables", .type = PT_CFG_NODE, .offset = IN(uns, tables), .doc = "Tables for the rules' `map(NAME)`." },
    { .key = "on_collision",
      .type = PT_CFG_ENUM,
      .offset = IN(uns, on_collision),
      .def = "quarantine",
      .names = collisions,
      .doc = "A second tag for one path stays in the source view while the first one is there." },
    { .key = "on_takeover",
      .type = PT_CFG_ENUM,
      .offset = IN(uns, on_takeover),
      .def = "adopt",
      .names = takeovers,
      .doc =
          "The owner of a path is away and another source maps to it: `adopt` gives it the path, whose history goes on; `quarantine` leaves it in the source view." },
    { .key = "takeover_after",
      .type = PT_CFG_DURATION,
      .offset = IN(uns, takeover_after_ms),
      .def = "30s",
      .max = 86400e3,
      .doc = "For how long an owner must have been away (node off line, or metric gone from its birth)." },
    { 0 },
};
static const pt_config_field writes_fields[] = {
    { .key = "enabled",
      .type = PT_CFG_BOOL,
      .offset = IN(writes, enabled),
      .def = "true",
      .doc = "Allow writes to the plant. A passive host never writes." },
    { .key = "confirm_timeout",
      .type = PT_CFG_DURATION,
      .offset = IN(writes, confirm_ms),
      .def = "5s",
      .min = 100,
      .max = 600000,
      .doc = "How long a write may wait for the plant's newer value." },
    { 0 },
};
static const pt_config_field ingest_fields[] = {
    { .key = "shards",
      .type = PT_CFG_INT,
      .offset = IN(ingest, shards),
      .def = "2",
      .min = 1,
      .max = 64,
      .doc = "Threads that follow edge nodes." },
    { .key = "queue",
      .type = PT_CFG_BYTES,
      .offset = IN(ingest, queue_bytes),
      .def = "256MiB",
      .min = 1048576,
      .max = 1e15,
      .doc = "Messages waiting for them at most; then the MQTT reader waits." },
    { .key = "queue_wait",
      .type = PT_CFG_DURATION,
      .offset = IN(ingest, queue_wait_ms),
      .def = "2s",
      .max = 60000,
      .doc =
          "How long the MQTT reader waits for room; nothing is published meanwhile. Then messages are let go, counted, and their nodes asked for a rebirth." },
    { .key = "full_wait",
      .type = PT_CFG_DURATION,
      .offset = IN(ingest, full_wait_ms),
      .def = "30s",
      .max = 3600000,
      .doc = "How long to wait for a history that takes nothing, before samples are given up and counted as lost." },
    { 0 },
};
static const pt_config_field http_fields[] = {
    { .key = "listen",
      .type = PT_CFG_STRING,
      .offset = IN(http, listen),
      .def = "127.0.0.1:8080",
      .min = 1,
      .max = 300,
      .doc = "Address of the API and the UI." },
    { .key = "connections_per_address",
      .type = PT_CFG_INT,
      .offset = IN(http, connections_per_address),
      .def = "64",
      .max = 1024,
      .doc =
          "Connections one client address may have open; 0: any number. Not looked at when `listen` is on loopback, where a proxy or all "
          "users of the machine share one address." },
    { 0 },
};

const pt_config_field host_config_table[] = {
    { .key = "version", .type = PT_CFG_INT, .offset = AT(version), .def = "1", .min = 1, .max = 1, .doc = "Of this file's format." },
    { .key = "host", .type = PT_CFG_SECTION, .offset = AT(host), .sub = host_fields, .doc = "Who we are." },
    { .key = "mqtt", .type = PT_CFG_SECTION, .offset = AT(mqtt), .sub = mqtt_fields, .doc = "Where the plant speaks." },
    { .key = "sparkplug",
      .type = PT_CFG_SECTION,
      .taken = PT_CFG_AT_RELOAD,
      .offset = AT(sparkplug),
      .sub = sparkplug_fields,
      .doc = "How it is understood." },
    { .key = "data", .type = PT_CFG_SECTION, .offset = AT(data), .sub = data_fields, .doc = "Where history is kept." },
    { .key = "uns", .type = PT_CFG_SECTION, .taken = PT_CFG_AT_RELOAD, .offset = AT(uns), .sub = uns_fields, .doc = "The tree." },
    { .key = "rules",
      .type = PT_CFG_NODE,
      .taken = PT_CFG_AT_RELOAD,
      .offset = AT(rules),
      .doc = "Mapping rules, tried in order; see uns/map.h and docs/host.md." },
    { .key = "writes",
      .type = PT_CFG_SECTION,
      .taken = PT_CFG_AT_RELOAD,
      .offset = AT(writes),
      .sub = writes_fields,
      .doc = "Set-points." },
    { .key = "ingest", .type = PT_CFG_SECTION, .offset = AT(ingest), .sub = ingest_fields, .doc = "The way from the broker to history." },
    { .key = "http", .type = PT_CFG_SECTION, .offset = AT(http), .sub = http_fields, .doc = "The API and the UI." },
    { 0 },
};

static bool given(double v)
{
    return v == v;
}

static void check_deviations(const pt_yaml *y, const host_config *c, const pt_yaml_node *list, pt_buf *faults)
{
    const host_deviation *all = c->data.deviation.items;
    for (uint32_t i = 0; i < c->data.deviation.n && list && list->kind == PT_YAML_LIST && i < list->n; i++) {
        const host_deviation *d = &all[i];
        const pt_yaml_node *at = list->items[i];
        if ((given(d->exc_dev) && given(d->exc_dev_percent)) || (given(d->comp_dev) && given(d->comp_dev_percent)))
            pt_yaml_fault(y, at, faults, "data.deviation: either in the tag's unit or in percent");
        if (!given(d->exc_dev) && !given(d->exc_dev_percent) && !given(d->comp_dev) && !given(d->comp_dev_percent))
            pt_yaml_fault(y, at, faults, "data.deviation: give exc_dev, exc_dev_percent, comp_dev or comp_dev_percent");
        if ((given(d->exc_dev_percent) || given(d->comp_dev_percent)) && !(d->span > 0))
            pt_yaml_fault(y, at, faults, "data.deviation: percent needs span, the tag's range, above 0");
        const double not_negative[] = { d->exc_dev, d->exc_dev_percent, d->comp_dev, d->comp_dev_percent };
        for (size_t k = 0; k < PT_COUNT_OF(not_negative); k++) {
            if (given(not_negative[k]) && !(not_negative[k] >= 0 && not_negative[k] < 1e300))
                pt_yaml_fault(y, at, faults, "data.deviation: a deviation must be a number from 0 on");
        }
    }
}

const char *host_role_name(host_role r)
{
    return roles[r];
}

void host_config_check(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx)
{
    host_config *c = bound;
    const pt_yaml_node *root = pt_yaml_root(y), *host = root ? pt_yaml_get(root, "host") : NULL,
                       *mqtt = root ? pt_yaml_get(root, "mqtt") : NULL;
    pt_error err = { 0, "" };
    (void)ctx;
    if (c->host.id && spb_id_check(pt_cstr(c->host.id), false, &err) != PT_OK)
        pt_yaml_fault(y, host ? host : root, faults, "host.id: %s", err.text);
    if (c->mqtt.servers.n == 0 || c->mqtt.servers.n > HOST_SERVERS_MAX)
        pt_yaml_fault(y, mqtt ? mqtt : root, faults, "mqtt.servers: give 1 to %u servers", HOST_SERVERS_MAX);
    pt_config_check_network(y, false, faults);
    const pt_yaml_node *data = root ? pt_yaml_get(root, "data") : NULL;
    check_deviations(y, c, data ? pt_yaml_get(data, "deviation") : NULL, faults);
    host_rules_source source = { .yaml = y,
                                 .vars = c->uns.vars,
                                 .tables = c->uns.tables,
                                 .rules = c->rules,
                                 .empty = (uns_empty)c->uns.empty,
                                 .on_unmapped = (uns_unmapped)c->uns.on_unmapped };
    if (host_rules_build(&source, &c->map, faults) != PT_OK && faults->len == 0) pt_yaml_fault(y, root, faults, "rules: out of memory");
    if (c->mqtt.reconnect_min_ms > c->mqtt.reconnect_max_ms)
        pt_yaml_fault(y, mqtt ? mqtt : root, faults, "mqtt.reconnect_min is larger than mqtt.reconnect_max");
    if (c->mqtt.embedded_broker && c->mqtt.servers.n > 0) {
        pt_slice url = pt_cstr(((const char *const *)c->mqtt.servers.items)[0]);
        if (!pt_slice_starts(url, PT_LIT("tcp://127.0.0.1:")) && !pt_slice_starts(url, PT_LIT("tcp://localhost:")) &&
            !pt_slice_starts(url, PT_LIT("mqtt://127.0.0.1:")) && !pt_slice_starts(url, PT_LIT("mqtt://localhost:")))
            pt_yaml_fault(y, mqtt, faults,
                          "mqtt.embedded_broker: the first server must be tcp://127.0.0.1:PORT, where the broker will listen");
    }
}

/* ---- what a reload cannot take over ---- */

void host_config_at_start(const host_config *now, const host_config *fresh, pt_buf *out)
{
    pt_config_at_start(host_config_table, now, fresh, out);
}
