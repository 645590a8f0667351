/* uns/map_internal.h -- compiled patterns and templates. All memory is the map's arena. */
#ifndef UNS_MAP_INTERNAL_H
#define UNS_MAP_INTERNAL_H
#include "base/arena.h"
#include "base/map.h"
#include "uns/internal.h"
#include "uns/map.h"

enum { UNS__LIST_MAX = UNS_DEPTH_MAX, UNS__SCRATCH = 16 * 1024, UNS__ANONYMOUS = 255 };

typedef enum uns__text_class { UNS__ANY, UNS__INT, UNS__ALNUM, UNS__WORD, UNS__HEX, UNS__UUID } uns__text_class;

typedef struct uns__names_of_rule { /* captures of one rule, over all its slots */
    pt_slice name[UNS_CAPTURES_MAX];
    uint8_t n;
} uns__captures;

/* ---- map_pattern.c ---- */
typedef struct uns__item {
    enum { UNS__IS_LITERAL, UNS__IS_ONE, UNS__IS_REST } kind;
    pt_slice text;   /* literal */
    uint8_t cls;     /* uns__text_class */
    uint8_t capture; /* index, or UNS__ANONYMOUS */
} uns__item;
typedef struct uns__pattern {
    uns__item *items;
    uint32_t n;
    uint64_t stop[4]; /* D, and '/' in metrics and topics: bit per byte */
} uns__pattern;
PT_MUST_CHECK pt_status uns__pattern_parse(pt_arena *a, pt_slice text, bool slashes, uns__captures *names, uns__pattern *out,
                                           pt_error *err);
/* `taken[i]`: text of capture i; ptr NULL while free. Left half-filled when it does not match. */
bool uns__pattern_match(const uns__pattern *p, pt_slice text, pt_slice *taken);
/* Everything `b` matches `a` matches too; may say no when in doubt. */
bool uns__pattern_covers(const uns__pattern *a, const uns__pattern *b);

/* ---- map_template.c ---- */
typedef struct uns__template uns__template;
PT_MUST_CHECK pt_status uns__template_parse(uns_map *m, pt_slice text, const uns__captures *names, uns__template **out, pt_error *err);
/* Write the path; false with out->reason. */
bool uns__template_apply(const uns_map *m, const uns__template *t, const uns_source *s, const pt_slice *taken, uns_mapping *out);

/* ---- map.c ---- */
enum { UNS__GROUP, UNS__EDGE, UNS__DEVICE, UNS__METRIC, UNS__TOPIC, UNS__SLOTS };
typedef struct uns__rule {
    uns_rule_def def;               /* strings in the arena */
    uns__pattern *slot[UNS__SLOTS]; /* NULL: anything */
    uns__captures names;
    uns__template *to;
} uns__rule;
struct uns_map {
    pt_arena arena;
    uns_empty empty;
    uns_unmapped on_unmapped;
    pt_map vars, entries; /* name -> pt_slice *; "table\0key" -> pt_slice * */
    pt_map tables;        /* names of tables */
    uns__rule **rules;
    uint32_t n, cap;
};
const pt_slice *uns__map_var(const uns_map *m, pt_slice name);
bool uns__map_has_table(const uns_map *m, pt_slice table);
const pt_slice *uns__map_entry_of(const uns_map *m, pt_slice table, pt_slice key);

/* ---- path.c ---- */
/* A path out of names: each escaped, empty ones by `empty`, our own words (`_sparkplug` ...) escaped too unless `own`. */
typedef struct uns__path {
    char *buf; /* UNS_PATH_MAX + 1 bytes */
    size_t len;
    unsigned depth;
    uns_empty empty;
    const char *fault; /* the first thing wrong; a static text */
} uns__path;
void uns__path_add(uns__path *p, pt_slice name, bool own);
#endif
