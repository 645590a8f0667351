/* tests/host/access/rig.h -- an open access.db in a directory of its own, a clock that is turned by hand, and what was told for the audit.
 */
#ifndef PT_TEST_ACCESS_RIG_H
#define PT_TEST_ACCESS_RIG_H
#include "host/access/internal.h"
#include "tests/support/check.h"

typedef struct rig {
    char dir[300];
    pt_fake_clock clock;
    access_options options;
    host_access *a;
    char told[8000]; /* "action outcome principal kind address object after;" each */
    pt_error err;
} rig;

/* Hashing is as cheap as libsodium allows. */
void rig_open(rig *r);
void rig_reopen(rig *r); /* as after a restart */
void rig_close(rig *r);
void rig_forget(rig *r); /* what was told */
const char *rig_file(const rig *r);
/* SQL on the file by another process's connection, which knows the room's functions not: plain statements on plain columns. */
void rig_sql(const rig *r, const char *sql);

extern const access_actor RIG_ADMIN;
/* With a password of "password of NAME". */
void rig_user(rig *r, const char *name);
uint64_t rig_grant(rig *r, bool group, const char *name, query_role role, const char *path /* NULL: the whole plant */);
/* access_check_password with the password given; NULL: "password of NAME". */
pt_status rig_login(rig *r, const char *name, const char *password, const char *address, access_principal **out, int64_t *retry_ms);
/* As rig_login, which must go well. */
access_principal *rig_in(rig *r, const char *name);

#define CHECK_TELLS(r, what) \
    pt_check_at(strstr((r)->told, (what)) != NULL, false, __FILE__, __LINE__, "'%.2000s' has no '%s'", (r)->told, (what))
#endif
