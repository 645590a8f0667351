/* tests/host/cli/run.c */
#include "tests/host/cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void drain(int fds[2], pt_buf *bufs[2])
{
    struct pollfd p[2] = { { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN } };
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        char piece[8192];
        if (poll(p, 2, 30000) <= 0) return; /* a program that hangs is killed by the caller */
        for (int i = 0; i < 2; i++) {
            if (p[i].fd < 0 || !p[i].revents) continue;
            ssize_t n = read(p[i].fd, piece, sizeof piece);
            if (n <= 0) p[i].fd = -1;
            else if (pt_buf_add(bufs[i], piece, (size_t)n)) abort();
        }
    }
}

static void find_program(char path[4096])
{
    const char *bin = getenv("PLANTREE_BIN");
    snprintf(path, 4096, "%s/plantree", bin ? bin : "build/bin");
}

static outcome run(const char *path, const char *name, const char *env, const char *const *args)
{
    outcome o = { 0 };
    char *argv[160] = { (char *)(uintptr_t)name }, *envp[256];
    size_t n = 0;
    int out[2], err[2], status = 0;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    for (size_t i = 0; args[i] && i < 158; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    for (char **e = environ; *e && n < 254; e++) {
        if (strncmp(*e, "PLANTREE_URL=", 13) && strncmp(*e, "PLANTREE_TOKEN=", 15)) envp[n++] = *e;
    }
    if (env) envp[n++] = (char *)(uintptr_t)env;
    envp[n] = NULL;
    pt_buf_init(&o.out, 128 << 20);
    pt_buf_init(&o.err, 1 << 20);
    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) abort();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    if (posix_spawn(&pid, path, &actions, NULL, argv, envp)) {
        perror(path);
        exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    drain((int[2]){ out[0], err[0] }, (pt_buf *[2]){ &o.out, &o.err });
    close(out[0]);
    close(err[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* again */
    }
    o.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (pt_buf_reserve(&o.out, 1) || pt_buf_reserve(&o.err, 1)) abort();
    o.out.ptr[o.out.len] = o.err.ptr[o.err.len] = '\0';
    if (is_sanitizers(o.err.ptr)) { /* whatever the exit code */
        fprintf(stderr, "%s", o.err.ptr);
        exit(1);
    }
    return o;
}

outcome run_plantree(const char *env, const char *const *args)
{
    char path[4096];
    find_program(path);
    return run(path, "plantree", env, args);
}

outcome run_plantree_within(unsigned kb, const char *const *args)
{
    char path[4096], limit[80];
    const char *all[160] = { "-c", limit, path };
    find_program(path);
    snprintf(limit, sizeof limit, "ulimit -d %u; exec \"$0\" \"$@\"", kb);
    for (size_t i = 0; args[i] && i < 150; i++)
        all[3 + i] = args[i];
    return run("/bin/sh", "sh", NULL, all);
}

bool is_sanitizers(const char *text)
{
    return strstr(text, "Sanitizer: ") || strstr(text, ": runtime error: ");
}

void outcome_release(outcome *o)
{
    pt_buf_fini(&o->out);
    pt_buf_fini(&o->err);
}

bool outcome_says(const pt_buf *text, const char *what)
{
    return strstr(text->ptr, what) != NULL;
}
