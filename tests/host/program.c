/* tests/host/program.c -- see program.h. */
#include "tests/host/program.h"

#include "tests/support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void program_config(program *p, const char *yaml)
{
    FILE *f = fopen(p->config, "w");
    CHECK_FATAL(f != NULL);
    for (; *yaml; yaml++) {
        if (*yaml == '$') fputs(p->dir, f);
        else fputc(*yaml, f);
    }
    CHECK_FATAL(fclose(f) == 0);
}

void program_open(program *p, const char *yaml)
{
    static unsigned made;
    *p = (program){ 0 };
    snprintf(p->dir, sizeof p->dir, "%s/p%u", pt_test_dir(), made++);
    CHECK_FATAL(mkdir(p->dir, 0700) == 0);
    snprintf(p->config, sizeof p->config, "%s/host.yaml", p->dir);
    program_config(p, yaml);
}

static pid_t spawn(const program *p, const char *const *args, const char *file, int flags)
{
    char path[512], out[300];
    const char *bin = getenv("PLANTREE_BIN"), *argv[16] = { path };
    snprintf(path, sizeof path, "%s/plantree-host", bin ? bin : "build/bin");
    snprintf(out, sizeof out, "%s/%s", p->dir, file);
    for (size_t i = 0; args[i] && i < 14; i++)
        argv[i + 1] = args[i];
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | flags, 0600);
        if (fd < 0 || dup2(fd, 2) < 0 || dup2(fd, 1) < 0 || chdir(p->dir) != 0) _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int wait_end(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void program_start(program *p)
{
    p->pid = spawn(p, (const char *const[]){ "--config", p->config, NULL }, "host.log", O_APPEND);
}

int program_wait(program *p)
{
    CHECK_FATAL(p->pid > 0);
    int rc = wait_end(p->pid);
    p->pid = 0;
    return rc;
}

int program_end(program *p, int sig)
{
    CHECK_FATAL(p->pid > 0 && kill(p->pid, sig) == 0);
    return program_wait(p);
}

int program_run(program *p, const char *const *args, char *out, size_t cap)
{
    char file[300];
    int rc = wait_end(spawn(p, args, "run.out", O_TRUNC));
    snprintf(file, sizeof file, "%s/run.out", p->dir);
    FILE *f = fopen(file, "r");
    CHECK_FATAL(f != NULL);
    out[fread(out, 1, cap - 1, f)] = 0;
    fclose(f);
    return rc;
}

static size_t scan(const program *p, const char *text, long *number)
{
    char file[300], line[4096];
    size_t n = 0;
    snprintf(file, sizeof file, "%s/host.log", p->dir);
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, text);
        if (!at) continue;
        if (number && n == 0) *number = strtol(at + strlen(text), NULL, 10);
        n++;
    }
    if (f) fclose(f);
    return n;
}

size_t program_logged(const program *p, const char *text)
{
    return scan(p, text, NULL);
}

long program_number(const program *p, const char *text)
{
    long n = -1;
    (void)scan(p, text, &n);
    return n;
}
