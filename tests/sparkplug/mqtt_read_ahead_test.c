/* tests/sparkplug/mqtt_read_ahead_test.c -- reading a socket in large pieces looks like reading it in small ones.
 *
 * What is tested has no name of its own: the recv, poll and connect of this program are those of mqtt_read_ahead.c. How much was taken from
 * the kernel is seen from outside, by FIONREAD. */
#include "sparkplug/mqtt_internal.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection over loopback: ours was connected, as Paho's are. */
typedef struct link_ends {
    int ours, theirs;
} link_ends;

static link_ends link_up(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    link_ends l = { socket(AF_INET, SOCK_STREAM, 0), -1 };
    CHECK_FATAL(listener >= 0 && l.ours >= 0);
    CHECK_FATAL(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0);
    CHECK_FATAL(getsockname(listener, (struct sockaddr *)&a, &len) == 0);
    CHECK_FATAL(connect(l.ours, (struct sockaddr *)&a, sizeof a) == 0);
    l.theirs = accept(listener, NULL, NULL);
    CHECK_FATAL(l.theirs >= 0 && fcntl(l.ours, F_SETFL, O_NONBLOCK) == 0);
    close(listener);
    return l;
}

static int poll_one(int fd, short events, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = events };
    return poll(&p, 1, timeout_ms) == 1 ? p.revents : 0;
}

/* Say it and wait until the kernel has all of it on our side. */
static void say(link_ends l, const void *bytes, size_t n)
{
    int there = 0, before = 0;
    CHECK_FATAL(ioctl(l.ours, FIONREAD, &before) == 0);
    CHECK_FATAL(send(l.theirs, bytes, n, 0) == (ssize_t)n);
    for (int i = 0; i < 100000 && there < before + (int)n; i++)
        CHECK_FATAL(ioctl(l.ours, FIONREAD, &there) == 0);
    CHECK_FATAL(there == before + (int)n);
}

static int in_kernel(int fd)
{
    int n = -1;
    CHECK_FATAL(ioctl(fd, FIONREAD, &n) == 0);
    return n;
}

/* A thread of its own, as the state is the thread's. */
static void on_a_reader(void *(*f)(void *))
{
    pthread_t t;
    CHECK_FATAL(pthread_create(&t, NULL, f, NULL) == 0);
    pthread_join(t, NULL);
}

static void begin(void)
{
    struct pollfd none = { .fd = -1 };
    CHECK_INT(poll(&none, 1, 0), 0); /* the thread polls */
    spb__read_ahead();
    spb__read_ahead(); /* again: nothing */
}

static void *small_reads(void *arg)
{
    (void)arg;
    begin();
    link_ends l = link_up();
    char c, rest[8];
    say(l, "0123456789", 10);
    CHECK(recv(l.ours, &c, 1, 0) == 1 && c == '0');
    CHECK_INT(in_kernel(l.ours), 0);
    CHECK_INT(poll_one(l.ours, POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
    CHECK_INT(poll_one(l.ours, POLLIN, -1), POLLIN);
    CHECK(recv(l.ours, rest, 4, 0) == 4 && memcmp(rest, "1234", 4) == 0);
    say(l, "ab", 2); /* comes behind what is in hand */
    CHECK(recv(l.ours, rest, 8, MSG_PEEK) == 5 && memcmp(rest, "56789", 5) == 0);
    CHECK(recv(l.ours, rest, 8, 0) == 5 && memcmp(rest, "56789", 5) == 0);
    CHECK(recv(l.ours, rest, 8, 0) == 2 && memcmp(rest, "ab", 2) == 0);
    errno = 0;
    CHECK(recv(l.ours, rest, 8, 0) == -1 && errno == EAGAIN);
    CHECK_INT(poll_one(l.ours, POLLIN, 0), 0);
    close(l.ours), close(l.theirs);
    return NULL;
}
static void bytes_come_in_order_and_one_read_takes_all(void)
{
    on_a_reader(small_reads);
}

static void *end_of_stream(void *arg)
{
    (void)arg;
    begin();
    link_ends l = link_up();
    char c;
    say(l, "xy", 2);
    CHECK(recv(l.ours, &c, 1, 0) == 1 && c == 'x');
    close(l.theirs);
    CHECK(recv(l.ours, NULL, 0, 0) == 0); /* as Paho does before it closes */
    CHECK(recv(l.ours, &c, 1, 0) == 1 && c == 'y');
    CHECK(recv(l.ours, &c, 1, 0) == 0);
    close(l.ours);
    return NULL;
}
static void the_end_comes_after_the_last_byte(void)
{
    on_a_reader(end_of_stream);
}

static void *reuse(void *arg)
{
    (void)arg;
    begin();
    link_ends old = link_up();
    char c;
    say(old, "old", 3);
    CHECK(recv(old.ours, &c, 1, 0) == 1);
    close(old.ours), close(old.theirs);
    link_ends new = link_up();
    CHECK_INT(new.ours < old.ours ? new.ours : old.ours, old.ours); /* the number is used again */
    CHECK_INT(poll_one(new.ours, POLLIN, 0), 0);
    say(new, "new", 3);
    CHECK(recv(new.ours, &c, 1, 0) == 1 && c == 'n');
    close(new.ours), close(new.theirs);
    return NULL;
}
static void a_new_connection_never_sees_bytes_of_the_old_one(void)
{
    on_a_reader(reuse);
}

static void *two(void *arg)
{
    (void)arg;
    begin();
    link_ends busy = link_up(), other = link_up();
    char bytes[1000] = { 0 }, c;
    int polls = 0, seen = 0;
    say(busy, bytes, sizeof bytes);
    say(other, "o", 1);
    CHECK(recv(busy.ours, &c, 1, 0) == 1);
    while (!seen && polls < 1000) {
        struct pollfd set[2] = { { .fd = busy.ours, .events = POLLIN }, { .fd = other.ours, .events = POLLIN } };
        CHECK_FATAL(poll(set, 2, 1000) >= 1);
        CHECK_FATAL(set[0].revents == POLLIN);
        seen = set[1].revents;
        polls++;
    }
    CHECK_INT(seen, POLLIN);
    CHECK(polls > 100 && polls < 1000);
    close(busy.ours), close(busy.theirs), close(other.ours), close(other.theirs);
    return NULL;
}
static void a_busy_connection_does_not_starve_another(void)
{
    on_a_reader(two);
}

static void *many(void *arg)
{
    enum { N = 12 }; /* more than are read ahead at a time */
    (void)arg;
    begin();
    link_ends l[N];
    char c;
    for (int i = 0; i < N; i++) {
        l[i] = link_up();
        say(l[i], "abc", 3);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            CHECK(recv(l[i].ours, &c, 1, 0) == 1 && c == "abc"[round]);
    }
    for (int i = 0; i < N; i++)
        close(l[i].ours), close(l[i].theirs);
    return NULL;
}
static void more_connections_than_buffers_are_all_served(void)
{
    on_a_reader(many);
}

static void *big(void *arg)
{
    static char out[200000], in[200000];
    (void)arg;
    begin();
    link_ends l = link_up();
    size_t got = 0, sent = 0;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 2654435761u >> 13);
    CHECK_FATAL(fcntl(l.theirs, F_SETFL, O_NONBLOCK) == 0);
    for (unsigned turn = 0; got < sizeof in && turn < 1000000; turn++) { /* pieces of all sizes, also larger than the buffer */
        ssize_t n = sent < sizeof out ? send(l.theirs, out + sent, sizeof out - sent, MSG_NOSIGNAL) : 0;
        size_t want = turn % 3 == 0 ? 1 : turn % 3 == 1 ? 70000 : 777;
        if (n > 0) sent += (size_t)n;
        if (turn % 2) (void)poll_one(l.ours, POLLIN, 1000); /* often enough to gather */
        n = recv(l.ours, in + got, want < sizeof in - got ? want : sizeof in - got, 0);
        if (n > 0) got += (size_t)n;
    }
    CHECK(got == sizeof in && memcmp(in, out, sizeof in) == 0);
    close(l.ours), close(l.theirs);
    return NULL;
}
static void reads_of_all_sizes_give_the_same_bytes(void)
{
    on_a_reader(big);
}

static void *without_polling(void *arg)
{
    (void)arg;
    spb__read_ahead(); /* this thread never called poll() */
    link_ends l = link_up();
    char c;
    say(l, "abc", 3);
    CHECK(recv(l.ours, &c, 1, 0) == 1);
    CHECK_INT(in_kernel(l.ours), 2);
    close(l.ours), close(l.theirs);
    return NULL;
}
static void a_thread_that_does_not_poll_is_left_alone(void)
{
    on_a_reader(without_polling);
}

static void *not_connected(void *arg)
{
    int pair[2];
    char c;
    (void)arg;
    begin();
    CHECK_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_FATAL(dup2(pair[0], 700) == 700); /* a number that no connection of these tests had */
    CHECK(send(pair[1], "abc", 3, 0) == 3);
    CHECK(recv(700, &c, 1, 0) == 1 && c == 'a');
    CHECK_INT(in_kernel(700), 2);
    close(pair[0]), close(pair[1]), close(700);
    return NULL;
}
static void what_was_never_connected_is_left_alone(void)
{
    on_a_reader(not_connected);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(bytes_come_in_order_and_one_read_takes_all),       PT_TEST(the_end_comes_after_the_last_byte),
        PT_TEST(a_new_connection_never_sees_bytes_of_the_old_one), PT_TEST(a_busy_connection_does_not_starve_another),
        PT_TEST(more_connections_than_buffers_are_all_served),     PT_TEST(reads_of_all_sizes_give_the_same_bytes),
        PT_TEST(a_thread_that_does_not_poll_is_left_alone),        PT_TEST(what_was_never_connected_is_left_alone),
    };
    return pt_test_main("sparkplug/mqtt_read_ahead", tests, PT_COUNT_OF(tests), argc, argv);
}
