/* historian/files/pages.h -- a checksum in every page of our SQLite files.
 *
 * SQLite notices some damage to its pages and not other: a changed number in a row, or a row that is in no page any more, gives a wrong
 * answer without an error. So a VFS of our own stands between SQLite and the one of the operating system. Files have 8 reserved bytes at
 * the end of each page (a feature of SQLite's format; whoever reads them sees ordinary files): XXH64 of the bytes before, seeded with the
 * page's number. It is written with the page and looked at when the page is read; a page that is not what was written fails with
 * SQLITE_IOERR_DATA, which is PT_ECORRUPT here.
 *
 * Eight zero bytes are no checksum: while a page is in memory or in the -wal file (which has sums of SQLite's own) it carries none, so a
 * program without this VFS that finishes what a killed one left in the -wal leaves readable pages behind. Whoever changes pages without it,
 * leaves damaged ones. */
#ifndef HIST_PAGES_H
#define HIST_PAGES_H
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { HIST__PAGE_RESERVE = 8 };

/* Open with our VFS, as sqlite3_open_v2 would; *db is to be closed in any case. */
int hist__pages_open(const char *name, sqlite3 **db, int flags);
/* Ask for the reserved bytes: before the file's first page is written, or before a VACUUM. Another result than SQLITE_OK: SQLite's. */
int hist__pages_reserve(sqlite3 *db);
bool hist__pages_reserved(sqlite3 *db); /* does the file have them? After the first statement that read it. */
/* The file about to be written whole, from the pages of `like`, will have what that has: for backups, whose pages come in any order. */
void hist__pages_as(sqlite3 *db, sqlite3 *like);
/* Number (from 1) of the page that was last found damaged through this connection, 0: none, or not opened with our VFS. */
int64_t hist__pages_damaged(sqlite3 *db);
#endif
