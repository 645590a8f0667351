/* host/access/password.c -- what a password must be, and hashing in turn. */
#include "host/access/password.h"

#include "base/utf8.h"
#include <sodium.h>
#include <stdio.h>
#include <strings.h>

pt_status access_password_check(pt_slice user, pt_slice password, pt_error *err)
{
    size_t characters = 0;
    for (size_t i = 0; i < password.len; characters++) {
        size_t n = pt_utf8_next(password.ptr + i, password.len - i, NULL);
        i += n ? n : 1;
    }
    if (characters < ACCESS_PASSWORD_MIN) return pt_fail(err, PT_EINVAL, "a password has at least %d characters", ACCESS_PASSWORD_MIN);
    if (password.len > ACCESS_PASSWORD_MAX) return pt_fail(err, PT_EINVAL, "a password has at most %d bytes", ACCESS_PASSWORD_MAX);
    if (password.len == user.len && strncasecmp(password.ptr, user.ptr, user.len) == 0)
        return pt_fail(err, PT_EINVAL, "a password is not the user's name");
    return PT_OK;
}

pt_status access__hasher_init(access__hasher *h, unsigned long long passes, size_t bytes, pt_error *err)
{
    *h = (access__hasher){ .passes = passes ? passes : crypto_pwhash_OPSLIMIT_INTERACTIVE,
                           .bytes = bytes ? bytes : crypto_pwhash_MEMLIMIT_INTERACTIVE };
    if (h->passes < crypto_pwhash_OPSLIMIT_MIN || h->passes > crypto_pwhash_OPSLIMIT_MAX || h->bytes < crypto_pwhash_MEMLIMIT_MIN ||
        h->bytes > crypto_pwhash_MEMLIMIT_MAX)
        return pt_fail(err, PT_EINVAL, "argon2id takes no such number of passes or bytes");
    /* Salt and hash of this one are made up: nobody's password gives it, and finding that out is the same work. */
    snprintf(h->dummy, sizeof h->dummy,
             "$argon2id$v=19$m=%zu,t=%llu,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", h->bytes / 1024,
             h->passes);
    return pt_monitor_init(&h->monitor) == PT_OK ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
}

void access__hasher_fini(access__hasher *h)
{
    pt_monitor_fini(&h->monitor);
}

pt_status access__hasher_enter(access__hasher *h, pt_error *err)
{
    pt_monitor_lock(&h->monitor);
    if (h->waiting >= ACCESS_QUEUE) {
        pt_monitor_unlock(&h->monitor);
        return pt_fail(err, PT_EBUSY, "too many log in at once");
    }
    uint64_t ticket = h->next_ticket++;
    h->waiting++;
    while (h->running >= ACCESS_HASHES || h->served != ticket)
        pt_monitor_wait(&h->monitor);
    h->served++;
    h->waiting--;
    h->running++;
    pt_monitor_wake_all(&h->monitor); /* the next ticket */
    pt_monitor_unlock(&h->monitor);
    return PT_OK;
}

void access__hasher_leave(access__hasher *h)
{
    pt_monitor_lock(&h->monitor);
    h->running--;
    pt_monitor_wake_all(&h->monitor);
    pt_monitor_unlock(&h->monitor);
}

unsigned access__hasher_waiting(access__hasher *h)
{
    pt_monitor_lock(&h->monitor);
    unsigned n = h->waiting;
    pt_monitor_unlock(&h->monitor);
    return n;
}

_Static_assert(ACCESS__HASH_TEXT >= crypto_pwhash_STRBYTES, "room for a hash's text");

pt_status access__hash(access__hasher *h, pt_slice password, char out[ACCESS__HASH_TEXT], pt_error *err)
{
    pt_status st = access__hasher_enter(h, err);
    if (st != PT_OK) return st;
    if (crypto_pwhash_str(out, password.ptr ? password.ptr : "", password.len, h->passes, h->bytes) != 0)
        st = pt_fail(err, PT_ENOMEM, "no memory to hash a password (%zu bytes)", h->bytes);
    access__hasher_leave(h);
    return st;
}

pt_status access__verify(access__hasher *h, const char *hash, pt_slice password, bool *right, bool *again, pt_error *err)
{
    pt_status st = access__hasher_enter(h, err);
    if (st != PT_OK) return st;
    int rc = crypto_pwhash_str_verify(hash ? hash : h->dummy, password.ptr ? password.ptr : "", password.len);
    access__hasher_leave(h);
    *right = hash && rc == 0;
    *again = *right && crypto_pwhash_str_needs_rehash(hash, h->passes, h->bytes) != 0;
    return PT_OK;
}
