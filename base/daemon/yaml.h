/* base/daemon/yaml.h -- a YAML file as a tree in which every node knows its file, line and column.
 *
 * A strict subset read through libyaml's events: no anchors, aliases, tags, merge keys, second documents, duplicate keys or tabs.
 * Scalars are text plus style; the binder (config.h) decides types, so `no` is never a Boolean by accident.
 * Limits: 1 MiB, depth 20, 100,000 nodes. The tree owns its memory; slices in it live until pt_yaml_free. One owner. */
#ifndef PT_YAML_H
#define PT_YAML_H
#include "base/buf.h"

typedef enum pt_yaml_kind { PT_YAML_SCALAR, PT_YAML_LIST, PT_YAML_MAP } pt_yaml_kind;
typedef struct pt_yaml_node pt_yaml_node;
struct pt_yaml_node {
    pt_yaml_kind kind;
    uint32_t line, column; /* from 1 */
    pt_slice text;         /* SCALAR; NUL-terminated behind len */
    bool quoted;           /* SCALAR was quoted or a block: never null, never a number by style */
    bool faulty;           /* SCALAR was complained about already: pass it over */
    uint32_t n;            /* LIST: items; MAP: pairs */
    pt_yaml_node **keys;   /* MAP: scalar nodes */
    pt_yaml_node **items;  /* LIST items or MAP values */
};
typedef struct pt_yaml pt_yaml;

/* Faults are appended to `faults` as lines `file:line:column: message\n`; `name` is the file name shown.
 * PT_OK; PT_EMALFORMED (faults written); PT_ENOTFOUND / PT_EIO / PT_ENOMEM (one fault line too). */
PT_MUST_CHECK pt_status pt_yaml_read_file(const char *path, pt_yaml **out, pt_buf *faults);
PT_MUST_CHECK pt_status pt_yaml_read_text(const char *name, pt_slice text, pt_yaml **out, pt_buf *faults);
/* The same, but after faults that leave the structure whole (a duplicate key, an anchor, a tag, an ambiguous word) the tree is given
 * beside PT_EMALFORMED, so that whoever reads on can name the other faults too; otherwise *out is NULL then. */
PT_MUST_CHECK pt_status pt_yaml_read_file_whole(const char *path, pt_yaml **out, pt_buf *faults);
PT_MUST_CHECK pt_status pt_yaml_read_text_whole(const char *name, pt_slice text, pt_yaml **out, pt_buf *faults);
void pt_yaml_free(pt_yaml *y);
const pt_yaml_node *pt_yaml_root(const pt_yaml *y);
const char *pt_yaml_name(const pt_yaml *y);
/* Value of `key` in a map, or NULL. */
const pt_yaml_node *pt_yaml_get(const pt_yaml_node *map, const char *key);
/* Append `file:line:column: message\n`. */
void pt_yaml_fault(const pt_yaml *y, const pt_yaml_node *at, pt_buf *faults, const char *fmt, ...) PT_PRINTF(4, 5);
#endif
