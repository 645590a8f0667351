/* historian/files/conn.c -- a pool of read connections to partitions; opening one costs more than a short query. */
#include "historian/store.h"

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

pt_status hist__conn_take(hist *h, int64_t start_ms, hist__conn **out, pt_error *err)
{
    pthread_mutex_lock(&h->pool_lock);
    uint64_t generation = 0;
    for (size_t i = 0; i < h->n_partitions; i++) {
        if (h->partitions[i].start_ms == start_ms) generation = h->partitions[i].generation;
    }
    for (hist__conn **at = &h->idle; generation && *at; at = &(*at)->next) {
        hist__conn *c = *at;
        if (c->start_ms != start_ms || c->generation != generation) continue;
        *at = c->next;
        h->n_idle--;
        pthread_mutex_unlock(&h->pool_lock);
        c->next = NULL;
        *out = c;
        return PT_OK;
    }
    pthread_mutex_unlock(&h->pool_lock);
    if (!generation) return PT_ENOTFOUND;

    hist__conn *c = calloc(1, sizeof *c);
    if (!c) return pt_fail(err, PT_ENOMEM, "out of memory");
    c->start_ms = start_ms;
    c->generation = generation;
    char name[40];
    hist__partition_name(start_ms, name);
    char *path = hist__path(h, name);
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

void hist__conn_give(hist *h, hist__conn *c)
{
    if (!c) return;
    hist__conn *old = NULL;
    pthread_mutex_lock(&h->pool_lock);
    c->next = h->idle;
    h->idle = c;
    if (++h->n_idle > HIST__IDLE_CONNS) { /* the one unused for longest is at the end */
        hist__conn **at = &h->idle;
        while ((*at)->next)
            at = &(*at)->next;
        old = *at;
        *at = NULL;
        h->n_idle--;
    }
    pthread_mutex_unlock(&h->pool_lock);
    hist__conn_close(old);
}

void hist__pool_close(hist *h)
{
    pthread_mutex_lock(&h->pool_lock);
    hist__conn *all = h->idle;
    h->idle = NULL;
    h->n_idle = 0;
    pthread_mutex_unlock(&h->pool_lock);
    while (all) {
        hist__conn *next = all->next;
        hist__conn_close(all);
        all = next;
    }
}
