/* host/rules.h -- the mapping rules of host.yaml as a rule set (uns/map.h).
 *
 *     uns:
 *       empty: drop                      # drop | underscore | reject
 *       on_unmapped: literal             # literal | quarantine | drop
 *       vars: { enterprise: acme }
 *       tables: { lines: { L1: line-1, L2: line-2 } }
 *     rules:
 *       - id: no-plumbing
 *         from: { spb: { metric: 'Node Control/{any...}' } }
 *         action: ignore
 *       - id: parris-in-group
 *         from: { spb: { group: '{enterprise}:{site}:{area}:{line}' } }
 *         to: '{enterprise}/{site}/{area}/{line}/{edge}/{device}?/{metric...}'
 *         class: functional
 *         historise: false */
#ifndef HOST_RULES_H
#define HOST_RULES_H
#include "base/daemon/yaml.h"
#include "uns/map.h"

typedef struct host_rules_source {
    const pt_yaml *yaml;
    const pt_yaml_node *vars, *tables, *rules; /* NULL: absent */
    uns_empty empty;
    uns_unmapped on_unmapped;
} host_rules_source;

/* Where they stand in a whole host.yaml: `rules`, and `empty`, `on_unmapped`, `vars`, `tables` of `uns`. Wrong words are faults;
 * PT_EMALFORMED then. */
PT_MUST_CHECK pt_status host_rules_find(const pt_yaml *y, host_rules_source *out, pt_buf *faults);
/* PT_OK: *out is the caller's. PT_EMALFORMED: every fault as `file:line:column: message`, the column inside a pattern or template too.
 * PT_ENOMEM. */
PT_MUST_CHECK pt_status host_rules_build(const host_rules_source *s, uns_map **out, pt_buf *faults);
/* Warnings about rules that can never match, in the same form. */
void host_rules_lint(const host_rules_source *s, const uns_map *m, pt_buf *warnings);
#endif
