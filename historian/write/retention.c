/* historian/write/retention.c -- old partitions go as whole files, on the writer's thread.
 *
 * What goes is decided over the weeks that have a file and those that have pending rows only. Should pending rows be among it, they are
 * sealed first, so that they go with their week instead of being written into a new one later. That makes files larger, but changes nothing
 * of what was decided: a dry run has said it so. */
#include "base/json.h"
#include "historian/maintain.h"
#include "historian/write/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const SUFFIX[] = { "", "-wal", "-shm" };

static uint64_t partition_file_bytes(const hist *h, int64_t start_ms)
{
    uint64_t total = 0;
    char name[40];
    hist__partition_name(start_ms, name);
    for (size_t i = 0; i < 2; i++) {
        char full[60];
        snprintf(full, sizeof full, "%s%s", name, SUFFIX[i]);
        char *path = hist__path(h, full);
        struct stat info;
        if (path && stat(path, &info) == 0) total += (uint64_t)info.st_size;
        free(path);
    }
    return total;
}

static void forget_partition(hist *h, int64_t start_ms)
{
    hist__weeks_drop(&h->weeks, start_ms);
    hist__part_forget(&h->writer, start_ms);
    hist__look_forget(&h->writer);
}

enum { FIRST_GONE = 1, LAST_GONE = 2 };

/* What the partition counted for its tags is taken off; cut[id - 1] says whose first or last sample went with it. */
static pt_status subtract_stats(hist *h, int64_t start_ms, uint8_t *cut, pt_error *err)
{
    hist__conn *c = NULL;
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__conn_take(&h->weeks, start_ms, &c, err);
    if (st == PT_ENOTFOUND) return PT_OK;
    if (st == PT_OK) st = hist__db_prepare(c->db, "SELECT tag_id, samples, first_ms, last_ms FROM tag_stat WHERE samples > 0", &q, err);
    while (st == PT_OK && (st = hist__db_step(c->db, q, &row, err)) == PT_OK && row) {
        int64_t id = sqlite3_column_int64(q, 0);
        uint64_t n = (uint64_t)sqlite3_column_int64(q, 1);
        if (id <= 0 || id > hist__tag_count(h)) continue;
        hist__stored was = hist__pending_stored(&h->pending, (uint32_t)id);
        if (was.first_ms >= sqlite3_column_int64(q, 2)) cut[id - 1] |= FIRST_GONE;
        if (was.last_ms <= sqlite3_column_int64(q, 3)) cut[id - 1] |= LAST_GONE;
        hist__pending_uncount(&h->pending, (uint32_t)id, n);
    }
    sqlite3_finalize(q);
    if (c) hist__conn_close(c);
    return st == PT_ECORRUPT ? PT_OK : st;
}

/* From one partition: the ends of the tags in it whose end is still to be found. */
static pt_status find_ends(hist *h, int64_t start_ms, uint8_t *cut, uint8_t which, uint64_t *left, pt_error *err)
{
    hist__conn *c = NULL;
    sqlite3_stmt *q = NULL;
    bool row = false;
    pt_status st = hist__conn_take(&h->weeks, start_ms, &c, err);
    if (st == PT_ENOTFOUND || st == PT_ECORRUPT) return PT_OK; /* a damaged week: said when the historian was opened */
    if (st == PT_OK) st = hist__db_prepare(c->db, "SELECT tag_id, first_ms, last_ms FROM tag_stat WHERE samples > 0", &q, err);
    while (st == PT_OK && (st = hist__db_step(c->db, q, &row, err)) == PT_OK && row) {
        int64_t id = sqlite3_column_int64(q, 0);
        if (id <= 0 || id > hist__tag_count(h) || !(cut[id - 1] & which)) continue;
        hist__stored s = hist__pending_stored(&h->pending, (uint32_t)id);
        if (which == FIRST_GONE) s.first_ms = sqlite3_column_int64(q, 1);
        else s.last_ms = sqlite3_column_int64(q, 2);
        hist__pending_set_stored(&h->pending, (uint32_t)id, s.samples, s.first_ms, s.last_ms);
        cut[id - 1] &= (uint8_t)~which;
        --*left;
    }
    sqlite3_finalize(q);
    if (st == PT_OK || st == PT_ECORRUPT) hist__conn_give(&h->weeks, c);
    else hist__conn_close(c);
    return st == PT_ECORRUPT ? PT_OK : st;
}

/* The pending rows of the tag: its ends if there are none in blocks, or beyond those. */
static void pending_ends(hist *h, uint32_t id, bool first_gone, bool last_gone)
{
    size_t n = 0;
    const hist_sample *rows = hist__pending_rows(&h->pending, id, INT64_MIN, INT64_MAX, &n);
    hist__stored s = hist__pending_stored(&h->pending, id);
    for (size_t i = 0; i < n; i++) {
        if (hist__is_state(&rows[i])) continue;
        if (first_gone || rows[i].time_ms < s.first_ms) s.first_ms = rows[i].time_ms;
        break;
    }
    for (size_t i = n; i-- > 0;) {
        if (hist__is_state(&rows[i])) continue;
        if (last_gone || rows[i].time_ms > s.last_ms) s.last_ms = rows[i].time_ms;
        break;
    }
    hist__pending_set_stored(&h->pending, id, s.samples, s.first_ms, s.last_ms);
}

/* First samples from the oldest partition on, last ones from the newest back, until every tag has its own; the first one looked at has
 * most. */
static pt_status restore_ends(hist *h, uint8_t *cut, uint32_t tags, pt_error *err)
{
    uint64_t first = 0, last = 0;
    bool *touched = calloc((size_t)tags + 1, sizeof *touched);
    if (!touched) return pt_fail(err, PT_ENOMEM, "out of memory");
    for (uint32_t id = 1; id <= tags; id++) {
        if (hist__pending_stored(&h->pending, id).samples == 0) cut[id - 1] = 0;
        touched[id] = cut[id - 1] != 0;
        first += (cut[id - 1] & FIRST_GONE) != 0;
        last += (cut[id - 1] & LAST_GONE) != 0;
    }
    pt_status st = PT_OK;
    hist__week week;
    for (size_t i = 0; st == PT_OK && first && hist__weeks_at(&h->weeks, i, &week); i++)
        st = find_ends(h, week.start_ms, cut, FIRST_GONE, &first, err);
    for (size_t i = hist__weeks_count(&h->weeks); st == PT_OK && last && i-- > 0 && hist__weeks_at(&h->weeks, i, &week);)
        st = find_ends(h, week.start_ms, cut, LAST_GONE, &last, err);
    for (uint32_t id = 1; st == PT_OK && id <= tags; id++) {
        if (touched[id]) pending_ends(h, id, cut[id - 1] & FIRST_GONE, cut[id - 1] & LAST_GONE);
    }
    free(touched);
    return st;
}

static pt_status unlink_partition(hist *h, int64_t start_ms, pt_error *err)
{
    char name[40];
    hist__partition_name(start_ms, name);
    for (size_t i = 0; i < PT_COUNT_OF(SUFFIX); i++) {
        char full[60];
        snprintf(full, sizeof full, "%s%s", name, SUFFIX[i]);
        char *path = hist__path(h, full);
        if (!path) return pt_fail(err, PT_ENOMEM, "out of memory");
        pt_status st = unlink(path) == 0 || errno == ENOENT ? PT_OK : pt_fail_errno(err, errno, path);
        free(path);
        if (st != PT_OK) return st;
    }
    return PT_OK;
}

typedef struct week { /* a partition that is there, as a file or as pending rows alone */
    int64_t start_ms;
    uint64_t blocks, bytes; /* of the file */
    uint64_t unsealed;      /* pending rows when it was looked at first */
    bool file, goes;
} week;

typedef struct plan {
    const hist_retention *r;
    hist_retention_result *out;
    int64_t current_ms; /* the partition that stays */
    week *weeks;        /* owned; ascending */
    size_t n, cap;
} plan;

/* Found or made; NULL when out of memory. */
static week *week_at(plan *p, int64_t start_ms)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->weeks[mid].start_ms < start_ms) lo = mid + 1;
        else hi = mid;
    }
    if (lo < p->n && p->weeks[lo].start_ms == start_ms) return &p->weeks[lo];
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        week *all = realloc(p->weeks, cap * sizeof *all);
        if (!all) return NULL;
        p->weeks = all;
        p->cap = cap;
    }
    memmove(&p->weeks[lo + 1], &p->weeks[lo], (p->n - lo) * sizeof *p->weeks);
    p->n++;
    p->weeks[lo] = (week){ .start_ms = start_ms };
    return &p->weeks[lo];
}

static pt_status list_files(hist *h, plan *p)
{
    hist__week there;
    for (size_t i = 0; hist__weeks_at(&h->weeks, i, &there); i++) {
        week *w = week_at(p, there.start_ms);
        if (!w) return PT_ENOMEM;
        w->file = true;
        w->blocks = there.blocks;
        w->bytes = partition_file_bytes(h, w->start_ms);
    }
    return PT_OK;
}

/* The pending rows, week by week. Nearly every tag has them in the present week only and costs two looks; those are not counted, they stay.
 */
static pt_status list_pending(hist *h, plan *p)
{
    int64_t current_end = hist__partition_end(p->current_ms);
    uint32_t tags = hist__tag_count(h);
    bool any = false;
    for (uint32_t id = 1; id <= tags; id++) {
        size_t n = 0;
        const hist_sample *rows = hist__pending_rows(&h->pending, id, INT64_MIN, INT64_MAX, &n);
        if (n == 0) continue;
        if (rows[0].time_ms >= p->current_ms && rows[n - 1].time_ms < current_end) {
            any = true;
            continue;
        }
        for (size_t at = 0; at < n;) {
            int64_t start = hist__partition_start(rows[at].time_ms), end = hist__partition_end(start);
            size_t next = end == INT64_MAX ? n : hist__rows_lower(rows, n, end);
            week *w = week_at(p, start);
            if (!w) return PT_ENOMEM;
            w->unsealed += next - at;
            at = next;
        }
    }
    return any && !week_at(p, p->current_ms) ? PT_ENOMEM : PT_OK;
}

/* What the weeks that go come to. */
static void sum(plan *p)
{
    hist_retention_result *out = p->out;
    out->partitions = out->blocks = out->bytes = out->unsealed = 0;
    out->oldest_ms = INT64_MAX;
    for (size_t i = 0; i < p->n; i++) {
        const week *w = &p->weeks[i];
        if (!w->goes) {
            if (w->start_ms < out->oldest_ms) out->oldest_ms = w->start_ms;
            continue;
        }
        out->partitions++;
        out->blocks += w->blocks;
        out->bytes += w->bytes;
        out->unsealed += w->unsealed;
    }
}

static void decide(plan *p)
{
    uint64_t total = 0;
    for (size_t i = 0; i < p->n; i++)
        total += p->weeks[i].bytes;
    for (size_t i = 0; i < p->n; i++) {
        week *w = &p->weeks[i];
        int64_t end = hist__partition_end(w->start_ms);
        bool old = p->r->before_ms != INT64_MIN && end <= p->r->before_ms && end != INT64_MAX;
        bool much = p->r->max_bytes && total > p->r->max_bytes;
        w->goes = w->start_ms != p->current_ms && (w->file || w->unsealed) && (old || much);
        if (w->goes) total -= w->bytes;
    }
    sum(p);
}

/* Letting weeks go is what makes room on a full disk: what needs some itself is left out then, and said. */
static pt_status unless_full(hist *h, pt_status st, const char *what, const pt_error *err)
{
    if (st != PT_ENOSPC) return st;
    pt_logf(h->log, PT_LOG_WARN, "HIST-RETENTION", "the disk is full: %s: %s", what, err ? err->text : "");
    return PT_OK;
}

/* Pending rows of a week that goes would make a new one of it. */
static pt_status seal_first(hist *h, plan *p, pt_error *err)
{
    if (p->out->unsealed == 0) return PT_OK;
    pt_status st = hist__seal_all(h, err);
    if (st == PT_ENOSPC) { /* they go when they are sealed and their week is looked at again */
        for (size_t i = 0; i < p->n; i++) {
            p->weeks[i].unsealed = 0;
            p->weeks[i].goes = p->weeks[i].goes && p->weeks[i].file;
        }
        sum(p);
    }
    return unless_full(h, st, "late samples go later", err);
}

static pt_status drop_week(hist *h, const week *w, uint8_t *cut, pt_error *err)
{
    pt_status st = unless_full(h, hist__dropped_note(&h->journal, w->start_ms, err), "the journal is not told of the weeks that go", err);
    if (st == PT_OK) st = subtract_stats(h, w->start_ms, cut, err);
    if (st == PT_OK) forget_partition(h, w->start_ms);
    if (st == PT_OK) st = unlink_partition(h, w->start_ms, err);
    if (st == PT_OK)
        pt_logf(h->log, PT_LOG_INFO, "HIST-RETENTION", "dropped the partition of %lld ms, %llu bytes", (long long)w->start_ms,
                (unsigned long long)w->bytes);
    return st;
}

static pt_status drop_weeks(hist *h, plan *p, pt_error *err)
{
    uint32_t tags = hist__tag_count(h);
    uint8_t *cut = calloc((size_t)tags + 1, 1);
    pt_status st = cut ? PT_OK : pt_fail(err, PT_ENOMEM, "out of memory");
    for (size_t i = 0; i < p->n; i++) {
        if (!p->weeks[i].goes) continue;
        if (st == PT_OK) st = drop_week(h, &p->weeks[i], cut, err);
        if (st != PT_OK) p->weeks[i].goes = false;
    }
    if (st != PT_OK) sum(p);
    else st = restore_ends(h, cut, tags, err);
    free(cut);
    return st;
}

static pt_status drop_events(hist *h, const plan *p, pt_error *err)
{
    if (p->r->before_ms == INT64_MIN) return PT_OK;
    int64_t logged = 0;
    /* Those the change log still reaches back to stay, or it would have holes. */
    pt_status st = hist__journal_oldest_seq(&h->journal, &logged, err);
    return st == PT_OK ? hist__catalog_drop_events(&h->catalog, p->r->before_ms, logged, p->r->dry_run, &p->out->events, err) : st;
}

static pt_status run_retention(hist *h, void *ctx, pt_error *err)
{
    plan *p = ctx;
    p->current_ms = hist__partition_start(pt_wall_ms(h->clock));
    pt_status st = hist__files_open(h, err);
    if (st == PT_OK && (list_files(h, p) != PT_OK || list_pending(h, p) != PT_OK)) st = pt_fail(err, PT_ENOMEM, "out of memory");
    if (st == PT_OK) decide(p);
    if (st == PT_OK && p->out->partitions && !p->r->dry_run) {
        st = seal_first(h, p, err);
        if (st == PT_OK) st = drop_weeks(h, p, err);
        else *p->out = (hist_retention_result){ 0 };
    }
    free(p->weeks);
    p->weeks = NULL;
    return st == PT_OK ? drop_events(h, p, err) : st;
}

/* ---- by the options, and on request --------------------------------------------------------------------------- */

static void tell(hist *h, const hist_retention *r, const hist_retention_result *gone)
{
    pt_buf detail;
    pt_json j;
    pt_buf_init(&detail, 1000);
    pt_json_init(&j, &detail);
    pt_json_object(&j);
    if (r->before_ms != INT64_MIN) pt_json_member_i64(&j, "before_ms", r->before_ms);
    else pt_json_member_null(&j, "before_ms");
    pt_json_member_u64(&j, "max_bytes", r->max_bytes);
    pt_json_member_u64(&j, "partitions", gone->partitions);
    pt_json_member_u64(&j, "blocks", gone->blocks);
    pt_json_member_u64(&j, "bytes", gone->bytes);
    pt_json_member_u64(&j, "events", gone->events);
    pt_json_member_u64(&j, "unsealed", gone->unsealed);
    pt_json_end_object(&j);
    hist__event_say(h, "history-pruned", PT_NONE, &detail);
    pt_buf_fini(&detail);
}

pt_status hist_retention_apply(hist *h, const hist_retention *r, hist_retention_result *out, pt_error *err)
{
    *out = (hist_retention_result){ 0 };
    plan p = { .r = r, .out = out };
    hist__request q = { .run = run_retention, .ctx = &p };
    pt_status st = hist__request_run(h, &q, err);
    if (!r->dry_run && (out->partitions || out->events)) tell(h, r, out); /* also when it ended half-way */
    return st;
}

pt_status hist__retention_tick(hist *h, pt_error *err)
{
    hist_retention r = { .before_ms = h->o.retention_age_ms > 0 ? pt_wall_ms(h->clock) - h->o.retention_age_ms : INT64_MIN,
                         .max_bytes = h->o.retention_bytes };
    if (r.before_ms == INT64_MIN && r.max_bytes == 0) return PT_OK;
    hist_retention_result out = { 0 };
    plan p = { .r = &r, .out = &out };
    pt_status st = run_retention(h, &p, err);
    if (out.partitions) tell(h, &r, &out); /* events alone go one by one as they get old: not worth an event each */
    return st;
}
