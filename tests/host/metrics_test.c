/* host/http/metrics.c: what a scrape shows, in the text format that Prometheus reads. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static stage st;

static answer scrape(void)
{
    return client_ask(st.app.http_port, (ask){ .method = "GET", .target = "/metrics" });
}

/* The value of the sample with exactly this name and labels; NaN-free: -1 when it is not there. */
static double sample(const char *name)
{
    answer a = scrape();
    pt_slice rest = pt_buf_view(&a.body), line;
    size_t n = strlen(name);
    double v = -1;
    while (rest.len && pt_slice_split(&rest, '\n', &line))
        if (line.len > n && memcmp(line.ptr, name, n) == 0 && line.ptr[n] == ' ') v = strtod(line.ptr + n + 1, NULL);
    client_release(&a);
    return v;
}

static bool is(const char *name, double want)
{
    double v = sample(name);
    return !(v < want) && !(v > want);
}

static void what_happened_is_counted_under_its_name(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(
        &st, "plant",
        "NBIRTH g/$ | ts=1000 seq=0 bd=7 t:10=d1@1000 u:5=i300@1000\nNDATA g/$ | ts=1001 seq=1 t=d2@1001 x=d1@1001\nNDATA g/$ | hex=12ff\nraw spBv1.0/g/XDATA/e | x\nNDEATH g/$ | bd=7\n"
        "node state = \"offline\"\nhistory g/$/t = [1,2]\npost /api/v1/writes {\"path\":\"no\",\"value\":1} = 404\nNDATA g/stranger | ts=1000 seq=9 t=d1@1000");
    static const struct {
        const char *name;
        double want;
    } rows[] = {
        { "plantree_mqtt_messages_received_total{type=\"NBIRTH\"}", 1 },
        { "plantree_mqtt_messages_received_total{type=\"NDATA\"}", 3 },
        { "plantree_mqtt_messages_received_total{type=\"NDEATH\"}", 1 },
        { "plantree_spb_messages_rejected_total{reason=\"malformed\"}", 1 },
        { "plantree_spb_messages_rejected_total{reason=\"not-born\"}", 1 },
        { "plantree_spb_samples_rejected_total{reason=\"unknown-metric\"}", 1 },
        { "plantree_spb_values_masked_total", 1 },
        { "plantree_spb_decode_errors_total{reason=\"malformed\"}", 1 },
        { "plantree_spb_decode_errors_total{reason=\"too-big\"}", 0 },
        { "plantree_spb_rebirth_requests_total{reason=\"unknown-metric\"}", 1 },
        { "plantree_spb_rebirth_requests_total{reason=\"unknown-node\"}", 1 },
        { "plantree_spb_nodes{state=\"online\"}", 0 },
        { "plantree_spb_nodes{state=\"offline\"}", 2 },
        { "plantree_mqtt_connected{server=\"0\"}", 1 },
        { "plantree_mqtt_connects_total{server=\"0\"}", 1 },
        { "plantree_spb_commands_total{server=\"0\"}", 2 },
        { "plantree_historian_samples_written_total", 5 }, /* three and two STALE marks */
        { "plantree_historian_failing", 0 },
        { "plantree_historian_dropped_total", 0 },
        { "plantree_uns_tags{state=\"stale\"}", 3 },
        { "plantree_writes_total{outcome=\"refused\"}", 1 },
        { "plantree_writes_open", 0 },
        { "plantree_sse_clients", 0 },
        { "plantree_node_online{node=\"g/e1\"}", 0 },
        { "plantree_build_info{version=\"" PLANTREE_VERSION "\"}", 1 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        bool ok = PT_WITHIN(5000, is(rows[i].name, rows[i].want));
        pt_check_at(ok, false, rows[i].name, 0, "%g, not %g", sample(rows[i].name), rows[i].want);
    }
    stage_publish(&st, "spBv1.0/a\"b/NBIRTH/c", "ts=1000 seq=0 bd=1"); /* labels are escaped */
    CHECK_WITHIN(5000, is("plantree_node_online{node=\"a\\\"b/c\"}", 1));
    pt_broker_halt(st.broker);
    CHECK_WITHIN(10000, is("plantree_mqtt_connected{server=\"0\"}", 0));
    CHECK_WITHIN(5000, is("plantree_mqtt_connections_lost_total{server=\"0\"}", 1));
    stage_close(&st);
}

/* HELP and TYPE before the samples of a family, each family once, counters named _total, no sample twice. */
static void the_text_keeps_the_rules_of_its_format(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    answer a = scrape();
    CHECK(client_header(&a, "Content-Type: text/plain; version=0.0.4"));
    pt_slice rest = pt_buf_view(&a.body), line;
    pt_map families, samples;
    char family[200] = "", type[20] = "";
    bool fresh;
    uint64_t ignored;
    pt_map_init(&families, PT_MAP_COPY_KEYS);
    pt_map_init(&samples, PT_MAP_COPY_KEYS);
    CHECK(rest.len > 1000 && rest.ptr[rest.len - 1] == '\n');
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        char row[400];
        snprintf(row, sizeof row, "%.*s", PT_SLICE_ARGS(line));
        if (line.len == 0) continue;
        if (strncmp(row, "# HELP ", 7) == 0) {
            CHECK_ROW(row, sscanf(row, "# HELP %199s", family) == 1);
            fresh = !pt_map_get(&families, pt_cstr(family), &ignored);
            CHECK_ROW(row, fresh);
            CHECK_OK(pt_map_put(&families, pt_cstr(family), 1, NULL));
            CHECK_ROW(row, strlen(row) > 8 + strlen(family)); /* it helps */
        } else if (strncmp(row, "# TYPE ", 7) == 0) {
            char name[200];
            CHECK_ROW(row, sscanf(row, "# TYPE %199s %19s", name, type) == 2 && strcmp(name, family) == 0);
            size_t n = strlen(name);
            bool total = n > 6 && strcmp(name + n - 6, "_total") == 0;
            CHECK_ROW(row, total == (strcmp(type, "counter") == 0));
            CHECK_ROW(row, strncmp(name, "plantree_", 9) == 0 || strncmp(name, "process_", 8) == 0);
        } else {
            size_t name = strcspn(row, "{ "), key = strcspn(row, " ");
            const char *brace = strchr(row, '}');
            if (brace) key = (size_t)(brace - row) + 1;
            CHECK_ROW(row, strncmp(row, family, strlen(family)) == 0 && (name == strlen(family) || strcmp(type, "histogram") == 0));
            fresh = !pt_map_get(&samples, pt_slice_of(row, key), &ignored);
            CHECK_ROW(row, fresh);
            CHECK_OK(pt_map_put(&samples, pt_slice_of(row, key), 1, NULL));
            char *end;
            (void)strtod(row + key, &end);
            CHECK_ROW(row, end != row + key && *end == '\0');
        }
    }
    pt_map_fini(&families);
    pt_map_fini(&samples);
    client_release(&a);
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(what_happened_is_counted_under_its_name), PT_TEST(the_text_keeps_the_rules_of_its_format) };
    return pt_test_main("host/metrics", tests, PT_COUNT_OF(tests), argc, argv);
}
