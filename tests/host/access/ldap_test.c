/* tests/host/access/ldap_test.c -- logging in against a real slapd, over StartTLS and ldaps; and what is done when it is not as it should
 * be. */
#include "host/access/ldap.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char plain[60], tls[60], ca[300], other_ca[300];
static pid_t server;

static bool run(const char *fmt, const char *a, const char *b)
{
    char command[2000];
    snprintf(command, sizeof command, fmt, a, b);
    return system(command) == 0;
}

static const char PEOPLE[] =
    "dn: dc=acme,dc=example\nobjectClass: dcObject\nobjectClass: organization\ndc: acme\no: Acme\n\n"
    "dn: ou=people,dc=acme,dc=example\nobjectClass: organizationalUnit\nou: people\n\n"
    "dn: ou=groups,dc=acme,dc=example\nobjectClass: organizationalUnit\nou: groups\n\n"
    "dn: cn=search,dc=acme,dc=example\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: search\nuserPassword: searching\n\n"
    "dn: uid=anna,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: anna\ncn: Anna\nsn: A\nuserPassword: correct horse\n\n"
    "dn: uid=bert,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: bert\ncn: Bert\nsn: B\nuserPassword: battery staple\n\n"
    "dn: uid=none,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: none\ncn: None\nsn: N\n\n"
    "dn: cn=a\\2Cb (x)*,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: a*(b)\\\ncn: a,b (x)*\nsn: C\nuserPassword: odd one here\n\n"
    "dn: cn=twin1,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: twin\ncn: twin1\nsn: T\nuserPassword: same same same\n\n"
    "dn: cn=twin2,ou=people,dc=acme,dc=example\nobjectClass: inetOrgPerson\nuid: twin\ncn: twin2\nsn: T\nuserPassword: same same same\n\n"
    "dn: cn=operators,ou=groups,dc=acme,dc=example\nobjectClass: groupOfNames\ncn: operators\n"
    "member: uid=anna,ou=people,dc=acme,dc=example\nmember: cn=a\\2Cb (x)*,ou=people,dc=acme,dc=example\n\n"
    "dn: cn=night,ou=groups,dc=acme,dc=example\nobjectClass: groupOfUniqueNames\ncn: night\n"
    "uniqueMember: uid=anna,ou=people,dc=acme,dc=example\n\n"
    "dn: cn=admins,ou=groups,dc=acme,dc=example\nobjectClass: groupOfNames\ncn: admins\nmember: uid=bert,ou=people,dc=acme,dc=example\n";

static void write_file(const char *name, const char *fmt, const char *dir)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK_FATAL(f != NULL);
    char text[3000];
    snprintf(text, sizeof text, fmt, dir, dir, dir, dir, dir);
    CHECK_FATAL(fputs(text, f) >= 0 && fclose(f) == 0);
}

static bool listens(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

static bool make_certificates(const char *dir)
{
    return run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1,DNS:localhost"
               " -keyout %s/key.pem -out %s/cert.pem >/dev/null 2>&1",
               dir, dir) &&
           run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout %s/other-key.pem -out %s/other.pem >/dev/null 2>&1",
               dir, dir);
}

/* A directory of its own, on two free ports of loopback; it dies with us. */
static void start(const char *dir)
{
    static const char conf[] =
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n"
        "include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        "pidfile %s/slapd.pid\nTLSCertificateFile %s/cert.pem\nTLSCertificateKeyFile %s/key.pem\n"
        "database mdb\nsuffix dc=acme,dc=example\nrootdn cn=root,dc=acme,dc=example\ndirectory %s/db\nmaxsize 10485760\n"
        "access to attrs=userPassword by anonymous auth by * none\n"
        "access to * by dn.base=\"cn=search,dc=acme,dc=example\" read by * none\n";
    char urls[130], file[400];
    int port = pt_free_port(), tls_port = pt_free_port();
    snprintf(file, sizeof file, "%s/db", dir);
    CHECK_FATAL(mkdir(file, 0700) == 0);
    CHECK_FATAL(make_certificates(dir));
    write_file("slapd.conf", conf, dir);
    snprintf(file, sizeof file, "%s/people.ldif", dir);
    FILE *f = fopen(file, "w");
    CHECK_FATAL(f && fputs(PEOPLE, f) >= 0 && fclose(f) == 0);
    CHECK_FATAL(run("/usr/sbin/slapadd -f %s/slapd.conf -l %s/people.ldif 1>&2", dir, dir));
    snprintf(plain, sizeof plain, "ldap://127.0.0.1:%d", port);
    snprintf(tls, sizeof tls, "ldaps://127.0.0.1:%d", tls_port);
    snprintf(urls, sizeof urls, "%s %s", plain, tls);
    snprintf(ca, sizeof ca, "%s/cert.pem", dir);
    snprintf(other_ca, sizeof other_ca, "%s/other.pem", dir);
    snprintf(file, sizeof file, "%s/slapd.conf", dir);
    server = fork();
    CHECK_FATAL(server >= 0);
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execl("/usr/sbin/slapd", "slapd", "-f", file, "-h", urls, "-d", "0", (char *)NULL);
        _exit(127);
    }
    CHECK_FATAL(PT_WITHIN(10000, listens(port) && listens(tls_port)));
}

static access_ldap usual(void)
{
    if (!server) start(pt_test_dir());
    return (access_ldap){ .url = plain,
                          .start_tls = true,
                          .ca_file = ca,
                          .bind_dn = "cn=search,dc=acme,dc=example",
                          .bind_password = "searching",
                          .user_base = "ou=people,dc=acme,dc=example",
                          .group_base = "ou=groups,dc=acme,dc=example" };
}

static bool has(const access_ldap_person *p, access_from from, const char *value)
{
    for (size_t i = 0; i < p->id.n_facts; i++)
        if (p->id.facts[i].from == from && pt_slice_eq_cstr(p->id.facts[i].value, value)) return true;
    return false;
}

static void the_right_password_gives_the_person_and_the_groups(void)
{
    access_ldap o = usual();
    for (int i = 0; i < 3; i++) {
        access_ldap_person p;
        pt_error err = { 0 };
        if (i == 1) o.url = tls, o.start_tls = false;
        if (i == 2) o.url = plain, o.allow_plaintext = true;
        pt_status st = access_ldap_login(&o, PT_LIT("anna"), PT_LIT("correct horse"), &p, &err);
        pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%d: %s", i, err.text);
        CHECK_STR(p.id.name, "anna");
        CHECK(p.id.kind == ACCESS_LDAP);
        CHECK(has(&p, ACCESS_FROM_SUBJECT, "uid=anna,ou=people,dc=acme,dc=example"));
        CHECK(has(&p, ACCESS_FROM_GROUP, "operators") && has(&p, ACCESS_FROM_GROUP, "night"));
        CHECK(has(&p, ACCESS_FROM_GROUP, "cn=operators,ou=groups,dc=acme,dc=example"));
        CHECK(!has(&p, ACCESS_FROM_GROUP, "admins"));
        access_ldap_release(&p);
    }
}

static void whoever_is_not_proven_gets_one_answer(void)
{
    static const struct {
        const char *user, *password;
    } rows[] = { { "anna", "battery staple" },       { "anna", "" },
                 { "nobody", "correct horse" },      { "", "correct horse" },
                 { "*", "correct horse" },           { "ann*", "correct horse" },
                 { "anna)(uid=*", "correct horse" }, { "twin", "same same same" },
                 { "none", "correct horse" },        { "search", "searching" } };
    access_ldap o = usual();
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_ldap_person p;
        pt_error err = { 0 };
        pt_status st = access_ldap_login(&o, pt_cstr(rows[i].user), pt_cstr(rows[i].password), &p, &err);
        pt_check_at(st == PT_EREFUSED && strcmp(err.text, "wrong name or password") == 0, false, __FILE__, __LINE__, "%s: %s, %s",
                    rows[i].user, pt_status_name(st), err.text);
    }
}

static void names_of_any_kind_are_escaped(void)
{
    static const struct {
        const char *value;
        size_t len;
        const char *escaped;
    } rows[] = {
        { "anna", 4, "anna" }, { "a*(b)\\", 6, "a\\2a\\28b\\29\\5c" }, { "a\0b", 3, "a\\00b" }, { "\xc3\xa4", 2, "\xc3\xa4" }, { "", 0, "" }
    };
    access_ldap o = usual();
    access_ldap_person p;
    pt_error err = { 0 };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_buf b;
        pt_buf_init(&b, 1000);
        access_ldap_escape(&b, pt_slice_of(rows[i].value, rows[i].len));
        CHECK_STR(pt_buf_view(&b), rows[i].escaped);
        pt_buf_fini(&b);
    }
    pt_status st =
        access_ldap_login(&o, PT_LIT("a*(b)\\"), PT_LIT("odd one here"), &p, &err); /* in the name, and in the DN of the group's filter */
    pt_check_at(st == PT_OK, true, __FILE__, __LINE__, "%s", err.text);
    CHECK(has(&p, ACCESS_FROM_GROUP, "operators"));
    access_ldap_release(&p);
}

static void what_is_wrong_with_the_directory_is_said_and_lets_nobody_in(void)
{
    char nobody[60];
    snprintf(nobody, sizeof nobody, "ldap://127.0.0.1:%d", pt_free_port());
    access_ldap dead = usual(), account = usual(), anonymous = usual(), certificate = usual(), ldaps = usual(), no_file = usual(),
                base = usual();
    dead.url = nobody;
    account.bind_password = "wrong";
    anonymous.bind_dn = NULL; /* the directory shows it nothing */
    certificate.ca_file = other_ca;
    ldaps.url = tls, ldaps.start_tls = false, ldaps.ca_file = other_ca;
    no_file.ca_file = "/nowhere/ca.pem";
    base.user_base = "ou=nowhere,dc=acme,dc=example";
    const struct {
        const access_ldap *o;
        pt_status want;
        const char *says;
    } rows[] = {
        { &dead, PT_EIO, "StartTLS: Can't contact LDAP server" },
        { &account, PT_EIO, "bind of the service account: Invalid credentials" },
        { &anonymous, PT_EIO, "search: No such object" },
        { &certificate, PT_EIO, "StartTLS" },
        { &ldaps, PT_EIO, "bind of the service account" },
        { &no_file, PT_EIO, "" },
        { &base, PT_EIO, "search: No such object" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_ldap_person p;
        pt_error err = { 0 };
        pt_status st = access_ldap_login(rows[i].o, PT_LIT("anna"), PT_LIT("correct horse"), &p, &err);
        pt_check_at(st == rows[i].want && strstr(err.text, rows[i].says), false, __FILE__, __LINE__, "%zu: %s: %s", i, pt_status_name(st),
                    err.text);
    }
}

/* A server that takes connections and says nothing. */
static void a_directory_that_is_silent_is_not_waited_for(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    char url[60];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 5) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(url, sizeof url, "ldap://127.0.0.1:%d", ntohs(at.sin_port));
    access_ldap o = usual();
    access_ldap_person p;
    pt_error err = { 0 };
    o.url = url;
    o.timeout_ms = 200;
    CHECK_STATUS(access_ldap_login(&o, PT_LIT("anna"), PT_LIT("correct horse"), &p, &err), PT_ETIMEOUT);
    o.start_tls = false;
    o.allow_plaintext = true;
    CHECK_STATUS(access_ldap_login(&o, PT_LIT("anna"), PT_LIT("correct horse"), &p, &err), PT_ETIMEOUT);
    close(fd);
}

static void wrong_settings_are_named(void)
{
    access_ldap url = usual(), both = usual(), bare = usual(), base = usual(), filter = usual(), groups = usual(), account = usual(),
                timeout = usual(), good = usual();
    url.url = "http://x";
    both.url = tls;
    bare.start_tls = false;
    base.user_base = NULL;
    filter.user_filter = "(uid=anna)";
    groups.group_filter = "(member=*)";
    account.bind_password = "";
    timeout.timeout_ms = 60001;
    const struct {
        const access_ldap *o;
        const char *says;
    } rows[] = { { &url, "ldap://HOST or ldaps://HOST" }, { &both, "StartTLS is of ldap://" }, { &bare, "over the wire" },
                 { &base, "where are the users" },        { &filter, "no %s for the name" },   { &groups, "no %s for the DN" },
                 { &account, "has no password" },         { &timeout, "1 ms to 60 s" } };
    CHECK_OK(access_ldap_check(&good, NULL));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        CHECK_STATUS(access_ldap_check(rows[i].o, &err), PT_EINVAL);
        pt_check_at(strstr(err.text, rows[i].says) != NULL, false, __FILE__, __LINE__, "%s", err.text);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_right_password_gives_the_person_and_the_groups),
        PT_TEST(whoever_is_not_proven_gets_one_answer),
        PT_TEST(names_of_any_kind_are_escaped),
        PT_TEST(what_is_wrong_with_the_directory_is_said_and_lets_nobody_in),
        PT_TEST(a_directory_that_is_silent_is_not_waited_for),
        PT_TEST(wrong_settings_are_named),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    setenv("LDAPNOINIT", "1", 1); /* no settings of this machine */
    int rc = pt_test_main("access/ldap", tests, PT_COUNT_OF(tests), argc, argv);
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
    return rc;
}
