/* host/query/tags.c -- the tags there are, and who owned a path when. */
#include "base/csv.h"
#include "base/glob.h"
#include "base/timestamp.h"
#include "host/query/run.h"

enum { TAGS_A_STEP = 500 };

typedef struct row {
    const hist_tag *tag;
    const hist_claim *claim; /* NULL: the tag is listed for itself */
} row;

typedef struct tags_run {
    query_run run;
    const pt_slice *globs; /* the arena's; of a list of tags */
    size_t n_globs;
    uint32_t next_id, last_id;
    hist_claim *claims; /* the arena's; of a path */
    size_t n_claims, at;
    bool owners, begun;
    pt_arena scratch;
} tags_run;

static void time_member(pt_json *j, const char *key, int64_t ms, bool there)
{
    if (there) pt_json_member_i64(j, key, ms);
    else pt_json_member_null(j, key);
}

static void row_json(pt_json *j, const void *p, bool int64_string)
{
    const row *r = p;
    const hist_tag *t = r->tag;
    bool any = t->samples > 0;
    (void)int64_string;
    pt_json_object(j);
    pt_json_member_u64(j, "tag_id", t->tag_id);
    if (r->claim) {
        pt_json_member_i64(j, "from_ms", r->claim->from_ms);
        time_member(j, "to_ms", r->claim->to_ms, r->claim->to_ms != INT64_MAX);
    }
    pt_json_member_str(j, "path", t->path.len ? t->path : PT_NONE);
    pt_json_member_str(j, "source", t->key.source);
    pt_json_member_str(j, "group", t->key.group);
    pt_json_member_str(j, "edge", t->key.edge);
    pt_json_member_str(j, "device", t->key.device);
    pt_json_member_str(j, "metric", t->key.metric);
    pt_json_member_cstr(j, "type", spb_datatype_name(t->type));
    pt_json_member_str(j, "unit", t->unit.len ? t->unit : PT_NONE);
    pt_json_member_u64(j, "samples", t->samples);
    time_member(j, "first_ms", t->first_ms, any);
    time_member(j, "last_ms", t->last_ms, any);
    pt_json_end_object(j);
}

static void time_cell(pt_buf *out, int64_t ms, bool there)
{
    char text[PT_RFC3339_MAX];
    pt_buf_char(out, ',');
    if (!there) return;
    pt_rfc3339_format(ms, text);
    pt_buf_cstr(out, text);
}

static void row_cells(pt_buf *out, const void *p)
{
    const row *r = p;
    const hist_tag *t = r->tag;
    const pt_slice cells[] = { t->path, t->key.source, t->key.group, t->key.edge, t->key.device, t->key.metric };
    pt_buf_printf(out, "%u", t->tag_id);
    if (r->claim) {
        time_cell(out, r->claim->from_ms, true);
        time_cell(out, r->claim->to_ms, r->claim->to_ms != INT64_MAX);
    }
    for (size_t i = 0; i < PT_COUNT_OF(cells); i++) {
        pt_buf_char(out, ',');
        pt_csv_field(out, &pt_csv_rfc4180, cells[i]);
    }
    pt_buf_printf(out, ",%s,", spb_datatype_name(t->type));
    pt_csv_field(out, &pt_csv_rfc4180, t->unit);
    pt_buf_printf(out, ",%llu", (unsigned long long)t->samples);
    time_cell(out, t->first_ms, t->samples > 0);
    time_cell(out, t->last_ms, t->samples > 0);
}

static const query_record tag_record = { row_json, row_cells, "tag_id,path,source,group,edge,device,metric,type,unit,samples,first,last" };
static const query_record claim_record = { row_json, row_cells,
                                           "tag_id,from,to,path,source,group,edge,device,metric,type,unit,samples,first,last" };

/* Those without a path are told to whoever sees everything, and only when no path is asked for. */
static bool is_listed(const tags_run *r, const hist_tag *t)
{
    if (!t->path.len) return r->n_globs == 0 && query_is_everything(&r->run.scope);
    return query_sees(&r->run.scope, t->path) && (r->n_globs == 0 || pt_glob_selects(r->globs, r->n_globs, t->path));
}

static pt_status one(tags_run *r, pt_buf *out, uint32_t id, const hist_claim *claim)
{
    hist_tag tag;
    pt_arena_reset(&r->scratch);
    pt_status st = hist_tag_by_id(r->run.src.history, id, &r->scratch, &tag);
    if (st == PT_ENOTFOUND) return PT_OK; /* a gap in the numbers */
    if (st != PT_OK || (!claim && !is_listed(r, &tag))) return st;
    if (claim && !query_sees(&r->run.scope, tag.path)) tag.path = PT_NONE; /* where it is now is another matter */
    return query_sink_record(r->run.sink, out, &(row){ &tag, claim });
}

static pt_status step_tags(query_run *run, pt_buf *out, pt_error *err)
{
    tags_run *r = (tags_run *)run;
    pt_status st = PT_OK;
    if (!r->begun) query_sink_list(run->sink, out, r->owners ? &claim_record : &tag_record);
    r->begun = true;
    for (; st == PT_OK && r->owners && r->at < r->n_claims; r->at++)
        st = one(r, out, r->claims[r->at].tag_id, &r->claims[r->at]);
    for (int i = 0; st == PT_OK && !r->owners && i < TAGS_A_STEP && r->next_id <= r->last_id; i++)
        st = one(r, out, r->next_id++, NULL);
    if (st != PT_OK) return pt_fail(err, st, "the tags cannot be read: %s", pt_status_name(st));
    if (!r->owners && r->next_id <= r->last_id) return PT_OK;
    query_sink_list_end(run->sink, out);
    return PT_ECLOSED;
}

static void free_tags(query_run *run)
{
    pt_arena_fini(&((tags_run *)run)->scratch);
}

static pt_status copy_globs(tags_run *r, const pt_slice *globs, size_t n)
{
    pt_slice *copy = n ? pt_arena_alloc(&r->run.arena, n * sizeof *copy) : NULL;
    for (size_t i = 0; i < n; i++)
        if (!copy || !(copy[i] = pt_arena_dup(&r->run.arena, globs[i])).ptr) return PT_ENOMEM;
    r->globs = copy;
    r->n_globs = n;
    return PT_OK;
}

pt_status query_tags_open(const query_source *src, const query_scope *scope, const query_tags_question *q, query_sink *sink,
                          query_run **out, pt_error *err)
{
    tags_run *r = (tags_run *)query__run_new(sizeof *r, src, scope, sink);
    hist_stats stats;
    *out = NULL;
    if (!r) return pt_fail(err, PT_ENOMEM, "out of memory");
    pt_arena_init(&r->scratch, 16u << 20);
    r->run.step = step_tags;
    r->run.free = free_tags;
    r->owners = q->owners_of.len > 0;
    pt_status st = PT_OK;
    if (r->owners) {
        bool seen = query_sees(&r->run.scope, q->owners_of);
        if (seen) st = hist_path_claims(src->history, q->owners_of, &r->run.arena, &r->claims, &r->n_claims, err);
        if (st == PT_OK && !r->n_claims) st = pt_fail(err, PT_ENOTFOUND, "there is no tag %.*s", PT_SLICE_ARGS(q->owners_of));
    } else {
        hist_stats_get(src->history, &stats);
        r->next_id = 1;
        r->last_id = (uint32_t)stats.tags;
        if ((st = copy_globs(r, q->paths, q->n_paths)) != PT_OK) (void)pt_fail(err, st, "out of memory");
    }
    if (st != PT_OK) query_close(&r->run);
    else *out = &r->run;
    return st;
}
