/* tests/host/cli/verb_transfer_test.c -- export and import: out of a running host's files, into a directory of their own, and back the same. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[400], csv[400], out[400], again[400];

static void name_files(void)
{
    snprintf(dir, sizeof dir, "%s/imported", plant_dir());
    snprintf(csv, sizeof csv, "%s/in.csv", plant_dir());
    snprintf(out, sizeof out, "%s/out.csv", plant_dir());
    snprintf(again, sizeof again, "%s/again", plant_dir());
}

static void expect(outcome o, int code, const char *says)
{
    CHECK_CODE(o, code);
    if (says) pt_check_at(outcome_says(&o.out, says) || outcome_says(&o.err, says), false, __FILE__, __LINE__, "'%.200s%.200s' has no '%s'", o.out.ptr, o.err.ptr, says);
    outcome_release(&o);
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "export", "x" }, "no argument is expected, but 'x' was given" },
        { { "export", "--data", "d", "--format", "xml" }, "--format is csv or jsonl, not 'xml'" },
        { { "export", "--data", "d", "--from", "yesterday" }, "--from: 'yesterday' is no time" },
        { { "import", "a", "b", "--data", "d" }, "one argument is expected: the file" },
        { { "import", "a.csv" }, "--data DIR is needed" },
        { { "import", "--data", "d", "--resume", "s" }, "--resume needs a file that can be read from the middle" },
        { { "import", "a", "--data", "d", "--format", "xml" }, "--format is csv or jsonl, not 'xml'" },
    };
    check_help(&cli_verb_export);
    check_help(&cli_verb_import);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("export");
}

static void the_running_hosts_samples_are_exported(void)
{
    outcome o;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-5m"));
    outcome_release(&o);
    o = CLI("export", "--select", SETPOINT);
    CHECK_CODE(o, 0);
    pt_slice rest = pt_buf_view(&o.out), line;
    CHECK_FATAL(pt_slice_split(&rest, '\n', &line));
    json_t *v = json_loadb(line.ptr, line.len, 0, NULL);
    check_shape(v, "time:s source:s group:s edge:s device:s metric:s path:s type:s value:n quality:s");
    CHECK_STR(pt_cstr(cli_str(v, "path")), SETPOINT);
    json_decref(v);
    outcome_release(&o);
    o = CLI("export", "--select", "G/**", "--select", "!**/PV", "--from", "now-1h", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, SETPOINT);
    CHECK(!outcome_says(&o.out, LEVEL));
    outcome_release(&o);
    expect(CLI("export", "--output", "/nonexistent/x.csv"), 1, "/nonexistent/x.csv: No such file or directory");
}

/* A host has its directory for itself. */
static void nothing_is_imported_under_a_running_host(void)
{
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f && fputs("time,path,value\n1750000000000,x/y,1\n", f) >= 0 && fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", plant_data());
    CHECK_CODE(o, 3);
    CHECK_SAYS(o.err, "is held by another process");
    outcome_release(&o);
}

static void a_file_is_imported_once(void)
{
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f != NULL);
    fprintf(f, "time,path,value,quality\n");
    for (int i = 0; i < 3000; i++)
        fprintf(f, "%lld,acme/line%d/level,%d.25,GOOD\n", 1750000000000LL + i * 1000LL, i % 2, i);
    CHECK(fclose(f) == 0);
    expect(RUN("import", csv, "--data", dir), 0, "3000 new, 0 there already");
    outcome o = RUN("import", csv, "--data", dir, "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "{\"records\":3000,\"samples\":3000,\"new\":0,\"duplicates\":3000,\"replaced\":0,\"faults\":0}\n");
    CHECK_INT(o.err.len, 0);
    outcome_release(&o);
    expect(RUN("sql", "SELECT path, samples FROM tag ORDER BY path", "--data", dir, "--csv"), 0, "path,samples\nacme/line0/level,1500\nacme/line1/level,1500\n");
    expect(RUN("sql", "SELECT max(value) AS m FROM history WHERE path='acme/line1/level'", "--data", dir, "--json"), 0, "[{\"m\":2999.25}]");
}

static void an_export_imports_the_same(void)
{
    char second[420];
    snprintf(second, sizeof second, "%s.2.csv", out);
    expect(RUN("export", "--data", dir, "--output", out), 0, "3000 samples");
    expect(RUN("import", out, "--data", again), 0, "3000 new");
    outcome o = RUN("export", "--data", again, "--output", second, "--json");
    CHECK_STR(pt_buf_view(&o.out), "{\"samples\":3000}\n");
    outcome_release(&o);
    FILE *a = fopen(out, "r"), *b = fopen(second, "r");
    CHECK_FATAL(a && b);
    int x, y;
    do {
        x = fgetc(a);
        y = fgetc(b);
    } while (x == y && x != EOF);
    CHECK_INT(x, y);
    fclose(a);
    fclose(b);
}

static void records_that_cannot_be_read_stop_the_import_or_are_left_out(void)
{
    char broken[420];
    snprintf(broken, sizeof broken, "%s/broken.csv", plant_dir());
    FILE *f = fopen(broken, "w");
    CHECK_FATAL(f && fputs("time,path,value\n1750000000000,q/a,1\nyesterday,q/a,2\n1750000002000,q/a,3\n", f) >= 0 && fclose(f) == 0);
    outcome o = RUN("import", broken, "--data", dir);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "yesterday");
    outcome_release(&o);
    char state[420];
    snprintf(state, sizeof state, "%s/foreign.state", plant_dir());
    f = fopen(state, "w");
    CHECK_FATAL(f && fputs("5000", f) >= 0 && fclose(f) == 0);
    o = RUN("import", broken, "--data", dir, "--resume", state);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "it belongs to another file");
    outcome_release(&o);
    f = fopen(state, "w");
    CHECK_FATAL(f && fputs("time,path,value\nnow,q/b,1\n", f) >= 0 && fclose(f) == 0);
    o = RUN("import", state, "--format", "csv", "--data", dir);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "'now' is no time of a sample");
    outcome_release(&o);
    o = RUN("import", broken, "--data", dir, "--skip-faults");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.err, "1 records could not be read");
    CHECK_SAYS(o.err, "the first, record 3: ");
    outcome_release(&o);
    expect(RUN("sql", "SELECT count(*) AS n FROM history WHERE path='q/a'", "--data", dir, "--json"), 0, "[{\"n\":2}]");
    expect(RUN("import", "/nonexistent/in.csv", "--data", dir), 1, "/nonexistent/in.csv: No such file or directory");
}

/* A state file left by an import that was ended half-way: the next one goes on behind it. */
static void an_import_goes_on_where_it_was_left(void)
{
    char state[420], fresh[420];
    long offset = 0;
    snprintf(state, sizeof state, "%s/state", plant_dir());
    snprintf(fresh, sizeof fresh, "%s/resumed", plant_dir());
    FILE *f = fopen(csv, "r");
    CHECK_FATAL(f != NULL);
    for (int lines = 0, c; lines < 2001 && (c = fgetc(f)) != EOF;) /* the header and 2000 records */
        lines += c == '\n';
    offset = ftell(f);
    fclose(f);
    f = fopen(state, "w");
    CHECK_FATAL(f && fprintf(f, "%ld\n", offset) > 0 && fclose(f) == 0);
    expect(RUN("import", csv, "--data", fresh, "--resume", state), 0, "1000 records, 1000 samples: 1000 new");
    CHECK(access(state, F_OK) != 0); /* done: nothing to go on with */
    expect(RUN("import", csv, "--data", fresh, "--resume", state), 0, "2000 new, 1000 there already");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(name_files), PT_TEST(help_and_wrong_calls), PT_TEST(the_running_hosts_samples_are_exported), PT_TEST(nothing_is_imported_under_a_running_host),
        PT_TEST(a_file_is_imported_once), PT_TEST(an_export_imports_the_same), PT_TEST(records_that_cannot_be_read_stop_the_import_or_are_left_out),
        PT_TEST(an_import_goes_on_where_it_was_left),
    };
    return plant_main("host/cli/verb_transfer", tests, PT_COUNT_OF(tests), argc, argv);
}
