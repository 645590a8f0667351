/* tests/bench/main.c -- plantree-bench: list, or run one benchmark or all. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_table.h" /* made by the build: declarations of every X_bench and the list of them */

static const char usage[] = "usage: plantree-bench list\n"
                            "       plantree-bench NAME|all [--quick] [--json] [--repetitions N] [--seed N] [--samples N]\n"
                            "\n"
                            "Each case measures both sides in the same run and prints their medians with minimum and maximum, the ratio,\n"
                            "and the goal it belongs to (docs/performance.md). A missed goal is reported, not an error.\n"
                            "\n"
                            "  --quick          within 20 s: less data, 3 repetitions\n"
                            "  --json           one object per case on a line of its own\n"
                            "  --repetitions N  of each side, 1..64; default 7\n"
                            "  --seed N         of the data generators; default 1\n"
                            "  --samples N      for historian-billion; default 1000000000, with --quick 20000000\n";

static const bench_entry *find(const char *name)
{
    for (size_t i = 0; i < PT_COUNT_OF(bench_table); i++) {
        for (const bench_entry *e = bench_table[i]; e->name; e++) {
            if (strcmp(e->name, name) == 0) return e;
        }
    }
    return NULL;
}

static void list(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(bench_table); i++) {
        for (const bench_entry *e = bench_table[i]; e->name; e++)
            printf("%-18s %s\n", e->name, e->what);
    }
}

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    return text && pt_slice_to_u64(pt_cstr(text), out) && *out >= min && *out <= max;
}

static bool parse(int argc, char **argv, bench_run *run, const char **name)
{
    uint64_t repetitions = 0;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--quick") == 0) {
            run->quick = true;
        } else if (strcmp(a, "--json") == 0) {
            run->json = true;
        } else if (strcmp(a, "--repetitions") == 0) {
            if (!number(argv[++i], 1, BENCH_REPETITIONS_MAX, &repetitions)) return false;
        } else if (strcmp(a, "--samples") == 0) {
            if (!number(argv[++i], 1, UINT64_C(100000000000), &run->samples)) return false;
        } else if (strcmp(a, "--seed") == 0) {
            if (!number(argv[++i], 0, UINT64_MAX, &run->seed)) return false;
        } else if (a[0] == '-' || *name) {
            return false;
        } else {
            *name = a;
        }
    }
    run->repetitions = repetitions ? (unsigned)repetitions : run->quick ? 3 : 7;
    return *name != NULL;
}

static int run_one(bench_run *run, const bench_entry *e)
{
    pt_error err = { 0 };
    pt_status st = e->run(run, &err);
    if (st == PT_OK) return 0;
    fprintf(stderr, "plantree-bench: %s could not run: %s: %s\n", e->name, pt_status_name(st), err.text);
    return 1;
}

static int run_named(bench_run *run, const char *name)
{
    int rc = 0;
    if (strcmp(name, "all") != 0) return run_one(run, find(name));
    for (size_t i = 0; i < PT_COUNT_OF(bench_table); i++) {
        for (const bench_entry *e = bench_table[i]; e->name; e++)
            rc |= run_one(run, e);
    }
    return rc;
}

static bool own_directory(char *bin, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", bin, cap - 1);
    if (n <= 0) return false;
    bin[n] = '\0';
    char *cut = strrchr(bin, '/');
    if (cut) *cut = '\0';
    return cut != NULL;
}

int main(int argc, char **argv)
{
    char bin[PATH_MAX], tmp[PATH_MAX];
    const char *name = NULL, *base = getenv("TMPDIR");
    bench_run run = { .seed = 1, .out = stdout, .bin = bin, .tmp = tmp };
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("plantree-bench " PLANTREE_VERSION);
        return 0;
    }
    if (!parse(argc, argv, &run, &name)) {
        fputs(usage, stderr);
        return 2;
    }
    if (strcmp(name, "list") == 0) {
        list();
        return 0;
    }
    if (strcmp(name, "all") != 0 && !find(name)) {
        fprintf(stderr, "plantree-bench: no benchmark '%s'; `plantree-bench list` names them\n", name);
        return 2;
    }
    if (!own_directory(bin, sizeof bin)) {
        fprintf(stderr, "plantree-bench: /proc/self/exe: %s\n", strerror(errno));
        return 1;
    }
    snprintf(tmp, sizeof tmp, "%s/plantree-bench-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(tmp)) {
        fprintf(stderr, "plantree-bench: %s: %s\n", tmp, strerror(errno));
        return 1;
    }
    int rc = run_named(&run, name);
    bench_remove(&run, tmp);
    return rc;
}
