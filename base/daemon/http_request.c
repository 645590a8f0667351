/* base/daemon/http_request.c -- from a request line to a route with decoded parameters, or to a refusal.
 *
 * What is always true: a request whose texts are not valid percent-encoded UTF-8 without NUL, whose Host is foreign on a loopback
 * server, or which another site's page sent with an unsafe method, never reaches a handler. */
#include "base/daemon/http_internal.h"
#include "base/daemon/percent.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { ARENA_LIMIT = 512 << 10 };

pt_http_request *http__request_new(pt_http_server *s, const char *target)
{
    pt_http_request *rq = calloc(1, sizeof *rq);
    if (!rq) return NULL;
    rq->server = s;
    pt_arena_init(&rq->arena, ARENA_LIMIT);
    pt_buf_init(&rq->body, s->max_body);
    rq->target = pt_arena_dup(&rq->arena, pt_cstr(target));
    rq->begun_us = pt_mono_us(s->clock);
    return rq;
}

void http__request_free(pt_http_request *rq)
{
    if (!rq) return;
    if (rq->response) MHD_destroy_response(rq->response);
    pt_buf_fini(&rq->stream.piece);
    pt_buf_fini(&rq->body);
    pt_arena_fini(&rq->arena);
    free(rq);
}

/* Decoded into the arena; ptr NULL when it is not valid. */
static pt_slice decode(pt_http_request *rq, pt_slice raw, bool plus)
{
    char *room = pt_arena_alloc(&rq->arena, raw.len + 1);
    size_t n;
    if (!room || !pt_percent_decode(raw, plus, room, &n)) return PT_NONE;
    room[n] = '\0';
    pt_slice out = { room, n };
    return memchr(room, '\0', n) || !pt_utf8_valid(out) ? PT_NONE : out;
}

static bool parse_query(pt_http_request *rq, pt_slice raw)
{
    pt_slice piece, rest = raw.len ? raw : PT_NONE;
    while (pt_slice_split(&rest, '&', &piece)) {
        if (!piece.len) continue;
        size_t at = pt_slice_find(piece, '=');
        if (rq->n_query == HTTP_MAX_QUERY) {
            pt_http_problem(rq, 400, "bad-request", "more than %d query parameters", HTTP_MAX_QUERY);
            return false;
        }
        http_pair *q = &rq->query[rq->n_query++];
        q->name = decode(rq, (pt_slice){ piece.ptr, at }, true);
        q->value = at < piece.len ? decode(rq, pt_slice_from(piece, at + 1), true) : PT_LIT("");
        if (!q->name.ptr || !q->value.ptr) {
            pt_http_problem(rq, 400, "bad-request", "the query holds a text that is not percent-encoded UTF-8");
            return false;
        }
    }
    return true;
}

static bool parse_target(pt_http_request *rq)
{
    pt_slice t = rq->target;
    if (!t.ptr) {
        pt_http_problem(rq, 414, "too-large", "the address is too long");
        return false;
    }
    size_t scheme = pt_slice_starts(t, PT_LIT("http://")) ? 7 : pt_slice_starts(t, PT_LIT("https://")) ? 8 : 0;
    if (scheme) { /* absolute form, as proxies send it */
        t = pt_slice_from(t, scheme);
        t = pt_slice_from(t, pt_slice_find(t, '/'));
    }
    size_t mark = pt_slice_find(t, '?');
    rq->raw_path = (pt_slice){ t.ptr, mark };
    rq->path = decode(rq, rq->raw_path, false);
    if (!rq->path.ptr || rq->path.len == 0 || rq->path.ptr[0] != '/') {
        rq->path = PT_LIT("");
        pt_http_problem(rq, 400, "bad-request", "the path is not percent-encoded UTF-8 starting with '/'");
        return false;
    }
    return mark == t.len || parse_query(rq, pt_slice_from(t, mark + 1));
}

/* --- routes --- */

static bool match(pt_http_request *rq, const pt_http_route *r)
{
    pt_slice pattern = pt_cstr(r->path), path = rq->raw_path, want, have;
    rq->n_params = 0;
    while (pattern.ptr) {
        if (!path.ptr) return false;
        pt_slice before = path;
        pt_slice_split(&pattern, '/', &want);
        pt_slice_split(&path, '/', &have);
        bool is_param = want.len > 2 && want.ptr[0] == '{' && want.ptr[want.len - 1] == '}';
        if (!is_param) {
            if (!pt_slice_eq(want, have)) return false;
            continue;
        }
        bool is_rest = want.len > 5 && memcmp(want.ptr + want.len - 4, "...}", 4) == 0;
        if (rq->n_params == HTTP_MAX_PARAMS || (!is_rest && have.len == 0)) return false;
        http_pair *p = &rq->params[rq->n_params++];
        p->name = (pt_slice){ want.ptr + 1, want.len - (is_rest ? 5 : 2) };
        p->value = decode(rq, is_rest ? before : have, false);
        if (!p->value.ptr) return false;
        if (is_rest) return true;
    }
    return !path.ptr;
}

static bool same_method(const pt_http_request *rq, const char *route, const char *method)
{
    return strcmp(route, rq->head ? "GET" : method) == 0;
}

static bool find_route(pt_http_request *rq, const char *method)
{
    char allow[64] = "";
    size_t used = 0;
    for (size_t i = 0; i < rq->server->n_routes; i++) {
        const pt_http_route *r = &rq->server->routes[i];
        if (!match(rq, r)) continue;
        if (same_method(rq, r->method, method)) {
            rq->route = r;
            return true;
        }
        if (strstr(allow, r->method)) continue;
        bool get = strcmp(r->method, "GET") == 0;
        int n = snprintf(allow + used, sizeof allow - used, "%s%s%s", used ? ", " : "", r->method, get ? ", HEAD" : "");
        if (n > 0 && used + (size_t)n < sizeof allow) used += (size_t)n;
    }
    rq->n_params = 0;
    if (used) {
        pt_http_set_header(rq, "Allow", allow);
        pt_http_problem(rq, 405, "bad-request", "%s is not possible here; allowed: %s", method, allow);
    } else {
        pt_http_problem(rq, 404, "not-found", "there is nothing at %.*s", (int)(rq->path.len > 120 ? 120 : rq->path.len), rq->path.ptr);
    }
    return false;
}

/* Does the route know this name, and may it come again? "path*" in its list may. */
static bool knows(const char *const *allowed, pt_slice name, bool *again)
{
    for (; *allowed; allowed++) {
        pt_slice one = pt_cstr(*allowed);
        *again = one.len && one.ptr[one.len - 1] == '*';
        if (*again) one.len--;
        if (pt_slice_eq(name, one)) return true;
    }
    return false;
}

static bool check_query_names(pt_http_request *rq)
{
    const char *const *allowed = rq->route->query;
    for (size_t i = 0; allowed && i < rq->n_query; i++) {
        pt_slice name = rq->query[i].name;
        bool again = false, twice = false;
        const char *what = knows(allowed, name, &again) ? NULL : "unknown query parameter";
        for (size_t k = 0; k < i && !again; k++)
            twice = twice || pt_slice_eq(rq->query[k].name, name);
        if (!what && twice) what = "given twice: query parameter";
        if (!what) continue;
        pt_http_problem(rq, 400, "bad-request", "%s '%.*s'", what, (int)(name.len > 60 ? 60 : name.len), name.ptr);
        return false;
    }
    return true;
}

/* --- protection --- */

/* "name:80", "[::1]:80" and "name" without the port. */
static pt_slice without_port(pt_slice host)
{
    if (host.len && host.ptr[0] == '[') {
        size_t end = pt_slice_find(host, ']');
        return end < host.len ? (pt_slice){ host.ptr, end + 1 } : host;
    }
    return (pt_slice){ host.ptr, pt_slice_find(host, ':') };
}

static bool same_name(pt_slice a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

static bool is_local_name(const pt_http_server *s, pt_slice host)
{
    char text[48];
    struct in_addr four;
    for (size_t i = 0; s->hosts && s->hosts[i]; i++) {
        if (same_name(host, s->hosts[i])) return true;
    }
    if (same_name(host, "localhost") || same_name(host, "[::1]")) return true;
    if (host.len == 0 || host.len >= sizeof text) return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &four) == 1 && (ntohl(four.s_addr) >> 24) == 127;
}

static bool check_host(pt_http_request *rq)
{
    pt_slice host = pt_http_header(rq, "Host");
    if (!rq->server->check_host || !host.ptr || is_local_name(rq->server, without_port(host))) return true;
    pt_http_problem(rq, 403, "forbidden", "this server listens on the local machine only and is not called '%.*s'",
                    (int)(host.len > 100 ? 100 : host.len), host.ptr);
    return false;
}

/* A page of another site can make a browser send simple POSTs here; browsers say so in these headers, programs send none. */
static bool check_origin(pt_http_request *rq, const char *method)
{
    if (strcmp(method, "GET") == 0 || rq->head || strcmp(method, "OPTIONS") == 0) return true;
    pt_slice site = pt_http_header(rq, "Sec-Fetch-Site"), origin = pt_http_header(rq, "Origin"), host = pt_http_header(rq, "Host");
    bool ok = !site.ptr || pt_slice_eq(site, PT_LIT("same-origin")) || pt_slice_eq(site, PT_LIT("none"));
    if (ok && origin.ptr && !site.ptr) {
        size_t at = pt_slice_find(origin, ':'); /* "http://host:port" */
        pt_slice name = origin.len >= at + 3 ? pt_slice_from(origin, at + 3) : PT_NONE;
        ok = host.len && name.len == host.len && strncasecmp(name.ptr, host.ptr, host.len) == 0;
    }
    if (!ok) pt_http_problem(rq, 403, "forbidden", "a page of another site may not change anything here");
    return ok;
}

static bool check_length(pt_http_request *rq)
{
    pt_slice length = pt_http_header(rq, "Content-Length");
    uint64_t n = 0;
    if (!length.ptr || !pt_slice_to_u64(length, &n) || n <= rq->server->max_body) return true;
    pt_http_problem(rq, 413, "too-large", "the body may be %zu bytes at most", rq->server->max_body);
    rq->body_too_big = true;
    return false;
}

static void peer_text(pt_http_request *rq)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    socklen_t len = 0;
    if (info && info->client_addr)
        len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (!len || getnameinfo(info->client_addr, len, rq->peer, sizeof rq->peer, NULL, 0, NI_NUMERICHOST))
        memcpy(rq->peer, "unknown", sizeof "unknown");
}

void http__request_begin(pt_http_request *rq, const char *method)
{
    peer_text(rq);
    rq->head = strcmp(method, "HEAD") == 0;
    bool ok = parse_target(rq) && check_host(rq) && find_route(rq, method) && check_origin(rq, method) && check_query_names(rq) &&
              check_length(rq);
    rq->discard_body = !ok;
}

bool http__is_vital(const pt_http_request *rq)
{
    for (const char *const *v = rq->server->vital_routes; rq->route && v && *v; v++) {
        if (strcmp(rq->route->path, *v) == 0) return true;
    }
    return false;
}

/* --- what handlers read --- */

static pt_slice lookup(const http_pair *pairs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (pt_slice_eq_cstr(pairs[i].name, name)) return pairs[i].value;
    }
    return PT_NONE;
}

pt_slice pt_http_param(const pt_http_request *rq, const char *name)
{
    return lookup(rq->params, rq->n_params, name);
}
pt_slice pt_http_query(const pt_http_request *rq, const char *name)
{
    return lookup(rq->query, rq->n_query, name);
}
pt_slice pt_http_query_at(const pt_http_request *rq, const char *name, size_t index)
{
    for (size_t i = 0; i < rq->n_query; i++) {
        if (pt_slice_eq_cstr(rq->query[i].name, name) && index-- == 0) return rq->query[i].value;
    }
    return PT_NONE;
}
pt_slice pt_http_header(const pt_http_request *rq, const char *name)
{
    return pt_cstr(MHD_lookup_connection_value(rq->conn, MHD_HEADER_KIND, name));
}
pt_slice pt_http_body(const pt_http_request *rq)
{
    return pt_buf_view(&rq->body);
}
pt_slice pt_http_path(const pt_http_request *rq)
{
    return rq->path;
}
const char *pt_http_peer(const pt_http_request *rq)
{
    return rq->peer;
}
