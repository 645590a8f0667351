/* host/access/sessions.c -- browsers' sessions. What an identity from outside was verified to be is kept with its session, and mapped anew
 * at each request: a line each, the origin's number and the value. */
#include "host/access/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { FACTS_MAX = 1 << 18 };

static pt_status facts_text(const access_identity *id, pt_buf *out, pt_error *err)
{
    pt_buf_init(out, FACTS_MAX);
    for (size_t i = 0; id && i < id->n_facts; i++) {
        const access_fact *f = &id->facts[i];
        if (pt_slice_find(f->value, '\n') != f->value.len || (unsigned)f->from >= ACCESS_FROMS)
            return pt_fail(err, PT_EINVAL, "a fact of more than one line");
        if (i) pt_buf_char(out, '\n');
        pt_buf_printf(out, "%u", (unsigned)f->from);
        pt_buf_slice(out, f->value);
    }
    return pt_buf_status(out) == PT_OK ? PT_OK
                                       : pt_fail(err, pt_buf_status(out), "the facts of an identity have more than %d bytes", FACTS_MAX);
}

/* In the transaction. */
static pt_status make_room(host_access *a, const access_principal *p, pt_slice old, pt_error *err)
{
    unsigned char hash[ACCESS__HASH_LEN];
    int64_t now = access__now(a);
    access__hash_secret(old, hash);
    pt_status st =
        access__do(&a->store, err, NULL, "DELETE FROM session WHERE created<=?1 OR seen<=?2", "ii", now - a->max_ms, now - a->idle_ms);
    if (st == PT_OK && old.len)
        st = access__do(&a->store, err, NULL, "DELETE FROM session WHERE hash=?1", "b", pt_slice_of(hash, sizeof hash));
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL,
                        "DELETE FROM session WHERE hash IN"
                        " (SELECT hash FROM session WHERE name=?1 AND kind=?2 ORDER BY seen DESC,created DESC LIMIT -1 OFFSET ?3)",
                        "tii", access_name(p), (int64_t)access_kind_of(p), (int64_t)ACCESS_SESSIONS - 1);
    return st;
}

pt_status access_session_start(host_access *a, const access_principal *p, const access_identity *id, pt_slice old, pt_slice address,
                               char text[ACCESS_SECRET_TEXT], pt_error *err)
{
    unsigned char hash[ACCESS__HASH_LEN];
    pt_buf facts;
    access_kind kind = access_kind_of(p);
    bool outside = kind == ACCESS_LDAP || kind == ACCESS_OIDC || kind == ACCESS_PROXY;
    if ((kind != ACCESS_USER && !outside) || (outside && (!id || id->kind != kind || !pt_slice_eq(id->name, access_name(p)))))
        return pt_fail(err, PT_EINVAL, "no session for that kind of principal, or without its identity");
    pt_status st = facts_text(outside ? id : NULL, &facts, err);
    if (st == PT_OK) st = access__start(a, err);
    if (st != PT_OK) {
        pt_buf_fini(&facts);
        return st;
    }
    char fresh[ACCESS_SECRET_TEXT];
    access__new_secret(fresh);
    access__hash_secret(pt_cstr(fresh), hash);
    st = make_room(a, p, old, err);
    if (st == PT_OK)
        st = access__do(&a->store, err, NULL, "INSERT INTO session(hash,kind,name,facts,created,seen,address) VALUES(?1,?2,?3,?4,?5,?5,?6)",
                        "bittit", pt_slice_of(hash, sizeof hash), (int64_t)kind, access_name(p), pt_buf_view(&facts), access__now(a),
                        address);
    st = access__close_up(a, st, err);
    if (st == PT_OK) memcpy(text, fresh, sizeof fresh);
    pt_buf_fini(&facts);
    return st;
}

/* ---- finding one ------------------------------------------------------------------------------------------------ */

static pt_status outside(host_access *a, access_kind kind, pt_slice name, pt_slice text, const unsigned char *hash, access_principal **out,
                         pt_error *err)
{
    const pt_slice *lines = NULL;
    size_t n = 0;
    if (access__lines(text, &lines, &n) != PT_OK) return pt_fail(err, PT_ENOMEM, "out of memory");
    access_fact *facts = calloc(n + 1, sizeof *facts);
    pt_status st = facts ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
    for (size_t i = 0; st == PT_OK && i < n; i++) {
        if (lines[i].len == 0 || lines[i].ptr[0] < '0' || lines[i].ptr[0] >= '0' + ACCESS_FROMS) continue;
        facts[i] = (access_fact){ (access_from)(lines[i].ptr[0] - '0'), pt_slice_from(lines[i], 1) };
    }
    const access_identity id = { .kind = kind, .name = name, .facts = facts, .n_facts = n };
    if (st == PT_OK) st = access__mapped_principal(a, &id, hash, out, err);
    free(facts);
    free((void *)(uintptr_t)lines);
    return st;
}

static pt_status principal_of_row(host_access *a, sqlite3_stmt *q, const unsigned char *hash, int64_t *seen, access_principal **out,
                                  pt_error *err)
{
    int64_t now = access__now(a), created = sqlite3_column_int64(q, 3);
    int kind = sqlite3_column_int(q, 0);
    *seen = sqlite3_column_int64(q, 4);
    if (kind < 0 || kind >= ACCESS_KINDS) return pt_fail(err, PT_ECORRUPT, "access.db: a session of no kind");
    if (now - created >= a->max_ms || now - *seen >= a->idle_ms) return pt_fail(err, PT_EREFUSED, "the session is over");
    if (kind == ACCESS_USER)
        return access__user_principal(a, access__text(q, 1), &(access__by){ .kind = ACCESS_USER, .session = hash }, out, err);
    return outside(a, (access_kind)kind, access__text(q, 1), access__text(q, 2), hash, out, err);
}

pt_status access__session_principal(host_access *a, const unsigned char *hash, bool touch, access_principal **out, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool got = false;
    int64_t seen = 0, now = access__now(a);
    pt_error why = { 0 };
    pt_slice key = pt_slice_of(hash, ACCESS__HASH_LEN);
    pt_status st =
        access__ask(&a->store, err, &q, "SELECT kind,name,facts,created,seen FROM session WHERE hash=?1 AND" ACCESS__IS_SESSION, "b", key);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    if (st == PT_OK && !got) st = pt_fail(err, PT_EREFUSED, "there is no such session");
    if (st == PT_OK) st = principal_of_row(a, q, hash, &seen, out, err);
    access__end(q);
    if (st == PT_OK && touch && now - seen >= ACCESS__TOUCH_MS &&
        access__do(&a->store, &why, NULL, "UPDATE session SET seen=?2 WHERE hash=?1 AND" ACCESS__IS_SESSION, "bi", key, now) != PT_OK)
        access__not_written(a, PT_LIT("a session"), &why);
    return st;
}

pt_status access_session_find(host_access *a, pt_slice text, access_principal **out, pt_error *err)
{
    unsigned char hash[ACCESS__HASH_LEN];
    if (text.len != ACCESS_SECRET_TEXT - 1) return pt_fail(err, PT_EREFUSED, "there is no such session");
    access__hash_secret(text, hash);
    access__lock(a);
    pt_status st = access__session_principal(a, hash, true, out, err);
    access__unlock(a);
    return st;
}

/* ---- ending ----------------------------------------------------------------------------------------------------- */

pt_status access_session_end(host_access *a, pt_slice text, pt_slice address, pt_error *err)
{
    unsigned char hash[ACCESS__HASH_LEN];
    char name[ACCESS_NAME_MAX + 1] = "";
    const char *kind = "";
    sqlite3_stmt *q = NULL;
    bool got = false;
    int changes = 0;
    access__hash_secret(text, hash);
    pt_slice key = pt_slice_of(hash, sizeof hash);
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st = access__ask(&a->store, err, &q, "SELECT name,kind FROM session WHERE hash=?1", "b", key);
    if (st == PT_OK) st = access__next(&a->store, q, &got, err);
    if (st == PT_OK && got) {
        int of = sqlite3_column_int(q, 1);
        snprintf(name, sizeof name, "%.*s", PT_SLICE_ARGS(access__text(q, 0)));
        kind = of >= 0 && of < ACCESS_KINDS ? access_kind_name((access_kind)of) : "";
    }
    access__end(q);
    if (st == PT_OK) st = access__do(&a->store, err, &changes, "DELETE FROM session WHERE hash=?1", "b", key);
    st = access__close_up(a, st, err);
    if (st == PT_OK && changes)
        access__tell(a, "logout", "done", &(access_actor){ pt_cstr(name), pt_cstr(kind), address }, pt_cstr(name), NULL);
    return st;
}

pt_status access_session_end_all(host_access *a, const access_principal *p, pt_slice address, pt_error *err)
{
    pt_buf after;
    pt_status st = access__start(a, err);
    if (st != PT_OK) return st;
    st =
        access__do(&a->store, err, NULL, "DELETE FROM session WHERE name=?1 AND kind=?2", "ti", access_name(p), (int64_t)access_kind_of(p));
    st = access__close_up(a, st, err);
    if (st != PT_OK) return st;
    pt_buf_init(&after, 64);
    pt_buf_cstr(&after, "{\"everywhere\":true}");
    access__tell(a, "logout", "done", &(access_actor){ access_label(p), pt_cstr(access_kind_name(access_kind_of(p))), address },
                 access_name(p), &after);
    pt_buf_fini(&after);
    return PT_OK;
}
