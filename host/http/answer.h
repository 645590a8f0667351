/* host/http/answer.h -- a run of host/query/ as the answer to a request: whole when it is short, streamed when it is long. */
#ifndef HOST_HTTP_ANSWER_H
#define HOST_HTTP_ANSWER_H
#include "host/http/api.h"
#include "host/query/query.h"

query_source api__source(const host_parts *host);
/* format=json|jsonl|csv and int64=string as a sink; NULL: a 400 was sent, or a 500 (out of memory). */
query_sink *api__sink(pt_http_request *rq, query_format *format);
/* Answer with what open gave: the run, or why there is none (404, 400, 413, 500). Up to ANSWER_WHOLE bytes go out as one piece, compressed
 * where the client takes it; a longer answer is streamed as it is made, and one that breaks off ends without its last chunk, so that it
 * can't be taken for whole. What could not be read is told in the header or trailer X-Plantree-Damaged. */
void api__answer(const host_parts *host, pt_http_request *rq, pt_status st, query_run *run, query_format format, const pt_error *err);
#endif
