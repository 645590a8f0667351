/* The Modbus drivers against real servers: plantree-plc's over TCP, libmodbus' own over TCP and over two pseudo-terminals joined by a
 * thread. */
#include "tests/edge-node/plc_rig.h"
#include "tests/support/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static bench b;

static void a_real_plc_is_read_and_written(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, NULL);
    uint32_t d = bench_device(&b, "line", p.port, 1, "500ms", bench_line, 4);
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    CHECK(bench_view(&b, b.metrics[0][0]).value.as.f32 > 0.5f && bench_view(&b, b.metrics[0][0]).quality == SPB_GOOD);
    spb_value v = { .type = SPB_FLOAT, .as = { .f32 = 3.25f } };
    pt_error err = { 0 };
    CHECK_OK(bench_write(&b, b.metrics[0][1], &v, &err));
    CHECK_WITHIN(3000, bench_view(&b, b.metrics[0][1]).value.as.f32 == 3.25f);
    CHECK_STATUS(bench_write(&b, b.metrics[0][0], &v, &err), PT_EREFUSED); /* not writable */
    v.as.f32 = 99;                                                         /* the PLC allows 0..5 and answers an exception */
    CHECK_STATUS(bench_write(&b, b.metrics[0][1], &v, &err), PT_EREFUSED);
    CHECK(edge_node_device_is_online(b.r.node, d));
    CHECK_INT(bench_stats(&b, 0).failures, 0);
    bench_end(&b);
    plc_stop(&p);
}

static void an_exception_is_the_quality_of_its_tags_only(void)
{
    static const tag_row rows[] = { { .name = "good", .reg = "holding:0", .type = SPB_FLOAT },
                                    { .name = "absent", .reg = "holding:3000", .type = SPB_INT16 },
                                    { .name = "near", .reg = "holding:4", .type = SPB_FLOAT } };
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, "exception=2@holding:4");
    uint32_t d = bench_device(&b, "line", p.port, 1, "500ms", rows, PT_COUNT_OF(rows));
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    CHECK_INT(bench_view(&b, b.metrics[0][0]).quality, SPB_GOOD); /* read apart from its neighbour that is refused */
    CHECK(bench_view(&b, b.metrics[0][1]).quality == SPB_BAD && bench_view(&b, b.metrics[0][1]).value.is_null);
    CHECK_INT(bench_view(&b, b.metrics[0][2]).quality, SPB_BAD);
    bench_end(&b);
    plc_stop(&p);
}

static void units_behind_one_gateway_share_a_connection(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 3, NULL);
    uint32_t d[4];
    for (int i = 0; i < 4; i++) {
        static const char *const ids[] = { "u1", "u2", "u3", "nobody" };
        d[i] = bench_device(&b, ids[i], p.port, i < 3 ? i + 1 : 77, "5s", bench_line, 4);
    }
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d[0]) && edge_node_device_is_online(b.r.node, d[1]) &&
                                 edge_node_device_is_online(b.r.node, d[2]));
    CHECK_WITHIN(5000, bench_stats(&b, 3).failures >= 2); /* the gateway says there is nobody: exception 11 */
    CHECK(!edge_node_device_is_online(b.r.node, d[3]));
    bench_end(&b);
    plc_stop(&p);
    CHECK_INT(p.stats.accepted, 1);
}

static void a_plc_that_does_not_answer_in_time_is_lost_and_the_edge_lives(void)
{
    plc p;
    bench_begin(&b);
    plc_start(&p, 0, 1, "delay=400");
    uint32_t d = bench_device(&b, "line", p.port, 1, "100ms", bench_line, 2);
    bench_run(&b);
    CHECK_WITHIN(5000, bench_stats(&b, 0).io.timeouts >= 3);
    CHECK(!edge_node_device_is_online(b.r.node, d));
    CHECK(strstr(bench_stats(&b, 0).last_error, "unit 1") != NULL);
    bench_end(&b);
    plc_stop(&p);
}

/* --- a PLC with any registers: libmodbus' server on one TCP connection --- */

typedef struct tcp_plc {
    modbus_t *m;
    modbus_mapping_t *map;
    int listener, client;
    uint16_t port;
    _Atomic uint32_t requests;
    pthread_t thread;
} tcp_plc;

static void *serve_tcp(void *ctx)
{
    tcp_plc *p = ctx;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int n;
    if ((p->client = modbus_tcp_accept(p->m, &p->listener)) < 0) return NULL;
    while ((n = modbus_receive(p->m, query)) >= 0) {
        p->requests++;
        if (n > 0) modbus_reply(p->m, query, n, p->map);
    }
    return NULL;
}

static void tcp_plc_start(tcp_plc *p)
{
    *p = (tcp_plc){ .port = (uint16_t)pt_free_port() };
    p->m = modbus_new_tcp("127.0.0.1", p->port);
    p->map = modbus_mapping_new(2100, 2100, 200, 200);
    CHECK_FATAL(p->m && p->map && (p->listener = modbus_tcp_listen(p->m, 1)) >= 0);
    CHECK_FATAL(pthread_create(&p->thread, NULL, serve_tcp, p) == 0);
}

static void tcp_plc_stop(tcp_plc *p) /* the client is gone: the server's thread has seen it */
{
    pthread_join(p->thread, NULL);
    modbus_close(p->m);
    close(p->listener);
    modbus_mapping_free(p->map);
    modbus_free(p->m);
}

/* Registers from 0 on hold 0x0001 0x0203 0x0405 ...; bit i of the coils and inputs is set when i % 3 == 0. */
static const struct {
    tag_row tag;
    const char *hex;     /* the array as Sparkplug has it */
    const char *written; /* another one, written and read back; NULL: not writable */
} arrays[] = {
    { { .name = "i8", .reg = "input:1", .type = SPB_INT8_ARRAY, .elements = "3" }, "030507", NULL },
    { { .name = "u8", .reg = "holding:120", .type = SPB_UINT8_ARRAY, .elements = "2", .write = true }, "f1f3", "01ff" },
    { { .name = "i16", .reg = "holding:0", .type = SPB_INT16_ARRAY, .elements = "4", .write = true },
      "0100030205040706",
      "ffff00803412ff7f" },
    { { .name = "u16 swapped", .reg = "holding:4", .type = SPB_UINT16_ARRAY, .elements = "2", .order = "BADC", .write = true },
      "08090a0b",
      "0001ffee" },
    { { .name = "i32", .reg = "holding:6", .type = SPB_INT32_ARRAY, .elements = "2", .write = true },
      "0f0e0d0c13121110",
      "feffffff01000000" },
    { { .name = "u32 low first", .reg = "holding:10", .type = SPB_UINT32_ARRAY, .elements = "2", .order = "CDAB", .write = true },
      "1514171619181b1a",
      "78563412efbeadde" },
    { { .name = "i64", .reg = "holding:14", .type = SPB_INT64_ARRAY, .elements = "1", .write = true },
      "232221201f1e1d1c",
      "ffffffffffffffff" },
    { { .name = "u64 little", .reg = "holding:18", .type = SPB_UINT64_ARRAY, .elements = "1", .order = "little", .write = true },
      "2425262728292a2b",
      "0102030405060708" },
    { { .name = "f32", .reg = "holding:30", .type = SPB_FLOAT_ARRAY, .elements = "2", .write = true },
      "3f3e3d3c43424140",
      "0000c03f000080bf" },
    { { .name = "f64", .reg = "holding:34", .type = SPB_DOUBLE_ARRAY, .elements = "1", .write = true },
      "4b4a494847464544",
      "000000000000f83f" },
    { { .name = "time", .reg = "holding:38", .type = SPB_DATETIME_ARRAY, .elements = "1", .write = true },
      "535251504f4e4d4c",
      "c7d0907524010000" },
    { { .name = "coils", .reg = "coil:0", .type = SPB_BOOLEAN_ARRAY, .elements = "12", .write = true }, "0c0000009240", "0c0000005550" },
    { { .name = "discretes", .reg = "discrete:3", .type = SPB_BOOLEAN_ARRAY, .elements = "2000" },
      NULL,
      NULL }, /* as many as one request takes */
    { { .name = "bits", .reg = "holding:50.4", .type = SPB_BOOLEAN_ARRAY, .elements = "20", .write = true },
      "14000000626e60",
      "14000000fff7f0" },
    { { .name = "most", .reg = "input:0", .type = SPB_UINT16_ARRAY, .elements = "125" }, NULL, NULL },
};

static pt_slice array_of(size_t i)
{
    edge_metric_view v = bench_view(&b, b.metrics[0][i]);
    CHECK_ROW(arrays[i].tag.name, v.value.type == arrays[i].tag.type && v.quality == SPB_GOOD && !v.value.is_null);
    return v.value.as.bytes;
}

static bool array_is(size_t i, const char *hex)
{
    char raw[64];
    return pt_slice_eq(array_of(i), pt_unhex(hex, raw, sizeof raw));
}

static void arrays_of_registers_and_bits_are_read_and_written_whole(void)
{
    tcp_plc p;
    tag_row rows[PT_COUNT_OF(arrays)];
    tcp_plc_start(&p);
    for (uint16_t i = 0; i < 200; i++)
        p.map->tab_registers[i] = p.map->tab_input_registers[i] = (uint16_t)((i * 2 & 0xff) << 8 | ((i * 2 + 1) & 0xff));
    for (int i = 0; i < 2100; i++)
        p.map->tab_bits[i] = p.map->tab_input_bits[i] = i % 3 == 0;
    bench_begin(&b);
    for (size_t i = 0; i < PT_COUNT_OF(arrays); i++)
        rows[i] = arrays[i].tag;
    uint32_t d = bench_device(&b, "plc", p.port, 1, "1s", rows, PT_COUNT_OF(rows));
    bench_run(&b);
    CHECK_WITHIN_FATAL(5000, edge_node_device_is_online(b.r.node, d));
    for (size_t i = 0; i < PT_COUNT_OF(arrays); i++)
        if (arrays[i].hex) CHECK_ROW(arrays[i].tag.name, array_is(i, arrays[i].hex));
    pt_slice many = array_of(12);
    CHECK(many.len == 4 + 250 && (uint8_t)many.ptr[0] == 0xd0 && many.ptr[1] == 7 && (uint8_t)many.ptr[4] == 0x92);
    CHECK_INT(array_of(14).len, 250);

    p.map->tab_registers[50] |= 0x000f; /* neighbours of the row of bits, which must stay */
    p.map->tab_registers[51] = (uint16_t)((p.map->tab_registers[51] & 0x00ff) | 0xab00);
    for (size_t i = 0; i < PT_COUNT_OF(arrays); i++) {
        char raw[64], few[64];
        pt_error err = { 0 };
        if (!arrays[i].written) continue;
        spb_value v = { .type = (uint8_t)arrays[i].tag.type, .as = { .bytes = pt_unhex(arrays[i].written, raw, sizeof raw) } };
        pt_status st = bench_write(&b, b.metrics[0][i], &v, &err);
        pt_check_at(st == PT_OK, false, __FILE__, __LINE__, "%s: %s", arrays[i].tag.name, err.text);
        CHECK_WITHIN(3000, array_is(i, arrays[i].written));
        memcpy(few, raw, sizeof few); /* one element too few */
        size_t size = arrays[i].tag.type == SPB_BOOLEAN_ARRAY ? 0 : v.as.bytes.len / (size_t)atoi(arrays[i].tag.elements);
        v.as.bytes = pt_slice_of(few, v.as.bytes.len - size);
        if (!size) few[0]--;
        CHECK_STATUS(bench_write(&b, b.metrics[0][i], &v, &err), PT_EREFUSED);
        CHECK_ROW(arrays[i].tag.name, strstr(err.text, "elements") != NULL);
    }
    CHECK_INT(p.map->tab_registers[50] & 0x000f, 0x000f);
    CHECK_INT(p.map->tab_registers[51] & 0xff00, 0xab00);
    CHECK(p.map->tab_bits[12] == 1 && p.map->tab_bits[13] == 0); /* beyond the row of coils */
    CHECK_INT(bench_stats(&b, 0).failures, 0);
    CHECK(edge_node_device_is_online(b.r.node, d));
    bench_end(&b);
    tcp_plc_stop(&p);
}

static void layouts_that_cannot_be_are_refused_with_the_reason(void)
{
    static const struct {
        tag_row tag;
        const char *why;
    } rows[] = {
        { { .name = "t", .reg = "holding:0", .type = SPB_FLOAT_ARRAY }, "needs `elements`" },
        { { .name = "t", .reg = "holding:0", .type = SPB_FLOAT, .elements = "2" }, "is for arrays" },
        { { .name = "t", .reg = "holding:0", .type = SPB_STRING_ARRAY, .elements = "2" }, "cannot be read from registers" },
        { { .name = "t", .reg = "coil:0", .type = SPB_INT16_ARRAY, .elements = "2" }, "are Boolean" },
        { { .name = "t", .reg = "holding:0.3", .type = SPB_INT16_ARRAY, .elements = "2" }, "BooleanArray" },
        { { .name = "t", .reg = "holding:0", .type = SPB_FLOAT_ARRAY, .elements = "2", .raw = "int16" }, "single values" },
        { { .name = "t", .reg = "holding:0", .type = SPB_FLOAT_ARRAY, .elements = "63" }, "max_registers is 125" },
        { { .name = "t", .reg = "holding:0", .type = SPB_INT16_ARRAY, .elements = "124", .write = true }, "writes at most 123 registers" },
        { { .name = "t", .reg = "coil:0", .type = SPB_BOOLEAN_ARRAY, .elements = "1969", .write = true }, "writes at most 1968 bits" },
        { { .name = "t", .reg = "coil:65530", .type = SPB_BOOLEAN_ARRAY, .elements = "7" }, "beyond bit 65535" },
        { { .name = "t", .reg = "holding:65535", .type = SPB_FLOAT }, "beyond register 65535" },
        { { .name = "t", .reg = "input:0", .type = SPB_FLOAT, .write = true }, "inputs cannot be written" },
        { { .name = "t", .reg = "coil:0", .type = SPB_FLOAT }, "are Boolean" },
        { { .name = "t", .reg = "nowhere", .type = SPB_FLOAT }, "is no address" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        edge_poller *p = NULL;
        bench_begin(&b);
        bench_device(&b, "d", 502, 1, "1s", &rows[i].tag, 1);
        edge_poller_options o = { .node = NULL, .clock = pt_clock_system() };
        CHECK_ROW(rows[i].why, edge_poller_new(&o, b.devices, b.n, &p, &err) == PT_EINVAL && strstr(err.text, rows[i].why) &&
                                   strstr(err.text, "device d, tag t"));
        rig_start(&b.r);
        rig_fini(&b.r);
    }
}

static int masters[2];
static char lines[2][64];
static _Atomic bool stop;

/* What one end says the other hears. */
static void *join_lines(void *ctx)
{
    (void)ctx;
    while (!stop) {
        struct pollfd f[2] = { { masters[0], POLLIN, 0 }, { masters[1], POLLIN, 0 } };
        if (poll(f, 2, 20) <= 0) continue;
        for (int i = 0; i < 2; i++) {
            char buf[512];
            if (!(f[i].revents & POLLIN)) continue;
            ssize_t n = read(masters[i], buf, sizeof buf);
            if (n > 0 && write(masters[1 - i], buf, (size_t)n) != n) return NULL;
        }
    }
    return NULL;
}

static void *serve(void *ctx)
{
    modbus_mapping_t *map = ctx;
    modbus_t *m = modbus_new_rtu(lines[1], 115200, 'N', 8, 1);
    if (!m || modbus_set_slave(m, 7) != 0 || modbus_connect(m) != 0) return NULL;
    modbus_set_indication_timeout(m, 0, 100000);
    while (!stop) {
        uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
        int n = modbus_receive(m, query);
        if (n > 0) modbus_reply(m, query, n, map);
    }
    modbus_close(m);
    modbus_free(m);
    return NULL;
}

static spb_value got[4];
static spb_quality quality[4];
static void reading(void *ctx, uint32_t tag, spb_quality q, const spb_value *v)
{
    (void)ctx;
    quality[tag] = q;
    if (v) got[tag] = *v;
}

static void a_serial_plc_is_read_and_written_and_a_silent_unit_times_out(void)
{
    int slave[2];
    for (int i = 0; i < 2; i++) {
        struct termios t;
        CHECK_FATAL(openpty(&masters[i], &slave[i], lines[i], NULL, NULL) == 0);
        CHECK_FATAL(tcgetattr(slave[i], &t) == 0);
        cfmakeraw(&t);
        CHECK_FATAL(tcsetattr(slave[i], TCSANOW, &t) == 0);
    }
    modbus_mapping_t *map = modbus_mapping_new(16, 16, 64, 64);
    CHECK_FATAL(map != NULL);
    map->tab_registers[10] = 0x4248; /* 50.0 */
    map->tab_input_registers[3] = (uint16_t)-5;
    map->tab_bits[2] = 1;
    pthread_t joiner, server;
    CHECK_FATAL(pthread_create(&joiner, NULL, join_lines, NULL) == 0);
    CHECK_FATAL(pthread_create(&server, NULL, serve, map) == 0);

    const edge_driver *d = edge_driver_find(PT_LIT("modbus-rtu"));
    CHECK_FATAL(d != NULL);
    edge_option device[12] = { 0 }, silent[12] = { 0 }, tag[4][BENCH_KEYS] = { 0 };
    const char *pairs[] = { "address", lines[0], "unit", "7", "timeout", "5s", "baud", "115200", "parity", "none", NULL };
    bench_options(d->device_keys, device, pairs);
    pairs[3] = "8";
    pairs[5] = "300ms";
    bench_options(d->device_keys, silent, pairs);
    static const char *const regs[] = { "holding:10", "input:3", "coil:2", "holding:20" };
    static const spb_datatype types[] = { SPB_FLOAT, SPB_INT16, SPB_BOOLEAN, SPB_UINT32 };
    edge_driver_tag tags[4];
    for (int i = 0; i < 4; i++) {
        bench_options(d->tag_keys, tag[i], (const char *const[]){ "register", regs[i], NULL });
        tags[i] = (edge_driver_tag){ .name = regs[i], .type = types[i], .writable = i != 1, .poll_ms = 100, .options = tag[i] };
    }
    edge_driver_config c = { .device = "serial", .options = device, .tags = tags, .n_tags = 4, .clock = pt_clock_system() };
    void *dev = NULL, *quiet = NULL, *channel = NULL;
    uint32_t bad;
    pt_error err = { 0 };
    CHECK_OK_FATAL(d->open(&c, &dev, &bad, &err));
    c.options = silent;
    CHECK_OK_FATAL(d->open(&c, &quiet, &bad, &err));
    CHECK_STR(pt_cstr(d->channel(dev)), d->channel(quiet)); /* one line, one connection */
    CHECK_OK_FATAL(d->channel_new(dev, &channel));
    edge_driver_sink sink = { NULL, reading };
    bool answered = PT_WITHIN(5000, d->poll(dev, channel, 100, false, &sink, &err) == PT_OK);
    pt_check_at(answered, true, __FILE__, __LINE__, "poll: %s", err.text);
    CHECK(got[0].as.f32 == 50.0f && got[1].as.i64 == -5 && got[2].as.boolean && got[3].as.u64 == 0);
    spb_value v = { .type = SPB_UINT32, .as = { .u64 = 0x12345678 } };
    CHECK_OK(d->write(dev, channel, 3, &v, &err));
    v = (spb_value){ .type = SPB_BOOLEAN };
    CHECK_OK(d->write(dev, channel, 2, &v, &err));
    CHECK_OK(d->poll(dev, channel, 100, false, &sink, &err));
    CHECK(got[3].as.u64 == 0x12345678 && !got[2].as.boolean && map->tab_registers[20] == 0x1234);
    CHECK_STATUS(d->poll(quiet, channel, 100, true, &sink, &err), PT_ETIMEOUT);
    /* the other unit goes on; libmodbus' server takes what follows a request that was not for it for an answer, and has to find its feet */
    CHECK_WITHIN(5000, d->poll(dev, channel, 100, false, &sink, &err) == PT_OK);
    for (int i = 0; i < 4; i++)
        CHECK_INT(quality[i], SPB_GOOD);
    edge_driver_stats s;
    d->stats(quiet, &s);
    CHECK(s.timeouts == 1 && s.requests == 1);
    d->channel_free(channel);
    d->close(dev);
    d->close(quiet);
    stop = true;
    pthread_join(server, NULL);
    pthread_join(joiner, NULL);
    modbus_mapping_free(map);
    for (int i = 0; i < 2; i++) {
        close(masters[i]);
        close(slave[i]);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_real_plc_is_read_and_written),
        PT_TEST(an_exception_is_the_quality_of_its_tags_only),
        PT_TEST(units_behind_one_gateway_share_a_connection),
        PT_TEST(a_plc_that_does_not_answer_in_time_is_lost_and_the_edge_lives),
        PT_TEST(arrays_of_registers_and_bits_are_read_and_written_whole),
        PT_TEST(layouts_that_cannot_be_are_refused_with_the_reason),
        PT_TEST(a_serial_plc_is_read_and_written_and_a_silent_unit_times_out),
    };
    return pt_test_main("edge-node/driver_modbus", tests, PT_COUNT_OF(tests), argc, argv);
}
