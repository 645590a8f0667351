/* host/main.c -- plantree-host: the control room's program. Configuration, signals, and the loop; the rest is host/app.h. */
#include "base/daemon/program.h"
#include "host/app.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char synopsis[] = "follow Sparkplug edge nodes, keep history, serve the plant's tree";
static const char help[] =
    "plantree-host follows every edge node on its MQTT servers, rebuilds the plant's tree of tags, writes history to the data\n"
    "directory and serves the HTTP API and the UI (default http://127.0.0.1:8080/).\n"
    "\n"
    "  plantree-host --config host.yaml\n"
    "  plantree-host --config host.yaml --check\n"
    "\n"
    "A first configuration:\n"
    "  version: 1\n"
    "  host: { id: control-room, role: primary }\n"
    "  mqtt: { servers: ['tcp://127.0.0.1:1883'], embedded_broker: true }\n"
    "  data: { dir: /var/lib/plantree }\n"
    "\n";

static pt_status load(const pt_program *p, host_config *config, pt_config **cfg)
{
    pt_buf faults;
    pt_buf_init(&faults, 1u << 20);
    pt_status st = p->config ? pt_config_load(p->config, host_config_table, config, sizeof *config, host_config_check, NULL, cfg, &faults)
                             : pt_config_load_text("(defaults)", PT_LIT(""), host_config_table, config, sizeof *config, host_config_check,
                                                   NULL, cfg, &faults);
    if (st != PT_OK) {
        uns_map_free(config->map);
        config->map = NULL;
    }
    if (st != PT_OK) fprintf(stderr, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    pt_buf_fini(&faults);
    return st;
}

/* The data directory may become writable again; only what waiting cannot cure ends us. */
static pt_status open_app(host_app *app, const host_config *config, int signals, const pt_log *log)
{
    pt_error err;
    for (int64_t wait = 1000;; wait = wait < 16000 ? wait * 2 : 30000) {
        err.text[0] = '\0';
        pt_status st = host_app_open(app, config, pt_clock_system(), log, &err);
        if (st == PT_OK) return PT_OK;
        bool passes = st == PT_EREADONLY || st == PT_ENOSPC || st == PT_EIO;
        pt_logf(log, PT_LOG_ERROR, "HOST-OPEN", "%s: %s: %s%s", config->data.dir, pt_status_name(st), err.text,
                passes ? "; trying again" : "");
        if (!passes) return st;
        if (pt_signals_wait(signals, wait) == PT_SIGNAL_STOP) return PT_ECLOSED;
    }
}

static void reload(const pt_program *p, host_app *app, pt_config ***kept, size_t *n_kept, host_config ***configs, const pt_log *log)
{
    host_config *fresh = calloc(1, sizeof *fresh);
    pt_config *cfg = NULL;
    pt_config **more = realloc(*kept, (*n_kept + 1) * sizeof *more);
    if (more) *kept = more;
    host_config **list = realloc(*configs, (*n_kept + 1) * sizeof *list);
    if (list) *configs = list;
    if (!fresh || !more || !list || load(p, fresh, &cfg) != PT_OK) {
        pt_logf(log, PT_LOG_ERROR, "HOST-RELOAD", "the configuration has faults; going on with the old one");
        free(fresh);
        return;
    }
    (*kept)[*n_kept] = cfg;
    (*configs)[(*n_kept)++] = fresh;
    pt_notify("RELOADING=1");
    host_app_reload(app, fresh);
    pt_notify("READY=1");
}

static int run(const pt_program *p, host_config *config, const pt_log *log)
{
    host_app *app = calloc(1, sizeof *app);
    pt_config **kept = NULL;
    host_config **configs = NULL;
    size_t n_kept = 0;
    int signals = -1;
    pt_error err = { 0, "" };
    if (!app || pt_signals_open(&signals) != PT_OK) {
        free(app);
        return PT_EXIT_FAILED;
    }
    pt_status st = open_app(app, config, signals, log);
    if (st != PT_OK) {
        free(app);
        (void)close(signals);
        return st == PT_ECLOSED ? PT_EXIT_OK : st == PT_EBUSY ? PT_EXIT_REFUSED : st == PT_EINVAL ? PT_EXIT_USAGE : PT_EXIT_FAILED;
    }
    st = host_app_start(app, &err);
    if (st != PT_OK) pt_logf(log, PT_LOG_ERROR, "HOST-START", "%s: %s", pt_status_name(st), err.text);
    int code = st == PT_OK ? PT_EXIT_OK : st == PT_EINVAL ? PT_EXIT_USAGE : PT_EXIT_FAILED;
    if (st == PT_OK) {
        int64_t dog = pt_notify_watchdog_ms(), fed = 0;
        pt_notify("READY=1");
        for (;;) {
            pt_signal s = pt_signals_wait(signals, 100);
            if (s == PT_SIGNAL_STOP) break;
            if (s == PT_SIGNAL_RELOAD) reload(p, app, &kept, &n_kept, &configs, log);
            host_app_tick(app);
            int64_t now = pt_mono_ms(pt_clock_system());
            if (dog > 0 && now - fed >= dog / 2) {
                pt_notify("WATCHDOG=1");
                fed = now;
            }
        }
        pt_notify("STOPPING=1");
        pt_logf(log, PT_LOG_INFO, "HOST-STOP", "stopping");
    }
    pt_status closed = host_app_stop(app, &err);
    if (closed != PT_OK) {
        pt_logf(log, PT_LOG_ERROR, "HOST-STOP", "history: %s: %s", pt_status_name(closed), err.text);
        code = PT_EXIT_FAILED;
    } else if (code == PT_EXIT_OK) {
        pt_logf(log, PT_LOG_INFO, "HOST-STOP", "stopped");
    }
    for (size_t i = 0; i < n_kept; i++) {
        uns_map_free(configs[i]->map);
        pt_config_free(kept[i]);
        free(configs[i]);
    }
    free(kept);
    free(configs);
    free(app);
    (void)close(signals);
    return code;
}

int main(int argc, char **argv)
{
    pt_program p = { .name = "plantree-host", .synopsis = synopsis, .help = help, .level = PT_LOG_INFO };
    host_config config = { 0 };
    pt_config *cfg = NULL;
    pt_log_fd log;
    /* some thirty threads on few cores: an arena for each would keep what a heavy answer needed once */
    (void)mallopt(M_ARENA_MAX, 2);
    pt_status st = pt_program_options(&p, &argc, argv, true);
    if (st == PT_ECLOSED) return PT_EXIT_OK;
    if (st != PT_OK) return PT_EXIT_USAGE;
    if (load(&p, &config, &cfg) != PT_OK) return PT_EXIT_USAGE;
    if (p.check) {
        uns_map_free(config.map);
        pt_config_free(cfg);
        return PT_EXIT_OK;
    }
    pt_log_fd_init(&log, STDERR_FILENO, p.json_log, p.level, pt_clock_system());
    int code = run(&p, &config, &log.log);
    uns_map_free(config.map);
    pt_config_free(cfg);
    return code;
}
