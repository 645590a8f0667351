/* tests/host/access/store_test.c -- the file: made whole, closed to others, and whatever is broken in it lets nobody in. */
#include "tests/host/access/rig.h"

#include "base/file.h"
#include "host/access/copy.h"
#include "tests/support/sqlite_faults.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static rig r;

static void the_file_is_the_owners_alone_and_nothing_lies_beside_it(void)
{
    struct stat f;
    char other[340];
    rig_open(&r);
    CHECK(stat(rig_file(&r), &f) == 0 && (f.st_mode & 07777) == 0600);
    rig_user(&r, "anna"); /* now -wal and -shm are there */
    snprintf(other, sizeof other, "%s-wal", rig_file(&r));
    CHECK(stat(other, &f) == 0 && (f.st_mode & 077) == 0);
    rig_close(&r);
    CHECK(access(other, F_OK) != 0);
    snprintf(other, sizeof other, "%s.new.%ld", rig_file(&r), (long)getpid());
    CHECK(access(other, F_OK) != 0);
}

static void a_file_is_made_only_when_it_is_asked_for(void)
{
    host_access *a = NULL;
    rig_open(&r);
    rig_close(&r);
    CHECK_FATAL(unlink(rig_file(&r)) == 0);
    r.options.make = false;
    CHECK_STATUS(access_open(&r.options, &a, &r.err), PT_ENOTFOUND);
    CHECK(access(rig_file(&r), F_OK) != 0);
    r.options.make = true;
    r.options.dir = "/nowhere/at/all";
    CHECK_STATUS(access_open(&r.options, &a, &r.err), PT_ENOTFOUND);
}

static void a_file_that_others_may_read_is_refused(void)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0602 };
    host_access *a = NULL;
    rig_open(&r);
    rig_close(&r);
    for (size_t i = 0; i < PT_COUNT_OF(modes); i++) {
        CHECK_FATAL(chmod(rig_file(&r), modes[i]) == 0);
        CHECK_STATUS(access_open(&r.options, &a, &r.err), PT_EREFUSED);
        CHECK(strstr(r.err.text, "chmod 600") != NULL);
    }
}

/* ---- a disk that refuses ---- */

static bool count(void *ctx, const access_user *u)
{
    (void)u;
    ++*(int *)ctx;
    return true;
}

static int users(void)
{
    int n = 0;
    CHECK_OK(access_users_each(r.a, count, &n, NULL));
    return n;
}

/* Each write and each sync of a change in turn, once or from then on: it is there whole or not at all, and said; afterwards all goes on. */
static void a_change_that_cannot_be_written_changes_nothing(void)
{
    static const sqlite_fault kinds[] = { SQLITE_FAULT_WRITES, SQLITE_FAULT_SYNCS };
    for (int k = 0; k < 4; k++) {
        long struck = 1;
        rig_open(&r);
        for (int n = 1, have = 0; struck && n < 60; n++) {
            char name[20];
            snprintf(name, sizeof name, "u%d", n);
            rig_forget(&r);
            sqlite_faults_arm(kinds[k / 2], n, k % 2, SQLITE_FULL);
            pt_status st = access_user_add(r.a, &RIG_ADMIN, pt_cstr(name), PT_LIT("password1"), &r.err);
            struck = sqlite_faults_struck();
            sqlite_faults_off();
            pt_check_at(st == PT_OK || st == PT_ENOSPC || st == PT_EIO, false, __FILE__, __LINE__, "%s", r.err.text);
            have += st == PT_OK;
            CHECK_INT(users(), have);
            CHECK((r.told[0] != '\0') == (st == PT_OK));
            rig_reopen(&r);
            CHECK_INT(users(), have);
        }
        CHECK_INT(struck, 0); /* all of them had their turn */
        rig_close(&r);
    }
}

/* ---- damage ----------------------------------------------------------------------------------------------------- */

static pt_buf whole; /* the file as it was */

static void a_plant_with_people(void)
{
    const pt_slice line = PT_LIT("acme/line1/**");
    const access_patterns at = { &line, 1 };
    rig_open(&r);
    rig_user(&r, "anna");
    rig_user(&r, "bert");
    rig_user(&r, "carl");
    rig_grant(&r, false, "anna", QUERY_VIEWER, "acme/line1/**");
    rig_grant(&r, true, "shift", QUERY_OPERATOR, NULL);
    CHECK_OK(access_tenant_set(r.a, &RIG_ADMIN, PT_LIT("line1"), &at, NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, PT_LIT("bert"), ACCESS_OF_GROUP, PT_LIT("shift"), NULL));
    CHECK_OK(access_user_join(r.a, &RIG_ADMIN, PT_LIT("bert"), ACCESS_OF_TENANT, PT_LIT("line1"), NULL));
    rig_grant(&r, false, "carl", QUERY_ADMIN, NULL);
    CHECK_OK(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("carl"), true, NULL));
    rig_close(&r);
    pt_buf_init(&whole, 1 << 20);
    CHECK_OK_FATAL(pt_file_read(rig_file(&r), &whole, NULL));
}

/* More than they had? Whoever is let in has at most the right of the whole file; nobody is made, and no set-up is possible. */
static void nobody_has_more(const char *what, size_t at)
{
    static const char *const names[] = { "anna", "bert", "carl" };
    static const char *const paths[] = { "acme/line1/pv", "acme/line2/pv", "" };
    static const int most[3][3] = { { QUERY_VIEWER, -1, -1 }, { QUERY_OPERATOR, -1, -1 }, { -1, -1, -1 } };
    char text[ACCESS_SECRET_TEXT];
    for (int i = 0; i < 3; i++) {
        access_principal *p = NULL;
        query_role role;
        access__lock(r.a);
        pt_status st = access__user_principal(r.a, pt_cstr(names[i]), &(access__by){ .kind = ACCESS_USER }, &p, NULL);
        access__unlock(r.a);
        for (int k = 0; st == PT_OK && k < 3; k++) {
            bool any = access_role_at(p, paths[k][0] ? pt_cstr(paths[k]) : PT_NONE, &role);
            pt_check_at(!any || (int)role <= most[i][k], false, __FILE__, __LINE__, "%s at %zu: %s is %d at '%s'", what, at, names[i], role,
                        paths[k]);
        }
        access_unref(p);
    }
    pt_check_at(access_setup_begin(r.a, text, NULL) != PT_OK, false, __FILE__, __LINE__, "%s at %zu: set-up again", what, at);
}

/* True: refused at open. */
static bool damaged(const char *content, size_t len, const char *what, size_t at)
{
    CHECK_OK_FATAL(pt_file_write(rig_file(&r), 0600, pt_slice_of(content, len), NULL));
    r.err.text[0] = '\0';
    r.a = NULL;
    pt_status st = access_open(&r.options, &r.a, &r.err);
    if (st == PT_OK) {
        nobody_has_more(what, at);
        rig_close(&r);
        return false;
    }
    pt_check_at(st == PT_ECORRUPT && r.err.text[0], false, __FILE__, __LINE__, "%s at %zu: %s: %s", what, at, pt_status_name(st),
                r.err.text);
    return true;
}

static void a_file_cut_off_anywhere_lets_nobody_in(void)
{
    a_plant_with_people();
    size_t refused = 0, n = 0;
    for (size_t len = 0; len < whole.len; len += len < 200 ? 7 : 509, n++)
        refused += damaged(whole.ptr, len, "cut off", len);
    CHECK_INT(refused, n);
    CHECK(!damaged(whole.ptr, whole.len, "whole", 0));
    pt_buf_fini(&whole);
}

/* Of the header every byte, then every third, one bit each: where it matters it is noticed, elsewhere (free space) nothing changes. */
static void a_flipped_bit_gives_nobody_more(void)
{
    a_plant_with_people();
    char *copy = malloc(whole.len);
    size_t refused = 0, n = 0;
    CHECK_FATAL(copy != NULL);
    for (size_t i = 0; i < whole.len; i++) {
        if ((i > 512 && i % 3) || (whole.ptr[i] == 0 && i % 61)) continue; /* zeros are mostly free space */
        memcpy(copy, whole.ptr, whole.len);
        copy[i] = (char)(copy[i] ^ (1 << i % 8));
        refused += damaged(copy, whole.len, "flipped", i);
        n++;
    }
    CHECK(refused > n / 2);
    free(copy);
    pt_buf_fini(&whole);
}

static void an_empty_file_is_damage_and_not_a_first_start(void)
{
    host_access *a = NULL;
    rig_open(&r);
    rig_close(&r);
    CHECK_FATAL(truncate(rig_file(&r), 0) == 0);
    CHECK_STATUS(access_open(&r.options, &a, &r.err), PT_ECORRUPT);
    CHECK(strstr(r.err.text, "is empty") != NULL);
}

static void what_another_program_writes_into_a_row_is_noticed(void)
{
    static const struct {
        const char *sql;
        const char *table;
    } rows[] = {
        { "UPDATE user SET disabled=0 WHERE name='carl'", "user" },
        { "UPDATE right SET role=3 WHERE name='anna'", "right" },
        { "UPDATE tenant SET paths='**'", "tenant" },
        { "UPDATE user SET tenants='' WHERE name='bert'", "user" },
        { "UPDATE meta SET value='0'", "meta" },
        { "INSERT INTO user(name,hash,disabled,created,last_login,groups,tenants) VALUES('eve','',0,0,0,'shift','')", "user" },
    };
    host_access *a = NULL;
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char says[60];
        a_plant_with_people();
        pt_buf_fini(&whole);
        rig_sql(&r, rows[i].sql);
        snprintf(says, sizeof says, "a row of the table '%s' is damaged", rows[i].table);
        CHECK_STATUS(access_open(&r.options, &a, &r.err), PT_ECORRUPT);
        pt_check_at(strstr(r.err.text, says) != NULL, false, __FILE__, __LINE__, "%s", r.err.text);
    }
}

/* Also while it runs: a row is looked at each time it is read, and an update seals no damage. */
static void damage_under_a_running_host_is_noticed_by_the_next_request(void)
{
    access_principal *p = NULL;
    int64_t retry;
    rig_open(&r);
    rig_user(&r, "anna");
    rig_sql(&r, "UPDATE user SET tenants='x'");
    CHECK_STATUS(rig_login(&r, "anna", NULL, "", &p, &retry), PT_ECORRUPT);
    CHECK_STATUS(access_user_disable(r.a, &RIG_ADMIN, PT_LIT("anna"), false, &r.err), PT_ECORRUPT);
    CHECK(strstr(r.err.text, "damaged") != NULL);
    rig_close(&r);
}

static void a_copy_is_whole_the_owners_and_without_sessions(void)
{
    char dest[340], session[ACCESS_SECRET_TEXT];
    struct stat f;
    access_principal *p = NULL;
    rig_open(&r);
    rig_user(&r, "anna");
    p = rig_in(&r, "anna");
    CHECK_OK(access_session_start(r.a, p, NULL, PT_NONE, PT_NONE, session, NULL));
    access_unref(p);
    snprintf(dest, sizeof dest, "%s/copy", r.dir);
    CHECK_FATAL(mkdir(dest, 0755) == 0);
    CHECK_OK_FATAL(access_copy(r.dir, dest, &r.err)); /* while it is open */
    CHECK_STATUS(access_copy(r.dir, dest, &r.err), PT_EEXISTS);
    CHECK_STATUS(access_copy("/nowhere", r.dir, &r.err), PT_EEXISTS);
    CHECK_STATUS(access_copy("/nowhere", "/tmp", &r.err), PT_ENOTFOUND);
    CHECK_OK(access_session_find(r.a, pt_cstr(session), &p, NULL));
    access_unref(p);
    rig_close(&r);
    r.options.dir = dest;
    rig_reopen(&r);
    snprintf(r.dir, sizeof r.dir, "%.290s", dest);
    CHECK(stat(rig_file(&r), &f) == 0 && (f.st_mode & 0777) == 0600);
    CHECK_STATUS(access_session_find(r.a, pt_cstr(session), &p, NULL), PT_EREFUSED);
    access_unref(rig_in(&r, "anna"));
    CHECK_STATUS(access_setup_begin(r.a, session, NULL), PT_ESTATE);
    rig_close(&r);
}

static void lines_are_taken_apart_and_joined(void)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = { { "", 0 }, { "a", 1 }, { "a\nb", 2 }, { "acme/**\n!acme/x\nb", 3 } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const pt_slice *lines = NULL;
        size_t n = 0;
        pt_buf b;
        pt_buf_init(&b, 1000);
        CHECK_OK_FATAL(access__lines(pt_cstr(rows[i].text), &lines, &n));
        CHECK_ROW(rows[i].text, n == rows[i].n);
        access__join(&b, lines, n);
        CHECK_STR(pt_buf_view(&b), rows[i].text);
        free((void *)(uintptr_t)lines);
        pt_buf_fini(&b);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_file_is_the_owners_alone_and_nothing_lies_beside_it),
        PT_TEST(a_file_is_made_only_when_it_is_asked_for),
        PT_TEST(a_file_that_others_may_read_is_refused),
        PT_TEST(a_change_that_cannot_be_written_changes_nothing),
        PT_TEST(a_file_cut_off_anywhere_lets_nobody_in),
        PT_TEST(a_flipped_bit_gives_nobody_more),
        PT_TEST(an_empty_file_is_damage_and_not_a_first_start),
        PT_TEST(what_another_program_writes_into_a_row_is_noticed),
        PT_TEST(damage_under_a_running_host_is_noticed_by_the_next_request),
        PT_TEST(a_copy_is_whole_the_owners_and_without_sessions),
        PT_TEST(lines_are_taken_apart_and_joined),
    };
    if (!sqlite_faults_install()) return 1;
    return pt_test_main("access/store", tests, PT_COUNT_OF(tests), argc, argv);
}
