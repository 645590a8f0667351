/* historian/read/storage.c -- what one tag costs: bytes, samples and rate, from the partitions' statistics. */
#include "historian/write/write.h"

#include <stdlib.h>

static pt_status add_partition(hist *h, int64_t start_ms, uint32_t tag_id, hist_tag_storage *out, pt_error *err)
{
    hist__conn *c = NULL;
    sqlite3_stmt *q = NULL;
    bool row = false;
    int64_t version = 0;
    pt_status st = hist__conn_take(&h->weeks, start_ms, &c, err);
    if (st == PT_ENOTFOUND) return PT_OK;
    if (st == PT_OK) st = hist__db_prepare(c->db, "SELECT rows, samples, blocks, bytes FROM tag_stat WHERE tag_id=?1", &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, tag_id);
        st = hist__db_step(c->db, q, &row, err);
    }
    if (st == PT_OK && row) {
        out->rows += (uint64_t)sqlite3_column_int64(q, 0);
        out->samples += (uint64_t)sqlite3_column_int64(q, 1);
        out->blocks += (uint64_t)sqlite3_column_int64(q, 2);
        out->bytes += (uint64_t)sqlite3_column_int64(q, 3);
    }
    sqlite3_finalize(q);
    q = NULL;
    if (st == PT_OK) st = hist__db_number(c->db, "PRAGMA user_version", &version, err);
    if (st == PT_OK && version >= 2) {
        st = hist__db_prepare(c->db, "SELECT exception, compression FROM left_out WHERE tag_id=?1", &q, err);
        if (st == PT_OK) {
            sqlite3_bind_int64(q, 1, tag_id);
            st = hist__db_step(c->db, q, &row, err);
        }
        if (st == PT_OK && row) {
            out->left_out_exception += (uint64_t)sqlite3_column_int64(q, 0);
            out->left_out_compression += (uint64_t)sqlite3_column_int64(q, 1);
        }
        sqlite3_finalize(q);
    }
    if (st == PT_OK) hist__conn_give(&h->weeks, c);
    else hist__conn_close(c);
    return st;
}

pt_status hist_tag_storage_get(hist *h, uint32_t tag_id, hist_tag_storage *out, pt_error *err)
{
    pt_status st = h->lock_fd < 0 ? hist__journal_refresh(h, err) : PT_OK;
    *out = (hist_tag_storage){ 0 };
    if (st != PT_OK) return st;
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return pt_fail(err, PT_ENOTFOUND, "no tag %u", tag_id);
    int64_t *starts = NULL;
    size_t n = 0;
    if ((st = hist__weeks_between(&h->weeks, INT64_MIN, INT64_MAX, &starts, &n)) != PT_OK) return pt_fail(err, st, "out of memory");
    for (size_t i = 0; st == PT_OK && i < n; i++)
        st = add_partition(h, starts[i], tag_id, out, err);
    free(starts);
    if (st != PT_OK) return st;
    hist__stored stored = hist__pending_stored(&h->pending, tag_id);
    out->unsealed = stored.pending;
    if (stored.samples > 1 && stored.last_ms > stored.first_ms)
        out->per_second = (double)(stored.samples - 1) * 1000 / ((double)stored.last_ms - (double)stored.first_ms);
    return PT_OK;
}
