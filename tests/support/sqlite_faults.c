/* tests/support/sqlite_faults.c -- see sqlite_faults.h. */
#include "tests/support/sqlite_faults.h"

#include <sqlite3.h>
#include <string.h>

static struct {
    _Atomic bool on;
    sqlite_fault kind;
    bool sticky;
    int code;
    _Atomic long nth, count, struck;
} faults;

static bool strike(sqlite_fault kind)
{
    if (!faults.on || faults.kind != kind) return false;
    long n = ++faults.count;
    bool hit = faults.sticky ? n >= faults.nth : n == faults.nth;
    if (hit) faults.struck++;
    return hit;
}

void sqlite_faults_arm(sqlite_fault kind, long nth, bool sticky, int code)
{
    faults.on = false;
    faults.kind = kind;
    faults.sticky = sticky;
    faults.code = code;
    faults.nth = nth;
    faults.count = faults.struck = 0;
    faults.on = true;
}

void sqlite_faults_off(void)
{
    faults.on = false;
}

long sqlite_faults_struck(void)
{
    return faults.struck;
}

/* --- the file: everything but writes, truncations and syncs goes straight through --- */

typedef struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
} shim_file;

static sqlite3_vfs *real_vfs;
static sqlite3_io_methods methods;

#define REAL(f) (((shim_file *)(f))->real)
#define THROUGH(name, call, ...)                    \
    static int name(sqlite3_file *f, ##__VA_ARGS__) \
    {                                               \
        return REAL(f)->pMethods->call;             \
    }
THROUGH(f_read, xRead(REAL(f), p, n, at), void *p, int n, sqlite3_int64 at)
THROUGH(f_size, xFileSize(REAL(f), n), sqlite3_int64 *n)
THROUGH(f_lock, xLock(REAL(f), l), int l)
THROUGH(f_unlock, xUnlock(REAL(f), l), int l)
THROUGH(f_reserved, xCheckReservedLock(REAL(f), r), int *r)
THROUGH(f_control, xFileControl(REAL(f), op, p), int op, void *p)
THROUGH(f_sector, xSectorSize(REAL(f)))
THROUGH(f_device, xDeviceCharacteristics(REAL(f)))
THROUGH(f_map, xShmMap(REAL(f), page, size, extend, p), int page, int size, int extend, void volatile **p)
THROUGH(f_shm_lock, xShmLock(REAL(f), at, n, flags), int at, int n, int flags)
THROUGH(f_unmap, xShmUnmap(REAL(f), del), int del)

static void f_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int f_close(sqlite3_file *f)
{
    int rc = REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK;
    sqlite3_free(REAL(f));
    return rc;
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return strike(SQLITE_FAULT_WRITES) ? faults.code : REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return strike(SQLITE_FAULT_WRITES) ? SQLITE_IOERR_TRUNCATE : REAL(f)->pMethods->xTruncate(REAL(f), n);
}
static int f_sync(sqlite3_file *f, int flags)
{
    return strike(SQLITE_FAULT_SYNCS) ? SQLITE_IOERR_FSYNC : REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)v;
    shim_file *s = (shim_file *)f;
    s->base.pMethods = NULL;
    s->real = sqlite3_malloc(real_vfs->szOsFile);
    if (!s->real) return SQLITE_NOMEM;
    memset(s->real, 0, (size_t)real_vfs->szOsFile);
    int rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out);
    if (rc != SQLITE_OK) {
        sqlite3_free(s->real);
        return rc;
    }
    s->base.pMethods = &methods;
    return SQLITE_OK;
}

/* --- memory --- */

static sqlite3_mem_methods real_memory;
static void *m_alloc(int n)
{
    return strike(SQLITE_FAULT_ALLOCATIONS) ? NULL : real_memory.xMalloc(n);
}
static void *m_realloc(void *p, int n)
{
    return strike(SQLITE_FAULT_ALLOCATIONS) ? NULL : real_memory.xRealloc(p, n);
}

bool sqlite_faults_install(void)
{
    static sqlite3_vfs shim;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK) return false;
    sqlite3_mem_methods memory = real_memory;
    memory.xMalloc = m_alloc;
    memory.xRealloc = m_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK || sqlite3_initialize() != SQLITE_OK) return false;
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.zName = "failing";
    shim.szOsFile = (int)sizeof(shim_file);
    shim.xOpen = v_open;
    methods = (sqlite3_io_methods){ .iVersion = 2,
                                    .xClose = f_close,
                                    .xRead = f_read,
                                    .xWrite = f_write,
                                    .xTruncate = f_truncate,
                                    .xSync = f_sync,
                                    .xFileSize = f_size,
                                    .xLock = f_lock,
                                    .xUnlock = f_unlock,
                                    .xCheckReservedLock = f_reserved,
                                    .xFileControl = f_control,
                                    .xSectorSize = f_sector,
                                    .xDeviceCharacteristics = f_device,
                                    .xShmMap = f_map,
                                    .xShmLock = f_shm_lock,
                                    .xShmBarrier = f_barrier,
                                    .xShmUnmap = f_unmap };
    return sqlite3_vfs_register(&shim, 1) == SQLITE_OK;
}
