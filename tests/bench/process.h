/* tests/bench/process.h -- real programs beside the benchmark: start, measure, stop by pid; a mosquitto; the host; HTTP. */
#ifndef PT_BENCH_PROCESS_H
#define PT_BENCH_PROCESS_H
#include "base/buf.h"
#include "tests/bench/bench.h"

#include <sys/types.h>

/* A TCP port of the loopback that was free a moment ago; 0 on failure. */
uint16_t bench_free_port(void);

/* Start argv[0] (found in PATH) with stdout and stderr appended to `log_path`. */
PT_MUST_CHECK pt_status bench_spawn(const char *const *argv, const char *log_path, pid_t *pid, pt_error *err);
/* SIGTERM, then SIGKILL after timeout_s; reaps. *pid becomes 0; 0 is allowed. */
void bench_stop(pid_t *pid, double timeout_s);
bool bench_alive(pid_t pid);         /* reaps a zombie of ours */
double bench_process_cpu(pid_t pid); /* seconds of CPU used so far; < 0: gone */
/* Bytes resident now, and the most ever; false: gone. */
bool bench_process_memory(pid_t pid, uint64_t *resident, uint64_t *peak);

/* A private mosquitto with its default limits on a free loopback port. */
typedef struct bench_broker {
    pid_t pid;
    uint16_t port;
} bench_broker;
PT_MUST_CHECK pt_status bench_broker_start(const bench_run *run, bench_broker *b, pt_error *err);
void bench_broker_stop(bench_broker *b);

/* A plain MQTT 3.1.1 publisher on a blocking socket: packets are prepared beforehand and only sent here. */
PT_MUST_CHECK pt_status bench_publisher_open(uint16_t port, const char *client_id, int *fd, pt_error *err);
PT_MUST_CHECK pt_status bench_publisher_send(int fd, pt_slice packets, pt_error *err);
/* Wait until the broker has read all that was sent: PINGREQ, PINGRESP. */
PT_MUST_CHECK pt_status bench_publisher_flush(int fd, pt_error *err);
void bench_publisher_close(int fd);

/* The complete host as a process of its own, on free ports, with the broker and a fresh data directory. */
typedef struct bench_host {
    pid_t pid;
    uint16_t http_port;
    char dir[512], data[600];
} bench_host;
PT_MUST_CHECK pt_status bench_host_start(const bench_run *run, uint16_t broker_port, const char *name, bench_host *h, pt_error *err);
/* The same in two steps, with something put into h->data between them. */
PT_MUST_CHECK pt_status bench_host_prepare(const bench_run *run, const char *name, bench_host *h, pt_error *err);
PT_MUST_CHECK pt_status bench_host_run(const bench_run *run, uint16_t broker_port, bench_host *h, pt_error *err);
void bench_host_stop(const bench_run *run, bench_host *h); /* ends it and removes its directory */

/* GET http://127.0.0.1:port/target into `body`; *status is the HTTP code, *seconds how long it took (NULL allowed). */
PT_MUST_CHECK pt_status bench_get(uint16_t port, const char *target, pt_buf *body, long *status, double *seconds, pt_error *err);

/* Sums over /api/v1/nodes. */
typedef struct bench_nodes {
    uint64_t nodes, online, metrics, seq_gaps, rebirths, duplicates;
    uint64_t received, stored, historical, duplicate, rejected; /* samples */
    uint64_t messages, missing;                                 /* data and births that came; holes seen in their sequence */
    uint64_t least_whole;                                       /* the fewest messages of a node without a gap; UINT64_MAX: none */
} bench_nodes;
PT_MUST_CHECK pt_status bench_host_nodes(const bench_host *h, bench_nodes *out, double *seconds, pt_error *err);
#endif
