/* tests/support/check.h -- the tests' few words on top of CUnit.
 *
 *     static void a_parsed_topic_keeps_its_ids(void) { CHECK_OK(spb_topic_parse(...)); }
 *     int main(int argc, char **argv) { static const pt_test tests[] = { PT_TEST(a_parsed_topic_keeps_its_ids), ... };
 *                      return pt_test_main("sparkplug/topic", tests, PT_COUNT_OF(tests), argc, argv); }
 *
 * Test names are sentences. A check that fails is recorded and the test goes on; the FATAL forms stop it.
 * `plantree test programs` take one optional argument: a substring of the names to run. */
#ifndef PT_CHECK_H
#define PT_CHECK_H
#include "base/slice.h"
#include "base/status.h"

#include <CUnit/CUnit.h>

typedef struct pt_test {
    const char *name;
    void (*run)(void);
} pt_test;
#define PT_TEST(f) \
    {              \
#f, f      \
    }

int pt_test_main(const char *suite, const pt_test *tests, size_t n, int argc, char **argv);

void pt_check_at(bool ok, bool fatal, const char *file, int line, const char *fmt, ...) PT_PRINTF(5, 6);
void pt_check_hex_at(pt_slice got, const char *hex, const char *file, int line);

#define CHECK(cond)       pt_check_at((cond), false, __FILE__, __LINE__, "%s", #cond)
#define CHECK_FATAL(cond) pt_check_at((cond), true, __FILE__, __LINE__, "%s", #cond)
/* One row of a table test; `row` (a string: usually the requirement id) is shown on failure. */
#define CHECK_ROW(row, cond) pt_check_at((cond), false, __FILE__, __LINE__, "[%s] %s", (row), #cond)
#define CHECK_OK(expr)                                                                                            \
    do {                                                                                                          \
        pt_status check_st_ = (expr);                                                                             \
        pt_check_at(check_st_ == PT_OK, false, __FILE__, __LINE__, "%s is %s", #expr, pt_status_name(check_st_)); \
    } while (0)
#define CHECK_OK_FATAL(expr)                                                                                     \
    do {                                                                                                         \
        pt_status check_st_ = (expr);                                                                            \
        pt_check_at(check_st_ == PT_OK, true, __FILE__, __LINE__, "%s is %s", #expr, pt_status_name(check_st_)); \
    } while (0)
#define CHECK_STATUS(expr, want)                                                                                          \
    do {                                                                                                                  \
        pt_status check_st_ = (expr);                                                                                     \
        pt_check_at(check_st_ == (want), false, __FILE__, __LINE__, "%s is %s, not %s", #expr, pt_status_name(check_st_), \
                    pt_status_name(want));                                                                                \
    } while (0)
#define CHECK_INT(got, want)                                                                                            \
    do {                                                                                                                \
        long long check_g_ = (long long)(got), check_w_ = (long long)(want);                                            \
        pt_check_at(check_g_ == check_w_, false, __FILE__, __LINE__, "%s is %lld, not %lld", #got, check_g_, check_w_); \
    } while (0)
#define CHECK_STR(got, want)                                                                                                               \
    do {                                                                                                                                   \
        pt_slice check_g_ = (got), check_w_ = pt_cstr(want);                                                                               \
        pt_check_at(pt_slice_eq(check_g_, check_w_), false, __FILE__, __LINE__, "%s is '%.*s', not '%.*s'", #got, PT_SLICE_ARGS(check_g_), \
                    PT_SLICE_ARGS(check_w_));                                                                                              \
    } while (0)
/* Bytes against hex text; blanks in the text are ignored. */
#define CHECK_HEX(got, hex) pt_check_hex_at((got), (hex), __FILE__, __LINE__)

/* Hex text (blanks ignored) to bytes in caller's storage; returns the slice. Fatal on bad text or no room. */
pt_slice pt_unhex(const char *hex, char *buf, size_t cap);

/* A fresh directory under ${TMPDIR:-/tmp}, removed with its content when the test program ends. NUL-terminated, owned by the support. */
const char *pt_test_dir(void);
#endif
