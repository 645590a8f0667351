/* historian/exchange/replay_text.c -- replay items as JSON Lines and CSV (RFC 4180). */
#include "base/csv.h"
#include "base/timestamp.h"
#include "historian/format/format.h"
#include "historian/exchange/exact.h"
#include "historian/read/replay.h"

static void member_time(pt_json *j, const char *key, int64_t ms)
{
    char text[PT_RFC3339_MAX];
    size_t n = pt_rfc3339_format(ms, text);
    pt_json_member_str(j, key, pt_slice_of(text, n));
}

/* "g/e" as the node of a Sparkplug tag; absent for plain topics. */
static void member_node(pt_json *j, const hist_tag *t)
{
    if (t->key.group.len + t->key.edge.len == 0) return;
    pt_buf node;
    pt_buf_init(&node, 1 << 20);
    pt_buf_slice(&node, t->key.group);
    pt_buf_char(&node, '/');
    pt_buf_slice(&node, t->key.edge);
    if (pt_buf_status(&node) == PT_OK) pt_json_member_str(j, "node", pt_buf_view(&node));
    pt_buf_fini(&node);
}

static const char *event_kind(pt_slice type)
{
    if (pt_slice_eq_cstr(type, "nbirth") || pt_slice_eq_cstr(type, "dbirth")) return "birth";
    if (pt_slice_eq_cstr(type, "ndeath") || pt_slice_eq_cstr(type, "ddeath")) return "death";
    return "event";
}

/* As in an export, where there are any: an import keeps the rows apart that mark a state, and null from empty. */
static void member_flags(pt_json *j, uint8_t flags)
{
    char text[5];
    if (hist_flags_text(flags, text)[0]) pt_json_member_cstr(j, "flags", text);
}

/* The value's own bytes, where its JSON doesn't read back as the same. */
static void member_base64(pt_json *j, const hist_sample *s)
{
    if (hist_json_exact(s)) return;
    pt_buf bytes;
    pt_buf_init(&bytes, 128u << 20);
    hist_value_base64(s, &bytes);
    if (pt_buf_status(&bytes) == PT_OK) pt_json_member_str(j, "base64", pt_buf_view(&bytes));
    else (void)pt_buf_reserve(j->out, SIZE_MAX / 2); /* carries the failure on: the line must not pass for whole */
    pt_buf_fini(&bytes);
}

/* Where it does not follow from the node. */
static void member_source(pt_json *j, const hist_tag *t)
{
    bool node = t->key.group.len + t->key.edge.len > 0;
    if (t->key.source.len && !(node && pt_slice_eq_cstr(t->key.source, "spb"))) pt_json_member_str(j, "source", t->key.source);
}

void hist_replay_jsonl(const hist_replay_item *item, int64_t wall_ms, pt_buf *out)
{
    pt_json j;
    pt_json_init(&j, out);
    pt_json_object(&j);
    pt_json_member_u64(&j, "i", item->index);
    member_time(&j, "v", item->time_ms);
    if (wall_ms >= 0) member_time(&j, "w", wall_ms);
    if (item->kind == HIST_REPLAY_VALUE) {
        const hist_tag *t = item->tag;
        spb_value v;
        pt_json_member_cstr(&j, "kind", "value");
        pt_json_member_str(&j, "path", t->path);
        member_node(&j, t);
        if (t->key.device.len) pt_json_member_str(&j, "dev", t->key.device);
        pt_json_member_str(&j, "metric", t->key.metric);
        pt_json_member_cstr(&j, "type", spb_datatype_name(item->sample->type));
        pt_json_key(&j, "value");
        hist_value_for_json(item->sample, &v);
        spb_value_json(&j, &v);
        pt_json_member_cstr(&j, "quality", spb_quality_name((spb_quality)item->sample->quality));
        member_flags(&j, item->sample->flags);
        member_base64(&j, item->sample);
        member_source(&j, t);
    } else {
        const hist_event *e = item->event;
        pt_json_member_cstr(&j, "kind", event_kind(e->type));
        if (e->path.ptr) pt_json_member_str(&j, "path", e->path);
        if (e->node.ptr) pt_json_member_str(&j, "node", e->node);
        if (e->device.ptr) pt_json_member_str(&j, "dev", e->device);
        pt_json_member_str(&j, "type", e->type);
        if (e->detail.ptr) {
            pt_json_key(&j, "detail");
            pt_json_raw(&j, e->detail);
        }
    }
    member_time(&j, "orig", item->time_ms);
    pt_json_end_object(&j);
    pt_buf_char(out, '\n');
}

/* ---- CSV ---------------------------------------------------------------------------------------------------- */

static void next_field(pt_buf *out, pt_slice s)
{
    pt_buf_char(out, ',');
    pt_csv_field(out, &pt_csv_rfc4180, s);
}

static void time_field(pt_buf *out, int64_t ms)
{
    char text[PT_RFC3339_MAX];
    size_t n = pt_rfc3339_format(ms, text);
    next_field(out, pt_slice_of(text, n));
}

void hist_replay_csv_header(pt_buf *out)
{
    pt_buf_cstr(out,
                "index,virtual_time,wall_time,kind,path,group,edge,device,metric,type,value,quality,original_time,flags,base64,source\r\n");
}

/* The value as text, or its own bytes: `write` makes it. */
static void made_field(pt_buf *out, const hist_sample *s, void (*write)(const hist_sample *s, pt_buf *to))
{
    pt_buf text;
    pt_buf_init(&text, 128u << 20);
    write(s, &text);
    next_field(out, pt_buf_view(&text));
    if (pt_buf_status(&text) != PT_OK)
        (void)pt_buf_reserve(out, SIZE_MAX / 2); /* carries the failure on: the line must not pass for whole */
    pt_buf_fini(&text);
}

static void plain_text(const hist_sample *s, pt_buf *to)
{
    spb_value v;
    hist_sample_value(s, &v);
    spb_value_text(to, &v);
}

static void base64_text(const hist_sample *s, pt_buf *to)
{
    if (!hist_text_exact(s)) hist_value_base64_cell(s, to);
}

/* What the columns before leave open: an import keeps the rows apart that mark a state, null from empty, and the tag from others. */
static void sample_end(pt_buf *out, const hist_replay_item *item)
{
    char flags[5];
    next_field(out, pt_cstr(hist_flags_text(item->sample->flags, flags)));
    made_field(out, item->sample, base64_text);
    next_field(out, item->tag->key.source);
}

void hist_replay_csv(const hist_replay_item *item, int64_t wall_ms, pt_buf *out)
{
    pt_buf_printf(out, "%llu", (unsigned long long)item->index);
    time_field(out, item->time_ms);
    if (wall_ms >= 0) time_field(out, wall_ms);
    else pt_buf_char(out, ',');
    if (item->kind == HIST_REPLAY_VALUE) {
        const hist_tag *t = item->tag;
        const pt_slice columns[] = { PT_LIT("value"),
                                     t->path,
                                     t->key.group,
                                     t->key.edge,
                                     t->key.device,
                                     t->key.metric,
                                     pt_cstr(spb_datatype_name(item->sample->type)) };
        for (size_t i = 0; i < PT_COUNT_OF(columns); i++)
            next_field(out, columns[i]);
        made_field(out, item->sample, plain_text);
        next_field(out, pt_cstr(spb_quality_name((spb_quality)item->sample->quality)));
    } else {
        const hist_event *e = item->event;
        pt_slice edge = e->node, group = PT_NONE;
        if (edge.ptr) pt_slice_split(&edge, '/', &group);
        const pt_slice columns[] = { pt_cstr(event_kind(e->type)), e->path, group, edge, e->device, PT_NONE, e->type, e->detail, PT_NONE };
        for (size_t i = 0; i < PT_COUNT_OF(columns); i++)
            next_field(out, columns[i]);
    }
    time_field(out, item->time_ms);
    if (item->kind == HIST_REPLAY_VALUE) sample_end(out, item);
    else pt_buf_cstr(out, ",,,");
    pt_buf_cstr(out, "\r\n");
}
