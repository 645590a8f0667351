/* host/session/presence.c -- STATE rules of Sparkplug 3.0 chapters 5.6 and 6.4.26, guide 18. */
#include "host/session/presence.h"

enum { ECHO_MS = 2000, FIGHT_WINDOW_MS = 10000, FIGHT_MAX = 5, FIGHT_PAUSE_MS = 5000 };
#define TIMESTAMP_MAX (UINT64_C(1) << 53) /* what any JSON reader keeps exactly; nobody's clock is there */

void host_presence_init(host_presence *p, bool publishes, int64_t hold_off_ms, int64_t last_t)
{
    *p = (host_presence){ .publishes = publishes,
                          .hold_off_ms = hold_off_ms,
                          .floor = last_t,
                          .online_due = INT64_MAX,
                          .correct_due = INT64_MAX,
                          .corrected_mono = INT64_MIN / 2 };
}

int64_t host_presence_connect(host_presence *p, int64_t wall_ms)
{
    if (p->phase != HOST_STOPPING) p->phase = HOST_CONNECTING;
    /* tck-id-host-topic-phid-death-payload-timestamp-connect; a clock that stepped back must not make the Will older than the birth before
     */
    p->t = p->floor = wall_ms > p->floor ? wall_ms : p->floor + 1;
    p->online_due = p->correct_due = INT64_MAX;
    return p->t;
}

host_presence_action host_presence_subscribed(host_presence *p, int64_t mono_ms)
{
    if (p->phase != HOST_CONNECTING) return HOST_DO_NOTHING;
    p->phase = HOST_BORN;
    p->awaiting_echo = p->publishes;
    p->birth_mono = mono_ms;
    if (p->publishes) return HOST_DO_PUBLISH_BIRTH;
    p->online_due = mono_ms + p->hold_off_ms;
    return HOST_DO_NOTHING;
}

void host_presence_acknowledged(host_presence *p, int64_t mono_ms)
{
    if (p->phase == HOST_BORN && p->online_due == INT64_MAX) p->online_due = mono_ms + p->hold_off_ms;
}

/* tck-id-message-flow-hid-sparkplug-state-message-delivered: same T, this server only. */
static host_presence_action correct(host_presence *p, int64_t mono_ms)
{
    p->correct_due = INT64_MAX;
    if (mono_ms - p->corrected_mono > FIGHT_WINDOW_MS) { /* a quiet spell: nobody fights us */
        p->fights = 0;
        p->conflict = false;
    }
    if (p->fights >= FIGHT_MAX &&
        mono_ms - p->corrected_mono < FIGHT_PAUSE_MS) { /* somebody keeps taking us off line: slow down and say so */
        bool news = !p->conflict;
        p->conflict = true;
        p->conflicts += news;
        p->correct_due = p->corrected_mono + FIGHT_PAUSE_MS;
        return news ? HOST_DO_TELL_CONFLICT : HOST_DO_NOTHING;
    }
    if (p->fights < FIGHT_MAX) p->fights++;
    p->corrected_mono = mono_ms;
    p->awaiting_echo = true;
    p->corrections++;
    return HOST_DO_PUBLISH_BIRTH;
}

static int64_t last_word(const host_presence *p)
{
    return p->corrected_mono > p->birth_mono ? p->corrected_mono : p->birth_mono;
}

host_presence_action host_presence_seen(host_presence *p, const spb_state *s, bool retained, int64_t mono_ms)
{
    if (retained && p->publishes && !s->legacy && p->phase != HOST_STOPPING && p->phase != HOST_DOWN &&
        (int64_t)s->timestamp_ms > p->floor && s->timestamp_ms <= TIMESTAMP_MAX) { /* said when our clock was ahead */
        p->floor = (int64_t)s->timestamp_ms;
        return HOST_DO_RECONNECT;
    }
    if (!p->publishes || retained || s->legacy || (p->phase != HOST_BORN && p->phase != HOST_ONLINE)) return HOST_DO_NOTHING;
    if (s->online) {
        if (s->timestamp_ms == (uint64_t)p->t) { /* our own, come back: what went before it is settled */
            p->awaiting_echo = false;
            if (p->fights < FIGHT_MAX) p->correct_due = INT64_MAX;
            return HOST_DO_NOTHING;
        }
        bool news = !p->conflict;
        p->conflict = true;
        p->conflicts++;
        return news ? HOST_DO_TELL_CONFLICT : HOST_DO_NOTHING;
    }
    if (p->correct_due != INT64_MAX) return HOST_DO_NOTHING; /* one is on its way */
    if (p->awaiting_echo && mono_ms - last_word(p) < ECHO_MS) {
        /* The server had this one before our last word, or it is the copy through our other subscription: that word stands.
         * Should its echo not come, look again. */
        p->correct_due = last_word(p) + ECHO_MS;
        return HOST_DO_NOTHING;
    }
    return correct(p, mono_ms);
}

host_presence_action host_presence_tick(host_presence *p, int64_t mono_ms)
{
    if (p->phase == HOST_BORN && p->online_due <= mono_ms) {
        p->phase = HOST_ONLINE;
        p->online_due = INT64_MAX;
        return HOST_DO_OPEN;
    }
    if ((p->phase == HOST_BORN || p->phase == HOST_ONLINE) && p->correct_due <= mono_ms) return correct(p, mono_ms);
    return HOST_DO_NOTHING;
}

int64_t host_presence_due(const host_presence *p)
{
    if (p->phase != HOST_BORN && p->phase != HOST_ONLINE) return INT64_MAX;
    return p->online_due < p->correct_due ? p->online_due : p->correct_due;
}

void host_presence_lost(host_presence *p)
{
    if (p->phase != HOST_STOPPING) p->phase = HOST_DOWN;
    p->online_due = p->correct_due = INT64_MAX;
    p->fights = 0;
    p->conflict = false;
}

int64_t host_presence_stop(host_presence *p, int64_t wall_ms)
{
    p->phase = HOST_STOPPING;
    p->online_due = p->correct_due = INT64_MAX;
    if (wall_ms > p->t) p->t = wall_ms;
    if (p->t > p->floor) p->floor = p->t;
    return p->t;
}
