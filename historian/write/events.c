/* historian/write/events.c -- reading events back, and those of the historian itself. */
#include "base/glob.h"
#include "historian/write/write.h"

#include <stdlib.h>

void hist__event_say(hist *h, const char *type, pt_slice path, const pt_buf *detail)
{
    hist_event e = { .time_ms = pt_wall_ms(h->clock), .type = pt_cstr(type), .path = path, .detail = pt_buf_view(detail) };
    pt_status st = pt_buf_status(detail);
    if (st == PT_OK) st = hist_event_append(h, &e);
    if (st != PT_OK) pt_logf(h->log, PT_LOG_ERROR, "HIST-EVENT-LOST", "%s: %s", type, pt_status_name(st));
}

static bool type_wanted(pt_slice types, pt_slice type)
{
    if (!types.ptr || types.len == 0) return true;
    pt_slice piece;
    while (types.len && pt_slice_split(&types, ',', &piece)) {
        if (pt_slice_eq(piece, type)) return true;
    }
    return false;
}

pt_status hist_events(hist *h, const hist_event_filter *f, bool (*each)(void *ctx, const hist_event *e), void *ctx, pt_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    char *path = hist__path(h, "catalog.db");
    if (!path) return pt_fail(err, PT_ENOMEM, "out of memory");
    /* A connection of its own: a slow consumer must not hold up others. */
    pt_status st = hist__db_open(path, HIST__CATALOG, true, &db, err);
    const char *sql =
        f->newest_first
            ? "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE time_ms >= ?1 AND time_ms < ?2 AND seq > ?3"
              " AND (?4 IS NULL OR node = ?4) ORDER BY time_ms DESC, seq DESC"
            : "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE time_ms >= ?1 AND time_ms < ?2 AND seq > ?3"
              " AND (?4 IS NULL OR node = ?4) ORDER BY time_ms, seq";
    if (st == PT_OK) st = hist__db_prepare(db, sql, &q, err);
    if (st == PT_OK) {
        sqlite3_bind_int64(q, 1, f->from_ms);
        sqlite3_bind_int64(q, 2, f->to_ms);
        sqlite3_bind_int64(q, 3, (int64_t)f->after_seq);
        st = hist__db_bind_slice(q, 4, f->node.len ? f->node : PT_NONE);
    }
    bool row = false;
    uint32_t given = 0;
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        hist_event e = { .seq = (uint64_t)sqlite3_column_int64(q, 0),
                         .time_ms = sqlite3_column_int64(q, 1),
                         .type = hist__db_slice(q, 2),
                         .node = hist__db_slice(q, 3),
                         .device = hist__db_slice(q, 4),
                         .path = hist__db_slice(q, 5),
                         .detail = hist__db_slice(q, 6) };
        if (!type_wanted(f->types, e.type)) continue;
        if (f->path.len && !(e.path.ptr && pt_glob_match(f->path, e.path))) continue;
        if (!each(ctx, &e)) break;
        if (f->limit && ++given >= f->limit) break;
    }
    sqlite3_finalize(q);
    hist__db_close(db);
    free(path);
    return st;
}
