/* tests/uns/map_template_test.c -- templates of target paths: what they give, and what they refuse. */
#include "tests/uns/map_rig.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *to, *path; /* NULL: unmapped */
} templates[] = {
    { "a/b", "a/b" },
    { "{group}/{edge}/{device}/{metric...}", "G 1/gw-7/L1_Press-A/Motor/Temp" },
    { "{group}/{metric}", "G 1/Motor%2FTemp" },
    { "{line}/{machine}", "L1/Press-A" },
    { "{line|map(lines)}", "line-1" },
    { "{machine|map(lines)}", NULL },
    { "{machine|map(lines)|default('none')}", "none" },
    { "{machine|lower}", "press-a" },
    { "{machine|upper}", "PRESS-A" },
    { "{group|slug}", "g-1" },
    { "x{line}y", "xL1y" },
    { "{vars.enterprise}/x", "acme/x" },
    { "{prop.engUnit}", "m" },
    { "{prop.Line Name}", "L 9" },
    { "{prop.none}/x", NULL },
    { "{prop.none}?/x", "x" },
    { "pre-{prop.none}/x", NULL },
    { "pre-{prop.none}?/x", "x" },
    { "{prop.none ?? device}", "L1_Press-A" },
    { "{prop.none ?? prop.no ?? 'text'}", "text" },
    { "{prop.none|default('d')}", "d" },
    { "{datatype}", "Double" },
    { "{template ?? 'plain'}", "plain" },
    { "{machine|split('-')}", "Press/A" },
    { "{machine|split('-')|last}", "A" },
    { "{machine|split('-')|first}-{line}", "Press-L1" },
    { "{metric...|first}", "Motor" },
    { "{metric...|nth(1)}", "Temp" },
    { "{metric...|nth(-1)}", "Temp" },
    { "{metric...|nth(2)}/x", NULL },
    { "{metric...|slice(1)}", "Temp" },
    { "{metric...|slice(0,-1)}", "Motor" },
    { "{metric...|slice(0,-1)}/leaf", "Motor/leaf" },
    { "{metric...|lower}", "motor/temp" },
    { "{machine|slice(0,5)}", "Press" },
    { "{machine|slice(-1)}", "A" },
    { "{machine|nth(0)}", "P" },
    { "{machine|replace('-',' ')}", "Press A" },
    { "{machine|replace('s','')}", "Pre-A" },
    { "{prop.padded|trim}", "x" },
    { "{prop.padded}", "%20x%20" },
    { " {line} ", "%20L1%20" },
    { "a\\/b\\{c\\}\\?", "a%2Fb{c}?" },
    { "_raw/_source/x", "_raw/_source/x" },
    { "_source/x", NULL },
    { "{prop.umlaut|slice(0,2)}", "\xC3\xA4\xC3\xB6" },
};

static bool property(void *ctx, pt_slice key, pt_slice *value)
{
    static const char *const rows[][2] = {
        { "engUnit", "m" }, { "Line Name", "L 9" }, { "padded", " x " }, { "umlaut", "\xC3\xA4\xC3\xB6\xC3\xBC" }
    };
    (void)ctx;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        if (pt_slice_eq_cstr(key, rows[i][0])) return (void)(*value = pt_cstr(rows[i][1])), true;
    }
    return false;
}

static void templates_evaluate_as_designed(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(templates); i++) {
        uns_mapping out;
        open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
        CHECK_OK(uns_map_var(map, PT_LIT("enterprise"), PT_LIT("acme")));
        CHECK_OK(uns_map_entry(map, PT_LIT("lines"), PT_LIT("L1"), PT_LIT("line-1")));
        must_rule(templates[i].to, (from){ .device = "{line}_{machine}" }, templates[i].to);
        uns_source s = { .group = PT_LIT("G 1"),
                         .edge = PT_LIT("gw-7"),
                         .device = PT_LIT("L1_Press-A"),
                         .metric = PT_LIT("Motor/Temp"),
                         .type = SPB_DOUBLE,
                         .property = property };
        uns_map_apply(map, &s, &out);
        if (templates[i].path)
            CHECK_ROW(templates[i].to,
                      out.outcome == UNS_MAPPED && strcmp(out.path, templates[i].path) == 0 && out.len == strlen(out.path));
        else
            CHECK_ROW(templates[i].to,
                      out.outcome == UNS_QUARANTINED && out.reason[0] && !out.path[0] && pt_slice_eq_cstr(out.rule, templates[i].to));
        close_map();
    }
}

static const struct {
    const char *to;
    size_t offset;
} bad_templates[] = {
    { "{lne}", 1 },
    { "a//b", 2 },
    { "/a", 0 },
    { "a/", 2 },
    { "{line", 5 },
    { "a}", 1 },
    { "{line|nope}", 6 },
    { "{line|map(x)}", 10 },
    { "{line|nth}", 9 },
    { "{line|nth(x)}", 11 },
    { "{line|split('')}", 14 },
    { "a?b", 1 },
    { "x{metric...}", 0 },
    { "{vars.none}", 1 },
    { "{line ?? 'x}", 10 },
    { "\\x", 1 },
};

static void a_bad_template_is_refused_with_its_place(void)
{
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    CHECK_OK(uns_map_entry(map, PT_LIT("lines"), PT_LIT("L1"), PT_LIT("line-1")));
    for (size_t i = 0; i < PT_COUNT_OF(bad_templates); i++) {
        const char *field = NULL;
        pt_error err = { 0 };
        CHECK_ROW(bad_templates[i].to, rule("r", (from){ .device = "{line}" }, bad_templates[i].to, &field, &err) == PT_EINVAL);
        CHECK_ROW(bad_templates[i].to, field && strcmp(field, "to") == 0 && err.text[0]);
        if (err.offset != bad_templates[i].offset) printf("    %s: %zu %s\n", bad_templates[i].to, err.offset, err.text);
        CHECK_ROW(bad_templates[i].to, err.offset == bad_templates[i].offset);
    }
    close_map();
}

static void parts_of_an_expression_are_bounded(void)
{
    static const struct {
        const char *what, *head, *piece, *tail, *text;
        int n;
    } rows[] = {
        { "alternatives", "{group", " ?? edge", "}", "too many alternatives", 8 },
        { "filters", "{group", "|lower", "}", "too many filters", 9 },
        { "parts of a segment", "", "{group}-", "", "too many parts in one segment", 17 },
        { "segments", "x", "/x", "", "too many segments", 64 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *field = NULL;
        pt_error err = { 0 };
        for (int less = 0; less < 2; less++) {
            pt_buf to;
            pt_buf_init(&to, 4096);
            pt_buf_cstr(&to, rows[i].head);
            for (int k = less; k < rows[i].n; k++)
                pt_buf_cstr(&to, rows[i].piece);
            pt_buf_cstr(&to, rows[i].tail);
            char *text = pt_buf_take(&to, NULL);
            CHECK_FATAL(text != NULL);
            open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
            CHECK_ROW(rows[i].what, rule("r", (from){ .group = "{g}" }, text, &field, &err) == (less ? PT_OK : PT_EINVAL));
            if (!less) CHECK_STR(pt_cstr(err.text), rows[i].text);
            close_map();
            free(text);
        }
    }
}

static void a_template_longer_than_any_path_is_too_big(void)
{
    static char to[UNS_PATH_MAX * 4 + 2];
    const char *field = NULL;
    memset(to, 'x', sizeof to - 1);
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    CHECK_STATUS(rule("r", (from){ .group = "g" }, to, &field, NULL), PT_ETOOBIG);
    CHECK_STR(pt_cstr(field), "to");
    close_map();
}

/* A name from outside may be as long as it likes: the scratch is bounded and says so. */
static void a_text_that_grows_beyond_the_scratch_is_a_reason(void)
{
    static char metric[9000];
    memset(metric, 'a', sizeof metric - 1);
    open_map(UNS_EMPTY_DROP, UNS_UNMAPPED_QUARANTINE);
    must_rule("r", (from){ 0 }, "{metric|replace('a','bbbb')}");
    CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, metric, NULL })->reason), "text too long");
    CHECK_STR(pt_cstr(map_source((from){ "g", "e", NULL, "aa", NULL })->path), "bbbbbbbb");
    close_map();
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(templates_evaluate_as_designed),
        PT_TEST(a_bad_template_is_refused_with_its_place),
        PT_TEST(parts_of_an_expression_are_bounded),
        PT_TEST(a_template_longer_than_any_path_is_too_big),
        PT_TEST(a_text_that_grows_beyond_the_scratch_is_a_reason),
    };
    return pt_test_main("uns/map_template", tests, PT_COUNT_OF(tests), argc, argv);
}
