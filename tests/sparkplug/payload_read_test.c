/* tests/sparkplug/payload_read_test.c -- the zero-copy reader: what is asked of both decoders, and what only it promises. */
#include "tests/sparkplug/payload_cases.h"

static void texts_borrow_the_message(void)
{
    char bytes[] = "\x12\x06\x0a\x01n\x7a\x01v";
    pt_arena arena;
    spb_payload p;
    pt_arena_init(&arena, 4096);
    CHECK_OK_FATAL(spb_payload_decode(pt_slice_of(bytes, sizeof bytes - 1), NULL, &arena, &p, NULL));
    CHECK(p.metrics[0].name.ptr == bytes + 4 && p.metrics[0].value.bytes.ptr == bytes + 7);
    pt_arena_fini(&arena);
}

static void the_last_property_of_a_key_counts(void)
{
    spb_property items[] = { { .key = PT_LIT("a"), .value.u32 = 1 }, { .key = PT_LIT("b") }, { .key = PT_LIT("a"), .value.u32 = 2 } };
    spb_property_set set = { items, 3, false }, none = { 0 };
    CHECK(spb_property_find(&set, PT_LIT("a")) == &items[2]);
    CHECK(spb_property_find(&set, PT_LIT("b")) == &items[1]);
    CHECK(spb_property_find(&set, PT_LIT("A")) == NULL && spb_property_find(&set, PT_LIT("")) == NULL);
    CHECK(spb_property_find(&none, PT_LIT("a")) == NULL);
}

static void a_refusal_names_the_byte(void)
{
    static const struct {
        const char *hex;
        size_t at;
    } rows[] = { { "", 0 }, { "0b", 0 }, { "1801 0b", 2 }, { "1801 3001 0001", 4 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char bytes[16];
        pt_arena arena;
        spb_payload p;
        pt_error err = { .offset = 99 };
        pt_arena_init(&arena, 4096);
        CHECK_ROW(rows[i].hex, spb_payload_decode(pt_unhex(rows[i].hex, bytes, sizeof bytes), NULL, &arena, &p, &err) == PT_EMALFORMED);
        CHECK_INT(err.offset, rows[i].at);
        pt_arena_fini(&arena);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(texts_borrow_the_message), PT_TEST(the_last_property_of_a_key_counts),
                                     PT_TEST(a_refusal_names_the_byte) };
    return payload_decoder_main("sparkplug/payload_read", spb_payload_decode, tests, PT_COUNT_OF(tests), argc, argv);
}
