/* host/config.h -- plantree-host's configuration as a structure; the table in config.c gives parsing, defaults and docs/configuration.md.
 */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H
#include "base/daemon/config.h"
#include "uns/map.h"

/* The words of the configuration; a field of the structure below holds one of them as int. */
typedef enum host_role { HOST_PASSIVE, HOST_ACTIVE, HOST_PRIMARY } host_role;
const char *host_role_name(host_role r);
typedef enum host_publish { HOST_PUBLISH_AUTO, HOST_PUBLISH_ALWAYS, HOST_PUBLISH_NEVER } host_publish;
typedef enum host_mqtt_version { HOST_MQTT_3_1_1, HOST_MQTT_5 } host_mqtt_version;
typedef enum host_uint32 { HOST_UINT32_INT, HOST_UINT32_LONG } host_uint32;
typedef enum host_takeover { HOST_TAKEOVER_ADOPT, HOST_TAKEOVER_QUARANTINE } host_takeover;

/* One rule for leaving samples out of history; NaN: not given. */
typedef struct host_deviation {
    const char *tags;
    double exc_dev, exc_dev_percent, comp_dev, comp_dev_percent, span;
    int64_t exc_min_ms, exc_max_ms, comp_min_ms, comp_max_ms;
} host_deviation;

typedef struct host_config {
    int64_t version;
    struct {
        const char *id;
        int role;  /* host_role */
        int state; /* 0 auto, 1 always, 2 never */
    } host;
    struct {
        pt_config_list servers; /* const char * */
        int version;            /* 0: 3.1.1, 1: 5 */
        bool embedded_broker;
        int64_t keep_alive_ms, reconnect_min_ms, reconnect_max_ms;
        const char *client_id, *user, *password;
        struct {
            const char *ca, *cert, *key, *key_password;
            bool insecure;
        } tls;
    } mqtt;
    struct {
        int64_t reorder_timeout_ms, hold_off_ms, birth_wait_ms, silence_ms, clock_skew_ms;
        uint64_t reorder_bytes, payload_bytes;
        bool cmd_datatype, cmd_alias, legacy_state, conformance;
        int uint32_encoding; /* 0 int, 1 long */
        struct {
            int64_t per_node_ms, max_ms, jitter_ms;
            double global_per_s;
        } rebirth;
        struct {
            int64_t nodes, devices, metrics;
        } limits;
    } sparkplug;
    struct {
        const char *dir;
        int64_t commit_interval_ms;
        int synchronous;
        uint64_t buffer_bytes, pending_bytes;
        struct {
            int64_t age_ms;
            uint64_t bytes;
        } retention;
        struct {
            int64_t age_ms;
            uint64_t bytes;
        } change_log;
        pt_config_list deviation; /* host_deviation */
    } data;
    struct {
        int escape, on_unmapped, on_collision, empty;
        int on_takeover; /* HOST_TAKEOVER_... */
        int64_t takeover_after_ms;
        const pt_yaml_node *vars, *tables;
    } uns;
    const pt_yaml_node *rules;
    uns_map *map; /* built from them by host_config_check; the owner of the configuration frees it (uns_map_free), also after a fault */
    struct {
        bool enabled;
        int64_t confirm_ms;
    } writes;
    struct {
        int64_t shards, full_wait_ms, queue_wait_ms;
        uint64_t queue_bytes;
    } ingest;
    struct {
        const char *listen;
        int64_t connections_per_address;
    } http;
} host_config;

extern const pt_config_field host_config_table[];
/* Cross-field rules: ids, servers, what is not there yet. For pt_config_load. */
void host_config_check(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx);
/* Appends the settings that differ and are read at the start only, by name: "mqtt.servers, data.dir". */
void host_config_at_start(const host_config *now, const host_config *fresh, pt_buf *out);
#endif
