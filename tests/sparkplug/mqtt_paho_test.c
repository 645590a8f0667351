/* tests/sparkplug/mqtt_paho_test.c -- what Paho is made to do, against a real mosquitto. */
#include "tests/sparkplug/mqtt_user.h"
#include "tests/support/broker.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void messages_of_any_size_pass_and_order_is_kept(void)
{
    enum { N = 2000 };
    pt_broker *b = pt_broker_start(NULL);
    user u;
    user_init(&u, pt_broker_url(b), "test/#");
    spb_mqtt_options o = user_options("bulk", 3);
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    size_t big = 3000000;
    char *payload = malloc(big);
    CHECK_FATAL(payload != NULL);
    memset(payload, 'x', big);
    CHECK_OK(spb_mqtt_publish(u.session, "test/big", pt_slice_of(payload, big), 0, false, NULL));
    CHECK_WITHIN_FATAL(10000, user_kept(&u, 1));
    CHECK_INT(u.kept[0].payload.len, big);
    free(payload);
    for (int i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        pt_status st;
        while ((st = spb_mqtt_publish(u.session, "test/n", pt_cstr(text), i % 2, false, NULL)) == PT_EFULL) {}
        CHECK_OK(st);
    }
    CHECK_WITHIN(20000, u.messages == N + 1 && u.sent_ok == N + 1);
    for (size_t i = 1; i < u.n_kept; i++) {
        char text[16];
        snprintf(text, sizeof text, "%zu", i - 1);
        CHECK_STR(u.kept[i].payload, text);
    }
    CHECK_STATUS(spb_mqtt_publish(u.session, "", PT_LIT("x"), 0, false, NULL), PT_EINVAL);
    CHECK_STATUS(spb_mqtt_publish(u.session, "t", PT_LIT("x"), 2, false, NULL), PT_EINVAL);
    CHECK_STATUS(spb_mqtt_publish(u.session, "t", pt_slice_of("", (size_t)1 << 30), 0, false, NULL), PT_ETOOBIG);
    user_end(&u);
    pt_broker_stop(b);
}

static void small_messages_do_not_wait_for_each_other(void)
{
    pt_broker *b = pt_broker_start(NULL);
    user u;
    int found = 0, set = 0;
    user_init(&u, pt_broker_url(b), "x");
    spb_mqtt_options o = user_options("nodelay", 3);
    user_start(&u, &o);
    CHECK_WITHIN_FATAL(5000, u.ready == 1);
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer, size = sizeof(int);
        int on = 0;
        if (getpeername(fd, (struct sockaddr *)&peer, &len) || peer.sin_family != AF_INET || ntohs(peer.sin_port) != pt_broker_port(b))
            continue;
        found++;
        set += getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on;
    }
    CHECK(found == 1 && set == 1);
    user_end(&u);
    pt_broker_stop(b);
}

/* More than the sockets between hold, so that the order is kept under back-pressure too. */
typedef struct flood {
    _Atomic uint32_t next, wrong;
} flood;

static void count_in_order(void *ctx, spb_mqtt_message *m)
{
    flood *f = ctx;
    uint32_t n = UINT32_MAX;
    if (m->payload.len == 4) memcpy(&n, m->payload.ptr, 4);
    if (n != atomic_fetch_add(&f->next, 1)) atomic_fetch_add(&f->wrong, 1);
    spb_mqtt_message_free(m);
}
static void ignore_lost(void *ctx, const char *reason)
{
    (void)ctx, (void)reason;
}
static void ignore_ready(void *ctx)
{
    (void)ctx;
}
static const char *flood_url;
static pt_status prepare_flood(void *ctx, spb_mqtt_connect *c)
{
    static const spb_mqtt_filter filter = { "flood/#", 0 };
    (void)ctx;
    *c = (spb_mqtt_connect){ .server = flood_url, .filters = &filter, .n_filters = 1 };
    return PT_OK;
}

static void a_flood_arrives_whole_and_in_order(void)
{
    enum { N = 40000 };
    pt_broker *b = pt_broker_start(NULL);
    flood f = { 0 };
    spb_mqtt_stats stats;
    spb_mqtt *s = NULL;
    const spb_mqtt_callbacks cb = { &f, prepare_flood, NULL, ignore_ready, ignore_lost, count_in_order, NULL };
    spb_mqtt_options o = user_options("flood", 3);
    o.send_max = N;
    flood_url = pt_broker_url(b);
    CHECK_OK_FATAL(spb_mqtt_new(&o, &cb, pt_clock_system(), &user_log, &s, NULL));
    CHECK_OK_FATAL(spb_mqtt_start(s));
    CHECK_WITHIN_FATAL(5000, (spb_mqtt_stats_get(s, &stats), stats.ready));
    for (uint32_t i = 0; i < N; i++)
        CHECK_OK(spb_mqtt_publish(s, "flood/x", pt_slice_of(&i, sizeof i), 0, false, NULL));
    CHECK_WITHIN(30000, f.next == N);
    CHECK_INT(f.wrong, 0);
    spb_mqtt_free(s);
    pt_broker_stop(b);
}

static void tls_verifies_the_server_against_a_private_authority(void)
{
    static const char script[] =
        "cd %s && exec >/dev/null 2>&1 && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=test-ca && "
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout srv.key -out srv.csr -subj /CN=127.0.0.1 && "
        "printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > ext && "
        "openssl x509 -req -in srv.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out srv.pem && "
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout cli.key -out cli.csr -subj /CN=client && "
        "openssl x509 -req -in cli.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cli.pem && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout other.key -out other.pem -subj /CN=other-ca";
    const char *dir = pt_test_dir();
    char command[2000], config[2400], url[64], mqtts[64], wss[64], ca[300], other[300], cert[300], key[300];
    int port = pt_free_port(), ws_port = pt_free_port();
    snprintf(command, sizeof command, script, dir);
    CHECK_FATAL(system(command) == 0);
    snprintf(config, sizeof config,
             "listener %d 127.0.0.1\ncafile %s/ca.pem\ncertfile %s/srv.pem\nkeyfile %s/srv.key\nrequire_certificate true\n"
             "listener %d 127.0.0.1\nprotocol websockets\ncafile %s/ca.pem\ncertfile %s/srv.pem\nkeyfile %s/srv.key",
             port, dir, dir, dir, ws_port, dir, dir, dir);
    pt_broker *b = pt_broker_start(config);
    snprintf(url, sizeof url, "ssl://127.0.0.1:%d", port);
    snprintf(mqtts, sizeof mqtts, "mqtts://127.0.0.1:%d", port);
    snprintf(wss, sizeof wss, "wss://127.0.0.1:%d/mqtt", ws_port);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    snprintf(other, sizeof other, "%s/other.pem", dir);
    snprintf(cert, sizeof cert, "%s/cli.pem", dir);
    snprintf(key, sizeof key, "%s/cli.key", dir);

    const struct {
        const char *what, *url, *ca, *cert, *key;
        bool insecure, works;
    } rows[] = {
        { "right authority and certificate", url, ca, cert, key, false, true },
        { "the same by another scheme", mqtts, ca, cert, key, false, true },
        { "another authority", url, other, cert, key, false, false },
        { "another authority, not verified", url, other, cert, key, true, true },
        { "no client certificate", url, ca, NULL, NULL, false, false },
        { "WebSocket over TLS", wss, ca, NULL, NULL, false, true },
        { "WebSocket over TLS, another authority", wss, other, NULL, NULL, false, false },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        user u;
        user_init(&u, rows[i].url, "test/#");
        spb_mqtt_options o = user_options("tls", 3 + 2 * (int)(i % 2));
        o.tls_ca = rows[i].ca;
        o.tls_cert = rows[i].cert;
        o.tls_key = rows[i].key;
        o.tls_insecure = rows[i].insecure;
        user_start(&u, &o);
        CHECK_ROW(rows[i].what, PT_WITHIN(8000, rows[i].works ? u.ready >= 1 : u.lost >= 1));
        CHECK_ROW(rows[i].what, rows[i].works == (u.ready >= 1));
        if (rows[i].works) {
            CHECK_OK(spb_mqtt_publish(u.session, "test/x", PT_LIT("over TLS"), 1, false, NULL));
            CHECK_WITHIN(5000, u.messages == 1 && u.sent_ok == 1);
        }
        user_end(&u);
    }
    pt_broker_stop(b);
}

static void websockets_carry_the_session(void)
{
    char config[200], url[64];
    int port = pt_free_port();
    snprintf(config, sizeof config, "listener %d 127.0.0.1\nprotocol websockets", port);
    pt_broker *b = pt_broker_start(config);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/mqtt", port);
    for (int version = 3; version <= 5; version += 2) {
        user u;
        user_init(&u, url, "test/#");
        spb_mqtt_options o = user_options("ws", version);
        user_start(&u, &o);
        CHECK_WITHIN_FATAL(8000, u.ready == 1);
        CHECK_OK(spb_mqtt_publish(u.session, "test/x", PT_LIT("over ws"), 1, false, NULL));
        CHECK_WITHIN(5000, u.messages == 1 && u.sent_ok == 1);
        user_end(&u);
    }
    pt_broker_stop(b);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(messages_of_any_size_pass_and_order_is_kept),
        PT_TEST(a_flood_arrives_whole_and_in_order),
        PT_TEST(small_messages_do_not_wait_for_each_other),
        PT_TEST(tls_verifies_the_server_against_a_private_authority),
        PT_TEST(websockets_carry_the_session),
    };
    return pt_test_main("sparkplug/mqtt_paho", tests, PT_COUNT_OF(tests), argc, argv);
}
