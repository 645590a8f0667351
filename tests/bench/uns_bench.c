/* tests/bench/uns_bench.c -- current values into the tree: a message's batch, against the plain stores it stands for. */
#include "tests/bench/bench.h"
#include "tests/bench/generate.h"
#include "uns/uns.h"

#include <pthread.h>
#include <stdlib.h>

enum { TAGS = 100000, BATCH = 20 };

typedef struct uns_case {
    uns_tree *tree;
    uns_update *updates; /* ring of `n` batches */
    size_t n;
    struct plain {
        spb_value value;
        int64_t time_ms;
        spb_quality quality;
    } * plain;
    pthread_mutex_t lock;
    unsigned rounds;
} uns_case;

static double apply_tree(void *ctx, pt_error *err)
{
    uns_case *c = ctx;
    (void)err;
    double t = bench_now();
    for (unsigned r = 0; r < c->rounds; r++) {
        for (size_t i = 0; i < c->n; i++)
            uns_apply(c->tree, &c->updates[i * BATCH], BATCH);
    }
    return (double)(c->rounds * c->n * BATCH) / (bench_now() - t);
}

static double apply_plain(void *ctx, pt_error *err)
{
    uns_case *c = ctx;
    (void)err;
    double t = bench_now();
    for (unsigned r = 0; r < c->rounds; r++) {
        for (size_t i = 0; i < c->n; i++) {
            (void)pthread_mutex_lock(&c->lock);
            for (size_t k = 0; k < BATCH; k++) {
                const uns_update *u = &c->updates[i * BATCH + k];
                c->plain[u->tag_id] = (struct plain){ u->value, u->time_ms, u->quality };
            }
            (void)pthread_mutex_unlock(&c->lock);
        }
    }
    return (double)(c->rounds * c->n * BATCH) / (bench_now() - t);
}

static pt_status plant(uns_case *c, uint64_t seed)
{
    gen_mixed g;
    pt_status st = gen_mixed_init(&g, seed, TAGS, INT64_C(1763848992000), 1000);
    for (uint32_t id = 1; !st && id <= TAGS; id++) {
        char path[64], metric[32];
        snprintf(path, sizeof path, "plant/gw-%u/machine-%u/Value%u", id / 1000, id / 100 % 10, id % 100);
        snprintf(metric, sizeof metric, "Value%u", id);
        uns_tag_def d = { .tag_id = id,
                          .path = pt_cstr(path),
                          .group = PT_LIT("plant"),
                          .edge = PT_LIT("gw"),
                          .device = PT_LIT("machine"),
                          .metric = pt_cstr(metric),
                          .type = gen_mixed_type(id) };
        st = uns_tag_put(c->tree, &d);
    }
    /* Messages of a node carry neighbours: 20 tags in a row, nodes in random order. */
    pt_random r = pt_random_seed(seed);
    for (size_t i = 0; !st && i < c->n; i++) {
        uint32_t first = (uint32_t)pt_random_below(&r, TAGS / BATCH) * BATCH;
        for (uint32_t k = 0; k < BATCH; k++) {
            hist_sample s;
            uns_update *u = &c->updates[i * BATCH + k];
            gen_mixed_next(&g, first + k + 1, &s);
            *u = (uns_update){ .tag_id = s.tag_id, .quality = (spb_quality)s.quality, .time_ms = s.time_ms, .value = { .type = s.type } };
            memcpy(&u->value.as, &s.as, sizeof s.as);
        }
    }
    gen_mixed_fini(&g);
    return st;
}

static pt_status run_uns(bench_run *run, pt_error *err)
{
    uns_case c = { .n = 5000, .rounds = run->quick ? 10 : 40, .lock = PTHREAD_MUTEX_INITIALIZER };
    c.updates = calloc(c.n * BATCH, sizeof *c.updates);
    c.plain = calloc(TAGS + 1, sizeof *c.plain);
    pt_status st = c.updates && c.plain ? uns_tree_new(&c.tree) : PT_ENOMEM;
    if (!st) st = plant(&c, run->seed);
    if (st) {
        (void)pt_fail(err, st, "the tree could not be set up");
    } else {
        bench_case k = { .name = "uns",
                         .variant = "apply-20",
                         .goal = "",
                         .unit = "values/s",
                         .input = "100,000 tags of the mixed set, batches of 20 neighbouring tags, nodes in random order",
                         .ours = "uns_apply",
                         .reference = "plain stores into an array of values under a mutex" };
        st = bench_compare(run, &k, apply_tree, apply_plain, &c, err);
    }
    uns_tree_free(c.tree);
    free(c.updates);
    free(c.plain);
    return st;
}

const bench_entry uns_bench[] = { { "uns", "current values into the tree against plain stores", run_uns }, { 0 } };
