/* tests/host/app_test.c -- the host put together: what it opens, reloads and closes. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <unistd.h>

static stage st;

static void a_reload_takes_over_writes_and_rules_and_names_the_rest(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "birth", "NBIRTH g/n | ts=1000 seq=0 bd=1 a:10=d1@1000\nvalue g/n/a = 1 GOOD");
    host_config fresh;
    pt_config *cfg = NULL;
    pt_buf faults, text;
    pt_buf_init(&faults, 65536);
    pt_buf_init(&text, 65536);
    pt_buf_printf(
        &text,
        "host: { id: stage, role: primary }\nmqtt: { servers: ['%s'] }\nsparkplug: { hold_off: 0ms }\nwrites: { enabled: false }\ndata: { dir: '%s' }\nhttp: { listen: '127.0.0.1:0' }\n"
        "rules:\n  - { id: r, from: { spb: { group: '{g}' } }, to: 'plant/{edge}/{metric...}' }\n",
        pt_broker_url(st.broker), st.dir);
    pt_status loaded =
        pt_config_load_text("fresh", pt_buf_view(&text), host_config_table, &fresh, sizeof fresh, host_config_check, NULL, &cfg, &faults);
    pt_check_at(loaded == PT_OK, true, __FILE__, __LINE__, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    st.stop = true; /* one thread owns the app: the ticking one rests meanwhile */
    pthread_join(st.ticker, NULL);
    st.ticking = false;
    int stream = client_send_get(st.app.http_port, "/api/v1/stream");
    CHECK(client_read_until(stream, "event: hello"));
    host_app_reload(&st.app, &fresh);
    CHECK(client_read_until(stream, "\"type\":\"config-reload\""));
    close(stream);
    const stage_ask rows[] = {
        { "POST", "/api/v1/writes", "{\"path\":\"plant/n/a\",\"value\":2}", 403, "switched off" },
        { "GET", "/api/v1/audit", NULL, 200,
          "\"principal\":\"system\",\"auth_kind\":\"none\",\"address\":\"\",\"action\":\"config-reload\"" },
    };
    stage_asks(&st, rows, PT_COUNT_OF(rows));
    stage_play(&st, "moved", "value plant/n/a = 1 GOOD\nabsent g/n/a");
    CHECK_OK(hist_flush(st.app.history, 5000, NULL));
    const stage_ask event = { "GET", "/api/v1/events?type=config-reload", NULL, 200, "\"type\":\"config-reload\"" };
    stage_asks(&st, &event, 1);
    stage_close(&st); /* before the maps it used are freed */
    uns_map_free(fresh.map);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
    pt_buf_fini(&text);
}

/* ---- what a reload leaves for the next start ---- */

typedef struct setting {
    const char *section, *key, *value;
    const char *told; /* the name in the log; NULL: taken over */
} setting;

static const char *const sections[] = { "host", "mqtt", "data", "http", "ingest", "sparkplug", "writes", "uns" };
static setting running[] = {
    /* of the stage */
    { "host", "id", "stage", NULL },
    { "host", "role", "primary", NULL },
    { "mqtt", "servers", NULL, NULL },
    { "mqtt", "version", "5", NULL },
    { "mqtt", "reconnect_min", "50ms", NULL },
    { "mqtt", "reconnect_max", "200ms", NULL },
    { "data", "dir", NULL, NULL },
    { "data", "commit_interval", "20ms", NULL },
    { "data", "synchronous", "'off'", NULL },
    { "http", "listen", "'127.0.0.1:0'", NULL },
};
static const setting changed[] = {
    { "host", "id", "other", "host.id" },
    { "host", "role", "active", "host.role" },
    { "host", "state", "never", "host.state" },
    { "mqtt", "servers", "['tcp://127.0.0.1:1']", "mqtt.servers" },
    { "mqtt", "version", "3.1.1", "mqtt.version" },
    { "mqtt", "embedded_broker", "true", "mqtt.embedded_broker" },
    { "mqtt", "keep_alive", "20s", "mqtt.keep_alive" },
    { "mqtt", "reconnect_min", "60ms", "mqtt.reconnect_min" },
    { "mqtt", "reconnect_max", "300ms", "mqtt.reconnect_max" },
    { "mqtt", "client_id", "me", "mqtt.client_id" },
    { "mqtt", "user", "me", "mqtt.user" },
    { "mqtt", "password", "secret", "mqtt.password" },
    { "mqtt", "tls", "{ ca: /ca.pem, insecure: true }", "mqtt.tls.ca, mqtt.tls.insecure" },
    { "data", "dir", "/elsewhere", "data.dir" },
    { "data", "commit_interval", "1s", "data.commit_interval" },
    { "data", "synchronous", "full", "data.synchronous" },
    { "data", "buffer", "1GiB", "data.buffer" },
    { "data", "pending_memory", "64MiB", "data.pending_memory" },
    { "data", "retention", "{ age: 1d }", "data.retention.age" },
    { "data", "change_log", "{ bytes: 1MiB }", "data.change_log.bytes" },
    { "data", "deviation", "[ { tags: a, exc_dev: 1 } ]", "data.deviation" },
    { "http", "listen", "'127.0.0.1:8081'", "http.listen" },
    { "ingest", "shards", "3", "ingest.shards" },
    { "ingest", "queue", "128MiB", "ingest.queue" },
    { "ingest", "queue_wait", "1s", "ingest.queue_wait" },
    { "ingest", "full_wait", "1s", "ingest.full_wait" },
    { "sparkplug", "hold_off", "2s", "sparkplug.hold_off" },
    { "sparkplug", "legacy_state", "true", "sparkplug.legacy_state" },
    { "sparkplug", "conformance", "false", "sparkplug.conformance" },
    { "sparkplug", "reorder_timeout", "3s", NULL },
    { "sparkplug", "cmd_datatype", "false", NULL },
    { "sparkplug", "rebirth", "{ per_node: 1s }", NULL },
    { "sparkplug", "limits", "{ devices: 5 }", NULL },
    { "writes", "confirm_timeout", "7s", NULL },
    { "uns", "empty", "underscore", NULL },
    { "host", "state", "auto", NULL }, /* as it is */
};

static void on_log(void *ctx, pt_log_level level, const char *id, const char *text)
{
    if (level == PT_LOG_WARN) pt_buf_printf(ctx, "%s %s", id, text);
}

/* The stage's settings with `c` in place of what it names. */
static void settings_with(const setting *c, pt_buf *out)
{
    for (size_t i = 0; i < PT_COUNT_OF(sections); i++) {
        const char *comma = "";
        pt_buf_printf(out, "%s: {", sections[i]);
        for (size_t k = 0; k < PT_COUNT_OF(running); k++) {
            if (strcmp(running[k].section, sections[i]) != 0 ||
                (strcmp(c->section, sections[i]) == 0 && strcmp(c->key, running[k].key) == 0))
                continue;
            pt_buf_printf(out, "%s %s: %s", comma, running[k].key, running[k].value);
            comma = ",";
        }
        if (strcmp(c->section, sections[i]) == 0) pt_buf_printf(out, "%s %s: %s", comma, c->key, c->value);
        pt_buf_cstr(out, " }\n");
    }
}

static void a_reload_names_every_setting_that_waits_for_the_next_start(void)
{
    static host_config fresh[PT_COUNT_OF(changed)];
    static pt_config *cfg[PT_COUNT_OF(changed)];
    pt_buf said, text, faults;
    char servers[200];
    pt_buf_init(&said, 65536);
    pt_buf_init(&text, 65536);
    pt_buf_init(&faults, 65536);
    stage_open(&st, "host: { id: stage, role: primary }\n", NULL);
    snprintf(servers, sizeof servers, "['%s']", pt_broker_url(st.broker));
    running[2].value = servers;
    running[6].value = st.dir;
    CHECK_OK_FATAL(host_app_open(&st.app, &st.config, pt_clock_system(), &st.log.log, NULL));
    st.up = true;
    CHECK_OK_FATAL(host_app_start(&st.app, NULL));
    const pt_log log = { .level = PT_LOG_WARN, .write = on_log, .ctx = &said };
    const pt_log *before = st.app.log;
    st.app.log = &log;
    for (size_t i = 0; i < PT_COUNT_OF(changed); i++) {
        pt_buf_reset(&text);
        pt_buf_reset(&said);
        settings_with(&changed[i], &text);
        pt_status loaded = pt_config_load_text("fresh", pt_buf_view(&text), host_config_table, &fresh[i], sizeof fresh[i],
                                               host_config_check, NULL, &cfg[i], &faults);
        pt_check_at(loaded == PT_OK, true, __FILE__, __LINE__, "%.*s in %.*s", PT_SLICE_ARGS(pt_buf_view(&faults)),
                    PT_SLICE_ARGS(pt_buf_view(&text)));
        host_app_reload(&st.app, &fresh[i]);
        pt_buf want;
        pt_buf_init(&want, 1000);
        if (changed[i].told)
            pt_buf_printf(&want, "HOST-RELOAD these settings have changed and are taken at the next start only: %s", changed[i].told);
        pt_check_at(pt_slice_eq(pt_buf_view(&said), pt_buf_view(&want)), false, changed[i].key, 0, "%.*s",
                    PT_SLICE_ARGS(pt_buf_view(&said)));
        if (strcmp(changed[i].key, "confirm_timeout") == 0)
            CHECK_INT(host_writes_confirm_ms(st.app.writes), 7000); /* which is also how long a request waits */
        pt_buf_fini(&want);
    }
    st.app.log = before;
    stage_close(&st);
    for (size_t i = 0; i < PT_COUNT_OF(changed); i++) {
        uns_map_free(fresh[i].map);
        pt_config_free(cfg[i]);
    }
    pt_buf_fini(&said);
    pt_buf_fini(&text);
    pt_buf_fini(&faults);
}

static void what_cannot_be_opened_is_said_and_leaves_nothing_behind(void)
{
    pt_error err = { 0, "" };
    stage_open(&st, NULL, NULL);
    st.config.mqtt.password = "env:PLANTREE_NO_SUCH_VARIABLE";
    static host_app app;
    CHECK(host_app_open(&app, &st.config, pt_clock_system(), &st.log.log, &err) != PT_OK);
    CHECK(strstr(err.text, "PLANTREE_NO_SUCH_VARIABLE") != NULL);
    st.config.mqtt.password = NULL;
    st.config.data.dir = "/proc/plantree"; /* nobody may make a directory there */
    err.text[0] = '\0';
    CHECK(host_app_open(&app, &st.config, pt_clock_system(), &st.log.log, &err) != PT_OK);
    CHECK(err.text[0] != '\0');
    st.config.data.dir = st.dir;
    CHECK_OK_FATAL(host_app_open(&app, &st.config, pt_clock_system(), &st.log.log, &err)); /* nothing holds the directory */
    CHECK_OK(host_app_stop(&app, &err));                                                   /* never started */
    stage_close(&st);
}

static void what_was_known_before_a_restart_is_there_at_once_as_stale(void)
{
    pt_error err = { 0, "" };
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "birth",
        "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1.5@1000;engUnit:12=sbar s:12=stext@1000 Node_Control/Rebirth:11=b0@1000\nhistory g/$/s = [\"text\"]");
    stage_halt(&st);
    pt_broker_halt(st.broker); /* nobody tells us anything now */
    CHECK_OK_FATAL(host_app_open(&st.app, &st.config, pt_clock_system(), &st.log.log, &err));
    st.up = true;
    CHECK_OK_FATAL(host_app_start(&st.app, &err));
    static const stage_question rows[] = {
        { "GET",
          "/api/v1/values?paths=g/e1/a",
          NULL,
          200,
          { "\"value\":1.5,\"type\":\"Double\",\"unit\":\"bar\",\"quality\":\"STALE\",\"timestamp_ms\":1000" },
          NULL },
        { "GET", "/api/v1/values?paths=g/e1/s", NULL, 200, { "\"value\":\"text\"", "\"quality\":\"STALE\"" }, NULL },
        { "GET", "/api/v1/history?path=g/e1/a&from=0&to=2000", NULL, 200, { "\"v\":[1.5]" }, NULL },
        { "GET", "/api/v1/tree?path=g/e1&hidden=1", NULL, 200, { "_sparkplug" }, NULL },
        { "GET", "/api/v1/status", NULL, 200, { "\"live\":0" }, NULL },
    };
    stage_answers(&st, rows, PT_COUNT_OF(rows));
    json_t *t = stage_json(&st, "/api/v1/tree?path=g/e1");
    CHECK_INT(json_array_size(t), 2); /* plumbing is hidden as before */
    json_decref(t);
    stage_close(&st);
}

static void state_goes_on_behind_the_timestamp_of_the_run_before(void)
{
    host_session_stats ss;
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    int64_t ahead = pt_wall_ms(pt_clock_system()) + 3600000;
    host_sessions_state_used(st.app.saved, pt_broker_url(st.broker), ahead); /* as if the clock had been ahead */
    host_session_stats_get(st.app.sessions[0], &ss);
    CHECK(ss.t < ahead);
    stage_halt(&st);
    pt_broker_halt(st.broker); /* which forgets what it kept */
    pt_broker_restart(st.broker);
    stage_start(&st);
    host_session_stats_get(st.app.sessions[0], &ss);
    CHECK(ss.t > ahead);
    stage_close(&st);
}

static size_t events(const char *target)
{
    json_t *e = stage_json(&st, target);
    size_t n = json_array_size(e);
    json_decref(e);
    return n;
}

static void our_own_coming_and_going_are_events(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    CHECK_WITHIN(5000, events("/api/v1/events?type=host-online") == 1);
    json_t *e = stage_json(&st, "/api/v1/events?type=host-online");
    const json_t *detail = json_object_get(json_array_get(e, 0), "detail");
    CHECK_STR(pt_cstr(stage_keys(detail)), "host server text");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(detail, "host"))), "stage");
    json_decref(e);
    pt_broker_halt(st.broker);
    CHECK_WITHIN(10000, events("/api/v1/events?type=host-offline") == 1);
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_reload_takes_over_writes_and_rules_and_names_the_rest),
        PT_TEST(a_reload_names_every_setting_that_waits_for_the_next_start),
        PT_TEST(what_cannot_be_opened_is_said_and_leaves_nothing_behind),
        PT_TEST(what_was_known_before_a_restart_is_there_at_once_as_stale),
        PT_TEST(state_goes_on_behind_the_timestamp_of_the_run_before),
        PT_TEST(our_own_coming_and_going_are_events),
    };
    return pt_test_main("host/app", tests, PT_COUNT_OF(tests), argc, argv);
}
