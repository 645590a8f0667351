/* tests/host/cli/files_test.c -- sql, export, import, verify and backup on a data directory, as a user calls them. */
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[300], csv[300], out[300], copy[300], again[300];

static outcome run(const char *const *args)
{
    return run_plantree(NULL, args);
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void expect(outcome o, int code, const char *says)
{
    bool ok = o.code == code && (!says || outcome_says(&o.out, says) || outcome_says(&o.err, says));
    if (!ok) printf("code %d, out '%.*s', err '%.*s'\n", o.code, (int)o.out.len, o.out.ptr ? o.out.ptr : "", (int)o.err.len, o.err.ptr ? o.err.ptr : "");
    CHECK(ok);
    outcome_release(&o);
}

static void a_file_is_imported_once(void)
{
    const char *home = pt_test_dir();
    snprintf(dir, sizeof dir, "%s/data", home);
    snprintf(csv, sizeof csv, "%s/in.csv", home);
    snprintf(out, sizeof out, "%s/out.csv", home);
    snprintf(copy, sizeof copy, "%s/copy", home);
    snprintf(again, sizeof again, "%s/again", home);
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(f != NULL);
    fprintf(f, "time,path,value,quality\n");
    for (int i = 0; i < 3000; i++) fprintf(f, "%lld,acme/line%d/level,%d.25,GOOD\n", 1750000000000LL + i * 1000LL, i % 2, i);
    fclose(f);
    expect(RUN("import", csv, "--data", dir), 0, "3000 new, 0 there already");
    expect(RUN("import", csv, "--data", dir), 0, "0 new, 3000 there already");
}

static void sql_reads_it(void)
{
    expect(RUN("sql", "SELECT path, samples FROM tag ORDER BY path", "--data", dir, "--csv"), 0, "path,samples\nacme/line0/level,1500\nacme/line1/level,1500\n");
    expect(RUN("sql", "SELECT max(value) AS m FROM history WHERE path='acme/line1/level'", "--data", dir, "--json"), 0, "[{\"m\":2999.25}]");
    expect(RUN("sql", "SELECT nonsense", "--data", dir), 2, "nonsense");
    expect(RUN("sql", "SELECT 1", "--url", "http://127.0.0.1:1"), 4, "--data");
    expect(RUN("sql", "SELECT 1", "--data", "/nowhere/at/all"), 1, "/nowhere");
}

static void an_export_imports_the_same(void)
{
    char second[320];
    snprintf(second, sizeof second, "%s.2.csv", out);
    expect(RUN("export", "--data", dir, "--output", out), 0, "3000 samples");
    expect(RUN("import", out, "--data", again), 0, "3000 new");
    expect(RUN("export", "--data", again, "--output", second), 0, NULL);
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

static void verify_finds_and_repairs_damage(void)
{
    expect(RUN("verify", "--data", dir), 0, "0 faults");
    expect(RUN("backup", copy, "--data", dir), 0, NULL);
    expect(RUN("backup", copy, "--data", dir), 3, "already");
    char path[340];
    snprintf(path, sizeof path, "%s/blocks-1749686400.db", copy);
    FILE *f = fopen(path, "r+b");
    CHECK_FATAL(f != NULL);
    CHECK(fseek(f, -4000, SEEK_END) == 0 && fwrite("!!!!!!!!", 1, 8, f) == 8);
    fclose(f);
    outcome o = RUN("verify", "--data", copy, "--json");
    bool hurt = o.code == 1;
    outcome_release(&o);
    if (hurt) { /* the bytes hit a block rather than free space */
        expect(RUN("verify", "--data", copy, "--repair"), 0, "rebuilt");
        expect(RUN("verify", "--data", copy), 0, "0 faults");
    }
    expect(RUN("verify", "--data", dir), 0, "0 faults");
}

static void aggregates_have_both_names(void)
{
    expect(RUN("history", "acme/line0/level", "--data", dir, "--from", "1750000000000", "--to", "1750003000000", "--interval", "1h", "--fn", "count,Range,TimeAverage", "--format", "csv"), 0, "time,path,count,range,twa\n");
    expect(RUN("history", "acme/line0/level", "--data", dir, "--from", "1750000000000", "--to", "1750003000000", "--interval", "1h", "--fn", "median"), 2, "median");
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_file_is_imported_once),
        PT_TEST(sql_reads_it),
        PT_TEST(an_export_imports_the_same),
        PT_TEST(verify_finds_and_repairs_damage),
        PT_TEST(aggregates_have_both_names),
    };
    (void)argc;
    return pt_test_main("host/cli/files", tests, PT_COUNT_OF(tests), 1, argv);
}
