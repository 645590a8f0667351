/* tests/bench/codec_bench.c -- our payload reader and writer against protobuf-c (P1, P2). */
#include "sparkplug_b_bytes.pb-c.h"
#include "tests/bench/bench.h"
#include "tests/bench/generate.h"

#include <stdlib.h>

enum { VARIETY = 64 }; /* different messages in turn, so that no branch predictor learns one by heart */

typedef struct codec_case {
    pt_slice wire[VARIETY];
    spb_payload model[VARIETY];
    Spb__Pbc__Payload *pbc[VARIETY];
    pt_arena models, arena;
    pt_buf out;
    uint8_t *packed;
    size_t packed_cap;
    unsigned rounds;
    uint32_t metrics;
} codec_case;

static double decode_ours(void *ctx, pt_error *err)
{
    codec_case *c = ctx;
    double t = bench_now();
    for (unsigned r = 0; r < c->rounds; r++) {
        for (unsigned i = 0; i < VARIETY; i++) {
            spb_payload p;
            pt_arena_reset(&c->arena);
            if (spb_payload_decode(c->wire[i], &spb_limits_default, &c->arena, &p, err)) return -1;
            bench_keep((uint64_t)(uintptr_t)p.metrics);
        }
    }
    return (double)c->rounds * VARIETY * c->metrics / (bench_now() - t) / 1e6;
}

static double decode_pbc(void *ctx, pt_error *err)
{
    codec_case *c = ctx;
    double t = bench_now();
    for (unsigned r = 0; r < c->rounds; r++) {
        for (unsigned i = 0; i < VARIETY; i++) {
            Spb__Pbc__Payload *p = spb__pbc__payload__unpack(NULL, c->wire[i].len, (const uint8_t *)c->wire[i].ptr);
            if (!p) return (void)pt_fail(err, PT_EMALFORMED, "protobuf-c refuses a message"), -1;
            spb__pbc__payload__free_unpacked(p, NULL);
        }
    }
    return (double)c->rounds * VARIETY * c->metrics / (bench_now() - t) / 1e6;
}

static double encode_ours(void *ctx, pt_error *err)
{
    codec_case *c = ctx;
    double t = bench_now();
    for (unsigned r = 0; r < c->rounds; r++) {
        for (unsigned i = 0; i < VARIETY; i++) {
            pt_buf_reset(&c->out);
            if (spb_payload_encode(&c->model[i], &c->out)) return (void)pt_fail(err, PT_ENOMEM, "encode"), -1;
            bench_keep(c->out.len);
        }
    }
    return (double)c->rounds * VARIETY * c->metrics / (bench_now() - t) / 1e6;
}

static double encode_pbc(void *ctx, pt_error *err)
{
    codec_case *c = ctx;
    double t = bench_now();
    (void)err;
    for (unsigned r = 0; r < c->rounds; r++) {
        for (unsigned i = 0; i < VARIETY; i++) { /* its way: ask for the size, then pack into that much room */
            if (spb__pbc__payload__get_packed_size(c->pbc[i]) > c->packed_cap) return -1;
            bench_keep(spb__pbc__payload__pack(c->pbc[i], c->packed));
        }
    }
    return (double)c->rounds * VARIETY * c->metrics / (bench_now() - t) / 1e6;
}

static void fini(codec_case *c)
{
    for (unsigned i = 0; i < VARIETY; i++) {
        if (c->pbc[i]) spb__pbc__payload__free_unpacked(c->pbc[i], NULL);
    }
    pt_arena_fini(&c->models);
    pt_arena_fini(&c->arena);
    pt_buf_fini(&c->out);
    free(c->packed);
}

static pt_status init(codec_case *c, uint64_t seed, bool birth, unsigned rounds, pt_error *err)
{
    pt_random r = pt_random_seed(seed);
    *c = (codec_case){ .rounds = rounds, .metrics = birth ? 1000 : 20 };
    pt_arena_init(&c->models, 512u << 20);
    pt_arena_init(&c->arena, 64u << 20);
    pt_buf_init(&c->out, 16u << 20);
    for (unsigned i = 0; i < VARIETY; i++) {
        pt_status st = birth ? gen_birth(&c->models, &r, 1000, &c->model[i]) : gen_data(&c->models, &r, 20, false, &c->model[i]);
        pt_buf_reset(&c->out);
        if (!st) st = spb_payload_encode(&c->model[i], &c->out);
        if (!st) c->wire[i] = pt_arena_dup(&c->models, pt_buf_view(&c->out));
        if (!st && c->wire[i].ptr) c->pbc[i] = spb__pbc__payload__unpack(NULL, c->wire[i].len, (const uint8_t *)c->wire[i].ptr);
        if (st || !c->pbc[i]) return pt_fail(err, PT_ENOMEM, "messages could not be made");
        if (c->wire[i].len > c->packed_cap) c->packed_cap = c->wire[i].len;
    }
    c->packed = malloc(c->packed_cap * 2);
    return c->packed ? PT_OK : pt_fail(err, PT_ENOMEM, "buffer");
}

static pt_status measure(bench_run *run, bool birth, pt_error *err)
{
    codec_case c;
    unsigned rounds = (birth ? 30u : 4000u) / (run->quick ? 2 : 1);
    pt_status st = init(&c, run->seed, birth, rounds, err);
    bench_case k = {
        .name = "codec", .unit = "M metrics/s", .ours = "spb_payload_decode, UTF-8 checked", .reference = "protobuf-c with malloc"
    };
    k.variant = birth ? "decode-birth-1000" : "decode-data-20";
    k.goal = "P1";
    k.target = birth ? 5 : 3.5;
    k.input = birth ? "BIRTH of 1000 metrics: name, alias, datatype, timestamp, value, four properties"
                    : "DATA of 20 metrics by alias: random types and varint lengths, timestamps";
    if (!st) st = bench_compare(run, &k, decode_ours, decode_pbc, &c, err);
    k.variant = birth ? "encode-birth-1000" : "encode-data-20";
    k.goal = birth ? "" : "P2";
    k.target = birth ? 0 : 5;
    k.ours = "spb_payload_encode";
    k.reference = "protobuf-c: packed size, then pack";
    if (!st) st = bench_compare(run, &k, encode_ours, encode_pbc, &c, err);
    fini(&c);
    return st;
}

static pt_status run_codec(bench_run *run, pt_error *err)
{
    pt_status st = measure(run, false, err);
    return st ? st : measure(run, true, err);
}

const bench_entry codec_bench[] = { { "codec", "payload decoder and encoder against protobuf-c", run_codec }, { 0 } };
