/* tests/edge-node/load.h -- edge.yaml from a text, loaded and built; for the tests of its parts. Included once per program. */
#ifndef EDGE_TEST_LOAD_H
#define EDGE_TEST_LOAD_H
#include "edge-node/config.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD "version: 1\nnode: { group: G, id: E }\nmqtt: { servers: ['tcp://127.0.0.1:1'] }\n"

static inline const char *write_file(const char *name, const char *text)
{
    static char file[300];
    static const char *dir; /* one for all files, so that they find each other */
    if (!dir) dir = pt_test_dir();
    snprintf(file, sizeof file, "%s/%s", dir, name);
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f != NULL);
    fputs(text, f);
    CHECK_FATAL(fclose(f) == 0);
    return file;
}

typedef struct loaded {
    edge_config_file *file;
    edge_setup *setup;
    pt_buf faults;
    pt_status st;
    char path[300];
} loaded;

static inline loaded load(const char *text)
{
    static int made;
    loaded l = { 0 };
    char name[32];
    pt_buf_init(&l.faults, 1 << 20);
    snprintf(name, sizeof name, "edge%d.yaml", made++);
    snprintf(l.path, sizeof l.path, "%s", write_file(name, text));
    l.st = edge_config_load(l.path, &l.file, &l.faults);
    if (l.st == PT_OK) l.st = edge_setup_build(l.file, NULL, pt_clock_system(), NULL, &l.setup, &l.faults);
    return l;
}

static inline void unload(loaded *l)
{
    edge_setup_free(l->setup);
    edge_config_free(l->file);
    pt_buf_fini(&l->faults);
}
#endif
