/* tests/sparkplug/mqtt_wake_test.c -- the connection to ourselves that wakes Paho's receive thread. */
#include "sparkplug/mqtt_internal.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of the keeper's connection are ours: sockets of this process whose peers are sockets of this process. */
static int own_pairs(int ends[16])
{
    struct sockaddr_in name[64] = { 0 }, peer[64] = { 0 };
    int n = 0;
    for (int fd = 3; fd < 64; fd++) {
        socklen_t a = sizeof name[fd], b = sizeof peer[fd];
        if (getsockname(fd, (struct sockaddr *)&name[fd], &a) != 0 || getpeername(fd, (struct sockaddr *)&peer[fd], &b) != 0)
            name[fd].sin_port = 0;
    }
    for (int fd = 3; fd < 64; fd++) {
        for (int other = 3; name[fd].sin_port && other < 64; other++) {
            if (other == fd || name[other].sin_port != peer[fd].sin_port || peer[other].sin_port != name[fd].sin_port) continue;
            if (n < 16) ends[n++] = fd;
        }
    }
    return n;
}

/* Bytes that were sent to the receive thread and not yet read by it. */
static int unread(const int *ends, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        int waiting = 0;
        if (ioctl(ends[i], FIONREAD, &waiting) == 0) sum += waiting;
    }
    return sum;
}

static void the_keeper_is_connected_to_ourselves_and_reads_what_wakes_it(void)
{
    int ends[16];
    spb__wake(); /* before there is a keeper: nothing */
    spb__wake_init();
    spb__wake_init();
    CHECK_FATAL(PT_WITHIN(5000, own_pairs(ends) == 2));
    for (int i = 0; i < 100; i++)
        spb__wake();
    CHECK_WITHIN(10000, unread(ends, 2) == 0);
    CHECK_INT(own_pairs(ends), 2); /* it took them for what they are and stays connected */
}

static void a_full_socket_blocks_nobody(void)
{
    int ends[16];
    CHECK_FATAL(own_pairs(ends) == 2);
    for (int i = 0; i < 2; i++) { /* as small as they get, so that they are full soon */
        int least = 1;
        CHECK(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0 &&
              setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0);
    }
    for (int i = 0; i < 20000; i++)
        spb__wake();
    CHECK_WITHIN(60000, unread(ends, 2) == 0);
    CHECK_INT(own_pairs(ends), 2);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(the_keeper_is_connected_to_ourselves_and_reads_what_wakes_it),
        PT_TEST(a_full_socket_blocks_nobody),
    };
    return pt_test_main("sparkplug/mqtt_wake", tests, PT_COUNT_OF(tests), argc, argv);
}
