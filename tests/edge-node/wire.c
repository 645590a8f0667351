/* tests/edge-node/wire.c -- see wire.h. */
#include "tests/edge-node/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int made;
static pt_arena arena;
static bool arena_made;

/* --- the programs --- */

void wire_open_on(wire *w, pt_broker *b)
{
    *w = (wire){ .broker = b };
    snprintf(w->dir, sizeof w->dir, "%s/%d", pt_test_dir(), made++);
    CHECK_FATAL(mkdir(w->dir, 0700) == 0);
    snprintf(w->config, sizeof w->config, "%s/edge.yaml", w->dir);
}

void wire_open(wire *w)
{
    wire_open_on(w, pt_broker_start(NULL));
    wire_observe(w);
}

void wire_observe(wire *w)
{
    if (w->seen) pt_observer_stop(w->seen);
    w->seen = pt_observer_start(w->broker, "spBv1.0/#");
    w->late = false;
}

void wire_observe_late(wire *w)
{
    wire_observe(w);
    w->late = true;
}

void wire_config(wire *w, wire_settings s)
{
    char url[80];
    snprintf(url, sizeof url, "'%s'", pt_broker_url(w->broker));
    FILE *f = fopen(w->config, "w");
    CHECK_FATAL(f != NULL);
    fprintf(
        f,
        "version: 1\nnode: { group: G, id: E }\nmqtt: { servers: [%s], reconnect_min: 50ms, reconnect_max: 300ms%s }\n"
        "sparkplug: { rebirth_debounce: 500ms%s }\nspool: { dir: '%s/spool', commit_interval: 50ms%s }\nhttp: { listen: '%s' }\n%sdevices:\n%s",
        s.servers ? s.servers : url, s.mqtt ? s.mqtt : "", s.sparkplug ? s.sparkplug : "", w->dir, s.spool ? s.spool : "",
        s.listen ? s.listen : "", s.more ? s.more : "", s.devices ? s.devices : WIRE_SIM);
    CHECK_FATAL(fclose(f) == 0);
}

static const char *program(char path[512])
{
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(path, 512, "%s/plantree-edge", bin ? bin : "build/bin");
    return path;
}

static const char *unshare(void)
{
    return geteuid() == 0 ? "unshare -m" : "unshare -rm";
}

bool wire_may_mount(void)
{
    char cmd[256];
    snprintf(cmd, sizeof cmd, "%s sh -c 'mount -t tmpfs -o size=64k none /mnt' >/dev/null 2>&1", unshare());
    return system(cmd) == 0;
}

/* The program execs itself out of a shell that has mounted: one process all the time. */
static void exec_mounted(const wire *w, const char *path)
{
    char cmd[2048];
    snprintf(cmd, sizeof cmd,
             "mkdir -p '%s/spool' && exec %s sh -c \"mount -t tmpfs -o size=%s none '%s/spool' && exec '%s' --config '%s'\"", w->dir,
             unshare(), w->disk, w->dir, path, w->config);
    execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
}

static pid_t spawn(const wire *w, const char *const *args, const char *log, int flags)
{
    char path[512], file[300];
    const char *argv[16] = { program(path) };
    for (size_t i = 0; args[i] && i < 14; i++)
        argv[i + 1] = args[i];
    snprintf(file, sizeof file, "%s/%s", w->dir, log);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int fd = open(file, O_WRONLY | O_CREAT | flags, 0600);
        if (fd < 0 || dup2(fd, 2) < 0 || dup2(fd, 1) < 0) _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (w->notify && setenv("NOTIFY_SOCKET", w->notify, 1) != 0) _exit(126);
        if (w->watchdog_usec && setenv("WATCHDOG_USEC", w->watchdog_usec, 1) != 0) _exit(126);
        if (w->disk) exec_mounted(w, path);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int wait_end(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void filler(const wire *w, char path[400])
{
    snprintf(path, 400, "/proc/%ld/root%s/spool/filler", (long)w->edge, w->dir);
}

void wire_fill_disk(wire *w)
{
    char path[400], block[4096];
    filler(w, path);
    memset(block, 'x', sizeof block);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK_FATAL(fd >= 0);
    for (size_t size = sizeof block; size > 0; size /= 2)
        while (write(fd, block, size) == (ssize_t)size) {}
    CHECK(errno == ENOSPC);
    close(fd);
}

void wire_free_disk(wire *w)
{
    char path[400];
    filler(w, path);
    CHECK(unlink(path) == 0);
}

void wire_start(wire *w)
{
    w->edge = spawn(w, (const char *const[]){ "--config", w->config, NULL }, "edge.log", O_APPEND);
}

int wire_end(wire *w, int sig)
{
    CHECK_FATAL(w->edge > 0 && kill(w->edge, sig) == 0);
    int rc = wait_end(w->edge);
    w->edge = 0;
    return rc;
}

int wire_run(const wire *w, const char *const *args, char *out, size_t cap)
{
    char file[300];
    int rc = wait_end(spawn(w, args, "run.out", O_TRUNC));
    if (!out) return rc;
    snprintf(file, sizeof file, "%s/run.out", w->dir);
    FILE *f = fopen(file, "r");
    CHECK_FATAL(f != NULL);
    out[fread(out, 1, cap - 1, f)] = 0;
    fclose(f);
    return rc;
}

void wire_shell(const char *command)
{
    int rc = system(command);
    pt_check_at(rc == 0, true, __FILE__, __LINE__, "%s", command);
}

void wire_close(wire *w)
{
    if (w->edge) CHECK_INT(wire_end(w, SIGTERM), 0);
    if (w->seen) {
        const pt_observed *first = w->late ? wire_nth(w, "NBIRTH", 0) : NULL;
        if (first || !w->late) wire_sequence_is_whole(w->seen, first); /* a late observer may have seen no birth at all */
        pt_observer_stop(w->seen);
    }
    pt_broker_stop(w->broker);
    wire_forget();
}

bool wire_logged(const wire *w, const char *text, char line[2048])
{
    char file[300];
    bool found = false;
    snprintf(file, sizeof file, "%s/edge.log", w->dir);
    FILE *f = fopen(file, "r");
    while (f && !found && fgets(line, 2048, f))
        found = strstr(line, text) != NULL;
    if (f) fclose(f);
    return found;
}

size_t wire_log_count(const wire *w, const char *text)
{
    char file[300], line[2048];
    size_t n = 0;
    snprintf(file, sizeof file, "%s/edge.log", w->dir);
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    if (f) fclose(f);
    return n;
}

/* --- what was seen --- */

static const char *topic_of(const char *verb, char topic[128])
{
    const char *blank = strchr(verb, ' ');
    int len = blank ? (int)(blank - verb) : (int)strlen(verb);
    if (*verb == 'D') snprintf(topic, 128, "spBv1.0/G/%.*s/E/%s", len, verb, blank ? blank + 1 : "sim");
    else snprintf(topic, 128, "spBv1.0/G/%.*s/E", len, verb);
    return topic;
}

size_t wire_count(wire *w, const char *verb)
{
    char topic[128];
    return pt_observer_count_topic(w->seen, topic_of(verb, topic));
}

const pt_observed *wire_nth(wire *w, const char *verb, size_t n)
{
    char topic[128];
    const pt_observed *m;
    topic_of(verb, topic);
    for (size_t i = 0; (m = pt_observer_at(w->seen, i)); i++)
        if (strcmp(m->topic, topic) == 0 && n-- == 0) return m;
    return NULL;
}

void wire_publish(wire *w, const char *verb, pt_slice payload)
{
    char topic[128];
    pt_broker_publish(w->broker, topic_of(verb, topic), payload, 1, false);
}

void wire_host(pt_broker *b, bool online, int64_t ts, bool retain)
{
    char text[80];
    snprintf(text, sizeof text, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)ts);
    pt_broker_publish(b, "spBv1.0/STATE/scada", pt_cstr(text), 1, retain);
}

const spb_payload *wire_decode(const pt_observed *m)
{
    if (!arena_made) pt_arena_init(&arena, (size_t)1 << 30);
    arena_made = true;
    spb_payload *p = pt_arena_zalloc(&arena, sizeof *p);
    CHECK_FATAL(m != NULL && p != NULL);
    CHECK_OK_FATAL(spb_payload_decode(m->payload, &spb_limits_default, &arena, p, NULL));
    return p;
}

void wire_forget(void)
{
    if (arena_made) pt_arena_fini(&arena);
    arena_made = false;
}

const spb_metric *wire_metric(const pt_observed *m, const char *name)
{
    const spb_payload *p = wire_decode(m);
    for (uint32_t i = 0; i < p->n_metrics; i++)
        if (pt_slice_eq_cstr(p->metrics[i].name, name)) return &p->metrics[i];
    return NULL;
}

int64_t wire_bdseq(const pt_observed *m)
{
    const spb_metric *x = wire_metric(m, "bdSeq");
    return x ? (int64_t)x->value.u64 : -1;
}

void wire_sequence_is_whole(pt_observer *o, const pt_observed *first)
{
    int expected = -1;
    bool begun = first == NULL;
    const pt_observed *m;
    for (size_t i = 0; (m = pt_observer_at(o, i)); i++) {
        begun = begun || m == first;
        if (!begun) continue;
        spb_topic t;
        if (spb_topic_parse(&spb_namespace_b, pt_cstr(m->topic), &t, NULL) != PT_OK || t.verb == SPB_STATE || t.verb == SPB_NCMD ||
            t.verb == SPB_DCMD)
            continue;
        CHECK(!m->retain);
        const spb_payload *p = wire_decode(m);
        if (t.verb == SPB_NDEATH) {
            CHECK(m->qos == 1 && !p->has_seq && p->n_metrics == 1);
            continue;
        }
        CHECK(m->qos == 0 && p->has_seq && p->has_timestamp);
        if (t.verb == SPB_NBIRTH) expected = 0;
        CHECK_INT(p->seq, expected);
        expected = (expected + 1) % 256;
    }
}

bool wire_counter_is_whole(pt_observer *o, int64_t least)
{
    static bool seen[100000];
    wire_forget(); /* called again and again */
    memset(seen, 0, sizeof seen);
    int64_t low = INT64_MAX, high = 0;
    const pt_observed *m;
    uint64_t alias = UINT64_MAX;
    for (size_t i = 0; (m = pt_observer_at(o, i)); i++) {
        spb_topic t;
        if (spb_topic_parse(&spb_namespace_b, pt_cstr(m->topic), &t, NULL) != PT_OK || (t.verb != SPB_DBIRTH && t.verb != SPB_DDATA))
            continue;
        const spb_payload *p = wire_decode(m);
        for (uint32_t k = 0; k < p->n_metrics; k++) {
            const spb_metric *x = &p->metrics[k];
            if (pt_slice_eq_cstr(x->name, "N")) alias = x->alias;
            if (x->alias != alias || x->wire != SPB_WIRE_LONG || x->value.u64 >= PT_COUNT_OF(seen)) continue;
            seen[x->value.u64] = true;
            if ((int64_t)x->value.u64 < low) low = (int64_t)x->value.u64;
            if ((int64_t)x->value.u64 > high) high = (int64_t)x->value.u64;
        }
    }
    for (int64_t v = low; v <= high; v++)
        if (!seen[v]) return false;
    return high - low > least;
}
