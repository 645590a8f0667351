/* What the host says first on a connection, byte by byte: a server of our own takes its CONNECT, SUBSCRIBE and first PUBLISH apart. */
#include "host/session/session.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct packet {
    uint8_t type, flags;
    unsigned char *body;
    size_t len;
} packet;

/* One MQTT packet; fatal when none comes within ten seconds. */
static packet read_packet(int fd)
{
    packet p = { 0 };
    unsigned char b;
    unsigned shift = 0;
    CHECK_FATAL(recv(fd, &b, 1, 0) == 1);
    p.type = b >> 4;
    p.flags = b & 15;
    do {
        CHECK_FATAL(recv(fd, &b, 1, 0) == 1);
        p.len |= (size_t)(b & 127) << shift;
        shift += 7;
    } while (b & 128);
    p.body = malloc(p.len + 1);
    for (size_t at = 0; at < p.len;) {
        ssize_t n = recv(fd, p.body + at, p.len - at, 0);
        CHECK_FATAL(n > 0);
        at += (size_t)n;
    }
    return p;
}

static pt_slice text_at(const packet *p, size_t *at)
{
    CHECK_FATAL(*at + 2 <= p->len);
    size_t n = (size_t)p->body[*at] << 8 | p->body[*at + 1];
    CHECK_FATAL(*at + 2 + n <= p->len);
    pt_slice s = pt_slice_of(p->body + *at + 2, n);
    *at += 2 + n;
    return s;
}

static bool quiet(int fd)
{
    struct timeval tv = { 0, 150000 };
    unsigned char b;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    bool nothing = recv(fd, &b, 1, MSG_PEEK) < 0;
    tv.tv_sec = 10;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    return nothing;
}

typedef struct bench {
    uns_tree *tree;
    hist *history;
    host_ingest *ingest;
    host_session *session;
    pthread_t ticker;
    _Atomic bool stop;
} bench;

static void *tick(void *arg)
{
    bench *b = arg;
    while (!b->stop) {
        host_session_tick(b->session);
        nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    }
    return NULL;
}

static void conversation(int version)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    struct timeval tv = { 10, 0 };
    CHECK_FATAL(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0);
    CHECK_FATAL(getsockname(listener, (struct sockaddr *)&a, &len) == 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);

    char url[64], dir[600];
    static unsigned n;
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", ntohs(a.sin_port));
    snprintf(dir, sizeof dir, "%s/h%u", pt_test_dir(), n++);
    bench b = { 0 };
    hist_options ho;
    hist_options_init(&ho);
    ho.dir = dir;
    host_ingest_options io;
    host_ingest_options_init(&io);
    host_outputs out = { 0 };
    CHECK_OK_FATAL(hist_open(&ho, pt_clock_system(), NULL, &b.history, NULL));
    CHECK_OK_FATAL(uns_tree_new(&b.tree));
    CHECK_OK_FATAL(host_ingest_new(&io, b.tree, b.history, &out, pt_clock_system(), NULL, &b.ingest));
    CHECK_OK_FATAL(host_ingest_start(b.ingest));
    host_session_options so = { .server = url, .host_id = "stage", .publish_state = true };
    spb_mqtt_options_init(&so.mqtt);
    so.mqtt.client_id = "host-under-test";
    so.mqtt.version = version;
    CHECK_OK_FATAL(host_session_new(&so, b.ingest, NULL, pt_clock_system(), NULL, &b.session, NULL));
    CHECK_OK_FATAL(host_session_start(b.session));
    CHECK_FATAL(pthread_create(&b.ticker, NULL, tick, &b) == 0);

    int fd = accept(listener, NULL, NULL);
    CHECK_FATAL(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);

    /* CONNECT: clean, and with a retained QoS 1 Will */
    packet c = read_packet(fd);
    CHECK_INT(c.type, 1);
    size_t at = 0;
    CHECK_STR(text_at(&c, &at), "MQTT");
    CHECK_INT(c.body[at], version == 5 ? 5 : 4);
    unsigned flags = c.body[at + 1];
    CHECK(flags & 0x02);            /* tck-id-message-flow-phid-sparkplug-clean-session-311, -50 */
    CHECK(flags & 0x04);            /* tck-id-operational-behavior-host-application-connect-will */
    CHECK_INT((flags >> 3) & 3, 1); /* -connect-will-qos */
    CHECK(flags & 0x20);            /* -connect-will-retained */
    at += 4;
    if (version == 5) { /* Session Expiry Interval absent or 0 */
        size_t props = c.body[at++], end = at + props;
        while (at < end) {
            if (c.body[at] == 0x11) {
                CHECK(c.body[at + 1] == 0 && c.body[at + 2] == 0 && c.body[at + 3] == 0 && c.body[at + 4] == 0);
                at += 5;
            } else {
                CHECK(c.body[at] == 0x21 || c.body[at] == 0x22); /* receive maximum, topic alias maximum */
                at += 3;
            }
        }
    }
    CHECK_STR(text_at(&c, &at), "host-under-test");
    if (version == 5) at += 1u + c.body[at];            /* will properties */
    CHECK_STR(text_at(&c, &at), "spBv1.0/STATE/stage"); /* -connect-will-topic */
    pt_slice will = text_at(&c, &at);
    spb_state dead;
    CHECK_OK_FATAL(spb_state_parse(will, &dead, NULL)); /* -connect-will-payload */
    CHECK(!dead.online);
    int64_t now = pt_wall_ms(pt_clock_system());
    CHECK(dead.timestamp_ms <= (uint64_t)now &&
          dead.timestamp_ms + 10000 > (uint64_t)now); /* tck-id-host-topic-phid-death-payload-timestamp-connect */
    static const unsigned char connack4[] = { 0x20, 2, 0, 0 }, connack5[] = { 0x20, 3, 0, 0, 0 };
    CHECK(version == 5 ? send(fd, connack5, 5, 0) == 5 : send(fd, connack4, 4, 0) == 4);

    /* SUBSCRIBE with the two literal filters, and nothing published before it is granted */
    bool all = false, own = false;
    unsigned granted = 0;
    while (!all || !own) {
        packet s = read_packet(fd);
        CHECK_FATAL(s.type == 8);
        size_t p = 2;
        if (version == 5) p += 1u + s.body[p];
        unsigned filters = 0;
        while (p < s.len) {
            pt_slice f = text_at(&s, &p);
            p++;
            filters++;
            all = all || pt_slice_eq_cstr(f, "spBv1.0/#");
            own = own || pt_slice_eq_cstr(f, "spBv1.0/STATE/stage"); /* tck-id-payloads-state-subscribe */
        }
        CHECK(quiet(fd)); /* tck-id-message-flow-phid-sparkplug-subscription: before publishing its own STATE message */
        unsigned char suback[16] = { 0x90, (unsigned char)((version == 5 ? 3 : 2) + filters), s.body[0], s.body[1] };
        size_t m = 4;
        if (version == 5) suback[m++] = 0;
        for (unsigned i = 0; i < filters; i++)
            suback[m++] = 1;
        CHECK(send(fd, suback, m, 0) == (ssize_t)m);
        granted += filters;
        free(s.body);
    }
    CHECK_INT(granted, 2);

    /* the first PUBLISH is the birth: QoS 1, retained, with the Will's timestamp; nothing else until it is acknowledged */
    packet p = read_packet(fd);
    CHECK_INT(p.type, 3);
    CHECK_INT((p.flags >> 1) & 3, 1); /* tck-id-host-topic-phid-birth-qos */
    CHECK(p.flags & 1);               /* -birth-retain */
    at = 0;
    CHECK_STR(text_at(&p, &at), "spBv1.0/STATE/stage"); /* -birth-topic */
    unsigned char puback[] = { 0x40, 2, p.body[at], p.body[at + 1] };
    at += 2;
    if (version == 5) at += 1u + p.body[at];
    char want[80];
    snprintf(want, sizeof want, "{\"online\":true,\"timestamp\":%llu}", (unsigned long long)dead.timestamp_ms);
    CHECK_STR(pt_slice_of(p.body + at, p.len - at), want); /* -birth-payload, -birth-payload-timestamp */
    CHECK_STATUS(host_session_command(b.session, PT_LIT("spBv1.0/g/NCMD/e"), PT_LIT("x")), PT_ESTATE);
    CHECK(send(fd, puback, 4, 0) == 4);
    CHECK_WITHIN(5000, host_session_command(b.session, PT_LIT("spBv1.0/g/NCMD/e"), PT_LIT("x")) == PT_OK);
    packet cmd = read_packet(fd);
    CHECK_INT(cmd.type, 3);
    CHECK_INT(cmd.flags, 0); /* tck-id-payloads-ncmd-qos, -retain */

    b.stop = true;
    pthread_join(b.ticker, NULL);
    close(fd);
    close(listener);
    host_session_stop(b.session, 100);
    host_ingest_stop(b.ingest);
    host_session_free(b.session);
    host_ingest_free(b.ingest);
    uns_tree_free(b.tree);
    CHECK_OK(hist_close(b.history, 5000, NULL));
    free(c.body);
    free(p.body);
    free(cmd.body);
}

static void a_connection_over_mqtt_3_1_1_begins_as_the_specification_says(void)
{
    conversation(3);
}

static void a_connection_over_mqtt_5_begins_as_the_specification_says(void)
{
    conversation(5);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_connection_over_mqtt_3_1_1_begins_as_the_specification_says),
        PT_TEST(a_connection_over_mqtt_5_begins_as_the_specification_says),
    };
    return pt_test_main("host/connect", tests, PT_COUNT_OF(tests), argc, argv);
}
