/* host/access/throttle.c -- a count-min sketch of failures. */
#include "host/access/throttle.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>

void access__throttle_init(access__throttle *t)
{
    memset(t, 0, sizeof *t);
    randombytes_buf(t->secret, sizeof t->secret);
}

/* The key's cell of both rows. */
static void cells_of(const access__throttle *t, char kind, pt_slice key, size_t at[2])
{
    unsigned char hash[16];
    crypto_generichash_state h; /* fails for lengths that make no sense only */
    (void)crypto_generichash_init(&h, t->secret, sizeof t->secret, sizeof hash);
    (void)crypto_generichash_update(&h, (const unsigned char *)&kind, 1);
    if (key.len) (void)crypto_generichash_update(&h, (const unsigned char *)key.ptr, key.len);
    (void)crypto_generichash_final(&h, hash, sizeof hash);
    for (int i = 0; i < 2; i++)
        at[i] = ((size_t)hash[4 * i] | (size_t)hash[4 * i + 1] << 8) % ACCESS__CELLS;
}

static uint32_t fails_of(const access__cell *c, int64_t now)
{
    return now - c->last_ms < ACCESS__THROTTLE_FORGET_MS ? c->fails : 0;
}

static int64_t wait_of(const access__cell *c, int64_t now)
{
    uint32_t fails = fails_of(c, now);
    if (fails < ACCESS__THROTTLE_FREE) return 0;
    uint32_t doubled = fails - ACCESS__THROTTLE_FREE;
    int64_t delay = doubled < 6 ? 1000LL << doubled : ACCESS__THROTTLE_MAX_MS;
    int64_t left = c->last_ms + delay - now;
    return left > 0 ? left : 0;
}

int64_t access__throttle_wait(const access__throttle *t, char kind, pt_slice key, int64_t now)
{
    size_t at[2];
    cells_of(t, kind, key, at);
    int64_t a = wait_of(&t->rows[0][at[0]], now), b = wait_of(&t->rows[1][at[1]], now);
    return a < b ? a : b;
}

void access__throttle_failed(access__throttle *t, char kind, pt_slice key, int64_t now)
{
    size_t at[2];
    cells_of(t, kind, key, at);
    for (int i = 0; i < 2; i++) {
        access__cell *c = &t->rows[i][at[i]];
        c->fails = fails_of(c, now) + 1;
        c->last_ms = now;
    }
}

void access__throttle_succeeded(access__throttle *t, char kind, pt_slice key, int64_t now)
{
    size_t at[2];
    cells_of(t, kind, key, at);
    access__cell *a = &t->rows[0][at[0]], *b = &t->rows[1][at[1]];
    uint32_t fa = fails_of(a, now), fb = fails_of(b, now), own = fa < fb ? fa : fb;
    a->fails = fa - own;
    b->fails = fb - own;
}

pt_slice access__network_of(pt_slice address, char to[64])
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    char text[INET6_ADDRSTRLEN];
    unsigned char a[16];
    if (address.len == 0 || address.len >= sizeof text) return address;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET6, text, a) != 1) return address;
    if (memcmp(a, mapped, sizeof mapped) == 0) snprintf(to, 64, "%d.%d.%d.%d", a[12], a[13], a[14], a[15]);
    else snprintf(to, 64, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64", a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    return pt_cstr(to);
}
