/* tests/bench/http_bench.c -- a trend's worth of buckets of one tag over HTTP: plantree-host against VictoriaMetrics on the same samples
 * (P9).
 *
 * Both hold the same 100 tags of the mixed set's sines; both are asked for minimum, maximum and average of 1,000 buckets of one tag, each
 * time another one, over a connection that is kept, answers whole. VictoriaMetrics' response cache is passed by (nocache=1); nothing of
 * ours caches answers. */
#include "tests/bench/generate.h"
#include "tests/bench/process.h"

#include <curl/curl.h>
#include <time.h>
#include <unistd.h>

enum { TAGS = 100, BUCKETS = 1000, ASKS = 40 };

typedef struct http_case {
    const bench_run *run;
    uint32_t samples; /* per tag */
    int64_t from_ms, to_ms, interval_ms;
    bench_broker broker;
    bench_host host;
    pid_t vm;
    uint16_t vm_port;
    uint32_t next_tag;
    pt_buf body;
    CURL *curl; /* kept, so that its connections are */
} http_case;

static uint32_t sine(uint32_t i) /* ids 1 and 4 of every six are sines */
{
    return i / 2 * 6 + (i % 2 ? 4 : 1);
}

/* Samples of every tag into a data directory, before the host opens it. */
static pt_status fill_ours(http_case *c, const char *dir, gen_mixed *g, pt_error *err)
{
    hist_options o;
    hist *h = NULL;
    pt_log_fd log;
    pt_log_fd_init(&log, 2, false, PT_LOG_ERROR, pt_clock_system());
    hist_options_init(&o);
    o.dir = dir;
    pt_status st = hist_open(&o, pt_clock_system(), &log.log, &h, err);
    for (uint32_t i = 0; !st && i < TAGS; i++) {
        char path[32];
        uint32_t id = 0;
        int n = snprintf(path, sizeof path, "bench/n/t%u", i);
        hist_tag_key key = {
            .source = PT_LIT("spb"), .group = PT_LIT("bench"), .edge = PT_LIT("n"), .metric = pt_slice_of(path + 8, (size_t)n - 8)
        };
        st = hist_tag_ensure(h, &key, pt_slice_of(path, (size_t)n), SPB_DOUBLE, PT_NONE, &id);
        for (uint32_t k = 0; !st && k < c->samples; k++) {
            hist_sample s;
            gen_mixed_next(g, sine(i), &s);
            s.tag_id = id;
            s.quality = SPB_GOOD; /* VictoriaMetrics has none */
            while ((st = hist_append(h, &s, 1)) == PT_EFULL && hist_flush(h, 60000, err) == PT_OK) {}
        }
    }
    if (!st) st = hist_flush(h, 60000, err);
    if (!st) st = hist_seal(h, err);
    if (h && hist_close(h, 60000, err) && !st) st = PT_EIO;
    return st;
}

static size_t ignore(char *p, size_t size, size_t n, void *ctx)
{
    (void)p, (void)ctx;
    return size * n;
}

static pt_status import_one(const http_case *c, const pt_buf *line, pt_error *err)
{
    char url[100];
    long code = 0;
    CURL *curl = curl_easy_init();
    if (!curl) return pt_fail(err, PT_ENOMEM, "libcurl");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/import", c->vm_port);
    CURLcode rc = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (!rc) rc = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)line->len);
    if (!rc) rc = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, line->ptr);
    if (!rc) rc = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    if (!rc) rc = curl_easy_perform(curl);
    if (!rc) rc = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    return rc || code / 100 != 2 ? pt_fail(err, PT_EIO, "VictoriaMetrics' import: %s, HTTP %ld", curl_easy_strerror(rc), code) : PT_OK;
}

static pt_status fill_vm(http_case *c, gen_mixed *g, pt_error *err)
{
    pt_buf line, times;
    pt_status st = PT_OK;
    pt_buf_init(&line, 256u << 20);
    pt_buf_init(&times, 256u << 20);
    for (uint32_t i = 0; !st && i < TAGS; i++) {
        char value[32];
        pt_buf_reset(&line);
        pt_buf_reset(&times);
        pt_buf_printf(&line, "{\"metric\":{\"__name__\":\"v\",\"tag\":\"t%u\"},\"values\":[", i);
        for (uint32_t k = 0; k < c->samples; k++) {
            hist_sample s;
            gen_mixed_next(g, sine(i), &s);
            if (k) pt_buf_char(&line, ',');
            pt_buf_add(&line, value, pt_f64_text(s.as.f64, value));
            pt_buf_printf(&times, "%s%lld", k ? "," : "", (long long)s.time_ms);
        }
        pt_buf_cstr(&line, "],\"timestamps\":[");
        pt_buf_slice(&line, pt_buf_view(&times));
        pt_buf_cstr(&line, "]}\n");
        st = pt_buf_status(&line) ? pt_fail(err, PT_ENOMEM, "import") : import_one(c, &line, err);
    }
    pt_buf_fini(&times);
    pt_buf_fini(&line);
    long code = 0;
    if (!st) st = bench_get(c->vm_port, "/internal/force_flush", &c->body, &code, NULL, err);
    return st;
}

static pt_status start_vm(http_case *c, pt_error *err)
{
    char dir[500], log[600], data[700], listen[64];
    pt_status st = bench_dir(c->run, "vm", dir, sizeof dir, err);
    if (st) return st;
    c->vm_port = bench_free_port();
    snprintf(log, sizeof log, "%s/log", dir);
    snprintf(data, sizeof data, "-storageDataPath=%s/data", dir);
    snprintf(listen, sizeof listen, "-httpListenAddr=127.0.0.1:%u", c->vm_port);
    const char *argv[] = { "victoria-metrics", data, listen, "-retentionPeriod=100y", "-loggerLevel=ERROR", NULL };
    if ((st = bench_spawn(argv, log, &c->vm, err)) != PT_OK) return st;
    struct timespec ms = { 0, 50000000 };
    for (double end = bench_now() + 10; bench_now() < end && bench_alive(c->vm); (void)nanosleep(&ms, NULL)) {
        long code = 0;
        if (bench_get(c->vm_port, "/health", &c->body, &code, NULL, NULL) == PT_OK && code == 200) return PT_OK;
    }
    return pt_fail(err, PT_ETIMEOUT, "victoria-metrics did not start");
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    return pt_buf_add(ctx, p, size * n) ? 0 : size * n;
}

static pt_status ask(http_case *c, uint16_t port, const char *target, double *seconds, pt_error *err)
{
    char url[600];
    long code = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, target);
    pt_buf_reset(&c->body);
    CURLcode rc = curl_easy_setopt(c->curl, CURLOPT_URL, url);
    if (!rc) rc = curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    if (!rc) rc = curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->body);
    double t = bench_now();
    if (!rc) rc = curl_easy_perform(c->curl);
    *seconds = bench_now() - t;
    if (!rc) rc = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    if (rc || code != 200 || c->body.len < BUCKETS * 10)
        return pt_fail(err, PT_EIO, "%s: %s, HTTP %ld, %zu bytes", target, curl_easy_strerror(rc), code, c->body.len);
    return PT_OK;
}

static double median_of_asks(http_case *c, uint16_t port, const char *format, pt_error *err, bool vm)
{
    bench_series took = { .n = 0 };
    for (unsigned i = 0; i < ASKS; i++) {
        char target[500];
        double seconds = 0;
        uint32_t tag = c->next_tag++ % TAGS;
        if (vm)
            snprintf(target, sizeof target, format, tag, (long long)c->interval_ms, (double)c->from_ms / 1e3,
                     (double)(c->to_ms - c->interval_ms) / 1e3, (double)c->interval_ms / 1e3);
        else snprintf(target, sizeof target, format, tag, (long long)c->from_ms, (long long)c->to_ms, (long long)c->interval_ms);
        if (ask(c, port, target, &seconds, err)) return -1;
        bench_add(&took, seconds * 1e3);
    }
    return bench_figure_of(&took).median;
}

static double ask_ours(void *ctx, pt_error *err)
{
    http_case *c = ctx;
    return median_of_asks(c, c->host.http_port, "/api/v1/aggregate?path=bench/n/t%u&from=%lld&to=%lld&interval=%lld&fn=min,max,avg", err,
                          false);
}

static double ask_vm(void *ctx, pt_error *err)
{
    http_case *c = ctx;
    return median_of_asks(
        c, c->vm_port,
        "/api/v1/query_range?query=rollup(v%%7Btag%%3D%%22t%u%%22%%7D%%5B%lldms%%5D)&start=%.3f&end=%.3f&step=%.3f&nocache=1", err, true);
}

static pt_status measure(http_case *c, pt_error *err)
{
    char input[200];
    gen_mixed a = { 0 }, b = { 0 };
    pt_status st = gen_mixed_init(&a, c->run->seed, TAGS * 3, c->from_ms, 1000);
    if (!st) st = gen_mixed_init(&b, c->run->seed, TAGS * 3, c->from_ms, 1000);
    if (st) (void)pt_fail(err, st, "the data could not be made");
    if (!st) st = start_vm(c, err);
    if (!st) st = fill_vm(c, &a, err);
    if (!st) st = bench_broker_start(c->run, &c->broker, err);
    if (!st) st = bench_host_prepare(c->run, "host", &c->host, err);
    if (!st) st = fill_ours(c, c->host.data, &b, err);
    if (!st) st = bench_host_run(c->run, c->broker.port, &c->host, err);
    snprintf(input, sizeof input,
             "minimum, maximum and average of %d buckets over %u samples of one of %d tags; median of %d requests each", BUCKETS,
             c->samples, TAGS, ASKS);
    bench_case k = { .name = "http-buckets",
                     .variant = "minmaxavg-1000",
                     .goal = "P9",
                     .input = input,
                     .unit = "ms",
                     .target = 0.5,
                     .at_most = true,
                     .ours = "GET /api/v1/aggregate of plantree-host",
                     .reference = "rollup() over /api/v1/query_range of VictoriaMetrics" };
    if (!st) st = bench_compare(c->run, &k, ask_ours, ask_vm, c, err);
    gen_mixed_fini(&a);
    gen_mixed_fini(&b);
    return st;
}

static pt_status run_http(bench_run *run, pt_error *err)
{
    http_case c = { .run = run, .samples = run->quick ? 10000 : 100000 };
    c.from_ms = ((int64_t)time(NULL) - (int64_t)c.samples - 3600) * 1000;
    c.to_ms = c.from_ms + (int64_t)c.samples * 1000;
    c.interval_ms = (c.to_ms - c.from_ms) / BUCKETS;
    pt_buf_init(&c.body, 64u << 20);
    c.curl = curl_easy_init();
    pt_status st = c.curl ? measure(&c, err) : pt_fail(err, PT_ENOMEM, "libcurl");
    curl_easy_cleanup(c.curl);
    bench_host_stop(run, &c.host);
    bench_broker_stop(&c.broker);
    bench_stop(&c.vm, 10);
    pt_buf_fini(&c.body);
    return st;
}

const bench_entry http_bench[] = {
    { "http-buckets", "buckets of one tag over HTTP against VictoriaMetrics (package victoria-metrics)", run_http }, { 0 }
};
