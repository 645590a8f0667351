/* tests/host/app_test.c -- the host put together: what it opens, reloads and closes. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"


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
    pt_buf_printf(&text, "host: { id: stage, role: primary }\nmqtt: { servers: ['%s'] }\nsparkplug: { hold_off: 0ms }\nwrites: { enabled: false }\ndata: { dir: '%s' }\nhttp: { listen: '127.0.0.1:0' }\n"
                         "rules:\n  - { id: r, from: { spb: { group: '{g}' } }, to: 'plant/{edge}/{metric...}' }\n",
                  pt_broker_url(st.broker), st.dir);
    pt_status loaded = pt_config_load_text("fresh", pt_buf_view(&text), host_config_table, &fresh, sizeof fresh, host_config_check, NULL, &cfg, &faults);
    pt_check_at(loaded == PT_OK, true, __FILE__, __LINE__, "%.*s", PT_SLICE_ARGS(pt_buf_view(&faults)));
    st.stop = true; /* one thread owns the app: the ticking one rests meanwhile */
    pthread_join(st.ticker, NULL);
    st.ticking = false;
    host_app_reload(&st.app, &fresh);
    const stage_ask rows[] = {
        { "POST", "/api/v1/writes", "{\"path\":\"plant/n/a\",\"value\":2}", 403, "switched off" },
        { "GET", "/api/v1/audit", NULL, 200, "\"principal\":\"system\",\"auth_kind\":\"none\",\"address\":\"\",\"action\":\"config-reload\"" },
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
    CHECK_OK(host_app_stop(&app, &err)); /* never started */
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_reload_takes_over_writes_and_rules_and_names_the_rest),
        PT_TEST(what_cannot_be_opened_is_said_and_leaves_nothing_behind),
    };
    return pt_test_main("host/app", tests, PT_COUNT_OF(tests), argc, argv);
}
