/* historian/files/pages.c -- the VFS of pages.h. Everything but reading and writing pages of a database goes straight through. */
#include "historian/files/pages.h"
#include "historian/format/format.h"

static const char NAME[] = "plantree";
/* Our file controls; SQLite leaves numbers above 100 to VFSes. */
enum { CONTROL_DAMAGED = 0x50540001, CONTROL_GET_SIZE, CONTROL_SET_SIZE };

typedef struct page_file {
    sqlite3_file base;
    sqlite3_file *real; /* owned; the file of the default VFS */
    bool database;      /* and not a -wal, a journal, a temporary file */
    int size;  /* of a page with a checksum; 0: the file has none, or nothing is known of it yet. Once known it stays: a byte may be damaged
                  later */
    bool maps; /* it has pointer maps (auto_vacuum) */
    uint8_t *scratch; /* owned, sqlite3_malloc: a page on its way to the disk */
    int scratch_size;
    int64_t damaged;
} page_file;

static page_file *of(sqlite3_file *f)
{
    return (page_file *)f;
}

static uint64_t sum_of(const uint8_t *page, int size, int64_t at)
{
    uint64_t sum = XXH64(page, (size_t)size - HIST__PAGE_RESERVE, (uint64_t)(at / size) + 1);
    return sum ? sum : 1;
}

/* The file's first bytes say how large its pages are and how much of them is reserved. */
static void look_at_header(page_file *f, const uint8_t *p)
{
    if (f->size || memcmp(p, "SQLite format 3", 16) != 0) return;
    int size = p[16] << 8 | p[17];
    if (size == 1) size = 65536;
    if (p[20] != HIST__PAGE_RESERVE || size < 512) return;
    f->size = size;
    f->maps = (p[52] | p[53] | p[54] | p[55]) != 0;
}

static unsigned big16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Nothing but zeros where a sector ends the page, and not because what stood there was deleted: no cell of ours ends so, texts and blocks
 * do not. */
static bool zero_end(const uint8_t *p, const uint8_t *head, unsigned usable)
{
    enum { SECTOR_REST = 512 - HIST__PAGE_RESERVE };
    for (unsigned i = usable - SECTOR_REST; i < usable; i++) {
        if (p[i]) return false;
    }
    for (unsigned at = big16(head + 1), next; at && at + 4 <= usable; at = next) { /* free blocks, ascending */
        next = big16(p + at);
        if (at + big16(p + at + 2) == usable) return false;
        if (next <= at) break;
    }
    return true;
}

/* Of a page without a sum: not one whose end a disk has given back as zeros? Cells stand at the end of a b-tree's page, and none begins
 * with a zero there: it has a payload, or a page below it. (Chapter 1.6 of https://www.sqlite.org/fileformat2.html.) */
static bool plausible(const page_file *f, const uint8_t *p, int64_t number)
{
    enum { INDEX_INTERIOR = 2, TABLE_INTERIOR = 5, INDEX_LEAF = 10, TABLE_LEAF = 13 };
    unsigned usable = (unsigned)f->size - HIST__PAGE_RESERVE, start = number == 1 ? 100 : 0;
    const uint8_t *head = p + start;
    bool interior = *head == INDEX_INTERIOR || *head == TABLE_INTERIOR;
    if (f->maps && number >= 2 && (number - 2) % (usable / 5 + 1) == 0) return true;
    if (!interior && *head != INDEX_LEAF && *head != TABLE_LEAF) return true;
    unsigned cells = big16(head + 3), pointers = start + (interior ? 12 : 8), behind = pointers + 2 * cells;
    if (behind > usable || (cells && zero_end(p, head, usable))) return false;
    for (unsigned i = 0; i < cells; i++) {
        unsigned at = big16(p + pointers + 2 * i);
        if (at < behind || at + 4 > usable) return false;
        if (interior ? hist__load32(p + at) == 0 : p[at] == 0) return false;
        if (*head == INDEX_INTERIOR && (at + 5 > usable || p[at + 4] == 0)) return false;
    }
    return true;
}

static bool is_page(const page_file *f, int n, sqlite3_int64 at)
{
    return f->size && n == f->size && at % n == 0;
}

static int refuse(page_file *f, int64_t number)
{
    f->damaged = number;
    return SQLITE_IOERR_DATA;
}

static bool is_damaged(const page_file *f, const uint8_t *p, uint64_t sum, int64_t at)
{
    return sum ? sum != sum_of(p, f->size, at) : !plausible(f, p, at / f->size + 1);
}

/* All of a page but its reserved bytes: how newer SQLite reads the pages of a long value. */
static int read_overflow(page_file *f, const uint8_t *p, int64_t at)
{
    uint8_t end[HIST__PAGE_RESERVE];
    int rc = f->real->pMethods->xRead(f->real, end, sizeof end, at + f->size - HIST__PAGE_RESERVE);
    if (rc != SQLITE_OK) return rc;
    uint64_t sum = hist__load64(end);
    return sum && sum != sum_of(p, f->size, at) ? refuse(f, at / f->size + 1) : SQLITE_OK;
}

static int f_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
    page_file *f = of(file);
    uint8_t *p = to;
    sqlite3_int64 size = 0;
    int rc = f->real->pMethods->xRead(f->real, to, n, at);
    if (!f->database) return rc;
    if (rc == SQLITE_IOERR_SHORT_READ && is_page(f, n, at)) /* behind the end, or cut off? */
        return f->real->pMethods->xFileSize(f->real, &size) == SQLITE_OK && size > at ? refuse(f, at / n + 1) : rc;
    if (rc != SQLITE_OK) return rc;
    if (at == 0 && n >= 100) look_at_header(f, p);
    if (f->size && n == f->size - HIST__PAGE_RESERVE && at % f->size == 0) return read_overflow(f, p, at);
    if (!is_page(f, n, at)) return rc;
    if (is_damaged(f, p, hist__load64(p + n - HIST__PAGE_RESERVE), at)) return refuse(f, at / n + 1);
    hist__store64(p + n - HIST__PAGE_RESERVE, 0);
    return rc;
}

static int f_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
    page_file *f = of(file);
    if (f->database && at == 0 && n >= 100) look_at_header(f, from);
    if (!f->database || !is_page(f, n, at)) return f->real->pMethods->xWrite(f->real, from, n, at);
    if (f->scratch_size < n) {
        uint8_t *more = sqlite3_realloc(f->scratch, n);
        if (!more) return SQLITE_IOERR_NOMEM;
        f->scratch = more;
        f->scratch_size = n;
    }
    memcpy(f->scratch, from, (size_t)n - HIST__PAGE_RESERVE);
    hist__store64(f->scratch + n - HIST__PAGE_RESERVE, sum_of(f->scratch, n, at));
    return f->real->pMethods->xWrite(f->real, f->scratch, n, at);
}

/* A file that was empty when it was opened may have its first page in the -wal since: what stands on the disk says how large pages are all
 * the same. */
static int get_size(page_file *f, int *out)
{
    uint8_t head[100];
    if (!f->size && f->database && f->real->pMethods->xRead(f->real, head, sizeof head, 0) == SQLITE_OK) look_at_header(f, head);
    *out = f->size;
    return SQLITE_OK;
}

static int f_control(sqlite3_file *file, int op, void *arg)
{
    page_file *f = of(file);
    switch (op) {
    case CONTROL_DAMAGED: *(int64_t *)arg = f->damaged; return SQLITE_OK;
    case CONTROL_GET_SIZE: return get_size(f, arg);
    case CONTROL_SET_SIZE: f->size = *(int *)arg; return SQLITE_OK;
    default: return f->real->pMethods->xFileControl(f->real, op, arg);
    }
}

static int f_close(sqlite3_file *file)
{
    page_file *f = of(file);
    int rc = f->real->pMethods->xClose(f->real);
    sqlite3_free(f->real);
    sqlite3_free(f->scratch);
    return rc;
}

#define REAL of(f)->real
#define THROUGH(name, args, call)    \
    static int name args             \
    {                                \
        return REAL->pMethods->call; \
    }
THROUGH(f_truncate, (sqlite3_file * f, sqlite3_int64 n), xTruncate(REAL, n))
THROUGH(f_sync, (sqlite3_file * f, int flags), xSync(REAL, flags))
THROUGH(f_size, (sqlite3_file * f, sqlite3_int64 *n), xFileSize(REAL, n))
THROUGH(f_lock, (sqlite3_file * f, int l), xLock(REAL, l))
THROUGH(f_unlock, (sqlite3_file * f, int l), xUnlock(REAL, l))
THROUGH(f_reserved, (sqlite3_file * f, int *r), xCheckReservedLock(REAL, r))
THROUGH(f_sector, (sqlite3_file * f), xSectorSize(REAL))
THROUGH(f_device, (sqlite3_file * f), xDeviceCharacteristics(REAL))
THROUGH(f_map, (sqlite3_file * f, int page, int size, int extend, void volatile **p), xShmMap(REAL, page, size, extend, p))
THROUGH(f_shm_lock, (sqlite3_file * f, int at, int n, int flags), xShmLock(REAL, at, n, flags))
THROUGH(f_unmap, (sqlite3_file * f, int del), xShmUnmap(REAL, del))
static void f_barrier(sqlite3_file *f)
{
    REAL->pMethods->xShmBarrier(REAL);
}

/* Version 2: without xFetch SQLite maps no file into memory, where pages would come in unseen. */
static const sqlite3_io_methods METHODS = {
    .iVersion = 2,
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
    .xShmUnmap = f_unmap,
};

/* The default VFS is asked for anew each time: a program (or a test) may have put another one there since. */
static sqlite3_vfs *under(void)
{
    return sqlite3_vfs_find(NULL);
}

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)v;
    page_file *f = of(file);
    sqlite3_vfs *os = under();
    *f = (page_file){ .database = (flags & SQLITE_OPEN_MAIN_DB) != 0 };
    f->real = sqlite3_malloc(os->szOsFile);
    if (!f->real) return SQLITE_NOMEM;
    memset(f->real, 0, (size_t)os->szOsFile);
    int rc = os->xOpen(os, name, f->real, flags, out);
    if (rc == SQLITE_OK) {
        f->base.pMethods = &METHODS;
        return rc;
    }
    if (f->real->pMethods) f->real->pMethods->xClose(f->real);
    sqlite3_free(f->real);
    return rc;
}
static int v_delete(sqlite3_vfs *v, const char *name, int sync)
{
    return (void)v, under()->xDelete(under(), name, sync);
}
static int v_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
    return (void)v, under()->xAccess(under(), name, flags, out);
}
static int v_full(sqlite3_vfs *v, const char *name, int n, char *out)
{
    return (void)v, under()->xFullPathname(under(), name, n, out);
}
static void *v_dl_open(sqlite3_vfs *v, const char *name)
{
    return (void)v, under()->xDlOpen(under(), name);
}
static void v_dl_error(sqlite3_vfs *v, int n, char *out)
{
    (void)v, under()->xDlError(under(), n, out);
}
static void (*v_dl_sym(sqlite3_vfs *v, void *library, const char *name))(void)
{
    return (void)v, under()->xDlSym(under(), library, name);
}
static void v_dl_close(sqlite3_vfs *v, void *library)
{
    (void)v, under()->xDlClose(under(), library);
}
static int v_random(sqlite3_vfs *v, int n, char *out)
{
    return (void)v, under()->xRandomness(under(), n, out);
}
static int v_sleep(sqlite3_vfs *v, int us)
{
    return (void)v, under()->xSleep(under(), us);
}
static int v_time(sqlite3_vfs *v, double *out)
{
    return (void)v, under()->xCurrentTime(under(), out);
}
static int v_time64(sqlite3_vfs *v, sqlite3_int64 *out)
{
    return (void)v, under()->xCurrentTimeInt64(under(), out);
}
static int v_error(sqlite3_vfs *v, int n, char *out)
{
    return (void)v, under()->xGetLastError(under(), n, out);
}

int hist__pages_open(const char *name, sqlite3 **db, int flags)
{
    /* SQLite keeps VFSes in a list of the whole process and threads it through this: the one thing here that is neither a caller's nor
     * constant. */
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(page_file),
        .mxPathname = 1024,
        .zName = NAME,
        .xOpen = v_open,
        .xDelete = v_delete,
        .xAccess = v_access,
        .xFullPathname = v_full,
        .xDlOpen = v_dl_open,
        .xDlError = v_dl_error,
        .xDlSym = v_dl_sym,
        .xDlClose = v_dl_close,
        .xRandomness = v_random,
        .xSleep = v_sleep,
        .xCurrentTime = v_time,
        .xGetLastError = v_error,
        .xCurrentTimeInt64 = v_time64,
    };
    /* Twice by two threads is once: SQLite takes it out of its list before it puts it in. Where it can't, opening says so. */
    if (!sqlite3_vfs_find(NAME)) (void)sqlite3_vfs_register(&vfs, 0);
    return sqlite3_open_v2(name, db, flags, NAME);
}

int hist__pages_reserve(sqlite3 *db)
{
    int n = HIST__PAGE_RESERVE;
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
}

bool hist__pages_reserved(sqlite3 *db)
{
    int size = 0;
    return sqlite3_file_control(db, "main", CONTROL_GET_SIZE, &size) == SQLITE_OK && size > 0;
}

void hist__pages_as(sqlite3 *db, sqlite3 *like)
{
    int size = 0;
    if (sqlite3_file_control(like, "main", CONTROL_GET_SIZE, &size) == SQLITE_OK)
        (void)sqlite3_file_control(db, "main", CONTROL_SET_SIZE, &size);
}

int64_t hist__pages_damaged(sqlite3 *db)
{
    int64_t page = 0;
    return sqlite3_file_control(db, "main", CONTROL_DAMAGED, &page) == SQLITE_OK ? page : 0;
}
