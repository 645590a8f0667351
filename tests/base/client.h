/* tests/base/client.h -- a real HTTP client (libcurl) and raw connections, for the tests of the HTTP shell. */
#ifndef PT_TEST_CLIENT_H
#define PT_TEST_CLIENT_H
#include "base/daemon/http.h"
#include "tests/support/check.h"

typedef struct answer {
    int curl; /* CURLcode */
    long status;
    pt_buf body;    /* as received (not decompressed unless asked) */
    pt_buf headers; /* raw header lines */
} answer;

typedef struct ask {
    const char *method, *target, *body;
    const char *headers[6]; /* "Name: value", NULL-terminated */
    bool gzip;              /* let curl decompress */
    long timeout_ms;        /* default 30000 */
} ask;

/* Blocking; the answer must be released. */
answer client_ask(uint16_t port, ask a);
int client_get(const char *url, pt_buf *body, long *status); /* CURLcode */
void client_release(answer *a);
bool client_has(const answer *a, const char *text);          /* in the body */
bool client_header(const answer *a, const char *line_start); /* "Content-Type: text/plain", any case */

/* Poll until `cond` or half a minute. */
bool client_wait(bool (*cond)(void *), void *ctx);

/* Raw connections to 127.0.0.1, reads wait half a minute at most; close() them. */
int client_dial(uint16_t port);
int client_send(uint16_t port, const char *text);       /* dial and send */
int client_send_get(uint16_t port, const char *target); /* a GET of HTTP/1.1 */
bool client_read_until(int fd, const char *what);       /* false at the end of the stream or when nothing comes */
#endif
