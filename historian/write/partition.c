/* historian/write/partition.c -- files of sealed blocks, one per week; merging pending rows into them.
 *
 * Invariant of every partition, between transactions: the blocks of one tag do not overlap and share no time; block and data rows go in
 * pairs; tag_stat sums up the tag's blocks. So (tag, time, state) is unique on disk, and a range is read by walking blocks once.
 *
 * Sealing a tag: find the blocks its new rows touch, and the block before when that one is small; decode them, merge (a newer row replaces
 * an equal key), cut evenly, encode, replace. For the common case, newer rows behind a full block, nothing is read at all. */
#include "base/assert.h"
#include "base/glob.h"
#include "historian/write/write.h"

#include <math.h>
#include <stdlib.h>

/* ---- the writer's connections ------------------------------------------------------------------------------- */

void hist__part_close(hist__part *p)
{
    if (!p) return;
    sqlite3_finalize(p->overlap);
    sqlite3_finalize(p->insert);
    sqlite3_finalize(p->insert_data);
    sqlite3_finalize(p->remove);
    sqlite3_finalize(p->remove_data);
    sqlite3_finalize(p->get_data);
    sqlite3_finalize(p->stat);
    sqlite3_finalize(p->damage);
    sqlite3_finalize(p->left_out);
    hist__db_close(p->db);
    free(p);
}

void hist__parts_close(hist__writer *w)
{
    for (size_t i = 0; i < HIST__OPEN_PARTS; i++) {
        hist__part_close(w->parts[i]);
        w->parts[i] = NULL;
    }
}

static pt_status part_prepare(hist *h, hist__part *p, pt_error *err)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        { &p->overlap,
          "SELECT t0, t1, id, rows, samples, bytes FROM block WHERE tag_id=?1 AND t0 <= ?3 AND t0 >= coalesce((SELECT max(t0) FROM block"
          " WHERE tag_id=?1 AND t0 <= ?2), -9223372036854775808) ORDER BY t0" },
        { &p->insert, "INSERT INTO block(tag_id," HIST__BLOCK_COLUMNS
                      ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)" },
        { &p->insert_data, "INSERT INTO data(data) VALUES(?1)" },
        { &p->remove, "DELETE FROM block WHERE tag_id=?1 AND t0=?2" },
        { &p->remove_data, "DELETE FROM data WHERE id=?1" },
        { &p->get_data, "SELECT data FROM data WHERE id=?1" },
        { &p->stat, "INSERT INTO tag_stat VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(tag_id) DO UPDATE SET"
                    " first_ms=min(coalesce(first_ms,?2),coalesce(?2,first_ms)), last_ms=max(coalesce(last_ms,?3),coalesce(?3,last_ms)),"
                    " max_ms=max(max_ms,?4), samples=samples+?5, rows=rows+?6, blocks=blocks+?7, bytes=bytes+?8" },
        { &p->damage, "INSERT INTO damaged(tag_id, t0, t1, reason, data) VALUES(?1,?2,?3,?4,(SELECT data FROM data WHERE id=?5))" },
        { &p->left_out,
          "INSERT INTO left_out VALUES(?1,?2,?3) ON CONFLICT(tag_id) DO UPDATE SET exception=exception+?2, compression=compression+?3" },
    };
    pt_status st = hist__db_synchronous(p->db, h->o.synchronous, err);
    for (size_t i = 0; st == PT_OK && i < PT_COUNT_OF(all); i++)
        st = hist__db_prepare(p->db, all[i].sql, all[i].stmt, err);
    return st;
}

pt_status hist__part_open(hist *h, const char *path, int64_t start_ms, hist__part **out, pt_error *err)
{
    hist__part *p = calloc(1, sizeof *p);
    if (!p) return pt_fail(err, PT_ENOMEM, "out of memory");
    p->start_ms = start_ms;
    pt_status st = hist__db_open(path, HIST__PARTITION, false, &p->db, err);
    if (st == PT_OK) st = part_prepare(h, p, err);
    if (st != PT_OK) {
        hist__part_close(p);
        return st;
    }
    *out = p;
    return PT_OK;
}

static pt_status part_get(hist *h, int64_t start_ms, hist__part **out, pt_error *err)
{
    hist__part **slot = &h->writer.parts[0];
    for (size_t i = 0; i < HIST__OPEN_PARTS; i++) {
        hist__part *p = h->writer.parts[i];
        if (p && p->start_ms == start_ms) {
            p->used = ++h->writer.part_use;
            *out = p;
            return PT_OK;
        }
        if (*slot && (!p || p->used < (*slot)->used)) slot = &h->writer.parts[i];
    }
    char name[40];
    hist__partition_name(start_ms, name);
    char *path = hist__path(h, name);
    hist__part *p = NULL;
    pt_status st = path ? hist__part_open(h, path, start_ms, &p, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    if (st != PT_OK) return st;
    hist__part_close(*slot);
    *slot = p;
    p->used = ++h->writer.part_use;
    *out = p;
    return PT_OK;
}

void hist__part_forget(hist__writer *w, int64_t start_ms)
{
    for (size_t i = 0; i < HIST__OPEN_PARTS; i++) {
        if (!w->parts[i] || w->parts[i]->start_ms != start_ms) continue;
        hist__part_close(w->parts[i]);
        w->parts[i] = NULL;
    }
}

/* After an error other than a full disk the connection may be in any state: start afresh next time. */
static void part_drop(hist *h, hist__part *bad)
{
    for (size_t i = 0; i < HIST__OPEN_PARTS; i++) {
        if (h->writer.parts[i] != bad) continue;
        hist__part_close(bad);
        h->writer.parts[i] = NULL;
        return; /* it stands in one place */
    }
}

pt_status hist__partition_stats(hist *h, int64_t start_ms, pt_error *err)
{
    hist__conn *c = NULL;
    sqlite3_stmt *q = NULL;
    pt_status st = hist__conn_take(&h->weeks, start_ms, &c, err);
    if (st != PT_OK) return st;
    uint64_t blocks = 0, bytes = 0;
    bool row = false;
    st = hist__db_prepare(c->db, "SELECT tag_id, first_ms, last_ms, max_ms, samples, blocks, bytes FROM tag_stat", &q, err);
    while (st == PT_OK && (st = hist__db_step(c->db, q, &row, err)) == PT_OK && row) {
        int64_t id = sqlite3_column_int64(q, 0);
        blocks += (uint64_t)sqlite3_column_int64(q, 5);
        bytes += (uint64_t)sqlite3_column_int64(q, 6);
        if (id > hist__tag_count(h) && id <= UINT32_MAX && (st = hist__tags_lost(h, (uint32_t)id)) != PT_OK) break;
        if (id <= 0 || id > hist__tag_count(h)) continue; /* verify reports it */
        hist__mark *mark = hist__mark_at(&h->writer, (uint32_t)id);
        int64_t max_ms = sqlite3_column_int64(q, 3);
        if (!mark->has_sealed || max_ms > mark->sealed_ms) mark->sealed_ms = max_ms;
        mark->has_sealed = true;
        if (!mark->has_max || max_ms > mark->max_ms) {
            mark->max_ms = max_ms;
            mark->max_state = true; /* unknown: an equal time is looked up */
        }
        mark->has_max = true;
        uint64_t samples = (uint64_t)sqlite3_column_int64(q, 4);
        if (samples) hist__pending_add_stored(&h->pending, (uint32_t)id, samples, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2));
    }
    sqlite3_finalize(q);
    hist__conn_give(&h->weeks, c);
    if (st == PT_OK) hist__weeks_set_size(&h->weeks, start_ms, blocks, bytes);
    return st;
}

/* ---- sealing ------------------------------------------------------------------------------------------------ */

typedef hist__delta delta;

static pt_status insert_block(hist *h, hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, double deviation, delta *d,
                              pt_error *err)
{
    hist__summary sum;
    bool thinned = false;
    for (size_t i = 0; i < n && !thinned; i++)
        thinned = (s[i].flags & HIST_THINNED) != 0;
    pt_assert(hist__keys_ascend(s, n));
    pt_status st = thinned ? hist__block_encode_within(h->writer.codec, tag_id, s, n, deviation, &h->writer.blob)
                           : hist__block_encode(h->writer.codec, tag_id, s, n, &h->writer.blob);
    if (st != PT_OK) return pt_fail(err, st, "encoding a block of tag %u: %s", tag_id, pt_status_name(st));
    hist__summarize(s, n, &sum);
    if (sqlite3_bind_blob64(p->insert_data, 1, h->writer.blob.ptr, h->writer.blob.len, SQLITE_STATIC) != SQLITE_OK)
        return hist__db_fail(p->db, err, "bind");
    if ((st = hist__db_run(p->db, p->insert_data, err)) != PT_OK) return st;
    sqlite3_bind_int64(p->insert, 1, tag_id);
    sqlite3_bind_int64(p->insert, 2, sum.t0);
    sqlite3_bind_int64(p->insert, 3, sum.t1);
    sqlite3_bind_int64(p->insert, 4, sqlite3_last_insert_rowid(p->db));
    sqlite3_bind_int64(p->insert, 5, (int64_t)h->writer.blob.len);
    hist__summary_bind(p->insert, 6, &sum);
    if ((st = hist__db_run(p->db, p->insert, err)) != PT_OK) return st;
    d->rows += (int64_t)n;
    d->samples += sum.samples;
    d->blocks++;
    d->bytes += (int64_t)h->writer.blob.len;
    return PT_OK;
}

pt_status hist__part_insert_rows(hist *h, hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, double deviation, delta *d,
                                 uint32_t *tail, pt_error *err)
{
    if (n == 0) return PT_OK;
    pt_assert(h->o.block_samples > 0);
    size_t pieces = (n + h->o.block_samples - 1) / h->o.block_samples, each = (n + pieces - 1) / pieces;
    for (size_t at = 0; at < n;) {
        size_t take = hist__block_cut(s + at, n - at, each);
        pt_status st = insert_block(h, p, tag_id, s + at, take, deviation, d, err);
        if (st != PT_OK) return st;
        at += take;
        *tail = (uint32_t)take;
    }
    return PT_OK;
}

/* Append an old block's rows to merge_rows. A block that can't be read is put aside in `damaged`, said, and left out. */
static pt_status take_block(hist *h, hist__part *p, uint32_t tag_id, int64_t t0, int64_t t1, int64_t id, pt_error *err)
{
    bool row = false;
    pt_error why = { .text = "its data is missing" };
    sqlite3_bind_int64(p->get_data, 1, id);
    pt_status st = hist__db_step(p->db, p->get_data, &row, err);
    if (st != PT_OK) return st;
    pt_status decoded = PT_ECORRUPT;
    if (row) {
        uint32_t owner = 0;
        size_t before = h->writer.merge_rows.n;
        decoded = hist__block_decode(h->writer.codec, sqlite3_column_blob(p->get_data, 0), (size_t)sqlite3_column_bytes(p->get_data, 0),
                                     &owner, &h->writer.merge_rows, &why);
        if (decoded == PT_OK && owner != tag_id) {
            h->writer.merge_rows.n = before;
            decoded = pt_fail(&why, PT_ECORRUPT, "it belongs to tag %u", owner);
        }
    }
    sqlite3_reset(p->get_data);
    if (decoded == PT_OK) return PT_OK;
    if (decoded != PT_ECORRUPT) return pt_fail(err, decoded, "tag %u, block at %lld: %s", tag_id, (long long)t0, why.text);
    pt_logf(h->log, PT_LOG_ERROR, "HIST-DAMAGED-BLOCK", "tag %u, block at %lld..%lld ms put aside: %s", tag_id, (long long)t0,
            (long long)t1, why.text);
    sqlite3_bind_int64(p->damage, 1, tag_id);
    sqlite3_bind_int64(p->damage, 2, t0);
    sqlite3_bind_int64(p->damage, 3, t1);
    sqlite3_bind_int64(p->damage, 5, id);
    if ((st = hist__db_bind_slice(p->damage, 4, pt_cstr(why.text))) != PT_OK) return st;
    st = hist__db_run(p->db, p->damage, err);
    sqlite3_clear_bindings(p->damage);
    return st;
}

typedef struct old_block {
    int64_t t0, t1, id, rows, samples, bytes;
} old_block;

static pt_status merge_rows(hist *h, hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, bool thin, double deviation, delta *d,
                            uint32_t *tail, pt_error *err)
{
    old_block *old = NULL;
    size_t count = 0, cap = 0;
    bool row = false;
    pt_status st;
    sqlite3_bind_int64(p->overlap, 1, tag_id);
    sqlite3_bind_int64(p->overlap, 2, s[0].time_ms);
    sqlite3_bind_int64(p->overlap, 3, s[n - 1].time_ms);
    while ((st = hist__db_step(p->db, p->overlap, &row, err)) == PT_OK && row) {
        old_block b = { sqlite3_column_int64(p->overlap, 0), sqlite3_column_int64(p->overlap, 1), sqlite3_column_int64(p->overlap, 2),
                        sqlite3_column_int64(p->overlap, 3), sqlite3_column_int64(p->overlap, 4), sqlite3_column_int64(p->overlap, 5) };
        if (b.t1 < s[0].time_ms && b.rows >= h->o.block_samples / 2 && !thin) continue; /* the neighbour before, and big enough */
        if (count == cap) {
            cap = cap ? cap * 2 : 8;
            old_block *more = realloc(old, cap * sizeof *more);
            if (!more) {
                sqlite3_reset(p->overlap);
                st = pt_fail(err, PT_ENOMEM, "out of memory");
                break;
            }
            old = more;
        }
        old[count++] = b;
    }
    hist__rows_reset(&h->writer.merge_rows);
    for (size_t i = 0; st == PT_OK && i < count; i++) {
        st = take_block(h, p, tag_id, old[i].t0, old[i].t1, old[i].id, err);
        sqlite3_bind_int64(p->remove, 1, tag_id);
        sqlite3_bind_int64(p->remove, 2, old[i].t0);
        if (st == PT_OK) st = hist__db_run(p->db, p->remove, err);
        sqlite3_bind_int64(p->remove_data, 1, old[i].id);
        if (st == PT_OK) st = hist__db_run(p->db, p->remove_data, err);
        d->rows -= old[i].rows;
        d->samples -= old[i].samples;
        d->bytes -= old[i].bytes;
        d->blocks--;
    }
    free(old);
    if (st != PT_OK) return st;
    if (count == 0) return hist__part_insert_rows(h, p, tag_id, s, n, deviation, d, tail, err);
    st = hist__thin_late(&h->writer.merge_rows, s, n, thin, &d->left[HIST__COMPRESSION]);
    if (st == PT_OK) st = hist__rows_sort(&h->writer.merge_rows);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    return hist__part_insert_rows(h, p, tag_id, h->writer.merge_rows.s, h->writer.merge_rows.n,
                                  fmax(h->writer.merge_rows.deviation, deviation), d, tail, err);
}

pt_status hist__part_add_stat(hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, const hist__delta *d, pt_error *err)
{
    int64_t first = 0, last = 0;
    bool any = false;
    for (size_t i = 0; i < n && !any; i++) {
        if (!hist__is_state(&s[i])) first = s[i].time_ms, any = true;
    }
    for (size_t i = n; any && i-- > 0;) {
        if (!hist__is_state(&s[i])) {
            last = s[i].time_ms;
            break;
        }
    }
    sqlite3_bind_int64(p->stat, 1, tag_id);
    if (any) {
        sqlite3_bind_int64(p->stat, 2, first);
        sqlite3_bind_int64(p->stat, 3, last);
    } else {
        sqlite3_bind_null(p->stat, 2);
        sqlite3_bind_null(p->stat, 3);
    }
    sqlite3_bind_int64(p->stat, 4, s[n - 1].time_ms);
    sqlite3_bind_int64(p->stat, 5, d->samples);
    sqlite3_bind_int64(p->stat, 6, d->rows);
    sqlite3_bind_int64(p->stat, 7, d->blocks);
    sqlite3_bind_int64(p->stat, 8, d->bytes);
    return hist__db_run(p->db, p->stat, err);
}

/* The rule for this tag; *out NULL: none. */
static pt_status rule_of(hist *h, uint32_t tag_id, const hist_deviation **out)
{
    pt_arena arena;
    hist_tag tag;
    *out = NULL;
    if (h->writer.n_deviations == 0) return PT_OK;
    pt_arena_init(&arena, 64u << 20);
    pt_status st = hist__catalog_tag(&h->catalog, tag_id, &arena, &tag);
    for (size_t i = 0; st == PT_OK && i < h->writer.n_deviations && !*out; i++) {
        if (pt_glob_match(pt_cstr(h->writer.deviations[i].tags), tag.path)) *out = &h->writer.deviations[i];
    }
    pt_arena_fini(&arena);
    return st == PT_ENOTFOUND ? PT_OK : st; /* a gap in the ids has no path */
}

/* What `rule` keeps of the rows, in h->writer.thinned. Rows that are not newer than what is sealed are left to the merge. Byte values stay
 * with the pending rows. */
static pt_status thin_rows(hist *h, const hist_deviation *rule, const hist__mark *mark, const hist_sample *s, size_t *n, double *deviation,
                           delta *d)
{
    if (*n > h->writer.cap_thinned) {
        hist_sample *rows = realloc(h->writer.thinned, *n * sizeof *rows);
        if (rows) h->writer.thinned = rows;
        uint8_t *why = realloc(h->writer.why, *n);
        if (why) h->writer.why = why;
        if (!rows || !why) return PT_ENOMEM;
        h->writer.cap_thinned = *n;
    }
    size_t late = 0, kept = 0;
    while (mark->has_sealed && late < *n && s[late].time_ms <= mark->sealed_ms)
        late++;
    memset(h->writer.why, HIST__KEPT, late);
    *deviation = late < *n ? hist__thin(rule, s + late, *n - late, h->writer.why + late) : 0;
    bool gap = false;
    for (size_t i = 0; i < *n; i++) {
        if (h->writer.why[i] != HIST__KEPT) {
            d->left[h->writer.why[i]]++;
            gap = true;
            continue;
        }
        h->writer.thinned[kept] = s[i];
        if (gap) h->writer.thinned[kept].flags |= HIST_THINNED;
        gap = false;
        kept++;
    }
    *n = kept;
    return PT_OK;
}

static pt_status note_left_out(hist__part *p, uint32_t tag_id, const delta *d, pt_error *err)
{
    sqlite3_bind_int64(p->left_out, 1, tag_id);
    sqlite3_bind_int64(p->left_out, 2, (int64_t)d->left[HIST__EXCEPTION]);
    sqlite3_bind_int64(p->left_out, 3, (int64_t)d->left[HIST__COMPRESSION]);
    return hist__db_run(p->db, p->left_out, err);
}

static pt_status seal_range(hist *h, hist__part *p, uint32_t tag_id, const hist_sample *s, size_t n, delta *total, pt_error *err)
{
    hist__mark *mark = hist__mark_at(&h->writer, tag_id);
    delta d = { 0 };
    double deviation = 0;
    uint32_t tail = 0, half = h->o.block_samples / 2;
    const hist_deviation *rule = NULL;
    pt_status st = rule_of(h, tag_id, &rule);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    bool lines = false; /* that came with the samples: how far from them was what an export did not have is not known */
    for (size_t i = 0; i < n; i++)
        lines |= (s[i].flags & HIST_THINNED) != 0;
    if (rule) {
        if ((st = thin_rows(h, rule, mark, s, &n, &deviation, &d)) != PT_OK) return pt_fail(err, st, "out of memory");
        s = h->writer.thinned;
    }
    if (lines) deviation = (double)INFINITY;
    bool behind = !mark->has_sealed || s[0].time_ms > mark->sealed_ms;
    if (behind && (!mark->has_sealed || mark->tail_rows >= half || (n >= h->o.block_samples && mark->tail_rows > 0)))
        st = hist__part_insert_rows(h, p, tag_id, s, n, deviation, &d, &tail, err);
    else st = merge_rows(h, p, tag_id, s, n, rule && !behind, deviation, &d, &tail, err);
    if (st != PT_OK) return st;
    uint64_t left = d.left[HIST__EXCEPTION] + d.left[HIST__COMPRESSION];
    if (left && (st = note_left_out(p, tag_id, &d, err)) != PT_OK) return st;
    mark->leaving += (uint32_t)left;

    if ((st = hist__part_add_stat(p, tag_id, s, n, &d, err)) != PT_OK) return st;

    /* Kept even if the transaction fails: too large a sealed_ms only costs a look, and the failure path forgets tail_rows. */
    mark->tail_rows = !mark->has_sealed || s[n - 1].time_ms >= mark->sealed_ms ? tail : 0;
    if (!mark->has_sealed || s[n - 1].time_ms > mark->sealed_ms) mark->sealed_ms = s[n - 1].time_ms;
    mark->has_sealed = true;
    total->blocks += d.blocks;
    total->bytes += d.bytes;
    for (size_t k = 0; k < PT_COUNT_OF(d.left); k++)
        total->left[k] += d.left[k];
    return PT_OK;
}

/* The transaction is committed: what it left out is not stored any more. */
static void account_left_out(hist *h, const uint32_t *tags, size_t n, const delta *total)
{
    for (size_t i = 0; i < n; i++) {
        hist__mark *mark = hist__mark_at(&h->writer, tags[i]);
        if (mark->leaving) hist__pending_uncount(&h->pending, tags[i], mark->leaving);
        mark->leaving = 0;
    }
    pthread_mutex_lock(&h->writer.stat_lock);
    h->writer.stats.left_out_exception += total->left[HIST__EXCEPTION];
    h->writer.stats.left_out_compression += total->left[HIST__COMPRESSION];
    pthread_mutex_unlock(&h->writer.stat_lock);
}

static pt_status seal_partition(hist *h, int64_t start_ms, const uint32_t *tags, size_t n, pt_error *err)
{
    hist__part *p = NULL;
    delta total = { 0 };
    pt_status st = part_get(h, start_ms, &p, err);
    if (st != PT_OK) return st;
    int64_t end_ms = hist__partition_end(start_ms);
    st = hist__db_exec(p->db, "BEGIN IMMEDIATE", err);
    for (size_t i = 0; st == PT_OK && i < n; i++) {
        size_t count = 0;
        const hist_sample *rows = hist__pending_rows(&h->pending, tags[i], start_ms, end_ms, &count);
        if (count) st = seal_range(h, p, tags[i], rows, count, &total, err);
    }
    if (st == PT_OK) st = hist__db_exec(p->db, "COMMIT", err);
    if (st != PT_OK) {
        if (!sqlite3_get_autocommit(p->db)) sqlite3_exec(p->db, "ROLLBACK", NULL, NULL, NULL);
        if (st != PT_ENOSPC) part_drop(h, p);
        for (size_t i = 0; i < n; i++)
            hist__mark_at(&h->writer, tags[i])->leaving = 0;
        return st;
    }
    if (total.left[HIST__EXCEPTION] || total.left[HIST__COMPRESSION]) account_left_out(h, tags, n, &total);
    st = hist__weeks_add(&h->weeks, start_ms);
    hist__weeks_add_size(&h->weeks, start_ms, total.blocks, total.bytes);
    return st;
}

/* The partitions the pending rows of these tags fall into, ascending; to be freed. */
static pt_status partitions_of(hist *h, const uint32_t *tags, size_t n, int64_t **out, size_t *count)
{
    int64_t *list = NULL;
    size_t used = 0, cap = 0;
    for (size_t i = 0; i < n; i++) {
        size_t rows = 0;
        const hist_sample *s = hist__pending_rows(&h->pending, tags[i], INT64_MIN, INT64_MAX, &rows);
        for (size_t at = 0; at < rows;) {
            int64_t start = hist__partition_start(s[at].time_ms), end = hist__partition_end(start);
            size_t place = 0;
            while (place < used && list[place] < start)
                place++;
            if (place == used || list[place] != start) {
                if (used == cap) {
                    cap = cap ? cap * 2 : 8;
                    int64_t *more = realloc(list, cap * sizeof *more);
                    if (!more) {
                        free(list);
                        return PT_ENOMEM;
                    }
                    list = more;
                }
                memmove(list + place + 1, list + place, (used - place) * sizeof *list);
                list[place] = start;
                used++;
            }
            at = end == INT64_MAX ? rows : hist__rows_lower(s, rows, end);
        }
    }
    *out = list;
    *count = used;
    return PT_OK;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The week as its file has it now. Readers find that by its generation. */
static pt_status renew_info(hist *h, int64_t start_ms, pt_error *err)
{
    hist__part *p = NULL;
    int64_t blocks = 0, bytes = 0;
    pt_status st = part_get(h, start_ms, &p, err);
    if (st == PT_OK) st = hist__db_number(p->db, "SELECT count(*) FROM block", &blocks, err);
    if (st == PT_OK) st = hist__db_number(p->db, "SELECT coalesce(sum(bytes), 0) FROM block", &bytes, err);
    if (st != PT_OK) return st;
    hist__weeks_renew(&h->weeks, start_ms, (uint64_t)blocks, (uint64_t)bytes);
    hist__look_forget(&h->writer);
    return PT_OK;
}

/* Recording must go on: a week with a damaged page gives way to what can be read of it, as in a repair. Once for each opening: a disk that
 * is dying would have a copy made again and again. */
static pt_status mend_week(hist *h, int64_t start_ms, pt_error *err)
{
    if (!h->mend || hist__weeks_mended(&h->weeks, start_ms)) return PT_ECORRUPT; /* *err says why */
    hist__part_forget(&h->writer, start_ms);
    pt_status st = h->mend(h, HIST__PARTITION, start_ms, false, err);
    return st == PT_OK ? renew_info(h, start_ms, err) : st;
}

pt_status hist__seal(hist *h, uint32_t *tags, size_t n, pt_error *err)
{
    int64_t *starts = NULL;
    size_t count = 0;
    qsort(tags, n, sizeof *tags, by_id);
    pt_status st = partitions_of(h, tags, n, &starts, &count);
    if (st != PT_OK) return pt_fail(err, st, "out of memory");
    for (size_t k = 0; st == PT_OK && k < count; k++) {
        st = seal_partition(h, starts[k], tags, n, err);
        if (st == PT_ECORRUPT && (st = mend_week(h, starts[k], err)) == PT_OK) st = seal_partition(h, starts[k], tags, n, err);
        if (st != PT_OK || k + 1 == count) continue;
        /* Should a later partition fail, what is in this one must not come again: rows it left out would be late ones then, and kept. */
        hist__pending_drop(&h->pending, tags, n, hist__partition_end(starts[k]));
    }
    free(starts);
    hist__look_forget(&h->writer);
    if (st != PT_OK) {
        for (size_t i = 0; i < n; i++)
            hist__mark_at(&h->writer, tags[i])->tail_rows = 0;
        return st;
    }
    hist__pending_clear(&h->pending, tags, n);
    return PT_OK;
}
