/* base/status.h -- the one result code of every folder, and the error text that goes with it.
 *
 * A function that can fail returns pt_status; PT_OK is 0. Codes are named by what the
 * caller can do about them, not by where they arose: SQLite, MQTT, curl and OS codes are
 * translated where they enter and their raw value goes into the pt_error text. Results
 * leave through pointers and are written only on PT_OK unless a header says otherwise. */
#ifndef PT_STATUS_H
#define PT_STATUS_H
#include <stdarg.h>
#include <stddef.h>

#define PT_MUST_CHECK         __attribute__((warn_unused_result))
#define PT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PT_COUNT_OF(a)        (sizeof(a) / sizeof((a)[0]))

typedef enum pt_status {
    PT_OK = 0,
    PT_EINVAL,       /* an argument of ours is wrong: a bug or a bad setting */
    PT_EMALFORMED,   /* input from outside does not parse; drop it and count it */
    PT_ETOOBIG,      /* a named limit is exceeded */
    PT_ENOMEM,       /* the allocator said no */
    PT_EFULL,        /* a bounded queue or table has no room; try later or count the loss */
    PT_EEMPTY,       /* nothing there now */
    PT_ECLOSED,      /* the object is shutting down; nothing more will come */
    PT_ENOTFOUND,    /* no such name, id, file, row */
    PT_EEXISTS,      /* already there */
    PT_EBUSY,        /* somebody else holds it (lock file, other host) */
    PT_EIO,          /* the OS, disk or peer failed; may work later */
    PT_ENOSPC,       /* disk full; may work later */
    PT_EREADONLY,    /* not writable; may work later */
    PT_ETIMEOUT,     /* the peer did not answer in time */
    PT_EREFUSED,     /* understood and denied: permission, policy, isolation */
    PT_ESTATE,       /* not possible in the present state (offline, not born, not open) */
    PT_ECORRUPT,     /* stored data fails its checks */
    PT_EUNSUPPORTED, /* valid, but not something this build or version does */
    PT_STATUS_COUNT
} pt_status;

/* Where and why. Callers may pass NULL wherever a pt_error * is taken. */
typedef struct pt_error {
    size_t offset;  /* byte offset into the input where parsing stopped; 0 when meaningless */
    char text[256]; /* one sentence without a final full stop, NUL-terminated, no newline */
} pt_error;

/* A static lower-case name: "ok", "malformed", "no-space". Never NULL. */
const char *pt_status_name(pt_status st);

/* Write the sentence (and offset) into *err unless err is NULL; returns `st`, so that
 * `return pt_fail(err, PT_EIO, "...")` reads well. Text that does not fit is cut. */
pt_status pt_fail(pt_error *err, pt_status st, const char *fmt, ...) PT_PRINTF(3, 4);
pt_status pt_fail_at(pt_error *err, pt_status st, size_t offset, const char *fmt, ...) PT_PRINTF(4, 5);
#ifdef __clang_analyzer__ /* it does not look into status.c, and would follow failures as if they were PT_OK */
#define pt_fail(err, st, ...)            ((void)(pt_fail)((err), (st), __VA_ARGS__), (st))
#define pt_fail_at(err, st, offset, ...) ((void)(pt_fail_at)((err), (st), (offset), __VA_ARGS__), (st))
#endif

/* Translate errno: ENOSPC/EDQUOT -> PT_ENOSPC, EROFS/EACCES/EPERM -> PT_EREADONLY,
 * ENOENT -> PT_ENOTFOUND, ENOMEM -> PT_ENOMEM, EEXIST -> PT_EEXISTS, else PT_EIO. */
pt_status pt_status_from_errno(int err);

/* The system's text for an errno, in English and without a buffer that threads share, as strerror() has one. Static; never NULL. */
const char *pt_errno_text(int err);
/* "PLACE: reason", and the errno as a status. */
pt_status pt_fail_errno(pt_error *err, int errnum, const char *place);
#endif
