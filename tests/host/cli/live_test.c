/* tests/host/cli/live_test.c -- every verb against the real programs: plantree-plc, plantree-edge, plantree-host with its broker. */
#include "base/clock.h"
#include "tests/host/cli/run.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char dir[300], url[64];
static unsigned plc_port, mqtt_port, edge_port, host_port;
static pid_t plc, edge, host;

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &len)) abort();
    close(fd);
    return ntohs(a.sin_port);
}

static pid_t launch(const char *name, const char *option, const char *value)
{
    char path[4096], log[400];
    const char *bin = getenv("PLANTREE_BIN");
    posix_spawn_file_actions_t actions;
    pid_t pid;
    snprintf(path, sizeof path, "%s/%s", bin ? bin : "build/bin", name);
    snprintf(log, sizeof log, "%s/%s.log", dir, name);
    char *argv[] = { (char *)(uintptr_t)name, (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL };
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawn(&pid, path, &actions, NULL, argv, environ)) {
        perror(path);
        exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int end(pid_t *pid, int sig)
{
    int status = 0;
    if (*pid <= 0) return 0;
    kill(*pid, sig);
    while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) { /* again */
    }
    *pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void end_all(void)
{
    end(&edge, SIGKILL);
    end(&host, SIGTERM); /* it ends its broker */
    end(&plc, SIGKILL);
}

static outcome cli(const char *const *args)
{
    const char *all[32] = { "--url", url };
    size_t n = 2;
    for (; *args && n < 31; args++)
        all[n++] = *args;
    return run_plantree(NULL, all);
}
#define CLI(...) cli((const char *const[]){ __VA_ARGS__, NULL })

#define CHECK_CODE(o, want)                                                                                            \
    pt_check_at((o).code == (want), false, __FILE__, __LINE__, "exit code %d, not %d; it said: %.200s%.200s", (o).code, (want), (o).out.ptr, (o).err.ptr)

/* Until the verb's JSON satisfies `good`, or 30 s. The last answer is in `*o`. */
static bool until(const char *const *args, bool (*good)(const json_t *v), outcome *o)
{
    const struct timespec pause = { 0, 50000000 };
    int64_t deadline = pt_mono_ms(pt_clock_system()) + 30000;
    for (;;) {
        *o = cli(args);
        json_t *v = json_loads(o->out.ptr, 0, NULL);
        bool ok = o->code == 0 && v && good(v);
        json_decref(v);
        if (ok) return true;
        if (pt_mono_ms(pt_clock_system()) > deadline) return false;
        outcome_release(o);
        nanosleep(&pause, NULL);
    }
}
#define UNTIL(good, o, ...) until((const char *const[]){ __VA_ARGS__, "--json", NULL }, good, o)

static const char *text(const json_t *v, size_t i, const char *key)
{
    const char *s = json_string_value(json_object_get(json_array_get(v, i), key));
    return s ? s : "";
}
static bool is_good(const json_t *v)
{
    return strcmp(text(v, 0, "quality"), "GOOD") == 0;
}
static bool is_stale(const json_t *v)
{
    return strcmp(text(v, 0, "quality"), "STALE") == 0;
}
static bool is_online(const json_t *v)
{
    const json_t *devices = json_object_get(json_array_get(v, 0), "devices");
    return strcmp(text(v, 0, "state"), "online") == 0 && strcmp(text(devices, 0, "state"), "online") == 0;
}
static bool is_offline(const json_t *v)
{
    return strcmp(text(v, 0, "state"), "offline") == 0;
}
static bool has_points(const json_t *v)
{
    return json_array_size(json_object_get(json_array_get(json_object_get(v, "series"), 0), "t")) >= 5;
}
static bool has_any(const json_t *v)
{
    return json_array_size(v) > 0;
}

static bool has_operator(const json_t *v)
{
    const json_t *detail = json_object_get(json_array_get(v, json_array_size(v) ? json_array_size(v) - 1 : 0), "detail");
    const char *cause = json_string_value(json_object_get(detail, "cause"));
    return cause && strcmp(cause, "operator") == 0;
}

static void write_config(const char *name, const char *content)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f && fputs(content, f) >= 0 && fclose(f) == 0);
}

static void the_plant_comes_up(void)
{
    char config[4096], path[400], at[64];
    outcome o;
    plc_port = free_port(), mqtt_port = free_port(), edge_port = free_port(), host_port = free_port();
    snprintf(url, sizeof url, "http://127.0.0.1:%u", host_port);
    snprintf(config, sizeof config,
             "version: 1\nhost: { id: cr, role: primary }\nmqtt: { servers: ['tcp://127.0.0.1:%u'], version: 5, embedded_broker: true }\n"
             "data: { dir: '%s/data', commit_interval: 50ms }\nhttp: { listen: 127.0.0.1:%u }\n",
             mqtt_port, dir, host_port);
    write_config("host.yaml", config);
    snprintf(config, sizeof config,
             "version: 1\nnode: { group: G, id: e }\nmqtt: { servers: ['tcp://127.0.0.1:%u'], reconnect_min: 100ms }\n"
             "spool: { dir: '%s/edge' }\nhttp: { listen: 127.0.0.1:%u }\ndevices:\n  - id: filler\n    driver: modbus-tcp\n"
             "    address: 127.0.0.1:%u\n    poll: 50ms\n    tags:\n"
             "      - { name: Level/PV, register: 'holding:0', type: Float, order: big, unit: m }\n"
             "      - { name: Level/SP, register: 'holding:2', type: Float, order: big, unit: m, low: 0, high: 5, write: true }\n",
             mqtt_port, dir, edge_port, plc_port);
    write_config("edge.yaml", config);
    snprintf(path, sizeof path, "%s/edge", dir);
    snprintf(at, sizeof at, "127.0.0.1:%u", plc_port);
    plc = launch("plantree-plc", "--listen", at);
    snprintf(path, sizeof path, "%s/host.yaml", dir);
    host = launch("plantree-host", "--config", path);
    snprintf(path, sizeof path, "%s/edge.yaml", dir);
    edge = launch("plantree-edge", "--config", path);
    CHECK_FATAL(UNTIL(is_good, &o, "read", "G/e/filler/Level/PV"));
    outcome_release(&o);
    CHECK(UNTIL(is_online, &o, "nodes"));
    outcome_release(&o);
}

static void what_is_asked_is_answered(void)
{
    outcome o = CLI("tree");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "      Level/"));
    CHECK(outcome_says(&o.out, "        PV"));
    outcome_release(&o);
    o = CLI("read", "G/e/filler/Level/PV", "G/e/nowhere");
    CHECK_CODE(o, 1);
    CHECK(outcome_says(&o.out, "GOOD") && outcome_says(&o.err, "there is no tag 'G/e/nowhere'"));
    outcome_release(&o);
    o = CLI("watch", "G/**/Level/*", "--count", "3");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "  G/e/filler/Level/SP  "));
    outcome_release(&o);
    CHECK(UNTIL(has_points, &o, "history", "G/e/filler/Level/PV", "--from", "now-1m", "--to", "now+1m"));
    outcome_release(&o);
    o = CLI("history", "G/e/filler/Level/PV", "--from", "now-1m", "--format", "csv");
    CHECK(outcome_says(&o.out, "time,path,value,quality\n20"));
    CHECK(outcome_says(&o.out, ",G/e/filler/Level/PV,2."));
    outcome_release(&o);
    o = CLI("history", "G/e/filler/Level/PV", "--from", "now-1m", "--interval", "1m", "--fn", "count,max", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "time,path,count,max\n20"));
    outcome_release(&o);
    o = CLI("history", "G/nowhere");
    CHECK_CODE(o, 1);
    outcome_release(&o);
    CHECK(UNTIL(has_any, &o, "events", "--type", "nbirth"));
    outcome_release(&o);
}

/* The host may still be saying its STATE: it sends no command before that is acknowledged. */
static outcome first_write(void)
{
    const struct timespec pause = { 0, 50000000 };
    int64_t deadline = pt_mono_ms(pt_clock_system()) + 20000;
    outcome o = CLI("write", "G/e/filler/Level/SP", "4", "--reason", "test");
    while (o.code == 1 && outcome_says(&o.err, "503") && pt_mono_ms(pt_clock_system()) < deadline) {
        outcome_release(&o);
        nanosleep(&pause, NULL);
        o = CLI("write", "G/e/filler/Level/SP", "4", "--reason", "test");
    }
    return o;
}

static void writes_end_as_the_contract_says(void)
{
    outcome o = first_write();
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "G/e/filler/Level/SP = 4: confirmed"));
    outcome_release(&o);
    o = CLI("read", "G/e/filler/Level/SP");
    CHECK(outcome_says(&o.out, "    4  m     GOOD"));
    outcome_release(&o);
    o = CLI("write", "G/e/filler/Level/PV", "4");
    CHECK_CODE(o, 3); /* read-only */
    outcome_release(&o);
    o = CLI("write", "G/e/filler/Level/SP", "much");
    CHECK_CODE(o, 3); /* no Float */
    outcome_release(&o);
    o = CLI("write", "G/e/nowhere", "4");
    CHECK_CODE(o, 3);
    outcome_release(&o);
    CHECK(UNTIL(has_any, &o, "events", "--type", "write"));
    CHECK(outcome_says(&o.out, "\"reason\":\"test\""));
    outcome_release(&o);
}

static void a_rebirth_is_requested(void)
{
    outcome o = CLI("rebirth", "G/e");
    CHECK_CODE(o, 0);
    outcome_release(&o);
    CHECK(UNTIL(has_operator, &o, "events", "--type", "rebirth-request"));
    outcome_release(&o);
    o = CLI("rebirth", "G/nobody");
    CHECK_CODE(o, 1);
    outcome_release(&o);
}

static void a_dead_node_is_stale_and_refuses_writes(void)
{
    outcome o;
    CHECK_INT(end(&edge, SIGKILL), 128 + SIGKILL);
    CHECK(UNTIL(is_offline, &o, "nodes"));
    outcome_release(&o);
    CHECK(UNTIL(is_stale, &o, "read", "G/e/filler/Level/PV"));
    outcome_release(&o);
    o = CLI("write", "G/e/filler/Level/SP", "3");
    CHECK_CODE(o, 3);
    outcome_release(&o);
}

/* Without --data, verbs that read files find the running host's own. */
static void files_of_a_host_on_this_machine_need_no_data_option(void)
{
    char copy[400];
    snprintf(copy, sizeof copy, "%s/copy", dir);
    outcome o = CLI("sql", "--csv", "SELECT path FROM tag WHERE metric='Level/PV'");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "G/e/filler/Level/PV"));
    outcome_release(&o);
    o = CLI("export", "--select", "G/e/filler/Level/SP");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "G/e/filler/Level/SP"));
    outcome_release(&o);
    o = CLI("verify");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "0 faults"));
    outcome_release(&o);
    o = CLI("backup", copy);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = run_plantree(NULL, (const char *const[]){ "--data", copy, "verify", NULL });
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = CLI("replay", "run", "--from", "now-5m", "--to", "now", "--speed", "max", "--to-stdout", "csv");
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "G/e/filler/Level/PV"));
    outcome_release(&o);
}

static void history_replays_beside_the_host_and_without_it(void)
{
    char data[400];
    snprintf(data, sizeof data, "%s/data", dir);
    const char *const replay[] = { "--data", data, "replay", "run", "--from", "now-5m", "--to", "now", "--select", "G/**", "--speed", "max", "--to-stdout", "jsonl", NULL };
    outcome beside = run_plantree(NULL, replay);
    CHECK_INT(beside.code, 0);
    CHECK(outcome_says(&beside.out, "\"kind\":\"birth\"") && outcome_says(&beside.out, "\"path\":\"G/e/filler/Level/PV\""));
    CHECK_INT(end(&host, SIGTERM), 0);
    outcome o = CLI("nodes");
    CHECK_CODE(o, 4);
    outcome_release(&o);
    o = CLI("verify");
    CHECK_CODE(o, 4);
    outcome_release(&o);
    o = run_plantree(NULL, replay);
    CHECK_CODE(o, 0);
    CHECK(outcome_says(&o.out, "\"path\":\"G/e/filler/Level/PV\""));
    outcome_release(&o);
    o = run_plantree(NULL, (const char *const[]){ "--data", data, "history", "G/e/filler/Level/SP", "--from", "now-5m", "--format", "csv", NULL });
    CHECK(outcome_says(&o.out, ",G/e/filler/Level/SP,4,GOOD\n"));
    outcome_release(&o);
    outcome_release(&beside);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_plant_comes_up), PT_TEST(what_is_asked_is_answered), PT_TEST(writes_end_as_the_contract_says), PT_TEST(a_rebirth_is_requested),
        PT_TEST(a_dead_node_is_stale_and_refuses_writes),
        PT_TEST(files_of_a_host_on_this_machine_need_no_data_option), PT_TEST(history_replays_beside_the_host_and_without_it),
    };
    snprintf(dir, sizeof dir, "%s", pt_test_dir());
    atexit(end_all);
    int rc = pt_test_main("host/cli/live", tests, PT_COUNT_OF(tests), argc, argv);
    end_all();
    return rc;
}
