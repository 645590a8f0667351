/* edge-node/config.h -- edge.yaml as structures, and the model and poller devices made from it. Used by the program only.
 *
 * Loading has two steps: the binder checks keys, types and ranges with file:line:column; building checks what belongs together (drivers'
 * addresses, names that collide, templates) and yields a sealed model. `--check` does both; SIGHUP does both before anything is changed. */
#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H
#include "base/arena.h"
#include "base/daemon/config.h"
#include "edge-node/poller.h"

typedef struct edge_tag_config {
    const char *name, *type, *tmpl, *unit, *description, *scan;
    int64_t poll_ms; /* 0: the device's */
    double low, high, deadband, deadband_percent, exc_dev, scale, offset, clamp_low, clamp_high, write_low, write_high; /* NaN: not set */
    int64_t exc_min_ms, exc_max_ms, max_length;
    bool write, transient, every, clamp;
    const pt_yaml_node *properties, *members, *parameters;
    /* from here on made by the loader */
    const pt_yaml_node *node;   /* where it stands; NULL when it comes from a tags_file */
    uint32_t csv_line;          /* then its line there */
    const edge_option *options; /* the driver's tag keys */
} edge_tag_config;

typedef struct edge_device_config {
    const char *id, *driver_name, *tags_file;
    int64_t poll_ms, retry_min_ms, retry_max_ms;
    const pt_yaml_node *tags_node;
    const pt_yaml_node *node;
    const edge_driver *driver;
    const edge_option *options;
    edge_tag_config *tags;
    uint32_t n_tags;
} edge_device_config;

/* The words of the configuration. */
typedef enum edge_mqtt_version { EDGE_MQTT_3_1_1, EDGE_MQTT_5 } edge_mqtt_version;
typedef enum edge_uint32 { EDGE_UINT32_INT, EDGE_UINT32_LONG } edge_uint32;
typedef enum edge_overflow { EDGE_DROP_OLDEST, EDGE_DROP_NEWEST } edge_overflow;

typedef struct edge_config {
    int64_t version;
    struct {
        const char *group, *id;
    } node;
    struct {
        pt_config_list servers;
        int version; /* edge_mqtt_version */
        const char *client_id, *user, *password;
        int64_t keep_alive_ms, connect_timeout_ms, reconnect_min_ms, reconnect_max_ms;
        struct {
            const char *ca, *cert, *key, *key_password;
            bool insecure;
        } tls;
    } mqtt;
    struct {
        const char *primary_host;
        bool aliases, data_datatype, legacy_state;
        int uint32_encoding; /* edge_uint32 */
        int64_t birth_settle_ms, rebirth_debounce_ms, host_wait_ms, accept_older_after_ms;
    } sparkplug;
    struct {
        const char *dir;
        uint64_t max_bytes;
        int64_t max_age_ms, rate, commit_interval_ms;
        int overflow; /* edge_overflow */
    } spool;
    struct {
        const char *listen;
    } http;
    const pt_yaml_node *scan_classes, *templates, *properties, *devices_node;
    edge_device_config *devices;
    uint32_t n_devices;
} edge_config;

typedef struct edge_config_file {
    edge_config c;
    pt_config *cfg; /* owns texts and positions */
    pt_arena arena; /* owns devices, tags, options */
    char *path;
} edge_config_file;

/* PT_OK, or faults as lines `file:line:column: message`. */
PT_MUST_CHECK pt_status edge_config_load(const char *path, edge_config_file **out, pt_buf *faults);
void edge_config_free(edge_config_file *f);
/* Keys of node, mqtt, sparkplug, spool and http that differ, as "mqtt.tls.ca, spool.rate"; only a restart takes them. No values: some are
 * secret. */
void edge_config_fixed_changes(const edge_config *was, const edge_config *is, pt_buf *out);
void edge_config_document(pt_buf *out); /* the reference, as Markdown */

/* What runs: the model and the devices of a poller. */
typedef struct edge_setup {
    const edge_config_file *file; /* borrowed */
    edge_model *model;
    void *memory;   /* the model's */
    pt_arena arena; /* the rest */
    edge_poller_device *devices;
    uint32_t n_devices;
} edge_setup;
/* names may be NULL (checking). The drivers' open is tried too. */
PT_MUST_CHECK pt_status edge_setup_build(const edge_config_file *f, const edge_names *names, const pt_clock *clock, const pt_log *log,
                                         edge_setup **out, pt_buf *faults);
void edge_setup_free(edge_setup *s); /* after its model left the node; NULL is fine */

/* Tags as CSV: name,type and every other key of a tag or its driver as a column (config_csv.c). */
PT_MUST_CHECK pt_status edge_config_tags_csv(edge_config_file *f, edge_device_config *d, const char *path, pt_buf *faults);
void edge_config_export_csv(const edge_config_file *f, const edge_device_config *d, pt_buf *out);

/* Inside: tag keys as one table, for YAML and CSV. */
extern const pt_config_field edge__tag_fields[];
/* Defaults and cross-field rules of one tag; `where` is its position. Appends faults; false when there were some. */
bool edge__tag_finish(edge_config_file *f, const edge_device_config *d, edge_tag_config *t, pt_buf *faults);
void edge__tag_fault(const edge_config_file *f, const edge_device_config *d, const edge_tag_config *t, pt_buf *faults, const char *fmt, ...)
    PT_PRINTF(5, 6);
#endif
