/* tests/host/cli/map_files.h -- a host's configuration with mapping rules, for the tests of `plantree map`. */
#ifndef PT_TEST_MAP_FILES_H
#define PT_TEST_MAP_FILES_H
#include "tests/support/check.h"

#include <stdio.h>

#define MAP_RULES                                                                          \
    "version: 1\n"                                                                         \
    "uns: { tables: { lines: { L1: line-1 } } }\n"                                         \
    "rules:\n"                                                                             \
    "  - { id: plumbing, from: { spb: { metric: 'Node Control/**' } }, action: ignore }\n" \
    "  - { id: press, from: { spb: { group: Lyon, device: '{line}_{m}' } }, to: 'lyon/{line|map(lines)}/{metric...}' }\n"

/* Writes it to host.yaml in a fresh directory; path: 400 bytes. */
static inline void map_file(char *path, const char *text)
{
    snprintf(path, 400, "%s/host.yaml", pt_test_dir());
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}
#endif
