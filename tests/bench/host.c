/* tests/bench/host.c -- the complete host as a process, seen over its HTTP interface. */
#include "tests/bench/process.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <time.h>

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    return pt_buf_add(ctx, p, size * n) ? 0 : size * n;
}

pt_status bench_get(uint16_t port, const char *target, pt_buf *body, long *status, double *seconds, pt_error *err)
{
    char url[512];
    pt_buf_reset(body);
    CURL *c = curl_easy_init();
    if (!c) return pt_fail(err, PT_ENOMEM, "libcurl");
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, target);
    CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, url);
    if (!rc) rc = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    if (!rc) rc = curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    if (!rc) rc = curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 10000L);
    if (!rc) rc = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    double t = bench_now();
    if (!rc) rc = curl_easy_perform(c);
    if (seconds) *seconds = bench_now() - t;
    if (!rc) rc = curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(c);
    return rc ? pt_fail(err, PT_EIO, "%s: %s", url, curl_easy_strerror(rc)) : PT_OK;
}

static void nap_ms(long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&ts, NULL);
}

/* The last line of the host's log, for a message. */
static void last_words(const bench_host *h, char *out, size_t cap)
{
    char log[600], line[512];
    snprintf(log, sizeof log, "%s/host.log", h->dir);
    snprintf(out, cap, "it said nothing");
    FILE *f = fopen(log, "r");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, cap, "%.190s", line);
    }
    if (f) (void)fclose(f);
}

pt_status bench_host_prepare(const bench_run *run, const char *name, bench_host *h, pt_error *err)
{
    *h = (bench_host){ .http_port = bench_free_port() };
    pt_status st = bench_dir(run, name, h->dir, sizeof h->dir, err);
    if (!st) snprintf(h->data, sizeof h->data, "%s/data", h->dir);
    return st;
}

pt_status bench_host_start(const bench_run *run, uint16_t broker_port, const char *name, bench_host *h, pt_error *err)
{
    pt_status st = bench_host_prepare(run, name, h, err);
    return st ? st : bench_host_run(run, broker_port, h, err);
}

pt_status bench_host_run(const bench_run *run, uint16_t broker_port, bench_host *h, pt_error *err)
{
    char conf[600], log[600], program[600];
    pt_status st;
    snprintf(conf, sizeof conf, "%s/host.yaml", h->dir);
    snprintf(log, sizeof log, "%s/host.log", h->dir);
    snprintf(program, sizeof program, "%s/plantree-host", run->bin);
    FILE *f = fopen(conf, "w");
    if (!f) return pt_fail(err, pt_status_from_errno(errno), "%s: %s", conf, strerror(errno));
    fprintf(f,
            "version: 1\nhost: { id: bench, role: primary }\nmqtt: { servers: ['tcp://127.0.0.1:%u'] }\n"
            "data: { dir: '%s' }\nhttp: { listen: '127.0.0.1:%u' }\n",
            broker_port, h->data, h->http_port);
    if (fclose(f) != 0) return pt_fail(err, PT_EIO, "%s: %s", conf, strerror(errno));
    const char *argv[] = { program, "--config", conf, NULL };
    if ((st = bench_spawn(argv, log, &h->pid, err)) != PT_OK) return st;
    pt_buf body;
    pt_buf_init(&body, 1 << 20);
    for (double end = bench_now() + 10; bench_now() < end && bench_alive(h->pid); nap_ms(20)) {
        long code = 0;
        if (bench_get(h->http_port, "/readyz", &body, &code, NULL, NULL) == PT_OK && code == 200) {
            pt_buf_fini(&body);
            return PT_OK;
        }
    }
    pt_buf_fini(&body);
    char tail[200];
    last_words(h, tail, sizeof tail);
    bench_host_stop(run, h);
    return pt_fail(err, PT_ETIMEOUT, "plantree-host did not become ready: %s", tail);
}

void bench_host_stop(const bench_run *run, bench_host *h)
{
    bench_stop(&h->pid, 15);
    if (h->dir[0]) bench_remove(run, h->dir);
    h->dir[0] = '\0';
}

static uint64_t number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? (uint64_t)json_integer_value(v) : 0;
}

pt_status bench_host_nodes(const bench_host *h, bench_nodes *out, double *seconds, pt_error *err)
{
    pt_buf body;
    long code = 0;
    json_error_t why;
    pt_buf_init(&body, 256u << 20);
    *out = (bench_nodes){ .least_whole = UINT64_MAX };
    pt_status st = bench_get(h->http_port, "/api/v1/nodes", &body, &code, seconds, err);
    if (st && !bench_alive(h->pid)) {
        char tail[200];
        last_words(h, tail, sizeof tail);
        (void)pt_fail(err, st, "plantree-host has ended: %s", tail);
    }
    json_t *root = NULL;
    if (!st && code != 200) st = pt_fail(err, PT_EIO, "/api/v1/nodes: HTTP %ld", code);
    if (!st && !(root = json_loadb(body.ptr, body.len, 0, &why))) st = pt_fail(err, PT_EMALFORMED, "/api/v1/nodes: %s", why.text);
    const json_t *list = json_is_object(root) ? json_object_get(root, "nodes") : root;
    for (size_t i = 0; !st && i < json_array_size(list); i++) {
        const json_t *n = json_array_get(list, i), *s = json_object_get(n, "samples"), *m = json_object_get(n, "messages");
        const char *state = json_string_value(json_object_get(n, "state"));
        out->nodes++;
        out->online += state && strcmp(state, "online") == 0;
        out->metrics += number(n, "metrics");
        out->seq_gaps += number(n, "seq_gaps");
        out->duplicates += number(n, "duplicates");
        out->rebirths += number(json_object_get(n, "rebirths"), "requested");
        out->received += number(s, "received");
        out->stored += number(s, "stored");
        out->historical += number(s, "historical");
        out->duplicate += number(s, "duplicate");
        out->rejected += number(s, "rejected");
        out->messages += number(m, "received");
        out->missing += number(m, "missing");
        if (!number(n, "seq_gaps") && number(m, "received") < out->least_whole) out->least_whole = number(m, "received");
    }
    json_decref(root);
    pt_buf_fini(&body);
    return st;
}
