/* tests/bench/counter.c */
#include "tests/bench/counter.h"

#include "tests/bench/process.h"

#include <MQTTAsync.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static int arrived(void *ctx, char *topic, int topic_len, MQTTAsync_message *m)
{
    bench_counter_shared *s = ctx;
    (void)topic_len;
    uint64_t n = atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed) + 1;
    if (n % 1000 == 0 || n == atomic_load_explicit(&s->target, memory_order_relaxed)) atomic_store(&s->last, bench_now());
    MQTTAsync_freeMessage(&m);
    MQTTAsync_free(topic);
    return 1;
}

static void subscribed(void *ctx, MQTTAsync_successData *r)
{
    (void)r;
    atomic_store(&((bench_counter_shared *)ctx)->state, 1);
}
static void failed(void *ctx, MQTTAsync_failureData *r)
{
    (void)r;
    atomic_store(&((bench_counter_shared *)ctx)->state, -1);
}

typedef struct link {
    MQTTAsync client;
    bench_counter_shared *shared;
} link_to;

static void connected(void *ctx, MQTTAsync_successData *r)
{
    link_to *l = ctx;
    MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
    (void)r;
    o.onSuccess = subscribed;
    o.onFailure = failed;
    o.context = l->shared;
    if (MQTTAsync_subscribe(l->client, "spBv1.0/#", 0, &o) != MQTTASYNC_SUCCESS) atomic_store(&l->shared->state, -1);
}
static void not_connected(void *ctx, MQTTAsync_failureData *r)
{
    (void)r;
    atomic_store(&((link_to *)ctx)->shared->state, -1);
}

static _Noreturn void child(uint16_t port, bench_counter_shared *shared)
{
    char url[64];
    link_to l = { .shared = shared };
    MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", port);
    o.onSuccess = connected;
    o.onFailure = not_connected;
    o.context = &l;
    o.keepAliveInterval = 60;
    o.cleansession = 1;
    if (MQTTAsync_create(&l.client, url, "bench-counter", MQTTCLIENT_PERSISTENCE_NONE, NULL) != MQTTASYNC_SUCCESS ||
        MQTTAsync_setCallbacks(l.client, shared, NULL, arrived, NULL) != MQTTASYNC_SUCCESS ||
        MQTTAsync_connect(l.client, &o) != MQTTASYNC_SUCCESS)
        atomic_store(&shared->state, -1);
    for (;;)
        (void)pause();
}

pt_status bench_counter_start(uint16_t port, bench_counter *c, pt_error *err)
{
    *c = (bench_counter){ 0 };
    c->shared = mmap(NULL, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->shared == MAP_FAILED) return pt_fail(err, PT_ENOMEM, "mmap");
    c->pid = fork();
    if (c->pid == 0) child(port, c->shared);
    struct timespec ms = { 0, 1000000 };
    for (double end = bench_now() + 10; c->pid > 0 && bench_now() < end && !atomic_load(&c->shared->state);)
        (void)nanosleep(&ms, NULL);
    if (c->pid > 0 && atomic_load(&c->shared->state) == 1) return PT_OK;
    bench_counter_stop(c);
    return pt_fail(err, PT_EIO, "the counting subscriber could not subscribe");
}

void bench_counter_stop(bench_counter *c)
{
    bench_stop(&c->pid, 2);
    if (c->shared) (void)munmap(c->shared, sizeof *c->shared);
    c->shared = NULL;
}
