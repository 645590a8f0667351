/* tests/sparkplug/payload_decoder.c */
#include "tests/sparkplug/payload_cases.h"
#include "tests/sparkplug/vectors.h"

#include <stdlib.h>

enum { ARENA = PAYLOAD_CASES_ARENA };

static payload_decode_fn *decode;

static pt_status decode_hex(const char *hex, pt_arena *arena, spb_payload *out)
{
    char *bytes = pt_arena_alloc(arena, strlen(hex) / 2 + 1);
    CHECK_FATAL(bytes != NULL);
    return decode(pt_unhex(hex, bytes, strlen(hex) / 2), NULL, arena, out, NULL);
}

static void every_vector_is_decoded_without_loss(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(spb_vectors); i++) {
        pt_arena arena;
        pt_buf out;
        spb_payload p;
        pt_arena_init(&arena, ARENA);
        pt_buf_init(&out, 1 << 20);
        CHECK_ROW(spb_vectors[i].name, decode_hex(spb_vectors[i].hex, &arena, &p) == PT_OK);
        CHECK_OK(spb_payload_encode(&p, &out));
        CHECK_HEX(pt_buf_view(&out), spb_vectors[i].hex);
        pt_buf_reset(&out);
        CHECK_OK(spb_payload_encode_pbc(&p, &out));
        CHECK_HEX(pt_buf_view(&out), spb_vectors[i].hex);
        pt_buf_fini(&out);
        pt_arena_fini(&arena);
    }
}

/* The fields of the vectors, so that a decoder and encoder wrong in the same way are caught. */
static void decoded_fields_are_the_vectors_text(void)
{
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, ARENA);
    CHECK_OK_FATAL(decode_hex(spb_vectors[0].hex, &arena, &p)); /* V1 */
    CHECK(!p.has_seq && !p.has_timestamp && p.n_metrics == 1);
    CHECK_STR(p.metrics[0].name, "bdSeq");
    CHECK_INT(p.metrics[0].flags, SPB_HAS_NAME | SPB_HAS_DATATYPE);
    CHECK(p.metrics[0].datatype == SPB_INT64 && p.metrics[0].wire == SPB_WIRE_LONG && p.metrics[0].value.u64 == 7);

    CHECK_OK_FATAL(decode_hex(spb_vectors[1].hex, &arena, &p)); /* V2 */
    CHECK_ROW("tck-id-payloads-timestamp-in-UTC", p.has_timestamp && p.timestamp == 1700000000000);
    CHECK(p.has_seq && p.seq == 0 && p.n_metrics == 2);
    CHECK(p.metrics[1].wire == SPB_WIRE_BOOL && !p.metrics[1].value.boolean);
    CHECK_ROW("tck-id-payloads-metric-timestamp-in-UTC", p.metrics[1].timestamp == 1700000000000);

    CHECK_OK_FATAL(decode_hex(spb_vectors[2].hex, &arena, &p)); /* V3 */
    CHECK(p.n_metrics == 6 && p.metrics[0].value.u32 == 0xFFFFFFD6u && p.metrics[3].value.u32 == UINT32_MAX);
    CHECK(p.metrics[4].alias == 5 && p.metrics[4].wire == SPB_WIRE_DOUBLE && p.metrics[4].value.f64 == 1.5);
    CHECK((p.metrics[5].flags & SPB_IS_NULL) && p.metrics[5].wire == SPB_WIRE_NONE);

    CHECK_OK_FATAL(decode_hex(spb_vectors[3].hex, &arena, &p)); /* V4 */
    CHECK_ROW("tck-id-payloads-alias-data-cmd-requirement", p.metrics[0].flags == (SPB_HAS_ALIAS | SPB_HAS_TIMESTAMP));
    CHECK(p.metrics[0].name.ptr == NULL && p.metrics[0].alias == 5 && p.metrics[0].value.f64 == 2.25);

    CHECK_OK_FATAL(decode_hex(spb_vectors[8].hex, &arena, &p)); /* V9 */
    const spb_property_set *set = p.metrics[0].properties;
    CHECK_FATAL(set && set->n == 2 && !set->mismatch);
    CHECK_STR(set->items[0].key, "Quality");
    CHECK_ROW("tck-id-payloads-propertyset-quality-value-type", set->items[0].has_type && set->items[0].type == SPB_INT32);
    CHECK_ROW("tck-id-payloads-propertyset-quality-value-value", set->items[0].wire == SPB_WIRE_INT && set->items[0].value.u32 == 500);
    CHECK_STR(set->items[1].value.bytes, "degC");
    CHECK_ROW("tck-id-payloads-metric-propertyvalue-type-type", set->items[1].has_type && set->items[1].type == SPB_STRING);
    CHECK(spb_property_find(set, PT_LIT("engUnit")) == &set->items[1]);
    CHECK(spb_property_find(set, PT_LIT("none")) == NULL);

    CHECK_OK_FATAL(decode_hex(spb_vectors[9].hex, &arena, &p)); /* V10 */
    const spb_dataset *ds = p.metrics[0].value.dataset;
    CHECK_ROW("tck-id-payloads-dataset-column-size", ds->has_num_of_columns && ds->num_of_columns == 2);
    CHECK_ROW("tck-id-payloads-dataset-column-num-headers", ds->n_columns == 2 && ds->n_types == 2);
    CHECK_STR(ds->columns[1], "s");
    CHECK_ROW("tck-id-payloads-dataset-types-type", ds->types[0] == SPB_INT32 && ds->types[1] == SPB_STRING);
    CHECK(ds->n_rows == 1 && ds->row_cells[0] == 2 && ds->rows[0][0].value.u32 == (uint32_t)-5);

    CHECK_OK_FATAL(decode_hex(spb_vectors[10].hex, &arena, &p)); /* V11 */
    const spb_template *def = p.metrics[0].value.tmpl, *inst = p.metrics[1].value.tmpl;
    CHECK_ROW("tck-id-payloads-template-definition-is-definition", def->has_is_definition && def->is_definition);
    CHECK_ROW("tck-id-payloads-template-is-definition-definition", def->has_is_definition && def->is_definition);
    CHECK_ROW("tck-id-payloads-template-definition-parameters-default",
              def->n_parameters == 1 && def->parameters[0].cell.wire == SPB_WIRE_INT && def->parameters[0].cell.value.u32 == 4);
    CHECK_ROW("tck-id-payloads-template-parameter-value-type", def->parameters[0].has_type && def->parameters[0].type == SPB_INT32);
    CHECK_ROW("tck-id-payloads-template-definition-ref", def->template_ref.ptr == NULL);
    CHECK_ROW("tck-id-payloads-template-instance-is-definition", inst->has_is_definition && !inst->is_definition);
    CHECK_STR(inst->template_ref, "MotorT");
    CHECK(inst->n_metrics == 1 && inst->metrics[0].value.u32 == 1500 && inst->n_parameters == 1);
    CHECK_STR(inst->parameters[0].name, "pole");
    CHECK_ROW("tck-id-payloads-template-parameter-value", inst->parameters[0].cell.wire == SPB_WIRE_INT);

    CHECK_OK_FATAL(decode_hex(spb_vectors[11].hex, &arena, &p)); /* V12 */
    CHECK(p.n_metrics == 2 && (p.metrics[1].flags & SPB_IS_HISTORICAL) && p.metrics[1].value.f32 == 2.0f);
    pt_arena_fini(&arena);
}

static const struct {
    const char *rule, *hex;
    pt_status want;
} hostile[] = {
    { "empty input", "", PT_EMALFORMED },
    { "truncated length", "12ff", PT_EMALFORMED },
    { "length of 4 GiB", "12ffffffff0f", PT_EMALFORMED },
    { "11-byte varint", "18ffffffffffffffffffff01", PT_EMALFORMED },
    { "10-byte varint", "18ffffffffffffffffff01", PT_OK },
    { "group start without end", "0b", PT_EMALFORMED },
    { "group with end", "33 34", PT_EMALFORMED },
    { "template length cut off", "1203920192", PT_EMALFORMED },
    { "length beyond the enclosing metric", "12020a05", PT_EMALFORMED },
    { "length in six bytes", "12808080808000", PT_EMALFORMED },
    { "field number 0", "0001", PT_EMALFORMED },
    { "field number 0 in a data set that another replaces", "1209 8a0102 8000 8a0100", PT_EMALFORMED },
    { "field number 0 in an extension", "1205 9a0102 0001", PT_EMALFORMED },
    { "a bool that is no varint", "1206 3a0474727565", PT_EMALFORMED },
    { "known field with another wire type", "0d00000000", PT_EMALFORMED },
    { "seq 256: the codec keeps it, the session judges", "188002", PT_OK },
    { "unknown fields of every wire type are skipped", "3001 3900000000000000ff 3a03616263 3d000000ff 1801", PT_OK },
    { "tag encoded longer than needed", "9800 01 188100", PT_OK },
    { "invalid UTF-8 as a name", "12040a02c328", PT_OK },
    { "V9 with 2 keys and 1 value (tck-id-payloads-propertyset-keys-array-size)", "120e 4a0c 0a0161 0a0162 1204 0803 1801", PT_OK },
    { "an extension value with a bad field", "1204 9a01 01 0b", PT_EMALFORMED },
};

static void hostile_input_is_refused_or_skipped(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(hostile); i++) {
        pt_arena arena;
        spb_payload p;
        pt_arena_init(&arena, ARENA);
        CHECK_ROW(hostile[i].rule, decode_hex(hostile[i].hex, &arena, &p) == hostile[i].want);
        pt_arena_fini(&arena);
    }
}

/* Metric -> template -> metric ..., `levels` templates. */
static pt_slice nested_templates(unsigned levels, char *storage, size_t cap)
{
    char *p = storage + cap;
    size_t n = 0;
    for (unsigned i = 0; i <= 2 * levels; i++) {
        unsigned char len[10];
        size_t k = 0, v = n;
        while (v >= 0x80) {
            len[k++] = (unsigned char)(v | 0x80);
            v >>= 7;
        }
        len[k++] = (unsigned char)v;
        p -= k;
        memcpy(p, len, k);
        if (i % 2) { /* around a metric's content: 92 01; around a metric: 12 */
            *--p = 0x01;
            *--p = (char)0x92;
            k += 2;
        } else {
            *--p = 0x12;
            k += 1;
        }
        n += k;
    }
    return pt_slice_of(p, n);
}

static void nesting_is_bounded(void)
{
    static char storage[1 << 20];
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, ARENA);
    CHECK_OK(decode(nested_templates(32, storage, sizeof storage), NULL, &arena, &p, NULL));
    CHECK_STATUS(decode(nested_templates(33, storage, sizeof storage), NULL, &arena, &p, NULL), PT_ETOOBIG);
    CHECK_STATUS(decode(nested_templates(10000, storage, sizeof storage), NULL, &arena, &p, NULL), PT_ETOOBIG);
    pt_arena_fini(&arena);
}

static void limits_fail_the_payload(void)
{
    static const struct {
        const char *what, *hex;
        spb_limits limits;
    } rows[] = {
        { "payload bytes", "12001200", { 3, 10, 10, 10 } },
        { "metrics", "120012001200", { 100, 2, 10, 10 } },
        { "metrics in templates", "1207 9201 04 1200 1200", { 100, 2, 10, 10 } },
        { "rows", "1209 8a01 06 2200 2200 2200", { 100, 10, 2, 10 } },
        { "columns", "1209 8a01 06 1200 1200 1200", { 100, 10, 2, 10 } },
        { "packed types", "1208 8a01 05 1a03 010101", { 100, 10, 2, 10 } },
        { "cells", "120b 8a01 08 2206 0a00 0a00 0a00", { 100, 10, 2, 10 } },
        { "depth of sets", "120a 4a08 1206 4a04 1202 4a00", { 100, 10, 2, 1 } },
        { "no depth at all", "1202 4a00", { 100, 10, 2, 0 } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char bytes[64];
        pt_arena arena;
        spb_payload p;
        pt_arena_init(&arena, ARENA);
        CHECK_ROW(rows[i].what, decode(pt_unhex(rows[i].hex, bytes, sizeof bytes), &rows[i].limits, &arena, &p, NULL) == PT_ETOOBIG);
        pt_arena_fini(&arena);
    }
}

static void a_huge_column_count_allocates_nothing(void)
{
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, 65536);
    CHECK_OK_FATAL(decode_hex("120e 8a010b 08 80808080808080808001", &arena, &p));
    CHECK(p.metrics[0].value.dataset->num_of_columns == (uint64_t)1 << 63);
    pt_arena_fini(&arena);
}

/* As protobuf merges: a second metadata or properties adds to the first, a second oneof member replaces it. */
static void repeated_fields_merge_as_protobuf_does(void)
{
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, ARENA);
    CHECK_OK_FATAL(decode_hex("120c 4a030a0161 4a050a01621200", &arena, &p));
    CHECK_INT(p.metrics[0].properties->n, 1);
    CHECK(p.metrics[0].properties->mismatch);
    CHECK_STR(p.metrics[0].properties->items[0].key, "a");
    CHECK_OK_FATAL(
        decode_hex("120a 4203120161 42031805 ", &arena, &p) == PT_EMALFORMED ? PT_OK : PT_EINVAL); /* the second length is one too long */
    CHECK_OK_FATAL(decode_hex("1209 4203120161 42021805", &arena, &p));
    CHECK_STR(p.metrics[0].metadata->content_type, "a");
    CHECK_INT(p.metrics[0].metadata->size, 5);
    CHECK_OK_FATAL(decode_hex("1207 5005 7a0161 20 01", &arena, &p));
    CHECK(p.metrics[0].wire == SPB_WIRE_STRING);
    pt_arena_fini(&arena);
}

static void strings_keep_embedded_nul_and_emptiness(void)
{
    pt_arena arena;
    pt_buf out;
    spb_payload p;
    const char *hex = "120a0a03610062 7a03 780079 120a 0a00 7a00 4a04 0a00 1200";
    pt_arena_init(&arena, ARENA);
    pt_buf_init(&out, 1000);
    CHECK_OK_FATAL(decode_hex(hex, &arena, &p));
    CHECK_INT(p.metrics[0].name.len, 3);
    CHECK_INT(p.metrics[0].value.bytes.len, 3);
    CHECK(p.metrics[1].name.ptr && p.metrics[1].name.len == 0 && (p.metrics[1].flags & SPB_HAS_NAME));
    CHECK(p.uuid.ptr == NULL);
    pt_buf_fini(&out);
    pt_arena_fini(&arena);
}

static void invalid_utf8_is_flagged_and_kept(void)
{
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, ARENA);
    CHECK_OK_FATAL(decode_hex("12040a02c328 12040a02c3a4 12047a02c328 1205 8201 02 c328", &arena, &p));
    CHECK(p.metrics[0].flags & SPB_BAD_UTF8);
    CHECK_HEX(p.metrics[0].name, "c328");
    CHECK(!(p.metrics[1].flags & SPB_BAD_UTF8));
    CHECK(p.metrics[2].flags & SPB_BAD_UTF8);
    CHECK(!(p.metrics[3].flags & SPB_BAD_UTF8)); /* bytes are not text */
    CHECK_OK_FATAL(decode_hex("12100a0e 6c6f6e676572207468616e2038ff", &arena, &p));
    CHECK(p.metrics[0].flags & SPB_BAD_UTF8);
    pt_arena_fini(&arena);
}

static void a_failing_arena_gives_no_memory_and_nothing_else(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(spb_vectors); i++) {
        char bytes[256];
        pt_slice in = pt_unhex(spb_vectors[i].hex, bytes, sizeof bytes);
        pt_status st = PT_ENOMEM;
        size_t limit = 0;
        for (; st == PT_ENOMEM && limit < 65536; limit += 16) {
            pt_arena arena;
            spb_payload p;
            pt_arena_init(&arena, limit);
            st = decode(in, NULL, &arena, &p, NULL);
            pt_arena_fini(&arena);
        }
        CHECK_ROW(spb_vectors[i].name, st == PT_OK);
    }
}

static void a_refusal_says_why_and_where(void)
{
    static const struct {
        const char *hex;
        size_t most;
    } rows[] = { { "1801 120a 0a05", 6 }, { "1801 0b", 3 }, { "1801 0001", 4 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char bytes[16];
        pt_arena arena;
        spb_payload p = { .seq = 99 };
        pt_error err = { 0 };
        pt_arena_init(&arena, ARENA);
        CHECK_ROW(rows[i].hex, decode(pt_unhex(rows[i].hex, bytes, sizeof bytes), NULL, &arena, &p, &err) == PT_EMALFORMED);
        CHECK_ROW(rows[i].hex, err.text[0] != '\0' && err.offset <= rows[i].most);
        CHECK_ROW(rows[i].hex, p.seq == 99); /* written on success only */
        pt_arena_fini(&arena);
    }
}

static const pt_test shared[] = {
    PT_TEST(every_vector_is_decoded_without_loss),
    PT_TEST(decoded_fields_are_the_vectors_text),
    PT_TEST(hostile_input_is_refused_or_skipped),
    PT_TEST(nesting_is_bounded),
    PT_TEST(limits_fail_the_payload),
    PT_TEST(a_huge_column_count_allocates_nothing),
    PT_TEST(repeated_fields_merge_as_protobuf_does),
    PT_TEST(strings_keep_embedded_nul_and_emptiness),
    PT_TEST(invalid_utf8_is_flagged_and_kept),
    PT_TEST(a_failing_arena_gives_no_memory_and_nothing_else),
    PT_TEST(a_refusal_says_why_and_where),
};

int payload_decoder_main(const char *suite, payload_decode_fn *fn, const pt_test *more, size_t n, int argc, char **argv)
{
    pt_test all[32];
    decode = fn;
    if (PT_COUNT_OF(shared) + n > PT_COUNT_OF(all)) abort();
    memcpy(all, shared, sizeof shared);
    memcpy(all + PT_COUNT_OF(shared), more, n * sizeof *more);
    return pt_test_main(suite, all, PT_COUNT_OF(shared) + n, argc, argv);
}
