/* tests/host/cli/decode_wire_test.c -- fields by name, place and bytes; damage by place and path. */
#include "host/cli/decode.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void path_is(const decode_wire *w, size_t i, const char *want, size_t offset)
{
    char path[DECODE_PATH_MAX] = "";
    CHECK_FATAL(i < w->n);
    decode_path(w, i, path);
    CHECK_ROW(want, strcmp(path, want) == 0);
    CHECK_ROW(want, w->fields[i].offset == offset);
}

static void fields_stand_in_wire_order_with_path_and_offset(void)
{
    char room[64];
    decode_wire w;
    pt_slice p = pt_unhex("08 01  12 04 0a 02 68 69  12 0b 4a 09 0a 01 6b 12 04 08 03 18 05  18 07  4a 01 ff", room, sizeof room);
    CHECK_OK_FATAL(decode_wire_read(&w, p));
    CHECK(!w.damaged);
    CHECK_INT(w.n, 11);
    path_is(&w, 0, "timestamp", 0);
    path_is(&w, 1, "metrics[0]", 2);
    path_is(&w, 2, "metrics[0].name", 4);
    path_is(&w, 3, "metrics[1]", 8);
    path_is(&w, 4, "metrics[1].properties", 10);
    path_is(&w, 5, "metrics[1].properties.keys[0]", 12);
    path_is(&w, 7, "metrics[1].properties.values[0].type", 17);
    path_is(&w, 10, "#9", 23);
    CHECK(w.fields[10].known == NULL && w.fields[10].wire_type == 2);
    CHECK_HEX(decode_bytes(&w, &w.fields[10]), "4a01ff");
    CHECK_INT(decode_metric(&w, 1), 3);
    CHECK_INT(decode_metric(&w, 0), 1);
    CHECK(decode_metric(&w, 2) == DECODE_TOP);
    CHECK_INT(decode_find(&w, DECODE_TOP, "seq"), 9);
    CHECK_INT(decode_find(&w, 1, "name"), 2);
    CHECK(decode_find(&w, 1, "alias") == DECODE_TOP);
    decode_wire_free(&w);
}

static void values_read_as_the_schema_has_them(void)
{
    static const struct {
        const char *hex, *says;
        size_t field;
    } rows[] = {
        { "0880d095ffbc31", "1700000000000 = 2023-11-14T22:13:20.000Z", 0 },
        { "1202200b", "11 = Boolean", 1 },
        { "12027001", "1 = true", 1 },
        { "12056500009040", "4.5", 1 },
        { "120969000000000000f8bf", "-1.5", 1 },
        { "12040a02c328", "\"\\xc3(\" (not UTF-8)", 1 },
        { "12050a03221b41", "\"\\\"\\x1bA\"", 1 },
        { "120b50ffffffffffffffffff01", "18446744073709551615 = 4294967295 in the field's 32 bits", 1 },
        { "2a020102", "0102", 0 },
        { "3d01000000", "0x00000001", 0 },
        { "390100000000000000", "0x0000000000000001", 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char room[64];
        decode_wire w;
        pt_buf text;
        pt_buf_init(&text, 1 << 16);
        CHECK_OK_FATAL(decode_wire_read(&w, pt_unhex(rows[i].hex, room, sizeof room)));
        CHECK_ROW(rows[i].hex, !w.damaged && rows[i].field < w.n);
        if (rows[i].field < w.n) decode_value_text(&w, &w.fields[rows[i].field], &text);
        CHECK_STR(pt_buf_view(&text), rows[i].says);
        pt_buf_fini(&text);
        decode_wire_free(&w);
    }
}

static void damage_is_named_by_byte_and_field(void)
{
    static const struct {
        const char *hex, *path, *why;
        size_t at;
    } rows[] = {
        { "", "payload", "empty", 0 },
        { "80", "payload", "tag does not end", 0 },
        { "0880", "timestamp", "does not end", 1 },
        { "08ffffffffffffffffffff01", "timestamp", "10 bytes", 1 },
        { "0a00", "timestamp", "wire type 2 (bytes)", 0 },
        { "0001", "payload", "field number 0", 0 },
        { "1b", "seq", "a group", 0 },
        { "1e", "seq", "wire type 6", 0 },
        { "1200120518", "metrics[1]", "a length of 5 bytes, but 1 are left", 3 },
        { "12030a0568", "metrics[0].name", "a length of 5 bytes, but 1 are left", 3 },
        { "12036500aa", "metrics[0].float_value", "4 bytes are expected, but 2 are left", 3 },
        { "1205 4a03 0a05 6b", "metrics[0].properties.keys[0]", "a length of 5 bytes", 5 },
        { "4d00", "#9", "4 bytes are expected, but 1 are left", 1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char room[64];
        decode_wire w;
        CHECK_OK_FATAL(decode_wire_read(&w, pt_unhex(rows[i].hex, room, sizeof room)));
        CHECK_ROW(rows[i].hex, w.damaged);
        CHECK_INT(w.damaged_at, rows[i].at);
        CHECK_STR(pt_cstr(w.damaged_path), rows[i].path);
        CHECK_ROW(rows[i].why, strstr(w.why, rows[i].why) != NULL);
        decode_wire_free(&w);
    }
}

/* A template in a template in a template: refused with a place, not with a full stack. */
static void nesting_is_bounded(void)
{
    enum { LEVELS = 400 };
    size_t n = 0, cap = 1 << 16;
    char *end = malloc(cap), *at = end ? end + cap : NULL;
    decode_wire w;
    CHECK_FATAL(end != NULL);
    for (int i = 0; i < LEVELS; i++) { /* from the inside out: metrics = 2, template_value = 18 */
        for (int k = 0; k < 2; k++) {
            bool outer = k == 1;
            *--at = (char)(n >> 7);
            *--at = (char)((n & 0x7f) | 0x80);
            if (!outer) *--at = 0x01;
            *--at = outer ? 0x12 : (char)0x92;
            n = (size_t)(end + cap - at);
        }
    }
    CHECK_OK_FATAL(decode_wire_read(&w, pt_slice_of(at, n)));
    CHECK(w.damaged && strstr(w.why, "nested deeper") != NULL && w.damaged_at > 0);
    decode_wire_free(&w);
    free(end);
}

/* An NBIRTH with a data set, a template, properties, an array, a file with metadata, a DateTime and a null. */
static const char rich[] = "0880d095ffbc3112120a0562645365711880d095ffbc312004580012210a144e6f646520436f6e74726f6c2f526562697274681880d095"
                           "ffbc31200b7000121a0a084c6576656c2f505610071880d095ffbc3120096500009040180012270a0264731880d095ffbc3120108a0117"
                           "08021201611201621803180c22090a0208050a0332017812360a02746d1880d095ffbc3120139201260a03312e30120f0a02696e1880d0"
                           "95ffbc31200350041a070a01701003180922037265662800122d0a0270701880d095ffbc31200350014a1c0a075175616c6974790a0365"
                           "6e671205080318c0011205080c42014312140a036172721880d095ffbc312016820103010203121d0a01661880d095ffbc312012820103"
                           "616263420908011203782f79180312140a0264741880d095ffbc31200d5880d095ffbc3112100a036e756c1880d095ffbc3120093801";

/* Whatever happens to the bytes: what protobuf-c unpacks is whole here, what it refuses has a byte and a field here. */
static void damage_is_found_exactly_where_protobuf_c_refuses(void)
{
    enum { ROUNDS = 5000 };
    char whole[400], bytes[400];
    pt_slice p = pt_unhex(rich, whole, sizeof whole);
    pt_arena arena;
    uint64_t random = 7;
    size_t damaged = 0;
    pt_arena_init(&arena, 64 << 20);
    for (int round = 0; round < ROUNDS; round++) {
        decode_wire w;
        spb_payload out;
        size_t n = p.len;
        memcpy(bytes, p.ptr, n);
        for (int i = 0; i < round % 4; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[(random >> 33) % n] ^= (char)(1u << (random >> 61));
        }
        if (round % 5 == 4) n = (size_t)(random >> 20) % n + 1;
        CHECK_OK_FATAL(decode_wire_read(&w, pt_slice_of(bytes, n)));
        pt_status st = spb_payload_decode_pbc(pt_slice_of(bytes, n), NULL, &arena, &out, NULL);
        pt_check_at(w.damaged == (st != PT_OK), false, __FILE__, __LINE__, "round %d: '%s' %s, but protobuf-c says %s", round,
                    w.damaged_path, w.why, pt_status_name(st));
        CHECK(!w.damaged || (w.damaged_at <= n && w.damaged_path[0] && w.why[0]));
        damaged += w.damaged;
        decode_wire_free(&w);
        pt_arena_reset(&arena);
    }
    CHECK(damaged > ROUNDS / 10 && damaged < ROUNDS * 9 / 10); /* both kinds were tried */
    pt_arena_fini(&arena);
}

static void hex_is_cut_with_its_length(void)
{
    pt_buf b;
    pt_buf_init(&b, 100);
    decode_hex(&b, PT_LIT("abc"), 2);
    CHECK_STR(pt_buf_view(&b), "6162... (3 bytes)");
    pt_buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(fields_stand_in_wire_order_with_path_and_offset),
        PT_TEST(values_read_as_the_schema_has_them),
        PT_TEST(damage_is_named_by_byte_and_field),
        PT_TEST(nesting_is_bounded),
        PT_TEST(damage_is_found_exactly_where_protobuf_c_refuses),
        PT_TEST(hex_is_cut_with_its_length),
    };
    return pt_test_main("host/cli/decode_wire", tests, PT_COUNT_OF(tests), argc, argv);
}
