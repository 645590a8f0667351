/* host/web/serve.h -- answers requests for the UI's files (assets.h).
 *
 * Two rows of the route table:
 *     { "GET", "/", host_web_serve, NULL }, { "GET", "/ui/{rest...}", host_web_serve, NULL }
 * Sends the gzip form to those who take it, an ETag, how long it may be kept, and the Content-Security-Policy; answers 304 to
 * If-None-Match. `ctx` is not used. A handler: any thread of the HTTP server. */
#ifndef HOST_WEB_SERVE_H
#define HOST_WEB_SERVE_H
#include "base/daemon/http.h"

void host_web_serve(void *ctx, pt_http_request *rq);
#endif
