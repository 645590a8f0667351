/* edge-node/plc/main.c -- plantree-plc: command line, signals, and the loop around the server. */
#include "edge-node/plc/server.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: plantree-plc [options]\n"
    "\n"
    "A Modbus TCP server with a small bottling line behind it: a tank whose level follows a set-point, a filler that\n"
    "counts bottles into batches, a conveyor, temperatures and alarms. Its clients can run it: what they write changes what\n"
    "it does. For demonstrations, tests and training; there is no plant behind it.\n"
    "\n"
    "  --listen HOST:PORT    where to listen (default 127.0.0.1:1502); port 0 takes a free one. The first line printed is\n"
    "                        'listening on HOST:PORT' with the real port\n"
    "  --unit N              Modbus unit 1..247 (default 1); 0 and 255 are answered too, any other with exception 11\n"
    "  --lines N             so many lines, as consecutive units of one gateway (default 1), each with a seed of its own\n"
    "  --seed N              same seed and same writes: same run (default 1)\n"
    "  --speed X             plant seconds per second, 0.01..1000 (default 1)\n"
    "  --scan MS             how often the tables are renewed, 1..10000 ms (default 100)\n"
    "  --record FILE         write every visible change of a value to FILE: time_ms,address,value,name\n"
    "  --record-reads        with --record: what clients read as well, time_ms,read,address,count\n"
    "  --fault KIND=VALUE    misbehave (may be repeated, or joined by commas; SIGUSR1 switches all off and on again):\n"
    "                          delay=MS              answer MS milliseconds late\n"
    "                          exception=CODE@ADDR   answer exception CODE when ADDR is touched; ADDR is holding:0 or 0\n"
    "                          drop-every=N          leave every N-th request without an answer\n"
    "                          close-every=N         close the connection on every N-th request\n"
    "  --registers           print the register map as a Markdown table and exit\n"
    "  --log-level LEVEL     error, warn, info, debug (default info); the log goes to standard error\n"
    "  --version, --help\n"
    "\n"
    "Try it, with any Modbus client (addresses count from 0, floats have the high word first):\n"
    "  holding 0-1   tank level, Float, m            input 12-13   bottles filled, UInt32\n"
    "  holding 2-3   level set-point, write 0..5     coil 0        write 0: the line stops\n"
    "  coil 3        write 0: the inlet closes       discrete 1    alarm: level below 0.5 m\n"
    "\n"
    "Stops on SIGINT and SIGTERM. Exit: 0 stopped, 1 failed, 2 wrong usage.\n\n";

static void print_registers(FILE *out, bool markdown)
{
    if (markdown) fputs("| address | name | type | access | unit | meaning |\n|---|---|---|---|---|---|\n", out);
    for (unsigned i = 0; i < PLC_POINT_COUNT; i++) {
        const plc_point *p = &plc_points[i];
        char address[32], access[64] = "read";
        (void)snprintf(address, sizeof address, "%s:%u", plc_space_name(p->space), p->address);
        if (p->writable && p->type == PLC_BOOL) (void)snprintf(access, sizeof access, "write");
        else if (p->writable) (void)snprintf(access, sizeof access, "write %g..%g", p->low, p->high);
        char type[40];
        if (p->type == PLC_TEXT) (void)snprintf(type, sizeof type, "String, %u registers", p->words);
        else (void)snprintf(type, sizeof type, "%s%s", plc_type_name(p->type), p->order == PLC_WORD_SWAP ? ", low word first" : "");
        if (markdown) fprintf(out, "| `%s` | `%s` | %s | %s | %s | %s |\n", address, p->name, type, access, p->unit, p->meaning);
        else fprintf(out, "  %-12s %-20s %-24s %-18s %s%s%s\n", address, p->name, type, access, p->unit, *p->unit ? "; " : "", p->meaning);
    }
}

static int wrong(const char *fmt, const char *what)
{
    fprintf(stderr, "plantree-plc: ");
    fprintf(stderr, fmt, what);
    fprintf(stderr, "; see plantree-plc --help\n");
    return EXIT_USAGE;
}

/* HOST:PORT; an IPv6 address stands in brackets. `host` is cut out of `text` in place. */
static bool split_listen(char *text, const char **host, uint16_t *port)
{
    char *colon = strrchr(text, ':');
    uint64_t n = 0;
    if (!colon || colon == text || !pt_slice_to_u64(pt_cstr(colon + 1), &n) || n > UINT16_MAX) return false;
    *colon = '\0';
    if (*text == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        text++;
    }
    *host = text;
    *port = (uint16_t)n;
    return *text != '\0';
}

static int run(const plc_server_options *o, int signal_fd)
{
    pt_error err = { 0 };
    plc_server *server = NULL;
    pt_status st = plc_server_open(o, &server, &err);
    if (st != PT_OK) {
        fprintf(stderr, "plantree-plc: %s\n", err.text);
        return EXIT_FAILED;
    }
    const char *address = plc_server_address(server);
    printf(strchr(address, ':') ? "listening on [%s]:%u\n" : "listening on %s:%u\n", address, plc_server_port(server));
    if (fflush(stdout) == EOF) pt_logf(o->log, PT_LOG_WARN, "PLC-STDOUT", "the port could not be printed: %s", strerror(errno));
    pt_logf(o->log, PT_LOG_INFO, "PLC-START", "unit %u, lines %u, seed %" PRIu64 ", speed %g, scan %u ms", o->unit, o->lines, o->seed,
            o->speed, o->scan_ms);

    bool stop = false;
    while (!stop && st == PT_OK) {
        st = plc_server_turn(server, signal_fd, &err);
        struct signalfd_siginfo info;
        while (read(signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
            if (info.ssi_signo == SIGUSR1)
                pt_logf(o->log, PT_LOG_INFO, "PLC-FAULT", "faults are %s", plc_server_toggle_faults(server) ? "on" : "off");
            else stop = true;
        }
    }
    if (st != PT_OK) pt_logf(o->log, PT_LOG_ERROR, "PLC-FAILED", "%s (%s)", err.text, pt_status_name(st));
    plc_server_stats stats;
    plc_server_stats_get(server, &stats);
    pt_logf(o->log, PT_LOG_INFO, "PLC-STOP",
            "%" PRIu64 " requests, %" PRIu64 " exceptions, %" PRIu64 " dropped, %" PRIu64 " connections, %" PRIu64 " broken",
            stats.requests, stats.exceptions, stats.dropped, stats.accepted, stats.broken);
    plc_server_close(server);
    return st == PT_OK ? EXIT_OK : EXIT_FAILED;
}

enum {
    OPT_LISTEN = 256,
    OPT_UNIT,
    OPT_LINES,
    OPT_SEED,
    OPT_SPEED,
    OPT_SCAN,
    OPT_RECORD,
    OPT_READS,
    OPT_FAULT,
    OPT_REGISTERS,
    OPT_LOG,
    OPT_VERSION,
    OPT_HELP
};
static const struct option options[] = {
    { "listen", required_argument, NULL, OPT_LISTEN }, { "unit", required_argument, NULL, OPT_UNIT },
    { "lines", required_argument, NULL, OPT_LINES },   { "seed", required_argument, NULL, OPT_SEED },
    { "speed", required_argument, NULL, OPT_SPEED },   { "scan", required_argument, NULL, OPT_SCAN },
    { "record", required_argument, NULL, OPT_RECORD }, { "record-reads", no_argument, NULL, OPT_READS },
    { "fault", required_argument, NULL, OPT_FAULT },   { "registers", no_argument, NULL, OPT_REGISTERS },
    { "log-level", required_argument, NULL, OPT_LOG }, { "version", no_argument, NULL, OPT_VERSION },
    { "help", no_argument, NULL, OPT_HELP },           { NULL, 0, NULL, 0 },
};

typedef struct call {
    plc_server_options o;
    pt_log_level level;
    const char *record; /* NULL: no ledger */
} call;

enum { GO_ON = -1 };

/* What the call says into *call; GO_ON, or the exit code (said). */
static int parse(int argc, char **argv, call *k)
{
    pt_error err = { 0 };
    uint64_t n = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        pt_slice arg = pt_cstr(optarg);
        switch (c) {
        case OPT_LISTEN:
            if (!split_listen(optarg, &k->o.host, &k->o.port)) return wrong("--listen needs HOST:PORT, not '%s'", optarg);
            break;
        case OPT_UNIT:
            if (!pt_slice_to_u64(arg, &n) || n < 1 || n > 247) return wrong("--unit needs 1..247, not '%s'", optarg);
            k->o.unit = (uint8_t)n;
            break;
        case OPT_LINES:
            if (!pt_slice_to_u64(arg, &n) || n < 1 || n > PLC_LINES_MAX) return wrong("--lines needs 1..247, not '%s'", optarg);
            k->o.lines = (uint8_t)n;
            break;
        case OPT_SEED:
            if (!pt_slice_to_u64(arg, &k->o.seed)) return wrong("--seed needs a number, not '%s'", optarg);
            break;
        case OPT_SPEED:
            if (!pt_slice_to_f64(arg, &k->o.speed) || !(k->o.speed >= 0.01 && k->o.speed <= 1000))
                return wrong("--speed needs 0.01..1000, not '%s'", optarg);
            break;
        case OPT_SCAN:
            if (!pt_slice_to_u64(arg, &n) || n < 1 || n > 10000) return wrong("--scan needs 1..10000, not '%s'", optarg);
            k->o.scan_ms = (uint32_t)n;
            break;
        case OPT_RECORD: k->record = optarg; break;
        case OPT_READS: k->o.record_reads = true; break;
        case OPT_FAULT:
            if (plc_fault_parse(&k->o.faults, arg, &err) != PT_OK) return wrong("--fault: %s", err.text);
            break;
        case OPT_LOG:
            if (pt_log_level_parse(arg, &k->level) != PT_OK) return wrong("--log-level needs error, warn, info or debug, not '%s'", optarg);
            break;
        case OPT_REGISTERS: print_registers(stdout, true); return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
        case OPT_VERSION: puts("plantree-plc " PLANTREE_VERSION); return EXIT_OK;
        case OPT_HELP:
            fputs(usage, stdout);
            puts("Register map:");
            print_registers(stdout, false);
            return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
        default: fputs("see plantree-plc --help\n", stderr); return EXIT_USAGE;
        }
    }
    if (optind < argc) return wrong("unexpected '%s'", argv[optind]);

    if (k->o.record_reads && !k->record) return wrong("--record-reads needs --record%s", "");
    if (k->o.unit + k->o.lines - 1 > (int)PLC_LINES_MAX) return wrong("--unit and --lines reach beyond unit 247%s", "");
    return GO_ON;
}

int main(int argc, char **argv)
{
    call k = { .o = { .host = "127.0.0.1",
                      .port = 1502,
                      .unit = 1,
                      .lines = 1,
                      .seed = 1,
                      .speed = 1,
                      .scan_ms = 100,
                      .clock = pt_clock_system() },
               .level = PT_LOG_INFO };
    pt_error err = { 0 };
    int rc = parse(argc, argv, &k);
    if (rc != GO_ON) return rc;
    pt_log_fd log;
    pt_log_fd_init(&log, STDERR_FILENO, false, k.level, k.o.clock);
    k.o.log = &log.log;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    int signal_fd = -1;
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || (signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)) < 0) {
        fprintf(stderr, "plantree-plc: signals: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return EXIT_FAILED;
    if (k.record && plc_ledger_open(k.record, &k.o.ledger, &err) != PT_OK) {
        fprintf(stderr, "plantree-plc: %s\n", err.text);
        (void)close(signal_fd);
        return EXIT_FAILED;
    }
    int code = run(&k.o, signal_fd);
    if (plc_ledger_close(k.o.ledger) != PT_OK && code == EXIT_OK) {
        fprintf(stderr, "plantree-plc: %s: the ledger is not complete\n", k.record);
        code = EXIT_FAILED;
    }
    (void)close(signal_fd);
    return code;
}
