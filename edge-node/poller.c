/* edge-node/poller.c -- see poller.h.
 *
 * Lines: one per channel, each with a thread, a mutex and a list of writes. A device belongs to one line; its mutable state is guarded by
 * the line's mutex, which is never held while a driver or the node is called. */
#include "edge-node/poller.h"

#include "base/backoff.h"
#include "base/monitor.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WRITES_MAX   256
#define SCANS_MAX    32
#define THREAD_STACK (256 * 1024)

typedef struct write_job {
    struct write_job *next;
    uint32_t device, tag; /* index in devices; tag of it */
    spb_value raw;
    char *text;            /* owned bytes of raw, or NULL */
    edge_written *written; /* or NULL */
    void *ctx;
} write_job;

typedef struct scan_state {
    int64_t poll_ms, due_ms;
} scan_state;

typedef struct unit {
    edge_poller_device d;
    struct line *line;
    void *driver_device;
    scan_state scans[SCANS_MAX];
    uint32_t n_scans;
    pt_backoff backoff;
    bool alive, off;
    int64_t retry_ms; /* not alive: when to try again */
    char last_error[256];
    uint64_t polls, failures, overruns, writes, writes_failed;
    _Atomic uint64_t bad_readings; /* counted while no lock is held */
    int64_t last_poll_us;
    int64_t stamp_ms; /* of the reading at hand; line's thread only */
    edge_poller *p;
} unit;

typedef struct line {
    edge_poller *p;
    const char *name;
    void *channel;
    pthread_t thread;
    bool running;
    pt_monitor m; /* guards the units' state, jobs, stop */
    write_job *first, **last;
    uint32_t n_jobs;
    bool stop;
} line;

struct edge_poller {
    edge_poller_options o;
    unit *units;
    uint32_t n_units;
    line *lines;
    uint32_t n_lines;
};

static int64_t now_ms(const edge_poller *p)
{
    return pt_mono_ms(p->o.clock);
}

/* --- building --- */

static pt_status add_scans(unit *u, pt_error *err)
{
    for (uint32_t i = 0; i < u->d.config.n_tags; i++) {
        uint32_t k = 0;
        while (k < u->n_scans && u->scans[k].poll_ms != u->d.config.tags[i].poll_ms)
            k++;
        if (k < u->n_scans) continue;
        if (u->n_scans == SCANS_MAX)
            return pt_fail(err, PT_EINVAL, "device %s: more than %d different poll times", u->d.config.device, SCANS_MAX);
        u->scans[u->n_scans++].poll_ms = u->d.config.tags[i].poll_ms;
    }
    return PT_OK;
}

static pt_status line_init(line *l, edge_poller *p, unit *u)
{
    *l = (line){ .p = p, .name = u->d.driver->channel(u->driver_device) };
    l->last = &l->first;
    if (u->d.driver->channel_new(u->driver_device, &l->channel) != PT_OK) return PT_ENOMEM;
    return pt_monitor_init(&l->m);
}

pt_status edge_poller_new(const edge_poller_options *o, const edge_poller_device *devices, uint32_t n, edge_poller **out, pt_error *err)
{
    pt_status st = PT_ENOMEM;
    edge_poller *p = calloc(1, sizeof *p);
    if (!p) return pt_fail(err, PT_ENOMEM, "out of memory");
    p->o = *o;
    p->units = calloc(n + 1u, sizeof *p->units);
    p->lines = calloc(n + 1u, sizeof *p->lines);
    if (!p->units || !p->lines) goto fail;
    for (uint32_t i = 0; i < n; i++) {
        unit *u = &p->units[i];
        u->d = devices[i];
        u->p = p;
        u->backoff =
            (pt_backoff){ .min_ms = devices[i].retry_min_ms, .max_ms = devices[i].retry_max_ms, .random = pt_random_seed(o->seed + i) };
        pt_error inner = { 0 };
        uint32_t bad = UINT32_MAX;
        p->n_units = i + 1;
        st = u->d.driver->open(&u->d.config, &u->driver_device, &bad, &inner);
        if (st != PT_OK) {
            pt_fail(err, st, "device %s%s%s: %s", u->d.config.device, bad == UINT32_MAX ? "" : ", tag ",
                    bad == UINT32_MAX ? "" : u->d.config.tags[bad].name, inner.text);
            goto fail;
        }
        if ((st = add_scans(u, err)) != PT_OK) goto fail;
        const char *name = u->d.driver->channel(u->driver_device);
        for (uint32_t k = 0; k < p->n_lines && !u->line; k++)
            if (strcmp(p->lines[k].name, name) == 0) u->line = &p->lines[k];
        if (u->line) continue;
        u->line = &p->lines[p->n_lines];
        if ((st = line_init(u->line, p, u)) != PT_OK) goto fail;
        p->n_lines++;
    }
    *out = p;
    return PT_OK;
fail:
    edge_poller_free(p);
    return st;
}

/* --- one poll, one write: no lock held --- */

static void on_reading(void *ctx, uint32_t tag, spb_quality quality, const spb_value *raw)
{
    unit *u = ctx;
    const edge_convert *c = &u->d.converts[tag];
    edge_sample s = {
        .metric = u->d.metrics[tag], .quality = quality, .timestamp_ms = u->stamp_ms, .value = { .type = c->type, .is_null = true }
    };
    if (raw && !raw->is_null && edge_convert_in(c, raw, &s.value) != PT_OK) {
        s.quality = SPB_BAD;
        s.value = (spb_value){ .type = c->type, .is_null = true };
    }
    if (s.quality != SPB_GOOD) u->bad_readings++;
    if (edge_node_set(u->p->o.node, &s) == PT_OK) return;
    u->bad_readings++; /* too long for its metric: say that there is no good value */
    s.quality = SPB_BAD;
    s.value = (spb_value){ .type = c->type, .is_null = true };
    pt_status st = edge_node_set(u->p->o.node, &s);
    (void)st;
}

static void stamping_reading(void *ctx, uint32_t tag, spb_quality quality, const spb_value *raw)
{
    unit *u = ctx;
    u->stamp_ms = pt_wall_ms(u->p->o.clock); /* acquired now: the answer has just arrived */
    on_reading(ctx, tag, quality, raw);
}

/* Poll the scans that are due, or all of them when the device was lost. The line's lock is held on entry and exit. */
static void poll_unit(line *l, unit *u, int64_t now)
{
    edge_poller *p = l->p;
    bool due[SCANS_MAX], was_alive = u->alive;
    uint32_t n = u->n_scans;
    for (uint32_t i = 0; i < n; i++)
        due[i] = !was_alive || u->scans[i].due_ms <= now;
    pt_monitor_unlock(&l->m);

    edge_driver_sink sink = { u, stamping_reading };
    pt_error err = { 0 };
    pt_status st = PT_OK;
    int64_t begin = pt_mono_us(p->o.clock);
    for (uint32_t i = 0; i < n && st == PT_OK; i++)
        if (due[i]) st = u->d.driver->poll(u->driver_device, l->channel, u->scans[i].poll_ms, !was_alive, &sink, &err);
    int64_t took = pt_mono_us(p->o.clock) - begin;

    pt_monitor_lock(&l->m);
    now = now_ms(p);
    u->polls++;
    u->last_poll_us = took;
    bool off = u->off, first_failure = st != PT_OK && u->failures == 0;
    if (st == PT_OK) {
        for (uint32_t i = 0; i < n; i++) {
            if (!due[i]) continue;
            scan_state *s = &u->scans[i];
            s->due_ms += s->poll_ms;
            if (s->due_ms <= now || !was_alive) { /* too slow for its schedule, or just back: count from now */
                u->overruns += was_alive && s->due_ms + s->poll_ms <= now;
                s->due_ms = now + s->poll_ms;
            }
        }
        u->alive = true;
        u->last_error[0] = 0;
        pt_backoff_reset(&u->backoff);
    } else {
        u->failures++;
        u->alive = false;
        u->retry_ms = now + pt_backoff_next(&u->backoff);
        snprintf(u->last_error, sizeof u->last_error, "%s", err.text[0] ? err.text : pt_status_name(st));
    }
    pt_monitor_unlock(&l->m);
    if (st == PT_OK && !was_alive && !off) {
        pt_logf(p->o.log, PT_LOG_INFO, "EDGE-PLC-UP", "device %s: answers on %s", u->d.config.device, l->name);
        edge_node_device_online(p->o.node, u->d.device);
    } else if (st != PT_OK) {
        if (was_alive)
            pt_logf(p->o.log, PT_LOG_WARN, "EDGE-PLC-LOST", "device %s: %s; trying again with growing pauses", u->d.config.device,
                    err.text);
        else if (first_failure)
            pt_logf(p->o.log, PT_LOG_WARN, "EDGE-PLC-ABSENT", "device %s: %s; waiting for it", u->d.config.device, err.text);
        edge_node_device_offline(p->o.node, u->d.device); /* it may count as online from before a reload */
    }
    if (p->o.wake) p->o.wake(p->o.wake_ctx);
    pt_monitor_lock(&l->m);
}

static void free_job(write_job *j)
{
    free(j->text);
    free(j);
}

static void run_job(line *l, write_job *j)
{
    unit *u = &l->p->units[j->device];
    bool usable = u->alive && !u->off;
    pt_monitor_unlock(&l->m);
    pt_error err = { 0 };
    pt_status st = usable ? u->d.driver->write(u->driver_device, l->channel, j->tag, &j->raw, &err)
                          : pt_fail(&err, PT_ESTATE, "device %s is not there", u->d.config.device);
    const char *tag = u->d.config.tags[j->tag].name;
    if (st == PT_OK) pt_logf(l->p->o.log, PT_LOG_INFO, "EDGE-WRITE", "device %s: '%s' written", u->d.config.device, tag);
    else pt_logf(l->p->o.log, PT_LOG_WARN, "EDGE-WRITE-FAILED", "device %s: '%s' not written: %s", u->d.config.device, tag, err.text);
    pt_monitor_lock(&l->m);
    u->writes += st == PT_OK;
    u->writes_failed += st != PT_OK;
    if (st == PT_OK) { /* read it back soon: the change is the confirmation */
        for (uint32_t i = 0; i < u->n_scans; i++)
            if (u->scans[i].poll_ms == u->d.config.tags[j->tag].poll_ms) u->scans[i].due_ms = now_ms(l->p);
    }
    if (j->written) j->written(j->ctx, st, &err);
    free_job(j);
}

static int64_t due_of(const unit *u)
{
    if (u->off) return INT64_MAX;
    if (!u->alive) return u->retry_ms;
    int64_t due = INT64_MAX;
    for (uint32_t i = 0; i < u->n_scans; i++)
        if (u->scans[i].due_ms < due) due = u->scans[i].due_ms;
    return due;
}

static void *run_line(void *ctx)
{
    line *l = ctx;
    edge_poller *p = l->p;
    pt_monitor_lock(&l->m);
    while (!l->stop) {
        if (l->first) {
            write_job *j = l->first;
            l->first = j->next;
            if (!l->first) l->last = &l->first;
            l->n_jobs--;
            run_job(l, j);
            continue;
        }
        unit *next = NULL;
        int64_t due = INT64_MAX;
        for (uint32_t i = 0; i < p->n_units; i++) {
            unit *u = &p->units[i];
            if (u->line != l) continue;
            int64_t d = due_of(u);
            if (d >= due) continue;
            due = d;
            next = u;
        }
        int64_t now = now_ms(p);
        if (next && due <= now) poll_unit(l, next, now);
        else (void)!pt_monitor_wait_until(&l->m, p->o.clock, due == INT64_MAX ? now + 1000 : due); /* and look again, early or not */
    }
    pt_monitor_unlock(&l->m);
    return NULL;
}

/* --- outside --- */

pt_status edge_poller_start(edge_poller *p)
{
    for (uint32_t i = 0; i < p->n_lines; i++) {
        char name[24];
        snprintf(name, sizeof name, "pt-line-%u", (unsigned)i);
        pt_status st = pt_thread_start(&p->lines[i].thread, name, THREAD_STACK, run_line, &p->lines[i], NULL);
        p->lines[i].running = st == PT_OK;
        if (st == PT_OK) continue;
        edge_poller_stop(p);
        return st;
    }
    return PT_OK;
}

void edge_poller_stop(edge_poller *p)
{
    for (uint32_t i = 0; i < p->n_lines; i++) {
        pt_monitor_lock(&p->lines[i].m);
        p->lines[i].stop = true;
        pt_monitor_wake_all(&p->lines[i].m);
        pt_monitor_unlock(&p->lines[i].m);
    }
    for (uint32_t i = 0; i < p->n_lines; i++) {
        line *l = &p->lines[i];
        if (l->running) pthread_join(l->thread, NULL);
        l->running = false;
        pt_monitor_lock(&l->m);
        for (write_job *j = l->first, *next; j; j = next) {
            next = j->next;
            unit *u = &p->units[j->device];
            pt_error why = { 0 };
            pt_status st = pt_fail(&why, PT_ECLOSED, "the drivers stop");
            u->writes_failed++;
            pt_logf(p->o.log, PT_LOG_WARN, "EDGE-WRITE-FAILED", "device %s: '%s' not written: the drivers stop", u->d.config.device,
                    u->d.config.tags[j->tag].name);
            if (j->written) j->written(j->ctx, st, &why);
            free_job(j);
        }
        l->first = NULL;
        l->last = &l->first;
        l->n_jobs = 0;
        pt_monitor_unlock(&l->m);
    }
}

void edge_poller_free(edge_poller *p)
{
    if (!p) return;
    edge_poller_stop(p);
    for (uint32_t i = 0; i < p->n_lines; i++) {
        line *l = &p->lines[i];
        for (uint32_t k = 0; k < p->n_units; k++)
            if (p->units[k].line == l) {
                p->units[k].d.driver->channel_free(l->channel);
                break;
            }
        pt_monitor_fini(&l->m);
    }
    for (uint32_t i = 0; p->units && i < p->n_units; i++)
        p->units[i].d.driver->close(p->units[i].driver_device);
    free(p->units);
    free(p->lines);
    free(p);
}

pt_status edge_poller_write(edge_poller *p, uint32_t metric, const spb_value *v, edge_written *written, void *ctx, pt_error *err)
{
    for (uint32_t i = 0; i < p->n_units; i++) {
        unit *u = &p->units[i];
        uint32_t tag = 0;
        while (tag < u->d.config.n_tags && u->d.metrics[tag] != metric)
            tag++;
        if (tag == u->d.config.n_tags) continue;
        if (!u->d.config.tags[tag].writable) return pt_fail(err, PT_EREFUSED, "tag %s is not writable", u->d.config.tags[tag].name);
        write_job *j = calloc(1, sizeof *j);
        if (!j) return pt_fail(err, PT_ENOMEM, "out of memory");
        j->device = i;
        j->tag = tag;
        j->written = written;
        j->ctx = ctx;
        pt_status st = edge_convert_out(&u->d.converts[tag], v, &j->raw, err);
        spb_class k = spb_datatype_class(v->type);
        if (st == PT_OK && (k == SPB_CLASS_STRING || k == SPB_CLASS_BYTES || k == SPB_CLASS_ARRAY)) {
            j->text = pt_slice_dup(v->as.bytes);
            if (!j->text) st = pt_fail(err, PT_ENOMEM, "out of memory");
            j->raw.as.bytes = pt_slice_of(j->text, v->as.bytes.len);
        }
        line *l = u->line;
        if (st == PT_OK) {
            pt_monitor_lock(&l->m);
            if (l->stop || u->off || !u->alive) st = pt_fail(err, PT_ESTATE, "device %s is offline", u->d.config.device);
            else if (l->n_jobs >= WRITES_MAX) st = pt_fail(err, PT_EFULL, "%d writes wait for %s already", WRITES_MAX, l->name);
            if (st == PT_OK) {
                *l->last = j;
                l->last = &j->next;
                l->n_jobs++;
                pt_monitor_wake_one(&l->m);
                pt_monitor_unlock(&l->m);
                return st;
            }
            u->writes_failed++;
            pt_monitor_unlock(&l->m);
        }
        free_job(j);
        return st;
    }
    return pt_fail(err, PT_ENOTFOUND, "no driver's tag");
}

pt_status edge_poller_switch(edge_poller *p, uint32_t device, bool on)
{
    for (uint32_t i = 0; i < p->n_units; i++) {
        unit *u = &p->units[i];
        if (u->d.device != device) continue;
        pt_monitor_lock(&u->line->m);
        bool was_off = u->off;
        u->off = !on;
        if (!on || was_off) { /* switched on: found anew */
            u->alive = false;
            u->retry_ms = now_ms(p);
        }
        pt_monitor_wake_one(&u->line->m);
        pt_monitor_unlock(&u->line->m);
        if (!on) edge_node_device_offline(p->o.node, device);
        return PT_OK;
    }
    return PT_ENOTFOUND;
}

uint32_t edge_poller_devices(const edge_poller *p)
{
    return p->n_units;
}

void edge_poller_stats_get(edge_poller *p, uint32_t index, edge_poller_stats *out)
{
    unit *u = &p->units[index];
    *out = (edge_poller_stats){ .id = u->d.config.device, .driver = u->d.driver->name, .channel = u->line->name, .device = u->d.device };
    pt_monitor_lock(&u->line->m);
    out->alive = u->alive;
    out->off = u->off;
    memcpy(out->last_error, u->last_error, sizeof out->last_error);
    out->polls = u->polls;
    out->failures = u->failures;
    out->overruns = u->overruns;
    out->writes = u->writes;
    out->writes_failed = u->writes_failed;
    out->bad_readings = u->bad_readings;
    out->last_poll_us = u->last_poll_us;
    pt_monitor_unlock(&u->line->m);
    u->d.driver->stats(u->driver_device, &out->io);
}
