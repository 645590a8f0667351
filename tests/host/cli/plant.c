/* tests/host/cli/plant.c */
#include "tests/host/cli/plant.h"

#include "base/clock.h"
#include "tests/support/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *const names[PLANT_PARTS] = { "plantree-plc", "plantree-host", "plantree-edge" };
static char dir[300], data[400], url[64], configs[PLANT_PARTS][400];
static pid_t pids[PLANT_PARTS];

const char *plant_url(void)
{
    return url;
}
const char *plant_data(void)
{
    return data;
}
const char *plant_dir(void)
{
    return dir;
}

/* ---- the programs ---- */

void plant_start(plant_part p)
{
    char path[4096], log[400];
    const char *bin = getenv("PLANTREE_BIN");
    posix_spawn_file_actions_t actions;
    snprintf(path, sizeof path, "%s/%s", bin ? bin : "build/bin", names[p]);
    snprintf(log, sizeof log, "%s/%s.log", dir, names[p]);
    char *argv[] = { (char *)(uintptr_t)names[p], (char *)(uintptr_t)(p == PLANT_PLC ? "--listen" : "--config"), configs[p], NULL };
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawn(&pids[p], path, &actions, NULL, argv, environ)) {
        perror(path);
        exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
}

int plant_end(plant_part p, int sig)
{
    int status = 0;
    if (pids[p] <= 0) return 0;
    kill(pids[p], sig);
    while (waitpid(pids[p], &status, 0) < 0 && errno == EINTR) { /* again */
    }
    pids[p] = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void plant_signal(plant_part p, int sig)
{
    if (pids[p] > 0) kill(pids[p], sig);
}

static void end_all(void)
{
    plant_signal(PLANT_HOST, SIGCONT);
    plant_end(PLANT_EDGE, SIGKILL);
    plant_end(PLANT_HOST, SIGTERM); /* it ends its broker */
    plant_end(PLANT_PLC, SIGKILL);
}

static void write_config(plant_part p, const char *name, const char *content)
{
    snprintf(configs[p], sizeof configs[p], "%s/%s", dir, name);
    FILE *f = fopen(configs[p], "w");
    if (!f || fputs(content, f) < 0 || fclose(f)) abort();
}

static void configure(void)
{
    char config[4096];
    int plc = pt_free_port(), mqtt = pt_free_port(), edge = pt_free_port(), host = pt_free_port();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", host);
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(configs[PLANT_PLC], sizeof configs[PLANT_PLC], "127.0.0.1:%d", plc);
    snprintf(config, sizeof config,
             "version: 1\nhost: { id: cr, role: primary }\nmqtt: { servers: ['tcp://127.0.0.1:%d'], version: 5, embedded_broker: true }\n"
             "data: { dir: '%s', commit_interval: 50ms }\nhttp: { listen: 127.0.0.1:%d }\n",
             mqtt, data, host);
    write_config(PLANT_HOST, "host.yaml", config);
    snprintf(config, sizeof config,
             "version: 1\nnode: { group: G, id: e }\nmqtt: { servers: ['tcp://127.0.0.1:%d'], reconnect_min: 100ms }\n"
             "spool: { dir: '%s/edge' }\nhttp: { listen: 127.0.0.1:%d }\ndevices:\n  - id: filler\n    driver: modbus-tcp\n"
             "    address: 127.0.0.1:%d\n    poll: 50ms\n    tags:\n"
             "      - { name: Level/PV, register: 'holding:0', type: Float, order: big, unit: m }\n"
             "      - { name: Level/SP, register: 'holding:2', type: Float, order: big, unit: m, low: 0, high: 5, write: true }\n"
             "      - { name: Level/Kp, register: 'holding:10', type: Float, order: big, write: true }\n"
             "      - { name: Batch/Size, register: 'holding:14', type: Double, raw: uint32, scale: 10, write: true }\n"
             "      - { name: Valve/Open, register: 'coil:3', type: Boolean, write: true }\n",
             mqtt, dir, edge, plc);
    write_config(PLANT_EDGE, "edge.yaml", config);
}

/* ---- asking ---- */

outcome plant_cli(const char *const *args)
{
    const char *all[48] = { "--url", url };
    size_t n = 2;
    for (; *args && n < 47; args++)
        all[n++] = *args;
    return run_plantree(NULL, all);
}

bool plant_until(const char *const *args, bool (*good)(const json_t *v), outcome *o)
{
    const struct timespec pause = { 0, 50000000 };
    int64_t deadline = pt_mono_ms(pt_clock_system()) + 30000;
    for (;;) {
        *o = plant_cli(args);
        json_t *v = json_loads(o->out.ptr, 0, NULL);
        bool ok = o->code == 0 && v && good(v);
        json_decref(v);
        if (ok) return true;
        if (pt_mono_ms(pt_clock_system()) > deadline) return false;
        outcome_release(o);
        nanosleep(&pause, NULL);
    }
}

bool plant_takes_commands(void)
{
    const struct timespec pause = { 0, 50000000 };
    int64_t deadline = pt_mono_ms(pt_clock_system()) + 30000;
    for (;;) {
        outcome o = CLI("write", GAIN, "41");
        bool done = o.code == 0;
        outcome_release(&o);
        if (done || pt_mono_ms(pt_clock_system()) > deadline) return done;
        nanosleep(&pause, NULL);
    }
}

static const char *text(const json_t *v, size_t i, const char *key)
{
    const char *s = json_string_value(json_object_get(json_array_get(v, i), key));
    return s ? s : "";
}
bool is_good(const json_t *v)
{
    return strcmp(text(v, 0, "quality"), "GOOD") == 0;
}
bool is_stale(const json_t *v)
{
    return strcmp(text(v, 0, "quality"), "STALE") == 0;
}
bool is_online(const json_t *v)
{
    const json_t *devices = json_object_get(json_array_get(v, 0), "devices");
    return strcmp(text(v, 0, "state"), "online") == 0 && strcmp(text(devices, 0, "state"), "online") == 0;
}
bool is_offline(const json_t *v)
{
    return strcmp(text(v, 0, "state"), "offline") == 0;
}
bool has_any(const json_t *v)
{
    return json_array_size(v) > 0;
}
bool has_points(const json_t *v)
{
    return json_array_size(json_object_get(json_array_get(json_object_get(v, "series"), 0), "t")) >= 5;
}

/* ---- a test program ---- */

static bool come_up(void)
{
    outcome o;
    plant_start(PLANT_PLC);
    plant_start(PLANT_HOST);
    plant_start(PLANT_EDGE);
    bool up = UNTIL(is_good, &o, "read", LEVEL);
    if (up) {
        outcome_release(&o);
        up = UNTIL(is_online, &o, "nodes");
    }
    if (!up) fprintf(stderr, "the plant does not come up: %s%s\n", o.out.ptr, o.err.ptr);
    outcome_release(&o);
    return up;
}

/* A sanitizer's report in a program's log fails the test that ran it. */
static bool logs_are_clean(void)
{
    static char text[1 << 20];
    bool clean = true;
    for (size_t i = 0; i < PLANT_PARTS; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s.log", dir, names[i]);
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
        if (f) fclose(f);
        text[n] = '\0';
        if (!is_sanitizers(text)) continue;
        fprintf(stderr, "%s:\n%s\n", path, text);
        clean = false;
    }
    return clean;
}

int plant_main(const char *suite, const pt_test *tests, size_t n, int argc, char **argv)
{
    snprintf(dir, sizeof dir, "%s", pt_test_dir());
    atexit(end_all);
    configure();
    int rc = come_up() ? pt_test_main(suite, tests, n, argc, argv) : 1;
    end_all();
    return logs_are_clean() ? rc : 1;
}
