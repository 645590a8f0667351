/* host/control/command.c: what may be written, and which bytes go out. */
#include "host/control/command.h"
#include "tests/host/writes_bench.h"
#include "tests/host/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_value_must_fit_the_tag_s_datatype_and_limits(void)
{
    static const struct {
        const char *path, *json;
        host_write_refusal why; /* ACCEPTED: sent */
        const char *text;
    } rows[] = {
        { "g/e/i8", "127", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/i8", "-128", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/i8", "128", HOST_WRITE_INVALID, "128 is no Int8" },
        { "g/e/i8", "1.5", HOST_WRITE_INVALID, "is no Int8" },
        { "g/e/i8", "true", HOST_WRITE_INVALID, "is no Int8" },
        { "g/e/u8", "255", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/u8", "256", HOST_WRITE_INVALID, "is no UInt8" },
        { "g/e/u8", "-1", HOST_WRITE_INVALID, "is no UInt8" },
        { "g/e/i32", "-2147483648", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/i32", "2147483648", HOST_WRITE_INVALID, "is no Int32" },
        { "g/e/u32", "4294967295", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/u32", "4294967296", HOST_WRITE_INVALID, "is no UInt32" },
        { "g/e/i64", "-9223372036854775808", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/i64", "9223372036854775808", HOST_WRITE_INVALID, "is no Int64" },
        { "g/e/u64", "18446744073709551615", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/u64", "18446744073709551616", HOST_WRITE_INVALID, "is no UInt64" },
        { "g/e/f", "1e10", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/f", "1e300", HOST_WRITE_INVALID, "is no Float" },
        { "g/e/d", "1e300", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/d", "\"warm\"", HOST_WRITE_INVALID, "warm is no Double" },
        { "g/e/d", "null", HOST_WRITE_INVALID, "null cannot be written" },
        { "g/e/on", "true", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/on", "2", HOST_WRITE_INVALID, "is no Boolean" },
        { "g/e/s", "\"other\"", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/s", "\"\"", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/s", "5", HOST_WRITE_INVALID, "must be a JSON string" },
        { "g/e/t", "1700000000000", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/lim", "0", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/lim", "10", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/lim", "10.1", HOST_WRITE_INVALID, "outside the limits 0 to 10" },
        { "g/e/lim", "-0.1", HOST_WRITE_INVALID, "outside the limits" },
        { "g/e/ro", "1", HOST_WRITE_FORBIDDEN, "read-only" },
        { "g/e/nul", "1", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/dev/sp", "2", HOST_WRITE_ACCEPTED, NULL },
        { "g/e/nowhere", "1", HOST_WRITE_NO_TAG, "there is no tag g/e/nowhere" },
        { "g/e", "1", HOST_WRITE_NO_TAG, "there is no tag g/e" },
        { "", "1", HOST_WRITE_NO_TAG, "there is no tag" },
    };
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        char row[400];
        unsigned before = b.sent;
        host_write_result r = writes_ask(&b, rows[i].path, rows[i].json);
        snprintf(row, sizeof row, "%s = %s: %s %d %s", rows[i].path, rows[i].json, host_write_state_name(r.state), (int)r.refusal, r.text);
        CHECK_ROW(row, r.state == (rows[i].why ? HOST_WRITE_REFUSED : HOST_WRITE_SENT));
        CHECK_ROW(row, b.sent == before + !rows[i].why);
        if (rows[i].why) CHECK_ROW(row, r.refusal == rows[i].why && strstr(r.text, rows[i].text));
        writes_pass(&b, 6000);
    }
    bench_close(&b);
}

static void who_is_not_there_is_not_written_to(void)
{
    bench b;
    bench_open(&b);
    rig_push(&b.r, "spBv1.0/g/DDEATH/e/dev", "ts=1002 seq=2");
    rig_settle(&b.r);
    host_write_result r = writes_ask(&b, "g/e/dev/sp", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_OFFLINE && strstr(r.text, "device dev of g/e is not online"));
    CHECK_INT(writes_ask(&b, "g/e/d", "2").state, HOST_WRITE_SENT); /* the node itself is */
    rig_push(&b.r, "spBv1.0/g/NDEATH/e", "bd=7");
    rig_settle(&b.r);
    r = writes_ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_OFFLINE && strstr(r.text, "edge node g/e is not online"));
    rig_push(&b.r, "spBv1.0/g/NBIRTH/e", "ts=3000 seq=0 bd=8 i8:1=i5@3000"); /* without d */
    rig_settle(&b.r);
    r = writes_ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_OFFLINE && strstr(r.text, "g/e/d is not live"));
    CHECK_INT(writes_ask(&b, "g/e/i8", "2").state, HOST_WRITE_SENT);
    b.options.allowed = false;
    host_writes_configure(b.w, &b.options);
    r = writes_ask(&b, "g/e/i8", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_FORBIDDEN && strcmp(r.text, "not today") == 0);
    CHECK_INT(b.sent, 2);
    bench_close(&b);
}

static void a_command_that_cannot_be_sent_is_refused_and_waits_for_nothing(void)
{
    bench b;
    uint64_t n[HOST_WRITE_STATES];
    bench_open(&b);
    b.send_answer = PT_EFULL;
    host_write_result r = writes_ask(&b, "g/e/d", "2");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_NOT_READY && strstr(r.text, "could not be sent"));
    host_writes_counts(b.w, n);
    CHECK_INT(n[HOST_WRITE_SENT], 0); /* open ones */
    CHECK_INT(n[HOST_WRITE_REFUSED], 1);
    b.send_answer = PT_ESTATE; /* the reason is said in words */
    r = writes_ask(&b, "g/e/d", "2");
    CHECK(r.refusal == HOST_WRITE_NOT_READY && strstr(r.text, "our STATE is not acknowledged yet"));
    b.send_answer = PT_EREFUSED;
    r = writes_ask(&b, "g/e/d", "2");
    CHECK(r.refusal == HOST_WRITE_NOT_READY && strstr(r.text, "this host is stopping"));
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
        CHECK_ROW(row, writes_ask(&b, rows[i].path, rows[i].json).state == HOST_WRITE_SENT);
        CHECK_ROW(row, strcmp(b.topic, rows[i].topic) == 0);
        CHECK_OK_FATAL(spb_payload_decode(pt_slice_of(b.payload, b.payload_len), &spb_limits_default, &arena, &p, NULL));
        CHECK_ROW(row, p.n_metrics == 1 && p.has_timestamp && p.timestamp == (uint64_t)pt_wall_ms(&b.clock.clock) && !p.has_seq);
        const spb_metric *m = &p.metrics[0];
        bool by_alias = rows[i].alias && strcmp(rows[i].path, "g/e/d") == 0;
        CHECK_ROW(row, ((m->flags & SPB_HAS_ALIAS) != 0) == by_alias && ((m->flags & SPB_HAS_NAME) != 0) == !by_alias);
        CHECK_ROW(row, by_alias ? m->alias == 77 : pt_slice_eq_cstr(m->name, slash + 1));
        CHECK_ROW(row, ((m->flags & SPB_HAS_DATATYPE) != 0) == rows[i].datatype && (m->flags & SPB_HAS_TIMESTAMP));
        CHECK_ROW(row, m->wire == rows[i].wire);
        writes_pass(&b, 6000);
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
        CHECK_ROW(rows[i].what, writes_ask(&b, rows[i].path, "2.5").state == HOST_WRITE_SENT);
        CHECK_STR(pt_cstr(b.topic), rows[i].topic);
        CHECK_OK_FATAL(spb_payload_decode(pt_slice_of(b.payload, b.payload_len), &spb_limits_default, &arena, &p, NULL));
        CHECK_FATAL(p.n_metrics == 1);
        show(&p.metrics[0], &text);
        CHECK_STR(pt_buf_view(&text), rows[i].want);
        pt_buf_fini(&text);
        writes_pass(&b, 6000);
    }
    unsigned before = b.sent;
    host_write_result r = writes_ask(&b, "g/m/dev/lone/rpm", "2.5");
    CHECK(r.state == HOST_WRITE_REFUSED && r.refusal == HOST_WRITE_FORBIDDEN && strstr(r.text, "template is not known"));
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
    CHECK_INT(writes_ask(&b, "g/far/d", "2.5").state, HOST_WRITE_SENT);
    CHECK_INT(b.server, 1);
    CHECK_INT(writes_ask(&b, "g/e/d", "2.5").state, HOST_WRITE_SENT);
    CHECK_INT(b.server, 0);
    pt_buf_fini(&birth);
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
    };
    return pt_test_main("host/command", tests, PT_COUNT_OF(tests), argc, argv);
}
