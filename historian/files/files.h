/* historian/files/files.h -- what this room gives to those above it: SQLite with every result checked (db.h), checksums of pages (pages.h),
 * damaged -wal files (wal.h), summaries as columns (summary.h), weeks and their read connections (weeks.h). */
#ifndef HIST_FILES_H
#define HIST_FILES_H
#include "historian/files/db.h"
#include "historian/files/pages.h"
#include "historian/files/summary.h"
#include "historian/files/wal.h"
#include "historian/files/weeks.h"
#endif
