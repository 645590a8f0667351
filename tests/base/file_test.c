/* tests/base/file_test.c -- what is read is all or an error; what is written is the old content or the new one, whatever fails or dies
 * between.
 *
 * The linker sends the calls of base/file.c through the wrappers below: they write down the order and fail, shorten or end it where asked.
 */
#include "base/file.h"
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_open(const char *path, int flags, mode_t mode);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);

static struct {
    bool on;
    char order[200];
    const char *fail; /* the call of this name fails ... */
    int e;            /* ... with this */
    int dies_at;      /* the process is killed before its n-th call; 0: never */
    int calls;
    size_t most; /* bytes a write takes; 0: all */
} world;

/* true: this call fails */
static bool meets(const char *name)
{
    if (!world.on) return false;
    if (++world.calls == world.dies_at) kill(getpid(), SIGKILL);
    size_t n = strlen(world.order);
    snprintf(world.order + n, sizeof world.order - n, "%s%s", n ? " " : "", name);
    if (!world.fail || strcmp(world.fail, name) != 0) return false;
    errno = world.e;
    return true;
}

static bool is_folder(int fd)
{
    struct stat is;
    return fstat(fd, &is) == 0 && S_ISDIR(is.st_mode);
}

int __wrap_open(const char *path, int flags, mode_t mode)
{
    return meets(flags & O_DIRECTORY ? "open-folder" : "open") ? -1 : __real_open(path, flags, mode);
}
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    if (meets("write")) return -1;
    return __real_write(fd, p, world.on && world.most && world.most < n ? world.most : n);
}
int __wrap_fsync(int fd)
{
    return meets(is_folder(fd) ? "fsync-folder" : "fsync") ? -1 : __real_fsync(fd);
}
int __wrap_close(int fd)
{
    bool failing = meets(is_folder(fd) ? "close-folder" : "close");
    int rc = __real_close(fd);
    if (failing) errno = world.e;
    return failing ? -1 : rc;
}
int __wrap_rename(const char *from, const char *to)
{
    return meets("rename") ? -1 : __real_rename(from, to);
}

static const char *dir; /* of this program's files */
static char path[400], fresh[420];

static void name_file(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(fresh, sizeof fresh, "%s.new", path);
}

static bool holds(const char *want)
{
    pt_buf b;
    pt_buf_init(&b, 1 << 20);
    bool same = pt_file_read(path, &b, NULL) == PT_OK && pt_slice_eq_cstr(pt_buf_view(&b), want);
    pt_buf_fini(&b);
    return same;
}

static pt_status write_text(const char *text, pt_error *err)
{
    world.calls = 0;
    world.order[0] = 0;
    world.on = true;
    pt_status st = pt_file_write(path, 0640, pt_cstr(text), err);
    world.on = false;
    return st;
}

static void a_file_is_read_whole_or_not_at_all(void)
{
    static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
    name_file("whole");
    for (size_t i = 0; i < PT_COUNT_OF(sizes); i++) {
        char *bytes = malloc(sizes[i] + 1);
        CHECK_FATAL(bytes != NULL);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * 7);
        pt_buf b;
        pt_error err = { 0, "" };
        CHECK_OK(pt_file_write(path, 0644, pt_slice_of(bytes, sizes[i]), &err));
        pt_buf_init(&b, sizes[i]);
        CHECK_OK(pt_file_read(path, &b, &err));
        CHECK(pt_slice_eq(pt_buf_view(&b), pt_slice_of(bytes, sizes[i])));
        pt_buf_fini(&b);
        if (sizes[i]) {
            pt_buf_init(&b, sizes[i] - 1);
            CHECK_STATUS(pt_file_read(path, &b, &err), PT_ETOOBIG);
            CHECK(strstr(err.text, path) != NULL && strstr(err.text, "larger than") != NULL);
            pt_buf_fini(&b);
        }
        free(bytes);
    }
}

static void what_cannot_be_read_is_named_with_the_reason(void)
{
    pt_buf b;
    pt_error err = { 0, "" };
    pt_buf_init(&b, 100);
    name_file("absent");
    CHECK_STATUS(pt_file_read(path, &b, &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, path) != NULL && strstr(err.text, "No such file") != NULL);
    CHECK_STATUS(pt_file_read(dir, &b, &err), PT_EIO);
    CHECK(strstr(err.text, "Is a directory") != NULL);
    pt_buf_fini(&b);
}

static void content_is_synced_before_its_name_and_the_folder_after_it(void)
{
    name_file("order");
    CHECK_OK(write_text("first", NULL));
    CHECK_STR(pt_cstr(world.order), "open write fsync close rename open-folder fsync-folder close-folder");
    CHECK(holds("first"));
    world.most = 2;
    CHECK_OK(write_text("second", NULL));
    world.most = 0;
    CHECK_STR(pt_cstr(world.order), "open write write write fsync close rename open-folder fsync-folder close-folder");
    CHECK(holds("second"));
    CHECK(access(fresh, F_OK) != 0);
    struct stat is;
    CHECK(stat(path, &is) == 0 && (is.st_mode & 07137) == 0); /* never more than asked for */
}

/* Each call in turn says no: the old content stays, nothing lies beside it, and the text names the path and the reason. */
static void a_step_that_fails_leaves_the_old_content(void)
{
    static const struct {
        const char *call;
        int e;
        pt_status want;
        const char *reason;
        const char *after;
    } rows[] = {
        { "open", EACCES, PT_EREADONLY, "Permission denied", "old" },
        { "open", EROFS, PT_EREADONLY, "Read-only file system", "old" },
        { "write", ENOSPC, PT_ENOSPC, "No space left on device", "old" },
        { "write", EDQUOT, PT_ENOSPC, "quota", "old" },
        { "fsync", EIO, PT_EIO, "Input/output error", "old" },
        { "close", EIO, PT_EIO, "Input/output error", "old" },
        { "rename", EROFS, PT_EREADONLY, "Read-only file system", "old" },
        { "open-folder", EACCES, PT_EREADONLY, "Permission denied", "new" },
        { "fsync-folder", EIO, PT_EIO, "Input/output error", "new" },
        { "fsync-folder", EINVAL, PT_OK, "", "new" }, /* a file system without such a call */
    };
    name_file("steps");
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0, "" };
        CHECK_OK(write_text("old", NULL));
        world.fail = rows[i].call;
        world.e = rows[i].e;
        pt_status st = write_text("new", &err);
        world.fail = NULL;
        CHECK_ROW(rows[i].call, st == rows[i].want);
        CHECK_ROW(rows[i].call, strstr(err.text, rows[i].reason) != NULL);
        CHECK_ROW(rows[i].call, st == PT_OK || strstr(err.text, dir) != NULL);
        CHECK_ROW(rows[i].call, holds(rows[i].after));
        CHECK_ROW(rows[i].call, access(fresh, F_OK) != 0);
    }
}

/* The system's own limit, as a quota or a full disk: some bytes fit, then no more do. */
static void a_disk_without_room_leaves_the_old_content(void)
{
    enum { ROOM = 8192 };
    static char large[4 * ROOM];
    struct rlimit was, low;
    pt_error err = { 0, "" };
    memset(large, 'x', sizeof large - 1);
    name_file("room");
    CHECK_OK(write_text("old", NULL));
    CHECK_FATAL(getrlimit(RLIMIT_FSIZE, &was) == 0);
    low = (struct rlimit){ ROOM, was.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    CHECK_FATAL(setrlimit(RLIMIT_FSIZE, &low) == 0);
    pt_status st = write_text(large, &err);
    CHECK_FATAL(setrlimit(RLIMIT_FSIZE, &was) == 0);
    signal(SIGXFSZ, handler);
    CHECK_STATUS(st, PT_EIO);
    CHECK(strstr(err.text, path) != NULL && strstr(err.text, "File too large") != NULL);
    CHECK(strncmp(world.order, "open write write close", 22) == 0); /* half of it was written */
    CHECK(holds("old"));
    CHECK(access(fresh, F_OK) != 0);
}

static void without_a_folder_or_a_usable_path_nothing_is_written(void)
{
    pt_error err = { 0, "" };
    static char too_long[5000];
    name_file("absent/file");
    CHECK_STATUS(write_text("x", &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, path) != NULL);
    CHECK_STATUS(pt_folder_sync("/no/such/folder", &err), PT_ENOTFOUND);
    CHECK(strstr(err.text, "/no/such/folder: No such file") != NULL);
    memset(too_long, 'x', sizeof too_long - 1);
    CHECK_STATUS(pt_file_write(too_long, 0600, PT_LIT("x"), &err), PT_ETOOBIG);
    name_file("linked");
    char elsewhere[440];
    snprintf(elsewhere, sizeof elsewhere, "%s.elsewhere", path);
    CHECK(symlink(elsewhere, fresh) == 0); /* what somebody laid in the way is not written through */
    CHECK(write_text("x", &err) != PT_OK);
    CHECK(access(elsewhere, F_OK) != 0);
}

/* A folder nobody may write into, for whoever is not above permissions. */
static void a_read_only_folder_is_said(void)
{
    char folder[420];
    pt_error err = { 0, "" };
    snprintf(folder, sizeof folder, "%s/read-only", dir);
    CHECK_FATAL(mkdir(folder, 0700) == 0);
    name_file("read-only/file");
    CHECK_OK(write_text("old", NULL));
    CHECK(chmod(folder, 0500) == 0 && chmod(dir, 0711) == 0);
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (chown(folder, 65534, 65534) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) _exit(3);
        _exit(write_text("new", &err) == PT_EREADONLY && strstr(err.text, path) && strstr(err.text, "Permission denied") ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK(chmod(folder, 0700) == 0);
    CHECK(holds("old"));
}

static void a_path_without_a_folder_lies_in_the_working_folder(void)
{
    char was[1000];
    CHECK_FATAL(getcwd(was, sizeof was) != NULL && chdir(dir) == 0);
    snprintf(path, sizeof path, "bare");
    CHECK_OK(write_text("here", NULL));
    CHECK(holds("here"));
    CHECK_FATAL(chdir(was) == 0);
    name_file("bare");
    CHECK(holds("here"));
}

/* Killed before the 1st, 2nd, ... call of a replacement. */
static void killed_at_any_step_the_file_holds_the_old_or_the_new_content(void)
{
    enum { STEPS = 8 };
    int old = 0, new = 0;
    name_file("killed");
    CHECK_OK(write_text("old", NULL));
    CHECK_INT(world.calls, STEPS);
    for (int n = 1; n <= STEPS; n++) {
        CHECK_OK(write_text("old", NULL));
        pid_t child = fork();
        CHECK_FATAL(child >= 0);
        if (child == 0) {
            world.dies_at = n;
            (void)!write_text("new", NULL);
            _exit(0);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        bool is_old = holds("old"), is_new = holds("new");
        CHECK(is_old != is_new);
        CHECK(new == 0 || is_new); /* once new, always new */
        old += is_old;
        new += is_new;
    }
    CHECK_INT(old, 5); /* until it was renamed */
    CHECK_INT(new, STEPS - 5);
    CHECK_OK(write_text("again", NULL)); /* what a killed one left beside it is in nobody's way */
    CHECK(holds("again"));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_file_is_read_whole_or_not_at_all),
        PT_TEST(what_cannot_be_read_is_named_with_the_reason),
        PT_TEST(content_is_synced_before_its_name_and_the_folder_after_it),
        PT_TEST(a_step_that_fails_leaves_the_old_content),
        PT_TEST(a_disk_without_room_leaves_the_old_content),
        PT_TEST(without_a_folder_or_a_usable_path_nothing_is_written),
        PT_TEST(a_read_only_folder_is_said),
        PT_TEST(a_path_without_a_folder_lies_in_the_working_folder),
        PT_TEST(killed_at_any_step_the_file_holds_the_old_or_the_new_content),
    };
    dir = pt_test_dir();
    return pt_test_main("base/file", tests, PT_COUNT_OF(tests), argc, argv);
}
