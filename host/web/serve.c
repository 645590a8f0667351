/* host/web/serve.c */
#include "host/web/serve.h"

#include "host/web/assets.h"

/* "*", or a list of which one is ours; "W/" before it does not matter for a GET. */
static bool has_tag(pt_slice header, const char *etag)
{
    pt_slice piece;
    while (header.len && pt_slice_split(&header, ',', &piece)) {
        while (piece.len && (piece.ptr[0] == ' ' || piece.ptr[0] == '\t'))
            piece = pt_slice_from(piece, 1);
        while (piece.len && (piece.ptr[piece.len - 1] == ' ' || piece.ptr[piece.len - 1] == '\t'))
            piece.len--;
        if (pt_slice_starts(piece, PT_LIT("W/"))) piece = pt_slice_from(piece, 2);
        if (pt_slice_eq_cstr(piece, etag) || pt_slice_eq_cstr(piece, "*")) return true;
    }
    return false;
}

void host_web_serve(void *ctx, pt_http_request *rq)
{
    (void)ctx;
    const host_web_asset *a = host_web_find(pt_http_path(rq));
    if (!a) {
        pt_http_problem(rq, 404, "not-found", "there is no such page");
        return;
    }
    pt_http_set_header(rq, "ETag", a->etag);
    pt_http_set_header(rq, "Cache-Control", a->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    pt_http_set_header(rq, "Content-Security-Policy", host_web_csp());
    pt_http_set_header(rq, "Referrer-Policy", "no-referrer");
    pt_http_set_header(rq, "Cross-Origin-Opener-Policy", "same-origin");
    if (has_tag(pt_http_header(rq, "If-None-Match"), a->etag)) {
        pt_http_reply_static(rq, 304, a->content_type, PT_NONE, false);
        return;
    }
    bool gzip = a->gz != NULL && pt_http_accepts_gzip(rq);
    if (a->gz && !gzip) pt_http_set_header(rq, "Vary", "Accept-Encoding");
    pt_http_reply_static(rq, 200, a->content_type, gzip ? pt_slice_of(a->gz, a->gz_len) : pt_slice_of(a->raw, a->raw_len), gzip);
}
