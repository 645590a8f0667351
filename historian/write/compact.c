/* historian/write/compact.c -- what the journal keeps for readers of the change log, made small.
 *
 * Sealed rows are not needed for recovery any more. Neighbours whose change numbers follow without a gap become one packed row (zstd over
 * them as they are) with the id of the last of them, in one transaction. A bounded amount per call: under a flood rows go by log_bytes
 * before they are packed, and the writer is not held up. Pages behind the file's content are given back when they are many, also a bounded
 * number at a time. */
#include "historian/write/journal_db.h"
#include "historian/format/format.h"

#include "base/varint.h"

#include <stdio.h>
#include <stdlib.h>

enum { PACK_BYTES = 256 << 10, AT_ONCE_BYTES = 8 << 20, GROUPS_MAX = 64, FREE_PAGES = 2048, GIVE_BACK_PAGES = 2048 };

typedef struct group {
    size_t from, n; /* of the list of rows, from row_packed on */
    int64_t first_id, last_id, seq, end_seq;
    uint64_t samples;
    pt_buf rows; /* while it is gathered */
    pt_buf packed;
} group;

typedef struct packing {
    group all[GROUPS_MAX];
    size_t n;
    size_t seen;    /* rows looked at */
    uint64_t bytes; /* of them */
    group now;
} packing;

static void group_fini(group *g)
{
    pt_buf_fini(&g->rows);
    pt_buf_fini(&g->packed);
}

static void group_begin(group *g, size_t from)
{
    *g = (group){ .from = from };
    pt_buf_init(&g->rows, 64u << 20);
    pt_buf_init(&g->packed, 64u << 20);
}

/* The group is as long as it gets: pack it, if that makes it smaller. */
static pt_status group_end(packing *p)
{
    group *g = &p->now;
    pt_status st = PT_OK;
    bool keep = false;
    if (g->n > 1 || g->rows.len >= 4096) {
        st = hist__journal_pack(&g->rows, g->samples, &g->packed);
        keep = st == PT_OK && g->packed.len < g->rows.len;
    }
    pt_buf_fini(&g->rows);
    if (keep) p->all[p->n++] = *g;
    else group_fini(g);
    group_begin(&p->now, p->seen);
    return st;
}

static pt_status gather(hist__journal *j, packing *p, size_t rows, pt_error *err)
{
    const hist__row_size *list = j->rows + j->first + j->n_packed;
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__db_prepare(j->db, "SELECT id, seq, n, data FROM journal WHERE id BETWEEN ?1 AND ?2 ORDER BY id", &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, list[0].id);
        sqlite3_bind_int64(q, 2, list[rows - 1].id);
    }
    group_begin(&p->now, 0);
    while (st == PT_OK && p->bytes < AT_ONCE_BYTES && p->n + 1 < GROUPS_MAX && (st = hist__db_step(j->db, q, &row, err)) == PT_OK && row) {
        int64_t id = sqlite3_column_int64(q, 0), seq = sqlite3_column_int64(q, 1), n = sqlite3_column_int64(q, 2);
        const void *bytes = sqlite3_column_blob(q, 3);
        size_t len = (size_t)sqlite3_column_bytes(q, 3);
        if (list[p->seen].id != id) break; /* not the row the list says: leave it all alone */
        bool packed = hist__journal_is_packed(bytes ? bytes : "", len);
        if (p->now.n && (packed || seq != p->now.end_seq || p->now.rows.len + len > PACK_BYTES)) st = group_end(p);
        if (st == PT_OK && !packed) {
            uint8_t head[PT_VARINT_MAX];
            if (p->now.n == 0) {
                p->now.first_id = id;
                p->now.seq = seq;
            }
            st = pt_buf_add(&p->now.rows, head, (size_t)(pt_varint_put(head, len) - head));
            if (st == PT_OK) st = pt_buf_add(&p->now.rows, bytes, len);
            p->now.n++;
            p->now.last_id = id;
            p->now.end_seq = seq + n;
            p->now.samples += (uint64_t)n;
        }
        p->seen++;
        if (packed) p->now.from = p->seen;
        p->bytes += len;
    }
    if (st == PT_OK) st = group_end(p);
    sqlite3_finalize(q);
    return st == PT_ENOMEM ? pt_fail(err, st, "out of memory") : st;
}

static pt_status replace(hist__journal *j, const packing *p, pt_error *err)
{
    sqlite3_stmt *gone = NULL, *put = NULL;
    pt_status st = hist__db_exec(j->db, "BEGIN IMMEDIATE", err);
    if (st == PT_OK) st = hist__db_prepare(j->db, "DELETE FROM journal WHERE id >= ?1 AND id < ?2", &gone, err);
    if (st == PT_OK) st = hist__db_prepare(j->db, "UPDATE journal SET seq=?2, n=?3, data=?4 WHERE id=?1", &put, err);
    for (size_t i = 0; st == PT_OK && i < p->n; i++) {
        const group *g = &p->all[i];
        sqlite3_bind_int64(gone, 1, g->first_id);
        sqlite3_bind_int64(gone, 2, g->last_id);
        st = hist__db_run(j->db, gone, err);
        sqlite3_bind_int64(put, 1, g->last_id);
        sqlite3_bind_int64(put, 2, g->seq);
        sqlite3_bind_int64(put, 3, (int64_t)g->samples);
        if (sqlite3_bind_blob64(put, 4, g->packed.ptr, g->packed.len, SQLITE_STATIC) != SQLITE_OK) st = hist__db_fail(j->db, err, "bind");
        if (st == PT_OK) st = hist__db_run(j->db, put, err);
    }
    sqlite3_finalize(gone);
    sqlite3_finalize(put);
    if (st == PT_OK) st = hist__db_exec(j->db, "COMMIT", err);
    if (st != PT_OK && !sqlite3_get_autocommit(j->db)) sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* The list of rows follows what was committed. */
static void note(hist__journal *j, const packing *p)
{
    hist__row_size *list = j->rows + j->first + j->n_packed;
    size_t to = 0, next = 0;
    for (size_t i = 0; i < p->seen; i++) {
        if (next < p->n && p->all[next].from == i) {
            const group *g = &p->all[next++];
            for (size_t k = 0; k < g->n; k++)
                j->bytes -= list[i + k].bytes;
            i += g->n - 1;
            list[to] = list[i];
            list[to].bytes = g->packed.len;
            j->bytes += g->packed.len;
            to++;
        } else {
            list[to++] = list[i];
        }
    }
    size_t gone = p->seen - to, behind = j->count - j->n_packed - p->seen;
    memmove(list + to, list + p->seen, behind * sizeof *list);
    j->count -= gone;
    j->n_sealed -= gone;
    j->n_packed += to;
}

static pt_status pack(hist__journal *j, pt_error *err)
{
    size_t rows = j->n_sealed > j->n_packed ? j->n_sealed - j->n_packed : 0;
    if (j->n_packed + rows == j->count && rows) rows--; /* the newest row keeps the numbering going and stays as it is */
    uint64_t bytes = 0;
    for (size_t i = 0; i < rows && bytes < PACK_BYTES; i++)
        bytes += j->rows[j->first + j->n_packed + i].bytes;
    if (bytes < PACK_BYTES) return PT_OK; /* wait for more */
    packing *p = calloc(1, sizeof *p);
    if (!p) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = gather(j, p, rows, err);
    if (st == PT_OK && p->n) st = replace(j, p, err);
    if (st == PT_OK) note(j, p);
    group_fini(&p->now);
    for (size_t i = 0; i < p->n; i++)
        group_fini(&p->all[i]);
    free(p);
    return st;
}

static pt_status give_back(hist__journal *j, pt_error *err)
{
    int64_t unused = 0, pages = 0;
    pt_status st = hist__db_number(j->db, "PRAGMA freelist_count", &unused, err);
    if (st == PT_OK) st = hist__db_number(j->db, "PRAGMA page_count", &pages, err);
    if (st != PT_OK || unused < FREE_PAGES || unused < pages / 4) return st;
    char sql[60];
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", GIVE_BACK_PAGES);
    return hist__db_exec(j->db, sql, err);
}

pt_status hist__journal_compact(hist__journal *j, pt_error *err)
{
    pt_status st = hist__journal_open(j, err);
    if (st == PT_OK) st = pack(j, err);
    return st == PT_OK ? give_back(j, err) : st;
}
