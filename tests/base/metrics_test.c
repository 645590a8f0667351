/* tests/base/metrics_test.c -- the text format to the letter, and updates from many threads. */
#include "base/daemon/metrics.h"
#include "tests/support/check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static void collect(void *ctx, pt_buf *out)
{
    pt_metrics_head(out, "c_total", "counter", "Collected.");
    pt_metrics_sample(out, "c_total", "a=\"1\"", *(double *)ctx);
    pt_metrics_sample(out, "c_total", NULL, INFINITY);
}

static void the_text_is_what_prometheus_reads(void)
{
    static const double bounds[] = { 0.1, 1, 10 };
    double value = 2.5;
    pt_metrics *m;
    pt_buf out;
    CHECK_OK_FATAL(pt_metrics_new(&m));
    pt_metric *a = pt_metrics_counter(m, "x_total", "type=\"NDATA\"", "Help \\ with\nnewline.");
    pt_metric *g = pt_metrics_gauge(m, "depth", NULL, "Depth.");
    pt_metric *b = pt_metrics_counter(m, "x_total", "type=\"NBIRTH\"", "Help.");
    pt_metric *h = pt_metrics_histogram(m, "seconds", "route=\"/\"", "Duration.", bounds, 3);
    CHECK_OK(pt_metrics_collect(m, collect, &value));
    CHECK(pt_metrics_counter(m, "x_total", "type=\"NDATA\"", "Help.") == a);
    pt_metric_add(a, 3);
    pt_metric_add(a, 4);
    pt_metric_add(b, UINT64_MAX);
    pt_metric_set(g, -1.5);
    pt_metric_observe(h, 0.1);
    pt_metric_observe(h, 0.5);
    pt_metric_observe(h, 100);
    CHECK_INT(pt_metric_count(a), 7);
    pt_buf_init(&out, 65536);
    pt_metrics_text(m, &out);
    static const char want[] = "# HELP x_total Help \\\\ with\\nnewline.\n# TYPE x_total counter\n"
                               "x_total{type=\"NDATA\"} 7\nx_total{type=\"NBIRTH\"} 18446744073709551615\n"
                               "# HELP depth Depth.\n# TYPE depth gauge\ndepth -1.5\n"
                               "# HELP seconds Duration.\n# TYPE seconds histogram\n"
                               "seconds_bucket{route=\"/\",le=\"0.1\"} 1\nseconds_bucket{route=\"/\",le=\"1\"} 2\n"
                               "seconds_bucket{route=\"/\",le=\"10\"} 2\nseconds_bucket{route=\"/\",le=\"+Inf\"} 3\n"
                               "seconds_sum{route=\"/\"} 100.6\nseconds_count{route=\"/\"} 3\n"
                               "# HELP c_total Collected.\n# TYPE c_total counter\nc_total{a=\"1\"} 2.5\nc_total +Inf\n";
    pt_slice text = pt_buf_view(&out);
    CHECK(text.len > sizeof want);
    CHECK_STR(((pt_slice){ text.ptr, sizeof want - 1 }), want);
    CHECK(memmem(text.ptr, text.len, "\nprocess_resident_memory_bytes ", 31) != NULL);
    CHECK(memmem(text.ptr, text.len, "\nprocess_cpu_seconds_total ", 27) != NULL);
    CHECK(memmem(text.ptr, text.len, "\nprocess_open_fds ", 18) != NULL);
    CHECK(memmem(text.ptr, text.len, "\nprocess_start_time_seconds 1", 29) != NULL);
    pt_buf_fini(&out);
    pt_metrics_free(m);
    pt_metrics_free(NULL);
}

static void labels_are_escaped(void)
{
    pt_buf out;
    pt_buf_init(&out, 4096);
    pt_metrics_label(&out, "a", PT_LIT("x\"y\\z\n"), true);
    pt_metrics_label(&out, "b", PT_LIT(""), false);
    CHECK_STR(pt_buf_view(&out), "a=\"x\\\"y\\\\z\\n\",b=\"\"");
    pt_buf_fini(&out);
}

static void a_name_cannot_change_its_kind(void)
{
    pt_metrics *m;
    pt_buf out;
    CHECK_OK_FATAL(pt_metrics_new(&m));
    pt_metric_add(pt_metrics_counter(m, "x", NULL, "X."), 1);
    pt_metric_set(pt_metrics_gauge(m, "x", NULL, "X."), 5); /* goes into the sink */
    pt_buf_init(&out, 65536);
    pt_metrics_text(m, &out);
    CHECK(memmem(out.ptr, out.len, "\nx 1\n", 5) != NULL);
    CHECK(memmem(out.ptr, out.len, "\nx 5\n", 5) == NULL);
    pt_metric_add(pt_metrics_counter(NULL, "x", NULL, "X."), 1); /* no registry: nothing to count */
    pt_buf_fini(&out);
    pt_metrics_free(m);
}

static pt_metrics *shared;
static void *update(void *arg)
{
    static const double bounds[] = { 1 };
    (void)arg;
    for (int i = 0; i < 5000; i++) {
        pt_metric_add(pt_metrics_counter(shared, "n_total", i % 2 ? "k=\"1\"" : "k=\"0\"", "N."), 1);
        pt_metric_observe(pt_metrics_histogram(shared, "h", NULL, "H.", bounds, 1), 0.5);
    }
    return NULL;
}

static void threads_lose_no_count(void)
{
    pthread_t t[4];
    pt_buf out;
    CHECK_OK_FATAL(pt_metrics_new(&shared));
    for (int i = 0; i < 4; i++)
        CHECK_FATAL(pthread_create(&t[i], NULL, update, NULL) == 0);
    pt_buf_init(&out, 1 << 20);
    pt_metrics_text(shared, &out); /* a scrape in between */
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    CHECK_INT(pt_metric_count(pt_metrics_counter(shared, "n_total", "k=\"1\"", "N.")), 10000);
    pt_buf_reset(&out);
    pt_metrics_text(shared, &out);
    CHECK(memmem(out.ptr, out.len, "h_sum 10000\nh_count 20000\n", 26) != NULL);
    pt_buf_fini(&out);
    pt_metrics_free(shared);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_text_is_what_prometheus_reads), PT_TEST(labels_are_escaped),
                                     PT_TEST(a_name_cannot_change_its_kind), PT_TEST(threads_lose_no_count) };
    return pt_test_main("base/metrics", tests, PT_COUNT_OF(tests), argc, argv);
}
