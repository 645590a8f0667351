/* host/api_audit.c -- who changed what, and whether that account is whole. */
#include "host/api.h"

enum { ROWS_DEFAULT = 1000, ROWS_MAX = 10000 };

static void json_or_null(pt_json *j, const char *key, pt_slice json)
{
    pt_json_key(j, key);
    if (json.len) pt_json_raw(j, json);
    else pt_json_null(j);
}

static bool audit_row(void *ctx, const host_audit_row *r)
{
    pt_json *j = ctx;
    pt_json_object(j);
    pt_json_member_u64(j, "seq", r->seq);
    pt_json_member_i64(j, "time_ms", r->at_ms);
    pt_json_member_str(j, "principal", r->principal);
    pt_json_member_str(j, "auth_kind", r->auth_kind);
    pt_json_member_str(j, "address", r->address);
    pt_json_member_str(j, "action", r->action);
    pt_json_member_str(j, "object", r->object);
    json_or_null(j, "before", r->before);
    json_or_null(j, "after", r->after);
    pt_json_member_str(j, "reason", r->reason);
    pt_json_member_str(j, "outcome", r->outcome);
    pt_json_member_str(j, "request_id", r->request_id);
    pt_json_end_object(j);
    return pt_buf_status(j->out) == PT_OK;
}

void api__audit(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    uint64_t after = 0, limit = ROWS_DEFAULT;
    pt_error err = { 0, "" };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    if (!api__number(rq, "after", INT64_MAX, &after) || !api__number(rq, "limit", ROWS_MAX, &limit)) return;
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pt_status st = limit ? host_audit_each(app->audit, after, (uint32_t)limit, audit_row, &j, &err) : PT_OK;
    pt_json_end_array(&j);
    if (st == PT_OK) {
        pt_http_reply_json(rq, 200, &out);
    } else {
        pt_logf(app->log, PT_LOG_ERROR, "HOST-AUDIT", "%s", err.text);
        pt_http_problem(rq, 500, "internal", "the audit cannot be read");
    }
    pt_buf_fini(&out);
}

void api__audit_verify(void *ctx, pt_http_request *rq)
{
    host_app *app = ctx;
    uint64_t rows = 0;
    char newest[65];
    pt_error err = { 0, "" };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_status st = host_audit_verify(app->audit, &rows, newest, &err);
    if (st != PT_OK && st != PT_ECORRUPT) {
        pt_logf(app->log, PT_LOG_ERROR, "HOST-AUDIT", "%s", err.text);
        pt_http_problem(rq, 500, "internal", "the audit cannot be read");
        return;
    }
    pt_buf_init(&out, 8192);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    pt_json_member_bool(&j, "whole", st == PT_OK);
    pt_json_member_u64(&j, "rows", rows);
    pt_json_member_cstr(&j, "newest_hash", newest);
    pt_json_member_cstr(&j, "detail", st == PT_OK ? NULL : err.text);
    pt_json_end_object(&j);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}
