/* tests/host/cli/verb_log_test.c */
#include "historian/historian.h"
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"
#include "tests/support/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "log", "x" }, "no argument is expected, but 'x' was given" },
        { { "log", "--after", "x" }, "--after is the number of a change, not 'x'" },
        { { "log", "--after", "9223372036854775808" }, "--after is the number of a change" },
        { { "log", "--limit", "-1" }, "--limit is a number, 0 for all there is, not '-1'" },
        { { "log", "--limit", "many" }, "--limit is a number" },
        { { "log", "--select", "a,b" }, "--select is one glob, not 'a,b'" },
        { { "log", "--select", "" }, "--select is one glob" },
        { { "log", "--from", "now" }, "unknown option '--from'" },
    };
    check_help(&cli_verb_log);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("log");
    CHECK_HOST_ABSENT("log", "--json");
    CHECK_HOST_ABSENT("log", "--follow");
    outcome o = RUN("--data", "/nonexistent/x", "log");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nonexistent/x");
    CHECK(o.out.len == 0 && !outcome_says(&o.err, "next:"));
    outcome_release(&o);
}

/* What follows the last "next: --after "; -1: it is not said. */
static long long next_of(const outcome *o)
{
    static const char mark[] = "plantree log: next: --after ";
    const char *at = strstr(o->err.ptr, mark);
    return at ? strtoll(at + strlen(mark), NULL, 10) : -1;
}

static const char *decimal(long long n)
{
    static char text[24];
    snprintf(text, sizeof text, "%lld", n);
    return text;
}

/* Each line is an object; their numbers go up. Returns how many lines there are. */
static size_t check_lines(const outcome *o, bool gap_free)
{
    pt_slice rest = pt_buf_view(&o->out), line;
    int64_t last = 0;
    size_t n = 0;
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        if (!line.len) continue; /* behind the last */
        json_t *v = json_loadb(line.ptr, line.len, 0, NULL);
        CHECK_FATAL(v != NULL);
        if (json_object_get(v, "event")) check_shape(json_object_get(v, "event"), "time_ms:i type:s node:s? device:s? path:s? detail:o");
        else check_shape(v, "seq:i tag_id:i path:s time_ms:i type:s value:*? quality:s flags:s");
        CHECK(gap_free ? !last || cli_i64(v, "seq") == last + 1 : cli_i64(v, "seq") > last);
        last = cli_i64(v, "seq");
        json_decref(v);
        n++;
    }
    return n;
}

static bool ten_lines(const outcome *o)
{
    return check_lines(o, false) == 10;
}

/* Until ten of the level are there: what asks for ten of it and others gets the same ten from then on. */
static void wait_for_changes(void)
{
    outcome o;
    for (int64_t until = pt_test_now_ms() + 30000;; outcome_release(&o)) {
        o = CLI("log", "--limit", "10", "--json", "--select", LEVEL);
        if (ten_lines(&o) || pt_test_now_ms() > until) break;
    }
    CHECK_FATAL(ten_lines(&o));
    outcome_release(&o);
}

static void host_and_directory_give_the_same(void)
{
    static const char *const calls[][6] = {
        { "--json" }, { NULL }, { "--json", "--select", "**/Level/*", "--select", "!**/SP" }, { "--select", "**/Level/*" }
    };
    wait_for_changes();
    for (size_t i = 0; i < PT_COUNT_OF(calls); i++) {
        const char *const *w = calls[i];
        outcome live = CLI("log", "--after", "0", "--limit", "10", w[0], w[1], w[2], w[3], w[4]);
        outcome files =
            RUN("--data", plant_data(), "log", "--after", "0", "--limit", "10", w[0], w[1], w[2], w[3], w[4]); /* beside the host */
        CHECK_CODE(live, 0);
        CHECK_CODE(files, 0);
        CHECK(live.out.len > 100 && pt_slice_eq(pt_buf_view(&live.out), pt_buf_view(&files.out)));
        CHECK(next_of(&live) >= 10 && next_of(&live) == next_of(&files));
        if (w[0] && strcmp(w[0], "--json") == 0) CHECK_INT(check_lines(&live, i == 0), 10);
        outcome_release(&live);
        outcome_release(&files);
    }
}

static void pages_are_one_reading(void)
{
    outcome all = CLI("log", "--limit", "10", "--json"), one = CLI("log", "--limit", "4", "--json");
    CHECK_INT(next_of(&one), 4);
    outcome two = CLI("log", "--limit", "6", "--json", "--after", decimal(next_of(&one)));
    CHECK_INT(next_of(&two), next_of(&all));
    CHECK_OK_FATAL(pt_buf_slice(&one.out, pt_buf_view(&two.out)));
    CHECK(pt_slice_eq(pt_buf_view(&one.out), pt_buf_view(&all.out)));
    outcome_release(&one);
    outcome_release(&two);
    outcome_release(&all);
}

static void everything_there_is_has_an_end_while_more_comes(void)
{
    outcome o = CLI("log", "--limit", "0", "--json");
    CHECK_CODE(o, 0);
    CHECK_INT(check_lines(&o, true), next_of(&o));
    outcome_release(&o);
}

/* More than one question long: PV is polled every 50 ms. */
static void a_follower_gets_what_comes(void)
{
    for (int files = 0; files < 2; files++) {
        const char *place = files ? "--data" : "--url", *where = files ? plant_data() : plant_url();
        outcome now = RUN(place, where, "log", "--limit", "0", "--json"), o;
        o = RUN(place, where, "log", "--follow", "--select", LEVEL, "--limit", "25", "--json", "--after", decimal(next_of(&now)));
        CHECK_CODE(o, 0);
        CHECK_INT(check_lines(&o, false), 25);
        CHECK(next_of(&o) >= next_of(&now) + 25);
        outcome_release(&now);
        outcome_release(&o);
    }
}

static bool has_line(int fd)
{
    char c;
    ssize_t n = read(fd, &c, 1);
    return n > 0 && c == '\n';
}

/* Nothing is lost by Ctrl-C: the number is said. */
static void an_interrupted_follower_says_where_it_is(void)
{
    char program[4096], err[500], text[4000] = "";
    const char *bin = getenv("PLANTREE_BIN");
    char *argv[] = { "plantree", "--url", (char *)(uintptr_t)plant_url(), "log", "--follow", "--json", NULL };
    int out[2], status = 0;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    snprintf(program, sizeof program, "%s/plantree", bin ? bin : "build/bin");
    snprintf(err, sizeof err, "%s/follower.err", plant_dir());
    CHECK_FATAL(pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK_FATAL(posix_spawn(&pid, program, &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    CHECK_WITHIN(5000, has_line(out[0]));
    kill(pid, SIGINT);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* again */
    }
    close(out[0]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CLI_EXIT_INTERRUPTED);
    FILE *f = fopen(err, "r");
    CHECK_FATAL(f != NULL);
    CHECK(fread(text, 1, sizeof text - 1, f) > 0 && fclose(f) == 0);
    CHECK_ROW(text, strstr(text, "plantree log: next: --after ") != NULL);
}

/* ---- a directory of our own ---- */

static const char *own_dir(const char *name)
{
    static char dir[500];
    snprintf(dir, sizeof dir, "%s/%s", plant_dir(), name);
    return dir;
}

static hist *own(const char *name, uint64_t log_bytes, uint32_t *id)
{
    const hist_tag_key key = { PT_LIT("mqtt"), PT_NONE, PT_NONE, PT_NONE, PT_LIT("a/odd") };
    hist_options o;
    hist *h = NULL;
    hist_options_init(&o);
    o.dir = own_dir(name);
    o.commit_interval_ms = 10;
    o.log_bytes = log_bytes;
    CHECK_OK_FATAL(hist_open(&o, pt_clock_system(), NULL, &h, NULL));
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, PT_LIT("a/odd"), SPB_DOUBLE, PT_LIT(""), id));
    return h;
}

static void no_digit_is_lost_and_a_table_is_for_people(void)
{
    const hist_event events[] = {
        { .time_ms = 1763848992000, .type = PT_LIT("ddeath"), .node = PT_LIT("g/e"), .device = PT_LIT("d"), .detail = PT_LIT("{\"n\":1}") },
        { .time_ms = 1763848992000, .type = PT_LIT("write"), .node = PT_LIT("g/e"), .path = PT_LIT("a/odd") }
    };
    hist_sample some[] = { { .time_ms = 1763848992001, .type = SPB_DOUBLE, .as.f64 = 0.1 },
                           { .time_ms = 1763848992002, .type = SPB_UINT64, .as.u64 = UINT64_MAX, .quality = SPB_UNCERTAIN },
                           { .time_ms = 1763848992003, .type = SPB_STRING, .as.ptr = "],[\\\"{\xff", .len = 7 },
                           { .time_ms = 1763848992004, .type = SPB_DOUBLE, .flags = HIST_STATE, .quality = SPB_STALE } };
    uint32_t id = 0;
    hist *h = own("odd", 1 << 20, &id);
    for (size_t i = 0; i < PT_COUNT_OF(events); i++)
        CHECK_OK_FATAL(hist_event_append(h, &events[i]));
    for (size_t i = 0; i < PT_COUNT_OF(some); i++) {
        some[i].tag_id = id;
        CHECK_OK_FATAL(hist_append(h, &some[i], 1));
    }
    CHECK_OK_FATAL(hist_flush(h, 10000, NULL));
    outcome o = RUN("--data", own_dir("odd"), "log", "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(
        pt_buf_view(&o.out),
        "{\"seq\":1,\"event\":{\"time_ms\":1763848992000,\"type\":\"ddeath\",\"node\":\"g/e\",\"device\":\"d\",\"path\":null,\"detail\":{\"n\":1}}}\n"
        "{\"seq\":2,\"event\":{\"time_ms\":1763848992000,\"type\":\"write\",\"node\":\"g/e\",\"device\":null,\"path\":\"a/odd\",\"detail\":{}}}\n"
        "{\"seq\":3,\"tag_id\":1,\"path\":\"a/odd\",\"time_ms\":1763848992001,\"type\":\"Double\",\"value\":0.1,\"quality\":\"GOOD\",\"flags\":\"\"}\n"
        "{\"seq\":4,\"tag_id\":1,\"path\":\"a/odd\",\"time_ms\":1763848992002,\"type\":\"UInt64\",\"value\":18446744073709551615,\"quality\":\"UNCERTAIN\",\"flags\":\"\"}\n"
        "{\"seq\":5,\"tag_id\":1,\"path\":\"a/odd\",\"time_ms\":1763848992003,\"type\":\"String\",\"value\":\"],[\\\\\\\"{\xef\xbf\xbd\",\"base64\":\"XSxbXCJ7/w==\",\"quality\":\"GOOD\",\"flags\":\"\"}\n"
        "{\"seq\":6,\"tag_id\":1,\"path\":\"a/odd\",\"time_ms\":1763848992004,\"type\":\"Double\",\"value\":null,\"quality\":\"STALE\",\"flags\":\"S\"}\n");
    CHECK_STR(pt_buf_view(&o.err), "plantree log: next: --after 6\n");
    outcome_release(&o);
    o = RUN("--data", own_dir("odd"), "log");
    CHECK_STR(pt_buf_view(&o.out), "SEQ  TIME                      PATH                  VALUE  QUALITY    EVENT\n"
                                   "  1  2025-11-22T22:03:12.000Z  g/e/d                     -  -          ddeath {\"n\":1}\n"
                                   "  2  2025-11-22T22:03:12.000Z  a/odd                     -  -          write\n"
                                   "  3  2025-11-22T22:03:12.001Z  a/odd                   0.1  GOOD       -\n"
                                   "  4  2025-11-22T22:03:12.002Z  a/odd  18446744073709551615  UNCERTAIN  -\n"
                                   "  5  2025-11-22T22:03:12.003Z  a/odd               ],[\\\"{\xef\xbf\xbd  GOOD       -\n"
                                   "  6  2025-11-22T22:03:12.004Z  a/odd                     -  STALE      -\n");
    outcome_release(&o);
    o = RUN("--data", own_dir("odd"), "log", "--after", "6", "--json"); /* nothing new */
    CHECK_CODE(o, 0);
    CHECK_INT(o.out.len, 0);
    CHECK_INT(next_of(&o), 6);
    outcome_release(&o);
    CHECK_OK(hist_close(h, 1000, NULL));
}

static void a_number_that_was_never_given_is_refused(void)
{
    for (int files = 0; files < 2; files++) {
        const char *place = files ? "--data" : "--url", *where = files ? plant_data() : plant_url();
        outcome o = RUN(place, where, "log", "--after", "1000000000000");
        CHECK_CODE(o, 2);
        CHECK_SAYS(o.err, "after: the newest change is ");
        CHECK_SAYS(o.err, "a number of 1000000000000 is another historian's\n");
        CHECK(o.out.len == 0 && next_of(&o) < 0);
        outcome_release(&o);
    }
}

/* Deleting a tag's samples empties the log. */
static void a_reader_that_fell_behind_is_told_the_oldest_number(void)
{
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
    outcome pruned = RUN("prune", SETPOINT, "--data", plant_data(), "--from", "0", "--yes");
    CHECK_CODE(pruned, 0);
    outcome_release(&pruned);
    plant_start(PLANT_HOST);
    wait_for_changes();
    outcome o;
    for (int files = 0; files < 2; files++) {
        const char *place = files ? "--data" : "--url", *where = files ? plant_data() : plant_url();
        o = RUN(place, where, "log", "--after", "1", "--follow");
        CHECK_CODE(o, 1);
        CHECK_SAYS(o.err, "what follows 1 is not kept any more; the oldest change is ");
        CHECK(o.out.len == 0 && next_of(&o) < 0);
        const char *at = strstr(o.err.ptr, "go on after ");
        CHECK_FATAL(at != NULL);
        outcome on = RUN(place, where, "log", "--limit", "3", "--json", "--after", decimal(strtoll(at + 12, NULL, 10))),
                from_oldest = RUN(place, where, "log", "--limit", "3", "--json");
        CHECK_CODE(on, 0);
        CHECK_INT(check_lines(&on, true), 3);
        CHECK(pt_slice_eq(pt_buf_view(&on.out), pt_buf_view(&from_oldest.out)));
        outcome_release(&on);
        outcome_release(&from_oldest);
        outcome_release(&o);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(host_and_directory_give_the_same),
        PT_TEST(pages_are_one_reading),
        PT_TEST(everything_there_is_has_an_end_while_more_comes),
        PT_TEST(a_follower_gets_what_comes),
        PT_TEST(an_interrupted_follower_says_where_it_is),
        PT_TEST(no_digit_is_lost_and_a_table_is_for_people),
        PT_TEST(a_number_that_was_never_given_is_refused),
        PT_TEST(a_reader_that_fell_behind_is_told_the_oldest_number),
    };
    return plant_main("host/cli/verb_log", tests, PT_COUNT_OF(tests), argc, argv);
}
