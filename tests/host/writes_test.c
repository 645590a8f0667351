/* host/control/writes.c: what may be written, which bytes go out, and what the plant's answer makes of it. The clock of the writes stands
 * still until told otherwise. */
#include "host/control/writes.h"
#include "tests/host/rig.h"
#include "tests/host/wire.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct bench {
    rig r;
    pt_fake_clock clock;
    host_audit *audit;
    host_writes *w;
    host_writes_options options;
    pt_status send_answer;
    _Atomic unsigned sent, told;
    uint16_t server;
    char topic[200], payload[1000];
    size_t payload_len;
    char last_told[2000];
} bench;

static pt_status send_command(void *ctx, uint16_t server, pt_slice topic, pt_slice payload)
{
    bench *b = ctx;
    b->server = server;
    if (b->send_answer != PT_OK) return b->send_answer;
    snprintf(b->topic, sizeof b->topic, "%.*s", PT_SLICE_ARGS(topic));
    b->payload_len = payload.len < sizeof b->payload ? payload.len : 0;
    memcpy(b->payload, payload.ptr, b->payload_len);
    atomic_fetch_add(&b->sent, 1);
    return PT_OK;
}

static void on_told(void *ctx, pt_slice json)
{
    bench *b = ctx;
    snprintf(b->last_told, sizeof b->last_told, "%.*s", PT_SLICE_ARGS(json));
    atomic_fetch_add(&b->told, 1);
}

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    rig_open(&b->r);
    rig_start(&b->r);
    rig_push(
        &b->r, "spBv1.0/g/NBIRTH/e",
        "ts=1000 seq=0 bd=7 i8:1=i5@1000 u8:5=i5@1000 i32:3=i5@1000 u32:7=i5@1000 i64:4=l5@1000 u64:8=l5@1000 f:9=f0.1@1000 d#77:10=d0.1@1000 on:11=b0@1000 s:12=stext@1000 "
        "t:13=l5@1000 lim:10=d5@1000;engLow:10=d0;engHigh:10=d10 ro:10=d1@1000;readOnly:11=b1 nul:10=-@1000!n");
    rig_push(&b->r, "spBv1.0/g/DBIRTH/e/dev", "ts=1001 seq=1 sp:10=d1@1001");
    rig_settle(&b->r);
    pt_fake_clock_init(&b->clock, 1000000);
    b->options = (host_writes_options){ .allowed = true, .not_allowed = "not today", .confirm_ms = 5000, .cmd_datatype = true };
    CHECK_OK_FATAL(host_audit_open(b->r.dir, &b->audit, NULL));
    CHECK_OK_FATAL(
        host_writes_new(&b->options, b->r.tree, b->r.history, b->audit, send_command, b, on_told, b, &b->clock.clock, NULL, &b->w));
    host_writes_bind(b->w, b->r.ingest);
}

static void bench_close(bench *b)
{
    host_writes_free(b->w);
    rig_close(&b->r);
    host_audit_close(b->audit);
}

static host_write_request request(const char *path, const char *json)
{
    bool text = json[0] == '"';
    return (host_write_request){ .path = pt_cstr(path),
                                 .value_json = pt_cstr(json),
                                 .value_text = text ? pt_slice_of(json + 1, strlen(json) - 2) : pt_cstr(json),
                                 .value_is_string = text,
                                 .reason = PT_LIT("because"),
                                 .who = PT_LIT("10.0.0.9") };
}

static host_write_result ask(bench *b, const char *path, const char *json)
{
    host_write_request rq = request(path, json);
    host_write_result r = { 0 };
    CHECK_OK(host_writes_do(b->w, &rq, &r));
    return r;
}

static host_write_result get(bench *b, uint64_t id)
{
    host_write_result r = { 0 };
    CHECK_OK(host_writes_get(b->w, id, &r));
    return r;
}

static void seen(bench *b, uint32_t tag, double v)
{
    uns_update u = { .tag_id = tag, .quality = SPB_GOOD, .time_ms = 2000, .value = { .type = SPB_DOUBLE, .as.f64 = v } };
    host_writes_see(b->w, &u, 1);
}

static void pass(bench *b, int64_t ms)
{
    pt_fake_clock_advance(&b->clock, ms);
    host_writes_tick(b->w);
}

static void a_value_must_fit_the_tag_s_datatype_and_limits(void)
{
    static const struct {
        const char *path, *json;
        int http; /* 0: sent */
        const char *text;
    } rows[] = {
        { "g/e/i8", "127", 0, NULL },
        { "g/e/i8", "-128", 0, NULL },
        { "g/e/i8", "128", 422, "128 is no Int8" },
        { "g/e/i8", "1.5", 422, "is no Int8" },
        { "g/e/i8", "true", 422, "is no Int8" },
        { "g/e/u8", "255", 0, NULL },
        { "g/e/u8", "256", 422, "is no UInt8" },
        { "g/e/u8", "-1", 422, "is no UInt8" },
        { "g/e/i32", "-2147483648", 0, NULL },
        { "g/e/i32", "2147483648", 422, "is no Int32" },
        { "g/e/u32", "4294967295", 0, NULL },
        { "g/e/u32", "4294967296", 422, "is no UInt32" },
        { "g/e/i64", "-9223372036854775808", 0, NULL },
        { "g/e/i64", "9223372036854775808", 422, "is no Int64" },
        { "g/e/u64", "18446744073709551615", 0, NULL },
        { "g/e/u64", "18446744073709551616", 422, "is no UInt64" },
        { "g/e/f", "1e10", 0, NULL },
        { "g/e/f", "1e300", 422, "is no Float" },
        { "g/e/d", "1e300", 0, NULL },
        { "g/e/d", "\"warm\"", 422, "warm is no Double" },
        { "g/e/d", "null", 422, "null cannot be written" },
        { "g/e/on", "true", 0, NULL },
        { "g/e/on", "2", 422, "is no Boolean" },
        { "g/e/s", "\"other\"", 0, NULL },
        { "g/e/s", "\"\"", 0, NULL },
        { "g/e/s", "5", 422, "must be a JSON string" },
        { "g/e/t", "1700000000000", 0, NULL },
        { "g/e/lim", "0", 0, NULL },
        { "g/e/lim", "10", 0, NULL },
        { "g/e/lim", "10.1", 422, "outside the limits 0 to 10" },
        { "g/e/lim", "-0.1", 422, "outside the limits" },
        { "g/e/ro", "1", 403, "read-only" },
        { "g/e/nul", "1", 0, NULL },
        { "g/e/dev/sp", "2", 0, NULL },
        { "g/e/nowhere", "1", 404, "there is no tag g/e/nowhere" },
        { "g/e", "1", 404, "there is no tag g/e" },
        { "", "1", 404, "there is no tag" },
    };
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char row[400];
        unsigned before = b.sent;
        host_write_result r = ask(&b, rows[i].path, rows[i].json);
        snprintf(row, sizeof row, "%s = %s: %s %d %s", rows[i].path, rows[i].json, host_write_state_name(r.state), r.http, r.text);
        CHECK_ROW(row, r.state == (rows[i].http ? HOST_WRITE_REFUSED : HOST_WRITE_SENT));
        CHECK_ROW(row, b.sent == before + !rows[i].http);
        if (rows[i].http) CHECK_ROW(row, r.http == rows[i].http && strstr(r.text, rows[i].text) && r.slug[0]);
        pass(&b, 6000);
    }
    bench_close(&b);
}

static void who_is_not_there_is_not_written_to(void)
{
    bench b;
    bench_open(&b);
    rig_push(&b.r, "spBv1.0/g/DDEATH/e/dev", "ts=1002 seq=2");
    rig_settle(&b.r);
    host_write_result r = ask(&b, "g/e/dev/sp", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 409 && strcmp(r.slug, "source-offline") == 0 &&
          strstr(r.text, "device dev of g/e is not online"));
    CHECK_INT(ask(&b, "g/e/d", "2").state, HOST_WRITE_SENT); /* the node itself is */
    rig_push(&b.r, "spBv1.0/g/NDEATH/e", "bd=7");
    rig_settle(&b.r);
    r = ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 409 && strstr(r.text, "edge node g/e is not online"));
    rig_push(&b.r, "spBv1.0/g/NBIRTH/e", "ts=3000 seq=0 bd=8 i8:1=i5@3000"); /* without d */
    rig_settle(&b.r);
    r = ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 409 && strstr(r.text, "g/e/d is not live"));
    CHECK_INT(ask(&b, "g/e/i8", "2").state, HOST_WRITE_SENT);
    b.options.allowed = false;
    host_writes_configure(b.w, &b.options);
    r = ask(&b, "g/e/i8", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 403 && strcmp(r.text, "not today") == 0);
    CHECK_INT(b.sent, 2);
    bench_close(&b);
}

static void a_command_that_cannot_be_sent_is_refused_and_waits_for_nothing(void)
{
    bench b;
    uint64_t n[5];
    bench_open(&b);
    b.send_answer = PT_EFULL;
    host_write_result r = ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 503 && strcmp(r.slug, "not-ready") == 0 && strstr(r.text, "could not be sent"));
    host_writes_counts(b.w, n);
    CHECK_INT(n[HOST_WRITE_SENT], 0); /* open ones */
    CHECK_INT(n[HOST_WRITE_REFUSED], 1);
    b.send_answer = PT_ESTATE; /* the reason is said in words */
    r = ask(&b, "g/e/d", "2");
    CHECK(r.http == 503 && strstr(r.text, "our STATE is not acknowledged yet"));
    b.send_answer = PT_EREFUSED;
    r = ask(&b, "g/e/d", "2");
    CHECK(r.http == 503 && strstr(r.text, "this host is stopping"));
    bench_close(&b);
}

static void the_bytes_of_a_command_are_name_value_type_and_time(void)
{
    static const struct {
        const char *what, *path, *json, *topic;
        bool datatype, alias, uint32_long;
        spb_wire wire;
    } rows[] = {
        { "tck-id-topics-ncmd-payload", "g/e/d", "2.5", "spBv1.0/g/NCMD/e", true, false, false, SPB_WIRE_DOUBLE },
        { "tck-id-topics-dcmd-payload", "g/e/dev/sp", "2.5", "spBv1.0/g/DCMD/e/dev", true, false, false, SPB_WIRE_DOUBLE },
        { "cmd_datatype: false", "g/e/d", "2.5", "spBv1.0/g/NCMD/e", false, false, false, SPB_WIRE_DOUBLE },
        { "cmd_alias: true", "g/e/d", "2.5", "spBv1.0/g/NCMD/e", true, true, false, SPB_WIRE_DOUBLE },
        { "cmd_alias without an alias", "g/e/f", "2.5", "spBv1.0/g/NCMD/e", true, true, false, SPB_WIRE_FLOAT },
        { "UInt32 in int_value", "g/e/u32", "4294967295", "spBv1.0/g/NCMD/e", true, false, false, SPB_WIRE_INT },
        { "uint32_encoding: long", "g/e/u32", "4294967295", "spBv1.0/g/NCMD/e", true, false, true, SPB_WIRE_LONG },
        { "text", "g/e/s", "\"a b\"", "spBv1.0/g/NCMD/e", true, false, false, SPB_WIRE_STRING },
        { "Boolean", "g/e/on", "true", "spBv1.0/g/NCMD/e", true, false, false, SPB_WIRE_BOOL },
    };
    bench b;
    pt_arena arena;
    bench_open(&b);
    pt_arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_payload p;
        const char *row = rows[i].what, *slash = strrchr(rows[i].path, '/');
        b.options.cmd_datatype = rows[i].datatype;
        b.options.cmd_alias = rows[i].alias;
        b.options.uint32_long = rows[i].uint32_long;
        host_writes_configure(b.w, &b.options);
        CHECK_ROW(row, ask(&b, rows[i].path, rows[i].json).state == HOST_WRITE_SENT);
        CHECK_ROW(row, strcmp(b.topic, rows[i].topic) == 0);
        CHECK_OK_FATAL(spb_payload_decode(pt_slice_of(b.payload, b.payload_len), &spb_limits_default, &arena, &p, NULL));
        CHECK_ROW(row, p.n_metrics == 1 && p.has_timestamp && p.timestamp == (uint64_t)pt_wall_ms(&b.clock.clock) && !p.has_seq);
        const spb_metric *m = &p.metrics[0];
        bool by_alias = rows[i].alias && strcmp(rows[i].path, "g/e/d") == 0;
        CHECK_ROW(row, ((m->flags & SPB_HAS_ALIAS) != 0) == by_alias && ((m->flags & SPB_HAS_NAME) != 0) == !by_alias);
        CHECK_ROW(row, by_alias ? m->alias == 77 : pt_slice_eq_cstr(m->name, slash + 1));
        CHECK_ROW(row, ((m->flags & SPB_HAS_DATATYPE) != 0) == rows[i].datatype && (m->flags & SPB_HAS_TIMESTAMP));
        CHECK_ROW(row, m->wire == rows[i].wire);
        pass(&b, 6000);
    }
    pt_arena_fini(&arena);
    bench_close(&b);
}

/* A metric in the notation of wire.h, without times. */
static void show(const spb_metric *m, pt_buf *out)
{
    pt_buf_slice(out, m->name);
    if (m->flags & SPB_HAS_ALIAS) pt_buf_printf(out, "#%llu", (unsigned long long)m->alias);
    if (m->flags & SPB_HAS_DATATYPE) pt_buf_printf(out, ":%u", m->datatype);
    if (m->wire == SPB_WIRE_DOUBLE) pt_buf_printf(out, "=d%g", m->value.f64);
    if (m->wire != SPB_WIRE_TEMPLATE) return;
    const spb_template *t = m->value.tmpl;
    pt_buf_printf(out, "=T{%.*s%s}(", PT_SLICE_ARGS(t->template_ref), t->has_is_definition && !t->is_definition ? "" : "|d");
    for (uint32_t i = 0; i < t->n_metrics; i++)
        show(&t->metrics[i], out);
    pt_buf_char(out, ')');
}

static void a_member_is_written_inside_its_template_instance(void)
{
    static const struct {
        const char *what, *path, *topic, *want;
        bool no_datatype, alias;
    } rows[] = {
        { "guide 7: the instance of the birth, in it the member", "g/m/m1/rpm", "spBv1.0/g/NCMD/m", "m1:19=T{M}(rpm:10=d2.5)", false,
          false },
        { "an instance inside an instance", "g/m/m1/in/x", "spBv1.0/g/NCMD/m", "m1:19=T{M}(in:19=T{N}(x:10=d2.5))", false, false },
        { "a member with a slash in its name", "g/m/m1/a/b", "spBv1.0/g/NCMD/m", "m1:19=T{M}(a/b:10=d2.5)", false, false },
        { "the instance of a name that continues another's", "g/m/m1/in2/x", "spBv1.0/g/NCMD/m", "m1/in2:19=T{N}(x:10=d2.5)", false,
          false },
        { "cmd_datatype: false", "g/m/m1/rpm", "spBv1.0/g/NCMD/m", "m1=T{M}(rpm=d2.5)", true, false },
        { "cmd_alias: true: the instance's", "g/m/m1/in/x", "spBv1.0/g/NCMD/m", "#5:19=T{M}(in:19=T{N}(x:10=d2.5))", false, true },
        { "of a device", "g/m/dev/m2/rpm", "spBv1.0/g/DCMD/m/dev", "m2:19=T{M}(rpm:10=d2.5)", false, false },
    };
    bench b;
    pt_arena arena;
    bench_open(&b);
    pt_arena_init(&arena, 1u << 20);
    rig_push(
        &b.r, "spBv1.0/g/NBIRTH/m",
        "ts=1000 seq=0 bd=7 N:19=T{d}(x:10=-!n) M:19=T{d}(rpm:10=-!n,in:19=T{N}()) m1#5:19=T{M}(rpm:10=d1@1,in:19=T{N}(x:10=d1@1),a/b:10=d1@1)@1 m1/in2:19=T{N}(x:10=d1@1)@1");
    rig_push(&b.r, "spBv1.0/g/DBIRTH/m/dev", "ts=1001 seq=1 m2:19=T{M}(rpm:10=d1@1)@1 lone:19=T{}(rpm:10=d1@1)@1");
    rig_push(&b.r, "spBv1.0/g/NDATA/m", "ts=1002 seq=2 m1=T{M}(rpm=d2@2)@2"); /* what stands there is no longer the birth's object */
    rig_settle(&b.r);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        spb_payload p;
        pt_buf text;
        pt_buf_init(&text, 1000);
        b.options.cmd_datatype = !rows[i].no_datatype;
        b.options.cmd_alias = rows[i].alias;
        host_writes_configure(b.w, &b.options);
        CHECK_ROW(rows[i].what, ask(&b, rows[i].path, "2.5").state == HOST_WRITE_SENT);
        CHECK_STR(pt_cstr(b.topic), rows[i].topic);
        CHECK_OK_FATAL(spb_payload_decode(pt_slice_of(b.payload, b.payload_len), &spb_limits_default, &arena, &p, NULL));
        CHECK_FATAL(p.n_metrics == 1);
        show(&p.metrics[0], &text);
        CHECK_STR(pt_buf_view(&text), rows[i].want);
        pt_buf_fini(&text);
        pass(&b, 6000);
    }
    unsigned before = b.sent;
    host_write_result r = ask(&b, "g/m/dev/lone/rpm", "2.5");
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 403 && strstr(r.text, "template is not known"));
    CHECK_INT(b.sent, before);
    pt_arena_fini(&arena);
    bench_close(&b);
}

static void a_command_goes_to_the_server_its_node_lives_on(void)
{
    bench b;
    pt_buf birth;
    bench_open(&b);
    pt_buf_init(&birth, 1000);
    wire_payload("ts=1000 seq=0 bd=7 d:10=d1@1000", &birth);
    host_packet p = { .topic = PT_LIT("spBv1.0/g/NBIRTH/far"),
                      .payload = pt_buf_view(&birth),
                      .wall_ms = pt_wall_ms(pt_clock_system()),
                      .mono_ms = pt_mono_ms(pt_clock_system()),
                      .server = 1 };
    host_ingest_push(b.r.ingest, &p);
    rig_settle(&b.r);
    CHECK_INT(ask(&b, "g/far/d", "2.5").state, HOST_WRITE_SENT);
    CHECK_INT(b.server, 1);
    CHECK_INT(ask(&b, "g/e/d", "2.5").state, HOST_WRITE_SENT);
    CHECK_INT(b.server, 0);
    pt_buf_fini(&birth);
    bench_close(&b);
}

static void newer_data_with_the_value_confirms(void)
{
    bench b;
    uint64_t n[5];
    bench_open(&b);
    host_write_result r = ask(&b, "g/e/d", "2.5");
    CHECK(r.state == HOST_WRITE_SENT && r.done_ms == 0 && r.sent_ms == 1000000);
    seen(&b, r.tag_id + 1, 2.5); /* another tag */
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_SENT);
    pt_fake_clock_advance(&b.clock, 40);
    seen(&b, r.tag_id, 2.5);
    r = get(&b, r.id);
    CHECK(r.state == HOST_WRITE_CONFIRMED && !r.unchanged && strcmp(r.seen, "2.5") == 0 && r.done_ms == 1000040);
    host_writes_counts(b.w, n);
    CHECK(n[HOST_WRITE_SENT] == 0 && n[HOST_WRITE_CONFIRMED] == 1);
    seen(&b, r.tag_id, 9); /* later values are not its business */
    pass(&b, 10000);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_CONFIRMED);
    bench_close(&b);
}

static void another_value_deviates_unless_a_better_one_follows_within_a_second(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = ask(&b, "g/e/d", "2.5");
    seen(&b, r.tag_id, 2);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_SENT); /* it may have been on its way */
    pass(&b, 999);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_SENT);
    pass(&b, 1);
    r = get(&b, r.id);
    CHECK(r.state == HOST_WRITE_DEVIATES && strcmp(r.seen, "2") == 0 && strstr(r.text, "another value"));
    r = ask(&b, "g/e/d", "2.5");
    seen(&b, r.tag_id, 2);
    pass(&b, 999);
    seen(&b, r.tag_id, 2.5);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_CONFIRMED);
    bench_close(&b);
}

static void silence_times_out_and_says_that_nothing_is_known(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = ask(&b, "g/e/d", "2.5");
    pass(&b, 4999);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_SENT);
    pass(&b, 1);
    r = get(&b, r.id);
    CHECK(r.state == HOST_WRITE_TIMEOUT && !r.seen[0] && strstr(r.text, "may or may not have been carried out"));
    bench_close(&b);
}

static void the_value_that_stands_there_is_confirmed_as_unchanged_after_a_second_unless_another_write_is_open(void)
{
    bench b;
    bench_open(&b);
    host_write_result r = ask(&b, "g/e/d", "0.1");
    pass(&b, 999);
    CHECK_INT(get(&b, r.id).state, HOST_WRITE_SENT);
    pass(&b, 1);
    r = get(&b, r.id);
    CHECK(r.state == HOST_WRITE_CONFIRMED && r.unchanged && strcmp(r.seen, "0.1") == 0);
    host_write_result one = ask(&b, "g/e/d", "0.1"), two = ask(&b, "g/e/d", "7");
    pass(&b, 1000);
    CHECK_INT(get(&b, one.id).state, HOST_WRITE_SENT); /* who knows what the other one does */
    pass(&b, 4000);
    CHECK_INT(get(&b, one.id).state, HOST_WRITE_TIMEOUT);
    CHECK_INT(get(&b, two.id).state, HOST_WRITE_TIMEOUT);
    bench_close(&b);
}

static void expected_is_compared_as_a_value(void)
{
    static const struct {
        const char *path, *json, *expected;
        bool sent;
    } rows[] = {
        { "g/e/d", "1", "0.1", true },       { "g/e/d", "1", "0.10", true },      { "g/e/d", "1", "1e-1", true },
        { "g/e/d", "1", "0.2", false },      { "g/e/d", "1", "\"0.1\"", false },  { "g/e/f", "1", "0.1", true },
        { "g/e/i32", "1", "5", true },       { "g/e/i32", "1", "5.5", false },    { "g/e/i32", "1", "null", false },
        { "g/e/on", "true", "false", true }, { "g/e/on", "true", "true", false }, { "g/e/s", "\"x\"", "\"text\"", true },
        { "g/e/s", "\"x\"", "text", false }, { "g/e/nul", "1", "null", true },    { "g/e/nul", "1", "0", false },
    };
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char row[400];
        host_write_request rq = request(rows[i].path, rows[i].json);
        host_write_result r;
        rq.has_expected = true;
        rq.expected_json = pt_cstr(rows[i].expected);
        CHECK_OK(host_writes_do(b.w, &rq, &r));
        snprintf(row, sizeof row, "%s, expected %s: %s", rows[i].path, rows[i].expected, r.text);
        CHECK_ROW(row, r.state == (rows[i].sent ? HOST_WRITE_SENT : HOST_WRITE_REFUSED));
        if (!rows[i].sent) CHECK_ROW(row, r.http == 409 && strcmp(r.slug, "conflict") == 0);
        pass(&b, 6000);
    }
    bench_close(&b);
}

typedef struct asker {
    bench *b;
    pthread_t thread;
    host_write_result r;
} asker;

static void *ask_main(void *arg)
{
    asker *a = arg;
    host_write_request rq = request("g/e/d", "2.5");
    rq.key = PT_LIT("one");
    if (host_writes_do(a->b->w, &rq, &a->r) != PT_OK) a->r.id = 0;
    return NULL;
}

static void one_idempotency_key_sends_once_also_when_asked_at_the_same_time(void)
{
    enum { ASKERS = 8 };
    bench b;
    asker askers[ASKERS];
    bench_open(&b);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){ .b = &b };
        CHECK_FATAL(pthread_create(&askers[i].thread, NULL, ask_main, &askers[i]) == 0);
    }
    for (int i = 0; i < ASKERS; i++)
        pthread_join(askers[i].thread, NULL);
    CHECK_INT(b.sent, 1);
    for (int i = 0; i < ASKERS; i++)
        CHECK(askers[i].r.id == askers[0].r.id && askers[i].r.id != 0);
    seen(&b, askers[0].r.tag_id, 2.5);
    askers[1] = (asker){ .b = &b };
    ask_main(&askers[1]); /* later: the outcome */
    CHECK(askers[1].r.id == askers[0].r.id && askers[1].r.state == HOST_WRITE_CONFIRMED);

    host_write_request other = request("g/e/d", "3");
    host_write_result r;
    other.key = PT_LIT("one");
    CHECK_OK(host_writes_do(b.w, &other, &r));
    CHECK(r.state == HOST_WRITE_REFUSED && r.http == 409 && strstr(r.text, "belongs to another write"));
    CHECK_INT(b.sent, 1);

    pass(&b, 600001); /* after ten minutes it is forgotten */
    CHECK_INT(ask(&b, "g/e/dev/sp", "2").state, HOST_WRITE_SENT);
    CHECK_STATUS(host_writes_get(b.w, askers[0].r.id, &r), PT_ENOTFOUND);
    CHECK_OK(host_writes_do(b.w, &other, &r));
    CHECK_INT(r.state, HOST_WRITE_SENT);
    bench_close(&b);
}

static bool count_event(void *ctx, const hist_event *e)
{
    char *text = ctx;
    CHECK_STR(e->type, "write");
    CHECK_STR(e->node, "g/e");
    CHECK_STR(e->path, "g/e/d");
    snprintf(text + strlen(text), 4000 - strlen(text), "%.*s\n", PT_SLICE_ARGS(e->detail));
    return true;
}

static bool audit_row(void *ctx, const host_audit_row *row)
{
    char *text = ctx;
    snprintf(text + strlen(text), 2000 - strlen(text), "%.*s %.*s %.*s->%.*s %.*s;", PT_SLICE_ARGS(row->action), PT_SLICE_ARGS(row->object),
             PT_SLICE_ARGS(row->before), PT_SLICE_ARGS(row->after), PT_SLICE_ARGS(row->outcome));
    return true;
}

static void every_request_and_every_outcome_is_an_event_an_audit_row_and_told_live(void)
{
    bench b;
    pt_error err = { 0, "" };
    char events[4000] = "", audit[2000] = "";
    hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .types = PT_LIT("write"), .limit = 100 };
    bench_open(&b);
    host_write_result r = ask(&b, "g/e/d", "2.5");
    CHECK_INT(b.told, 1);
    CHECK(strstr(b.last_told, "\"state\":\"sent\"") && strstr(b.last_told, "\"reason\":\"because\"") &&
          strstr(b.last_told, "\"who\":\"10.0.0.9\"") && strstr(b.last_told, "\"value\":2.5"));
    seen(&b, r.tag_id, 2.5);
    host_writes_tick(b.w);
    CHECK_INT(b.told, 2);
    CHECK(strstr(b.last_told, "\"state\":\"confirmed\"") && strstr(b.last_told, "\"reported\":2.5"));
    (void)ask(&b, "g/e/d", "\"warm\"");
    CHECK_INT(b.told, 3);
    host_writes_tick(b.w);
    CHECK_INT(b.told, 3); /* once each */
    CHECK_OK(hist_flush(b.r.history, 10000, &err));
    CHECK_OK(hist_events(b.r.history, &f, count_event, events, &err));
    CHECK(strstr(events, "\"sent\"") && strstr(events, "\"confirmed\"") && strstr(events, "\"refused\""));
    CHECK_OK(host_audit_each(b.audit, 0, 100, audit_row, audit, &err));
    CHECK_STR(pt_cstr(audit), "write g/e/d 0.1->2.5 requested;write g/e/d 0.1->2.5 confirmed;write g/e/d 0.1->\"warm\" refused;");
    bench_close(&b);
}

static void *see_later(void *arg)
{
    bench *b = arg;
    if (!PT_WITHIN(5000, b->sent == 1)) return NULL;
    host_write_result r = { 0 };
    for (uint64_t id = 1000000; id < 1000010; id++) /* ids begin at the clock */
        if (host_writes_get(b->w, id, &r) == PT_OK) break;
    seen(b, r.tag_id, 2.5);
    return NULL;
}

static void a_caller_that_waits_gets_the_outcome_as_soon_as_it_is_there(void)
{
    bench b;
    pthread_t plant;
    bench_open(&b);
    CHECK_FATAL(pthread_create(&plant, NULL, see_later, &b) == 0);
    host_write_request rq = request("g/e/d", "2.5");
    host_write_result r;
    rq.wait_ms = 30000;
    int64_t start = pt_test_now_ms();
    CHECK_OK(host_writes_do(b.w, &rq, &r));
    CHECK_INT(r.state, HOST_WRITE_CONFIRMED);
    CHECK(pt_test_now_ms() - start < 30000);
    pthread_join(plant, NULL);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_value_must_fit_the_tag_s_datatype_and_limits),
        PT_TEST(who_is_not_there_is_not_written_to),
        PT_TEST(a_command_that_cannot_be_sent_is_refused_and_waits_for_nothing),
        PT_TEST(the_bytes_of_a_command_are_name_value_type_and_time),
        PT_TEST(a_member_is_written_inside_its_template_instance),
        PT_TEST(a_command_goes_to_the_server_its_node_lives_on),
        PT_TEST(newer_data_with_the_value_confirms),
        PT_TEST(another_value_deviates_unless_a_better_one_follows_within_a_second),
        PT_TEST(silence_times_out_and_says_that_nothing_is_known),
        PT_TEST(the_value_that_stands_there_is_confirmed_as_unchanged_after_a_second_unless_another_write_is_open),
        PT_TEST(expected_is_compared_as_a_value),
        PT_TEST(one_idempotency_key_sends_once_also_when_asked_at_the_same_time),
        PT_TEST(every_request_and_every_outcome_is_an_event_an_audit_row_and_told_live),
        PT_TEST(a_caller_that_waits_gets_the_outcome_as_soon_as_it_is_there),
    };
    return pt_test_main("host/writes", tests, PT_COUNT_OF(tests), argc, argv);
}
