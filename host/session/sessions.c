/* host/session/sessions.c -- the files.
 *
 * births  "plantree sessions 1\n"  { u32 len, group; u32 len, edge; u64 session; u16 server; u8 has_bd; u8 bd; i64 born_wall; i64 birth_ts;
 *                                    u32 units { u32 len, id; u32 len, birth } }  u64 checksum
 * seq     "plantree sequence 1\n"  { u64 key; u64 session; u8 next_seq; i64 last_wall; i64 alive_wall; i64 last_payload; u64 messages;
 *                                    u32 units { u8 online } }  u64 checksum
 *         online of the node itself is its host_saved_kind; alive_wall of one without a session is since when it is off line
 * state   "plantree state 1\n"     { u32 len, server; i64 t }  u64 checksum */
#include "host/session/sessions.h"

#include "base/file.h"
#include "base/monitor.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BIRTHS_MAGIC "plantree sessions 1\n"
#define SEQ_MAGIC    "plantree sequence 1\n"
#define STATE_MAGIC  "plantree state 1\n"
enum { EVERY_MS = 1000 };

struct host_sessions {
    char *births_path, *seq_path, *state_path;
    host_ingest *ingest;
    hist *history;
    const pt_clock *clock;
    const pt_log *log;
    uint64_t births_hash, seq_hash; /* of what is on disk */
    pthread_t thread;
    bool started;
    pt_monitor m; /* guards stop */
    bool stop;
    bool told;                  /* of a failing save */
    pthread_mutex_t state_lock; /* guards: */
    pt_map state;               /* server -> T */
    bool state_told;
};

/* ---- writing ---- */

static void put(pt_buf *b, const void *p, size_t n)
{
    pt_buf_add(b, p, n);
}

static void put_text(pt_buf *b, pt_slice s)
{
    uint32_t n = (uint32_t)s.len;
    put(b, &n, sizeof n);
    pt_buf_slice(b, s);
}

/* Names this very session: another birth gives another number. */
static uint64_t session_of(const host_node *n)
{
    uint64_t h = pt_slice_hash(pt_slice_of(&n->born_wall_ms, sizeof n->born_wall_ms), n->key);
    for (uint32_t i = 0; i < n->n_units; i++)
        h = pt_slice_hash(pt_slice_of(n->units[i]->birth, n->units[i]->birth_len), h);
    return h;
}

static host_saved_kind kind_of(const host_node *n)
{
    bool session = n->state == HOST_NODE_ONLINE ? n->n_held == 0 : n->state == HOST_NODE_UNKNOWN && n->resume;
    return session ? HOST_SAVED_SESSION : n->state == HOST_NODE_OFFLINE ? HOST_SAVED_DOWN : HOST_SAVED_WANTED;
}

typedef struct files {
    pt_buf births, seq;
} files;

static void add_node(void *ctx, const host_node *n)
{
    files *f = ctx;
    host_saved_kind kind = kind_of(n);
    if (!n->units[0]->birth) return; /* never born: nothing is known that its next message would not say */
    uint64_t session = session_of(n);
    put_text(&f->births, n->group_slice);
    put_text(&f->births, n->edge_slice);
    put(&f->births, &session, 8);
    put(&f->births, &n->server, 2);
    put(&f->births, &(uint8_t){ n->has_bd_seq }, 1);
    put(&f->births, &n->bd_seq, 1);
    put(&f->births, &n->born_wall_ms, 8);
    put(&f->births, &n->birth_ts, 8);
    put(&f->births, &n->n_units, 4);
    put(&f->seq, &n->key, 8);
    put(&f->seq, &session, 8);
    put(&f->seq, &n->next_seq, 1);
    bool missing = n->backfill_from > 0 && (n->backfill_open || n->backfill_due != INT64_MAX || n->state != HOST_NODE_ONLINE);
    put(&f->seq, &n->last_message_ms, 8);
    put(&f->seq, kind != HOST_SAVED_SESSION ? &n->since_ms : n->state == HOST_NODE_ONLINE ? &n->last_message_ms : &n->alive_ms, 8);
    put(&f->seq, missing && n->backfill_from < n->last_payload_ms ? &n->backfill_from : &n->last_payload_ms, 8);
    put(&f->seq, &n->session_messages, 8);
    put(&f->seq, &n->n_units, 4);
    for (uint32_t i = 0; i < n->n_units; i++) {
        const host_unit *u = n->units[i];
        put_text(&f->births, u->id_slice);
        put_text(&f->births, pt_slice_of(u->birth, u->birth_len));
        bool on = n->state == HOST_NODE_ONLINE ? u->online : u->resumable;
        put(&f->seq, &(uint8_t){ i ? kind == HOST_SAVED_SESSION && on : (uint8_t)kind }, 1);
    }
}

/* With its checksum, whole and on disk when it returns. */
static pt_status write_file(const char *path, pt_buf *b, pt_error *err)
{
    uint64_t sum = pt_slice_hash(pt_buf_view(b), 0);
    put(b, &sum, sizeof sum);
    if (pt_buf_status(b) != PT_OK) return pt_fail(err, pt_buf_status(b), "%s: too large, or out of memory", path);
    return pt_file_write(path, 0644, pt_buf_view(b), err);
}

pt_status host_sessions_save(host_sessions *s, pt_error *err)
{
    files f;
    pt_buf_init(&f.births, 1u << 30);
    pt_buf_init(&f.seq, 256u << 20);
    pt_buf_cstr(&f.births, BIRTHS_MAGIC);
    pt_buf_cstr(&f.seq, SEQ_MAGIC);
    host_ingest_nodes(s->ingest, add_node, &f);
    uint64_t births = pt_slice_hash(pt_buf_view(&f.births), 1), seq = pt_slice_hash(pt_buf_view(&f.seq), 1);
    pt_status st = pt_buf_status(&f.births) == PT_OK ? pt_buf_status(&f.seq) : pt_buf_status(&f.births);
    if (st == PT_OK && seq != s->seq_hash) {
        /* What the seqs say was received must be on disk before they are. */
        st = host_ingest_drain(s->ingest, 5000);
        if (st == PT_ETIMEOUT || st == PT_OK) st = hist_flush(s->history, 5000, err);
        if (st == PT_OK && births != s->births_hash) {
            st = write_file(s->births_path, &f.births, err);
            if (st == PT_OK) s->births_hash = births;
        }
        if (st == PT_OK) st = write_file(s->seq_path, &f.seq, err);
        if (st == PT_OK) s->seq_hash = seq;
    }
    pt_buf_fini(&f.births);
    pt_buf_fini(&f.seq);
    return st;
}

/* ---- reading ---- */

typedef struct reader {
    pt_slice rest;
    bool bad;
} reader;

static void take(reader *r, void *out, size_t n)
{
    if (r->bad || r->rest.len < n) {
        r->bad = true;
        memset(out, 0, n);
        return;
    }
    memcpy(out, r->rest.ptr, n);
    r->rest = pt_slice_from(r->rest, n);
}

static pt_slice take_text(reader *r)
{
    uint32_t n;
    take(r, &n, sizeof n);
    if (r->bad || n > r->rest.len) {
        r->bad = true;
        return PT_LIT("");
    }
    pt_slice s = pt_slice_of(r->rest.ptr, n);
    r->rest = pt_slice_from(r->rest, n);
    return s;
}

/* The file's content between magic and checksum, in `whole`; absent when there is none. One that does not check is set aside; one that
 * can't be read stays. */
static pt_slice read_file(host_sessions *s, const char *path, const char *magic, const char *cost, pt_buf *whole)
{
    pt_error err = { 0, "" };
    pt_buf_init(whole, 2u << 30);
    pt_status st = pt_file_read(path, whole, &err);
    if (st == PT_ENOTFOUND) return PT_NONE;
    if (st != PT_OK) {
        pt_logf(s->log, PT_LOG_WARN, "HOST-SESSIONS", "%s; %s", err.text, cost);
        return PT_NONE;
    }
    pt_slice all = pt_buf_view(whole);
    size_t m = strlen(magic);
    uint64_t sum = 0;
    if (all.len >= m + 8) {
        memcpy(&sum, all.ptr + all.len - 8, 8);
        if (memcmp(all.ptr, magic, m) == 0 && sum == pt_slice_hash(pt_slice_of(all.ptr, all.len - 8), 0))
            return pt_slice_of(all.ptr + m, all.len - 8 - m);
    }
    char aside[4200];
    bool moved = snprintf(aside, sizeof aside, "%s.damaged", path) < (int)sizeof aside && rename(path, aside) == 0;
    pt_logf(s->log, PT_LOG_WARN, "HOST-SESSIONS", "%s does not check%s; %s", path, moved ? ", set aside as .damaged" : "", cost);
    return PT_NONE;
}

typedef struct seq_row {
    uint64_t session, messages;
    int64_t last_wall, alive_wall, last_payload;
    uint8_t next_seq;
    uint32_t units;
    const uint8_t *online;
} seq_row;

static bool next_seq_row(reader *r, uint64_t *key, seq_row *row)
{
    if (r->rest.len == 0) return false;
    take(r, key, 8);
    take(r, &row->session, 8);
    take(r, &row->next_seq, 1);
    take(r, &row->last_wall, 8);
    take(r, &row->alive_wall, 8);
    take(r, &row->last_payload, 8);
    take(r, &row->messages, 8);
    take(r, &row->units, 4);
    if (r->bad || row->units > r->rest.len) return false;
    row->online = (const uint8_t *)r->rest.ptr;
    r->rest = pt_slice_from(r->rest, row->units);
    return true;
}

/* True: a session that may go on. */
static bool restore_one(host_sessions *s, reader *r, const pt_map *rows, seq_row *all)
{
    enum { UNITS_MAX = 100001 };
    host_saved saved = { .group = take_text(r) };
    uint64_t session;
    uint8_t has_bd;
    saved.edge = take_text(r);
    take(r, &session, 8);
    take(r, &saved.server, 2);
    take(r, &has_bd, 1);
    take(r, &saved.bd_seq, 1);
    take(r, &saved.born_wall_ms, 8);
    take(r, &saved.birth_ts, 8);
    take(r, &saved.n_units, 4);
    saved.has_bd_seq = has_bd != 0;
    if (r->bad || saved.n_units == 0 || saved.n_units > UNITS_MAX) return false;
    host_saved_unit *units = calloc(saved.n_units, sizeof *units);
    if (!units) return false;
    for (uint32_t i = 0; i < saved.n_units; i++) {
        units[i].id = take_text(r);
        units[i].birth = take_text(r);
    }
    uint64_t at, key = host_node_key(saved.group, saved.edge);
    bool ok = !r->bad && pt_map_get_u64(rows, key, &at) && all[at].session == session && all[at].units == saved.n_units;
    if (ok) {
        saved.units = units;
        saved.next_seq = all[at].next_seq;
        saved.last_wall_ms = all[at].last_wall;
        saved.alive_wall_ms = all[at].alive_wall;
        saved.last_payload_ms = all[at].last_payload;
        saved.messages = all[at].messages;
        uint8_t kind = all[at].online[0];
        saved.kind = kind == HOST_SAVED_DOWN || kind == HOST_SAVED_SESSION ? (host_saved_kind)kind : HOST_SAVED_WANTED;
        saved.since_ms = saved.alive_wall_ms;
        for (uint32_t i = 0; i < saved.n_units; i++)
            units[i].online = all[at].online[i] != 0;
        units[0].online = saved.kind == HOST_SAVED_SESSION;
        ok = host_ingest_restore(s->ingest, &saved) == PT_OK && saved.kind == HOST_SAVED_SESSION;
    }
    free(units);
    return ok;
}

static void load_state(host_sessions *s)
{
    pt_buf whole;
    reader r = { .rest = read_file(s, s->state_path, STATE_MAGIC, "STATE begins at this machine's clock", &whole) };
    while (r.rest.len > 0 && !r.bad) {
        int64_t t;
        pt_slice server = take_text(&r);
        take(&r, &t, 8);
        if (!r.bad && t > 0 && pt_map_put(&s->state, server, (uint64_t)t, NULL) != PT_OK) break; /* out of memory: as if none was known */
    }
    pt_buf_fini(&whole);
}

size_t host_sessions_load(host_sessions *s)
{
    pt_buf births, seqs;
    static const char cost[] = "nodes will be asked for rebirths";
    reader b = { .rest = read_file(s, s->births_path, BIRTHS_MAGIC, cost, &births) },
           q = { .rest = read_file(s, s->seq_path, SEQ_MAGIC, cost, &seqs) };
    size_t n = 0, cap = 0, restored = 0;
    seq_row *all = NULL, row;
    uint64_t key;
    pt_map rows;
    pt_map_init(&rows, PT_MAP_U64_KEYS);
    load_state(s);
    while (b.rest.ptr && next_seq_row(&q, &key, &row)) {
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            seq_row *grown = realloc(all, cap * sizeof *grown);
            if (!grown) break;
            all = grown;
        }
        if (pt_map_put_u64(&rows, key, n, NULL) != PT_OK) break;
        all[n++] = row;
    }
    while (n && b.rest.len > 0 && !b.bad)
        restored += restore_one(s, &b, &rows, all);
    if (restored) pt_logf(s->log, PT_LOG_INFO, "HOST-SESSIONS", "%zu sessions of before may go on", restored);
    pt_map_fini(&rows);
    free(all);
    pt_buf_fini(&births);
    pt_buf_fini(&seqs);
    return restored;
}

/* ---- STATE timestamps ---- */

int64_t host_sessions_state(host_sessions *s, const char *server)
{
    uint64_t t = 0;
    pthread_mutex_lock(&s->state_lock);
    (void)pt_map_get(&s->state, pt_cstr(server), &t);
    pthread_mutex_unlock(&s->state_lock);
    return (int64_t)t;
}

void host_sessions_state_used(host_sessions *s, const char *server, int64_t t)
{
    pt_error err = { 0, "" };
    pt_buf b;
    pt_slice key;
    uint64_t value;
    size_t it = 0;
    pt_buf_init(&b, 1u << 20);
    pt_buf_cstr(&b, STATE_MAGIC);
    pthread_mutex_lock(&s->state_lock);
    bool larger = !pt_map_get(&s->state, pt_cstr(server), &value) || (uint64_t)t > value;
    pt_status st = larger ? pt_map_put(&s->state, pt_cstr(server), (uint64_t)t, NULL) : PT_OK;
    while (pt_map_each(&s->state, &it, &key, NULL, &value)) {
        put_text(&b, key);
        put(&b, &value, 8);
    }
    if (st == PT_OK) st = write_file(s->state_path, &b, &err);
    if (st != PT_OK && !s->state_told)
        pt_logf(s->log, PT_LOG_WARN, "HOST-SESSIONS", "the STATE timestamp could not be written: %s: %s", pt_status_name(st), err.text);
    s->state_told = st != PT_OK;
    pthread_mutex_unlock(&s->state_lock);
    pt_buf_fini(&b);
}

/* ---- life ---- */

static char *path_of(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *p = malloc(n);
    if (p) snprintf(p, n, "%s/%s", dir, name);
    return p;
}

pt_status host_sessions_new(const char *dir, host_ingest *ingest, hist *history, const pt_clock *clock, const pt_log *log,
                            host_sessions **out)
{
    host_sessions *s = calloc(1, sizeof *s);
    if (!s) return PT_ENOMEM;
    if (pt_monitor_init(&s->m) != PT_OK) {
        free(s);
        return PT_ENOMEM;
    }
    if (pthread_mutex_init(&s->state_lock, NULL) != 0) {
        pt_monitor_fini(&s->m);
        free(s);
        return PT_ENOMEM;
    }
    pt_map_init(&s->state, PT_MAP_COPY_KEYS);
    s->births_path = path_of(dir, "sessions.births");
    s->seq_path = path_of(dir, "sessions.seq");
    s->state_path = path_of(dir, "sessions.state");
    s->ingest = ingest;
    s->history = history;
    s->clock = clock;
    s->log = log;
    if (!s->births_path || !s->seq_path || !s->state_path) {
        host_sessions_free(s);
        return PT_ENOMEM;
    }
    *out = s;
    return PT_OK;
}

static void save_and_tell(host_sessions *s)
{
    pt_error err = { 0, "" };
    pt_status st = host_sessions_save(s, &err);
    if (st != PT_OK && !s->told)
        pt_logf(s->log, PT_LOG_WARN, "HOST-SESSIONS", "the session table could not be written: %s: %s", pt_status_name(st), err.text);
    s->told = st != PT_OK;
}

static void *thread_main(void *arg)
{
    host_sessions *s = arg;
    pt_monitor_lock(&s->m);
    for (;;) {
        int64_t until = pt_deadline(s->clock, EVERY_MS);
        while (!s->stop && pt_monitor_wait_until(&s->m, s->clock, until)) {}
        if (s->stop) break;
        pt_monitor_unlock(&s->m);
        save_and_tell(s);
        pt_monitor_lock(&s->m);
    }
    pt_monitor_unlock(&s->m);
    return NULL;
}

pt_status host_sessions_start(host_sessions *s)
{
    pt_status st = pt_thread_start(&s->thread, "pt-sessions", 0, thread_main, s, NULL);
    s->started = st == PT_OK;
    return st;
}

void host_sessions_stop(host_sessions *s)
{
    if (!s || !s->started) return;
    pt_monitor_lock(&s->m);
    s->stop = true;
    pt_monitor_wake_one(&s->m);
    pt_monitor_unlock(&s->m);
    pthread_join(s->thread, NULL);
    s->started = false;
    save_and_tell(s);
}

void host_sessions_free(host_sessions *s)
{
    if (!s) return;
    pt_monitor_fini(&s->m);
    free(s->births_path);
    free(s->seq_path);
    free(s->state_path);
    pthread_mutex_destroy(&s->state_lock);
    pt_map_fini(&s->state);
    free(s);
}
