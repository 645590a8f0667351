/* tests/docs/reference_test.c -- docs/configuration.md and docs/cli.md are what the programs themselves say.
 *
 *     reference_test            compares the committed pages
 *     reference_test --write    writes them */
#include "edge-node/config.h"
#include "edge-node/driver.h"
#include "host/cli/cli.h"
#include "host/config.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool writing;

static const char configuration_head[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by tests/docs/reference_test.c --write from the tables that read the files. Do not edit. -->\n"
    "\n"
    "Both daemons read one YAML file, given with `--config FILE`. `--check` reads it, prints every fault as `file:line:column: message` and\n"
    "exits 0 (good) or 2. Unknown keys, duplicate keys, wrong types and values out of range are faults. JSON is accepted too.\n"
    "\n"
    "The YAML is a strict subset: no anchors, aliases, tags, merge keys, second documents or tabs, and no plain `yes`, `no`, `on`, `off` as\n"
    "values (write `true`, `false`, or quote the word). At most 1 MiB, 20 levels, 100,000 values.\n"
    "\n"
    "| Type | Written as |\n"
    "|---|---|\n"
    "| text | plain or quoted; quote what holds `:` or begins with a special character |\n"
    "| duration | a number with `ms`, `s`, `m`, `h`, `d`, `w` or `y` (365 d), also summed: `1h30m`. The unit must be there |\n"
    "| size | a number of bytes, or with `KiB`, `MiB`, `GiB`, `TiB`, `kB`, `MB`, `GB`, `TB` |\n"
    "| list of texts | a YAML list; a single text is a list of one |\n"
    "\n"
    "Secrets (passwords) are given as `file:/path/to/secret` or `env:NAME`, so that this file can be shown around.\n"
    "\n";

static void driver_keys(const edge_driver_key *keys, const char *whose, pt_buf *out)
{
    static const char *const kinds[] = { [EDGE_KEY_TEXT] = "text",          [EDGE_KEY_INT] = "whole number",  [EDGE_KEY_DOUBLE] = "number",
                                         [EDGE_KEY_BOOL] = "true or false", [EDGE_KEY_DURATION] = "duration", [EDGE_KEY_ENUM] = "one of" };
    if (!keys || !keys[0].key) return;
    pt_buf_printf(out, "Keys of %s:\n\n| Key | Type | Default | Range | Meaning |\n|---|---|---|---|---|\n", whose);
    for (; keys->key; keys++) {
        pt_buf_printf(out, "| `%s` | %s", keys->key, kinds[keys->type]);
        for (size_t i = 0; keys->type == EDGE_KEY_ENUM && keys->names[i]; i++)
            pt_buf_printf(out, "%s `%s`", i ? "," : "", keys->names[i]);
        pt_buf_cstr(out, " | ");
        if (keys->required) pt_buf_cstr(out, "required");
        else if (keys->def && *keys->def && strcmp(keys->def, "nan") != 0) pt_buf_printf(out, "`%s`", keys->def);
        pt_buf_cstr(out, " | ");
        if (keys->min != 0 || keys->max != 0) {
            char lo[32], hi[32];
            pt_f64_text(keys->min, lo);
            pt_f64_text(keys->max, hi);
            pt_buf_printf(out, "%s to %s%s", lo, hi, keys->type == EDGE_KEY_DURATION ? " ms" : "");
        }
        pt_buf_printf(out, " | %s |\n", keys->doc ? keys->doc : "");
    }
    pt_buf_char(out, '\n');
}

static void configuration_page(pt_buf *out)
{
    pt_buf_cstr(out, configuration_head);
    pt_config_document(host_config_table, "plantree-host", PT_CFG_AT_START, out);
    pt_buf_char(out, '\n');
    edge_config_document(out);
    pt_buf_cstr(out, "\n## Drivers\n\n");
    for (size_t i = 0; edge_driver_at(i); i++) {
        const edge_driver *d = edge_driver_at(i);
        pt_buf_printf(out, "### `driver: %s`\n\n%s\n\n", d->name, d->doc);
        driver_keys(d->device_keys, "a device", out);
        driver_keys(d->tag_keys, "a tag", out);
    }
    while (out->len > 1 && out->ptr[out->len - 1] == '\n' && out->ptr[out->len - 2] == '\n')
        out->len--;
}

#define VERB_NAME(name) #name,
static const char *const verbs[] = { CLI_EACH_VERB(VERB_NAME) };

static void help_of(const char *verb, pt_buf *out)
{
    outcome o = verb ? run_plantree(NULL, (const char *const[]){ verb, "--help", NULL })
                     : run_plantree(NULL, (const char *const[]){ "--help", NULL });
    CHECK_INT(o.code, 0);
    pt_buf_cstr(out, "```\n");
    pt_buf_slice(out, pt_buf_view(&o.out));
    pt_buf_cstr(out, "```\n");
    outcome_release(&o);
}

static void cli_page(pt_buf *out)
{
    pt_buf_cstr(out, "# plantree: the operator's tool\n\n"
                     "<!-- Written by tests/docs/reference_test.c --write from what the program says to --help. Do not edit. -->\n\n");
    help_of(NULL, out);
    for (size_t i = 0; i < PT_COUNT_OF(verbs); i++) {
        pt_buf_printf(out, "\n## plantree %s\n\n", verbs[i]);
        help_of(verbs[i], out);
    }
}

static void compare(const char *name, void (*page)(pt_buf *out))
{
    const char *src = getenv("PLANTREE_SRC");
    char path[4096];
    pt_buf want, have;
    pt_buf_init(&want, 4 << 20);
    pt_buf_init(&have, 4 << 20);
    page(&want);
    CHECK_OK_FATAL(pt_buf_status(&want));
    snprintf(path, sizeof path, "%s/docs/%s", src ? src : ".", name);
    FILE *f = fopen(path, writing ? "w" : "r");
    if (!f) {
        pt_check_at(false, true, __FILE__, __LINE__, "%s cannot be opened", path);
        return;
    }
    if (writing) {
        CHECK(fwrite(want.ptr, 1, want.len, f) == want.len);
    } else {
        char piece[4096];
        for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
            CHECK_OK(pt_buf_add(&have, piece, n));
        pt_check_at(pt_slice_eq(pt_buf_view(&want), pt_buf_view(&have)), false, __FILE__, __LINE__,
                    "%s is not what the programs say: run build/tests/docs_reference_test --write", path);
    }
    CHECK(fclose(f) == 0);
    pt_buf_fini(&want);
    pt_buf_fini(&have);
}

static void the_configuration_page_is_up_to_date(void)
{
    compare("configuration.md", configuration_page);
}

static void the_cli_page_is_up_to_date(void)
{
    compare("cli.md", cli_page);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_configuration_page_is_up_to_date), PT_TEST(the_cli_page_is_up_to_date) };
    writing = argc > 1 && strcmp(argv[1], "--write") == 0;
    return pt_test_main("docs/reference", tests, PT_COUNT_OF(tests), writing ? 1 : argc, argv);
}
