/* host/http/api.c -- the routes, health, the UI's files, and the helpers of the other api_*.c. Documented in docs/http-api.md. */
#include "host/http/api.h"

#include "base/timestamp.h"
#include "host/web/assets.h"
#include "host/web/serve.h"

void api__begin(pt_http_request *rq)
{
    pt_http_set_header(rq, "Content-Security-Policy", host_web_csp());
    pt_http_set_header(rq, "Referrer-Policy", "no-referrer");
    pt_http_set_header(rq, "Cross-Origin-Opener-Policy", "same-origin");
}

const query_scope *api__scope(const pt_http_request *rq)
{
    (void)rq;
    return &query_everything; /* every caller that reaches the port has the whole plant */
}

bool api__unsafe_allowed(pt_http_request *rq)
{
    pt_slice site = pt_http_header(rq, "Sec-Fetch-Site"), origin = pt_http_header(rq, "Origin"), host = pt_http_header(rq, "Host");
    bool cross = site.ptr && !pt_slice_eq_cstr(site, "same-origin") && !pt_slice_eq_cstr(site, "none");
    if (!site.ptr && origin.ptr) { /* an old browser: the origin must be ours */
        pt_slice rest = origin;
        if (pt_slice_starts(rest, PT_LIT("http://"))) rest = pt_slice_from(rest, 7);
        else if (pt_slice_starts(rest, PT_LIT("https://"))) rest = pt_slice_from(rest, 8);
        cross = !pt_slice_eq(rest, host);
    }
    if (cross) pt_http_problem(rq, 403, "forbidden", "a page of another site may not do this");
    return !cross;
}

bool api__time(const host_parts *host, pt_http_request *rq, const char *name, int64_t *out)
{
    pt_slice s = pt_http_query(rq, name);
    pt_error err = { 0, "" };
    if (!s.ptr || s.len == 0) return true;
    if (pt_time_parse(s, pt_wall_ms(host->clock), out, &err) == PT_OK) return true;
    pt_http_problem(rq, 400, "bad-request", "%s: %s", name, err.text);
    return false;
}

bool api__number(pt_http_request *rq, const char *name, uint64_t max, uint64_t *out)
{
    pt_slice s = pt_http_query(rq, name);
    uint64_t v;
    if (!s.ptr) return true;
    if (pt_slice_to_u64(s, &v) && v <= max) {
        *out = v;
        return true;
    }
    pt_http_problem(rq, 400, "bad-request", "%s must be a whole number up to %llu", name, (unsigned long long)max);
    return false;
}

bool api__flag(pt_http_request *rq, const char *name, bool *out)
{
    pt_slice s = pt_http_query(rq, name);
    if (!s.ptr) return true;
    if (pt_slice_eq_cstr(s, "1") || pt_slice_eq_cstr(s, "true")) *out = true;
    else if (pt_slice_eq_cstr(s, "0") || pt_slice_eq_cstr(s, "false")) *out = false;
    else {
        pt_http_problem(rq, 400, "bad-request", "%s must be 0 or 1", name);
        return false;
    }
    return true;
}

bool api__int64_string(pt_http_request *rq, bool *out)
{
    pt_slice s = pt_http_query(rq, "int64");
    *out = pt_slice_eq_cstr(s, "string");
    if (!s.ptr || *out || pt_slice_eq_cstr(s, "number")) return true;
    pt_http_problem(rq, 400, "bad-request", "int64 must be string or number");
    return false;
}

/* ---- health ---------------------------------------------------------------------------------------- */

static void healthz(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    api__begin(rq);
    int64_t age = pt_mono_ms(host->clock) - *host->turned_mono;
    if (age > 5000) pt_http_problem(rq, 503, "internal", "the main loop has not turned for %lld ms", (long long)age);
    else pt_http_reply(rq, 200, "text/plain; charset=utf-8", PT_LIT("ok\n"));
}

static bool check(pt_json *j, const char *name, bool ok, const char *detail)
{
    pt_json_object(j);
    pt_json_member_cstr(j, "name", name);
    pt_json_member_bool(j, "ok", ok);
    if (!ok) pt_json_member_cstr(j, "detail", detail);
    pt_json_end_object(j);
    return ok;
}

static void readyz(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    hist_stats h;
    pt_buf checks, out;
    pt_json j;
    api__begin(rq);
    hist_stats_get(host->history, &h);
    bool connected = false, conflict = false;
    for (uint32_t i = 0; i < host->n_sessions; i++) {
        host_session_stats s;
        host_session_stats_get(host->sessions[i], &s);
        connected = connected || s.phase == HOST_BORN || s.phase == HOST_ONLINE;
        conflict = conflict || s.conflict;
    }
    pt_buf_init(&checks, 16384);
    pt_json_init(&j, &checks);
    pt_json_array(&j);
    bool ok = check(&j, "historian", h.error == PT_OK, "commits fail at present");
    ok = check(&j, "broker", connected, "no MQTT server is connected") && ok;
    check(&j, "host-id", !conflict, "another host application uses our id");
    pt_json_end_array(&j);
    pt_buf_init(&out, 32768);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    if (!ok) {
        pt_json_member_cstr(&j, "type", "urn:plantree:problem:not-ready");
        pt_json_member_cstr(&j, "title", "Not ready");
        pt_json_member_u64(&j, "status", 503);
        pt_json_member_cstr(&j, "detail", connected ? "history cannot be written at present" : "no MQTT server is connected");
    } else {
        pt_json_member_bool(&j, "ready", true);
    }
    pt_json_key(&j, "checks");
    pt_json_raw(&j, pt_buf_view(&checks));
    pt_json_end_object(&j);
    if (ok) pt_http_reply_json(rq, 200, &out);
    else pt_http_reply(rq, 503, "application/problem+json", pt_buf_view(&out));
    pt_buf_fini(&checks);
    pt_buf_fini(&out);
}

static void metrics(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_buf out;
    api__begin(rq);
    pt_buf_init(&out, 16u << 20);
    pt_metrics_text(host->metrics, &out);
    if (pt_buf_status(&out) == PT_OK) pt_http_reply(rq, 200, "text/plain; version=0.0.4; charset=utf-8", pt_buf_view(&out));
    else pt_http_problem(rq, 500, "internal", "the metrics do not fit");
    pt_buf_fini(&out);
}

static void version(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_buf_init(&out, 4096);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "name", "plantree-host");
    pt_json_member_cstr(&j, "version", PLANTREE_VERSION);
    pt_json_member_cstr(&j, "host_id", host->host_id);
    pt_json_member_i64(&j, "started_ms", host->started_ms);
    pt_json_end_object(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}

/* ---- routes ------------------------------------------------------------------------------------------- */

#define QUERY(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define HISTORY    QUERY("path*", "tag_id", "from", "to", "max_points", "reduce", "int64", "format")
#define DURATIONS  QUERY("path*", "tag_id", "from", "to", "int64", "format")
#define AGGREGATE  QUERY("path*", "tag_id", "from", "to", "interval", "tz", "fn", "max_points", "int64", "format")
static const char *const none[] = { NULL };

const pt_http_route host__routes[] = {
    { "GET", "/", host_web_serve, none },
    { "GET", "/ui/{rest...}", host_web_serve, none },
    { "GET", "/healthz", healthz, none },
    { "GET", "/readyz", readyz, none },
    { "GET", "/metrics", metrics, none },
    { "GET", "/api/v1/version", version, none },
    { "GET", "/api/v1/status", api__status, none },
    { "GET", "/api/v1/nodes", api__nodes, none },
    { "GET", "/api/v1/nodes/{group}/{edge}", api__node, none },
    { "POST", "/api/v1/nodes/{group}/{edge}/rebirth", api__rebirth, none },
    { "GET", "/api/v1/nodes/{group}/{edge}/conformance", api__node_conformance, none },
    { "GET", "/api/v1/conformance", api__conformance, none },
    { "GET", "/api/v1/tree", api__tree, QUERY("path", "depth", "hidden", "at", "format", "int64") },
    { "GET", "/api/v1/values", api__values, QUERY("paths", "int64", "format") },
    { "POST", "/api/v1/values", api__values_post, QUERY("int64", "format") },
    { "GET", "/api/v1/tags", api__tags, QUERY("paths", "owners_of", "format", "int64") },
    { "GET", "/api/v1/tags/by-path/{path...}", api__tag_by_path, none },
    { "POST", "/api/v1/tags/{tag_id}/retire", api__tag_retire, none },
    { "GET", "/api/v1/tags/{tag_id}", api__tag, none },
    { "GET", "/api/v1/history", api__history, HISTORY },
    { "POST", "/api/v1/history", api__history, HISTORY },
    { "GET", "/api/v1/durations", api__durations, DURATIONS },
    { "POST", "/api/v1/durations", api__durations, DURATIONS },
    { "GET", "/api/v1/aggregate", api__aggregate, AGGREGATE },
    { "POST", "/api/v1/aggregate", api__aggregate, AGGREGATE },
    { "GET", "/api/v1/events", api__events, QUERY("from", "to", "type", "node", "path", "limit", "after", "order", "format", "int64") },
    { "GET", "/api/v1/log", api__log, QUERY("after", "limit", "select", "int64") },
    { "GET", "/api/v1/stream", api__stream, QUERY("select", "events", "tree", "rate", "snapshot", "int64") },
    { "PUT", "/api/v1/streams/{sid}", api__stream_select, none },
    { "POST", "/api/v1/writes", api__write, QUERY("wait") },
    { "GET", "/api/v1/writes/{id}", api__write_get, none },
    { "GET", "/api/v1/audit", api__audit, QUERY("after", "limit") },
    { "GET", "/api/v1/audit/verify", api__audit_verify, none },
};
const size_t host__n_routes = PT_COUNT_OF(host__routes);
const char *const host__vital_routes[] = { "/healthz", "/metrics", NULL };
