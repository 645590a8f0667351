/* uns/map.h -- mapping rules: from a source's ids to its place in the UNS.
 *
 *     from: { spb: { group: '{enterprise}:{site}:{area}:{line}' } }
 *     to:   '{enterprise}/{site}/{area}/{line}/{edge}/{device}?/{metric...}'
 *
 * Rules are tried top-down and the first match wins; ignoring is a match. What no rule matches, or whose template comes out without
 * a path, goes the way of `on_unmapped`. Evaluated once per source (birth, first sight, new rules), never per value.
 *
 * Pattern, for one id, metric name or topic:
 *     literal  {name}  {name:class}  {name...}  *  **        \{ \} \* \\ for themselves; class: int alnum word hex uuid
 * Let D be the characters of the literals between two placeholders. {name} takes a non-empty run without any of D, up to the next
 * literal (a final literal is looked for at the end), and in a metric or topic never crosses '/'. {name...} and ** stand last
 * and take all that is left, at least one byte. Two placeholders side by side are an error. A repeated name must take the same text,
 * in other slots too. Matching is linear and never backtracks.
 *
 * Template, segments between '/':
 *     literal and {expr}, a final '?' drops the segment when it comes out empty; \ before { } ? / \ for themselves
 *     expr: ref ?? ref ?? 'text' | filter | filter(...)
 *     ref:  a capture, group edge device metric topic template datatype, vars.NAME, prop.KEY; with ... its parts between '/' as segments
 *     filter: lower upper trim slug first last nth(n) slice(a[,b]) split('d') replace('a','b') map(table) default('x')
 * Counting is from 0, negative from the end, slice's b excluded; on a text nth and slice count characters. A list must be the whole
 * segment. Session plumbing (bdSeq, Node Control/...) spreads as `_sparkplug/...` by {metric...}, so it stays below its node.
 *
 * Threads: built by one, then immutable: any thread may apply. All strings given are copied. */
#ifndef UNS_MAP_H
#define UNS_MAP_H
#include "uns/uns.h"

#define UNS_RULES_MAX    10000u
#define UNS_CAPTURES_MAX 32u /* different names in one rule */

typedef struct uns_map uns_map;

typedef enum uns_empty { UNS_EMPTY_DROP, UNS_EMPTY_UNDERSCORE, UNS_EMPTY_REJECT } uns_empty; /* empty parts of a spread name */
typedef enum uns_unmapped { UNS_UNMAPPED_LITERAL, UNS_UNMAPPED_QUARANTINE, UNS_UNMAPPED_DROP } uns_unmapped;

typedef struct uns_rule_def {
    pt_slice id;                          /* unique, for messages */
    pt_slice group, edge, device, metric; /* patterns; ptr NULL: anything (a device pattern wants a device) */
    pt_slice topic;                       /* pattern of plain topics; excludes the four above */
    pt_slice to;                          /* template; absent when ignoring */
    bool ignore;
    bool has_class;
    uns_class cls;
    bool no_history;
} uns_rule_def;

PT_MUST_CHECK pt_status uns_map_new(uns_empty empty, uns_unmapped on_unmapped, uns_map **out);
void uns_map_free(uns_map *m); /* NULL is allowed */
/* Before the rules that use them. PT_EEXISTS: there already. */
PT_MUST_CHECK pt_status uns_map_var(uns_map *m, pt_slice name, pt_slice value);
PT_MUST_CHECK pt_status uns_map_entry(uns_map *m, pt_slice table, pt_slice key, pt_slice value);
/* Append a rule. PT_EINVAL: does not parse, an unknown name or table; *field ("group" ... "to", "id") and err->offset say where.
 * PT_EEXISTS: the id is taken. PT_ETOOBIG: too many rules or captures. PT_ENOMEM. */
PT_MUST_CHECK pt_status uns_map_rule(uns_map *m, const uns_rule_def *def, const char **field, pt_error *err);
uint32_t uns_map_count(const uns_map *m);

/* Rules that can never match because an earlier one takes all they could: `warn` per such pair. */
void uns_map_lint(const uns_map *m, void (*warn)(void *ctx, pt_slice rule, pt_slice earlier), void *ctx);

typedef struct uns_source {
    pt_slice group, edge, device, metric; /* device empty for node metrics */
    pt_slice topic;                       /* plain topics: the rest is empty */
    spb_datatype type;
    pt_slice template_ref; /* of a Template metric; empty */
    /* The text of a property of the birth, for prop.KEY; NULL: none has any. The slice lives until the result is used. */
    bool (*property)(void *ctx, pt_slice key, pt_slice *value);
    void *property_ctx;
    bool partial; /* known from the catalogue, not from its birth: template_ref and properties are not known, which is not none */
} uns_source;

typedef enum uns_outcome {
    UNS_MAPPED,      /* by rule `rule` to `path` */
    UNS_LITERAL,     /* no path by a rule; `path` is the literal one */
    UNS_IGNORED,     /* by rule `rule` */
    UNS_QUARANTINED, /* no path; `reason` */
    UNS_DROPPED      /* unmapped and not wanted */
} uns_outcome;
const char *uns_outcome_name(uns_outcome o);

typedef struct uns_mapping {
    uns_outcome outcome;
    pt_slice rule; /* id; absent: none matched. Lives as long as the map */
    bool has_class, no_history;
    bool partial; /* the source is, and its path depends on what is not known of it: the result is no path to rely on */
    uns_class cls;
    size_t len;
    char path[UNS_PATH_MAX + 1]; /* NUL-terminated; empty unless MAPPED or LITERAL */
    char reason[128];            /* why a matching rule gave no path, or a literal one is impossible; else empty */
} uns_mapping;
void uns_map_apply(const uns_map *m, const uns_source *s, uns_mapping *out);

/* The same, telling `see` of every rule tried: its captures when it matched ("name=text, ..."), else the slot that did not ("edge"). For
 * `map test`. */
void uns_map_explain(const uns_map *m, const uns_source *s, void (*see)(void *ctx, pt_slice rule, bool matched, const char *text),
                     void *ctx, uns_mapping *out);
#endif
