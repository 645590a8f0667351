/* edge-node/main.c -- plantree-edge: options, signals, watchdog. The work is app.c's. */
#include "base/daemon/program.h"
#include "edge-node/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char help[] =
    "Reads PLC tags and publishes them as a Sparkplug B edge node.\n"
    "\n"
    "  plantree-edge --config edge.yaml            run\n"
    "  plantree-edge --config edge.yaml --check    look for faults, say where\n"
    "  plantree-edge --config edge.yaml --export-tags DEVICE    its tags as CSV, for tags_file\n"
    "  plantree-edge --document                    every configuration key, as Markdown\n"
    "\n"
    "Status while it runs: http://127.0.0.1:8081/api/v1/status and /api/v1/tags, /metrics. SIGHUP takes changed tags and devices\n"
    "without reconnecting. docs/edge.md explains the configuration, docs/drivers.md the drivers.\n";

static int check(const char *path, const pt_clock *clock)
{
    pt_buf faults;
    edge_config_file *file = NULL;
    edge_setup *setup = NULL;
    pt_buf_init(&faults, 1u << 20);
    pt_status st = edge_config_load(path, &file, &faults);
    if (st == PT_OK) st = edge_setup_build(file, NULL, clock, NULL, &setup, &faults);
    fprintf(stderr, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    edge_setup_free(setup);
    edge_config_free(file);
    pt_buf_fini(&faults);
    return st == PT_OK ? PT_EXIT_OK : PT_EXIT_USAGE;
}

static int export_tags(const char *path, const char *device)
{
    pt_buf out;
    edge_config_file *file = NULL;
    int rc = PT_EXIT_USAGE;
    pt_buf_init(&out, 64u << 20);
    if (edge_config_load(path, &file, &out) != PT_OK) {
        fprintf(stderr, "%.*s", PT_SLICE_ARGS(pt_buf_view(&out)));
        pt_buf_fini(&out);
        return rc;
    }
    for (uint32_t i = 0; i < file->c.n_devices; i++) {
        if (strcmp(file->c.devices[i].id, device) != 0) continue;
        edge_config_export_csv(file, &file->c.devices[i], &out);
        rc = pt_buf_status(&out) == PT_OK && fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? PT_EXIT_OK
                                                                                                                   : PT_EXIT_FAILED;
    }
    if (rc == PT_EXIT_USAGE) fprintf(stderr, "plantree-edge: no device '%s' in %s\n", device, path);
    edge_config_free(file);
    pt_buf_fini(&out);
    return rc;
}

static int document(void)
{
    pt_buf out;
    pt_buf_init(&out, 1u << 20);
    edge_config_document(&out);
    bool good = pt_buf_status(&out) == PT_OK && fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    pt_buf_fini(&out);
    return good ? PT_EXIT_OK : PT_EXIT_FAILED;
}

static void run(edge_app *a, int signals)
{
    int64_t watchdog = pt_notify_watchdog_ms(), last = pt_mono_ms(a->clock);
    for (;;) {
        pt_signal s = pt_signals_wait(signals, watchdog > 0 ? watchdog / 2 : -1);
        if (s == PT_SIGNAL_STOP) return;
        if (s == PT_SIGNAL_RELOAD) edge_app_reload(a);
        if (watchdog > 0 && pt_mono_ms(a->clock) - last >= watchdog / 2) {
            edge_node_stats stats; /* proves that the node's lock is not stuck */
            edge_node_stats_get(a->node, &stats);
            pt_notify("WATCHDOG=1");
            last = pt_mono_ms(a->clock);
        }
    }
}

int main(int argc, char **argv)
{
    pt_program p = { .name = "plantree-edge", .synopsis = "Sparkplug B edge node for PLCs", .help = help, .level = PT_LOG_INFO };
    pt_status st = pt_program_options(&p, &argc, argv, false);
    if (st == PT_ECLOSED) return PT_EXIT_OK;
    if (st != PT_OK) return PT_EXIT_USAGE;
    const char *device = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--document") == 0) return document();
        if (strcmp(argv[i], "--export-tags") == 0 && i + 1 < argc) {
            device = argv[++i];
        } else {
            fprintf(stderr, "plantree-edge: unknown option '%s'; --help lists them\n", argv[i]);
            return PT_EXIT_USAGE;
        }
    }
    if (!p.config) {
        fprintf(stderr, "plantree-edge: --config FILE is needed\n");
        return PT_EXIT_USAGE;
    }
    const pt_clock *clock = pt_clock_system();
    if (p.check) return check(p.config, clock);
    if (device) return export_tags(p.config, device);

    int signals = -1;
    pt_log_fd log;
    pt_log_fd_init(&log, STDERR_FILENO, p.json_log, p.level, clock);
    if (pt_signals_open(&signals) != PT_OK) {
        fprintf(stderr, "plantree-edge: signals cannot be set up\n");
        return PT_EXIT_FAILED;
    }
    edge_app app = { .config_path = p.config, .clock = clock, .log = &log.log };
    pt_error err = { 0 };
    st = edge_app_start(&app, &err);
    if (st == PT_OK) {
        pt_logf(&log.log, PT_LOG_INFO, "EDGE-START", "plantree-edge %s, node %s/%s, %u devices", PLANTREE_VERSION, app.file->c.node.group,
                app.file->c.node.id, app.setup->n_devices);
        pt_notify("READY=1");
        run(&app, signals);
        pt_notify("STOPPING=1");
        pt_logf(&log.log, PT_LOG_INFO, "EDGE-STOP", "stopping");
    } else {
        pt_logf(&log.log, PT_LOG_ERROR, "EDGE-START-FAILED", "%s", err.text);
    }
    edge_app_stop(&app);
    if (st == PT_OK) pt_logf(&log.log, PT_LOG_INFO, "EDGE-STOPPED", "stopped");
    return st == PT_OK ? PT_EXIT_OK : st == PT_EINVAL ? PT_EXIT_USAGE : PT_EXIT_FAILED;
}
