/* host/access/store.h -- access.db: made whole, looked through at open, its rows summed. For the files of this room alone.
 *
 * Not thread-safe: whoever owns it holds access->lock. Statements are kept prepared, by the address of their text: pass literals. */
#ifndef HOST_ACCESS_STORE_H
#define HOST_ACCESS_STORE_H
#include "base/buf.h"
#include "base/map.h"

#include <sqlite3.h>

typedef struct access__store {
    sqlite3 *db;
    pt_map statements;
    int64_t data_version;
} access__store;

/* The columns that the sum of a row is taken of. `intact` stands in each WHERE, also of an UPDATE, which would seal the damage else; it
 * fails with PT_ECORRUPT. Lists (paths, groups, tenants) are texts with one line each. */
#define ACCESS__META       "key,value"
#define ACCESS__USER       "name,hash,disabled,created,last_login,groups,tenants"
#define ACCESS__RIGHT      "id,to_group,name,role,paths,created"
#define ACCESS__TENANT     "name,paths"
#define ACCESS__TOKEN      "id,owner,hash,note,role,paths,created,expires,used"
#define ACCESS__SESSION    "hash,kind,name,facts,created,seen,address"
#define ACCESS__IS_META    " intact(sum,'meta'," ACCESS__META ") "
#define ACCESS__IS_USER    " intact(sum,'user'," ACCESS__USER ") "
#define ACCESS__IS_RIGHT   " intact(sum,'right'," ACCESS__RIGHT ") "
#define ACCESS__IS_TENANT  " intact(sum,'tenant'," ACCESS__TENANT ") "
#define ACCESS__IS_TOKEN   " intact(sum,'token'," ACCESS__TOKEN ") "
#define ACCESS__IS_SESSION " intact(sum,'session'," ACCESS__SESSION ") "

/* host/access/access.h, access_open. */
PT_MUST_CHECK pt_status access__store_open(const char *dir, bool make, access__store *s, pt_error *err);
void access__store_close(access__store *s);
pt_status access__store_fail(const access__store *s, pt_error *err);

/* A statement with its parameters, one letter each: i int64_t, t pt_slice as text, b pt_slice as blob (borrowed until access__end). */
PT_MUST_CHECK pt_status access__ask(access__store *s, pt_error *err, sqlite3_stmt **q, const char *sql, const char *kinds, ...);
/* The next row: *got, or none is left. */
PT_MUST_CHECK pt_status access__next(access__store *s, sqlite3_stmt *q, bool *got, pt_error *err);
void access__end(sqlite3_stmt *q); /* NULL allowed */
/* Ask and run to the end; *changes (may be NULL): rows. */
PT_MUST_CHECK pt_status access__do(access__store *s, pt_error *err, int *changes, const char *sql, const char *kinds, ...);
PT_MUST_CHECK pt_status access__count(access__store *s, pt_error *err, int64_t *n, const char *sql, const char *kinds, ...);
/* The lock of the file first, so that what is read inside is what is written upon. */
PT_MUST_CHECK pt_status access__begin(access__store *s, pt_error *err);
/* Commit when st is PT_OK, else roll back; returns st, or why it cannot be committed. */
PT_MUST_CHECK pt_status access__finish(access__store *s, pt_status st, pt_error *err);
/* Has another process changed it since the last call? */
PT_MUST_CHECK pt_status access__changed(access__store *s, bool *changed, pt_error *err);

pt_slice access__text(sqlite3_stmt *q, int column); /* valid until the next step; present */
/* The lines of a text, borrowed; *out is to be freed. PT_ENOMEM. */
PT_MUST_CHECK pt_status access__lines(pt_slice text, const pt_slice **out, size_t *n);
void access__join(pt_buf *out, const pt_slice *lines, size_t n);
#endif
