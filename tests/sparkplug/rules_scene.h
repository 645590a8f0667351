/* tests/sparkplug/rules_scene.h -- a right session of an edge node, to be changed in one place and judged. */
#ifndef TESTS_SPARKPLUG_RULES_SCENE_H
#define TESTS_SPARKPLUG_RULES_SCENE_H
#include "sparkplug/rules.h"
#include "tests/support/check.h"

#define NOW UINT64_C(1700000000000)

/* A right session: NBIRTH with a property set, a data set, a template definition and an instance; DBIRTH; then DATA of both, a command,
 * deaths. */
typedef struct scene {
    spb_metric node[7], member_def[2], member[2], device[3], ndata[2], ddata[2], cmd[1], death[1], will[1];
    spb_template def, inst;
    spb_parameter param_def, param;
    spb_property props[2];
    spb_property_set set;
    pt_slice columns[2];
    uint32_t types[2], row_cells[1];
    spb_cell cells[2], *rows[1];
    spb_dataset ds;
    spb_payload nbirth, dbirth, p_ndata, p_ddata, p_ncmd, ddeath, ndeath, p_will;
    spb_delivery will_delivery, delivery;
} scene;

typedef struct findings {
    char rules[4096];
    int n, advice;
} findings;

/* The scene is its own place: its members point to each other. */
void scene_init(scene *s);
/* A session; which messages is said by the verbs, 'w' being the Will: "wNDndcex" (lower case: data, command, deaths). */
findings scene_play(const scene *s, const char *script);
bool findings_have(const char *rules, pt_slice rule);

#define SCENE_SESSION "wNDndcCex"

/* A row: one change of the scene, and the rules it breaks, separated by blanks; all must be found. */
typedef struct scene_change {
    const char *rules;
    void (*change)(scene *s);
} scene_change;
void scene_expect(const scene_change *rows, size_t n);

#define CHANGE(name, ...)      \
    static void name(scene *s) \
    {                          \
        __VA_ARGS__;           \
    }
#endif
