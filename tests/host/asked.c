/* tests/host/asked.c */
#include "tests/host/asked.h"

#include <stdio.h>
#include <stdlib.h>

static void event(asked *r, int64_t ms, const char *type, const char *node, const char *path)
{
    const hist_event e = { .time_ms = ms, .type = pt_cstr(type), .node = pt_cstr(node), .path = pt_cstr(path) };
    CHECK_OK_FATAL(hist_event_append(r->history, &e));
}

uint32_t asked_tag(asked *r, const char *edge, const char *metric, const char *path, spb_datatype type, const char *unit)
{
    const char *device = strcmp(metric, "bdSeq") == 0 ? "" : "d";
    const hist_tag_key key = { PT_LIT("spb"), PT_LIT("g"), pt_cstr(edge), pt_cstr(device), pt_cstr(metric) };
    uint32_t id = 0;
    CHECK_OK_FATAL(hist_tag_ensure(r->history, &key, pt_cstr(path), type, pt_cstr(unit), &id));
    const uns_tag_def def = { .tag_id = id,
                              .path = pt_cstr(path),
                              .group = key.group,
                              .edge = key.edge,
                              .device = key.device,
                              .metric = key.metric,
                              .type = type,
                              .unit = pt_cstr(unit),
                              .hidden = strstr(path, "_sparkplug") != NULL };
    CHECK_OK_FATAL(uns_tag_put(r->tree, &def));
    return id;
}

static void put(asked *r, uint32_t id, int64_t ms, spb_value v, spb_quality q)
{
    hist_sample s;
    const uns_update u = { .tag_id = id, .quality = q, .time_ms = ms, .value = v };
    hist_sample_from_value(&s, id, ms, &v, q);
    CHECK_OK_FATAL(hist_append(r->history, &s, 1));
    uns_apply(r->tree, &u, 1);
}

void asked_f64(asked *r, uint32_t id, int64_t ms, double v, spb_quality q)
{
    put(r, id, ms, (spb_value){ .type = SPB_DOUBLE, .as.f64 = v }, q);
}

void asked_flush(asked *r)
{
    pt_error err = { 0, "" };
    pt_status st = hist_flush(r->history, 20000, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "flush: %s", err.text);
}

static void fill_secret(asked *r)
{
    uint32_t t = asked_tag(r, "z", "t", "x/hidden/t", SPB_DOUBLE, "bar");
    asked_f64(r, t, 1000, 666, SPB_GOOD);
    event(r, 6000, "write", NULL, "x/hidden/t");
    event(r, 7000, "ndeath", "g/z", NULL);
}

static void fill(asked *r)
{
    static const char *const words[] = { "on", "off", "on" };
    uint32_t b = asked_tag(r, "e", "b", "a/b", SPB_DOUBLE, "m"), s = asked_tag(r, "e", "s", "a/s", SPB_STRING, ""),
             c = asked_tag(r, "e", "c", "a/deep/c", SPB_INT32, ""), q = asked_tag(r, "e", "bdSeq", "a/_sparkplug/bdSeq", SPB_INT64, "");
    const hist_sample stale = { .tag_id = b, .time_ms = 11000, .flags = HIST_STATE, .quality = SPB_STALE };
    for (int i = 0; i < 10; i++)
        asked_f64(r, b, 1000 + i * 1000, i + 0.5, SPB_GOOD);
    for (int i = 0; i < 3; i++)
        put(r, s, i == 2 ? 4000 : 1000 + i * 1000, (spb_value){ .type = SPB_STRING, .as.bytes = pt_cstr(words[i]) }, SPB_GOOD);
    put(r, c, 3000, (spb_value){ .type = SPB_INT32, .as.i64 = 7 }, SPB_BAD);
    put(r, q, 1000, (spb_value){ .type = SPB_INT64, .as.i64 = 3 }, SPB_GOOD);
    CHECK_OK_FATAL(hist_append(r->history, &stale, 1));
    event(r, 1000, "nbirth", "g/e", NULL);
    event(r, 2000, "write", NULL, "a/b");
    event(r, 3000, "config-reload", NULL, NULL);
}

void asked_open(asked *r, bool secret)
{
    static unsigned n;
    char dir[400];
    hist_options o;
    pt_error err = { 0, "" };
    snprintf(dir, sizeof dir, "%s/store-%u", pt_test_dir(), n++);
    hist_options_init(&o);
    o.dir = dir;
    o.commit_interval_ms = 10;
    pt_status st = hist_open(&o, pt_clock_system(), NULL, &r->history, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "hist_open: %s", err.text);
    CHECK_OK_FATAL(uns_tree_new(&r->tree));
    r->src = (query_source){ r->history, r->tree, pt_clock_system(), NULL };
    fill(r);
    if (secret) fill_secret(r);
    asked_flush(r);
}

void asked_close(asked *r)
{
    CHECK_OK(hist_close(r->history, 10000, NULL));
    uns_tree_free(r->tree);
}

const char *asked_run(pt_status st, query_run *run, const pt_error *err, unsigned *steps)
{
    static pt_buf kept[8];
    static unsigned next;
    pt_buf *out = &kept[next++ % PT_COUNT_OF(kept)];
    pt_error why = { 0, "" };
    pt_buf_fini(out);
    pt_buf_init(out, 1u << 30);
    if (st != PT_OK) {
        pt_buf_printf(out, "!%s: %s", pt_status_name(st), err->text);
    } else {
        pt_buf piece;
        pt_buf_init(&piece, 512u << 20);
        while (st == PT_OK) {
            pt_buf_reset(&piece);
            st = query_step(run, &piece, &why);
            pt_buf_slice(out, pt_buf_view(&piece));
            if (steps) ++*steps;
        }
        if (st != PT_ECLOSED) pt_buf_printf(out, "!%s: %s", pt_status_name(st), why.text);
        pt_buf_fini(&piece);
    }
    query_close(run);
    pt_buf_char(out, '\0');
    CHECK_OK_FATAL(pt_buf_status(out));
    return out->ptr;
}

const char *asked_history(asked *r, const query_scope *scope, const query_history *q, query_format f)
{
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_status st = query_history_open(&r->src, scope, q, query_sink_new(f, false), &run, &err);
    return asked_run(st, run, &err, NULL);
}

const char *asked_events(asked *r, const query_scope *scope, const hist_event_filter *f, query_format format)
{
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_status st = query_events_open(&r->src, scope, f, query_sink_new(format, false), &run, &err);
    return asked_run(st, run, &err, NULL);
}

const char *asked_values(asked *r, const query_scope *scope, const query_values *q, query_format f)
{
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_status st = query_values_open(&r->src, scope, q, query_sink_new(f, false), &run, &err);
    return asked_run(st, run, &err, NULL);
}

const char *asked_tags(asked *r, const query_scope *scope, const query_tags_question *q, query_format f)
{
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_status st = query_tags_open(&r->src, scope, q, query_sink_new(f, false), &run, &err);
    return asked_run(st, run, &err, NULL);
}

const char *asked_tree(asked *r, const query_scope *scope, const query_tree *q, query_format f)
{
    query_run *run = NULL;
    pt_error err = { 0, "" };
    pt_status st = query_tree_open(&r->src, scope, q, query_sink_new(f, false), &run, &err);
    return asked_run(st, run, &err, NULL);
}

query_history asked_path(query_shape shape, const pt_slice *path)
{
    return (query_history){ .shape = shape, .paths = path, .n_paths = 1, .from_ms = 0, .to_ms = 20000, .interval_ms = 5000 };
}
