/* tests/sparkplug/payload_encoder.c */
#include "tests/sparkplug/payload_cases.h"
#include "tests/sparkplug/payload_compare.h"
#include "tests/sparkplug/vectors.h"

#include <stdlib.h>

static payload_encode_fn *encode;

static void decode_vector(size_t i, pt_arena *arena, spb_payload *out)
{
    size_t n = strlen(spb_vectors[i].hex) / 2;
    char *bytes = pt_arena_alloc(arena, n + 1);
    CHECK_FATAL(bytes != NULL);
    CHECK_OK_FATAL(spb_payload_decode(pt_unhex(spb_vectors[i].hex, bytes, n), NULL, arena, out, NULL));
}

static void every_vector_is_encoded_byte_for_byte(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(spb_vectors); i++) {
        pt_arena arena;
        pt_buf out;
        spb_payload p;
        pt_arena_init(&arena, PAYLOAD_CASES_ARENA);
        pt_buf_init(&out, 1 << 20);
        decode_vector(i, &arena, &p);
        CHECK_OK(encode(&p, &out));
        CHECK_HEX(pt_buf_view(&out), spb_vectors[i].hex);
        pt_buf_fini(&out);
        pt_arena_fini(&arena);
    }
}

static void a_too_small_buffer_fails_cleanly(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(spb_vectors); i++) {
        pt_arena arena;
        spb_payload p;
        pt_arena_init(&arena, PAYLOAD_CASES_ARENA);
        decode_vector(i, &arena, &p);
        size_t need = strlen(spb_vectors[i].hex) / 2;
        for (size_t max = 0; max <= need; max++) {
            pt_buf out;
            pt_buf_init(&out, max);
            CHECK_ROW(spb_vectors[i].name, encode(&p, &out) == (max < need ? PT_ETOOBIG : PT_OK));
            pt_buf_fini(&out);
        }
        pt_arena_fini(&arena);
    }
}

static void long_and_nested_messages_get_long_lengths(void)
{
    char name[300];
    pt_buf out;
    pt_arena arena;
    memset(name, 'n', sizeof name);
    pt_arena_init(&arena, PAYLOAD_CASES_ARENA);
    pt_buf_init(&out, 1 << 20);
    for (size_t len = 100; len <= sizeof name; len++) {
        spb_metric inner = { .name = { name, len }, .flags = SPB_HAS_NAME, .wire = SPB_WIRE_INT, .value.u32 = 5 };
        spb_template t = { .metrics = &inner, .n_metrics = 1, .template_ref = { name, len / 2 } };
        spb_metric outer[2] = { inner, { .wire = SPB_WIRE_TEMPLATE, .value.tmpl = &t } };
        spb_payload p = { .metrics = outer, .n_metrics = 2 }, back;
        pt_buf_reset(&out);
        CHECK_OK(encode(&p, &out));
        CHECK(payload_codecs_disagree(pt_buf_view(&out), NULL, PAYLOAD_CASES_ARENA) == NULL);
        CHECK_OK_FATAL(spb_payload_decode(pt_buf_view(&out), NULL, &arena, &back, NULL));
        CHECK(payload_difference(&p, &back) == NULL);
        pt_arena_reset(&arena);
    }
    pt_buf_fini(&out);
    pt_arena_fini(&arena);
}

static void what_is_there_already_stays(void)
{
    spb_payload p = { .seq = 5, .has_seq = true };
    pt_buf out;
    pt_buf_init(&out, 100);
    pt_buf_cstr(&out, "x");
    CHECK_OK(encode(&p, &out));
    CHECK_HEX(pt_buf_view(&out), "78 1805");
    pt_buf_fini(&out);
}

static void zeros_are_written_and_absent_fields_are_not(void)
{
    spb_metric m[2] = { { .flags = SPB_HAS_NAME | SPB_HAS_ALIAS | SPB_HAS_HISTORICAL | SPB_HAS_TRANSIENT | SPB_HAS_NULL,
                          .name = PT_LIT(""),
                          .wire = SPB_WIRE_INT },
                        { .name = PT_LIT("not said"), .alias = 7, .timestamp = 8, .datatype = 9 } };
    spb_payload p = { .has_timestamp = true, .has_seq = true, .metrics = m, .n_metrics = 2 };
    pt_buf out;
    pt_buf_init(&out, 100);
    CHECK_OK(encode(&p, &out));
    CHECK_HEX(pt_buf_view(&out), "0800 120c 0a00 1000 2800 3000 3800 5000 1200 1800");
    pt_buf_reset(&out);
    CHECK_OK(encode(&(spb_payload){ 0 }, &out));
    CHECK_INT(out.len, 0);
    pt_buf_fini(&out);
}

static void every_value_goes_into_its_field(void)
{
    spb_property_set empty = { 0 };
    spb_property_sets one = { &empty, 1 };
    spb_property items[] = {
        { .key = PT_LIT("s"), .has_type = true, .type = SPB_PROPERTYSET, .wire = SPB_WIRE_PROPERTYSET, .value.set = &empty },
        { .key = PT_LIT("l"), .wire = SPB_WIRE_PROPERTYSETS, .value.sets = &one },
        { .key = PT_LIT("n"), .is_null = true }
    };
    const struct {
        const char *what, *hex;
        spb_metric m;
    } rows[] = {
        { "int", "1206 50ffffffff0f", { .wire = SPB_WIRE_INT, .value.u32 = UINT32_MAX } },
        { "long", "120b 58ffffffffffffffffff01", { .wire = SPB_WIRE_LONG, .value.u64 = UINT64_MAX } },
        { "float", "1205 65 0000c03f", { .wire = SPB_WIRE_FLOAT, .value.f32 = 1.5f } },
        { "double", "1209 69 000000000000f83f", { .wire = SPB_WIRE_DOUBLE, .value.f64 = 1.5 } },
        { "boolean", "1202 7001", { .wire = SPB_WIRE_BOOL, .value.boolean = true } },
        { "string", "1203 7a0161", { .wire = SPB_WIRE_STRING, .value.bytes = PT_LIT("a") } },
        { "bytes", "1204 82010100", { .wire = SPB_WIRE_BYTES, .value.bytes = PT_LIT("\0") } },
        { "metadata", "1204 42021805", { .metadata = &(spb_metadata){ .has_size = true, .size = 5 } } },
        { "an empty property set", "1202 4a00", { .properties = &empty } },
        { "property sets",
          "121b 4a19 0a0173 0a016c 0a016e 1204 0814 4a00 1204 52020a00 1202 1001",
          { .properties = &(spb_property_set){ items, 3, false } } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_metric m = rows[i].m;
        spb_payload p = { .metrics = &m, .n_metrics = 1 }, back;
        pt_arena arena;
        pt_buf out;
        pt_arena_init(&arena, PAYLOAD_CASES_ARENA);
        pt_buf_init(&out, 200);
        CHECK_ROW(rows[i].what, encode(&p, &out) == PT_OK);
        CHECK_HEX(pt_buf_view(&out), rows[i].hex);
        CHECK_ROW(rows[i].what, spb_payload_decode(pt_buf_view(&out), NULL, &arena, &back, NULL) == PT_OK);
        CHECK_ROW(rows[i].what, payload_difference(&p, &back) == NULL);
        pt_buf_fini(&out);
        pt_arena_fini(&arena);
    }
}

static const pt_test shared[] = {
    PT_TEST(every_vector_is_encoded_byte_for_byte),       PT_TEST(a_too_small_buffer_fails_cleanly),
    PT_TEST(long_and_nested_messages_get_long_lengths),   PT_TEST(what_is_there_already_stays),
    PT_TEST(zeros_are_written_and_absent_fields_are_not), PT_TEST(every_value_goes_into_its_field),
};

int payload_encoder_main(const char *suite, payload_encode_fn *fn, const pt_test *more, size_t n, int argc, char **argv)
{
    pt_test all[32];
    encode = fn;
    if (PT_COUNT_OF(shared) + n > PT_COUNT_OF(all)) abort();
    memcpy(all, shared, sizeof shared);
    if (n) memcpy(all + PT_COUNT_OF(shared), more, n * sizeof *more);
    return pt_test_main(suite, all, PT_COUNT_OF(shared) + n, argc, argv);
}
