/* historian/read/past.c -- which tags stood where at a past time, from their path intervals. */
#include "historian/read/scan.h"
#include "historian/write/write.h"

#include <stdlib.h>

/* The first path of a tag holds before it was heard of, too, unless another had it first: what was imported, or filled in later by an edge
 * node, is older. */
#define AS_OF(column)                                                                                                            \
    " coalesce((SELECT m." column " FROM tag_meta m WHERE m.tag_id=t.tag_id AND m.from_ms<=?1 ORDER BY m.from_ms DESC LIMIT 1)," \
    " (SELECT m." column " FROM tag_meta m WHERE m.tag_id=t.tag_id ORDER BY m.from_ms LIMIT 1), t." column ")"
static const char SQL[] = "SELECT t.tag_id, p.path, t.source, t.group_id, t.edge, t.device, t.metric," AS_OF("type") "," AS_OF(
    "unit") ", p.from_ms>?1"
            " FROM tag_path p JOIN tag t USING(tag_id) WHERE (p.to_ms IS NULL OR p.to_ms>?1)"
            " AND (p.from_ms<=?1 OR (p.from_ms=(SELECT min(x.from_ms) FROM tag_path x WHERE x.tag_id=t.tag_id)"
            " AND p.from_ms=(SELECT min(y.from_ms) FROM tag_path y WHERE y.path=p.path))) ORDER BY t.tag_id";

/* Is there a sample of then, or an older one? */
static bool had_samples(hist *h, uint32_t tag_id, int64_t at_ms)
{
    if (tag_id == 0 || tag_id > hist__tag_count(h)) return false;
    hist__stored stored = hist__pending_stored(&h->pending, tag_id);
    return stored.samples && stored.first_ms <= at_ms;
}

static hist_tag tag_of(sqlite3_stmt *q)
{
    return (hist_tag){ .tag_id = (uint32_t)sqlite3_column_int64(q, 0),
                       .path = hist__db_slice(q, 1),
                       .key = { .source = hist__db_slice(q, 2),
                                .group = hist__db_slice(q, 3),
                                .edge = hist__db_slice(q, 4),
                                .device = hist__db_slice(q, 5),
                                .metric = hist__db_slice(q, 6) },
                       .type = (spb_datatype)sqlite3_column_int(q, 7),
                       .unit = hist__db_slice(q, 8),
                       .first_ms = INT64_MAX,
                       .last_ms = INT64_MIN };
}

pt_status hist_tags_at(hist *h, int64_t at_ms, bool (*each)(void *ctx, const hist_tag *tag), void *ctx, pt_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    char *path = hist__path(h, "catalog.db");
    if (!path) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = hist__db_open(path, HIST__CATALOG, true, &db, err); /* its own connection: a slow reader holds up nobody */
    if (st == PT_OK) st = hist__db_prepare(db, SQL, &q, err);
    if (st == PT_OK) sqlite3_bind_int64(q, 1, at_ms);
    bool row = false;
    while (st == PT_OK && (st = hist__db_step(db, q, &row, err)) == PT_OK && row) {
        hist_tag tag = tag_of(q);
        if (sqlite3_column_int(q, 9) && !had_samples(h, tag.tag_id, at_ms)) continue;
        if (!each(ctx, &tag)) break;
    }
    sqlite3_finalize(q);
    hist__db_close(db);
    free(path);
    return st;
}

pt_status hist_state_at(hist *h, hist_line line, int64_t at_ms, spb_quality *out, pt_error *err)
{
    pt_arena arena;
    hist_sample row;
    pt_arena_init(&arena, 64u << 20);
    pt_status st = hist__row_before(h, line, at_ms, true, &arena, &row, err);
    if (st == PT_OK) *out = (spb_quality)row.quality;
    pt_arena_fini(&arena);
    return st;
}
