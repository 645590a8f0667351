/* tests/base/client.c */
#include "tests/base/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

static size_t collect(char *p, size_t size, size_t n, void *to)
{
    (void)size;
    return pt_buf_add(to, p, n) ? 0 : n;
}

answer client_ask(uint16_t port, ask a)
{
    answer r = { 0 };
    char url[8192];
    struct curl_slist *headers = NULL;
    CURL *c = curl_easy_init();
    if (!c) abort();
    pt_buf_init(&r.body, 64 << 20);
    pt_buf_init(&r.headers, 1 << 20);
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, a.target);
    for (size_t i = 0; i < PT_COUNT_OF(a.headers) && a.headers[i]; i++)
        headers = curl_slist_append(headers, a.headers[i]);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, a.timeout_ms ? a.timeout_ms : 5000L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &r.body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &r.headers);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    if (a.gzip) curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (a.body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(a.body));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, a.body);
    }
    if (a.method && strcmp(a.method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (a.method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a.method);
    r.curl = (int)curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return r;
}

int client_get(const char *url, pt_buf *body, long *status)
{
    CURL *c = curl_easy_init();
    if (!c) abort();
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(c);
    return (int)rc;
}

void client_release(answer *a)
{
    pt_buf_fini(&a->body);
    pt_buf_fini(&a->headers);
}

bool client_has(const answer *a, const char *text)
{
    return a->body.len && memmem(a->body.ptr, a->body.len, text, strlen(text));
}

bool client_header(const answer *a, const char *line_start)
{
    pt_slice rest = pt_buf_view(&a->headers), line;
    size_t n = strlen(line_start);
    while (rest.len && pt_slice_split(&rest, '\n', &line)) {
        if (line.len >= n && strncasecmp(line.ptr, line_start, n) == 0) return true;
    }
    return false;
}

bool client_wait(bool (*cond)(void *), void *ctx)
{
    const struct timespec pause = { 0, 2000000 };
    for (int i = 0; i < 2500; i++) {
        if (cond(ctx)) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}
