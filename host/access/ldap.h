/* host/access/ldap.h -- is this the password of somebody in an LDAP directory, and which groups are theirs?
 *
 * Connect (StartTLS or ldaps), bind as the service account or anonymously, search the user (one entry, no more), search the groups, bind as
 * the user. No state: a connection per call, which blocks for at most about four times timeout_ms; any thread. Whoever calls it throttles
 * (access_login_begin) and maps what comes (access_external). What is put into filters is escaped as RFC 4515 has it, and an empty password
 * never reaches the server, where it would be an anonymous bind that goes well (RFC 4513, 5.1.2). Referrals are not followed. The process
 * ignores SIGPIPE. */
#ifndef HOST_ACCESS_LDAP_H
#define HOST_ACCESS_LDAP_H
#include "base/arena.h"
#include "base/buf.h"
#include "host/access/mapping.h"

typedef struct access_ldap { /* borrowed during a call */
    const char *url;         /* "ldaps://host", "ldap://host:389" */
    bool start_tls;          /* of ldap://; the certificate is checked in both */
    bool allow_plaintext;    /* without it ldap:// needs start_tls: passwords go over that wire */
    const char *ca_file;     /* NULL: the system's */
    const char *bind_dn;     /* the service account; NULL: anonymous */
    const char *bind_password;
    const char *user_base;       /* "ou=people,dc=acme,dc=example" */
    const char *user_filter;     /* one %s, the name; NULL: "(uid=%s)" */
    const char *group_base;      /* NULL: groups are not searched, memberOf alone counts */
    const char *group_filter;    /* one %s, the user's DN; NULL: "(|(member=%s)(uniqueMember=%s))", where both are that */
    const char *group_attribute; /* NULL: "cn" */
    int64_t timeout_ms;          /* of each step, 1..60000; 0: 5 s */
} access_ldap;

typedef struct access_ldap_person {
    pt_arena arena;     /* owns the rest */
    access_identity id; /* kind ldap; facts: subject the DN; group the names of groups and their DNs, and memberOf */
} access_ldap_person;

/* PT_EINVAL naming the fault. */
PT_MUST_CHECK pt_status access_ldap_check(const access_ldap *o, pt_error *err);
/* PT_OK: the person, to be released. PT_EREFUSED: unknown, not unique, wrong or empty password, one text for all. Otherwise nothing is
 * known of the password, and *err says what the directory said: PT_ETIMEOUT; PT_EIO (not reached, certificate, service account refused,
 * search refused); PT_ETOOBIG more than ACCESS_FACTS_MAX groups; PT_EINVAL as above; PT_ENOMEM. */
PT_MUST_CHECK pt_status access_ldap_login(const access_ldap *o, pt_slice user, pt_slice password, access_ldap_person *out, pt_error *err);
void access_ldap_release(access_ldap_person *p);

/* Append the value as it stands in a filter: NUL ( ) * \ as \xx. A failure is the buffer's. */
void access_ldap_escape(pt_buf *out, pt_slice value);
#endif
