/* tests/host/cli/ask_test.c -- the host's answer and the files' are one, and a table shows the cells of any CSV. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>
#include <stdlib.h>

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void a_table_shows_quoted_cells_as_one(void)
{
    char csv[420], dir[420];
    snprintf(csv, sizeof csv, "%s/cells.csv", plant_dir());
    snprintf(dir, sizeof dir, "%s/cells", plant_dir());
    write_file(
        csv,
        "time,path,type,value\n2026-01-01T00:00:00Z,\"a, b\",String,\"say \"\"hi\"\", you\"\n2026-01-01T00:00:01Z,\"a, b\",String,\"two\nlines\"\n"
        "2026-01-01T00:00:02Z,\"a, b\",String,\n2026-01-01T00:00:03Z,\"a, b\",String,\"\"\"\"\n");
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("--data", dir, "history", "a, b", "--from", "2026-01-01", "--to", "2026-01-02");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "TIME                      PATH          VALUE  QUALITY\n"
                                   "2026-01-01T00:00:00.000Z  a, b  say \"hi\", you  GOOD\n"
                                   "2026-01-01T00:00:01.000Z  a, b      two?lines  GOOD\n"
                                   "2026-01-01T00:00:02.000Z  a, b              -  GOOD\n"
                                   "2026-01-01T00:00:03.000Z  a, b              \"  GOOD\n");
    outcome_release(&o);
    o = RUN("--data", dir, "history", "a, b", "--from", "2026-01-01", "--to", "2026-01-01T00:01:00Z", "--interval", "1m", "--fn",
            "count,max");
    CHECK_STR(pt_buf_view(&o.out), "TIME                      PATH  count  max\n2026-01-01T00:00:00.000Z  a, b      4    -\n");
    outcome_release(&o);
}

/* Every format of every question, over HTTP and from the directory beside the running host. */
static void the_host_and_the_files_answer_with_the_same_bytes(void)
{
    static const char *const questions[][8] = {
        { "history", "G/e/filler/**", "!**/PV" },
        { "history", SETPOINT, VALVE, "--interval", "1h", "--fn", "count,last,interpolated" },
        { "durations", SETPOINT, VALVE },
        { "events", "--type", "nbirth,dbirth" },
    };
    static const char *const formats[] = { NULL, "csv", "json", "jsonl" };
    outcome o;
    CHECK(UNTIL(has_any, &o, "read", SETPOINT));
    outcome_release(&o);
    CHECK_INT(plant_end(PLANT_EDGE, SIGTERM), 0); /* nothing changes any more */
    CHECK(UNTIL(is_stale, &o, "read", SETPOINT));
    outcome_release(&o);
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0); /* all is committed */
    plant_start(PLANT_HOST);
    CHECK(UNTIL(has_any, &o, "tree"));
    outcome_release(&o);
    char from[32], to[32]; /* the same for both */
    snprintf(from, sizeof from, "%lld", (long long)pt_wall_ms(pt_clock_system()) - 3600000);
    snprintf(to, sizeof to, "%lld", (long long)pt_wall_ms(pt_clock_system()) + 3600000);
    for (size_t i = 0; i < PT_COUNT_OF(questions); i++) {
        bool takes_formats = strcmp(questions[i][0], "history") == 0;
        for (size_t f = 0; f < (takes_formats ? 4 : 2); f++) {
            const char *args[2][24] = { { "--url", plant_url() }, { "--data", plant_data() } };
            outcome both[2];
            for (int files = 0; files < 2; files++) {
                size_t n = 2;
                for (size_t k = 0; k < 8 && questions[i][k]; k++)
                    args[files][n++] = questions[i][k];
                args[files][n++] = "--from";
                args[files][n++] = from;
                args[files][n++] = "--to";
                args[files][n++] = to;
                if (takes_formats && formats[f]) args[files][n++] = "--format";
                if (formats[f]) args[files][n++] = takes_formats ? formats[f] : "--json";
                both[files] = run_plantree(NULL, args[files]);
                CHECK_CODE(both[files], 0);
            }
            if (strcmp(questions[i][0], "durations") != 0) /* those grow until now */
                CHECK_STR(pt_buf_view(&both[0].out), both[1].out.ptr);
            CHECK(both[0].out.len > 40);
            outcome_release(&both[0]);
            outcome_release(&both[1]);
        }
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_table_shows_quoted_cells_as_one),
        PT_TEST(the_host_and_the_files_answer_with_the_same_bytes),
    };
    return plant_main("host/cli/ask", tests, PT_COUNT_OF(tests), argc, argv);
}
