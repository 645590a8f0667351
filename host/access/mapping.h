/* host/access/mapping.h -- what an identity from outside may do here: rows of the configuration (`access.map`). Pure; any thread.
 *
 *     access: { map: [ { from: group, value: 'plant-operators', role: operator, paths: [acme/line1/Level] } ] }
 *
 * Each row that holds for an identity is a grant; one for which none holds has no right. Comparison is bytewise: write values as they come.
 */
#ifndef HOST_ACCESS_MAPPING_H
#define HOST_ACCESS_MAPPING_H
#include "host/access/principal.h"

typedef enum access_from {
    ACCESS_FROM_GROUP,   /* "group": of proxy headers, LDAP, OIDC */
    ACCESS_FROM_SUBJECT, /* "subject": of a certificate (RFC 4514 text), or the LDAP DN, or the OIDC sub */
    ACCESS_FROM_SAN,     /* "san": a certificate's subject alternative name, as "dns:..", "email:..", "uri:..", "ip:.." */
    ACCESS_FROM_CLAIM,   /* "claim": "name=value" of an OIDC token; for lists one each */
    ACCESS_FROMS
} access_from;
const char *access_from_name(access_from from);
bool access_from_parse(pt_slice text, access_from *out);

typedef struct access_map_row { /* borrowed while passed */
    access_from from;
    pt_slice value; /* all of it; "*": whoever has one of that kind at all */
    query_role role;
    access_patterns at;
} access_map_row;

typedef struct access_fact {
    access_from from;
    pt_slice value;
} access_fact;

/* Somebody whom the caller has verified. */
typedef struct access_identity {
    access_kind kind; /* proxy, certificate, ldap, oidc */
    pt_slice name;    /* for the audit and the screen */
    const access_fact *facts;
    size_t n_facts;
} access_identity;

enum { ACCESS_MAP_MAX = 1000, ACCESS_FACTS_MAX = 1000 };

/* PT_EINVAL, naming the row (from 1) and the fault; PT_ETOOBIG: more than ACCESS_MAP_MAX. */
PT_MUST_CHECK pt_status access_map_check(const access_map_row *rows, size_t n, pt_error *err);
/* The rights of the identity, in the order of the rows, borrowing their patterns: at most `cap` into out, how many there are is returned.
 */
size_t access_map_rights(const access_map_row *rows, size_t n, const access_identity *id, access_right *out, size_t cap);
#endif
