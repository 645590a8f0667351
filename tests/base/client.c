/* tests/base/client.c */
#include "tests/base/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, a.timeout_ms ? a.timeout_ms : 30000L);
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
    if (a.method && strcmp(a.method, "HEAD") == 0) curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (a.method) curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a.method);
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
    for (int i = 0; i < 15000; i++) {
        if (cond(ctx)) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

int client_dial(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { 30, 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) abort();
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) abort();
    return fd;
}

int client_send(uint16_t port, const char *text)
{
    int fd = client_dial(port);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) abort();
    return fd;
}

int client_send_get(uint16_t port, const char *target)
{
    char text[256];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    return client_send(port, text);
}

bool client_read_until(int fd, const char *what)
{
    char text[65536];
    size_t n = 0;
    while (n < sizeof text - 1) {
        ssize_t r = read(fd, text + n, sizeof text - 1 - n);
        if (r <= 0) return false;
        n += (size_t)r;
        text[n] = '\0';
        if (strstr(text, what)) return true;
    }
    return false;
}
