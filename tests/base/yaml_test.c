/* tests/base/yaml_test.c -- the tree, its places, and what the strict subset refuses. */
#include "base/daemon/yaml.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void every_node_knows_its_place(void)
{
    pt_yaml *y = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 4096);
    CHECK_OK_FATAL(pt_yaml_read_text("f.yaml", PT_LIT("# comment\na: 1\nb:\n  - x\n  - { c: 'no', d: \"t\\tt\" }\n\xC3\xBC: |\n  block\n"),
                                     &y, &faults));
    const pt_yaml_node *root = pt_yaml_root(y), *b = pt_yaml_get(root, "b");
    CHECK_FATAL(root->kind == PT_YAML_MAP && root->n == 3 && b && b->kind == PT_YAML_LIST && b->n == 2);
    CHECK(root->line == 2 && root->column == 1);
    CHECK(root->keys[1]->line == 3 && root->keys[1]->column == 1);
    CHECK(b->items[0]->line == 4 && b->items[0]->column == 5);
    const pt_yaml_node *c = pt_yaml_get(b->items[1], "c");
    CHECK_FATAL(c != NULL);
    CHECK(c->quoted && c->line == 5 && c->column == 10);
    CHECK_STR(c->text, "no");
    CHECK(c->text.ptr[2] == '\0');
    CHECK_STR(pt_yaml_get(b->items[1], "d")->text, "t\tt");
    CHECK_STR(pt_yaml_get(root, "\xC3\xBC")->text, "block\n");
    CHECK(!pt_yaml_get(root, "a")->quoted);
    CHECK(pt_yaml_get(root, "zzz") == NULL && pt_yaml_get(c, "a") == NULL && pt_yaml_get(NULL, "a") == NULL);
    CHECK_STR(pt_cstr(pt_yaml_name(y)), "f.yaml");
    pt_yaml_free(y);
    pt_yaml_free(NULL);
    pt_buf_fini(&faults);
}

static void json_and_empty_texts_are_read(void)
{
    static const char *const rows[] = { "",
                                        "\n# nothing\n",
                                        "{}",
                                        "{\"a\": [1, 2, {\"b\": null}], \"c\": \"x\"}",
                                        "\xEF\xBB\xBF"
                                        "a: 1\n",
                                        "---\na: 1\n...\n" };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_yaml *y = NULL;
        pt_buf faults;
        pt_buf_init(&faults, 4096);
        CHECK_ROW(rows[i], pt_yaml_read_text("f", pt_cstr(rows[i]), &y, &faults) == PT_OK);
        CHECK_ROW(rows[i], y && pt_yaml_root(y)->kind == PT_YAML_MAP);
        pt_yaml_free(y);
        pt_buf_fini(&faults);
    }
}

static void what_is_not_in_the_subset_is_refused_with_its_place(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "a: &x 1\nb: *x\n", "f:1:4: anchors ('&x') are not supported\nf:2:4: aliases ('*x') are not supported\n" },
        { "a: !!int 1\n", "f:1:4: tags ('tag:yaml.org,2002:int') are not supported\n" },
        { "a: !x [1]\n", "f:1:4: tags ('!x') are not supported\n" },
        { "a: &x\n  b: 1\n", "f:1:4: anchors ('&x') are not supported\n" },
        { "b: 1\n<<: {}\n", "f:2:1: merge keys ('<<') are not supported\n" },
        { "a: 1\n---\nb: 1\n", "f:2:1: a second document is not supported\n" },
        { "%TAG ! tag:x,2000:\n---\na: 1\n", "f:1:1: tag directives are not supported\n" },
        { "a: 1\nb: 2\na: 3\nb: 4\n",
          "f:3:1: duplicate key 'a', first given in line 1\nf:4:1: duplicate key 'b', first given in line 2\n" },
        { "a: [ { b: 1, \"b\": 2 } ]\n", "f:1:14: duplicate key 'b', first given in line 1\n" },
        { "? [1]\n: 2\n", "f:1:3: a key must be plain text\n" },
        { "? { x: 1 }\n: 2\n", "f:1:3: a key must be plain text\n" },
        { "a: Yes\nb: on\nc: 'yes'\n", "f:1:4: plain 'Yes' is true or false to some YAML readers: write true or false, or quote it\n"
                                       "f:2:4: plain 'on' is true or false to some YAML readers: write true or false, or quote it\n" },
        { "a:\n\tb: 1\n", "f:2:1: a tab in the indentation: use spaces\n" },
        { "a:\n  b: 1\n \t c: 2\n", "f:3:2: a tab in the indentation: use spaces\n" },
        { "a: x\ty\n", "f:1:4: a tab is only allowed inside quotes\n" },
        { "a: \"x\\0y\"\n", "f:1:4: a NUL character is not allowed\n" },
        { "a: 1\nb: \xFF\n", "f:2:4: not valid UTF-8 (byte 0xff)\n" },
        { "\xC3\xBC: \xC3(\n", "f:1:4: not valid UTF-8 (byte 0xc3)\n" },
        { "a: [1, 2\n", "f:2:1: did not find expected ',' or ']' while parsing a flow sequence\n" },
        { "a: 'x\n", "f:2:1: found unexpected end of stream while scanning a quoted scalar\n" },
        { "a: b: c\n", "f:1:5: mapping values are not allowed in this context\n" },
        { "a: 1\n  b: 2\n", "f:2:4: mapping values are not allowed in this context\n" },
        { "a: @x\n", "f:1:4: found character that cannot start any token while scanning for the next token\n" },
        { "a\nb\n: c\n", NULL },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_yaml *y = NULL;
        pt_buf faults;
        pt_buf_init(&faults, 4096);
        CHECK_ROW(rows[i].text, pt_yaml_read_text("f", pt_cstr(rows[i].text), &y, &faults) == PT_EMALFORMED);
        CHECK_ROW(rows[i].text, y == NULL && faults.len);
        if (rows[i].want) CHECK_STR(pt_buf_view(&faults), rows[i].want);
        pt_buf_fini(&faults);
    }
}

static void repeat(pt_buf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        pt_buf_cstr(b, s);
}

static void limits_are_said(void)
{
    pt_buf text, faults;
    pt_yaml *y = NULL;
    pt_buf_init(&text, 4 << 20);
    pt_buf_init(&faults, 65536);
    repeat(&text, "[", 20);
    repeat(&text, "]", 20);
    CHECK_OK(pt_yaml_read_text("f", pt_buf_view(&text), &y, &faults));
    pt_yaml_free(y);
    pt_buf_reset(&text);
    repeat(&text, "[", 10000);
    CHECK_STATUS(pt_yaml_read_text("f", pt_buf_view(&text), &y, &faults), PT_EMALFORMED);
    CHECK_STR(pt_buf_view(&faults), "f:1:21: nested deeper than 20 levels\n");
    pt_buf_reset(&text);
    pt_buf_reset(&faults);
    repeat(&text, "- a\n", 100001);
    CHECK_STATUS(pt_yaml_read_text("f", pt_buf_view(&text), &y, &faults), PT_EMALFORMED);
    CHECK_STR(pt_buf_view(&faults), "f:100000:3: more than 100000 values in one file\n");
    pt_buf_reset(&text);
    pt_buf_reset(&faults);
    repeat(&text, "# 45678901234567\n", 65537);
    CHECK_STATUS(pt_yaml_read_text("f", pt_buf_view(&text), &y, &faults), PT_EMALFORMED);
    CHECK_STR(pt_buf_view(&faults), "f:1:1: larger than 1048576 bytes\n");
    pt_buf_fini(&text);
    pt_buf_fini(&faults);
}

static void files_that_cannot_be_read_are_a_fault_too(void)
{
    char path[300], want[400];
    pt_yaml *y = NULL;
    pt_buf faults;
    pt_buf_init(&faults, 4096);
    snprintf(path, sizeof path, "%s/none.yaml", pt_test_dir());
    CHECK_STATUS(pt_yaml_read_file(path, &y, &faults), PT_ENOTFOUND);
    snprintf(want, sizeof want, "%s:1:1: cannot be opened: No such file or directory\n", path);
    CHECK_STR(pt_buf_view(&faults), want);
    pt_buf_reset(&faults);
    CHECK_STATUS(pt_yaml_read_file(pt_test_dir(), &y, &faults), PT_EIO);
    CHECK(faults.len > 0);
    pt_buf_reset(&faults);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs("a: 1\n", f) >= 0 && fclose(f) == 0);
    CHECK_OK(pt_yaml_read_file(path, &y, &faults));
    pt_yaml_free(y);
    pt_buf_fini(&faults);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_node_knows_its_place), PT_TEST(json_and_empty_texts_are_read),
                                     PT_TEST(what_is_not_in_the_subset_is_refused_with_its_place), PT_TEST(limits_are_said),
                                     PT_TEST(files_that_cannot_be_read_are_a_fault_too) };
    return pt_test_main("base/yaml", tests, PT_COUNT_OF(tests), argc, argv);
}
