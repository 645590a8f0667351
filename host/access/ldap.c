/* host/access/ldap.c -- libldap's calls, one connection per login. */
#include "host/access/ldap.h"

#include <ldap.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 5000,
    TIMEOUT_MAX_MS = 60000,
    FILTER_MAX = 1 << 16,
    ARENA_MAX = 16 << 20,
    NAME_MAX_BYTES = 256,
    PASSWORD_MAX_BYTES = 1024
};

static const char wrong[] = "wrong name or password";

typedef struct session {
    const access_ldap *o;
    LDAP *ld;
    struct timeval timeout;
    access_ldap_person *p;
    access_fact *facts;
    size_t n;
} session;

void access_ldap_escape(pt_buf *out, pt_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        char ch = value.ptr[i];
        if (ch == '\0' || strchr("()*\\", ch)) pt_buf_printf(out, "\\%02x", (unsigned char)ch);
        else pt_buf_char(out, ch);
    }
}

/* Every %s replaced by the value, escaped. Other '%' are as they stand. */
static void filter_of(pt_buf *out, const char *pattern, pt_slice value)
{
    pt_buf_init(out, FILTER_MAX);
    for (const char *at; (at = strstr(pattern, "%s")) != NULL; pattern = at + 2) {
        pt_buf_add(out, pattern, (size_t)(at - pattern));
        access_ldap_escape(out, value);
    }
    pt_buf_cstr(out, pattern);
    pt_buf_char(out, '\0');
}

pt_status access_ldap_check(const access_ldap *o, pt_error *err)
{
    if (!o->url || !ldap_is_ldap_url(o->url)) return pt_fail(err, PT_EINVAL, "the LDAP url is ldap://HOST or ldaps://HOST");
    bool tls = strncmp(o->url, "ldaps://", 8) == 0;
    if (tls && o->start_tls) return pt_fail(err, PT_EINVAL, "StartTLS is of ldap://, not of ldaps://");
    if (!tls && !o->start_tls && !o->allow_plaintext)
        return pt_fail(err, PT_EINVAL,
                       "passwords would go over the wire as they are: ldaps://, StartTLS, or plain text allowed in so many words");
    if (!o->user_base) return pt_fail(err, PT_EINVAL, "where are the users in the directory?");
    if (o->user_filter && !strstr(o->user_filter, "%s")) return pt_fail(err, PT_EINVAL, "the filter of users has no %%s for the name");
    if (o->group_filter && !strstr(o->group_filter, "%s")) return pt_fail(err, PT_EINVAL, "the filter of groups has no %%s for the DN");
    if (o->bind_dn && (!o->bind_password || !*o->bind_password)) return pt_fail(err, PT_EINVAL, "the service account has no password");
    if (o->timeout_ms < 0 || o->timeout_ms > TIMEOUT_MAX_MS) return pt_fail(err, PT_EINVAL, "the timeout of LDAP is 1 ms to 60 s");
    return PT_OK;
}

/* What the directory says, of a step that is not the user's own bind. */
static pt_status fail(const session *s, int rc, const char *step, pt_error *err)
{
    char *detail = NULL;
    if (s->ld) (void)ldap_get_option(s->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
    pt_status st = rc == LDAP_TIMEOUT || rc == LDAP_TIMELIMIT_EXCEEDED ? PT_ETIMEOUT : rc == LDAP_NO_MEMORY ? PT_ENOMEM : PT_EIO;
    st = pt_fail(err, st, "LDAP, %s: %s%s%.80s", step, ldap_err2string(rc), detail && *detail ? ": " : "", detail ? detail : "");
    ldap_memfree(detail);
    return st;
}

static int set_options(session *s)
{
    int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0, limit = (int)((s->timeout.tv_sec) + 1);
    int rc = ldap_set_option(s->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_NETWORK_TIMEOUT, &s->timeout);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_TIMEOUT, &s->timeout);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_TIMELIMIT, &limit);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (rc == LDAP_OPT_SUCCESS && s->o->ca_file) rc = ldap_set_option(s->ld, LDAP_OPT_X_TLS_CACERTFILE, s->o->ca_file);
    if (rc == LDAP_OPT_SUCCESS) rc = ldap_set_option(s->ld, LDAP_OPT_X_TLS_NEWCTX, &client);
    return rc;
}

static int bind_as(session *s, const char *dn, pt_slice password)
{
    struct berval secret = { password.len, (char *)(uintptr_t)password.ptr };
    return ldap_sasl_bind_s(s->ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

static pt_status connect(session *s, pt_error *err)
{
    int rc = ldap_initialize(&s->ld, s->o->url);
    if (rc == LDAP_SUCCESS && set_options(s) != LDAP_OPT_SUCCESS) rc = LDAP_PARAM_ERROR;
    if (rc != LDAP_SUCCESS) return fail(s, rc, "preparing (the certificates' file?)", err);
    if (s->o->start_tls) rc = ldap_start_tls_s(s->ld, NULL, NULL);
    if (rc != LDAP_SUCCESS) return fail(s, rc, "StartTLS", err);
    rc = bind_as(s, s->o->bind_dn, s->o->bind_dn ? pt_cstr(s->o->bind_password) : PT_LIT(""));
    return rc == LDAP_SUCCESS ? PT_OK : fail(s, rc, s->o->bind_dn ? "bind of the service account" : "anonymous bind", err);
}

static pt_status add_fact(session *s, access_from from, const char *text, size_t len, pt_error *err)
{
    if (memchr(text, '\n', len) || memchr(text, '\0', len)) return PT_OK; /* nobody maps such a group */
    if (s->n == ACCESS_FACTS_MAX) return pt_fail(err, PT_ETOOBIG, "LDAP: more than %d groups", ACCESS_FACTS_MAX);
    pt_slice value = pt_arena_dup(&s->p->arena, pt_slice_of(text, len));
    if (!value.ptr) return pt_fail(err, PT_ENOMEM, "out of memory");
    s->facts[s->n++] = (access_fact){ from, value };
    return PT_OK;
}

static pt_status add_values(session *s, LDAPMessage *entry, const char *attribute, pt_error *err)
{
    pt_status st = PT_OK;
    struct berval **values = ldap_get_values_len(s->ld, entry, attribute);
    for (int i = 0; values && values[i] && st == PT_OK; i++)
        st = add_fact(s, ACCESS_FROM_GROUP, values[i]->bv_val, values[i]->bv_len, err);
    ldap_value_free_len(values);
    return st;
}

static pt_status search(session *s, const char *base, const char *pattern, pt_slice value, const char *attribute, int most,
                        LDAPMessage **found, int *rc, pt_error *err)
{
    pt_buf filter;
    char *attributes[] = { (char *)(uintptr_t)attribute, NULL };
    filter_of(&filter, pattern, value);
    pt_status st = pt_buf_status(&filter) == PT_OK ? PT_OK : pt_fail(err, pt_buf_status(&filter), "LDAP: the filter is too long");
    if (st == PT_OK) {
        *rc = ldap_search_ext_s(s->ld, base, LDAP_SCOPE_SUBTREE, filter.ptr, attributes, 0, NULL, NULL, &s->timeout, most, found);
        if (*rc != LDAP_SUCCESS && *rc != LDAP_SIZELIMIT_EXCEEDED) st = fail(s, *rc, "search", err);
    }
    pt_buf_fini(&filter);
    return st;
}

/* The one entry of that name: its DN (to be freed with ldap_memfree). */
static pt_status find_user(session *s, pt_slice user, char **dn, pt_error *err)
{
    LDAPMessage *found = NULL;
    int rc = LDAP_SUCCESS;
    pt_status st = search(s, s->o->user_base, s->o->user_filter ? s->o->user_filter : "(uid=%s)", user, "memberOf", 2, &found, &rc, err);
    if (st == PT_OK && (rc != LDAP_SUCCESS || ldap_count_entries(s->ld, found) != 1)) st = pt_fail(err, PT_EREFUSED, wrong);
    if (st == PT_OK) {
        LDAPMessage *entry = ldap_first_entry(s->ld, found);
        *dn = ldap_get_dn(s->ld, entry);
        if (!*dn || !**dn) st = pt_fail(err, PT_EIO, "LDAP: an entry without a DN");
        if (st == PT_OK) st = add_fact(s, ACCESS_FROM_SUBJECT, *dn, strlen(*dn), err);
        if (st == PT_OK) st = add_values(s, entry, "memberOf", err);
    }
    ldap_msgfree(found);
    return st;
}

static pt_status find_groups(session *s, const char *dn, pt_error *err)
{
    LDAPMessage *found = NULL;
    int rc = LDAP_SUCCESS;
    const char *attribute = s->o->group_attribute ? s->o->group_attribute : "cn";
    if (!s->o->group_base) return PT_OK;
    pt_status st = search(s, s->o->group_base, s->o->group_filter ? s->o->group_filter : "(|(member=%s)(uniqueMember=%s))", pt_cstr(dn),
                          attribute, ACCESS_FACTS_MAX, &found, &rc, err);
    if (st == PT_OK && rc == LDAP_SIZELIMIT_EXCEEDED) st = pt_fail(err, PT_ETOOBIG, "LDAP: more than %d groups", ACCESS_FACTS_MAX);
    for (LDAPMessage *e = st == PT_OK ? ldap_first_entry(s->ld, found) : NULL; e && st == PT_OK; e = ldap_next_entry(s->ld, e)) {
        char *group = ldap_get_dn(s->ld, e);
        if (group) st = add_fact(s, ACCESS_FROM_GROUP, group, strlen(group), err);
        ldap_memfree(group);
        if (st == PT_OK) st = add_values(s, e, attribute, err);
    }
    ldap_msgfree(found);
    return st;
}

static pt_status prove(session *s, const char *dn, pt_slice password, pt_error *err)
{
    int rc = bind_as(s, dn, password);
    switch (rc) {
    case LDAP_SUCCESS: return PT_OK;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INAPPROPRIATE_AUTH: /* the entry has no password */
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_UNWILLING_TO_PERFORM: /* disabled or locked, as some directories say */
    case LDAP_NO_SUCH_OBJECT: return pt_fail(err, PT_EREFUSED, wrong);
    default: return fail(s, rc, "bind of the user", err);
    }
}

pt_status access_ldap_login(const access_ldap *o, pt_slice user, pt_slice password, access_ldap_person *out, pt_error *err)
{
    int64_t ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
    session s = { .o = o, .timeout = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 }, .p = out };
    char *dn = NULL;
    pt_status st = access_ldap_check(o, err);
    if (st != PT_OK) return st;
    if (user.len == 0 || user.len > NAME_MAX_BYTES || password.len == 0 || password.len > PASSWORD_MAX_BYTES ||
        memchr(password.ptr, '\0', password.len))
        return pt_fail(err, PT_EREFUSED, wrong);
    pt_arena_init(&out->arena, ARENA_MAX);
    s.facts = pt_arena_alloc(&out->arena, ACCESS_FACTS_MAX * sizeof *s.facts);
    pt_slice name = pt_arena_dup(&out->arena, user);
    st = s.facts && name.ptr ? connect(&s, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) st = find_user(&s, user, &dn, err);
    if (st == PT_OK) st = find_groups(&s, dn, err);
    if (st == PT_OK) st = prove(&s, dn, password, err);
    ldap_memfree(dn);
    if (s.ld) (void)ldap_unbind_ext_s(s.ld, NULL, NULL);
    if (st != PT_OK) {
        access_ldap_release(out);
        return st;
    }
    out->id = (access_identity){ .kind = ACCESS_LDAP, .name = name, .facts = s.facts, .n_facts = s.n };
    return PT_OK;
}

void access_ldap_release(access_ldap_person *p)
{
    pt_arena_fini(&p->arena);
}
