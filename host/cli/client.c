/* host/cli/client.c -- the host's HTTP interface through libcurl.
 *
 * What is always true: nothing but http and https is spoken, redirects are not followed (a token must not travel on), and the answer's
 * size is bounded. */
#include "host/cli/cli.h"
#include "base/daemon/percent.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_BODY = 1 << 30, MAX_TOKEN = 4096, MAX_EVENT = 64 << 20 };

int cli_node_target(cli *c, const char *node, const char *suffix, char **out)
{
    pt_slice text = pt_cstr(node);
    pt_buf target;
    size_t slash = pt_slice_find(text, '/');
    *out = NULL;
    if (slash == 0 || slash + 1 >= text.len || pt_slice_find(pt_slice_from(text, slash + 1), '/') + slash + 1 != text.len)
        return cli_usage(c, "'%s' is not GROUP/EDGE", node);
    pt_buf_init(&target, 1 << 18);
    pt_buf_cstr(&target, "/api/v1/nodes/");
    pt_percent_encode(&target, (pt_slice){ text.ptr, slash }, false);
    pt_buf_char(&target, '/');
    pt_percent_encode(&target, pt_slice_from(text, slash + 1), false);
    pt_buf_cstr(&target, suffix);
    *out = pt_buf_take(&target, NULL);
    return *out ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "out of memory");
}

void cli_query(pt_buf *target, const char *name, const char *value)
{
    if (!value) return;
    pt_buf_char(target, target->len && memchr(target->ptr, '?', target->len) ? '&' : '?');
    pt_buf_cstr(target, name);
    pt_buf_char(target, '=');
    pt_percent_encode(target, pt_cstr(value), false);
}

void cli_query_ms(pt_buf *target, const char *name, int64_t ms)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, ms);
    cli_query(target, name, text);
}

/* --- the token --- */

static int read_token(cli *c)
{
    const char *env = getenv("PLANTREE_TOKEN");
    char line[MAX_TOKEN];
    if (c->token) return CLI_GO_ON;
    if (c->token_file) {
        FILE *f = fopen(c->token_file, "re");
        if (!f) return cli_fail(c, PT_EXIT_USAGE, "the token file %s cannot be opened: %s", c->token_file, strerror(errno));
        bool ok = fgets(line, sizeof line, f) != NULL;
        fclose(f); /* opened for reading */
        if (!ok) return cli_fail(c, PT_EXIT_USAGE, "the token file %s is empty", c->token_file);
        line[strcspn(line, "\r\n")] = '\0';
        env = line;
    }
    if (!env || !*env) return CLI_GO_ON;
    for (const char *p = env; *p; p++) {
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return cli_fail(c, PT_EXIT_USAGE, "the token holds a character that no token has");
    }
    c->token = strdup(env);
    return c->token ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "out of memory");
}

/* --- one request --- */

static size_t collect(char *bytes, size_t size, size_t n, void *to)
{
    (void)size; /* always 1 */
    return pt_buf_add(to, bytes, n) ? 0 : n;
}

static CURL *handle(cli *c)
{
    if (c->curl) curl_easy_reset(c->curl);
    else c->curl = curl_easy_init();
    return c->curl;
}

static int unreachable(cli *c, CURLcode rc, const char *detail)
{
    return cli_fail(c, rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL ? PT_EXIT_USAGE : PT_EXIT_TIMEOUT, "%s: %s", c->url,
                    detail && *detail ? detail : curl_easy_strerror(rc));
}

static struct curl_slist *headers(cli *c, const char *json, const char *extra)
{
    char line[MAX_TOKEN + 64];
    struct curl_slist *list = curl_slist_append(NULL, "X-Requested-With: plantree"), *more;
    const char *const fixed[] = { json ? "Content-Type: application/json" : NULL, extra };
    for (size_t i = 0; i < PT_COUNT_OF(fixed); i++) {
        if (list && fixed[i] && (more = curl_slist_append(list, fixed[i]))) list = more;
    }
    if (list && c->token) {
        snprintf(line, sizeof line, "Authorization: Bearer %s", c->token);
        if ((more = curl_slist_append(list, line))) list = more;
    }
    return list;
}

static void common_settings(cli *c, CURL *h, const char *url, struct curl_slist *list, char *error)
{
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "plantree/" PLANTREE_VERSION);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)(c->timeout_ms < 5000 ? c->timeout_ms : 5000));
    if (!getenv("no_proxy") && !getenv("NO_PROXY")) curl_easy_setopt(h, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
}

/* The host's address and the target as one text on the heap; NULL when out of memory. */
static char *address(const cli *c, const char *target)
{
    pt_buf url;
    pt_slice base = pt_cstr(c->url);
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    pt_buf_init(&url, 1 << 20);
    pt_buf_slice(&url, base);
    pt_buf_cstr(&url, target);
    return pt_buf_take(&url, NULL);
}

int cli_request(cli *c, const char *method, const char *target, const char *json, const char *header, cli_answer *out)
{
    char error[CURL_ERROR_SIZE] = "";
    *out = (cli_answer){ 0 };
    pt_buf_init(&out->body, MAX_BODY);
    int code = read_token(c);
    if (code != CLI_GO_ON) return code;
    char *text = address(c, target);
    CURL *h = handle(c);
    struct curl_slist *list = headers(c, json, header);
    if (!h || !list || !text) {
        free(text);
        curl_slist_free_all(list);
        return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    common_settings(c, h, text, list, error);
    curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &out->body);
    if (json) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(json));
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, json);
    }
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
    CURLcode rc = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &out->status);
    curl_slist_free_all(list);
    free(text);
    if (pt_buf_status(&out->body)) return cli_fail(c, PT_EXIT_FAILED, "the answer is too large; ask for less");
    return rc == CURLE_OK ? CLI_GO_ON : unreachable(c, rc, error);
}

static int exit_code_of(long status)
{
    switch (status) {
    case 400: return PT_EXIT_USAGE;
    case 401:
    case 403:
    case 409:
    case 422:
    case 423: return PT_EXIT_REFUSED;
    case 408:
    case 504: return PT_EXIT_TIMEOUT;
    default: return PT_EXIT_FAILED;
    }
}

/* What the problem document says, or the bare status. */
int cli_judge(cli *c, cli_answer *a)
{
    if (a->status >= 200 && a->status < 300) return CLI_GO_ON;
    json_t *problem = json_loadb(a->body.len ? a->body.ptr : "", a->body.len, 0, NULL);
    const char *title = cli_str(problem, "title"), *detail = cli_str(problem, "detail");
    const json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
    const char *message = cli_str(first, "message");
    int code = exit_code_of(a->status);
    cli_fail(c, code, "the host says %ld %s%s%s%s%s", a->status, title ? title : "", detail ? ": " : "", detail ? detail : "",
             message ? "; " : "", message ? message : "");
    json_decref(problem);
    return code;
}

/* --- an answer of any length --- */

typedef struct download {
    CURL *h;
    bool (*put)(void *ctx, pt_slice piece);
    void *ctx;
    pt_buf problem;
    uint64_t damaged;
    bool stopped; /* by put */
} download;

static bool is_success(CURL *h, long *status)
{
    *status = 0;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, status);
    return *status >= 200 && *status < 300;
}

static size_t on_piece(char *bytes, size_t size, size_t n, void *to)
{
    download *d = to;
    long status;
    (void)size;
    if (!is_success(d->h, &status)) return pt_buf_add(&d->problem, bytes, n) ? 0 : n;
    d->stopped = !d->put(d->ctx, pt_slice_of(bytes, n));
    return d->stopped ? 0 : n;
}

/* Of the answer, or behind it. */
static size_t on_header(char *bytes, size_t size, size_t n, void *to)
{
    static const char name[] = "x-plantree-damaged:";
    download *d = to;
    pt_slice v = { bytes, n };
    (void)size;
    if (n > sizeof name && strncasecmp(bytes, name, sizeof name - 1) == 0) {
        v = pt_slice_from(v, sizeof name - 1);
        while (v.len && v.ptr[0] == ' ')
            v = pt_slice_from(v, 1);
        while (v.len && (v.ptr[v.len - 1] == '\r' || v.ptr[v.len - 1] == '\n'))
            v.len--;
        if (!pt_slice_to_u64(v, &d->damaged)) d->damaged = 1;
    }
    return n;
}

static int downloaded(cli *c, download *d, CURLcode rc, const char *error)
{
    cli_answer refusal = { .body = d->problem };
    bool ok = is_success(d->h, &refusal.status);
    if (d->stopped) return CLI_GO_ON; /* whoever stopped it knows why */
    if (refusal.status && !ok) return cli_judge(c, &refusal);
    if (rc == CURLE_OK) return CLI_GO_ON;
    if (ok)
        return cli_fail(c, PT_EXIT_FAILED, "%s broke the answer off; its log says why (%s)", c->url,
                        error[0] ? error : curl_easy_strerror(rc));
    return unreachable(c, rc, error);
}

int cli_download(cli *c, const char *target, const char *json, bool (*put)(void *ctx, pt_slice piece), void *ctx, uint64_t *damaged)
{
    char error[CURL_ERROR_SIZE] = "";
    download d = { .put = put, .ctx = ctx };
    int code = read_token(c);
    if (code != CLI_GO_ON) return code;
    char *text = address(c, target);
    d.h = handle(c);
    struct curl_slist *list = headers(c, json, NULL);
    pt_buf_init(&d.problem, 1 << 20);
    if (d.h && list && text) {
        common_settings(c, d.h, text, list, error);
        curl_easy_setopt(d.h, CURLOPT_ACCEPT_ENCODING, "");
        curl_easy_setopt(d.h, CURLOPT_WRITEFUNCTION, on_piece);
        curl_easy_setopt(d.h, CURLOPT_WRITEDATA, &d);
        curl_easy_setopt(d.h, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(d.h, CURLOPT_HEADERDATA, &d);
        curl_easy_setopt(d.h, CURLOPT_LOW_SPEED_LIMIT, 1L); /* however long it takes, something must come */
        curl_easy_setopt(d.h, CURLOPT_LOW_SPEED_TIME, (long)(c->timeout_ms / 1000 + 1));
        if (json) curl_easy_setopt(d.h, CURLOPT_POSTFIELDS, json);
        code = downloaded(c, &d, curl_easy_perform(d.h), error);
    } else {
        code = cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    *damaged = d.damaged;
    pt_buf_fini(&d.problem);
    curl_slist_free_all(list);
    free(text);
    return code;
}

int cli_get(cli *c, const char *target, cli_answer *out)
{
    int rc = cli_request(c, "GET", target, NULL, NULL, out);
    return rc == CLI_GO_ON ? cli_judge(c, out) : rc;
}

int cli_post(cli *c, const char *target, const char *json, const char *header, cli_answer *out)
{
    int rc = cli_request(c, "POST", target, json, header, out);
    return rc == CLI_GO_ON ? cli_judge(c, out) : rc;
}

int cli_answer_json(cli *c, cli_answer *a)
{
    json_error_t err;
    const char *text = a->body.len ? a->body.ptr : "";
    a->json = json_loadb(text, a->body.len, JSON_ALLOW_NUL, &err);
    if (!a->json) /* numbers above 2^63 - 1 are too big for jansson; as doubles they still can be shown */
        a->json = json_loadb(text, a->body.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &err);
    return a->json ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "%s did not answer with JSON: %s", c->url, err.text);
}

void cli_release(cli_answer *a)
{
    pt_buf_fini(&a->body);
    json_decref(a->json);
    a->json = NULL;
}

void cli_client_close(cli *c)
{
    curl_easy_cleanup(c->curl);
    c->curl = NULL;
    free(c->token);
    free(c->hosts_dir);
    c->token = NULL;
}

/* --- server-sent events --- */

typedef struct sse {
    CURL *h;
    cli_event_fn *each;
    void *ctx;
    pt_buf line, data, event, problem;
    bool ended;
} sse;

/* One line of the stream, without its end; an empty one completes an event. */
static bool take_line(sse *s, pt_slice line)
{
    if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
    if (line.len == 0) {
        bool go_on = true;
        if (s->data.len) {
            s->data.len--; /* the last newline is no part of it */
            go_on = s->each(s->ctx, pt_buf_view(&s->event), pt_buf_view(&s->data));
        }
        pt_buf_reset(&s->data);
        pt_buf_reset(&s->event);
        return go_on;
    }
    size_t colon = pt_slice_find(line, ':');
    pt_slice name = { line.ptr, colon }, value = colon < line.len ? pt_slice_from(line, colon + 1) : PT_LIT("");
    if (value.len && value.ptr[0] == ' ') value = pt_slice_from(value, 1);
    if (pt_slice_eq(name, PT_LIT("data"))) {
        pt_buf_slice(&s->data, value);
        pt_buf_char(&s->data, '\n');
    } else if (pt_slice_eq(name, PT_LIT("event"))) {
        pt_buf_reset(&s->event);
        pt_buf_slice(&s->event, value);
    }
    return pt_buf_status(&s->data) == PT_OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *to)
{
    sse *s = to;
    long status = 0;
    (void)size;
    curl_easy_getinfo(s->h, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return pt_buf_add(&s->problem, bytes, n) ? 0 : n;
    for (size_t i = 0; i < n;) {
        pt_slice rest = { bytes + i, n - i };
        size_t end = pt_slice_find(rest, '\n');
        if (pt_buf_add(&s->line, rest.ptr, end)) return 0;
        i += end;
        if (end == rest.len) break;
        i++;
        bool go_on = take_line(s, pt_buf_view(&s->line));
        pt_buf_reset(&s->line);
        if (!go_on) {
            s->ended = true;
            return 0;
        }
    }
    return n;
}

int cli_stream(cli *c, const char *target, int64_t limit_ms, cli_event_fn *each, void *ctx)
{
    char error[CURL_ERROR_SIZE] = "";
    sse s = { .each = each, .ctx = ctx };
    int code = read_token(c);
    if (code != CLI_GO_ON) return code;
    char *text = address(c, target);
    s.h = handle(c);
    struct curl_slist *list = headers(c, NULL, "Accept: text/event-stream");
    if (!s.h || !list || !text) {
        free(text);
        curl_slist_free_all(list);
        return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    }
    pt_buf_init(&s.line, MAX_EVENT);
    pt_buf_init(&s.data, MAX_EVENT);
    pt_buf_init(&s.event, 256);
    pt_buf_init(&s.problem, 1 << 20);
    common_settings(c, s.h, text, list, error);
    curl_easy_setopt(s.h, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(s.h, CURLOPT_WRITEDATA, &s);
    curl_easy_setopt(s.h, CURLOPT_LOW_SPEED_LIMIT, 1L); /* heartbeats come every 15 s */
    curl_easy_setopt(s.h, CURLOPT_LOW_SPEED_TIME, 60L);
    if (limit_ms > 0) curl_easy_setopt(s.h, CURLOPT_TIMEOUT_MS, (long)limit_ms);
    int64_t begun_ms = pt_mono_ms(pt_clock_system());
    CURLcode rc = curl_easy_perform(s.h);
    cli_answer refusal = { .body = s.problem };
    curl_easy_getinfo(s.h, CURLINFO_RESPONSE_CODE, &refusal.status);
    /* Once it streams, only the limit and the missing heartbeats end it so. libcurl's timer has its own grain: it may fire a little early
     * by our clock. */
    const int64_t grain_ms = 20;
    if (rc == CURLE_OPERATION_TIMEDOUT && refusal.status == 200 && limit_ms > 0 &&
        pt_mono_ms(pt_clock_system()) - begun_ms >= limit_ms - grain_ms)
        s.ended = true;
    if (s.ended) code = CLI_GO_ON;
    else if (refusal.status && refusal.status != 200) code = cli_judge(c, &refusal);
    else if (rc == CURLE_OK || rc == CURLE_PARTIAL_FILE) code = cli_fail(c, PT_EXIT_TIMEOUT, "%s ended the stream", c->url);
    else code = unreachable(c, rc, error);
    if (code == CLI_GO_ON && !s.ended) code = PT_EXIT_FAILED; /* 2xx, but not 200 */
    pt_buf_fini(&s.line);
    pt_buf_fini(&s.data);
    pt_buf_fini(&s.event);
    pt_buf_fini(&s.problem);
    curl_slist_free_all(list);
    free(text);
    return code;
}

int cli_need_data(cli *c)
{
    if (c->data_dir) return CLI_GO_ON;
    cli_answer a;
    int rc = cli_get(c, "/api/v1/status", &a);
    if (rc != CLI_GO_ON) (void)cli_fail(c, rc, "without a host, name its files with --data DIR");
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
    const char *dir = rc == CLI_GO_ON ? cli_str(a.json, "data_dir") : NULL;
    if (rc == CLI_GO_ON && !dir) rc = cli_fail(c, PT_EXIT_USAGE, "%s does not tell its data directory; give it with --data DIR", c->url);
    if (rc == CLI_GO_ON && dir && access(dir, R_OK | X_OK))
        rc = cli_fail(c, PT_EXIT_USAGE, "the host's data directory %s cannot be read here (%s); give a copy with --data DIR", dir,
                      strerror(errno));
    if (rc == CLI_GO_ON && dir && !(c->hosts_dir = strdup(dir))) rc = cli_fail(c, PT_EXIT_FAILED, "out of memory");
    cli_release(&a);
    c->data_dir = c->hosts_dir;
    return rc;
}
