/* edge-node/plc/server.c
 *
 * A connection:  READING --whole request--> (delay?) WAITING --due--> answered --> READING
 * While WAITING it is not read from, so its answers keep their order. Bytes of the next requests stay in `buf`. */
#include "edge-node/plc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MBAP                     7u    /* header bytes before the PDU: transaction, protocol, length, unit */
#define BUFFER                   1024u /* bytes of requests that may wait in one connection */
#define UNSENT_MAX               8192  /* bytes a peer may leave unread before it is dropped */
#define BEHIND_MAX_S             10.0  /* real seconds; after a longer pause (suspend) the plant does not catch up */
#define EXCEPTION_GATEWAY_TARGET 11u

typedef struct connection {
    int fd;          /* -1: free place */
    bool waiting;    /* a whole request is at the start of buf, to be answered at due_us */
    int64_t due_us;  /* monotonic */
    int64_t last_us; /* of the last byte received */
    size_t have;
    uint8_t buf[BUFFER];
} connection;

struct plc_server {
    plc_server_options o;
    int listen_fd;
    char address[64]; /* numeric */
    uint16_t port;
    modbus_t *modbus; /* owned; its socket is set to the connection that is being answered */
    struct plc_station {
        plc_line line;
        plc_image image;
    } * stations;     /* owned, o.lines of them */
    int64_t start_us; /* monotonic: where plant time 0 lies */
    int64_t next_scan_us;
    plc_server_stats stats;
    connection conn[PLC_CONNECTIONS_MAX];
};

static pt_status listen_on(plc_server *s, pt_error *err)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", s->o.port);
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(s->o.host, port, &hints, &list);
    if (rc != 0) return pt_fail(err, PT_EIO, "cannot resolve '%s': %s", s->o.host, gai_strerror(rc));
    int last = 0;
    for (struct addrinfo *a = list; a && s->listen_fd < 0; a = a->ai_next) {
        int on = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
            listen(fd, 64) != 0) {
            last = errno;
            if (fd >= 0) (void)close(fd);
            continue;
        }
        s->listen_fd = fd;
    }
    freeaddrinfo(list);
    if (s->listen_fd < 0)
        return pt_fail(err, last == EADDRINUSE ? PT_EBUSY : PT_EIO, "cannot listen on %s:%u: %s", s->o.host, s->o.port,
                       pt_errno_text(last));
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (getsockname(s->listen_fd, (struct sockaddr *)&bound, &len) != 0 ||
        getnameinfo((struct sockaddr *)&bound, len, s->address, sizeof s->address, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return pt_fail(err, PT_EIO, "cannot tell the address listened on");
    uint64_t number = 0;
    (void)pt_slice_to_u64(pt_cstr(port), &number);
    s->port = (uint16_t)number;
    return PT_OK;
}

pt_status plc_server_open(const plc_server_options *options, plc_server **out, pt_error *err)
{
    plc_server *s = calloc(1, sizeof *s);
    if (!s) return pt_fail(err, PT_ENOMEM, "out of memory");
    s->o = *options;
    s->listen_fd = -1;
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++)
        s->conn[i].fd = -1;
    pt_status st = PT_ENOMEM;
    s->stations = calloc(s->o.lines, sizeof *s->stations);
    if (!s->stations) {
        st = pt_fail(err, PT_ENOMEM, "out of memory");
        goto fail;
    }
    if ((st = listen_on(s, err)) != PT_OK) goto fail;
    s->modbus = modbus_new_tcp("127.0.0.1", 0);
    if (!s->modbus) {
        st = pt_fail(err, PT_ENOMEM, "libmodbus: %s", modbus_strerror(errno));
        goto fail;
    }
    /* libmodbus waits this long before an exception about a malformed request; ours never are, and nothing here may wait. */
    if (modbus_set_response_timeout(s->modbus, 0, 1) != 0) {
        st = pt_fail(err, PT_EINVAL, "libmodbus: %s", modbus_strerror(errno));
        goto fail;
    }
    for (unsigned i = 0; i < s->o.lines; i++)
        plc_line_init(&s->stations[i].line, s->o.seed + i);
    s->start_us = s->next_scan_us = pt_mono_us(s->o.clock);
    *out = s;
    return PT_OK;
fail:
    plc_server_close(s);
    return st;
}

uint16_t plc_server_port(const plc_server *s)
{
    return s->port;
}

const char *plc_server_address(const plc_server *s)
{
    return s->address;
}

bool plc_server_toggle_faults(plc_server *s)
{
    plc_faults *f = &s->o.faults;
    bool any = f->delay_ms || f->exceptions || f->drop_every || f->close_every;
    f->on = any && !f->on;
    return f->on;
}

void plc_server_stats_get(const plc_server *s, plc_server_stats *out)
{
    *out = s->stats;
    out->connections = 0;
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++)
        out->connections += s->conn[i].fd >= 0;
}

static void drop(plc_server *s, connection *c, const char *why)
{
    pt_logf(s->o.log, PT_LOG_DEBUG, "PLC-CLOSE", "connection %d: %s", (int)(c - s->conn), why);
    (void)close(c->fd);
    c->fd = -1;
    c->have = 0;
    c->waiting = false;
}

static void accept_all(plc_server *s, int64_t now_us)
{
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                pt_logf(s->o.log, PT_LOG_WARN, "PLC-ACCEPT", "accept: %s", pt_errno_text(errno));
            return;
        }
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* answers are small; without it they only come later */
        connection *place = NULL, *idle = &s->conn[0];
        for (unsigned i = 0; i < PLC_CONNECTIONS_MAX && !place; i++) {
            if (s->conn[i].fd < 0) place = &s->conn[i];
            else if (s->conn[i].last_us < idle->last_us) idle = &s->conn[i];
        }
        if (!place) {
            pt_logf(s->o.log, PT_LOG_WARN, "PLC-EVICT", "all %u connections taken, the one idle longest is closed", PLC_CONNECTIONS_MAX);
            drop(s, idle, "evicted");
            s->stats.evicted++;
            place = idle;
        }
        place->fd = fd;
        place->last_us = now_us;
        place->have = 0;
        place->waiting = false;
        s->stats.accepted++;
    }
}

/* Length of the request at the start of the buffer: 0 not yet whole, SIZE_MAX not Modbus. */
static size_t frame_length(const connection *c)
{
    if (c->have < MBAP) return 0;
    size_t rest = (size_t)c->buf[4] << 8 | c->buf[5];
    if (c->buf[2] != 0 || c->buf[3] != 0 || rest < 2 || rest > MODBUS_TCP_MAX_ADU_LENGTH - 6) return SIZE_MAX;
    return c->have >= 6 + rest ? 6 + rest : 0;
}

/* Renew the tables of one line; its changes go into the ledger. */
static pt_status refresh(plc_server *s, unsigned n)
{
    unsigned unit = s->o.lines > 1 ? s->o.unit + n : 0; /* named in the ledger only when there are several */
    return plc_image_refresh(&s->stations[n].image, &s->stations[n].line, s->o.ledger, unit, pt_wall_ms(s->o.clock));
}

/* Answer the whole request at the start of the buffer. false: the connection is gone. */
static bool answer(plc_server *s, connection *c, size_t len, pt_status *ledger_status)
{
    int unsent = 0;
    if (ioctl(c->fd, SIOCOUTQ, &unsent) == 0 && unsent > UNSENT_MAX) {
        s->stats.broken++;
        drop(s, c, "does not read its answers");
        return false;
    }
    plc_request r = { 0 };
    unsigned unit = c->buf[6], n = unit == 0 || unit == 255 ? 0 : unit - s->o.unit; /* wraps around for a unit below the first */
    unsigned exception = plc_request_parse(c->buf + MBAP, len - MBAP, &r);
    if (n >= s->o.lines) {
        exception = EXCEPTION_GATEWAY_TARGET;
        n = 0;
    }
    plc_image *im = &s->stations[n].image;
    if (!exception) exception = plc_fault_exception(&s->o.faults, &r);
    if (!exception) exception = plc_request_apply(&r, im, &s->stations[n].line);
    if (!exception && r.writes) {
        *ledger_status = refresh(s, n);
        pt_logf(s->o.log, PT_LOG_INFO, "PLC-WRITE", "function %u wrote %s:%u, %u places", r.function, plc_space_name(r.write_space),
                r.write_at, r.write_count);
    }
    int sent;
    if (modbus_set_socket(s->modbus, c->fd) != 0) {
        sent = -1;
    } else if (exception) {
        s->stats.exceptions++;
        sent = modbus_reply_exception(s->modbus, c->buf, exception);
    } else {
        modbus_mapping_t map = { .nb_bits = PLC_BIT_SPACE_SIZE,
                                 .tab_bits = im->coils,
                                 .nb_input_bits = PLC_BIT_SPACE_SIZE,
                                 .tab_input_bits = im->discretes,
                                 .nb_registers = PLC_SPACE_SIZE,
                                 .tab_registers = im->holdings,
                                 .nb_input_registers = PLC_SPACE_SIZE,
                                 .tab_input_registers = im->inputs };
        int64_t given_ms = pt_wall_ms(s->o.clock); /* before the client can have it */
        sent = modbus_reply(s->modbus, c->buf, (int)len, &map);
        /* libmodbus has put the written words into the tables; pulses fall back and the controller's own outputs stand. */
        if (r.writes && *ledger_status == PT_OK) *ledger_status = refresh(s, n);
        if (sent >= 0 && r.reads && s->o.ledger && s->o.record_reads && *ledger_status == PT_OK)
            *ledger_status =
                plc_ledger_read(s->o.ledger, s->o.lines > 1 ? s->o.unit + n : 0, given_ms, r.read_space, r.read_at, r.read_count);
    }
    if (sent < 0) {
        s->stats.broken++;
        drop(s, c, "answer not sent");
        return false;
    }
    return true;
}

/* Everything whole in the buffer, as far as delays allow. */
static pt_status serve(plc_server *s, connection *c, int64_t now_us)
{
    pt_status st = PT_OK;
    while (st == PT_OK && c->fd >= 0) {
        size_t len = frame_length(c);
        if (len == 0) return PT_OK;
        if (len == SIZE_MAX) {
            s->stats.broken++;
            drop(s, c, "not Modbus TCP");
            return PT_OK;
        }
        if (c->waiting && now_us < c->due_us) return PT_OK;
        if (!c->waiting) {
            s->stats.requests++;
            plc_fault_action action = plc_fault_next(&s->o.faults);
            if (action == PLC_CLOSE) {
                drop(s, c, "closed by fault");
                return PT_OK;
            }
            if (action == PLC_ANSWER && s->o.faults.on && s->o.faults.delay_ms) {
                c->waiting = true;
                c->due_us = now_us + (int64_t)s->o.faults.delay_ms * 1000;
                return PT_OK;
            }
            if (action == PLC_SILENCE) s->stats.dropped++;
            else if (!answer(s, c, len, &st)) return st;
        } else {
            c->waiting = false;
            if (!answer(s, c, len, &st)) return st;
        }
        c->have -= len;
        memmove(c->buf, c->buf + len, c->have);
    }
    return st;
}

static void receive(plc_server *s, connection *c, int64_t now_us)
{
    ssize_t n = recv(c->fd, c->buf + c->have, BUFFER - c->have, 0);
    if (n > 0) {
        c->have += (size_t)n;
        c->last_us = now_us;
    } else if (n == 0) {
        drop(s, c, "closed by peer");
    } else if (errno != EAGAIN && errno != EINTR) {
        drop(s, c, pt_errno_text(errno));
    }
}

static pt_status scan(plc_server *s, int64_t now_us)
{
    double behind = (double)(now_us - s->start_us) / 1e6 * s->o.speed - (double)s->stats.steps * PLC_STEP_S;
    if (behind > BEHIND_MAX_S * s->o.speed + PLC_STEP_S) {
        pt_logf(s->o.log, PT_LOG_WARN, "PLC-PAUSE", "%.1f s of plant time skipped after a pause", behind);
        s->start_us += (int64_t)(behind / s->o.speed * 1e6);
        behind = 0;
    }
    for (int64_t steps = (int64_t)(behind / PLC_STEP_S); steps > 0; steps--) {
        for (unsigned i = 0; i < s->o.lines; i++)
            plc_line_step(&s->stations[i].line, PLC_STEP_S);
        s->stats.steps++;
    }
    s->next_scan_us += (int64_t)s->o.scan_ms * 1000;
    if (s->next_scan_us <= now_us) s->next_scan_us = now_us + (int64_t)s->o.scan_ms * 1000;
    pt_status st = PT_OK;
    for (unsigned i = 0; st == PT_OK && i < s->o.lines; i++)
        st = refresh(s, i);
    if (st == PT_OK && s->o.ledger) st = plc_ledger_flush(s->o.ledger);
    return st;
}

pt_status plc_server_turn(plc_server *s, int wake_fd, pt_error *err)
{
    int64_t now_us = pt_mono_us(s->o.clock);
    if (now_us >= s->next_scan_us) {
        pt_status st = scan(s, now_us);
        if (st != PT_OK) return pt_fail(err, st, "the ledger cannot be written");
    }
    int64_t due_us = s->next_scan_us;
    struct pollfd fds[PLC_CONNECTIONS_MAX + 2];
    connection *of[PLC_CONNECTIONS_MAX];
    nfds_t n = 0;
    fds[n++] = (struct pollfd){ .fd = s->listen_fd, .events = POLLIN };
    fds[n++] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++) {
        connection *c = &s->conn[i];
        if (c->fd < 0) continue;
        if (c->waiting && c->due_us < due_us) due_us = c->due_us;
        of[n - 2] = c;
        fds[n++] = (struct pollfd){ .fd = c->fd, .events = c->waiting ? 0 : POLLIN };
    }
    int64_t wait_us = due_us - now_us > 0 ? due_us - now_us : 0;
    struct timespec wait = { .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };
    int ready = ppoll(fds, n, &wait, NULL);
    if (ready < 0 && errno != EINTR) return pt_fail(err, PT_EIO, "poll: %s", pt_errno_text(errno));
    now_us = pt_mono_us(s->o.clock);
    for (nfds_t i = 2; i < n; i++) {
        connection *c = of[i - 2];
        short got = ready > 0 ? fds[i].revents : 0;
        if (got & (POLLERR | POLLNVAL)) drop(s, c, "socket error");
        else if (got & POLLHUP && c->waiting) drop(s, c, "hung up");
        else if (got & (POLLIN | POLLHUP)) receive(s, c, now_us);
        if (c->fd >= 0) {
            pt_status st = serve(s, c, now_us);
            if (st != PT_OK) return pt_fail(err, st, "the ledger cannot be written");
        }
    }
    if (ready > 0 && fds[0].revents & (POLLERR | POLLNVAL)) return pt_fail(err, PT_EIO, "the listening socket is broken");
    if (ready > 0 && fds[0].revents & POLLIN) accept_all(s, now_us);
    return PT_OK;
}

void plc_server_close(plc_server *s)
{
    if (!s) return;
    for (unsigned i = 0; i < PLC_CONNECTIONS_MAX; i++) {
        if (s->conn[i].fd >= 0) drop(s, &s->conn[i], "server closes");
    }
    if (s->listen_fd >= 0) (void)close(s->listen_fd);
    if (s->modbus) {
        (void)modbus_set_socket(s->modbus, -1);
        modbus_free(s->modbus);
    }
    free(s->stations);
    free(s);
}
