/* historian/files/conn.c -- a pool of read connections to partitions; opening one costs more than a short query. */
#include "historian/files/db.h"
#include "historian/files/summary.h"
#include "historian/files/weeks.h"

#include <stdlib.h>

void hist__conn_close(hist__conn *c)
{
    if (!c) return;
    sqlite3_finalize(c->raw);
    sqlite3_finalize(c->index);
    sqlite3_finalize(c->data);
    sqlite3_finalize(c->before);
    hist__db_close(c->db);
    hist__codec_free(c->codec);
    free(c);
}

static pt_status prepare(hist__conn *c, pt_error *err)
{
    /* ?1 tag, ?2 from, ?3 to (inclusive), ?4 most rows: the block that holds `from` or the next, and those behind it. */
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        { &c->raw,
          "SELECT t0, t1, id, (SELECT data FROM data WHERE data.id=block.id) FROM block WHERE tag_id=?1 AND t0 <= ?3 AND t0 >= coalesce("
          "(SELECT max(t0) FROM block WHERE tag_id=?1 AND t0 <= ?2), -9223372036854775808) AND t1 >= ?2 ORDER BY t0 LIMIT ?4" },
        { &c->index, "SELECT " HIST__BLOCK_COLUMNS " FROM block WHERE tag_id=?1 AND t0 <= ?3 AND t0 >= coalesce("
                     "(SELECT max(t0) FROM block WHERE tag_id=?1 AND t0 <= ?2), -9223372036854775808) AND t1 >= ?2 ORDER BY t0 LIMIT ?4" },
        { &c->data, "SELECT data FROM data WHERE id=?1" },
        { &c->before,
          "SELECT t0, t1, id, (SELECT data FROM data WHERE data.id=block.id) FROM block WHERE tag_id=?1 AND t0 <= ?2 ORDER BY t0 DESC LIMIT 1" },
    };
    pt_status st = PT_OK;
    for (size_t i = 0; st == PT_OK && i < PT_COUNT_OF(all); i++)
        st = hist__db_prepare(c->db, all[i].sql, all[i].stmt, err);
    return st;
}

pt_status hist__conn_take(hist__weeks *w, int64_t start_ms, hist__conn **out, pt_error *err)
{
    pthread_mutex_lock(&w->lock);
    uint64_t generation = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].start_ms == start_ms) generation = w->list[i].generation;
    }
    for (hist__conn **at = &w->idle; generation && *at; at = &(*at)->next) {
        hist__conn *c = *at;
        if (c->start_ms != start_ms || c->generation != generation) continue;
        *at = c->next;
        w->n_idle--;
        pthread_mutex_unlock(&w->lock);
        c->next = NULL;
        *out = c;
        return PT_OK;
    }
    pthread_mutex_unlock(&w->lock);
    if (!generation) return PT_ENOTFOUND;

    hist__conn *c = calloc(1, sizeof *c);
    if (!c) return pt_fail(err, PT_ENOMEM, "out of memory");
    c->start_ms = start_ms;
    c->generation = generation;
    char name[40];
    hist__partition_name(start_ms, name);
    char *path = hist__path_in(w->dir, name);
    pt_status st = path ? hist__db_open(path, HIST__PARTITION, true, &c->db, err) : pt_fail(err, PT_ENOMEM, "out of memory");
    free(path);
    if (st == PT_OK) st = prepare(c, err);
    if (st == PT_OK && (st = hist__codec_new(&c->codec)) != PT_OK) pt_fail(err, st, "out of memory");
    if (st != PT_OK) {
        hist__conn_close(c);
        return st;
    }
    *out = c;
    return PT_OK;
}

void hist__conn_give(hist__weeks *w, hist__conn *c)
{
    if (!c) return;
    hist__conn *old = NULL;
    pthread_mutex_lock(&w->lock);
    bool many = w->n_idle >= HIST__WARM_CONNS;
    pthread_mutex_unlock(&w->lock);
    if (many) (void)sqlite3_db_release_memory(c->db); /* a walk over years: its pages, up to 2 MB a week, are not wanted again soon */
    pthread_mutex_lock(&w->lock);
    c->next = w->idle;
    w->idle = c;
    if (++w->n_idle > HIST__IDLE_CONNS) { /* the one unused for longest is at the end */
        hist__conn **at = &w->idle;
        while ((*at)->next)
            at = &(*at)->next;
        old = *at;
        *at = NULL;
        w->n_idle--;
    }
    pthread_mutex_unlock(&w->lock);
    hist__conn_close(old);
}

static void close_all(hist__conn *c)
{
    while (c) {
        hist__conn *next = c->next;
        hist__conn_close(c);
        c = next;
    }
}

void hist__pool_close_week(hist__weeks *w, int64_t start_ms)
{
    hist__conn *gone = NULL;
    pthread_mutex_lock(&w->lock);
    for (hist__conn **at = &w->idle; *at;) {
        hist__conn *c = *at;
        if (c->start_ms != start_ms) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = gone;
        gone = c;
        w->n_idle--;
    }
    pthread_mutex_unlock(&w->lock);
    close_all(gone);
}

void hist__pool_close(hist__weeks *w)
{
    pthread_mutex_lock(&w->lock);
    hist__conn *all = w->idle;
    w->idle = NULL;
    w->n_idle = 0;
    pthread_mutex_unlock(&w->lock);
    close_all(all);
}
