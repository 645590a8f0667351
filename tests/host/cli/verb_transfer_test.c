/* tests/host/cli/verb_transfer_test.c -- export and import: out of a running host's files, into a directory of their own, and back the
 * same. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <errno.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    if (says)
        pt_check_at(outcome_says(&o.out, says) || outcome_says(&o.err, says), false, __FILE__, __LINE__, "'%.200s%.200s' has no '%s'",
                    o.out.ptr, o.err.ptr, says);
    outcome_release(&o);
}

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
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
    o = CLI("export", "G/**", "--select", "!**/PV", "--from", "now-1h", "--format", "csv");
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
    CHECK_STR(pt_buf_view(&o.out),
              "{\"records\":3000,\"samples\":3000,\"new\":0,\"duplicates\":3000,\"replaced\":0,\"faults\":0,\"faults_at\":[]}\n");
    CHECK_INT(o.err.len, 0);
    outcome_release(&o);
    expect(RUN("sql", "SELECT path, samples FROM tag ORDER BY path", "--data", dir, "--csv"), 0,
           "path,samples\nacme/line0/level,1500\nacme/line1/level,1500\n");
    expect(RUN("sql", "SELECT max(value) AS m FROM history WHERE path='acme/line1/level'", "--data", dir, "--json"), 0,
           "[{\"m\":2999.25}]");
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
    CHECK_SAYS(o.err, "\nline 3: ");
    outcome_release(&o);
    expect(RUN("sql", "SELECT count(*) AS n FROM history WHERE path='q/a'", "--data", dir, "--json"), 0, "[{\"n\":2}]");
    expect(RUN("import", "/nonexistent/in.csv", "--data", dir), 1, "/nonexistent/in.csv: No such file or directory");
}

static void the_lines_of_records_that_cannot_be_read_are_said(void)
{
    char many[420];
    snprintf(many, sizeof many, "%s/many.csv", plant_dir());
    FILE *f = fopen(many, "w");
    CHECK_FATAL(f && fputs("time,path,value\n\n1750000000000,m/a,1\nyester\033day,m/a,2\n", f) >= 0);
    for (int i = 0; i < 24; i++)
        CHECK_FATAL(fputs("1750000002000,m/a\n", f) >= 0);
    CHECK_FATAL(fputs("1750000003000,m/a,3\n", f) >= 0 && fclose(f) == 0);
    outcome o = RUN("import", many, "--data", dir);
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "line 4: ");
    outcome_release(&o);
    o = RUN("import", many, "--data", dir, "--skip-faults");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.err, "27 records, 2 samples: ");
    CHECK_SAYS(o.err, "; 25 records could not be read\nline 4: ");
    CHECK_SAYS(o.err, "\nline 5: 2 fields, the header has 3\n");
    CHECK_SAYS(o.err, "\nline 23: 2 fields, the header has 3\nand 5 more\n");
    CHECK(!strchr(o.err.ptr, '\033'));
    outcome_release(&o);
    o = RUN("import", many, "--data", dir, "--skip-faults", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    check_shape(v, "records:i samples:i new:i duplicates:i replaced:i faults:i faults_at:a");
    CHECK_INT(cli_i64(v, "faults"), 25);
    const json_t *at = json_object_get(v, "faults_at");
    CHECK_INT(json_array_size(at), 20);
    CHECK_INT(cli_i64(json_array_get(at, 19), "line"), 23);
    CHECK_STR(pt_cstr(cli_str(json_array_get(at, 19), "why")), "2 fields, the header has 3");
    CHECK_SAYS(o.err, "and 5 more\n");
    json_decref(v);
    outcome_release(&o);
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

/* Samples of one tag, a second apart; the one numbered `bad` without a time that can be read. */
static void write_rows(const char *path, const char *tag, int rows, int bad)
{
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fprintf(f, "time,path,value\n") > 0);
    for (int i = 0; i < rows; i++) {
        if (i == bad) fprintf(f, "yesterday....,%s,%d\n", tag, i);
        else fprintf(f, "%lld,%s,%d\n", 1750000000000LL + i * 1000LL, tag, i);
    }
    CHECK_FATAL(fclose(f) == 0);
}

static void is_kept(const char *state, const char *text)
{
    char now[200] = "";
    FILE *f = fopen(state, "r");
    CHECK_FATAL(f != NULL);
    size_t n = fread(now, 1, sizeof now - 1, f);
    fclose(f);
    CHECK_STR(pt_slice_of(now, n), text);
}

/* A state is of one file: the same one may have grown, and have been mended behind the place, but not before it. */
static void an_import_does_not_go_on_in_another_file(void)
{
    enum { ROWS = 9000, BAD = 7000 };
    char state[420], fresh[420], left[200] = "";
    unsigned long long offset = 0, line = 0, sum = 0;
    snprintf(state, sizeof state, "%s/other.state", plant_dir());
    snprintf(fresh, sizeof fresh, "%s/other", plant_dir());
    write_rows(csv, "o/a", ROWS, BAD);
    expect(RUN("import", csv, "--data", fresh, "--resume", state), 1, "line 7002: ");
    FILE *f = fopen(state, "r");
    CHECK_FATAL(f && fgets(left, sizeof left, f) && fclose(f) == 0);
    CHECK(sscanf(left, "%llu %llu %llx", &offset, &line, &sum) == 3 && offset > 2 * 65536 && line == 7002);
    static const struct {
        const char *tag;
        int spoiled; /* a row of the file as it was, -1: none */
    } others[] = { { "o/b", -1 }, { "o/a", 10 }, { "o/a", BAD - 10 } };
    for (size_t i = 0; i < PT_COUNT_OF(others); i++) {
        write_rows(csv, others[i].tag, ROWS, others[i].spoiled);
        expect(RUN("import", csv, "--data", fresh, "--resume", state), 1, "it belongs to another file; nothing was imported");
        is_kept(state, left);
    }
    expect(RUN("sql", "SELECT path, samples FROM tag ORDER BY path", "--data", fresh, "--csv"), 0, "path,samples\no/a,7000\n");
    write_rows(csv, "o/a", ROWS + 5, ROWS + 2);
    expect(RUN("import", csv, "--data", fresh, "--resume", state, "--skip-faults"), 0,
           "2005 records, 2004 samples: 2004 new, 0 there already, 0 replaced; 1 records could not be read\nline 9004: ");
    CHECK(access(state, F_OK) != 0);
}

/* A state is of one directory, by whatever name it is called. */
static void an_import_does_not_go_on_in_another_directory(void)
{
    char state[420], first[420], second[420], link[420], left[200] = "";
    snprintf(state, sizeof state, "%s/dir.state", plant_dir());
    snprintf(first, sizeof first, "%s/dir1", plant_dir());
    snprintf(second, sizeof second, "%s/dir2", plant_dir());
    snprintf(link, sizeof link, "%s/dir3", plant_dir());
    write_rows(csv, "d/a", 10, 8);
    expect(RUN("import", csv, "--data", first, "--resume", state), 1, "line 10: ");
    FILE *f = fopen(state, "r");
    CHECK_FATAL(f && fgets(left, sizeof left, f) && fclose(f) == 0);
    write_rows(csv, "d/a", 10, -1);
    for (int i = 0; i < 2; i++) {
        expect(RUN("import", csv, "--data", second, "--resume", state), 1, "into another directory than ");
        is_kept(state, left);
        CHECK((access(second, F_OK) == 0) == (i == 1)); /* not made */
        CHECK(i == 1 || mkdir(second, 0700) == 0);
    }
    expect(RUN("import", csv, "--data", second), 0, "10 new"); /* nothing was in it */
    CHECK_FATAL(symlink(first, link) == 0);
    expect(RUN("import", csv, "--data", link, "--resume", state), 0, "2 records, 2 samples: 2 new");
    char *end = strrchr(left, ' '); /* as an older build left it */
    CHECK_FATAL(end != NULL);
    f = fopen(state, "w");
    CHECK_FATAL(f && fprintf(f, "%.*s\n", (int)(end - left), left) > 0 && fclose(f) == 0);
    expect(RUN("import", csv, "--data", second, "--resume", state), 0, "2 records, 2 samples: 0 new, 2 there already");
}

/* What an older build left says only the offset; what no build left is not taken for a state, and not written over. */
static void states_of_other_kinds_are_told_apart(void)
{
    char state[420], fresh[420];
    snprintf(state, sizeof state, "%s/kinds.state", plant_dir());
    snprintf(fresh, sizeof fresh, "%s/kinds", plant_dir());
    static const char *const strange[] = { "time,path,value\n", "16 2\n", "16 2 x\n", "16\nx,y\n", "16,2\n" };
    write_rows(csv, "k/a", 10, 8);
    for (size_t i = 0; i < PT_COUNT_OF(strange); i++) {
        FILE *f = fopen(state, "w");
        CHECK_FATAL(f && fputs(strange[i], f) >= 0 && fclose(f) == 0);
        expect(RUN("import", csv, "--data", fresh, "--resume", state), 1, "kinds.state is no state of an import; nothing was imported");
        is_kept(state, strange[i]);
    }
    FILE *f = fopen(state, "w");
    CHECK_FATAL(f && fputs("35", f) >= 0 && fclose(f) == 0); /* behind the first row */
    expect(RUN("import", csv, "--data", fresh, "--resume", state), 1, "line 10: ");
    expect(RUN("sql", "SELECT path, samples FROM tag", "--data", fresh, "--csv"), 0, "k/a,7\n");
    f = fopen(state, "w");
    CHECK_FATAL(f && fclose(f) == 0); /* empty: nothing yet */
    expect(RUN("import", csv, "--data", fresh, "--resume", state, "--skip-faults"), 0, "10 records, 9 samples: 2 new, 7 there already");
    expect(RUN("import", "/dev/null", "--data", fresh, "--format", "csv", "--resume", state), 2,
           "--resume needs a file that can be read from the middle");
}

/* Its last record keeps it from ending well should the signal come late. */
static void an_import_that_was_killed_goes_on(void)
{
    enum { ROWS = 100000 };
    char state[420], fresh[420], path[4096];
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(state, sizeof state, "%s/killed.state", plant_dir());
    snprintf(fresh, sizeof fresh, "%s/killed", plant_dir());
    snprintf(path, sizeof path, "%s/plantree", bin ? bin : "build/bin");
    write_rows(csv, "k/b", ROWS, ROWS - 1);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        execl(path, "plantree", "import", csv, "--data", fresh, "--resume", state, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    pid_t ended = 0;
    while (access(state, F_OK) != 0 && (ended = waitpid(pid, &status, WNOHANG)) == 0)
        sched_yield();
    if (ended == 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* again */
        }
    }
    CHECK(access(state, F_OK) == 0);
    write_rows(csv, "k/b", ROWS, -1);
    outcome o = RUN("import", csv, "--data", fresh, "--resume", state, "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o);
    CHECK(cli_i64(v, "records") < ROWS && cli_i64(v, "records") > 0);
    json_decref(v);
    outcome_release(&o);
    expect(RUN("sql", "SELECT count(*) AS n, sum(value) AS s FROM history WHERE path='k/b'", "--data", fresh, "--json"), 0,
           "[{\"n\":100000,\"s\":4999950000");
}

/* The header is the first record, not the first line; so is one that is longer than what is read at once. */
static void an_import_goes_on_under_a_header_of_several_lines(void)
{
    static const size_t lengths[] = { 5, 9000, 100000 };
    for (size_t i = 0; i < PT_COUNT_OF(lengths); i++) {
        char state[420], fresh[420];
        snprintf(state, sizeof state, "%s/lines%zu.state", plant_dir(), i);
        snprintf(fresh, sizeof fresh, "%s/lines%zu", plant_dir(), i);
        FILE *f = fopen(csv, "w");
        CHECK_FATAL(f && fputs("\"what it\nis, in \"\"words\"\"\n", f) >= 0);
        for (size_t k = 0; k < lengths[i]; k++)
            CHECK_FATAL(fputc('x', f) != EOF);
        CHECK_FATAL(fputs("\",time,path,value\nfirst,1750000000000,h/a,1\n", f) >= 0);
        long offset = ftell(f);
        CHECK_FATAL(fputs("\"sec\nond\",1750000001000,h/a,2\nthird,1750000002000,h/a,3\n", f) >= 0 && fclose(f) == 0);
        f = fopen(state, "w");
        CHECK_FATAL(f && fprintf(f, "%ld\n", offset) > 0 && fclose(f) == 0);
        expect(RUN("import", csv, "--data", fresh, "--resume", state), 0, "2 records, 2 samples: 2 new");
        expect(RUN("import", csv, "--data", fresh), 0, "3 records, 3 samples: 1 new, 2 there already");
    }
}

static void a_header_that_never_ends_is_a_fault(void)
{
    char state[420];
    snprintf(state, sizeof state, "%s/endless.state", plant_dir());
    FILE *f = fopen(csv, "w"), *g = fopen(state, "w");
    CHECK_FATAL(f && g && fputs("5\n", g) >= 0 && fclose(g) == 0);
    for (int i = 0; i < 1100000; i++) /* longer than any header */
        CHECK_FATAL(fputc(i ? 'x' : '"', f) != EOF);
    CHECK_FATAL(fclose(f) == 0);
    expect(RUN("import", csv, "--data", dir, "--resume", state), 1, "no header line");
}

/* A terminal of our own in place of standard error; what is written to it, NUL-terminated, and whether the program ended with 0. */
static bool on_terminal(const char *const *args, char *said, size_t cap)
{
    char path[4096];
    const char *bin = getenv("PLANTREE_BIN");
    char *argv[32] = { "plantree" };
    int master = -1, slave = -1, status = -1;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/plantree", bin ? bin : "build/bin");
    for (size_t i = 0; args[i] && i < 30; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    CHECK_FATAL(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        close(master);
        if (dup2(slave, STDERR_FILENO) < 0) _exit(127);
        execv(path, argv);
        _exit(127);
    }
    close(slave);
    for (ssize_t got; n + 1 < cap && (got = read(master, said + n, cap - 1 - n)) > 0;) /* an error is the other side's end */
        n += (size_t)got;
    said[n] = '\0';
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* again */
    }
    close(master);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define REDRAWN "\r\033[K"

/* Its first picture comes with the first step, the last thing it does is to go. */
static void progress_is_drawn_on_a_terminal_and_nowhere_else(void)
{
    static char said[1 << 16];
    char fresh[420];
    snprintf(fresh, sizeof fresh, "%s/drawn", plant_dir());
    CHECK(on_terminal((const char *const[]){ "export", "--data", dir, "--output", out, NULL }, said, sizeof said));
    CHECK(strncmp(said, REDRAWN "tag 1 of ", strlen(REDRAWN "tag 1 of ")) == 0);
    CHECK(strstr(said, " samples" REDRAWN) != NULL); /* wiped before what became of it is said */
    CHECK(on_terminal((const char *const[]){ "import", out, "--data", fresh, NULL }, said, sizeof said));
    CHECK(strncmp(said, REDRAWN, strlen(REDRAWN)) == 0 && strstr(said, " %, ") && strstr(said, " samples" REDRAWN));
    pt_check_at(strstr(said, "records, ") != NULL, false, __FILE__, __LINE__, "it said '%s'", said);
    outcome o = RUN("export", "--data", dir, "--output", out); /* standard error is a pipe */
    CHECK_CODE(o, 0);
    CHECK(!strchr(o.err.ptr, '\r') && !strchr(o.err.ptr, '\033'));
    outcome_release(&o);
    o = RUN("import", out, "--data", fresh);
    CHECK_CODE(o, 0);
    CHECK(!strchr(o.err.ptr, '\r') && !strchr(o.err.ptr, '\033'));
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(name_files),
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_running_hosts_samples_are_exported),
        PT_TEST(nothing_is_imported_under_a_running_host),
        PT_TEST(a_file_is_imported_once),
        PT_TEST(an_export_imports_the_same),
        PT_TEST(records_that_cannot_be_read_stop_the_import_or_are_left_out),
        PT_TEST(the_lines_of_records_that_cannot_be_read_are_said),
        PT_TEST(an_import_goes_on_where_it_was_left),
        PT_TEST(an_import_goes_on_under_a_header_of_several_lines),
        PT_TEST(a_header_that_never_ends_is_a_fault),
        PT_TEST(an_import_does_not_go_on_in_another_file),
        PT_TEST(an_import_does_not_go_on_in_another_directory),
        PT_TEST(states_of_other_kinds_are_told_apart),
        PT_TEST(an_import_that_was_killed_goes_on),
        PT_TEST(progress_is_drawn_on_a_terminal_and_nowhere_else),
    };
    return plant_main("host/cli/verb_transfer", tests, PT_COUNT_OF(tests), argc, argv);
}
