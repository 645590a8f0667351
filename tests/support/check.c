/* tests/support/check.c -- one CUnit registry per program, plain output, exit code from the failures. */
#include "tests/support/check.h"

#include <CUnit/Basic.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dirs[64][256];
static size_t n_dirs;

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_dirs(void)
{
    for (size_t i = 0; i < n_dirs; i++)
        nftw(dirs[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *pt_test_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    if (n_dirs == PT_COUNT_OF(dirs)) abort();
    if (n_dirs == 0) atexit(remove_dirs);
    char *d = dirs[n_dirs];
    snprintf(d, sizeof dirs[0], "%s/plantree-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(d)) {
        perror(d);
        exit(1);
    }
    n_dirs++;
    return d;
}

void pt_check_at(bool ok, bool fatal, const char *file, int line, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    if (ok) {
        CU_assertImplementation(CU_TRUE, (unsigned)line, "", file, "", CU_FALSE);
        return;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    CU_assertImplementation(CU_FALSE, (unsigned)line, text, file, "", fatal ? CU_TRUE : CU_FALSE);
}

void pt_check_hex_at(pt_slice got, const char *hex, const char *file, int line)
{
    char *text = malloc(got.len * 2 + 1);
    char *want = malloc(strlen(hex) + 1);
    size_t n = 0;
    if (!text || !want) abort();
    for (size_t i = 0; i < got.len; i++)
        snprintf(text + i * 2, 3, "%02x", (unsigned char)got.ptr[i]);
    text[got.len * 2] = '\0';
    for (const char *p = hex; *p; p++) {
        if (*p != ' ' && *p != '\n') want[n++] = *p;
    }
    want[n] = '\0';
    pt_check_at(strcmp(text, want) == 0, false, file, line, "bytes are %s, not %s", text, want);
    free(text);
    free(want);
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

pt_slice pt_unhex(const char *hex, char *buf, size_t cap)
{
    size_t n = 0;
    int high = -1;
    for (const char *p = hex; *p; p++) {
        if (*p == ' ' || *p == '\n') continue;
        int v = nibble(*p);
        if (v < 0) break;
        if (high < 0) {
            high = v;
        } else {
            if (n == cap) break;
            buf[n++] = (char)(high << 4 | v);
            high = -1;
        }
    }
    return pt_slice_of(buf, n);
}

int pt_test_main(const char *suite_name, const pt_test *tests, size_t n, int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    size_t added = 0;
    for (size_t i = 0; suite && i < n; i++) {
        if (argc > 1 && !strstr(tests[i].name, argv[1])) continue;
        if (!CU_add_test(suite, tests[i].name, tests[i].run)) return 1;
        added++;
    }
    if (!suite || added == 0) {
        fprintf(stderr, "no test matches\n");
        return 1;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    int rc = CU_get_number_of_failure_records() ? 1 : 0;
    CU_cleanup_registry();
    return rc;
}
