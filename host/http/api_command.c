/* host/http/api_command.c -- the live stream and writes. */
#include "host/http/api.h"

#include "base/timestamp.h"
#include <jansson.h>
#include <stdlib.h>

void api__stream(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    host_live_query q = { .events = true, .snapshot = true, .rate = 4 };
    uint64_t rate = 4;
    api__begin(rq);
    if (!api__flag(rq, "events", &q.events) || !api__flag(rq, "tree", &q.tree) || !api__flag(rq, "snapshot", &q.snapshot) ||
        !api__number(rq, "rate", 20, &rate) || !api__int64_string(rq, &q.int64_string))
        return;
    q.rate = rate ? (uint32_t)rate : 1;
    q.select = pt_http_query(rq, "select");
    q.last_event_id = pt_http_header(rq, "Last-Event-ID");
    host_live_serve(host->live, rq, &q);
}

void api__stream_select(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    api__begin(rq);
    if (!api__unsafe_allowed(rq)) return;
    pt_slice body = pt_http_body(rq);
    json_error_t why;
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, 0, &why);
    const json_t *list = json_object_get(root, "select");
    size_t n = json_array_size(list);
    pt_slice *globs = json_is_array(list) && n <= 1000 ? calloc(n ? n : 1, sizeof *globs) : NULL;
    bool ok = globs != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const json_t *g = json_array_get(list, i);
        ok = json_is_string(g);
        if (ok) globs[i] = pt_slice_of(json_string_value(g), json_string_length(g));
    }
    if (!ok) pt_http_problem(rq, 400, "bad-request", "the body must be {\"select\":[globs]} with at most 1000 globs");
    else if (host_live_select(host->live, pt_http_param(rq, "sid"), globs, n) == PT_OK)
        pt_http_reply(rq, 200, "application/json", PT_LIT("{}"));
    else pt_http_problem(rq, 404, "not-found", "there is no such stream");
    free(globs);
    json_decref(root);
}

/* ---- writes -------------------------------------------------------------------------------------------- */

static void write_body(pt_json *j, const host_write_result *r)
{
    pt_json_object(j);
    pt_json_member_u64(j, "id", r->id);
    pt_json_member_cstr(j, "state", host_write_state_name(r->state));
    pt_json_member_u64(j, "tag_id", r->tag_id);
    pt_json_key(j, "reported");
    if (r->seen[0]) pt_json_raw(j, pt_cstr(r->seen));
    else pt_json_null(j);
    pt_json_member_bool(j, "unchanged", r->unchanged);
    pt_json_member_cstr(j, "detail", r->text[0] ? r->text : NULL);
    pt_json_member_i64(j, "sent_ms", r->sent_ms);
    if (r->done_ms) pt_json_member_i64(j, "done_ms", r->done_ms);
    else pt_json_member_null(j, "done_ms");
    pt_json_end_object(j);
}

/* What a refusal is in HTTP. */
static const struct {
    int status;
    const char *slug;
} refusals[] = {
    [HOST_WRITE_ACCEPTED] = { 500, "internal" },   [HOST_WRITE_FORBIDDEN] = { 403, "write-rejected" },
    [HOST_WRITE_NO_TAG] = { 404, "not-found" },    [HOST_WRITE_OFFLINE] = { 409, "source-offline" },
    [HOST_WRITE_INVALID] = { 422, "validation" },  [HOST_WRITE_CONFLICT] = { 409, "conflict" },
    [HOST_WRITE_NOT_READY] = { 503, "not-ready" }, [HOST_WRITE_BUSY] = { 503, "too-busy" },
};

static void reply_write(pt_http_request *rq, const host_write_result *r)
{
    if (r->state == HOST_WRITE_REFUSED) {
        if (r->refusal == HOST_WRITE_BUSY) pt_http_set_header(rq, "Retry-After", "1");
        pt_http_problem(rq, refusals[r->refusal].status, refusals[r->refusal].slug, "%s", r->text);
        return;
    }
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 16384);
    pt_json_init(&j, &out);
    write_body(&j, r);
    pt_http_reply_json(rq, r->state == HOST_WRITE_SENT ? 202 : 200, &out);
    pt_buf_fini(&out);
}

/* A request that waits for the outcome of its write, without a thread. */
typedef struct write_wait {
    host_writes *writes;
    pt_http_later *later;
    uint64_t id;
} write_wait;

static void on_outcome(void *ctx, const host_write_result *r)
{
    const write_wait *wait = ctx;
    pt_http_request *rq = pt_http_later_take(wait->later); /* which may free `wait` */
    if (rq) reply_write(rq, r);
}

/* Not waiting any longer: the write goes on, and can be asked for by its id. */
static void on_wait_ended(void *ctx, pt_http_request *rq, pt_http_end why)
{
    const write_wait *wait = ctx;
    host_write_result r;
    (void)why;
    if (host_writes_get(wait->writes, wait->id, &r) == PT_OK) reply_write(rq, &r);
    else pt_http_problem(rq, 503, "not-ready", "the write is still being recorded; its outcome will be in the audit");
}

/* The time to wait begins when the command is on its way; recording it may take the disk its time. */
static void start_write(host_writes *writes, pt_http_request *rq, const host_write_request *w, int64_t wait_ms)
{
    static const pt_http_later_ops ops = { on_wait_ended, free };
    host_write_result r;
    pt_status st = host_writes_start(writes, w, NULL, NULL, &r, NULL);
    write_wait *wait = st == PT_OK && r.state == HOST_WRITE_SENT && wait_ms > 0 ? calloc(1, sizeof *wait) : NULL;
    if (wait) {
        wait->writes = writes;
        wait->id = r.id;
        wait->later = pt_http_later_begin(rq, wait_ms + 200, &ops, wait);
        if (!wait->later) { /* answered: the server stops, for as many may wait as there are connections */
            free(wait);
            return;
        }
        st = host_writes_watch(writes, r.id, on_outcome, wait, &r);
        if (st == PT_OK && r.state == HOST_WRITE_SENT) return;
        if (!(rq = pt_http_later_take(wait->later))) return;
    }
    if (st == PT_OK) reply_write(rq, &r);
    else pt_http_problem(rq, 500, "internal", "out of memory");
}

/* JSON scalar to its canonical text and, for strings, its characters. */
static bool scalar(const json_t *v, char **json, pt_slice *text, bool *is_string)
{
    if (!v || json_is_object(v) || json_is_array(v)) return false;
    *json = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (!*json) return false;
    *is_string = json_is_string(v);
    *text = *is_string ? pt_slice_of(json_string_value(v), json_string_length(v)) : pt_cstr(*json);
    return true;
}

/* Behind the value that begins at `at`. The text has been read as JSON before: only its end is looked for. */
static size_t value_end(pt_slice json, size_t at)
{
    for (unsigned depth = 0; at < json.len; at++) {
        char c = json.ptr[at];
        if (c == '"') {
            for (at++; at < json.len && json.ptr[at] != '"'; at++)
                if (json.ptr[at] == '\\') at++;
            if (depth == 0) return at + 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            if (--depth == 0) return at + 1;
        } else if (depth == 0 && strchr(", \t\r\n", c)) {
            return at;
        }
    }
    return json.len;
}

/* A member as it stands in the object's text: jansson has no 64-bit unsigned integers and lengthens fractions. Absent: not in it. */
static pt_slice member(pt_slice object, const char *key)
{
    size_t at = pt_slice_find(object, '{') + 1;
    while (at < object.len) {
        while (at < object.len && strchr(", \t\r\n", object.ptr[at]))
            at++;
        if (at >= object.len || object.ptr[at] != '"') break;
        size_t end = value_end(object, at);
        pt_slice name = pt_slice_of(object.ptr + at + 1, end - at - 2);
        for (at = end; at < object.len && strchr(": \t\r\n", object.ptr[at]);)
            at++;
        end = value_end(object, at);
        if (pt_slice_eq_cstr(name, key)) return pt_slice_of(object.ptr + at, end - at);
        at = end;
    }
    return PT_NONE;
}

void api__write(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    api__begin(rq);
    if (!api__unsafe_allowed(rq)) return;
    int64_t wait_ms = host_writes_confirm_ms(host->writes);
    pt_slice wait = pt_http_query(rq, "wait");
    pt_error err = { 0, "" };
    if (wait.ptr && pt_duration_parse(wait, &wait_ms, &err) != PT_OK) {
        pt_http_problem(rq, 400, "bad-request", "wait: %s", err.text);
        return;
    }
    if (wait_ms > 60000) wait_ms = 60000;
    pt_slice body = pt_http_body(rq);
    json_error_t why;
    json_t *root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
    const json_t *path = json_object_get(root, "path"), *reason = json_object_get(root, "reason"), *mode = json_object_get(root, "mode"),
                 *expected = json_object_get(root, "expected");
    host_write_request w = { .who = pt_cstr(pt_http_peer(rq)), .reason = PT_LIT("") };
    char *value = NULL, *want = NULL;
    pt_slice ignored;
    bool ignored_string;
    if (!root) {
        pt_http_problem(rq, 400, "bad-request", "the body is not JSON: %s", why.text);
    } else if (!json_is_string(path)) {
        pt_http_problem(rq, 400, "validation", "path is missing");
    } else if (!scalar(json_object_get(root, "value"), &value, &w.value_text, &w.value_is_string)) {
        pt_http_problem(rq, 400, "validation", "value must be a number, a string, true or false");
    } else if (mode && !pt_slice_eq_cstr(pt_cstr(json_string_value(mode)), "execute")) {
        pt_http_problem(rq, 400, "validation", "mode: only execute is available");
    } else if (expected && !scalar(json_object_get(expected, "value"), &want, &ignored, &ignored_string)) {
        pt_http_problem(rq, 400, "validation", "expected must be {\"value\":scalar}");
    } else {
        w.path = pt_slice_of(json_string_value(path), json_string_length(path));
        if (json_is_string(reason)) w.reason = pt_slice_of(json_string_value(reason), json_string_length(reason));
        pt_slice number = member(body, "value"), expected_number = member(member(body, "expected"), "value");
        w.value_json = pt_cstr(value);
        w.expected_json = pt_cstr(want);
        if (number.len && json_is_number(json_object_get(root, "value"))) w.value_json = w.value_text = number;
        if (expected_number.len && json_is_number(json_object_get(expected, "value"))) w.expected_json = expected_number;
        w.key = pt_http_header(rq, "Idempotency-Key");
        w.has_expected = expected != NULL;
        start_write(host->writes, rq, &w, wait_ms);
    }
    free(value);
    free(want);
    json_decref(root);
}

void api__write_get(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    uint64_t id = 0;
    host_write_result r;
    api__begin(rq);
    if (!pt_slice_to_u64(pt_http_param(rq, "id"), &id) || host_writes_get(host->writes, id, &r) != PT_OK) {
        pt_http_problem(rq, 404, "not-found", "there is no such write any more");
        return;
    }
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 16384);
    pt_json_init(&j, &out);
    write_body(&j, &r);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}
