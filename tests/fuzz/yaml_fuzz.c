/* tests/fuzz/yaml_fuzz.c -- any bytes as a configuration: a tree and a bound structure, or faults with places; never neither. */
#include "base/daemon/config.h"

#include <stdlib.h>

typedef struct item {
    const char *name;
    double low;
    int64_t every_ms;
} item;
typedef struct conf {
    int64_t version;
    int mode;
    bool on;
    uint64_t bytes;
    pt_config_list words, items;
    item inner;
    const pt_yaml_node *rest;
} conf;

static const char *const modes[] = { "fast", "slow", NULL };
static const pt_config_field item_fields[] = {
    { .key = "name", .type = PT_CFG_STRING, .offset = offsetof(item, name), .required = true, .min = 1, .max = 20 },
    { .key = "low", .type = PT_CFG_DOUBLE, .offset = offsetof(item, low), .min = -5, .max = 5 },
    { .key = "every", .type = PT_CFG_DURATION, .offset = offsetof(item, every_ms), .def = "1s", .min = 1, .max = 1e6 },
    { 0 },
};
static const pt_config_field fields[] = {
    { .key = "version", .type = PT_CFG_INT, .offset = offsetof(conf, version), .def = "1" },
    { .key = "mode", .type = PT_CFG_ENUM, .offset = offsetof(conf, mode), .names = modes, .def = "fast" },
    { .key = "on", .type = PT_CFG_BOOL, .offset = offsetof(conf, on) },
    { .key = "bytes", .type = PT_CFG_BYTES, .offset = offsetof(conf, bytes) },
    { .key = "words", .type = PT_CFG_STRINGS, .offset = offsetof(conf, words) },
    { .key = "items", .type = PT_CFG_LIST, .offset = offsetof(conf, items), .sub = item_fields, .size = sizeof(item) },
    { .key = "inner", .type = PT_CFG_SECTION, .offset = offsetof(conf, inner), .sub = item_fields },
    { .key = "rest", .type = PT_CFG_NODE, .offset = offsetof(conf, rest) },
    { 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    conf c;
    pt_config *cfg = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 16 << 20);
    pt_status st = pt_config_load_text("f", pt_slice_of(data, size), fields, &c, sizeof c, NULL, NULL, &cfg, &faults);
    if ((st == PT_OK) != (cfg != NULL)) abort();
    if (st != PT_OK && faults.len == 0 && pt_buf_status(&faults) == PT_OK) abort();
    if (st == PT_OK && (faults.len || (unsigned)c.mode > 1)) abort();
    for (uint32_t i = 0; cfg && i < c.items.n; i++) {
        const item *it = (const item *)c.items.items + i;
        size_t n = strlen(it->name);
        if (n < 1 || n > 20 || it->low < -5 || it->low > 5 || it->every_ms < 1) abort();
    }
    pt_config_free(cfg);
    pt_buf_fini(&faults);
    return 0;
}
