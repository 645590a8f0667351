/* sparkplug/mqtt_wake.c -- make Paho's receive thread look at a new socket at once.
 *
 * That thread polls the sockets it knew when it began to wait, for one second, and then sleeps for another 100 ms. A
 * new connection in a quiet process therefore takes 1.1 s. So one Paho client of the process is connected to ourselves:
 *
 *     keeper client --CONNECT--> 127.0.0.1, our end --CONNACK--> ... --PINGRESP--> wakes the thread
 *
 * A PINGRESP nobody asked for is taken and forgotten by Paho. The client also keeps Paho's threads alive (mqtt_paho.c).
 * Where there is no loopback everything works as before, only slower. */
#include "sparkplug/mqtt_internal.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEP_MS = 2000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static MQTTAsync keeper; /* lives as long as the process */
static int our_end = -1; /* the other end of its connection; written once */

static int listen_on_loopback(unsigned *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &len) == 0) {
        *port = ntohs(a.sin_port);
        return fd;
    }
    if (fd >= 0) close(fd);
    return -1;
}

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, STEP_MS) == 1;
}

/* The connection that says it is the keeper: anybody on this machine could have come first. */
static int accept_keeper(int listener, const char *id)
{
    static const char connack[4] = { 0x20, 0x02, 0x00, 0x00 };
    char connect[128];
    size_t n = 0, id_len = strlen(id);
    int fd = readable(listener) ? accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
    while (fd >= 0 && n < sizeof connect && readable(fd)) {
        ssize_t got = read(fd, connect + n, sizeof connect - n);
        if (got <= 0) break;
        n += (size_t)got;
        if (n >= id_len && memmem(connect, n, id, id_len)) {
            if (send(fd, connack, sizeof connack, MSG_NOSIGNAL) != sizeof connack) break;
            return fd;
        }
    }
    if (fd >= 0) close(fd);
    return -1;
}

static void init(void)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    char url[48], id[48];
    unsigned port = 1;
    int listener = listen_on_loopback(&port);
    pt_random r = pt_random_seed((uint64_t)pt_mono_us(pt_clock_system()) ^ (uint64_t)getpid() << 40);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", port);
    snprintf(id, sizeof id, "plantree-keeper-%016llx", (unsigned long long)pt_random_u64(&r));
    create.MQTTVersion = MQTTVERSION_3_1_1;
    if (MQTTAsync_createWithOptions(&keeper, url, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create) != MQTTASYNC_SUCCESS) {
        keeper = NULL;
    } else if (listener >= 0) {
        options.keepAliveInterval = 0; /* it is never pinged */
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.connectTimeout = 3 * STEP_MS / 1000;
        if (MQTTAsync_connect(keeper, &options) == MQTTASYNC_SUCCESS) our_end = accept_keeper(listener, id);
    }
    if (listener >= 0) close(listener);
}

void spb__wake_init(void)
{
    pthread_once(&once, init);
}

void spb__wake(void)
{
    static const char pingresp[2] = { (char)0xD0, 0x00 };
    if (our_end >= 0) (void)send(our_end, pingresp, sizeof pingresp, MSG_DONTWAIT | MSG_NOSIGNAL); /* full: it is awake anyway */
}
