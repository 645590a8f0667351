/* host/session/sessions.c: the session table on disk survives a restart, and a damaged one costs rebirths and nothing else. */
#include "host/session/sessions.h"
#include "tests/host/rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which files and folders of the directory were synced, in order; the linker sends fsync here. */
static char synced[200];
static pthread_mutex_t synced_lock = PTHREAD_MUTEX_INITIALIZER;
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    char link[40], name[400] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    (void)!readlink(link, name, sizeof name - 1);
    const char *slash = strrchr(name, '/'), *at = slash ? strstr(name, "/sessions.") : NULL;
    pthread_mutex_lock(&synced_lock);
    size_t n = strlen(synced);
    if (at || (slash && strchr(slash, '.') == NULL)) snprintf(synced + n, sizeof synced - n, "%s ", at ? at + 1 : "folder");
    pthread_mutex_unlock(&synced_lock);
    return __real_fsync(fd);
}

typedef struct bench {
    rig r;
    host_sessions *s;
} bench;

static void open_sessions(bench *b)
{
    CHECK_OK_FATAL(host_sessions_new(b->r.dir, b->r.ingest, b->r.history, pt_clock_system(), &b->r.log, &b->s));
}

/* Two nodes on line, one of them with a device; one that is dead, one that is waited for, and one that was never born; saved. */
static void first_life(bench *b)
{
    pt_error err = { 0, "" };
    rig_open(&b->r);
    rig_start(&b->r);
    open_sessions(b);
    b->r.ago_ms = 600000; /* a session must have lived for longer than we are away */
    rig_push(&b->r, "spBv1.0/g/NBIRTH/a", "ts=1000 seq=0 bd=7 t#1:10=d1@1000");
    rig_push(&b->r, "spBv1.0/g/DBIRTH/a/d", "ts=1001 seq=1 u#2:10=d5@1001");
    rig_push(&b->r, "spBv1.0/g/NDATA/a", "ts=1002 seq=2 #1=d2@1002");
    rig_push(&b->r, "spBv1.0/g/NBIRTH/b", "ts=1000 seq=255 bd=0 t:10=d1@1000");
    rig_push(&b->r, "spBv1.0/g/NBIRTH/dead", "ts=1000 seq=0 bd=3 t:10=d1@1000");
    rig_push(&b->r, "spBv1.0/g/DBIRTH/dead/d", "ts=1001 seq=1 u:10=d5@1001");
    b->r.ago_ms = 300000;
    rig_push(&b->r, "spBv1.0/g/NDEATH/dead", "bd=3");
    b->r.ago_ms = 0;
    rig_push(&b->r, "spBv1.0/g/NBIRTH/wanted", "ts=1000 seq=0 bd=3 t:10=d1@1000");
    rig_push(&b->r, "spBv1.0/g/NBIRTH/wanted", "hex=12ff");
    rig_push(&b->r, "spBv1.0/g/NDATA/unborn", "ts=1000 seq=4 t=d1@1000");
    rig_push(&b->r, "spBv1.0/g/NDATA/a", "ts=1003 seq=3 #1=d3@1003");
    rig_push(&b->r, "spBv1.0/g/NDATA/b", "ts=1003 seq=0 t=d3@1003");
    rig_settle(&b->r);
    CHECK_OK(host_sessions_save(b->s, &err));
    host_sessions_free(b->s);
    rig_halt(&b->r);
}

/* The host again, with what it finds. */
static size_t second_life(bench *b)
{
    rig_again(&b->r);
    rig_make(&b->r);
    open_sessions(b);
    size_t n = host_sessions_load(b->s);
    CHECK_OK_FATAL(host_ingest_start(b->r.ingest));
    host_ingest_server(b->r.ingest, 0, true);
    return n;
}

static void end(bench *b)
{
    host_sessions_free(b->s);
    rig_close(&b->r);
}

static void file_path(const bench *b, const char *name, char path[400])
{
    snprintf(path, 400, "%s/%s", b->r.dir, name);
}

static void sessions_go_on_after_a_restart_without_a_rebirth(void)
{
    bench b;
    char text[100];
    first_life(&b);
    CHECK_INT(second_life(&b), 2); /* the dead one has no session to continue */
    host_node n = rig_node(&b.r, "g", "a");
    CHECK_INT(n.state, HOST_NODE_UNKNOWN);
    rig_push(&b.r, "spBv1.0/g/DDATA/a/d", "ts=1004 seq=4 #2=d6@1004"); /* by alias: the birth is known */
    rig_push(&b.r, "spBv1.0/g/NDATA/b", "ts=1004 seq=1 t=d9@1004");
    n = rig_node(&b.r, "g", "a");
    CHECK_INT(n.state, HOST_NODE_ONLINE);
    CHECK(n.has_bd_seq && n.bd_seq == 7);
    CHECK_INT(rig_node(&b.r, "g", "b").state, HOST_NODE_ONLINE);
    CHECK_STR(pt_cstr(rig_value(&b.r, "g/a/d/u", text, sizeof text)), "6 GOOD");
    static const char want[] = "1@1000 3@1003 9@1004 G@"; /* good again, since now */
    CHECK(strncmp(rig_history(&b.r, "g/b/t", text, sizeof text), want, sizeof want - 1) == 0);
    CHECK_INT(rig_count(&b.r, b.r.commands, "spBv1.0/g/NCMD/a") + rig_count(&b.r, b.r.commands, "spBv1.0/g/NCMD/b"), 0);
    end(&b);
}

typedef enum damage { BYTE, SHORT, EMPTY, MAGIC, LONGER } damage;

static void spoil(const char *path, damage how)
{
    struct stat st;
    CHECK_FATAL(stat(path, &st) == 0);
    FILE *f = fopen(path, how == EMPTY ? "w" : "r+");
    CHECK_FATAL(f != NULL);
    if (how == BYTE) {
        CHECK(fseek(f, (long)st.st_size / 2, SEEK_SET) == 0);
        int c = fgetc(f);
        CHECK(fseek(f, (long)st.st_size / 2, SEEK_SET) == 0);
        fputc(c ^ 0x40, f);
    } else if (how == MAGIC) {
        fputs("plantree sessions 9", f);
    } else if (how == LONGER) {
        CHECK(fseek(f, 0, SEEK_END) == 0);
        fputs("more", f);
    }
    CHECK(fclose(f) == 0);
    if (how == SHORT) CHECK(truncate(path, st.st_size - 5) == 0);
}

static void state_timestamps_are_kept_per_server(void)
{
    bench b;
    char path[400], aside[420];
    rig_open(&b.r);
    rig_make(&b.r);
    open_sessions(&b);
    CHECK_INT(host_sessions_state(b.s, "tcp://a:1883"), 0);
    host_sessions_state_used(b.s, "tcp://a:1883", 1000);
    host_sessions_state_used(b.s, "tcp://b:1883", 5000);
    host_sessions_state_used(b.s, "tcp://a:1883", 2000);
    host_sessions_state_used(b.s, "tcp://a:1883", 1500); /* the largest counts */
    CHECK_INT(host_sessions_state(b.s, "tcp://a:1883"), 2000);
    host_sessions_free(b.s); /* without a word of goodbye */
    open_sessions(&b);
    CHECK_INT(host_sessions_load(b.s), 0);
    CHECK_INT(host_sessions_state(b.s, "tcp://a:1883"), 2000);
    CHECK_INT(host_sessions_state(b.s, "tcp://b:1883"), 5000);
    CHECK_INT(host_sessions_state(b.s, "tcp://c:1883"), 0);
    host_sessions_free(b.s);
    file_path(&b, "sessions.state", path);
    spoil(path, BYTE);
    open_sessions(&b);
    CHECK_INT(host_sessions_load(b.s), 0);
    CHECK_INT(host_sessions_state(b.s, "tcp://a:1883"), 0);
    CHECK(rig_said(&b.r, "sessions.state does not check"));
    snprintf(aside, sizeof aside, "%s.damaged", path);
    CHECK(access(aside, F_OK) == 0);
    CHECK(mkdir(path, 0755) == 0 && !rig_said(&b.r, "could not be written")); /* where no file can be */
    host_sessions_state_used(b.s, "tcp://a:1883", 3000);
    CHECK(rig_said(&b.r, "the STATE timestamp could not be written"));
    CHECK_INT(host_sessions_state(b.s, "tcp://a:1883"), 3000);
    end(&b);
}

static void a_state_timestamp_is_on_disk_before_it_is_used(void)
{
    bench b;
    rig_open(&b.r);
    rig_make(&b.r);
    open_sessions(&b);
    synced[0] = 0;
    host_sessions_state_used(b.s, "tcp://a:1883", 1000);
    CHECK_STR(pt_cstr(synced), "sessions.state.new folder ");
    end(&b);
}

/* At least five minutes ago, as first_life has it, and not much more. */
static bool five_minutes_ago(int64_t ms)
{
    int64_t ago = pt_wall_ms(pt_clock_system()) - ms;
    return ago >= 300000 && ago < 600000;
}

static void who_is_down_stays_known_and_since_when_over_two_restarts(void)
{
    bench b;
    char text[100];
    pt_error err = { 0, "" };
    first_life(&b);
    for (int life = 0; life < 2; life++) {
        CHECK_INT(second_life(&b), 2);
        host_node n = rig_node(&b.r, "g", "dead");
        CHECK_INT(n.state, HOST_NODE_OFFLINE);
        CHECK(five_minutes_ago(n.since_ms));
        CHECK(five_minutes_ago(n.last_message_ms));
        CHECK_INT(n.n_units, 2); /* with its device */
        CHECK(n.has_bd_seq && n.bd_seq == 3 && !n.resume);
        CHECK_INT(rig_node(&b.r, "g", "wanted").state, HOST_NODE_UNKNOWN);
        CHECK(!rig_node(&b.r, "g", "wanted").resume);
        CHECK_INT(rig_node(&b.r, "g", "unborn").index, UINT32_MAX);
        CHECK_STR(pt_cstr(rig_value(&b.r, "g/dead/d/u", text, sizeof text)),
                  "null STALE"); /* its tags have their places; the values are not ours to keep */
        if (life == 1) break;
        CHECK_OK(host_sessions_save(b.s, &err));
        host_sessions_free(b.s);
        rig_halt(&b.r);
    }
    rig_push(&b.r, "spBv1.0/g/NBIRTH/dead", "ts=9000 seq=0 bd=4 t:10=d7@9000");
    CHECK_INT(rig_node(&b.r, "g", "dead").state, HOST_NODE_ONLINE);
    CHECK_STR(pt_cstr(rig_value(&b.r, "g/dead/t", text, sizeof text)), "7 GOOD");
    end(&b);
}

static void a_session_that_lost_something_meanwhile_is_asked(void)
{
    bench b;
    first_life(&b);
    CHECK_INT(second_life(&b), 2);
    rig_push(&b.r, "spBv1.0/g/NDATA/a", "ts=1009 seq=9 #1=d6@1009");
    CHECK_INT(rig_node(&b.r, "g", "a").state, HOST_NODE_WANTED);
    CHECK_WITHIN(5000, rig_count(&b.r, b.r.commands, "spBv1.0/g/NCMD/a") == 1);
    end(&b);
}

static void without_files_nothing_is_restored_and_nothing_complained_about(void)
{
    bench b;
    rig_open(&b.r);
    rig_make(&b.r);
    open_sessions(&b);
    CHECK_INT(host_sessions_load(b.s), 0);
    CHECK(!rig_said(&b.r, "HOST-SESSIONS"));
    end(&b);
}

static void a_damaged_file_is_named_and_set_aside_and_the_nodes_are_asked(void)
{
    static const char *const files[] = { "sessions.births", "sessions.seq" };
    for (size_t i = 0; i < PT_COUNT_OF(files); i++) {
        for (int how = BYTE; how <= LONGER; how++) {
            bench b;
            char path[400], aside[420], row[60];
            snprintf(row, sizeof row, "%s, damage %d", files[i], how);
            first_life(&b);
            file_path(&b, files[i], path);
            spoil(path, (damage)how);
            CHECK_ROW(row, second_life(&b) == 0);
            CHECK_ROW(row, rig_said(&b.r, files[i]) && rig_said(&b.r, "does not check"));
            snprintf(aside, sizeof aside, "%s.damaged", path);
            CHECK_ROW(row, access(aside, F_OK) == 0 && access(path, F_OK) != 0);
            rig_push(&b.r, "spBv1.0/g/NDATA/a", "ts=1004 seq=4 #1=d6@1004");
            CHECK_ROW(row, rig_node(&b.r, "g", "a").state == HOST_NODE_WANTED);
            CHECK_ROW(row, PT_WITHIN(5000, rig_count(&b.r, b.r.commands, "spBv1.0/g/NCMD/a") == 1));
            end(&b);
        }
    }
}

static void the_two_files_must_be_of_one_session(void)
{
    bench b;
    char seq[400], kept[420];
    pt_error err = { 0, "" };
    first_life(&b);
    file_path(&b, "sessions.seq", seq);
    snprintf(kept, sizeof kept, "%s.old", seq);
    CHECK_FATAL(link(seq, kept) == 0);
    CHECK_INT(second_life(&b), 2);
    rig_push(&b.r, "spBv1.0/g/NBIRTH/a", "ts=2000 seq=0 bd=8 t#9:10=d1@2000"); /* other aliases */
    rig_settle(&b.r);
    CHECK_OK(host_sessions_save(b.s, &err));
    host_sessions_free(b.s);
    rig_halt(&b.r);
    CHECK_FATAL(rename(kept, seq) == 0); /* as if a crash had come between the two */
    CHECK_INT(second_life(&b), 1);       /* b is as it was */
    CHECK_INT(rig_node(&b.r, "g", "a").index, UINT32_MAX);
    end(&b);
}

static void nothing_is_written_while_nothing_changes(void)
{
    bench b;
    char births[400], seq[400];
    struct stat x, y;
    pt_error err = { 0, "" };
    rig_open(&b.r);
    rig_start(&b.r);
    open_sessions(&b);
    file_path(&b, "sessions.births", births);
    file_path(&b, "sessions.seq", seq);
    rig_push(&b.r, "spBv1.0/g/NBIRTH/a", "ts=1000 seq=0 bd=7 t#1:10=d1@1000");
    rig_settle(&b.r);
    CHECK_OK(host_sessions_save(b.s, &err));
    CHECK_FATAL(unlink(births) == 0 && stat(seq, &x) == 0);
    CHECK_OK(host_sessions_save(b.s, &err));
    CHECK(access(births, F_OK) != 0);
    CHECK(stat(seq, &y) == 0 && x.st_ino == y.st_ino);
    rig_push(&b.r, "spBv1.0/g/NDATA/a", "ts=1001 seq=1 #1=d2@1001"); /* the seq has moved, the births have not */
    rig_settle(&b.r);
    CHECK_OK(host_sessions_save(b.s, &err));
    CHECK(access(births, F_OK) != 0);
    CHECK(stat(seq, &y) == 0 && x.st_ino != y.st_ino);
    end(&b);
}

static void a_file_that_cannot_be_written_is_an_error_with_its_name_and_no_half_file_stays(void)
{
    bench b;
    char seq[400], tmp[420];
    pt_error err = { 0, "" };
    rig_open(&b.r);
    rig_start(&b.r);
    open_sessions(&b);
    file_path(&b, "sessions.seq", seq);
    snprintf(tmp, sizeof tmp, "%s.new", seq);
    CHECK_FATAL(mkdir(seq, 0755) == 0); /* cannot be replaced by a file */
    rig_push(&b.r, "spBv1.0/g/NBIRTH/a", "ts=1000 seq=0 bd=7 t#1:10=d1@1000");
    rig_settle(&b.r);
    CHECK(host_sessions_save(b.s, &err) != PT_OK);
    CHECK(strstr(err.text, "sessions.seq") != NULL);
    CHECK(access(tmp, F_OK) != 0);
    CHECK_FATAL(rmdir(seq) == 0);
    CHECK_OK(host_sessions_save(b.s, &err)); /* and it is tried again */
    CHECK(access(seq, F_OK) == 0);
    end(&b);
}

static void the_thread_saves_by_itself_and_a_last_time_at_the_end(void)
{
    bench b;
    char seq[400];
    rig_open(&b.r);
    rig_start(&b.r);
    open_sessions(&b);
    file_path(&b, "sessions.seq", seq);
    CHECK_OK_FATAL(host_sessions_start(b.s));
    b.r.ago_ms = 600000;
    rig_push(&b.r, "spBv1.0/g/NBIRTH/a", "ts=1000 seq=0 bd=7 t#1:10=d1@1000");
    b.r.ago_ms = 0;
    CHECK_WITHIN(10000, access(seq, F_OK) == 0);
    rig_push(&b.r, "spBv1.0/g/NDATA/a", "ts=1001 seq=1 #1=d2@1001");
    rig_settle(&b.r);
    host_sessions_stop(b.s);
    host_sessions_stop(b.s); /* again: nothing */
    host_sessions_free(b.s);
    rig_halt(&b.r);
    CHECK_INT(second_life(&b), 1);
    rig_push(&b.r, "spBv1.0/g/NDATA/a", "ts=1002 seq=2 #1=d3@1002");
    CHECK_INT(rig_node(&b.r, "g", "a").state, HOST_NODE_ONLINE);
    end(&b);
    host_sessions_stop(NULL);
    host_sessions_free(NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(sessions_go_on_after_a_restart_without_a_rebirth),
        PT_TEST(who_is_down_stays_known_and_since_when_over_two_restarts),
        PT_TEST(state_timestamps_are_kept_per_server),
        PT_TEST(a_state_timestamp_is_on_disk_before_it_is_used),
        PT_TEST(a_session_that_lost_something_meanwhile_is_asked),
        PT_TEST(without_files_nothing_is_restored_and_nothing_complained_about),
        PT_TEST(a_damaged_file_is_named_and_set_aside_and_the_nodes_are_asked),
        PT_TEST(the_two_files_must_be_of_one_session),
        PT_TEST(nothing_is_written_while_nothing_changes),
        PT_TEST(a_file_that_cannot_be_written_is_an_error_with_its_name_and_no_half_file_stays),
        PT_TEST(the_thread_saves_by_itself_and_a_last_time_at_the_end),
    };
    return pt_test_main("host/sessions", tests, PT_COUNT_OF(tests), argc, argv);
}
