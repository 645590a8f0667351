/* edge-node/driver.h -- the table of functions behind which a kind of PLC hides. A new driver is one file and one row in drivers.c.
 *
 * A driver has devices (one PLC, one unit behind a gateway) and channels (one connection). Devices whose channel text is equal
 * share one channel and one thread: their calls never overlap. Different channels run in different threads, so a slow PLC delays
 * nobody else's. The runner (poller.h) owns threads, schedules, back-off, and what becomes of a reading.
 *
 *     open (all devices, at start: check the configuration, plan requests; no I/O)
 *     channel_new -> { poll | write }* -> channel_free      on the channel's thread
 *     close
 *
 * poll and write connect by themselves when they have to, and block at most for about the device's timeout times (1 + retries).
 * A failure of the connection or of the whole device is a status; what concerns one tag only is a reading with quality BAD. */
#ifndef EDGE_DRIVER_H
#define EDGE_DRIVER_H
#include "base/clock.h"
#include "base/log.h"
#include "sparkplug/value.h"

/* A configuration key of a driver, for a device or for a tag: parsed and checked before the driver sees it. */
typedef enum edge_key_type {
    EDGE_KEY_TEXT,
    EDGE_KEY_INT,
    EDGE_KEY_DOUBLE,
    EDGE_KEY_BOOL,
    EDGE_KEY_DURATION, /* ms */
    EDGE_KEY_ENUM      /* one of `names`; the option's i is its index */
} edge_key_type;

typedef struct edge_driver_key {
    const char *key; /* NULL closes a list */
    edge_key_type type;
    bool required;
    const char *def;          /* default, parsed like a value; NULL: not set */
    double min, max;          /* both 0: no check; text: length in bytes */
    const char *const *names; /* ENUM, NULL-terminated */
    const char *doc;
} edge_driver_key;

typedef struct edge_option { /* value of the key at the same place */
    bool set;
    const char *text; /* TEXT, and the words of all others */
    int64_t i;        /* INT, DURATION, ENUM, BOOL */
    double d;         /* DOUBLE, INT */
} edge_option;

/* Everything below is borrowed from the configuration and lives until close. */
typedef struct edge_driver_tag {
    const char *name;
    spb_datatype type; /* the metric's */
    bool scaled;       /* the reading may be any number: scale, offset and clamping come after the driver */
    bool writable;
    int64_t poll_ms;
    double low, high;           /* engineering range; both 0: none */
    const edge_option *options; /* in order of tag_keys */
} edge_driver_tag;

typedef struct edge_driver_config {
    const char *device;
    const edge_option *options; /* in order of device_keys */
    const edge_driver_tag *tags;
    uint32_t n_tags;
    uint64_t seed; /* for simulations and jitter */
    const pt_clock *clock;
    const pt_log *log; /* may be NULL */
} edge_driver_config;

/* Where poll puts its readings. The value's bytes are copied before reading returns. quality BAD: `v` may be NULL. */
typedef struct edge_driver_sink {
    void *ctx;
    void (*reading)(void *ctx, uint32_t tag, spb_quality quality, const spb_value *v);
} edge_driver_sink;

typedef struct edge_driver_stats { /* summed over a device's life; written by its channel's thread, read by others */
    uint64_t requests, exceptions, timeouts, errors;
} edge_driver_stats;

typedef struct edge_driver {
    const char *name, *doc;
    const edge_driver_key *device_keys, *tag_keys;

    /* PT_OK, or PT_EINVAL with the reason; *bad_tag is the tag concerned, UINT32_MAX the device itself. No I/O. */
    pt_status (*open)(const edge_driver_config *c, void **device, uint32_t *bad_tag, pt_error *err);
    void (*close)(void *device); /* NULL is fine */

    /* Names the connection: 'tcp:10.0.0.5:502'. Lives as long as the device. */
    const char *(*channel)(void *device);
    pt_status (*channel_new)(void *device, void **channel); /* no I/O yet */
    void (*channel_free)(void *channel);                    /* closes the connection */

    /* Read all tags whose poll_ms is `poll_ms`. PT_OK: the device lives. PT_EIO, PT_ETIMEOUT: no connection or no answer;
     * PT_EREFUSED: it answers nothing but exceptions. Readings made before a failure count. `probe`: the device was dead, one
     * request without retries is enough to see whether it still is. */
    pt_status (*poll)(void *device, void *channel, int64_t poll_ms, bool probe, const edge_driver_sink *sink, pt_error *err);
    /* Write a checked value: of the metric's type, or for scaled tags a Double in raw units. PT_EREFUSED: an exception; others as poll. */
    pt_status (*write)(void *device, void *channel, uint32_t tag, const spb_value *v, pt_error *err);
    void (*stats)(void *device, edge_driver_stats *out);
} edge_driver;

extern const edge_driver edge_driver_sim, edge_driver_modbus_tcp, edge_driver_modbus_rtu;
/* By name, or NULL; by index for listings, NULL behind the last. */
const edge_driver *edge_driver_find(pt_slice name);
const edge_driver *edge_driver_at(size_t index);

/* Parse one key's text into *out. PT_EINVAL with the reason. `text` is kept. */
PT_MUST_CHECK pt_status edge_option_parse(const edge_driver_key *key, const char *text, edge_option *out, pt_error *err);
size_t edge_driver_keys_count(const edge_driver_key *keys);
#endif
