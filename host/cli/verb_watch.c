/* host/cli/verb_watch.c -- values as they change, over the host's event stream. */
#include "host/cli/cli.h"
#include "base/backoff.h"
#include "base/map.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

typedef struct tag {
    char *path, *type, *unit;
} tag;

typedef struct watch {
    cli *c;
    pt_map tags;   /* tag_id -> tag */
    uint64_t left; /* lines still to print; UINT64_MAX: no end */
    int code;
    pt_backoff backoff; /* of --retry; a stream that spoke resets it */
} watch;

static char *dup_text(const json_t *v)
{
    return strdup(json_is_string(v) ? json_string_value(v) : "");
}

static void free_tag(tag *t)
{
    if (!t) return;
    free(t->path);
    free(t->type);
    free(t->unit);
    free(t);
}

/* [[tag_id, path, type, unit], ...] */
static void take_dict(watch *w, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *r = json_array_get(rows, i);
        uint64_t old = 0;
        tag *t = calloc(1, sizeof *t);
        if (!t) return;
        *t = (tag){ dup_text(json_array_get(r, 1)), dup_text(json_array_get(r, 2)), dup_text(json_array_get(r, 3)) };
        if (!t->path || !t->type || !t->unit ||
            pt_map_put_u64(&w->tags, (uint64_t)cli_int(json_array_get(r, 0)), (uint64_t)(uintptr_t)t, &old))
            free_tag(t);
        free_tag((tag *)(uintptr_t)old);
    }
}

static void line(watch *w, const tag *t, uint64_t id, const json_t *r)
{
    const json_t *value = json_array_get(r, 2);
    const char *q = json_string_value(json_array_get(r, 3));
    int64_t ms = cli_int(json_array_get(r, 1));
    char when[PT_RFC3339_MAX];
    pt_buf out;
    pt_buf_init(&out, 16 << 20);
    if (w->c->json) {
        pt_json j;
        pt_json_init(&j, &out);
        pt_json_object(&j);
        pt_json_member_cstr(&j, "path", t->path);
        pt_json_member_u64(&j, "tag_id", id);
        pt_json_key(&j, "value");
        if (value) cli_json_value(&j, value);
        else pt_json_null(&j);
        pt_json_member_cstr(&j, "type", t->type);
        pt_json_member_cstr(&j, "unit", t->unit);
        pt_json_member_cstr(&j, "quality", q ? cli_quality_word(q[0]) : "GOOD");
        pt_json_member_i64(&j, "timestamp_ms", ms);
        pt_json_end_object(&j);
    } else {
        pt_buf text;
        pt_rfc3339_format(ms, when);
        pt_buf_printf(&out, "%s  ", when);
        cli_printable(&out, pt_cstr(t->path));
        pt_buf_cstr(&out, "  ");
        pt_buf_init(&text, 16 << 20);
        cli_value_text(&text, value);
        cli_printable(&out, value && !json_is_null(value) ? pt_buf_view(&text) : PT_LIT("-"));
        pt_buf_fini(&text);
        if (*t->unit) {
            pt_buf_char(&out, ' ');
            cli_printable(&out, pt_cstr(t->unit));
        }
        if (q && q[0] != 'G') pt_buf_printf(&out, "  %s", cli_quality_word(q[0]));
    }
    pt_buf_char(&out, '\n');
    w->code = cli_put(w->c, &out);
    pt_buf_fini(&out);
    if (w->left != UINT64_MAX) w->left--;
}

/* [[tag_id, ms, value, quality], ...], also below "values" or "rows" of an object. */
static void take_values(watch *w, const json_t *rows)
{
    if (json_is_object(rows)) rows = json_object_get(rows, json_object_get(rows, "values") ? "values" : "rows");
    for (size_t i = 0; i < json_array_size(rows) && w->left && !w->code; i++) {
        const json_t *r = json_array_get(rows, i);
        uint64_t id = (uint64_t)cli_int(json_array_get(r, 0)), found = 0;
        if (pt_map_get_u64(&w->tags, id, &found)) line(w, (const tag *)(uintptr_t)found, id, r);
    }
}

static bool on_event(void *ctx, pt_slice event, pt_slice data)
{
    watch *w = ctx;
    pt_backoff_reset(&w->backoff);
    json_error_t err;
    json_t *v = json_loadb(data.ptr, data.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &err);
    if (!v) v = json_loadb(data.ptr, data.len, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &err);
    if (pt_slice_eq(event, PT_LIT("dict"))) take_dict(w, v);
    else if (pt_slice_eq(event, PT_LIT("value")) || pt_slice_eq(event, PT_LIT("snapshot"))) take_values(w, v);
    json_decref(v);
    return w->left && !w->code;
}

static void forget_tags(watch *w)
{
    size_t it = 0;
    uint64_t t;
    while (pt_map_each(&w->tags, &it, NULL, NULL, &t))
        free_tag((tag *)(uintptr_t)t);
    pt_map_reset(&w->tags);
}

/* Read the stream until it is enough; with `retry` also over the host's restarts. for_ms 0: no limit of time. */
static int follow(watch *w, const char *target, int64_t for_ms, bool retry)
{
    int64_t until_ms = for_ms ? pt_mono_ms(pt_clock_system()) + for_ms : INT64_MAX;
    for (;;) {
        int64_t left = for_ms ? until_ms - pt_mono_ms(pt_clock_system()) : 0;
        if (for_ms && left <= 0) return PT_EXIT_OK;
        int rc = cli_stream(w->c, target, left, on_event, w);
        if (rc == CLI_GO_ON) return w->code;
        if (rc != PT_EXIT_TIMEOUT || !retry) return rc;
        int64_t pause = pt_backoff_next(&w->backoff);
        if (for_ms && pause > left) pause = left;
        const struct timespec ts = { (time_t)(pause / 1000), (long)(pause % 1000) * 1000000 };
        nanosleep(&ts, NULL);
        forget_tags(w); /* a new host may number its tags anew */
    }
}

static int run(cli *c, int argc, char **argv)
{
    const char *count = NULL, *duration = NULL, *rate = NULL;
    bool changes = false, retry = false;
    const cli_option options[] = { { .name = "--count", .value = &count }, { .name = "--for", .value = &duration },
                                   { .name = "--rate", .value = &rate },   { .name = "--changes", .flag = &changes },
                                   { .name = "--retry", .flag = &retry },  { 0 } };
    watch w = { .c = c, .left = UINT64_MAX, .backoff = { .min_ms = 500, .max_ms = 10000 } };
    int64_t for_ms = 0;
    uint64_t per_second = 4;
    pt_buf target, globs;
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && duration) rc = cli_duration(c, "--for", duration, 0, &for_ms);
    if (rc != CLI_GO_ON) return rc;
    if (argc < 2) return cli_usage(c, "which paths? A glob such as 'Acme/**' (in quotes)");
    if (count && (!pt_slice_to_u64(pt_cstr(count), &w.left) || !w.left))
        return cli_usage(c, "--count is a number from 1 on, not '%s'", count);
    if (rate && (!pt_slice_to_u64(pt_cstr(rate), &per_second) || per_second < 1 || per_second > 20))
        return cli_usage(c, "--rate is a number from 1 to 20, not '%s'", rate);
    pt_map_init(&w.tags, PT_MAP_U64_KEYS);
    pt_buf_init(&globs, 1 << 16);
    for (int i = 1; i < argc; i++) {
        if (i > 1) pt_buf_char(&globs, ',');
        pt_buf_cstr(&globs, argv[i]);
    }
    char *list = pt_buf_take(&globs, NULL);
    pt_buf_init(&target, 1 << 18);
    pt_buf_cstr(&target, "/api/v1/stream");
    cli_query(&target, "select", list);
    cli_query_ms(&target, "rate", (int64_t)per_second);
    cli_query_ms(&target, "snapshot", changes ? 0 : 1);
    char *text = list ? pt_buf_take(&target, NULL) : NULL;
    w.backoff.random = pt_random_seed((uint64_t)c->now_ms);
    rc = text ? follow(&w, text, for_ms, retry) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    forget_tags(&w);
    pt_map_fini(&w.tags);
    free(list);
    free(text);
    return rc;
}

const cli_verb cli_verb_watch = {
    "watch", "values as they change",
    "Usage: plantree watch GLOB... [--count N] [--for D] [--rate N] [--changes] [--retry] [--json]\n"
    "\n"
    "One line per value: first what is known now, then every change, until Ctrl-C. In a glob, * stands for anything inside one\n"
    "segment, ** for any number of segments, a leading ! takes paths out again. With --json: one JSON object per line.\n"
    "\n"
    "  --count N    stop after N lines\n"
    "  --for D      stop after this time\n"
    "  --rate N     at most N batches a second (1 to 20, default 4); of values in between only the last is shown\n"
    "  --changes    leave out what is known at the start\n"
    "  --retry      when the host goes away, wait for it and go on (else: exit code 4)\n"
    "\n"
    "Examples:\n"
    "  plantree watch 'Acme/gw-1/filler/**'\n"
    "  plantree watch '**/Level/PV' --for 10s\n"
    "  plantree watch 'Acme/**' '!**/Alarm/*' --json | jq .value\n",
    run
};
