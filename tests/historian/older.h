/* tests/historian/older.h -- a file as a build left it that knew no checksums of pages: made by plain SQLite, which reserves no bytes, with
 * an older number. */
#ifndef HIST_TEST_OLDER_H
#define HIST_TEST_OLDER_H
void make_older(const char *path, int format); /* closed, nothing in its -wal */
#endif
