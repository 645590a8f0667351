/* historian/repair/verify.c -- look at everything: is each file what docs/file-format.md says it is. */
#include "historian/repair/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void hist__fault(hist__check *c, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->report->faults++;
    c->file_faults++;
    if (c->o->fault) c->o->fault(c->o->ctx, c->file, text);
}

void hist__refers_to(hist__check *c, uint32_t tag_id)
{
    if (tag_id > c->max_tag) c->max_tag = tag_id;
}

static void progress(hist__check *c, uint64_t done, uint64_t total)
{
    if (c->o->progress) c->o->progress(c->o->ctx, c->file, done, total);
}

/* A statement that failed in a damaged file. */
static void sqlite_fault(hist__check *c, sqlite3 *db)
{
    pt_error why = { 0 };
    (void)hist__db_fail(db, &why, "SQLite");
    hist__fault(c, "%s", why.text);
}

/* SQLite's own structure. A file whose pages are damaged may fail any statement: those are faults, not errors of ours. */
static bool sound(hist__check *c, sqlite3 *db)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(20)", -1, &q, NULL);
    bool ok = true;
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(q, 0);
            if (text && strcmp(text, "ok") == 0) continue;
            /* A heading, and behind it several findings, each on a line. */
            for (const char *line = text ? text : "out of memory"; *line; line += strspn(line, "\n")) {
                size_t len = strcspn(line, "\n");
                if (strncmp(line, "***", 3) != 0) hist__fault(c, "%.*s", (int)len, line);
                line += len;
            }
            ok = false;
        }
    }
    int64_t page = hist__pages_damaged(db);
    if (page) hist__fault(c, "page %lld is not what was written there (its checksum is wrong)", (long long)page);
    else if (rc != SQLITE_DONE) sqlite_fault(c, db);
    sqlite3_finalize(q);
    return ok && page == 0 && rc == SQLITE_DONE;
}

/* Are the tables there with the columns everybody asks for? */
static bool has_tables(hist__check *c, sqlite3 *db, hist__file kind)
{
    static const char *const columns[][6] = {
        [HIST__CATALOG] = { "SELECT key, value FROM meta",
                            "SELECT tag_id, source, group_id, edge, device, metric, path, type, unit, created_ms FROM tag",
                            "SELECT tag_id, from_ms, to_ms, path FROM tag_path", "SELECT tag_id, from_ms, type, unit FROM tag_meta",
                            "SELECT seq, time_ms, type, node, device, path, detail FROM event" },
        [HIST__JOURNAL] = { "SELECT key, value FROM meta", "SELECT id, seq, n, wall_ms, data FROM journal" },
        [HIST__PARTITION] = { "SELECT tag_id," HIST__BLOCK_COLUMNS " FROM block", "SELECT id, data FROM data",
                              "SELECT tag_id, first_ms, last_ms, max_ms, samples, rows, blocks, bytes FROM tag_stat",
                              "SELECT id, tag_id, t0, t1, reason, data FROM damaged" },
    };
    bool ok = true;
    for (size_t i = 0; i < PT_COUNT_OF(columns[kind]) && columns[kind][i]; i++) {
        sqlite3_stmt *q = NULL;
        if (sqlite3_prepare_v2(db, columns[kind][i], -1, &q, NULL) != SQLITE_OK) {
            sqlite_fault(c, db);
            ok = false;
        }
        sqlite3_finalize(q);
    }
    return ok;
}

/* A failed statement in a damaged file is a fault; out of memory and the like end the check. */
static pt_status judge(hist__check *c, sqlite3 *db, pt_status st, pt_error *err)
{
    if (st != PT_ECORRUPT && st != PT_EIO) return st;
    sqlite_fault(c, db);
    (void)err;
    return PT_OK;
}

/* ---- blocks -------------------------------------------------------------------------------------------------- */

static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-9;
}

static bool same_summary(const hist__summary *a, const hist__summary *b)
{
    bool counts = a->t0 == b->t0 && a->t1 == b->t1 && a->rows == b->rows && a->samples == b->samples && a->good == b->good &&
                  a->uncertain == b->uncertain && a->bad == b->bad && a->stale == b->stale && a->nulls == b->nulls && a->nums == b->nums &&
                  a->open == b->open;
    if (!counts || a->nums == 0) return counts;
    return a->num_t0 == b->num_t0 && a->num_t1 == b->num_t1 && same_real(a->min, b->min) && same_real(a->max, b->max) &&
           same_real(a->sum, b->sum) && same_real(a->first, b->first) && same_real(a->last, b->last) && same_real(a->m2, b->m2) &&
           same_real(a->area, b->area) && a->area_ms == b->area_ms;
}

typedef struct tag_sum {
    uint32_t tag_id;
    int64_t last_t1;
    int64_t first_ms, last_ms; /* of samples */
    bool any;
    uint64_t blocks, rows, samples, bytes;
} tag_sum;

/* ?1: the tag. Times that blocks put aside in this week had may still count. */
static const char STATISTICS[] =
    "SELECT samples, rows, blocks, bytes, max_ms, first_ms, last_ms, EXISTS (SELECT 1 FROM damaged WHERE damaged.tag_id=tag_stat.tag_id) FROM tag_stat WHERE tag_id=?1";

static bool same_ends(sqlite3_stmt *stat, const tag_sum *t)
{
    int64_t max = sqlite3_column_int64(stat, 4), first = sqlite3_column_int64(stat, 5), last = sqlite3_column_int64(stat, 6);
    if (sqlite3_column_int(stat, 7)) return max >= t->last_t1 && (!t->any || (first <= t->first_ms && last >= t->last_ms));
    return max == t->last_t1 && (!t->any || (first == t->first_ms && last == t->last_ms));
}

static void end_tag(hist__check *c, sqlite3_stmt *stat, const tag_sum *t)
{
    if (t->tag_id == 0) return;
    sqlite3_bind_int64(stat, 1, t->tag_id);
    bool there = sqlite3_step(stat) == SQLITE_ROW;
    uint64_t got[4] = { 0 }, want[4] = { t->samples, t->rows, t->blocks, t->bytes };
    bool ends = !there || same_ends(stat, t);
    for (int i = 0; there && i < 4; i++)
        got[i] = (uint64_t)sqlite3_column_int64(stat, i);
    sqlite3_reset(stat);
    if (!there) hist__fault(c, "tag %u: no statistics", t->tag_id);
    else if (memcmp(got, want, sizeof got) != 0)
        hist__fault(c, "tag %u: statistics do not add up (%llu samples, blocks hold %llu)", t->tag_id, (unsigned long long)got[0],
                    (unsigned long long)want[0]);
    if (!ends) hist__fault(c, "tag %u: statistics say other first and last times than its blocks", t->tag_id);
}

static void note_ends(tag_sum *t, const hist__rows *rows)
{
    for (size_t i = 0; rows && i < rows->n; i++) {
        if (hist__is_state(&rows->s[i])) continue;
        if (!t->any) t->first_ms = rows->s[i].time_ms;
        t->last_ms = rows->s[i].time_ms;
        t->any = true;
    }
}

static pt_status check_block(hist__check *c, sqlite3_stmt *q, tag_sum *t, int64_t start_ms, int64_t end_ms)
{
    hist__summary stored, real;
    int64_t tag = sqlite3_column_int64(q, 0);
    hist__summary_read(q, 1, &stored);
    c->report->blocks++;
    if (tag <= 0 || tag > UINT32_MAX) {
        hist__fault(c, "a block of tag %lld", (long long)tag);
        return PT_OK;
    }
    uint32_t id = (uint32_t)tag, owner = 0;
    hist__refers_to(c, id);
    int column = 1 + HIST__COL_COUNT;
    const void *bytes = sqlite3_column_blob(q, column);
    size_t len = (size_t)sqlite3_column_bytes(q, column);
    hist__rows_reset(&c->rows);
    pt_error why = { .text = "its data is missing" };
    pt_status st = bytes ? hist__block_decode(c->codec, bytes, len, &owner, &c->rows, &why) : PT_ECORRUPT;
    if (st == PT_ENOMEM) return st;
    if (st != PT_OK) hist__fault(c, "tag %u, block at %lld: %s", id, (long long)stored.t0, why.text);
    else {
        c->report->rows += c->rows.n;
        bool thinned = false;
        for (size_t i = 0; i < c->rows.n && !thinned; i++)
            thinned = (c->rows.s[i].flags & HIST_THINNED) != 0;
        if (thinned && (st = pt_map_put_u64(&c->thinned, id, 1, NULL)) != PT_OK) return st;
        hist__summarize(c->rows.s, c->rows.n, &real);
        if (owner != id) hist__fault(c, "tag %u, block at %lld: it belongs to tag %u", id, (long long)stored.t0, owner);
        if (!same_summary(&stored, &real))
            hist__fault(c, "tag %u, block at %lld: the summary is not that of its rows", id, (long long)stored.t0);
        if (real.t0 < start_ms || (end_ms != INT64_MAX && real.t1 >= end_ms))
            hist__fault(c, "tag %u, block at %lld: outside of its partition", id, (long long)stored.t0);
        if ((uint64_t)sqlite3_column_int64(q, 1 + HIST__COL_BYTES) != len)
            hist__fault(c, "tag %u, block at %lld: wrong length", id, (long long)stored.t0);
    }
    if (t->tag_id == id && stored.t0 <= t->last_t1)
        hist__fault(c, "tag %u, block at %lld: overlaps the block before", id, (long long)stored.t0);
    if (t->tag_id != id) *t = (tag_sum){ .tag_id = id };
    t->last_t1 = stored.t1;
    note_ends(t, st == PT_OK ? &c->rows : NULL);
    t->blocks++;
    t->rows += stored.rows;
    t->samples += stored.samples;
    t->bytes += len;
    return PT_OK;
}

static pt_status check_blocks(hist__check *c, sqlite3 *db, int64_t start_ms, pt_error *err)
{
    sqlite3_stmt *q = NULL, *stat = NULL;
    int64_t total = 0, done = 0;
    tag_sum t = { 0 };
    bool row = false;
    pt_status st = hist__db_number(db, "SELECT count(*) FROM block", &total, err);
    if (st == PT_OK)
        st = hist__db_prepare(db,
                              "SELECT tag_id, " HIST__BLOCK_COLUMNS
                              ", (SELECT data FROM data WHERE data.id=block.id) FROM block ORDER BY tag_id, t0",
                              &q, err);
    if (st == PT_OK) st = hist__db_prepare(db, STATISTICS, &stat, err);
    int64_t end_ms = hist__partition_end(start_ms);
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        if (sqlite3_column_int64(q, 0) != t.tag_id) end_tag(c, stat, &t);
        st = check_block(c, q, &t, start_ms, end_ms);
        if (++done % 4096 == 0) progress(c, (uint64_t)done, (uint64_t)total);
    }
    if (st == PT_OK) end_tag(c, stat, &t);
    sqlite3_finalize(q);
    sqlite3_finalize(stat);
    int64_t n = 0;
    if (st == PT_OK) st = hist__db_number(db, "SELECT count(*) FROM data WHERE id NOT IN (SELECT id FROM block)", &n, err);
    if (st == PT_OK && n) hist__fault(c, "%lld blocks are in no index", (long long)n);
    if (st == PT_OK)
        st = hist__db_number(db, "SELECT count(*) FROM tag_stat WHERE blocks > 0 AND tag_id NOT IN (SELECT tag_id FROM block)", &n, err);
    if (st == PT_OK && n) hist__fault(c, "%lld tags have statistics but no blocks", (long long)n);
    if (st == PT_OK) st = hist__db_number(db, "SELECT count(*) FROM damaged", &n, err);
    if (st == PT_OK) c->report->damaged_before += (uint64_t)n;
    return judge(c, db, st, err);
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static pt_status check_journal_rows(hist__check *c, sqlite3 *db, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    int64_t next_seq = 0;
    pt_status st = hist__db_prepare(db, "SELECT id, seq, n, data FROM journal ORDER BY id", &q, err);
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        long long id = (long long)sqlite3_column_int64(q, 0);
        int64_t seq = sqlite3_column_int64(q, 1), n = sqlite3_column_int64(q, 2);
        const void *bytes = sqlite3_column_blob(q, 3);
        pt_error why = { 0 };
        hist__rows_reset(&c->rows);
        c->report->journal_rows++;
        st = hist__journal_decode(bytes ? bytes : "", (size_t)sqlite3_column_bytes(q, 3), &c->rows, &why);
        if (st == PT_ENOMEM) break;
        if (st != PT_OK) hist__fault(c, "row %lld: %s", id, why.text);
        else if ((int64_t)c->rows.n != n) hist__fault(c, "row %lld: %zu samples, %lld said", id, c->rows.n, (long long)n);
        if (seq < next_seq) hist__fault(c, "row %lld: change number %lld after %lld", id, (long long)seq, (long long)next_seq);
        next_seq = seq + n;
        for (size_t i = 0; st == PT_OK && i < c->rows.n; i++)
            hist__refers_to(c, c->rows.s[i].tag_id);
        st = PT_OK;
    }
    sqlite3_finalize(q);
    int64_t sealed = 0;
    if (st == PT_OK) st = hist__db_number(db, "SELECT value FROM meta WHERE key='sealed_id'", &sealed, err);
    return judge(c, db, st == PT_EEMPTY ? (hist__fault(c, "meta: no sealed_id"), PT_OK) : st, err);
}

static pt_status check_catalog(hist__check *c, sqlite3 *db, pt_error *err)
{
    static const struct {
        const char *sql, *what;
    } rules[] = {
        { "SELECT count(*) FROM tag WHERE tag_id < 1", "tags with an impossible id" },
        { "SELECT count(*) FROM tag WHERE type < 0 OR type > 34", "tags with an unknown type" },
        { "SELECT count(*) FROM tag t WHERE path<>'' AND NOT EXISTS (SELECT 1 FROM tag_path p WHERE p.tag_id=t.tag_id AND p.to_ms IS NULL AND p.path=t.path)",
          "tags whose path interval is missing" },
        { "SELECT count(*) FROM tag_path WHERE tag_id NOT IN (SELECT tag_id FROM tag)", "paths of unknown tags" },
    };
    int64_t n = 0;
    pt_status st = PT_OK;
    for (size_t i = 0; st == PT_OK && i < PT_COUNT_OF(rules); i++) {
        st = hist__db_number(db, rules[i].sql, &n, err);
        if (st == PT_OK && n) hist__fault(c, "%lld %s", (long long)n, rules[i].what);
    }
    if (st == PT_OK) st = hist__db_number(db, "SELECT count(*) FROM tag", &n, err);
    c->report->tags = (uint64_t)n;
    if (st == PT_OK) st = hist__db_number(db, "SELECT coalesce(max(tag_id), 0) FROM tag", &n, err);
    if (st == PT_OK && n < c->max_tag) hist__fault(c, "samples refer to tag %u, the newest known is %lld", c->max_tag, (long long)n);
    if (st == PT_OK) st = hist__db_number(db, "SELECT count(*) FROM event", &n, err);
    c->report->events = (uint64_t)n;
    return judge(c, db, st, err);
}

/* Open, check structure and content in one read transaction. */
static pt_status check_file(hist__check *c, const hist *paths, const char *name, hist__file kind, int64_t start_ms, pt_error *err)
{
    sqlite3 *db = NULL;
    snprintf(c->file, sizeof c->file, "%s", name);
    c->file_faults = 0;
    c->report->files++;
    char *path = hist__path(paths, name);
    pt_error why = { 0 };
    pt_status st = path ? hist__db_open(path, kind, true, &db, &why) : PT_ENOMEM;
    free(path);
    if (st == PT_ENOMEM) return pt_fail(err, st, "out of memory");
    if (st == PT_ENOTFOUND && kind == HIST__PARTITION) return PT_OK; /* dropped, or made and still empty */
    if (st != PT_OK) {
        hist__fault(c, "%s", why.text);
        /* Of a newer format, or held by another program: not damaged, and nothing for a repair. */
        return c->o->repair && (st == PT_EUNSUPPORTED || st == PT_EBUSY) ? pt_fail(err, st, "%s", why.text) : PT_OK;
    }
    st = hist__db_exec(db, "BEGIN", err);
    if (st == PT_OK && sound(c, db) && has_tables(c, db, kind)) {
        if (kind == HIST__PARTITION) st = check_blocks(c, db, start_ms, err);
        else if (kind == HIST__JOURNAL) st = check_journal_rows(c, db, err);
        else st = check_catalog(c, db, err);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    hist__db_close(db);
    return st;
}

/* What a killed host left in the -wal of one file: SQLite gives what it can read of it and says nothing of the rest. A repair keeps the
 * file and lets SQLite. */
static pt_status check_wal(hist__check *c, const hist *paths, const char *name, hist__file kind, pt_error *err)
{
    hist__wal w = { 0 };
    pt_error why = { 0 };
    snprintf(c->file, sizeof c->file, "%s", name);
    char *path = hist__path(paths, name);
    pt_status st = path ? hist__wal_look(path, &w, &why) : pt_fail(err, PT_ENOMEM, "out of memory");
    if (path && st != PT_OK) hist__fault(c, "%s", why.text);
    if (w.commits)
        hist__fault(c, "its -wal is damaged at frame %llu: %llu commits from there on can't be read", (unsigned long long)w.frame,
                    (unsigned long long)w.commits);
    if (w.commits && c->o->repair) st = hist__wal_keep(path, kind, c->o->log, err);
    free(path);
    return st == PT_ENOMEM || c->o->repair ? st : PT_OK;
}

/* Nobody may be writing meanwhile; with a host at work its -wal files are not asked. */
static pt_status check_wals(hist__check *c, const char *dir, pt_error *err)
{
    hist *h = NULL;
    pt_status st = hist__bare_new(dir, NULL, true, &h, NULL);
    if (st == PT_EREADONLY) st = hist__bare_new(dir, NULL, false, &h, NULL); /* nobody can write */
    if (st != PT_OK) return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : PT_OK;
    st = hist__weeks_scan(&h->weeks, err);
    if (st == PT_OK) st = check_wal(c, h, "catalog.db", HIST__CATALOG, err);
    if (st == PT_OK) st = check_wal(c, h, "journal.db", HIST__JOURNAL, err);
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        char name[40];
        hist__partition_name(week.start_ms, name);
        st = check_wal(c, h, name, HIST__PARTITION, err);
    }
    hist__bare_free(h);
    return st;
}

static pt_status check_all(hist__check *c, hist *h, pt_error *err)
{
    bool rebuilt = false;
    pt_status st = hist__weeks_scan(&h->weeks, err);
    if (st == PT_OK) st = check_file(c, h, "journal.db", HIST__JOURNAL, 0, err);
    if (st == PT_OK && c->file_faults && c->o->repair) st = hist__repair_journal(c, h, err);
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        char name[40];
        hist__partition_name(week.start_ms, name);
        st = check_file(c, h, name, HIST__PARTITION, week.start_ms, err);
        if (st != PT_OK || !c->file_faults || !c->o->repair) continue;
        st = hist__repair_partition(c, h, week.start_ms, err);
        rebuilt = true;
    }
    if (st == PT_OK && rebuilt) st = hist__repair_replay(h, err);
    if (st == PT_OK) st = hist__verify_bounds(c, h, err);
    /* Last: whatever the other files refer to was committed here before. */
    if (st == PT_OK) st = check_file(c, h, "catalog.db", HIST__CATALOG, 0, err);
    if (st == PT_OK && c->file_faults && c->o->repair) st = hist__repair_catalog(c, h, err);
    return st;
}

pt_status hist_verify(const char *dir, const hist_verify_options *o, hist_verify_report *report, pt_error *err)
{
    *report = (hist_verify_report){ 0 };
    hist *h = NULL;
    hist__check c = { .o = o, .report = report };
    pt_status st = check_wals(&c, dir, err);
    if (st == PT_OK) st = hist__bare_new(dir, o->log, o->repair, &h, err);
    if (st != PT_OK) return st;
    c.codec = hist__writer_codec(&h->writer);
    hist__rows_init(&c.rows);
    pt_map_init(&c.thinned, PT_MAP_U64_KEYS);
    st = check_all(&c, h, err);
    pt_map_fini(&c.thinned);
    hist__rows_fini(&c.rows);
    hist__bare_free(h);
    return st;
}
