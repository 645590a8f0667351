#include "tests/host/stage.h"

#include "tests/base/client.h"
#include "tests/host/wire.h"
#include "tests/support/wait.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static const char primary[] =
    "host: { id: stage, role: primary }\n"
    "sparkplug: { reorder_timeout: 400ms, hold_off: 0ms, birth_wait: 500ms, rebirth: { per_node: 1s, jitter: 0ms } }\n"
    "writes: { confirm_timeout: 700ms }\n";

static void *tick_main(void *arg)
{
    stage *s = arg;
    while (!s->stop) {
        host_app_tick(&s->app);
        nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
    }
    return NULL;
}

void stage_open(stage *s, const char *more, const char *broker_config)
{
    if (s->broker) stage_close(s); /* a test that was broken off leaves its host running: end it, the next one starts afresh */
    memset(s, 0, sizeof *s);
    s->broker = pt_broker_start(broker_config);
    s->observer = pt_observer_start(s->broker, "spBv1.0/#");
    static unsigned n;
    snprintf(s->dir, sizeof s->dir, "%s/stage%u", pt_test_dir(), n++);
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "version: 1\n%smqtt: { servers: ['%s'], version: 5, reconnect_min: 50ms, reconnect_max: 200ms }\n"
             "data: { dir: '%s', commit_interval: 20ms, synchronous: 'off' }\nhttp: { listen: '127.0.0.1:0' }\n",
             more ? more : primary, pt_broker_url(s->broker), s->dir);
    pt_buf faults;
    pt_buf_init(&faults, 65536);
    pt_status st = pt_config_load_text("stage", pt_cstr(yaml), host_config_table, &s->config, sizeof s->config, host_config_check, NULL,
                                       &s->cfg, &faults);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "configuration: %.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    pt_buf_fini(&faults);
    pt_log_fd_init(&s->log, 2, false, getenv("STAGE_LOG") ? PT_LOG_DEBUG : PT_LOG_ERROR, pt_clock_system());
}

static bool is_online(stage *s)
{
    host_session_stats st;
    host_session_stats_get(s->app.sessions[0], &st);
    return st.phase == HOST_ONLINE;
}

void stage_start(stage *s)
{
    pt_error err = { 0, "" };
    pt_status st = host_app_open(&s->app, &s->config, pt_clock_system(), &s->log.log, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "open: %s", err.text);
    s->up = true;
    st = host_app_start(&s->app, &err);
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "start: %s", err.text);
    s->stop = false;
    CHECK_FATAL(pthread_create(&s->ticker, NULL, tick_main, s) == 0);
    s->ticking = true;
    CHECK_WITHIN_FATAL(10000, is_online(s));
}

void stage_halt(stage *s)
{
    if (!s->up) return;
    s->stop = true;
    if (s->ticking) pthread_join(s->ticker, NULL);
    s->ticking = false;
    CHECK_OK(host_app_stop(&s->app, NULL));
    s->up = false;
}

void stage_close(stage *s)
{
    stage_halt(s);
    uns_map_free(s->config.map);
    pt_config_free(s->cfg);
    pt_observer_stop(s->observer);
    pt_broker_stop(s->broker);
    s->config.map = NULL;
    s->cfg = NULL;
    s->observer = NULL;
    s->broker = NULL;
}

/* ---- asking ---- */

static json_t *get_json(stage *s, const char *target)
{
    answer a = client_ask(s->app.http_port, (ask){ .method = "GET", .target = target });
    json_t *j = a.status == 200 ? json_loadb(a.body.ptr, a.body.len, JSON_DECODE_ANY, NULL) : NULL;
    client_release(&a);
    return j;
}

static const json_t *walk(const json_t *j, const char *path)
{
    char part[128];
    while (j && *path) {
        size_t n = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        j = json_object_get(j, part);
        path += n + (path[n] == '.');
    }
    return j;
}

static void text_of(const json_t *j, char *buf, size_t cap)
{
    char *t = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10)) : NULL;
    snprintf(buf, cap, "%s", t ? t : "(none)");
    free(t);
}

static bool same(const json_t *j, const char *want, char *got, size_t cap)
{
    text_of(j, got, cap);
    return strcmp(got, want) == 0;
}

static bool node_is(stage *s, const char *edge, const char *device, const char *path, const char *want, char *got, size_t cap)
{
    char target[256];
    snprintf(target, sizeof target, "/api/v1/nodes/g/%s", edge);
    json_t *n = get_json(s, target);
    const json_t *at = n;
    if (n && device) {
        size_t i;
        json_t *d;
        at = NULL;
        json_array_foreach(json_object_get(n, "devices"), i, d) if (strcmp(json_string_value(json_object_get(d, "device")), device) == 0)
            at = d;
    }
    bool ok = same(walk(at, path), want, got, cap);
    json_decref(n);
    return ok;
}

static bool value_is(stage *s, const char *path, const char *want, char *got, size_t cap)
{
    char target[512], text[900], q[20] = "";
    snprintf(target, sizeof target, "/api/v1/values?paths=%s", path);
    json_t *rows = get_json(s, target), *row = json_array_get(rows, 0);
    text_of(json_object_get(row, "value"), text, sizeof text);
    if (row) snprintf(q, sizeof q, " %s", json_string_value(json_object_get(row, "quality")));
    snprintf(got, cap, "%s%s", row ? text : "(absent)", q);
    json_decref(rows);
    return strcmp(got, want) == 0;
}

static bool history_is(stage *s, const char *path, const char *want, char *got, size_t cap)
{
    char target[512];
    snprintf(target, sizeof target, "/api/v1/history?path=%s&from=0&to=now%%2B100d", path);
    json_t *h = get_json(s, target);
    bool ok = same(json_object_get(json_array_get(json_object_get(h, "series"), 0), "v"), want, got, cap);
    json_decref(h);
    return ok;
}

static bool count_is(stage *s, const char *edge, const char *name, const char *want, char *got, size_t cap)
{
    char target[256];
    snprintf(target, sizeof target, "/api/v1/nodes/g/%s", edge);
    json_t *n = get_json(s, target);
    const json_t *r = json_object_get(json_object_get(n, "rejected_by"), name);
    snprintf(got, cap, "%lld",
             (long long)(json_integer_value(json_object_get(r, "messages")) + json_integer_value(json_object_get(r, "samples"))));
    json_decref(n);
    return strcmp(got, want) == 0;
}

static bool events_are(stage *s, const char *edge, const char *type, const char *want, char *got, size_t cap)
{
    char target[256];
    snprintf(target, sizeof target, "/api/v1/events?type=%s&node=g%%2F%s", type, edge);
    json_t *e = get_json(s, target);
    snprintf(got, cap, "%zu", json_array_size(e));
    json_decref(e);
    return atol(got) >= atol(want);
}

/* Everything published so far has come by the observer. */
static void settle(stage *s)
{
    char topic[64];
    snprintf(topic, sizeof topic, "spBv1.0/settle/NCMD/n%u", s->scene);
    size_t before = pt_observer_count_topic(s->observer, topic);
    pt_broker_publish(s->broker, topic, PT_LIT("x"), 0, false);
    CHECK_WITHIN(5000, pt_observer_count_topic(s->observer, topic) > before);
    CHECK_OK(host_ingest_drain(s->app.ingest, 5000));
}

/* ---- playing ---- */

static bool word(pt_slice *rest, char *out, size_t cap)
{
    while (rest->len && rest->ptr[0] == ' ')
        *rest = pt_slice_from(*rest, 1);
    size_t n = pt_slice_find(*rest, ' ');
    snprintf(out, cap, "%.*s", (int)n, rest->ptr ? rest->ptr : "");
    *rest = pt_slice_from(*rest, n);
    return n > 0;
}

/* The rest behind ` = `. */
static const char *expected(pt_slice rest, char *buf, size_t cap)
{
    while (rest.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '='))
        rest = pt_slice_from(rest, 1);
    snprintf(buf, cap, "%.*s", PT_SLICE_ARGS(rest));
    return buf;
}

static bool is_verb(const char *w)
{
    static const char *const verbs[] = { "NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD" };
    for (unsigned i = 0; i < PT_COUNT_OF(verbs); i++)
        if (strcmp(w, verbs[i]) == 0) return true;
    return false;
}

static void publish_words(stage *s, const char *verb, pt_slice rest, bool retain)
{
    char id[256], topic[600], bar[8];
    word(&rest, id, sizeof id);
    char *slash = strchr(id, '/');
    CHECK_FATAL(slash != NULL);
    *slash = '\0';
    snprintf(topic, sizeof topic, "spBv1.0/%s/%s/%s", id, verb, slash + 1);
    word(&rest, bar, sizeof bar);
    char *text = pt_slice_dup(rest);
    pt_buf b;
    pt_buf_init(&b, 1 << 20);
    wire_payload(text ? text : "", &b);
    pt_broker_publish(s->broker, topic, pt_buf_view(&b), 0, retain);
    pt_buf_fini(&b);
    free(text);
}

static void publish_raw(stage *s, pt_slice rest, bool hex)
{
    char topic[600], bar[8], bytes[4096];
    word(&rest, topic, sizeof topic);
    word(&rest, bar, sizeof bar);
    while (rest.len && rest.ptr[0] == ' ')
        rest = pt_slice_from(rest, 1);
    char *text = pt_slice_dup(rest);
    pt_slice payload = hex ? pt_unhex(text, bytes, sizeof bytes) : rest;
    pt_broker_publish(s->broker, topic, payload, 0, false);
    free(text);
}

static void step(stage *s, const char *scene, const char *edge, pt_slice line)
{
    char w[32], a[300], b[300], want[1000], got[1000] = "";
    pt_slice rest = line;
    word(&rest, w, sizeof w);
    bool ok = true;
    if (is_verb(w)) {
        publish_words(s, w, rest, false);
        return;
    }
    if (strcmp(w, "retain") == 0) {
        word(&rest, a, sizeof a);
        publish_words(s, a, rest, true);
        return;
    }
    if (strcmp(w, "raw") == 0 || strcmp(w, "hex") == 0) {
        publish_raw(s, rest, w[0] == 'h');
        return;
    }
    word(&rest, a, sizeof a);
    if (strcmp(w, "pause") == 0) {
        nanosleep(&(struct timespec){ atol(a) / 1000, atol(a) % 1000 * 1000000 }, NULL);
    } else if (strcmp(w, "node") == 0) {
        expected(rest, want, sizeof want);
        ok = PT_WITHIN(5000, node_is(s, edge, NULL, a, want, got, sizeof got));
    } else if (strcmp(w, "device") == 0) {
        word(&rest, b, sizeof b);
        expected(rest, want, sizeof want);
        ok = PT_WITHIN(5000, node_is(s, edge, a, b, want, got, sizeof got));
    } else if (strcmp(w, "value") == 0) {
        expected(rest, want, sizeof want);
        ok = PT_WITHIN(5000, value_is(s, a, want, got, sizeof got));
    } else if (strcmp(w, "absent") == 0) {
        settle(s);
        snprintf(want, sizeof want, "(absent)");
        ok = value_is(s, a, want, got, sizeof got);
    } else if (strcmp(w, "history") == 0) {
        expected(rest, want, sizeof want);
        ok = PT_WITHIN(5000, history_is(s, a, want, got, sizeof got));
    } else if (strcmp(w, "count") == 0) {
        word(&rest, b, sizeof b);
        snprintf(want, sizeof want, "%s", b);
        ok = PT_WITHIN(5000, count_is(s, edge, a, b, got, sizeof got));
    } else if (strcmp(w, "events") == 0) {
        word(&rest, b, sizeof b);
        snprintf(want, sizeof want, "at least %s", b);
        ok = PT_WITHIN(5000, events_are(s, edge, a, b, got, sizeof got));
    } else if (strcmp(w, "ncmd") == 0) {
        char topic[300];
        snprintf(topic, sizeof topic, "spBv1.0/g/NCMD/%s", edge);
        snprintf(want, sizeof want, "%s", a);
        (void)PT_WITHIN(3000, pt_observer_count_topic(s->observer, topic) >= (size_t)atol(a));
        settle(s);
        snprintf(got, sizeof got, "%zu", pt_observer_count_topic(s->observer, topic));
        ok = strcmp(got, a) == 0;
        for (size_t i = 0; i < pt_observer_count(s->observer); i++) { /* tck-id-topics-ncmd-mqtt: QoS 0, not retained */
            const pt_observed *m = pt_observer_at(s->observer, i);
            if (strcmp(m->topic, topic) == 0) CHECK(m->qos == 0 && !m->retain);
        }
    } else if (strcmp(w, "post") == 0) {
        word(&rest, b, sizeof b);
        expected(rest, want, sizeof want);
        answer r = client_ask(s->app.http_port,
                              (ask){ .method = "POST", .target = a, .body = b, .headers = { "Content-Type: application/json" } });
        snprintf(got, sizeof got, "%ld", r.status);
        ok = strncmp(got, want, strlen(got)) == 0;
        if (!ok) snprintf(got, sizeof got, "%ld %.*s", r.status, PT_SLICE_ARGS(pt_buf_view(&r.body)));
        client_release(&r);
    } else {
        ok = false;
        snprintf(want, sizeof want, "a known step");
    }
    pt_check_at(ok, false, scene, 0, "\n      step %.*s\n      want %s\n      got  %s", PT_SLICE_ARGS(line), want, got);
}

void stage_play(stage *s, const char *name, const char *lines)
{
    char edge[32];
    pt_slice rest = pt_cstr(lines), line;
    snprintf(edge, sizeof edge, "e%u", ++s->scene);
    while (rest.ptr && pt_slice_split(&rest, '\n', &line)) {
        pt_buf b;
        while (line.len && line.ptr[0] == ' ')
            line = pt_slice_from(line, 1);
        if (line.len == 0) continue;
        pt_buf_init(&b, 65536);
        for (size_t i = 0; i < line.len; i++) {
            if (line.ptr[i] == '$') pt_buf_cstr(&b, edge);
            else pt_buf_char(&b, line.ptr[i]);
        }
        step(s, name, edge, pt_buf_view(&b));
        pt_buf_fini(&b);
    }
}

/* ---- questions and answers ---- */

void stage_answers(stage *s, const stage_question *questions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const stage_question *q = &questions[i];
        char row[300];
        answer a = client_ask(s->app.http_port, (ask){ .method = q->method,
                                                       .target = q->target,
                                                       .body = q->body,
                                                       .timeout_ms = 20000,
                                                       .headers = { "Content-Type: application/json", q->header } });
        snprintf(row, sizeof row, "%s %s %s %s", q->method, q->target, q->body ? q->body : "", q->header ? q->header : "");
        pt_check_at(a.status == q->status, false, row, 0, "%ld, not %ld: %.*s", a.status, q->status, PT_SLICE_ARGS(pt_buf_view(&a.body)));
        for (size_t k = 0; k < PT_COUNT_OF(q->has) && q->has[k]; k++)
            pt_check_at(client_has(&a, q->has[k]), false, row, 0, "no %s in %.*s", q->has[k], PT_SLICE_ARGS(pt_buf_view(&a.body)));
        if (a.status >= 400) {
            json_t *j = json_loadb(a.body.ptr ? a.body.ptr : "", a.body.len, 0, NULL);
            const char *type = json_string_value(json_object_get(j, "type")), *detail = json_string_value(json_object_get(j, "detail"));
            CHECK_ROW(row, client_header(&a, "Content-Type: application/problem+json"));
            CHECK_ROW(row, type && strncmp(type, "urn:plantree:problem:", 21) == 0 && type[21]);
            CHECK_ROW(row, json_integer_value(json_object_get(j, "status")) == a.status);
            CHECK_ROW(row, detail && detail[0] && json_is_string(json_object_get(j, "title")));
            json_decref(j);
        }
        client_release(&a);
    }
}

json_t *stage_json(stage *s, const char *target)
{
    json_t *j = get_json(s, target);
    pt_check_at(j != NULL, true, target, 0, "no JSON");
    return j;
}

const char *stage_keys(const json_t *object)
{
    static char text[2000];
    const char *key;
    json_t *v;
    size_t n = 0;
    text[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)object, key, v) n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", key);
    return text;
}

void stage_publish(stage *s, const char *topic, const char *words)
{
    pt_buf b;
    pt_buf_init(&b, 1u << 20);
    wire_payload(words, &b);
    pt_broker_publish(s->broker, topic, pt_buf_view(&b), 0, false);
    pt_buf_fini(&b);
}

void stage_asks(stage *s, const stage_ask *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        stage_answers(s,
                      &(stage_question){ .method = rows[i].method,
                                         .target = rows[i].target,
                                         .body = rows[i].body,
                                         .status = rows[i].status,
                                         .has = { rows[i].part } },
                      1);
}
