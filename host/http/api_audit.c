/* host/http/api_audit.c -- who changed what, and whether that account is whole. */
#include "host/http/api.h"

enum { ROWS_DEFAULT = 1000, ROWS_MAX = 10000 };

static bool audit_row(void *ctx, const host_audit_row *r)
{
    pt_json *j = ctx;
    host_audit_row_json(j, r);
    return pt_buf_status(j->out) == PT_OK;
}

void api__audit(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    uint64_t after = 0, limit = ROWS_DEFAULT;
    pt_error err = { 0, "" };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    if (!api__number(rq, "after", INT64_MAX, &after) || !api__number(rq, "limit", ROWS_MAX, &limit)) return;
    pt_buf_init(&out, API_JSON_MAX);
    pt_json_init(&j, &out);
    pt_json_array(&j);
    pt_status st = limit ? host_audit_each(host->audit, after, (uint32_t)limit, audit_row, &j, &err) : PT_OK;
    pt_json_end_array(&j);
    if (st == PT_OK) {
        pt_http_reply_json(rq, 200, &out);
    } else {
        pt_logf(host->log, PT_LOG_ERROR, "HOST-AUDIT", "%s", err.text);
        pt_http_problem(rq, 500, "internal", "the audit cannot be read");
    }
    pt_buf_fini(&out);
}

void api__audit_verify(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    uint64_t rows = 0;
    char newest[65];
    pt_error err = { 0, "" };
    pt_buf out;
    pt_json j;
    api__begin(rq);
    pt_status st = host_audit_verify(host->audit, &rows, newest, &err);
    if (st != PT_OK && st != PT_ECORRUPT) {
        pt_logf(host->log, PT_LOG_ERROR, "HOST-AUDIT", "%s", err.text);
        pt_http_problem(rq, 500, "internal", "the audit cannot be read");
        return;
    }
    pt_buf_init(&out, 8192);
    pt_json_init(&j, &out);
    host_audit_verdict_json(&j, rows, newest, st == PT_OK ? NULL : err.text);
    pt_http_reply_json(rq, 200, &out);
    pt_buf_fini(&out);
}
