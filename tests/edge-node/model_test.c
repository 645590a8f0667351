/* Building a model: names, ids, aliases, values and limits. */
#include "tests/edge-node/rig.h"

#include <stdio.h>
#include <stdlib.h>

static rig *r;
static void open_rig(void)
{
    static rig storage;
    r = &storage;
    rig_init(r);
}

static edge_model *model(void)
{
    open_rig();
    edge_model *m = rig_model(r, NULL);
    CHECK_OK_FATAL(edge_model_device(m, "d", &r->device, NULL));
    return m;
}

static const spb_payload *born(void)
{
    rig_start(r);
    edge_node_device_online(r->node, r->device);
    rig_connect(r);
    rig_next(r);
    return rig_decode(r, rig_next(r));
}

static void values_that_do_not_fit_are_refused(void)
{
    edge_model *m = model();
    uint32_t small, text, array;
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "small", .type = SPB_INT8 }, &small, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "text", .type = SPB_STRING, .capacity = 4 }, &text, NULL));
    CHECK_OK_FATAL(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "array", .type = SPB_INT32_ARRAY }, &array, NULL));
    born();
    const struct {
        edge_sample s;
        pt_status want;
    } rows[] = { { { .metric = small, .value = { .type = SPB_INT8, .as = { .i64 = 128 } } }, PT_EINVAL },
                 { { .metric = small, .value = { .type = SPB_INT16, .as = { .i64 = 1 } } }, PT_EINVAL },
                 { { .metric = text, .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("12345") } } }, PT_ETOOBIG },
                 { { .metric = text, .value = { .type = SPB_STRING, .as = { .bytes = PT_LIT("\xff") } } }, PT_EINVAL },
                 { { .metric = array, .value = { .type = SPB_INT32_ARRAY, .as = { .bytes = PT_LIT("123") } } }, PT_EINVAL },
                 { { .metric = 99999, .value = { .type = SPB_INT8 } }, PT_EINVAL } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_STATUS(edge_node_set(r->node, &rows[i].s), rows[i].want);
    rig_fini(r);
}

static void names_that_collide_and_ids_that_are_wrong_are_refused_at_load(void)
{
    edge_model *m = model();
    uint32_t x;
    pt_error err = { 0 };
    CHECK_STATUS(edge_model_device(m, "D", &x, &err), PT_EEXISTS); /* differs in case only */
    CHECK_STATUS(edge_model_device(m, "a/b", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "a+b", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "a#", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_device(m, "\xff", &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "", .type = SPB_INT8 }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_PROPERTYSET }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_UNKNOWN }, &x, &err), PT_EINVAL);
    CHECK_STATUS(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "p", .type = SPB_TEMPLATE, .tmpl = "none" }, &x, &err),
                 PT_EINVAL);
    free(r->model_memory);
    m = rig_model(r, NULL);
    CHECK_OK(edge_model_device(m, "d", &r->device, &err));
    CHECK_OK(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "Temp", .type = SPB_INT8 }, &x, &err));
    CHECK_OK(edge_model_metric(m, r->device, &(edge_metric_def){ .name = "temp", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_seal(m, NULL, &err), PT_EEXISTS);
    CHECK(strstr(err.text, "Temp") && strstr(err.text, "temp"));
    free(r->model_memory);
    m = rig_model(r, NULL);
    CHECK_OK(edge_model_metric(m, EDGE_NODE_DEVICE, &(edge_metric_def){ .name = "BDSEQ", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_seal(m, NULL, &err), PT_EEXISTS); /* reserved */
    free(r->model_memory);
    edge_node *n;
    char memory[64];
    rig_model(r, NULL);
    CHECK_OK(edge_model_seal(r->model, NULL, &err));
    static const char *const groups[] = { "", "a/b", "a+", "#", "STATE", "\xc3\x28" };
    for (size_t i = 0; i < PT_COUNT_OF(groups); i++) {
        edge_node_options o = r->options;
        o.group = groups[i];
        CHECK_ROW(groups[i], edge_node_init(memory, sizeof memory, &o, r->model, &n, &err) == PT_EINVAL);
        o.group = "G";
        o.node = i == 4 ? "x/" : groups[i];
        CHECK_ROW(groups[i], edge_node_init(memory, sizeof memory, &o, r->model, &n, &err) == PT_EINVAL);
    }
    free(r->model_memory);
    r->model_memory = NULL;
    pt_arena_fini(&r->arena);
}

static void aliases_are_unique_over_the_whole_node(void)
{
    open_rig();
    edge_model *m = rig_model(r, NULL);
    for (int d = 0; d < 5; d++) {
        char id[8];
        uint32_t device, x;
        snprintf(id, sizeof id, "d%d", d);
        CHECK_OK_FATAL(edge_model_device(m, id, &device, NULL));
        for (int k = 0; k < 20; k++) {
            char name[16];
            snprintf(name, sizeof name, "m%d", k);
            CHECK_OK_FATAL(edge_model_metric(m, device, &(edge_metric_def){ .name = name, .type = SPB_INT8 }, &x, NULL));
        }
    }
    rig_start(r);
    for (uint32_t d = 1; d <= 5; d++)
        edge_node_device_online(r->node, d);
    rig_connect(r);
    bool used[1000] = { false };
    for (const rig_message *msg; (msg = rig_next(r));) {
        const spb_payload *p = rig_decode(r, msg);
        for (uint32_t i = 0; i < p->n_metrics; i++) {
            if (!(p->metrics[i].flags & SPB_HAS_ALIAS)) continue;
            CHECK_FATAL(p->metrics[i].alias < 1000 && !used[p->metrics[i].alias]);
            used[p->metrics[i].alias] = true;
        }
    }
    rig_fini(r);
}

static void limits_are_errors_with_their_names(void)
{
    open_rig();
    pt_error err = { 0 };
    uint32_t x;
    edge_model *m = rig_model(r, &(edge_model_limits){ .devices = 1, .metrics = 2, .templates = 1 });
    CHECK_OK(edge_model_device(m, "a", &x, &err));
    CHECK_STATUS(edge_model_device(m, "b", &x, &err), PT_EFULL);
    CHECK(strstr(err.text, "'devices'") != NULL);
    CHECK_OK(edge_model_metric(m, 1, &(edge_metric_def){ .name = "1", .type = SPB_INT8 }, &x, &err));
    CHECK_OK(edge_model_metric(m, 1, &(edge_metric_def){ .name = "2", .type = SPB_INT8 }, &x, &err));
    CHECK_STATUS(edge_model_metric(m, 1, &(edge_metric_def){ .name = "3", .type = SPB_INT8 }, &x, &err), PT_EFULL);
    CHECK(strstr(err.text, "'metrics'") != NULL);
    char small[4096];
    edge_model *tiny = NULL;
    CHECK_STATUS(edge_model_init(small, sizeof small, NULL, &tiny, &err), PT_ENOMEM);
    free(r->model_memory);
    r->model_memory = NULL;
    pt_arena_fini(&r->arena);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(values_that_do_not_fit_are_refused),
        PT_TEST(names_that_collide_and_ids_that_are_wrong_are_refused_at_load),
        PT_TEST(aliases_are_unique_over_the_whole_node),
        PT_TEST(limits_are_errors_with_their_names),
    };
    return pt_test_main("edge-node/model", tests, PT_COUNT_OF(tests), argc, argv);
}
