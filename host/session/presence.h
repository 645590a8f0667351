/* host/session/presence.h -- our STATE on one MQTT server: what to publish when, decided without I/O.
 *
 *   DOWN --connect(T)--> CONNECTING --subscribed--> BORN --acknowledged (+ hold-off)--> ONLINE
 *     any --lost--> DOWN          any --stop--> STOPPING: our own death comes back and must not revive us (sparkplug 539)
 *
 * T is taken per CONNECT and server and never goes back (tck-id-operational-behavior-host-application-multi-server-timestamp), not behind
 * what runs before used nor behind what the server kept of them: edge nodes ignore an older STATE. The Will, the birth and every
 * self-correction of a session carry the same T, so a larger one takes another CONNECT. One object per server; the caller locks. */
#ifndef HOST_PRESENCE_H
#define HOST_PRESENCE_H
#include "base/status.h"
#include "sparkplug/state.h"

typedef enum host_presence_phase { HOST_DOWN, HOST_CONNECTING, HOST_BORN, HOST_ONLINE, HOST_STOPPING } host_presence_phase;

typedef struct host_presence {
    host_presence_phase phase;
    bool publishes;         /* this role publishes STATE */
    int64_t t;              /* of this session */
    int64_t floor;          /* the largest known on this server: the next is behind it */
    int64_t hold_off_ms;    /* commands wait this long after the acknowledged birth */
    int64_t online_due;     /* mono_ms; INT64_MAX: none */
    int64_t correct_due;    /* mono_ms of a self-correction that waits; INT64_MAX: none */
    int64_t corrected_mono; /* of the last one */
    int64_t birth_mono;     /* of this session's birth */
    bool awaiting_echo;     /* our last word has not come back yet: an offline before it is older than it */
    uint32_t fights;        /* corrections without a quiet spell between them */
    bool conflict;          /* another host uses our id */
    uint64_t corrections, conflicts;
} host_presence;

typedef enum host_presence_action {
    HOST_DO_NOTHING,
    HOST_DO_PUBLISH_BIRTH, /* {"online":true,"timestamp":T}, QoS 1, retained */
    HOST_DO_TELL_CONFLICT, /* alarm: host id in use; publish nothing */
    HOST_DO_RECONNECT,     /* the server keeps a later STATE of ours: let the Will speak and connect again */
    HOST_DO_OPEN           /* commands may go out from now on */
} host_presence_action;

/* last_t: the largest T of runs before; 0: none is known. */
void host_presence_init(host_presence *p, bool publishes, int64_t hold_off_ms, int64_t last_t);
/* Before a CONNECT: the T of its Will. */
int64_t host_presence_connect(host_presence *p, int64_t wall_ms);
/* Every subscription granted: the birth is the first PUBLISH of the session. */
host_presence_action host_presence_subscribed(host_presence *p, int64_t mono_ms);
/* The birth's PUBACK. */
void host_presence_acknowledged(host_presence *p, int64_t mono_ms);
/* A STATE on our own id. `retained`: out of the broker's store at subscription, that is, of a session before this one. */
host_presence_action host_presence_seen(host_presence *p, const spb_state *s, bool retained, int64_t mono_ms);
host_presence_action host_presence_tick(host_presence *p, int64_t mono_ms);
int64_t host_presence_due(const host_presence *p);
void host_presence_lost(host_presence *p);
/* From now on nothing revives us. Returns the death's timestamp: now, and not before T. */
int64_t host_presence_stop(host_presence *p, int64_t wall_ms);
#endif
