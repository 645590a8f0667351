/* tests/uns/map_rig.c */
#include "tests/uns/map_rig.h"

#include <stdio.h>

uns_map *map;

void open_map(uns_empty empty, uns_unmapped unmapped)
{
    map = NULL;
    CHECK_OK_FATAL(uns_map_new(empty, unmapped, &map));
}

void close_map(void)
{
    uns_map_free(map);
    map = NULL;
}

static pt_slice opt(const char *s) /* NULL: absent */
{
    return s ? pt_cstr(s) : PT_NONE;
}

pt_status rule(const char *id, from f, const char *to, const char **field, pt_error *err)
{
    uns_rule_def d = { .id = pt_cstr(id),
                       .group = opt(f.group),
                       .edge = opt(f.edge),
                       .device = opt(f.device),
                       .metric = opt(f.metric),
                       .topic = opt(f.topic),
                       .to = opt(to),
                       .ignore = !to };
    return uns_map_rule(map, &d, field, err);
}

void must_rule(const char *id, from f, const char *to)
{
    const char *field = NULL;
    pt_error err = { 0 };
    pt_status st = rule(id, f, to, &field, &err);
    if (st) printf("    %s: %s at %zu: %s\n", id, field, err.offset, err.text);
    CHECK_ROW(id, st == PT_OK);
}

const uns_mapping *map_source(from f)
{
    static uns_mapping out;
    uns_source s = { .group = opt(f.group),
                     .edge = opt(f.edge),
                     .device = opt(f.device),
                     .metric = opt(f.metric),
                     .topic = opt(f.topic),
                     .type = SPB_DOUBLE };
    uns_map_apply(map, &s, &out);
    return &out;
}
