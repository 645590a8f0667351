/* historian/write/deletion.c -- one tag's samples go, block by block, on the writer's thread. */
#include "base/json.h"
#include "historian/maintain.h"
#include "historian/write/write.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct removal {
    uint32_t tag_id;
    int64_t from_ms, to_ms;
    uint64_t *rows;
} removal;

/* The time of the tag's first or last sample among the partition's blocks; *any false: there is none. */
static pt_status end_sample(hist *h, hist__part *part, uint32_t tag_id, bool last, bool *any, int64_t *time_ms, pt_error *err)
{
    sqlite3_stmt *q = NULL;
    hist__rows rows;
    hist__rows_init(&rows);
    const char *sql = last ? "SELECT t1, data FROM block JOIN data USING(id) WHERE tag_id=?1 AND samples>0 ORDER BY t0 DESC LIMIT 1"
                           : "SELECT t0, data FROM block JOIN data USING(id) WHERE tag_id=?1 AND samples>0 ORDER BY t0 LIMIT 1";
    *any = false;
    pt_status st = hist__db_prepare(part->db, sql, &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, tag_id);
        st = hist__db_step(part->db, q, any, err);
    }
    if (st == PT_OK && *any) {
        *time_ms = sqlite3_column_int64(q, 0); /* of a block that can't be read: its end is near enough */
        pt_status decoded =
            hist__block_decode(h->writer.codec, sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), NULL, &rows, NULL);
        if (decoded == PT_ENOMEM) st = pt_fail(err, decoded, "out of memory");
        for (size_t i = 0; decoded == PT_OK && i < rows.n; i++) {
            const hist_sample *s = &rows.s[last ? rows.n - 1 - i : i];
            if (hist__is_state(s)) continue;
            *time_ms = s->time_ms;
            break;
        }
    }
    sqlite3_finalize(q);
    hist__rows_fini(&rows);
    return st;
}

/* The tag's line in tag_stat after blocks were taken away or cut anew. */
static pt_status change_stat(hist *h, hist__part *part, uint32_t tag_id, const hist__delta *d, pt_error *err)
{
    bool any = false;
    int64_t first = 0, last = 0;
    char ends[100] = "first_ms=NULL, last_ms=NULL", sql[500];
    pt_status st = end_sample(h, part, tag_id, false, &any, &first, err);
    if (st == PT_OK) st = end_sample(h, part, tag_id, true, &any, &last, err);
    if (st != PT_OK) return st;
    if (any) snprintf(ends, sizeof ends, "first_ms=%lld, last_ms=%lld", (long long)first, (long long)last);
    snprintf(sql, sizeof sql,
             "UPDATE tag_stat SET samples=samples+%lld, rows=rows+%lld, blocks=blocks+%lld, bytes=bytes+%lld, %s,"
             " max_ms=coalesce((SELECT max(t1) FROM block WHERE tag_id=%u), max_ms) WHERE tag_id=%u;"
             "DELETE FROM tag_stat WHERE tag_id=%u AND blocks=0;",
             (long long)d->samples, (long long)d->rows, (long long)d->blocks, (long long)d->bytes, ends, tag_id, tag_id, tag_id);
    return hist__db_exec(part->db, sql, err);
}

/* Blocks of the tag in one partition that touch the range: gone; what they held outside of it is put back. */
static pt_status remove_from(hist *h, hist__part *part, const removal *r, pt_error *err)
{
    sqlite3_stmt *list = NULL, *data = NULL;
    bool row = false;
    hist__rows rows;
    hist__rows_init(&rows);
    hist__delta d = { 0 };
    pt_status st =
        hist__db_prepare(part->db, "SELECT t0, id, bytes, rows, samples FROM block WHERE tag_id=?1 AND t0 < ?3 AND t1 >= ?2 ORDER BY t0",
                         &list, err);
    if (st == PT_OK) st = hist__db_prepare(part->db, "SELECT data FROM data WHERE id=?1", &data, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(list, 1, r->tag_id);
        sqlite3_bind_int64(list, 2, r->from_ms);
        sqlite3_bind_int64(list, 3, r->to_ms);
    }
    uint64_t gone = 0;
    bool touched = false;
    bool cut = false;
    while (st == PT_OK && (st = hist__db_step(part->db, list, &row, err)) == PT_OK && row) {
        int64_t t0 = sqlite3_column_int64(list, 0), id = sqlite3_column_int64(list, 1);
        bool there = false;
        sqlite3_bind_int64(data, 1, id);
        st = hist__db_step(part->db, data, &there, err);
        size_t before = rows.n;
        if (st == PT_OK && there) { /* one that can't be read goes as a whole: it was asked to go */
            pt_status decoded =
                hist__block_decode(h->writer.codec, sqlite3_column_blob(data, 0), (size_t)sqlite3_column_bytes(data, 0), NULL, &rows, NULL);
            if (decoded == PT_ENOMEM) st = pt_fail(err, decoded, "out of memory");
        }
        sqlite3_reset(data);
        size_t kept = before;
        for (size_t i = before; i < rows.n; i++) {
            if (rows.s[i].time_ms >= r->from_ms && rows.s[i].time_ms < r->to_ms) {
                gone++;
                cut = true;
                continue;
            }
            if (cut) rows.s[i].flags &= (uint8_t)~HIST_THINNED; /* no line leads over what was deleted */
            cut = false;
            rows.s[kept++] = rows.s[i];
        }
        rows.n = kept;
        d.bytes -= sqlite3_column_int64(list, 2);
        d.rows -= sqlite3_column_int64(list, 3);
        d.samples -= sqlite3_column_int64(list, 4);
        d.blocks--;
        touched = true;
        sqlite3_bind_int64(part->remove, 1, r->tag_id);
        sqlite3_bind_int64(part->remove, 2, t0);
        if (st == PT_OK) st = hist__db_run(part->db, part->remove, err);
        sqlite3_bind_int64(part->remove_data, 1, id);
        if (st == PT_OK) st = hist__db_run(part->db, part->remove_data, err);
    }
    sqlite3_finalize(list);
    sqlite3_finalize(data);
    uint32_t tail = 0;
    if (st == PT_OK && rows.n) st = hist__part_insert_rows(h, part, r->tag_id, rows.s, rows.n, rows.deviation, &d, &tail, err);
    if (st == PT_OK && touched) st = change_stat(h, part, r->tag_id, &d, err);
    hist__rows_fini(&rows);
    if (st != PT_OK) return st;
    *r->rows += gone;
    hist__weeks_add_size(&h->weeks, part->start_ms, d.blocks, d.bytes);
    return PT_OK;
}

/* Count the tag anew from the partitions. */
static pt_status recount(hist *h, uint32_t tag_id, pt_error *err)
{
    uint64_t samples = 0;
    int64_t first = 0, last = 0;
    pt_status st = PT_OK;
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        hist__conn *c = NULL;
        st = hist__conn_take(&h->weeks, week.start_ms, &c, err);
        if (st == PT_ENOTFOUND) {
            st = PT_OK;
            continue;
        }
        sqlite3_stmt *q = NULL;
        bool row = false;
        if (st == PT_OK)
            st = hist__db_prepare(c->db, "SELECT samples, first_ms, last_ms FROM tag_stat WHERE tag_id=?1 AND samples > 0", &q, err);
        if (st == PT_OK) {
            sqlite3_bind_int64(q, 1, tag_id);
            st = hist__db_step(c->db, q, &row, err);
        }
        if (st == PT_OK && row) {
            if (samples == 0 || sqlite3_column_int64(q, 1) < first) first = sqlite3_column_int64(q, 1);
            if (samples == 0 || sqlite3_column_int64(q, 2) > last) last = sqlite3_column_int64(q, 2);
            samples += (uint64_t)sqlite3_column_int64(q, 0);
        }
        sqlite3_finalize(q);
        if (c && st == PT_OK) hist__conn_give(&h->weeks, c);
        else hist__conn_close(c);
    }
    if (st != PT_OK) return st;
    hist__pending_set_stored(&h->pending, tag_id, samples, first, last);
    return PT_OK;
}

static pt_status run_delete(hist *h, void *ctx, pt_error *err)
{
    removal *r = ctx;
    /* Everything into blocks first and the journal told: otherwise a restart would bring the samples back. */
    pt_status st = hist__seal_due(h, true, err);
    if (st == PT_OK) hist__sealed_advance(h);
    if (st == PT_OK) st = hist__journal_clear(&h->journal, pt_wall_ms(h->clock), err);
    hist__week week;
    for (size_t i = 0; st == PT_OK && hist__weeks_at(&h->weeks, i, &week); i++) {
        int64_t start = week.start_ms;
        if (start >= r->to_ms || hist__partition_end(start) <= r->from_ms) continue;
        char name[40];
        hist__partition_name(start, name);
        char *path = hist__path(h, name);
        hist__part *part = NULL;
        hist__part_forget(&h->writer, start);
        uint64_t before = *r->rows;
        st = path ? hist__part_open(h, path, start, &part, err) : pt_fail(err, PT_ENOMEM, "out of memory");
        free(path);
        if (st == PT_OK) st = hist__db_exec(part->db, "BEGIN IMMEDIATE", err);
        if (st == PT_OK) st = remove_from(h, part, r, err);
        if (st == PT_OK) st = hist__db_exec(part->db, "COMMIT", err);
        else if (part && !sqlite3_get_autocommit(part->db)) sqlite3_exec(part->db, "ROLLBACK", NULL, NULL, NULL);
        if (st == PT_OK && *r->rows > before) st = hist__db_exec(part->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
        hist__part_close(part);
    }
    hist__look_forget(&h->writer);
    hist__mark_at(&h->writer, r->tag_id)->tail_rows = 0;
    return st == PT_OK ? recount(h, r->tag_id, err) : st;
}

static void member_time(pt_json *j, const char *key, int64_t ms, int64_t open)
{
    if (ms == open) pt_json_member_null(j, key);
    else pt_json_member_i64(j, key, ms);
}

static void tell(hist *h, const removal *r)
{
    pt_arena arena;
    pt_buf detail;
    pt_json j;
    hist_tag tag = { .path = PT_NONE };
    pt_arena_init(&arena, 1u << 20);
    pt_buf_init(&detail, 1000);
    pt_json_init(&j, &detail);
    pt_json_object(&j);
    pt_json_member_u64(&j, "tag_id", r->tag_id);
    member_time(&j, "from_ms", r->from_ms, INT64_MIN);
    member_time(&j, "to_ms", r->to_ms, INT64_MAX);
    pt_json_member_u64(&j, "samples", *r->rows);
    pt_json_end_object(&j);
    if (hist_tag_by_id(h, r->tag_id, &arena, &tag) != PT_OK) tag.path = PT_NONE; /* no memory for it: the number says which it was */
    hist__event_say(h, "history-deleted", tag.path, &detail);
    pt_buf_fini(&detail);
    pt_arena_fini(&arena);
}

pt_status hist_tag_delete(hist *h, uint32_t tag_id, int64_t from_ms, int64_t to_ms, uint64_t *rows, pt_error *err)
{
    *rows = 0;
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return pt_fail(err, PT_ENOTFOUND, "no tag %u", tag_id);
    removal r = { tag_id, from_ms, to_ms, rows };
    hist__request q = { .run = run_delete, .ctx = &r };
    pt_status st = hist__request_run(h, &q, err);
    if (*rows) tell(h, &r); /* also when it ended half-way */
    return st;
}
