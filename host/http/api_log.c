/* host/http/api_log.c -- everything committed, in commit order: the historian's change log. */
#include "host/http/api.h"
#include "host/query/changes.h"

#include <inttypes.h>
#include <stdio.h>

enum { ITEMS_DEFAULT = 1000, ITEMS_MAX = 100000 };

/* What cannot be read: gone, of another historian, or our fault. */
static void refuse(const host_parts *host, pt_http_request *rq, pt_status st, const hist_log_range *range, const pt_error *err)
{
    char members[80];
    snprintf(members, sizeof members, "\"oldest\":%" PRIu64 ",\"newest\":%" PRIu64, range->oldest, range->newest);
    if (st == PT_ESTATE) {
        pt_http_problem_with(rq, 410, "gone", pt_cstr(members), "%s", err->text);
    } else if (st == PT_EINVAL) {
        pt_http_problem_with(rq, 400, "bad-request", pt_cstr(members), "after: %s", err->text);
    } else {
        pt_logf(host->log, PT_LOG_ERROR, "HIST-READ", "change log: %s: %s", pt_status_name(st), err->text);
        pt_http_problem(rq, 500, "internal", "the change log cannot be read");
    }
}

void api__log(void *ctx, pt_http_request *rq)
{
    const host_parts *host = ctx;
    host_changes_query q = { .limit = ITEMS_DEFAULT };
    hist_log_range range;
    pt_error err = { 0, "" };
    pt_buf out;
    api__begin(rq);
    if (!api__number(rq, "after", INT64_MAX, &q.after) || !api__number(rq, "limit", ITEMS_MAX, &q.limit) ||
        !api__int64_string(rq, &q.int64_string))
        return;
    if (q.limit == 0) {
        pt_http_problem(rq, 400, "bad-request", "limit must be a whole number from 1 to %d", ITEMS_MAX);
        return;
    }
    q.from_oldest = !pt_http_query(rq, "after").ptr;
    q.select = pt_http_query(rq, "select");
    pt_buf_init(&out, API_JSON_MAX);
    pt_status st = host_changes_page(host->history, &q, &out, &range, &err);
    if (st == PT_OK) pt_http_reply_json(rq, 200, &out);
    else refuse(host, rq, st, &range, &err);
    pt_buf_fini(&out);
}
