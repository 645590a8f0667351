/* base/daemon/config.h -- bind a YAML tree to a C structure by a table.
 *
 * One table gives parsing, defaults, range checks, `--check` and the reference documentation. Unknown keys, wrong types and values out of
 * range are faults with file:line:column; all faults of a file are reported, not only the first.
 *
 *     typedef struct mqtt_config { pt_config_list servers; int64_t keep_alive_ms; } mqtt_config;
 *     static const pt_config_field mqtt_fields[] = {
 *         { .key = "keep_alive", .type = PT_CFG_DURATION, .offset = offsetof(mqtt_config, keep_alive_ms), .def = "30s", .min = 1000,
 *           .max = 3600000, .doc = "MQTT keep-alive; the broker notices a silent death after 1.5 times this." }, ...
 *         { 0 } };
 *
 * Bound strings and lists live in the pt_config and die with it. One owner. */
#ifndef PT_CONFIG_H
#define PT_CONFIG_H
#include "base/arena.h"
#include "base/daemon/yaml.h"

typedef enum pt_config_type {
    PT_CFG_END,      /* closes a table */
    PT_CFG_STRING,   /* const char *; min/max: length in bytes */
    PT_CFG_BOOL,     /* bool; true or false only */
    PT_CFG_INT,      /* int64_t */
    PT_CFG_DOUBLE,   /* double; default "nan": not set */
    PT_CFG_DURATION, /* int64_t ms; text of pt_duration_parse */
    PT_CFG_BYTES,    /* uint64_t; text of pt_bytes_parse */
    PT_CFG_ENUM,     /* int; `names` lists the words, value is the index */
    PT_CFG_STRINGS,  /* pt_config_list of const char *; a lone scalar is a list of one */
    PT_CFG_SECTION,  /* nested structure: `sub` table at `offset` */
    PT_CFG_LIST,     /* pt_config_list of structures: `sub` table, `size` bytes each */
    PT_CFG_NODE      /* const pt_yaml_node *: left to the caller; NULL when absent */
} pt_config_type;

typedef struct pt_config_list {
    void *items; /* const char ** or structures */
    uint32_t n;
} pt_config_list;

/* When a change of the key counts. */
typedef enum pt_config_taken {
    PT_CFG_AS_ABOVE, /* as the section the row stands in says; at the top: at a start */
    PT_CFG_AT_START,
    PT_CFG_AT_RELOAD
} pt_config_taken;

typedef struct pt_config_field {
    const char *key;
    pt_config_type type;
    pt_config_taken taken;
    size_t offset;
    bool required;
    const char *def;          /* default as text, parsed like a value; NULL: zero / NULL / empty */
    double min, max;          /* both 0: no check */
    const char *const *names; /* ENUM, NULL-terminated */
    const struct pt_config_field *sub;
    size_t size;     /* LIST: bytes of one item */
    const char *doc; /* one or two sentences; the unit, what it trades away */
} pt_config_field;

typedef struct pt_config pt_config; /* owns the YAML tree and every bound string */

/* Read `path`, bind it to *out (`table`, zero-initialised first). The optional `check` sees the bound structure and may add faults
 * (cross-field rules). PT_OK, or PT_EMALFORMED etc. with `faults` filled; then *cfg is untouched. */
typedef void pt_config_check_fn(const pt_yaml *y, void *bound, pt_buf *faults, void *ctx);
PT_MUST_CHECK pt_status pt_config_load(const char *path, const pt_config_field *table, void *out, size_t out_size,
                                       pt_config_check_fn *check, void *ctx, pt_config **cfg, pt_buf *faults);
/* The same from text (tests, and programs run without a file: empty text gives all defaults). */
PT_MUST_CHECK pt_status pt_config_load_text(const char *name, pt_slice text, const pt_config_field *table, void *out, size_t out_size,
                                            pt_config_check_fn *check, void *ctx, pt_config **cfg, pt_buf *faults);
void pt_config_free(pt_config *cfg);
const pt_yaml *pt_config_yaml(const pt_config *cfg);
/* Bind one subtree with a table of its own (a driver's keys in a device, say); strings live in `cfg`. `ignore`: NULL-terminated keys
 * of the map that belong to somebody else. */
PT_MUST_CHECK pt_status pt_config_bind(pt_config *cfg, const pt_yaml_node *node, const pt_config_field *table, void *out,
                                       const char *const *ignore, pt_buf *faults);
/* What both daemons' files have: every `mqtt.servers` is the URL of an MQTT server, `http.listen` an address to listen on (or empty,
 * where that means none). For use in a pt_config_check_fn; keys that are absent are right. */
void pt_config_check_network(const pt_yaml *y, bool listen_may_be_empty, pt_buf *faults);
/* The reference of a table as Markdown: key, type, default, range, when a change counts (`above`: of rows that leave it open), doc. */
void pt_config_document(const pt_config_field *table, const char *title, pt_config_taken above, pt_buf *out);
/* Append the keys that differ between two structures bound by `table` and are taken at a start only, separated by ", ". Nodes are not
 * compared: who keeps them knows when they count. */
void pt_config_at_start(const pt_config_field *table, const void *was, const void *is, pt_buf *out);
/* `file:/path` or `env:NAME` to the secret (trailing newline cut), or the text itself. free() it. */
PT_MUST_CHECK pt_status pt_config_secret(const char *ref, char **out, pt_error *err);
#endif
