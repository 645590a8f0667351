/* tests/edge-node/proxy.h -- a TCP proxy of the test between an edge node and its broker: it can cut, swallow and refuse, and keeps what
 * was said.
 *
 * One client at a time; a new one replaces the old. A thread of its own does the work. */
#ifndef PT_TEST_PROXY_H
#define PT_TEST_PROXY_H
#include "base/slice.h"

typedef enum proxy_mode {
    PROXY_PASS,
    PROXY_SWALLOW, /* connections stay, nothing gets through: a cable is out */
    PROXY_REFUSE   /* what connects is closed at once */
} proxy_mode;

typedef struct proxy proxy;
proxy *proxy_start(int target_port); /* fatal when it can't */
int proxy_port(const proxy *p);
void proxy_set(proxy *p, proxy_mode mode);
void proxy_cut(proxy *p); /* both connections are closed; what follows is `mode`'s */
/* What the client sent since the start, swallowed bytes too, the first MiB of it: connections that followed each other stand behind each
 * other. *connections (may be NULL): how many there were. Copied to `buf`; the slice is of it. */
pt_slice proxy_said(proxy *p, char *buf, size_t cap, size_t *connections);
void proxy_stop(proxy *p); /* frees it */
#endif
