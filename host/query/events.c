/* host/query/events.c -- births, deaths, gaps, writes: oldest first in pages by number, or the newest of them. */
#include "base/csv.h"
#include "base/timestamp.h"
#include "host/query/changes.h"
#include "host/query/extent.h"
#include "host/query/run.h"

enum { PAGE = 2000 };

typedef struct events_run {
    query_run run;
    hist_event_filter f; /* its texts are the arena's */
    query_extent extent;
    uint64_t given, last_seq;
    uint32_t seen; /* of the page */
    bool begun;
    pt_buf *out;
    pt_status status;
} events_run;

static void event_json(pt_json *j, const void *row, bool int64_string)
{
    const hist_event *e = row;
    (void)int64_string;
    pt_json_object(j);
    pt_json_member_u64(j, "seq", e->seq);
    host_event_members(j, e);
    pt_json_end_object(j);
}

static void event_cells(pt_buf *out, const void *row)
{
    const hist_event *e = row;
    char when[PT_RFC3339_MAX];
    pt_rfc3339_format(e->time_ms, when);
    pt_buf_printf(out, "%llu,%s", (unsigned long long)e->seq, when);
    const pt_slice cells[] = { e->type, e->node, e->device, e->path, e->detail.len > 2 ? e->detail : PT_NONE };
    for (size_t i = 0; i < PT_COUNT_OF(cells); i++) {
        pt_buf_char(out, ',');
        pt_csv_field(out, &pt_csv_rfc4180, cells[i]);
    }
}

static const query_record record = { event_json, event_cells, "seq,time,type,node,device,path,detail" };

/* What has a path is seen with the path; what has a node only, with the node; what has neither is the host's own. */
static bool is_seen(const events_run *r, const hist_event *e)
{
    if (query_is_everything(&r->run.scope)) return true;
    if (e->path.len) return query_sees(&r->run.scope, e->path);
    return e->node.len && query_extent_has_node(&r->extent, e->node);
}

static bool one_event(void *ctx, const hist_event *e)
{
    events_run *r = ctx;
    r->seen++;
    r->last_seq = e->seq;
    if (!is_seen(r, e)) return true;
    r->status = query_sink_record(r->run.sink, r->out, e);
    r->given++;
    return r->status == PT_OK && !(r->f.limit && r->given == r->f.limit);
}

static pt_status step_events(query_run *run, pt_buf *out, pt_error *err)
{
    events_run *r = (events_run *)run;
    hist_event_filter f = r->f;
    if (!r->begun) query_sink_list(run->sink, out, &record);
    r->begun = true;
    r->out = out;
    r->status = PT_OK;
    r->seen = 0;
    /* Newest first comes in one walk: its bound is the caller's, and events of another scope do not count. */
    f.limit = f.newest_first ? 0 : PAGE;
    if (r->last_seq > f.after_seq && !f.newest_first) f.after_seq = r->last_seq;
    pt_status st = hist_events(run->src.history, &f, one_event, r, err);
    if (st == PT_OK) st = r->status;
    if (st != PT_OK) return st;
    if (!f.newest_first && r->seen == PAGE && !(r->f.limit && r->given >= r->f.limit)) return PT_OK;
    query_sink_list_end(run->sink, out);
    return PT_ECLOSED;
}

static void free_events(query_run *run)
{
    query_extent_fini(&((events_run *)run)->extent);
}

static pt_slice copy(query_run *run, pt_slice s, pt_status *st)
{
    if (!s.len) return PT_NONE;
    s = pt_arena_dup(&run->arena, s);
    if (!s.ptr) *st = PT_ENOMEM;
    return s;
}

pt_status query_events_open(const query_source *src, const query_scope *scope, const hist_event_filter *filter, query_sink *sink,
                            query_run **out, pt_error *err)
{
    events_run *r = (events_run *)query__run_new(sizeof *r, src, scope, sink);
    *out = NULL;
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_status st = query_extent_init(&r->extent, src, &r->run.scope, true);
    r->run.step = step_events;
    r->run.free = free_events;
    r->f = *filter;
    r->f.types = copy(&r->run, filter->types, &st);
    r->f.node = copy(&r->run, filter->node, &st);
    r->f.path = copy(&r->run, filter->path, &st);
    if (r->f.newest_first && (!r->f.limit || r->f.limit > QUERY_EVENTS_MAX)) r->f.limit = QUERY_EVENTS_MAX;
    if (st != PT_OK) {
        query_close(&r->run);
        return pt_fail(err, st, "out of memory");
    }
    *out = &r->run;
    return PT_OK;
}
