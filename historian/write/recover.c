/* historian/write/recover.c -- from the files to the pending rows in memory: after a crash, an ordinary start, and for readers of another
 * process.
 *
 * Rows behind `sealed` are replayed in order. Some of them may be in blocks already (sealed, but the journal was not told yet): those are
 * looked up and left out, so nothing is counted twice; and so are those of weeks that were dropped. */
#include "historian/write/write.h"

#include <stdio.h>
#include <stdlib.h>

static pt_status put_row(hist *h, const hist_sample *s, int64_t row)
{
    hist__mark *mark = hist__mark_at(&h->writer, s->tag_id);
    bool state = hist__is_state(s);
    const hist_sample *stored = hist__find_in_blocks(h, s->tag_id, s->time_ms, state);
    if (!hist__pending_find(&h->pending, s->tag_id, s->time_ms, state)) { /* else it takes the place of one that came before it */
        if (stored && hist__same_content(stored, s)) return PT_OK;
        if (!stored && hist__left_out(&h->writer.look, s)) return PT_OK;
    }
    pt_status st = hist__pending_put(&h->pending, s, (uint64_t)row, stored != NULL);
    if (st != PT_OK) return st;
    if (!mark->has_max || hist__key_cmp(s->time_ms, state, mark->max_ms, mark->max_state) > 0) {
        mark->has_max = true;
        mark->max_ms = s->time_ms;
        mark->max_state = state;
    }
    return PT_OK;
}

pt_status hist__tags_lost(hist *h, uint32_t up_to)
{
    enum { MOST = 10000000 }; /* a number beyond is nonsense rather than a tag */
    uint32_t first = hist__tag_count(h) + 1, id = 0;
    if (h->lock_fd < 0 || up_to < first || up_to - first >= MOST) return PT_OK;
    pt_logf(
        h->log, PT_LOG_ERROR, "HIST-LOST-TAGS",
        "catalog.db is older than the samples: it does not know the tags %u to %u. They are kept as _lost/tag-%u and so on, and their numbers are not given out again",
        first, up_to, first);
    for (uint32_t i = first; i <= up_to; i++) {
        char path[40];
        int n = snprintf(path, sizeof path, "_lost/tag-%u", i);
        hist_tag_key key = { .source = PT_LIT("lost"),
                             .group = PT_LIT(""),
                             .edge = PT_LIT(""),
                             .device = PT_LIT(""),
                             .metric = pt_slice_of(path + 6, (size_t)n - 6) };
        pt_status st = hist_tag_ensure(h, &key, pt_slice_of(path, (size_t)n), SPB_DOUBLE, PT_LIT(""), &id);
        if (st != PT_OK) return st;
    }
    return PT_OK;
}

/* Samples of one or more journal rows on their way to memory. Looking for a sample in blocks costs a thousand times what keeping it does,
 * unless the one before was of the same block: so many rows are taken together, and tag by tag. */
typedef struct turn {
    uint32_t tag_id, index; /* of rows.s */
    int64_t row;
} turn;
typedef struct replayed {
    hist *h; /* borrowed */
    hist__rows rows;
    turn *turns; /* owned; one per sample, in order of arrival */
    size_t cap;
    hist__dropped dropped;
} replayed;
enum { TOGETHER = 1 << 18, TOGETHER_MAX = 1 << 22, TOGETHER_BYTES = 32 << 20 };

static bool is_full(hist *h, const replayed *r)
{
    size_t most = (size_t)hist__tag_count(h) * 4;
    if (most < TOGETHER) most = TOGETHER;
    return r->rows.n >= (most < TOGETHER_MAX ? most : TOGETHER_MAX) || r->rows.bytes.used >= TOGETHER_BYTES;
}

static int by_tag(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    if (x->tag_id != y->tag_id) return x->tag_id < y->tag_id ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static pt_status put_rows(hist *h, replayed *r, pt_error *err)
{
    bool sealed = false;
    pt_status st = PT_OK;
    for (size_t i = 0; i < r->rows.n && !sealed; i++) {
        const hist__mark *mark = hist__mark_at(&h->writer, r->turns[i].tag_id);
        sealed = mark->has_sealed && r->rows.s[i].time_ms <= mark->sealed_ms;
    }
    if (sealed) qsort(r->turns, r->rows.n, sizeof *r->turns, by_tag);
    for (size_t i = 0; st == PT_OK && i < r->rows.n; i++) {
        const turn *t = &r->turns[i];
        if ((st = put_row(h, &r->rows.s[t->index], t->row)) != PT_OK)
            pt_fail(err, st, "journal row %lld: %s", (long long)t->row, pt_status_name(st));
    }
    hist__rows_reset(&r->rows);
    return st;
}

/* One journal row's samples join the others; a damaged row is said and left behind. */
static pt_status take_row(void *ctx, int64_t id, uint64_t seq, const void *bytes, size_t len, pt_error *err)
{
    replayed *r = ctx;
    hist *h = r->h;
    pt_error why = { 0 };
    uint32_t unknown = 0, highest = 0;
    size_t first = r->rows.n, to = first;
    pt_status st = hist__journal_decode(bytes, len, &r->rows, &why);
    if (st == PT_ECORRUPT) {
        pt_logf(h->log, PT_LOG_ERROR, "HIST-DAMAGED-JOURNAL", "journal row %lld can't be read and is left out: %s", (long long)id,
                why.text);
        return h->lock_fd >= 0 ? hist__journal_keep_damaged(&h->journal, id, err) : PT_OK;
    }
    if (st != PT_OK) return pt_fail(err, st, "journal row %lld: %s", (long long)id, why.text[0] ? why.text : pt_status_name(st));
    hist_sample *s = r->rows.s;
    for (size_t i = first; i < r->rows.n; i++)
        highest = s[i].tag_id > highest ? s[i].tag_id : highest;
    if ((st = hist__tags_lost(h, highest)) != PT_OK) return pt_fail(err, st, "journal row %lld: %s", (long long)id, pt_status_name(st));
    if (r->cap < r->rows.cap) {
        turn *all = realloc(r->turns, r->rows.cap * sizeof *all);
        if (!all) return pt_fail(err, PT_ENOMEM, "journal row %lld: out of memory", (long long)id);
        r->turns = all;
        r->cap = r->rows.cap;
    }
    for (size_t i = first; i < r->rows.n; i++) {
        unknown += s[i].tag_id > hist__tag_count(h);
        if (s[i].tag_id > hist__tag_count(h) || hist__dropped_has(&r->dropped, s[i].time_ms, seq + (i - first))) continue;
        r->turns[to] = (turn){ .tag_id = s[i].tag_id, .index = (uint32_t)to, .row = id };
        s[to++] = s[i];
    }
    r->rows.n = to;
    if (unknown)
        pt_logf(h->log, PT_LOG_ERROR, "HIST-UNKNOWN-TAG",
                "journal row %lld: %u samples of tags up to %u, which the catalogue does not know, are left out", (long long)id, unknown,
                highest);
    return is_full(h, r) ? put_rows(h, r, err) : PT_OK;
}

/* Rows (after, until] in order. */
static pt_status replay(hist *h, int64_t after, int64_t until, pt_error *err)
{
    replayed r = { .h = h };
    hist__rows_init(&r.rows);
    pt_status st = hist__journal_dropped(&h->journal, &r.dropped, err);
    if (st == PT_OK) st = hist__journal_replay(&h->journal, after, until, take_row, &r, err);
    if (st == PT_OK) st = put_rows(h, &r, err);
    hist__dropped_free(&r.dropped);
    hist__rows_fini(&r.rows);
    free(r.turns);
    hist__look_forget(&h->writer);
    return st;
}

static pt_status all_partition_stats(hist *h, pt_error *err)
{
    pt_status st = PT_OK;
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        st = hist__partition_stats(h, week.start_ms, err);
        if (st == PT_ENOTFOUND) st = PT_OK; /* dropped by the writer, or made and still empty */
        if (st == PT_ECORRUPT) {            /* one damaged week must not keep the plant from being recorded */
            char name[40];
            hist__partition_name(week.start_ms, name);
            pt_logf(h->log, PT_LOG_ERROR, "HIST-DAMAGED-FILE", "%s: %s; run `plantree verify --repair`", name, err ? err->text : "damaged");
            st = PT_OK;
        }
    }
    return st;
}

/* The list of journal rows and where the numbering stands. */
static pt_status load_journal(hist *h, pt_error *err)
{
    uint64_t events = 0;
    pt_status st = hist__catalog_next_seq(&h->catalog, &events, err);
    return st == PT_OK ? hist__journal_load(&h->journal, events, err) : st;
}

/* Everything of the journal that recovery will ask for. */
static pt_status read_journal(sqlite3 *db, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    int64_t sealed = 0;
    bool row = false;
    pt_status st = hist__db_number(db, "SELECT value FROM meta WHERE key='sealed_id'", &sealed, err);
    if (st == PT_OK) st = hist__db_prepare(db, "SELECT seq, n, wall_ms, CASE WHEN id > ?1 THEN data END FROM journal ORDER BY id", &q, err);
    if (st == PT_OK) sqlite3_bind_int64(q, 1, sealed);
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row)
        (void)sqlite3_column_bytes(q, 3);
    sqlite3_finalize(q);
    q = NULL;
    /* And what the writer is going to touch: pointer maps, lists of free pages, rows that will be trimmed, the other tables. */
    if (st == PT_OK) st = hist__db_prepare(db, "PRAGMA quick_check(1)", &q, err);
    if (st == PT_OK) st = hist__db_step(db, q, &row, err);
    if (st == PT_OK && row && strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        st = pt_fail(err, PT_ECORRUPT, "journal.db: %.200s", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return st;
}

/* Recording must go on: a journal with a damaged page gives way to what can be read of it, as in a repair. One that is no journal at all
 * stays: it may be somebody else's. */
static pt_status mend_journal(hist *h, pt_error *err)
{
    char *path = hist__path(h, "journal.db");
    sqlite3 *db = NULL;
    pt_status st = path ? hist__db_open(path, HIST__JOURNAL, true, &db, err) : PT_ENOMEM;
    if (st == PT_OK) st = read_journal(db, err);
    bool opened = db != NULL;
    hist__db_close(db);
    free(path);
    if (st != PT_ECORRUPT || !h->mend) return st == PT_ENOTFOUND ? PT_OK : st;
    return h->mend(h, HIST__JOURNAL, 0, opened, err);
}

static pt_status keep_wal(hist *h, const char *name, hist__file kind, pt_error *err)
{
    char *path = hist__path(h, name);
    pt_status st = path ? hist__wal_keep(path, kind, h->log, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    return st;
}

/* Before anything is opened: what SQLite is going to leave out. */
static pt_status keep_wals(hist *h, pt_error *err)
{
    pt_status st = keep_wal(h, "catalog.db", HIST__CATALOG, err);
    if (st == PT_OK) st = keep_wal(h, "journal.db", HIST__JOURNAL, err);
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        char name[40];
        hist__partition_name(week.start_ms, name);
        st = keep_wal(h, name, HIST__PARTITION, err);
    }
    return st;
}

pt_status hist__recover(hist *h, pt_error *err)
{
    pt_status st = hist__weeks_scan(&h->weeks, err);
    if (st == PT_OK) st = keep_wals(h, err);
    if (st == PT_OK) st = mend_journal(h, err);
    if (st == PT_OK) st = hist__files_open(h, err);
    if (st == PT_OK) st = hist__catalog_load(&h->catalog, pt_wall_ms(h->clock), err);
    if (st == PT_OK) st = all_partition_stats(h, err);
    if (st == PT_OK) st = load_journal(h, err);
    if (st == PT_OK) st = replay(h, hist__journal_sealed(&h->journal), INT64_MAX, err);
    return st;
}

/* ---- read-only ---------------------------------------------------------------------------------------------- */

static void forget(hist *h)
{
    uint32_t n = hist__tag_count(h);
    hist__pending_reset(&h->pending);
    for (uint32_t id = 1; id <= n; id++)
        *hist__mark_at(&h->writer, id) = (hist__mark){ 0 };
    hist__weeks_clear_sizes(&h->weeks);
}

/* writer.turn is held: one thread refreshes at a time. */
static pt_status refresh(hist *h, pt_error *err)
{
    int64_t sealed = 0, last = 0;
    pt_status st = hist__journal_look(&h->journal, &sealed, &last, err);
    if (st != PT_OK) return st;
    st = hist__catalog_refresh(&h->catalog, err); /* what the rows refer to was committed before them */
    int64_t after = hist__journal_last(&h->journal);
    bool anew = sealed != hist__journal_sealed(&h->journal);
    if (st == PT_OK && (anew || last > after)) {
        hist__pending_lock(&h->pending);
        if (anew) {
            forget(h);
            after = sealed;
            st = hist__weeks_scan(&h->weeks, err);
            if (st == PT_OK) st = all_partition_stats(h, err);
        }
        if (st == PT_OK) st = replay(h, after, last, err);
        hist__journal_seen(&h->journal, st == PT_OK ? sealed : -1, st == PT_OK ? last : -1);
        hist__pending_unlock(&h->pending);
    }
    hist__journal_look_end(&h->journal);
    return st;
}

pt_status hist__journal_refresh(hist *h, pt_error *err)
{
    pthread_mutex_lock(&h->writer.turn);
    pt_status st = refresh(h, err);
    pthread_mutex_unlock(&h->writer.turn);
    return st;
}
