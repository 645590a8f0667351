/* historian/write/write.h -- an open store, as the rooms write/, read/ and repair/ share it: options, and five objects that own their locks
 * and fields. Nobody else touches those (tests/include_check); each has a header with what it does for others. The theory is at the top of
 * store.c. */
#ifndef HIST_WRITE_H
#define HIST_WRITE_H
#include "historian/files/files.h"
#include "historian/format/format.h"
#include "historian/historian.h"
#include "historian/write/catalog.h"
#include "historian/write/journal_db.h"
#include "historian/write/pending.h"
#include "historian/write/writer.h"

struct hist {
    hist_options o;
    char *dir;             /* owned; o.dir points to it */
    const pt_clock *clock; /* borrowed */
    const pt_log *log;     /* borrowed */
    int lock_fd;           /* -1: read-only */
    /* Given by the store above: make a damaged file anew (historian/repair/repair.h). NULL: damaged files stay. */
    pt_status (*mend)(hist *h, hist__file kind, int64_t start_ms, bool ours, pt_error *err);

    hist__catalog catalog; /* tags, their names and ids */
    hist__pending pending; /* rows in no block yet, and what is stored of each tag */
    hist__weeks weeks;     /* which files of blocks there are, and read connections to them */
    hist__journal journal; /* the writer's thread alone; read-only: whoever refreshes */
    hist__writer writer;
};

static inline uint32_t hist__tag_count(hist *h)
{
    return hist__catalog_count(&h->catalog);
}
/* `dir`/`name`, NUL-terminated, to be freed; NULL when out of memory. */
char *hist__path(const hist *h, const char *name);

/* bare.c */
/* A store that is not open: directory, codec and buffers for working on its files. With `lock` it holds the directory's lock. */
PT_MUST_CHECK pt_status hist__bare_new(const char *dir, const pt_log *log, bool lock, hist **out, pt_error *err);
void hist__bare_free(hist *h);
/* An empty store with its objects and locks; to be freed with hist__bare_free. */
PT_MUST_CHECK pt_status hist__new(const char *dir, const pt_clock *clock, const pt_log *log, hist **out, pt_error *err);
PT_MUST_CHECK pt_status hist__lock_take(hist *h, pt_error *err); /* PT_EBUSY: another process has the directory */

/* events.c: something the historian did itself; `detail` is a JSON object. One that can't be kept is said in the log. */
void hist__event_say(hist *h, const char *type, pt_slice path, const pt_buf *detail);

/* recover.c, read-only: bring what is in memory up to date with the files. Any thread. */
PT_MUST_CHECK pt_status hist__journal_refresh(hist *h, pt_error *err);
#endif
