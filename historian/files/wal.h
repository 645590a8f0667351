/* historian/files/wal.h -- what a killed program left in the -wal file of a database: is all of it still readable?
 *
 * SQLite reads such a file up to the first frame whose checksum is wrong and forgets the rest, since a frame torn by the crash looks the
 * same. But commits are synced one by one: a torn one is the last. Where whole commits stand behind the wrong frame, it was damaged later,
 * and they are lost without a word. This looks before SQLite does. Format: https://www.sqlite.org/fileformat2.html, chapter 4. */
#ifndef HIST_WAL_H
#define HIST_WAL_H
#include "base/log.h"
#include "base/status.h"
#include "historian/files/db.h"

#include <stdint.h>

typedef struct hist__wal {
    uint64_t frame;   /* number of the damaged one, from 1; 0: the file's header; only when `commits` > 0 */
    uint64_t commits; /* behind it, which can't be read (some may be in the database already); 0: all is well, or there is no such file */
} hist__wal;

/* Only while nobody writes to the database: under the directory's lock. PT_EIO and the like: it can't be read. */
PT_MUST_CHECK pt_status hist__wal_look(const char *database, hist__wal *out, pt_error *err);
/* Look; where something is lost say HIST-DAMAGED-WAL, keep the file as DATABASE-wal.damaged-N, and have SQLite take from it what it can. */
PT_MUST_CHECK pt_status hist__wal_keep(const char *database, hist__file kind, const pt_log *log, pt_error *err);
#endif
