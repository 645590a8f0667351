/* tests/sparkplug/mqtt_user.c */
#include "tests/sparkplug/mqtt_user.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static pt_status on_prepare(void *ctx, spb_mqtt_connect *c)
{
    user *u = ctx;
    int n = atomic_fetch_add(&u->prepared, 1) + 1;
    if (atomic_load(&u->lost) != n - 1 - (u->refuse ? n - 1 : 0)) atomic_fetch_add(&u->bad_order, 1); /* each prepare ends in one lost */
    if (u->refuse) return PT_EBUSY;
    snprintf(u->will, sizeof u->will, "will-%d", n);
    c->server = u->server;
    if (!u->no_will) {
        c->will_topic = "test/will";
        c->will_payload = pt_cstr(u->will);
        c->will_qos = 1;
    }
    c->filters = u->filters;
    c->n_filters = u->n_filters;
    return PT_OK;
}
static void on_connected(void *ctx)
{
    atomic_fetch_add(&((user *)ctx)->connected, 1);
}
static void on_ready(void *ctx)
{
    atomic_fetch_add(&((user *)ctx)->ready, 1);
}
static void on_lost(void *ctx, const char *reason)
{
    user *u = ctx;
    pthread_mutex_lock(&u->mutex);
    snprintf(u->reason, sizeof u->reason, "%s", reason);
    pthread_mutex_unlock(&u->mutex);
    if (spb_mqtt_unsent(u->session)) atomic_fetch_add(&u->unsent, 1);
    if (u->disconnect_on_lost) spb_mqtt_disconnect(u->session, true, true, false, 0);
    atomic_fetch_add(&u->lost, 1);
}
static void on_message(void *ctx, spb_mqtt_message *m)
{
    user *u = ctx;
    pthread_mutex_lock(&u->mutex);
    if (u->n_kept < PT_COUNT_OF(u->kept) && !u->drop_messages) u->kept[u->n_kept++] = *m;
    else spb_mqtt_message_free(m);
    pthread_mutex_unlock(&u->mutex);
    atomic_fetch_add(&u->messages, 1);
}
static void on_sent(void *ctx, int64_t token, bool ok)
{
    user *u = ctx;
    atomic_fetch_add(ok ? &u->sent_ok : &u->sent_failed, 1);
    atomic_store(&u->last_sent, token);
}

static void write_nothing(void *ctx, pt_log_level level, const char *id, const char *text)
{
    (void)ctx, (void)level;
    if (getenv("PLANTREE_TEST_LOG")) fprintf(stderr, "      %s %s\n", id, text);
}
const pt_log user_log = { PT_LOG_DEBUG, write_nothing, NULL };

void user_init(user *u, const char *server, const char *filter)
{
    *u = (user){ .n_filters = filter ? 1 : 0, .filters = { { filter, 1 } } };
    snprintf(u->server, sizeof u->server, "%s", server);
    pthread_mutex_init(&u->mutex, NULL);
}

spb_mqtt_options user_options(const char *id, int version)
{
    spb_mqtt_options o;
    spb_mqtt_options_init(&o);
    o.client_id = id;
    o.version = version;
    o.reconnect_min_ms = 50;
    o.reconnect_max_ms = 400;
    o.connect_timeout_ms = 3000;
    o.read_ahead = getenv("PLANTREE_TEST_READ_AHEAD") != NULL;
    return o;
}

spb_mqtt_callbacks user_callbacks(user *u)
{
    return (spb_mqtt_callbacks){ u, on_prepare, on_connected, on_ready, on_lost, on_message, on_sent };
}

void user_start(user *u, const spb_mqtt_options *o)
{
    const spb_mqtt_callbacks cb = user_callbacks(u);
    pt_error err;
    CHECK_OK_FATAL(spb_mqtt_new(o, &cb, pt_clock_system(), &user_log, &u->session, &err));
    CHECK_OK_FATAL(spb_mqtt_start(u->session));
}

void user_end(user *u)
{
    spb_mqtt_stop(u->session, false, 500);
    CHECK(u->refuse || atomic_load(&u->lost) == atomic_load(&u->prepared));
    CHECK_INT(u->bad_order, 0);
    spb_mqtt_free(u->session);
    for (size_t i = 0; i < u->n_kept; i++)
        spb_mqtt_message_free(&u->kept[i]);
    pthread_mutex_destroy(&u->mutex);
}

bool user_reason_has(user *u, const char *text)
{
    pthread_mutex_lock(&u->mutex);
    bool has = strstr(u->reason, text) != NULL;
    pthread_mutex_unlock(&u->mutex);
    return has;
}

bool user_kept(user *u, size_t n)
{
    pthread_mutex_lock(&u->mutex);
    bool has = u->n_kept >= n;
    pthread_mutex_unlock(&u->mutex);
    return has;
}
