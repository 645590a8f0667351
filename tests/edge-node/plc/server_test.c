/* tests/edge-node/plc/server_test.c -- real sockets on a free loopback port, libmodbus as the client; plant time stands still unless a test
 * moves it. */
#include "edge-node/plc/server.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct world {
    pt_fake_clock clock;
    plc_server *server;
    pthread_t thread;
    int wake[2];
    atomic_bool stop;
    plc_server_stats stats; /* after world_end */
} world;

static void *turn_until_stopped(void *arg)
{
    world *w = arg;
    while (!atomic_load(&w->stop)) {
        if (plc_server_turn(w->server, w->wake[0], NULL) != PT_OK) break;
    }
    return NULL;
}

static void world_start(world *w, const char *faults)
{
    memset(w, 0, sizeof *w);
    pt_fake_clock_init(&w->clock, 1763848992000);
    plc_server_options o = { .host = "127.0.0.1", .unit = 1, .lines = 3, .seed = 1, .speed = 1, .scan_ms = 5, .clock = &w->clock.clock };
    if (faults) CHECK_OK_FATAL(plc_fault_parse(&o.faults, pt_cstr(faults), NULL));
    pt_error err = { 0 };
    CHECK_OK_FATAL(plc_server_open(&o, &w->server, &err));
    CHECK_FATAL(pipe(w->wake) == 0);
    CHECK_OK(plc_server_turn(w->server, w->wake[0], NULL)); /* first image */
    CHECK_FATAL(pthread_create(&w->thread, NULL, turn_until_stopped, w) == 0);
}

static void world_end(world *w)
{
    atomic_store(&w->stop, true);
    CHECK(write(w->wake[1], "x", 1) == 1);
    pthread_join(w->thread, NULL);
    plc_server_stats_get(w->server, &w->stats);
    plc_server_close(w->server);
    close(w->wake[0]);
    close(w->wake[1]);
}

static modbus_t *client(world *w, uint32_t timeout_ms)
{
    modbus_t *m = modbus_new_tcp("127.0.0.1", plc_server_port(w->server));
    CHECK_FATAL(m != NULL);
    modbus_set_slave(m, 1);
    modbus_set_response_timeout(m, timeout_ms / 1000, timeout_ms % 1000 * 1000);
    CHECK_FATAL(modbus_connect(m) == 0);
    return m;
}

static void hang_up(modbus_t *m)
{
    modbus_close(m);
    modbus_free(m);
}

static float read_float(modbus_t *m, int at)
{
    uint16_t regs[2] = { 0 };
    plc_value v;
    CHECK_INT(modbus_read_registers(m, at, 2, regs), 2);
    plc_decode(&plc_points[PLC_LEVEL_SP], regs, &v); /* libmodbus 3.1.6's own float helpers swap the bytes in words */
    return (float)v.f;
}

static void many_clients_read_and_write_one_line(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m[20];
    for (size_t i = 0; i < PT_COUNT_OF(m); i++)
        m[i] = client(&w, 5000);
    uint16_t regs[2];
    plc_encode(&plc_points[PLC_LEVEL_SP], &(plc_value){ .f = 3.25 }, regs);
    CHECK_INT(modbus_write_registers(m[0], 2, 2, regs), 2);
    for (size_t i = 0; i < PT_COUNT_OF(m); i++)
        CHECK(read_float(m[i], 2) == 3.25f);
    CHECK_INT(modbus_write_bit(m[1], 0, 0), 1);
    uint8_t bits[16];
    CHECK_INT(modbus_read_bits(m[2], 0, 16, bits), 16);
    CHECK_INT(bits[0], 0);
    CHECK_INT(bits[1], 1);
    CHECK_INT(modbus_read_input_bits(m[2], 0, 16, bits), 16);
    CHECK_INT(modbus_write_bit(m[3], 4, 1), 1); /* a pulse is never seen set */
    CHECK_INT(modbus_read_bits(m[2], 4, 1, bits), 1);
    CHECK_INT(bits[0], 0);
    uint16_t id[10];
    CHECK_INT(modbus_read_input_registers(m[4], 40, 10, id), 10);
    CHECK_INT(id[0], 'L' << 8 | '1');
    uint16_t in[64];
    CHECK_INT(modbus_write_and_read_registers(m[5], 2, 2, regs, 0, 64, in), 64);
    for (size_t i = 0; i < PT_COUNT_OF(m); i++)
        hang_up(m[i]);
    world_end(&w);
    CHECK_INT(w.stats.accepted, 20);
    CHECK_INT(w.stats.exceptions, 0);
}

static void the_plant_moves_with_the_clock(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m = client(&w, 5000);
    uint16_t regs[2];
    plc_encode(&plc_points[PLC_LEVEL_SP], &(plc_value){ .f = 4 }, regs);
    CHECK_INT(modbus_write_registers(m, 2, 2, regs), 2);
    CHECK(read_float(m, 0) < 2.6f);
    bool reached = false;
    for (int i = 0; i < 2000 && !reached; i++) {
        pt_fake_clock_advance(&w.clock, 100);
        reached = read_float(m, 0) > 3.9f;
    }
    CHECK(reached);
    hang_up(m);
    world_end(&w);
    CHECK(w.stats.steps > 100);
}

static void wrong_requests_get_their_exception_and_the_connection_lives(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m = client(&w, 5000);
    uint16_t regs[2] = { 0x40c0, 0 }; /* 6.0 */
    CHECK_INT(modbus_write_registers(m, 2, 2, regs), -1);
    CHECK_INT(errno, EMBXILVAL);
    CHECK_INT(modbus_write_register(m, 0, 1), -1);
    CHECK_INT(errno, EMBXILADD);
    CHECK_INT(modbus_read_registers(m, 63, 2, regs), -1);
    CHECK_INT(errno, EMBXILADD);
    modbus_set_slave(m, 4); /* units 1, 2 and 3 are there */
    CHECK_INT(modbus_read_registers(m, 0, 2, regs), -1);
    CHECK_INT(errno, EMBXGTAR);
    modbus_set_slave(m, 1);
    CHECK(read_float(m, 2) == 2.5f);
    hang_up(m);
    world_end(&w);
    CHECK_INT(w.stats.exceptions, 4);
}

static void each_unit_is_a_line_of_its_own(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m = client(&w, 5000);
    uint16_t regs[2];
    plc_encode(&plc_points[PLC_LEVEL_SP], &(plc_value){ .f = 1.5 }, regs);
    modbus_set_slave(m, 3);
    CHECK_INT(modbus_write_registers(m, 2, 2, regs), 2);
    CHECK(read_float(m, 2) == 1.5f);
    modbus_set_slave(m, 1);
    CHECK(read_float(m, 2) == 2.5f);
    modbus_set_slave(m, 255);
    CHECK(read_float(m, 2) == 2.5f);
    hang_up(m);
    world_end(&w);
}

static int raw_connect(world *w)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(plc_server_port(w->server)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    CHECK_FATAL(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    struct timeval t = { .tv_sec = 5 };
    CHECK_FATAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
    return fd;
}

static void pieces_and_runs_of_requests_are_answered_in_order(void)
{
    world w;
    world_start(&w, NULL);
    int fd = raw_connect(&w);
    char hex[256];
    pt_slice two = pt_unhex("0001 0000 0006 01 03 0002 0001   0002 0000 0006 01 03 0003 0001", hex, sizeof hex);
    int on = 1;
    CHECK(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on) == 0);
    for (size_t i = 0; i < 14; i++)
        CHECK(send(fd, two.ptr + i, 1, 0) == 1); /* one and a bit, byte by byte */
    CHECK(send(fd, two.ptr + 14, two.len - 14, 0) == (ssize_t)(two.len - 14));
    char got[64];
    size_t have = 0;
    while (have < 22) {
        ssize_t n = recv(fd, got + have, sizeof got - have, 0);
        CHECK_FATAL(n > 0);
        have += (size_t)n;
    }
    CHECK_HEX(pt_slice_of(got, have), "0001 0000 0005 01 03 02 4020  0002 0000 0005 01 03 02 0000");
    close(fd);
    world_end(&w);
}

static void a_peer_that_does_not_speak_modbus_is_closed_and_others_are_not(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m = client(&w, 5000);
    static const char *const bad[] = { "GET / HTTP/1.1\r\n\r\n", "\0\1\0\0\0\0\1\3", "\0\1\0\0\xff\xff\1\3" };
    static const size_t len[] = { 18, 8, 8 };
    for (size_t i = 0; i < PT_COUNT_OF(bad); i++) {
        int fd = raw_connect(&w);
        CHECK(send(fd, bad[i], len[i], 0) == (ssize_t)len[i]);
        char c;
        CHECK(recv(fd, &c, 1, 0) <= 0); /* closed, not timed out */
        CHECK(errno != EAGAIN);
        errno = 0;
        close(fd);
    }
    int silent = raw_connect(&w); /* half a request and then nothing: holds up nobody */
    CHECK(send(silent, "\0\1\0", 3, 0) == 3);
    CHECK(read_float(m, 2) == 2.5f);
    close(silent);
    hang_up(m);
    world_end(&w);
    CHECK_INT(w.stats.broken, 3);
}

static void the_connection_idle_longest_makes_room(void)
{
    world w;
    world_start(&w, NULL);
    modbus_t *m[PLC_CONNECTIONS_MAX];
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++) {
        m[i] = client(&w, 5000);
        pt_fake_clock_advance(&w.clock, 1);
        CHECK(read_float(m[i], 2) == 2.5f);
    }
    modbus_t *one_more = client(&w, 5000);
    CHECK(read_float(one_more, 2) == 2.5f);
    uint16_t regs[2];
    CHECK_INT(modbus_read_registers(m[0], 2, 2, regs), -1);
    CHECK(read_float(m[1], 2) == 2.5f);
    hang_up(one_more);
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++)
        hang_up(m[i]);
    world_end(&w);
    CHECK_INT(w.stats.evicted, 1);
}

static void faults_delay_drop_and_answer_exceptions(void)
{
    world w;
    world_start(&w, "exception=4@holding:8,drop-every=3");
    modbus_t *m = client(&w, 100);
    uint16_t regs[2];
    CHECK_INT(modbus_read_registers(m, 8, 2, regs), -1);
    CHECK_INT(errno, EMBXSFAIL);
    CHECK_INT(modbus_read_registers(m, 2, 2, regs), 2);
    CHECK_INT(modbus_read_registers(m, 2, 2, regs), -1); /* the third */
    CHECK_INT(errno, ETIMEDOUT);
    hang_up(m);
    world_end(&w);
    CHECK_INT(w.stats.dropped, 1);

    world_start(&w, "delay=50");
    m = client(&w, 5000);
    int fd = raw_connect(&w);
    char hex[64], got[64];
    pt_slice request = pt_unhex("0001 0000 0006 01 03 0002 0001", hex, sizeof hex);
    CHECK(send(fd, request.ptr, request.len, 0) == (ssize_t)request.len);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    CHECK_INT(poll(&p, 1, 30), 0); /* the fake clock stands still: nothing may come */
    bool came = false;
    for (int i = 0; i < 200 && !came; i++) {
        pt_fake_clock_advance(&w.clock, 10);
        came = poll(&p, 1, 10) == 1;
    }
    CHECK(came);
    CHECK(recv(fd, got, sizeof got, 0) == 11);
    close(fd);
    hang_up(m);
    world_end(&w);
}

static void a_port_in_use_is_said(void)
{
    world w;
    world_start(&w, NULL);
    plc_server_options o = {
        .host = "127.0.0.1", .port = plc_server_port(w.server), .unit = 1, .lines = 1, .speed = 1, .scan_ms = 5, .clock = &w.clock.clock
    };
    plc_server *second = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(plc_server_open(&o, &second, &err), PT_EBUSY);
    CHECK(strstr(err.text, "cannot listen on 127.0.0.1:") != NULL);
    o.host = "no.such.host.invalid";
    CHECK_STATUS(plc_server_open(&o, &second, &err), PT_EIO);
    world_end(&w);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(many_clients_read_and_write_one_line),
        PT_TEST(the_plant_moves_with_the_clock),
        PT_TEST(wrong_requests_get_their_exception_and_the_connection_lives),
        PT_TEST(each_unit_is_a_line_of_its_own),
        PT_TEST(pieces_and_runs_of_requests_are_answered_in_order),
        PT_TEST(a_peer_that_does_not_speak_modbus_is_closed_and_others_are_not),
        PT_TEST(the_connection_idle_longest_makes_room),
        PT_TEST(faults_delay_drop_and_answer_exceptions),
        PT_TEST(a_port_in_use_is_said),
    };
    return pt_test_main("plc/server", tests, PT_COUNT_OF(tests), argc, argv);
}
