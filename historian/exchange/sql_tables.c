/* historian/exchange/sql_tables.c -- tag, history, bucket, event, tag_path, tag_meta and tag_storage as SQL virtual tables.
 *
 * Compiled twice: into the library (SQLITE_CORE, for `plantree sql`), and into the loadable plantree_sqlite.so, where every SQLite function
 * named here is the loading program's. Therefore nothing here touches the historian's own SQLite objects: it goes through historian.h and
 * query.h.
 *
 * What xBestIndex takes over is said in idxStr, which EXPLAIN QUERY PLAN shows. Ranges are only narrowed (SQLite checks the exact
 * comparison again), except for path, which may be a tag's former one. */
#include "historian/exchange/sql_tables_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef hist__sql_kind table_kind;
typedef hist__sql_cursor cursor;

enum {
    BY_TAG = 1,
    BY_PATH = 2,
    FROM = 4,
    TO = 8,
    AFTER_SEQ = 16,
    RANGE_FROM = 32,
    RANGE_TO = 64,
    INTERVAL = 128,
    ZONE = 1 << 16,
    EDGES_MAX = 10000000
};
enum { WHOLE_RANGE = RANGE_FROM | RANGE_TO | INTERVAL };

/* WITHOUT ROWID: SQLite tells rows apart by the key, as it must where one query walks a table twice (an OR of two constraints). */
static const struct {
    const char *name, *columns;
} TABLE[TABLES] = {
    [TAG] = { "tag",
              "CREATE TABLE x(tag_id INTEGER, source TEXT, group_id TEXT, edge TEXT, device TEXT, metric TEXT, path TEXT, type TEXT, unit TEXT,"
              " first_ms INTEGER, last_ms INTEGER, samples INTEGER, PRIMARY KEY(tag_id)) WITHOUT ROWID" },
    [HISTORY] = { "history",
                  "CREATE TABLE x(tag_id INTEGER, path TEXT, time_ms INTEGER, value, quality TEXT, historical INTEGER, type TEXT HIDDEN, PRIMARY KEY(tag_id, time_ms))"
                  " WITHOUT ROWID" },
    [BUCKET] = { "bucket",
                 "CREATE TABLE x(tag_id INTEGER, path TEXT, from_ms INTEGER HIDDEN, to_ms INTEGER HIDDEN, interval_ms INTEGER HIDDEN, t_ms INTEGER, count INTEGER,"
                 " min REAL, max REAL, avg REAL, first REAL, last REAL, sum REAL, stddev REAL, twa REAL, good INTEGER, nums INTEGER, tz TEXT HIDDEN,"
                 " PRIMARY KEY(tag_id, t_ms, interval_ms, from_ms, to_ms, tz)) WITHOUT ROWID" },
    [EVENT] = { "event",
                "CREATE TABLE x(seq INTEGER, time_ms INTEGER, type TEXT, node TEXT, device TEXT, path TEXT, detail TEXT, PRIMARY KEY(seq)) WITHOUT ROWID" },
    [TAG_META] = { "tag_meta",
                   "CREATE TABLE x(tag_id INTEGER, unit TEXT, from_ms INTEGER, type TEXT, PRIMARY KEY(tag_id, from_ms)) WITHOUT ROWID" },
    [TAG_STORAGE] = { "tag_storage",
                      "CREATE TABLE x(tag_id INTEGER, path TEXT, bytes INTEGER, samples INTEGER, rows INTEGER, blocks INTEGER, unsealed INTEGER,"
                      " exception INTEGER, compression INTEGER, per_second REAL, PRIMARY KEY(tag_id)) WITHOUT ROWID" },
    [TAG_PATH] = { "tag_path",
                   "CREATE TABLE x(tag_id INTEGER, path TEXT, from_ms INTEGER, to_ms INTEGER, PRIMARY KEY(tag_id, from_ms)) WITHOUT ROWID" },
};

typedef struct table {
    sqlite3_vtab base;
    hist__sql *sql; /* borrowed from the module; counted */
    table_kind kind;
} table;

typedef struct module {
    hist__sql *sql;
    table_kind kind;
} module;

struct hist__sql {
    hist *h;
    void (*release)(hist *h);
    unsigned refs; /* modules; SQLite calls in from one thread at a time */
    module modules[TABLES];
};

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **message)
{
    (void)argc;
    (void)argv;
    module *m = aux;
    int rc = sqlite3_declare_vtab(db, TABLE[m->kind].columns);
    if (rc != SQLITE_OK) {
        *message = sqlite3_mprintf("%s: %s", TABLE[m->kind].name, sqlite3_errmsg(db));
        return rc;
    }
    table *t = sqlite3_malloc(sizeof *t);
    if (!t) return SQLITE_NOMEM;
    *t = (table){ .sql = m->sql, .kind = m->kind };
    *out = &t->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *v)
{
    sqlite3_free(v);
    return SQLITE_OK;
}

/* ---- planning ------------------------------------------------------------------------------------------------ */

static bool is_lower(int op)
{
    return op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_GT;
}
static bool is_upper(int op)
{
    return op == SQLITE_INDEX_CONSTRAINT_LE || op == SQLITE_INDEX_CONSTRAINT_LT;
}

/* Which of our bits this constraint can serve on this table; 0: none. */
static int bits_of(table_kind kind, int column, int op)
{
    bool eq = op == SQLITE_INDEX_CONSTRAINT_EQ;
    int time_column = kind == HISTORY ? 2 : kind == EVENT ? 1 : -1;
    if (kind != EVENT && column == 0 && eq) return BY_TAG;
    if ((kind == HISTORY || kind == BUCKET) && column == 1 && eq) return BY_PATH;
    if (kind == TAG && column == 6 && eq) return BY_PATH;
    if (kind == TAG_STORAGE && column == 1 && eq) return BY_PATH;
    if (kind == BUCKET && eq && column >= 2 && column <= 4) return column == 2 ? RANGE_FROM : column == 3 ? RANGE_TO : INTERVAL;
    if (kind == BUCKET && eq && column == 17) return ZONE;
    if (column == time_column && eq) return FROM | TO;
    if (column == time_column && is_lower(op)) return FROM;
    if (column == time_column && is_upper(op)) return TO;
    if (kind == EVENT && column == 0 && is_lower(op)) return AFTER_SEQ;
    return 0;
}

static int best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
    table *t = (table *)v;
    int taken = 0, args = 0;
    char plan[120] = "";
    static const struct {
        int bit;
        const char *text;
    } words[] = { { BY_TAG, "tag_id=? " },  { BY_PATH, "path=? " },         { FROM, "time_ms>=? " },
                  { TO, "time_ms<=? " },    { AFTER_SEQ, "seq>? " },        { RANGE_FROM, "from_ms=? " },
                  { RANGE_TO, "to_ms=? " }, { INTERVAL, "interval_ms=? " }, { ZONE, "tz=? " } };
    /* The bits are taken in a fixed order, so that xFilter finds the arguments by it. An equal time serves as FROM and as TO: one argument
     * each. */
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        if (words[w].bit == BY_PATH && (taken & BY_TAG)) continue;
        for (int i = 0; i < info->nConstraint; i++) {
            const struct sqlite3_index_constraint *c = &info->aConstraint[i];
            if (!(bits_of(t->kind, c->iColumn, c->op) & words[w].bit)) continue;
            if (words[w].bit == BY_PATH && strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
                continue; /* our paths are compared byte by byte */
            if (!c->usable) {
                if (words[w].bit & (RANGE_FROM | RANGE_TO | INTERVAL | ZONE))
                    return SQLITE_CONSTRAINT; /* a parameter from a table not yet read: another plan */
                continue;
            }
            if (info->aConstraintUsage[i].argvIndex) { /* an equality used as FROM: without it as TO */
                if (words[w].bit == TO) continue;
            }
            info->aConstraintUsage[i].argvIndex = ++args;
            info->aConstraintUsage[i].omit = (words[w].bit & (BY_PATH | RANGE_FROM | RANGE_TO | INTERVAL | ZONE)) != 0;
            if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && words[w].bit == FROM) taken |= TO << 8; /* and ends there */
            taken |= words[w].bit;
            strncat(plan, words[w].text, sizeof plan - strlen(plan) - 1);
            break;
        }
    }
    bool lacking =
        t->kind == BUCKET &&
        (taken & WHOLE_RANGE) !=
            WHOLE_RANGE; /* one branch of an OR, say: no way to go, unless there is no other, and then it is told what is missing */
    bool one = taken & (BY_TAG | BY_PATH);
    info->idxNum = taken;
    info->idxStr = sqlite3_mprintf("%s", plan[0] ? plan : "all");
    info->needToFreeIdxStr = 1;
    if (!info->idxStr) return SQLITE_NOMEM;
    info->estimatedCost = (one ? 1000.0 : 1e9) / (taken & (FROM | TO) ? 10 : 1) / (taken & AFTER_SEQ ? 10 : 1);
    info->estimatedRows = one ? 1000 : 100000000;
    if (lacking) info->estimatedCost = 1e18;
    /* Rows come by tag, then time. */
    int time_column = t->kind == HISTORY ? 2 : t->kind == BUCKET ? 5 : t->kind == EVENT ? 1 : -1;
    int n = info->nOrderBy;
    const struct sqlite3_index_orderby *o = info->aOrderBy;
    bool sorted = n > 0;
    for (int i = 0; i < n; i++)
        sorted = sorted && !o[i].desc;
    bool by_time = sorted && n == 1 && o[0].iColumn == time_column, by_tag = sorted && n == 1 && o[0].iColumn == 0,
         by_both = sorted && n == 2 && o[0].iColumn == 0 && o[1].iColumn == time_column;
    if (t->kind == HISTORY || t->kind == BUCKET) info->orderByConsumed = by_both || by_tag || (by_time && one);
    else if (t->kind == TAG || t->kind == TAG_STORAGE) info->orderByConsumed = by_tag;
    else if (t->kind == EVENT) info->orderByConsumed = by_tag || (sorted && n == 1 && o[0].iColumn == 0);
    return SQLITE_OK;
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static int failed(cursor *c, pt_status st, const pt_error *err)
{
    table *t = (table *)c->base.pVtab;
    if (st == PT_ENOMEM) return SQLITE_NOMEM;
    sqlite3_free(t->base.zErrMsg);
    t->base.zErrMsg = sqlite3_mprintf("%s: %s", TABLE[t->kind].name, err->text[0] ? err->text : pt_status_name(st));
    return st == PT_ECORRUPT ? SQLITE_CORRUPT : SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *v, sqlite3_vtab_cursor **out)
{
    (void)v;
    cursor *c = sqlite3_malloc(sizeof *c);
    if (!c) return SQLITE_NOMEM;
    *c = (cursor){ 0 };
    pt_arena_init(&c->arena, 64u << 20);
    pt_arena_init(&c->line_arena, 64u << 20);
    *out = &c->base;
    return SQLITE_OK;
}

static void end_walk(cursor *c)
{
    hist_cursor_close(c->rows);
    hist__query_close(c->query);
    c->rows = NULL;
    c->query = NULL;
    c->run_n = c->run_at = c->n_buckets = c->bucket_at = 0;
    c->more = false;
    free(c->asked_path);
    free(c->edges);
    free(c->interval);
    free(c->zone);
    c->asked_path = c->interval = c->zone = NULL;
    c->edges = NULL;
    c->n_edges = 0;
}

static int close_cursor(sqlite3_vtab_cursor *v)
{
    cursor *c = (cursor *)v;
    end_walk(c);
    free(c->buckets);
    pt_arena_fini(&c->arena);
    pt_arena_fini(&c->line_arena);
    sqlite3_free(c);
    return SQLITE_OK;
}

static hist_line line_of(const cursor *c)
{
    return c->asked_path ? c->line : hist_of_tag(c->tag_id);
}

/* So many at a time; the next ones begin where the last of them ends. */
enum { BUCKETS = 4096 };

static bool keep_bucket(void *ctx, const hist_bucket *b)
{
    cursor *c = ctx;
    c->more = c->n_buckets == BUCKETS;
    if (!c->more) c->buckets[c->n_buckets++] = *b;
    return !c->more;
}

static pt_status read_buckets(cursor *c, hist *h, pt_error *err)
{
    int64_t from_ms = c->more ? c->buckets[BUCKETS - 1].end_ms : c->from_ms;
    size_t edge = 0;
    if (!c->buckets && !(c->buckets = malloc(BUCKETS * sizeof *c->buckets))) return PT_ENOMEM;
    c->n_buckets = c->bucket_at = 0;
    c->more = false;
    if (!c->interval) return hist_buckets(h, line_of(c), from_ms, c->to_ms, c->interval_ms, keep_bucket, c, err);
    while (edge < c->n_edges && c->edges[edge] < from_ms)
        edge++;
    return hist_buckets_at(h, line_of(c), c->edges + edge, c->n_edges - edge, keep_bucket, c, err);
}

/* Make tag_id the present one; *there false when there is none of that id. */
static pt_status load_tag(cursor *c, hist *h, bool *there)
{
    pt_arena_reset(&c->arena);
    pt_status st = hist_tag_by_id(h, c->tag_id, &c->arena, &c->tag);
    *there = st == PT_OK;
    return st == PT_ENOTFOUND ? PT_OK : st;
}

static int next_sample(cursor *c, hist *h)
{
    pt_error err = { 0 };
    for (;;) {
        if (++c->run_at < c->run_n) return SQLITE_OK;
        pt_status st = PT_OK;
        if (c->rows) {
            st = hist_cursor_view(c->rows, &c->run, &c->run_n, &err);
            if (st != PT_OK) return failed(c, st, &err);
            c->run_at = 0;
            if (c->run_n) return SQLITE_OK;
            hist_cursor_close(c->rows);
            c->rows = NULL;
            c->tag_id++;
        }
        bool there = false;
        while (!there && c->tag_id <= c->last_tag) {
            if ((st = load_tag(c, h, &there)) != PT_OK) return failed(c, st, &err);
            if (!there) c->tag_id++;
        }
        c->run_n = c->run_at = 0;
        if (!there) {
            c->eof = true;
            return SQLITE_OK;
        }
        if ((st = hist_cursor_open(h, line_of(c), c->from_ms, c->to_ms, false, &c->rows, &err)) != PT_OK) return failed(c, st, &err);
    }
}

static int next_bucket(cursor *c, hist *h)
{
    pt_error err = { 0 };
    if (c->n_buckets && ++c->bucket_at < c->n_buckets) return SQLITE_OK;
    if (c->n_buckets && !c->more) c->tag_id++;
    for (; c->tag_id <= c->last_tag; c->tag_id++) {
        bool there = false;
        pt_status st = load_tag(c, h, &there);
        if (st == PT_OK && !there) c->n_buckets = 0;
        if (st == PT_OK && there) st = read_buckets(c, h, &err);
        if (st != PT_OK) return failed(c, st, &err);
        if (c->n_buckets) return SQLITE_OK;
    }
    c->eof = true;
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *v)
{
    cursor *c = (cursor *)v;
    table *t = (table *)v->pVtab;
    hist *h = t->sql->h;
    pt_error err = { 0 };
    pt_status st = PT_OK;
    switch (t->kind) {
    case HISTORY: return next_sample(c, h);
    case BUCKET: return next_bucket(c, h);
    case TAG_STORAGE:
    case TAG: {
        bool there = false;
        while (!there && st == PT_OK && c->tag_id < c->last_tag) {
            c->tag_id++;
            st = load_tag(c, h, &there);
        }
        c->eof = !there;
        if (st == PT_OK && there && t->kind == TAG_STORAGE) st = hist_tag_storage_get(h, c->tag_id, &c->storage, &err);
        break;
    }
    default: {
        bool row = false;
        st = hist__query_next(c->query, &row, &err);
        c->eof = !row;
        break;
    }
    }
    return st == PT_OK ? SQLITE_OK : failed(c, st, &err);
}

static bool find_highest(void *ctx, const hist_tag *t)
{
    *(uint32_t *)ctx = t->tag_id;
    return true;
}

static pt_status tag_range(cursor *c, hist *h, int taken, sqlite3_value **argv, int *at)
{
    uint32_t highest = 0;
    c->tag_id = 1;
    if (taken & BY_TAG) {
        int64_t id = sqlite3_value_int64(argv[(*at)++]);
        c->tag_id = c->last_tag = id > 0 && id <= UINT32_MAX ? (uint32_t)id : 0;
        if (c->last_tag == 0) c->tag_id = 1;
        return PT_OK;
    }
    if (taken & BY_PATH) {
        int type = sqlite3_value_type(argv[*at]);
        if (type == SQLITE_NULL || type == SQLITE_BLOB) { /* equal to no text */
            ++*at;
            c->last_tag = 0;
            return PT_OK;
        }
        const char *path = (const char *)sqlite3_value_text(argv[*at]);
        pt_slice s = pt_slice_of(path ? path : "", (size_t)sqlite3_value_bytes(argv[(*at)++]));
        pt_arena_reset(&c->arena);
        pt_status st = hist_tag_by_path(h, s, &c->arena, &c->tag);
        if (st == PT_ENOTFOUND) {
            c->last_tag = 0;
            return PT_OK;
        }
        c->tag_id = c->last_tag = c->tag.tag_id;
        pt_arena_reset(&c->line_arena);
        if (st == PT_OK) st = hist_path_line(h, s, &c->line_arena, &c->line, NULL);
        if (st == PT_OK && !(c->asked_path = pt_slice_dup(s))) st = PT_ENOMEM;
        return st;
    }
    pt_status st = hist_tag_each(h, find_highest, &highest);
    c->last_tag = highest;
    return st;
}

/* A text or a blob is more than any number: it bounds nothing from above. */
static bool is_number(sqlite3_value *v)
{
    int type = sqlite3_value_numeric_type(v);
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

static const char *kind_of(sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    return type == SQLITE_NULL ? "NULL" : type == SQLITE_BLOB ? "a blob" : "a text";
}

/* BUCKET's arguments, all of them needed and none of which has a meaning for NULL or a blob. An interval given as text is one of a calendar
 * ('1d', '1mo'), of UTC's unless a zone is named. */
static pt_status bucket_range(cursor *c, int taken, sqlite3_value **argv, int at, pt_error *err)
{
    hist_zone *z = NULL;
    hist_span span;
    if ((taken & WHOLE_RANGE) != WHOLE_RANGE)
        return pt_fail(err, PT_EINVAL,
                       "from_ms, to_ms and interval_ms are needed: bucket(FROM, TO, INTERVAL[, ZONE]) or WHERE from_ms=.. AND ..");
    int given = sqlite3_value_type(argv[at + 2]);
    if (!is_number(argv[at]) || !is_number(argv[at + 1]))
        return pt_fail(err, PT_EINVAL, "from_ms and to_ms are numbers of ms, not %s", kind_of(argv[is_number(argv[at]) ? at + 1 : at]));
    if (given == SQLITE_NULL || given == SQLITE_BLOB)
        return pt_fail(err, PT_EINVAL, "interval_ms is a number of ms or a text such as '1d', not %s", kind_of(argv[at + 2]));
    if (taken & ZONE && sqlite3_value_type(argv[at + 3]) == SQLITE_BLOB)
        return pt_fail(err, PT_EINVAL, "the time zone is a text, not a blob");
    c->from_ms = sqlite3_value_int64(argv[at++]);
    c->to_ms = sqlite3_value_int64(argv[at++]);
    c->interval_ms = sqlite3_value_int64(argv[at]);
    const char *interval = sqlite3_value_type(argv[at]) == SQLITE_TEXT ? (const char *)sqlite3_value_text(argv[at]) : NULL;
    const char *zone =
        taken & ZONE && sqlite3_value_type(argv[at + 1]) != SQLITE_NULL ? (const char *)sqlite3_value_text(argv[at + 1]) : NULL;
    if (zone && !zone[0]) zone = NULL;
    if (zone && !interval) return pt_fail(err, PT_EINVAL, "with a time zone the interval is a text such as '1d'");
    if (!interval) return PT_OK;
    c->interval = pt_slice_dup(pt_cstr(interval));
    c->zone = zone ? pt_slice_dup(pt_cstr(zone)) : NULL;
    if (!c->interval || (zone && !c->zone)) return PT_ENOMEM;
    pt_status st = hist_zone_open(NULL, zone ? pt_cstr(zone) : PT_LIT("UTC"), &z, err);
    if (st == PT_OK) st = hist_span_parse(pt_cstr(interval), &span, err);
    if (st == PT_OK) st = hist_zone_edges(z, span, c->from_ms, c->to_ms, EDGES_MAX, &c->edges, &c->n_edges, err);
    hist_zone_close(z);
    return st;
}

static int filter(sqlite3_vtab_cursor *v, int taken, const char *plan, int argc, sqlite3_value **argv)
{
    (void)plan;
    (void)argc;
    cursor *c = (cursor *)v;
    table *t = (table *)v->pVtab;
    hist *h = t->sql->h;
    pt_error err = { 0 };
    int at = 0;
    int64_t after = 0;
    end_walk(c);
    c->eof = false;
    c->from_ms = INT64_MIN;
    c->to_ms = INT64_MAX;
    pt_status st = t->kind == EVENT ? PT_OK : tag_range(c, h, taken, argv, &at);
    if (st != PT_OK) return failed(c, st, &err);
    if (taken & FROM) {
        c->from_ms = sqlite3_value_int64(argv[at++]);
        if (taken & TO << 8 && c->from_ms < INT64_MAX) c->to_ms = c->from_ms + 1;
    }
    if (taken & TO) {
        bool number = is_number(argv[at]);
        int64_t to = sqlite3_value_int64(argv[at++]); /* <= or <: one ms more is checked away by SQLite */
        if (number && to < INT64_MAX && to + 1 < c->to_ms) c->to_ms = to + 1;
    }
    if (taken & AFTER_SEQ) after = sqlite3_value_int64(argv[at++]);
    if (t->kind == BUCKET) st = bucket_range(c, taken, argv, at, &err);
    if (st != PT_OK) return failed(c, st, &err);
    if (t->kind == EVENT) {
        const int64_t numbers[] = { c->from_ms, c->to_ms, after };
        const char *sql =
            taken & (FROM | TO)
                ? "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE time_ms >= ?1 AND time_ms < ?2 AND seq >= ?3 ORDER BY +seq"
                : "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE seq >= ?3 AND ?1 IS NOT NULL AND ?2 IS NOT NULL ORDER BY seq";
        st = hist__query_open(h, sql, numbers, 3, &c->query, &err);
    } else if (t->kind == TAG_PATH) {
        const int64_t numbers[] = { c->tag_id, c->last_tag };
        st =
            hist__query_open(h, "SELECT tag_id, path, from_ms, to_ms FROM tag_path WHERE tag_id BETWEEN ?1 AND ?2 ORDER BY tag_id, from_ms",
                             numbers, 2, &c->query, &err);
    }
    if (st == PT_OK && t->kind == TAG_META) {
        const int64_t numbers[] = { c->tag_id, c->last_tag };
        st = hist__query_open(h, "SELECT tag_id, unit, from_ms, type FROM tag_meta WHERE tag_id BETWEEN ?1 AND ?2 ORDER BY tag_id, from_ms",
                              numbers, 2, &c->query, &err);
    }
    if (st != PT_OK) return failed(c, st, &err);
    if (t->kind == TAG || t->kind == TAG_STORAGE) c->tag_id--;
    return next_row(v);
}

static int at_end(sqlite3_vtab_cursor *v)
{
    return ((cursor *)v)->eof;
}

static int column_value(sqlite3_vtab_cursor *v, sqlite3_context *ctx, int column)
{
    const cursor *c = (const cursor *)v;
    const table *t = (const table *)v->pVtab;
    hist__sql_column(ctx, c, t->kind, column);
    return SQLITE_OK;
}

/* ---- registering --------------------------------------------------------------------------------------------- */

static void drop_module(void *aux)
{
    hist__sql *s = ((module *)aux)->sql;
    if (--s->refs) return;
    if (s->release) s->release(s->h);
    free(s);
}

static const sqlite3_module METHODS = { .iVersion = 1,
                                        .xConnect = connect_table,
                                        .xBestIndex = best_index,
                                        .xDisconnect = disconnect_table,
                                        .xOpen = open_cursor,
                                        .xClose = close_cursor,
                                        .xFilter = filter,
                                        .xNext = next_row,
                                        .xEof = at_end,
                                        .xColumn = column_value };

pt_status hist__sql_register(sqlite3 *db, hist *h, void (*release)(hist *h))
{
    hist__sql *s = calloc(1, sizeof *s);
    if (!s) {
        if (release) release(h);
        return PT_ENOMEM;
    }
    *s = (hist__sql){ .h = h, .release = release, .refs = TABLES };
    pt_status st = PT_OK;
    for (int k = 0; k < TABLES; k++)
        s->modules[k] = (module){ s, (table_kind)k };
    for (int k = 0; k < TABLES; k++) { /* a failed registration calls drop_module too */
        if (sqlite3_create_module_v2(db, TABLE[k].name, &METHODS, &s->modules[k], drop_module) != SQLITE_OK) st = PT_ENOMEM;
    }
    return st;
}
