/* tests/host/main_test.c -- plantree-host from its command line: help, version, checks, wrong words, exit codes, signals. */
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[65536]; /* by the last run, on both outputs */

static const char *dir(void)
{
    static char path[500];
    if (!path[0]) snprintf(path, sizeof path, "%s", pt_test_dir());
    return path;
}

/* Each stays valid for a whole test. */
static const char *in_dir(const char *name)
{
    static char paths[32][600];
    static unsigned n;
    char *p = paths[n++ % PT_COUNT_OF(paths)];
    snprintf(p, sizeof paths[0], "%s/%s", dir(), name);
    return p;
}

static const char *said_path(void)
{
    static char path[600];
    if (!path[0]) snprintf(path, sizeof path, "%s/said", dir());
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void read_said(void)
{
    FILE *f = fopen(said_path(), "r");
    said[0] = '\0';
    if (!f) return;
    said[fread(said, 1, sizeof said - 1, f)] = '\0';
    (void)fclose(f);
}

static pid_t start(const char *const *args)
{
    const char *argv[8] = { "plantree-host" };
    char program[600];
    snprintf(program, sizeof program, "%s/plantree-host", getenv("PLANTREE_BIN"));
    for (unsigned i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    (void)said_path(); /* made by the parent */
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int out = open(said_path(), O_WRONLY | O_CREAT | O_TRUNC, 0644), null = open("/dev/null", O_RDONLY);
        if (out < 0 || null < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || dup2(null, 0) < 0) _exit(99);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(98);
    }
    return pid;
}

static bool has_ended(pid_t pid, int *code)
{
    int status;
    if (waitpid(pid, &status, WNOHANG) != pid) return false;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return true;
}

/* Ends it if it does not end by itself. */
static int wait_code(pid_t pid)
{
    int code = -1;
    if (!PT_WITHIN(30000, has_ended(pid, &code))) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    read_said();
    return code;
}

static bool log_says(const char *text)
{
    read_said();
    return strstr(said, text) != NULL;
}

static void the_command_line_answers_and_ends_with_the_right_code(void)
{
    write_file(in_dir("good.yaml"), "version: 1\nhost: { id: a, role: primary }\nhttp: { listen: '127.0.0.1:0' }\n");
    write_file(in_dir("bad.yaml"), "version: 1\nhost: { id: 'a+b', roel: primary }\nmqtt: { servers: [] }\n");
    const struct {
        const char *args[4];
        int code;
        const char *says[3];
    } rows[] = {
        { { "--help" }, 0, { "plantree-host", "--config", "A first configuration" } },
        { { "--version" }, 0, { "plantree-host " PLANTREE_VERSION } },
        { { "--config", in_dir("good.yaml"), "--check" }, 0, { "" } },
        { { "--config", in_dir("bad.yaml"), "--check" }, 2, { "bad.yaml:2:", "unknown key 'roel'" } },
        { { "--config", in_dir("bad.yaml") }, 2, { "bad.yaml:2:" } },
        { { "--config", in_dir("none.yaml"), "--check" }, 2, { "none.yaml" } },
        { { "--config" }, 2, { "--config" } },
        { { "--colour" }, 2, { "--colour" } },
        { { "more" }, 2, { "more" } },
        { { "--log-level", "loud" }, 2, { "loud" } },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        int code = wait_code(start(rows[i].args));
        pt_check_at(code == rows[i].code, false, rows[i].args[0], 0, "exit %d, not %d: %s", code, rows[i].code, said);
        for (size_t k = 0; k < 3 && rows[i].says[k]; k++)
            pt_check_at(strstr(said, rows[i].says[k]) != NULL, false, rows[i].args[0], 0, "does not say %s: %s", rows[i].says[k], said);
    }
}

/* A configuration on a broker of its own. */
static const char *config(pt_broker *b, const char *name, const char *data, const char *more)
{
    char text[2000];
    const char *path = in_dir(name);
    snprintf(text, sizeof text, "version: 1\nhost: { id: main, role: primary }\nmqtt: { servers: ['%s'] }\ndata: { dir: '%s' }\nhttp: { listen: '127.0.0.1:0' }\n%s", pt_broker_url(b), data, more);
    write_file(path, text);
    return path;
}

static void it_reloads_when_told_stops_when_told_and_a_second_one_is_refused(void)
{
    pt_broker *b = pt_broker_start(NULL);
    const char *path = config(b, "run.yaml", in_dir("data"), "");
    const char *const args[] = { "--config", path, NULL };
    pid_t pid = start(args);
    CHECK_WITHIN_FATAL(30000, log_says("HOST-START"));

    (void)rename(said_path(), in_dir("said.first")); /* the first one goes on writing there */
    CHECK_INT(wait_code(start(args)), 3);
    CHECK(strstr(said, "HOST-OPEN") != NULL);
    CHECK_FATAL(rename(in_dir("said.first"), said_path()) == 0);

    (void)config(b, "run.yaml", in_dir("data"), "writes: { enabled: false }\n");
    kill(pid, SIGHUP);
    CHECK_WITHIN(10000, log_says("settings taken over"));
    write_file(path, "version: 1\nwrites: { enabled: perhaps }\n");
    kill(pid, SIGHUP);
    CHECK_WITHIN(10000, log_says("going on with the old one"));
    CHECK(strstr(said, "run.yaml:2:") != NULL);
    kill(pid, SIGTERM);
    CHECK_INT(wait_code(pid), 0);
    CHECK(strstr(said, "HOST-STOP stopped") != NULL);
    pt_broker_stop(b);
}

static void what_cannot_be_opened_is_waited_for_or_ends_it_with_the_reason(void)
{
    pt_broker *b = pt_broker_start(NULL);
    write_file(in_dir("file"), "no directory");
    char below[700];
    snprintf(below, sizeof below, "%s/data", in_dir("file"));
    const char *const args[] = { "--config", config(b, "below.yaml", below, ""), "--log-format", "json", NULL };
    pid_t pid = start(args);
    CHECK_WITHIN(10000, log_says("HOST-OPEN"));
    CHECK(strstr(said, "\"id\":\"HOST-OPEN\"") != NULL);
    kill(pid, SIGINT); /* ends it when it waits; it may have ended by itself */
    int code = wait_code(pid);
    CHECK(code == 0 || code == 1);
    const char *const busy[] = { "--config", config(b, "listen.yaml", in_dir("data2"), "ingest: { shards: 1 }\n"), NULL };
    char text[2000];
    snprintf(text, sizeof text, "version: 1\nmqtt: { servers: ['%s'] }\ndata: { dir: '%s' }\nhttp: { listen: '127.0.0.1:%d' }\n", pt_broker_url(b), in_dir("data2"), pt_broker_port(b));
    write_file(busy[1], text); /* the broker has this port */
    code = wait_code(start(busy));
    CHECK(code == 1 || code == 2);
    CHECK(strstr(said, "HOST-START") != NULL);
    pt_broker_stop(b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_command_line_answers_and_ends_with_the_right_code),
        PT_TEST(it_reloads_when_told_stops_when_told_and_a_second_one_is_refused),
        PT_TEST(what_cannot_be_opened_is_waited_for_or_ends_it_with_the_reason),
    };
    return pt_test_main("host/main", tests, PT_COUNT_OF(tests), argc, argv);
}
