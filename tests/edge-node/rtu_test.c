/* The Modbus RTU driver against libmodbus' own RTU server, over two pseudo-terminals joined by a thread. */
#include "edge-node/driver.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

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

static void options_of(const edge_driver_key *keys, edge_option *out, const char *const *pairs)
{
    for (size_t i = 0; keys[i].key; i++) {
        const char *text = keys[i].def;
        for (size_t k = 0; pairs[k]; k += 2)
            if (strcmp(pairs[k], keys[i].key) == 0) text = pairs[k + 1];
        if (text) CHECK_OK_FATAL(edge_option_parse(&keys[i], text, &out[i], NULL));
    }
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
    edge_option device[12] = { 0 }, silent[12] = { 0 }, tag[4][6] = { 0 };
    const char *pairs[] = { "address", lines[0], "unit", "7", "timeout", "300ms", "baud", "115200", "parity", "none", NULL };
    options_of(d->device_keys, device, pairs);
    pairs[3] = "8";
    options_of(d->device_keys, silent, pairs);
    static const char *const regs[] = { "holding:10", "input:3", "coil:2", "holding:20" };
    static const spb_datatype types[] = { SPB_FLOAT, SPB_INT16, SPB_BOOLEAN, SPB_UINT32 };
    edge_driver_tag tags[4];
    for (int i = 0; i < 4; i++) {
        options_of(d->tag_keys, tag[i], (const char *const[]){ "register", regs[i], NULL });
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
    static const pt_test tests[] = { PT_TEST(a_serial_plc_is_read_and_written_and_a_silent_unit_times_out) };
    return pt_test_main("edge-node/rtu", tests, PT_COUNT_OF(tests), argc, argv);
}
