/* tests/uns/path_test.c */
#include "base/random.h"
#include "base/utf8.h"
#include "tests/support/check.h"
#include "uns/uns.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *row;
    const char *raw, *escaped;
} escapes[] = {
    { "plain", "Line 1", "Line 1" },
    { "slash, plus, hash, percent", "a/b+c#d%e", "a%2Fb%2Bc%23d%25e" },
    { "leading dollar", "$SYS", "%24SYS" },
    { "inner dollar", "US$", "US$" },
    { "outer blanks", " a b ", "%20a b%20" },
    { "one blank", " ", "%20" },
    { "controls", "a\tb\x7f", "a%09b%7F" },
    { "C1 control", "\xC2\x85", "%C2%85" },
    { "first character after C1", "\xC2\xA0", "\xC2\xA0" },
    { "umlaut and kana",
      "Gr\xC3\xB6\xC3\x9F"
      "e \xE3\x82\xBF",
      "Gr\xC3\xB6\xC3\x9F"
      "e \xE3\x82\xBF" },
    { "invalid byte", "a\xFFz", "a%FFz" },
    { "cut character", "a\xE3\x82", "a%E3%82" },
};

static void segments_are_escaped_as_designed_and_come_back(void)
{
    pt_buf b;
    pt_buf_init(&b, 4096);
    for (size_t i = 0; i < PT_COUNT_OF(escapes); i++) {
        pt_buf_reset(&b);
        CHECK_OK(uns_segment_escape(pt_cstr(escapes[i].raw), &b));
        CHECK_ROW(escapes[i].row, pt_slice_eq_cstr(pt_buf_view(&b), escapes[i].escaped));
        pt_buf_reset(&b);
        CHECK_OK(uns_segment_unescape(pt_cstr(escapes[i].escaped), &b));
        CHECK_ROW(escapes[i].row, pt_slice_eq_cstr(pt_buf_view(&b), escapes[i].raw));
    }
    pt_buf_fini(&b);
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) return (void)(to[0] = (char)c), 1;
    if (c < 0x800) return (void)(to[0] = (char)(0xC0 | c >> 6), to[1] = (char)(0x80 | (c & 63))), 2;
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 63));
        to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 63));
    to[2] = (char)(0x80 | (c >> 6 & 63));
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

static bool round_trip(pt_slice raw, pt_buf *esc, pt_buf *back)
{
    pt_buf_reset(esc);
    pt_buf_reset(back);
    if (uns_segment_escape(raw, esc) || uns_segment_unescape(pt_buf_view(esc), back)) return false;
    pt_slice e = pt_buf_view(esc);
    if (!pt_slice_eq(raw, pt_buf_view(back)) || !pt_utf8_valid(e)) return false;
    for (size_t i = 0; i < e.len; i++) {
        if ((unsigned char)e.ptr[i] < 0x20 || strchr("/+#\x7f", e.ptr[i])) return false;
    }
    return e.len == 0 || (e.ptr[0] != ' ' && e.ptr[0] != '$' && e.ptr[e.len - 1] != ' ');
}

static void every_code_point_survives_alone_in_front_inside_and_at_the_end(void)
{
    pt_buf esc, back;
    pt_buf_init(&esc, 4096);
    pt_buf_init(&back, 4096);
    unsigned bad = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char s[16];
        if (c >= 0xD800 && c < 0xE000) continue;
        size_t n = put_utf8(s, c);
        bad += !round_trip(pt_slice_of(s, n), &esc, &back);
        s[n] = 'x';
        bad += !round_trip(pt_slice_of(s, n + 1), &esc, &back);
        size_t m = put_utf8(s + n + 1, c);
        bad += !round_trip(pt_slice_of(s + n, m + 1), &esc, &back);
        bad += !round_trip(pt_slice_of(s, n + m + 1), &esc, &back);
    }
    CHECK_INT(bad, 0);
    pt_buf_fini(&esc);
    pt_buf_fini(&back);
}

static void random_strings_survive(void)
{
    pt_random r = pt_random_seed(7);
    pt_buf esc, back;
    pt_buf_init(&esc, 4096);
    pt_buf_init(&back, 4096);
    unsigned bad = 0;
    for (unsigned i = 0; i < 100000; i++) {
        char s[256];
        size_t n = 0, chars = pt_random_below(&r, 40);
        for (size_t k = 0; k < chars; k++) {
            uint32_t c = (uint32_t)pt_random_below(&r, pt_random_below(&r, 3) ? 0x80 : 0x110000);
            if (c >= 0xD800 && c < 0xE000) c = '%';
            n += put_utf8(s + n, c);
        }
        bad += !round_trip(pt_slice_of(s, n), &esc, &back);
    }
    CHECK_INT(bad, 0);
    pt_buf_fini(&esc);
    pt_buf_fini(&back);
}

static void a_broken_escape_is_refused(void)
{
    static const char *const rows[] = { "%", "a%2", "%zz", "%2x", "50%" };
    pt_buf b;
    pt_buf_init(&b, 100);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++)
        CHECK_ROW(rows[i], uns_segment_unescape(pt_cstr(rows[i]), &b) == PT_EMALFORMED);
    CHECK_INT(b.len, 0);
    pt_buf_fini(&b);
}

static const struct {
    const char *row, *group, *edge, *device, *metric, *path; /* path NULL: malformed */
} literals[] = {
    { "device metric", "Acme", "gw", "filler", "Level/PV", "Acme/gw/filler/Level/PV" },
    { "node metric", "Acme", "gw", "", "CPU", "Acme/gw/CPU" },
    { "packed group stays one segment", "Acme:Osaka:Line1", "gw-1", "d", "m", "Acme:Osaka:Line1/gw-1/d/m" },
    { "empty segments are dropped", "g", "e", "d", "/a//b/", "g/e/d/a/b" },
    { "names are escaped", "g", "e", "d", " a/$b/c#", "g/e/d/%20a/%24b/c%23" },
    { "bdSeq is plumbing", "g", "e", "", "bdSeq", "g/e/_sparkplug/bdSeq" },
    { "node control is plumbing", "g", "e", "", "Node Control/Rebirth", "g/e/_sparkplug/Node Control/Rebirth" },
    { "properties are plumbing", "g", "e", "", "Properties/HW", "g/e/_sparkplug/Properties/HW" },
    { "device control is plumbing", "g", "e", "d", "Device Control/Reboot", "g/e/d/_sparkplug/Device Control/Reboot" },
    { "a device may have properties", "g", "e", "d", "Properties/HW", "g/e/d/Properties/HW" },
    { "Node Controller is not plumbing", "g", "e", "", "Node Controller", "g/e/Node Controller" },
    { "a group cannot pose as the source view", "_source", "e", "d", "m", "%5Fsource/e/d/m" },
    { "deeper it is a name", "g", "_source", "d", "m", "g/_source/d/m" },
    { "a device cannot pose as plumbing", "g", "e", "_sparkplug", "m", "g/e/%5Fsparkplug/m" },
    { "no metric name", "g", "e", "d", "", NULL },
    { "only slashes", "g", "e", "d", "//", NULL },
    { "no group", "", "e", "d", "m", NULL },
    { "invalid UTF-8", "g", "e", "d", "m\xC0\x80", NULL },
};

static void the_literal_mapping_follows_the_table(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(literals); i++) {
        char buf[UNS_PATH_MAX + 1];
        size_t len = 0;
        pt_status st = uns_path_literal(pt_cstr(literals[i].group), pt_cstr(literals[i].edge), pt_cstr(literals[i].device),
                                        pt_cstr(literals[i].metric), buf, sizeof buf, &len, NULL);
        if (!literals[i].path) {
            CHECK_ROW(literals[i].row, st == PT_EMALFORMED);
            continue;
        }
        CHECK_ROW(literals[i].row, st == PT_OK && len == strlen(buf) && strcmp(buf, literals[i].path) == 0);
    }
}

static pt_status literal_metric(pt_slice metric, size_t cap, size_t *len)
{
    static char buf[UNS_PATH_MAX + 1];
    return uns_path_literal(PT_LIT("g"), PT_LIT("e"), PT_LIT("d"), metric, buf, cap, len, NULL);
}

static void the_caps_of_segment_path_and_depth_hold(void)
{
    static char text[4096];
    size_t len = 0;
    memset(text, 'x', sizeof text);
    CHECK_OK(literal_metric(pt_slice_of(text, UNS_SEGMENT_MAX), UNS_PATH_MAX + 1, &len));
    CHECK_STATUS(literal_metric(pt_slice_of(text, UNS_SEGMENT_MAX + 1), UNS_PATH_MAX + 1, &len), PT_ETOOBIG);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '/';
    CHECK_OK(literal_metric(pt_slice_of(text, 2 * (UNS_DEPTH_MAX - 3) - 1), UNS_PATH_MAX + 1, &len));
    CHECK_STATUS(literal_metric(pt_slice_of(text, 2 * (UNS_DEPTH_MAX - 2) - 1), UNS_PATH_MAX + 1, &len), PT_ETOOBIG);
    memset(text, 'x', sizeof text);
    for (size_t i = 200; i < sizeof text; i += 201)
        text[i] = '/';
    CHECK_OK(literal_metric(pt_slice_of(text, UNS_PATH_MAX - 6), UNS_PATH_MAX + 1, &len));
    CHECK_INT(len, UNS_PATH_MAX);
    CHECK_STATUS(literal_metric(pt_slice_of(text, UNS_PATH_MAX - 5), UNS_PATH_MAX + 1, &len), PT_ETOOBIG);
    CHECK_STATUS(literal_metric(PT_LIT("ab"), 8, &len), PT_ETOOBIG);
    CHECK_OK(literal_metric(PT_LIT("ab"), 9, &len));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(segments_are_escaped_as_designed_and_come_back),
        PT_TEST(every_code_point_survives_alone_in_front_inside_and_at_the_end),
        PT_TEST(random_strings_survive),
        PT_TEST(a_broken_escape_is_refused),
        PT_TEST(the_literal_mapping_follows_the_table),
        PT_TEST(the_caps_of_segment_path_and_depth_hold),
    };
    return pt_test_main("uns/path", tests, PT_COUNT_OF(tests), argc, argv);
}
