/* tests/support/sqlite_faults.h -- SQLite over a disk and a memory that refuse the nth write, sync or allocation, once or from then on.
 *
 *     int main(..) { CHECK_FATAL(sqlite_faults_install()); ... }          before anything uses SQLite
 *     sqlite_faults_arm(SQLITE_FAULT_SYNCS, 3, false, 0); ... sqlite_faults_off();
 *
 * A shim over the default VFS and over SQLite's allocator. Any thread may be struck; arm and off while nothing else runs, or off at any
 * time. */
#ifndef PT_TEST_SQLITE_FAULTS_H
#define PT_TEST_SQLITE_FAULTS_H
#include <stdbool.h>

typedef enum sqlite_fault { SQLITE_FAULT_WRITES, SQLITE_FAULT_SYNCS, SQLITE_FAULT_ALLOCATIONS } sqlite_fault;

bool sqlite_faults_install(void);
/* The nth operation of this kind from now on fails; sticky: all behind it too. code: what a write answers (SQLITE_FULL,
 * SQLITE_IOERR_WRITE). */
void sqlite_faults_arm(sqlite_fault kind, long nth, bool sticky, int code);
void sqlite_faults_off(void);
long sqlite_faults_struck(void); /* how many failed since it was armed */
#endif
