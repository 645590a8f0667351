/* host/http/api.h -- what the HTTP handlers share. For host/ only. ctx of every handler is the host_parts. */
#ifndef HOST_API_H
#define HOST_API_H
#include "host/http/parts.h"
#include "host/query/scope.h"

#define API_JSON_MAX (512u << 20)

/* The headers every answer carries; call first. */
void api__begin(pt_http_request *rq);
/* Who asks, and how much of the plant there is for them; lives as long as the request. */
const query_scope *api__scope(const pt_http_request *rq);
/* May this request change something? A page of another site may not (uns-and-api.md 5.5); says 403 itself. */
bool api__unsafe_allowed(pt_http_request *rq);
/* Query parameters; false: a 400 was sent. Absent: *out stays. */
bool api__time(const host_parts *host, pt_http_request *rq, const char *name, int64_t *out);
bool api__number(pt_http_request *rq, const char *name, uint64_t max, uint64_t *out);
bool api__flag(pt_http_request *rq, const char *name, bool *out);
bool api__int64_string(pt_http_request *rq, bool *out);

#define API_HANDLER(name) void name(void *ctx, pt_http_request *rq)
API_HANDLER(api__nodes);
API_HANDLER(api__node);
API_HANDLER(api__rebirth);
API_HANDLER(api__conformance);
API_HANDLER(api__node_conformance);
API_HANDLER(api__status);
API_HANDLER(api__tree);
API_HANDLER(api__values);
API_HANDLER(api__values_post);
API_HANDLER(api__tags);
API_HANDLER(api__tag_retire);
API_HANDLER(api__tag);
API_HANDLER(api__tag_by_path);
API_HANDLER(api__history);
API_HANDLER(api__aggregate);
API_HANDLER(api__durations);
API_HANDLER(api__events);
API_HANDLER(api__log);
API_HANDLER(api__stream);
API_HANDLER(api__stream_select);
API_HANDLER(api__write);
API_HANDLER(api__write_get);
API_HANDLER(api__audit);
API_HANDLER(api__audit_verify);
#endif
