/* base/assert.h -- pt_assert: what is true whatever comes from outside; when it is not, the fault is in this code.
 *
 *     pt_assert(q->count <= q->cap);
 *
 * Checked in debug, sanitizer and fuzz builds (PT_ASSERTS=1, set by CMake): the condition is printed with its place to standard error and
 * the process aborts. In a release the condition is compiled and never evaluated, so it must have no effect. Never for input, for the
 * system's answers or for memory that is missing: those are a pt_status. Not guarded: included anew, it follows what PT_ASSERTS is now. */
#undef pt_assert
#if (defined(PT_ASSERTS) && PT_ASSERTS) || defined(__clang_analyzer__)
#define pt_assert(cond) ((cond) ? (void)0 : pt_assert_failed(__FILE__, __LINE__, #cond))
#else
#define pt_assert(cond) ((void)sizeof((cond) ? 1 : 0))
#endif

#ifndef PT_ASSERT_H
#define PT_ASSERT_H
/* Any thread. Prints one line to standard error and aborts. */
_Noreturn void pt_assert_failed(const char *file, int line, const char *cond);
#endif
