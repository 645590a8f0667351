/* tests/host/writes_bench.c -- see writes_bench.h. */
#include "tests/host/writes_bench.h"

#include <stdio.h>
#include <string.h>

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

void bench_open(bench *b)
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

void bench_close(bench *b)
{
    host_writes_free(b->w);
    rig_close(&b->r);
    host_audit_close(b->audit);
}

host_write_request writes_request(const char *path, const char *json)
{
    bool text = json[0] == '"';
    return (host_write_request){ .path = pt_cstr(path),
                                 .value_json = pt_cstr(json),
                                 .value_text = text ? pt_slice_of(json + 1, strlen(json) - 2) : pt_cstr(json),
                                 .value_is_string = text,
                                 .reason = PT_LIT("because"),
                                 .who = PT_LIT("10.0.0.9") };
}

host_write_result writes_ask(bench *b, const char *path, const char *json)
{
    host_write_request rq = writes_request(path, json);
    host_write_result r = { 0 };
    CHECK_OK(host_writes_start(b->w, &rq, NULL, NULL, &r, NULL));
    return r;
}

host_write_result writes_get(bench *b, uint64_t id)
{
    host_write_result r = { 0 };
    CHECK_OK(host_writes_get(b->w, id, &r));
    return r;
}

void writes_seen(bench *b, uint32_t tag, double v)
{
    uns_update u = { .tag_id = tag, .quality = SPB_GOOD, .time_ms = 2000, .value = { .type = SPB_DOUBLE, .as.f64 = v } };
    host_writes_see(b->w, &u, 1);
}

void writes_pass(bench *b, int64_t ms)
{
    pt_fake_clock_advance(&b->clock, ms);
    host_writes_tick(b->w);
}
