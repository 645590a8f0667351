/* host/query/changes.c */
#include "host/query/changes.h"
#include "base/assert.h"
#include "base/glob.h"
#include "historian/exchange/exact.h"
#include "host/query/sink.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TAIL = 256, BEGINNINGS = 100 };

typedef struct page {
    hist *h;
    const host_changes_query *q;
    pt_buf *out, item;
    pt_slice *globs; /* owned, into q->select */
    size_t n_globs;
    pt_arena arena; /* `tag` */
    hist_tag tag;   /* of the sample before; tag_id 0: none yet */
    bool known;     /* there is such a tag */
    uint64_t items, looked_at, next_after;
    pt_status status;
} page;

void host_event_members(pt_json *j, const hist_event *e)
{
    pt_json_member_i64(j, "time_ms", e->time_ms);
    pt_json_member_str(j, "type", e->type);
    pt_json_member_str(j, "node", e->node.len ? e->node : PT_NONE);
    pt_json_member_str(j, "device", e->device.len ? e->device : PT_NONE);
    pt_json_member_str(j, "path", e->path.len ? e->path : PT_NONE);
    pt_json_key(j, "detail");
    pt_json_raw(j, e->detail.len ? e->detail : PT_LIT("{}"));
}

/* The list's patterns into p->globs, which is the caller's to free. */
static pt_status split(page *p)
{
    pt_slice rest = p->q->select, g;
    size_t commas = 0;
    for (size_t i = 0; i < rest.len; i++)
        commas += rest.ptr[i] == ',';
    p->globs = malloc((commas + 1) * sizeof *p->globs);
    if (!p->globs) return PT_ENOMEM;
    while (pt_slice_split(&rest, ',', &g)) {
        if (g.len) p->globs[p->n_globs++] = g;
    }
    return PT_OK;
}

/* Without a path only when everything is. */
static bool selected(const page *p, pt_slice path)
{
    return p->n_globs == 0 || (path.len && pt_glob_selects(p->globs, p->n_globs, path));
}

/* The tag of a sample into p->tag; its path is the present one. */
static void look_up(page *p, uint32_t tag_id)
{
    if (p->tag.tag_id == tag_id) return;
    pt_arena_reset(&p->arena);
    pt_status st = hist_tag_by_id(p->h, tag_id, &p->arena, &p->tag);
    p->known = st == PT_OK;
    if (st != PT_OK) p->tag = (hist_tag){ .tag_id = tag_id };
    if (st == PT_ENOMEM || st == PT_ETOOBIG) p->status = st;
}

/* Into p->item. With `as_bytes` the value is only there as base64. */
static void write_sample(page *p, uint64_t seq, const hist_sample *s, bool as_bytes)
{
    char flags[5];
    spb_value v;
    pt_json j;
    pt_assert(s != NULL);
    pt_json_init(&j, &p->item);
    pt_json_object(&j);
    pt_json_member_u64(&j, "seq", seq);
    pt_json_member_u64(&j, "tag_id", s->tag_id);
    pt_json_member_str(&j, "path", p->known ? p->tag.path : PT_NONE);
    pt_json_member_i64(&j, "time_ms", s->time_ms);
    pt_json_member_cstr(&j, "type", spb_datatype_name(s->type));
    pt_json_key(&j, "value");
    if (as_bytes) {
        pt_json_null(&j);
    } else {
        hist_value_for_json(s, &v);
        query_json_value(&j, &v, p->q->int64_string);
    }
    if (as_bytes || !hist_json_exact(s)) {
        pt_json_key(&j, "base64");
        pt_buf_char(&p->item, '"');
        hist_value_base64(s, &p->item);
        pt_buf_char(&p->item, '"');
        j.comma = true;
    }
    pt_json_member_cstr(&j, "quality", spb_quality_name((spb_quality)s->quality));
    pt_json_member_cstr(&j, "flags", hist_flags_text(s->flags, flags));
    pt_json_end_object(&j);
}

static void write_event(page *p, uint64_t seq, const hist_event *e)
{
    pt_json j;
    pt_json_init(&j, &p->item);
    pt_json_object(&j);
    pt_json_member_u64(&j, "seq", seq);
    pt_json_key(&j, "event");
    pt_json_object(&j);
    host_event_members(&j, e);
    pt_json_end_object(&j);
    pt_json_end_object(&j);
}

/* A change that is left to the next page is not dealt with: next_after stays before it. */
static bool add(void *ctx, const hist_change *c)
{
    page *p = ctx;
    if (c->sample) look_up(p, c->sample->tag_id);
    if (p->status != PT_OK) return false;
    if (selected(p, c->event ? c->event->path : p->tag.path)) {
        size_t most = p->q->page_bytes ? p->q->page_bytes : HOST_CHANGES_PAGE_BYTES, room = p->out->max - TAIL;
        pt_buf_reset(&p->item);
        if (c->event) write_event(p, c->seq, c->event);
        else write_sample(p, c->seq, c->sample, false);
        if (c->sample && pt_buf_status(&p->item) == PT_ETOOBIG) {
            pt_buf_reset(&p->item);
            write_sample(p, c->seq, c->sample, true);
        }
        if (pt_buf_status(&p->item) != PT_OK) { /* what is before it can be given still */
            if (!p->items) p->status = pt_buf_status(&p->item);
            return false;
        }
        if (p->items && p->out->len + p->item.len > (most < room ? most : room)) return false;
        if (p->items) pt_buf_char(p->out, ',');
        pt_buf_slice(p->out, pt_buf_view(&p->item));
        p->items++;
    }
    p->next_after = c->seq;
    p->looked_at++;
    bool enough = p->q->limit && p->items == p->q->limit;
    return !enough && p->looked_at < (p->q->look_at ? p->q->look_at : HOST_CHANGES_LOOKED_AT);
}

pt_status host_changes_page(hist *h, const host_changes_query *q, pt_buf *out, hist_log_range *range, pt_error *err)
{
    page p = { .h = h, .q = q, .out = out, .next_after = q->from_oldest ? 0 : q->after };
    pt_arena_init(&p.arena, 1u << 20);
    pt_buf_init(&p.item, out->max > TAIL ? out->max - TAIL : 0);
    pt_buf_cstr(out, "{\"items\":[");
    /* There is no such tag, but a reader of files looks for it, and sees what paths have changed. */
    if (hist_tag_by_id(h, UINT32_MAX, &p.arena, &p.tag) != PT_OK) p.tag = (hist_tag){ .tag_id = 0 };
    *range = (hist_log_range){ .next_after = p.next_after };
    pt_status st = split(&p);
    st = st == PT_OK ? hist_log_read(h, p.next_after, 0, add, &p, range, err) : pt_fail(err, st, "out of memory");
    for (int i = 0; q->from_oldest && st == PT_ESTATE && i < BEGINNINGS; i++) { /* it may be trimmed meanwhile */
        p.next_after = range->oldest - 1;
        st = hist_log_read(h, p.next_after, 0, add, &p, range, err);
    }
    range->next_after = p.next_after;
    if (st == PT_ESTATE)
        st = pt_fail(err, st,
                     "what follows %" PRIu64 " is not kept any more; the oldest change is %" PRIu64 ": go on after %" PRIu64
                     ", and take what lies before from history",
                     q->after, range->oldest, range->oldest - 1);
    else if (st == PT_OK && p.next_after > range->newest)
        st = pt_fail(err, PT_EINVAL, "the newest change is %" PRIu64 "; a number of %" PRIu64 " is another historian's", range->newest,
                     q->after);
    else if (st == PT_OK && p.status != PT_OK) st = pt_fail(err, p.status, "change %" PRIu64 " does not fit into memory", p.next_after + 1);
    pt_buf_printf(out, "],\"next_after\":%" PRIu64 ",\"oldest\":%" PRIu64 ",\"newest\":%" PRIu64 "}", range->next_after, range->oldest,
                  range->newest);
    if (st == PT_OK && pt_buf_status(out) != PT_OK) st = pt_fail(err, pt_buf_status(out), "out of memory");
    free(p.globs);
    pt_buf_fini(&p.item);
    pt_arena_fini(&p.arena);
    return st;
}
