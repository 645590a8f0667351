/* base/timestamp.h -- times, durations and sizes as people write them.
 *
 * Times are milliseconds since 1970-01-01 UTC. Ranges are [from, to) everywhere. Pure functions, any thread. */
#ifndef PT_TIMESTAMP_H
#define PT_TIMESTAMP_H
#include "base/slice.h"
#include "base/status.h"

#define PT_RFC3339_MAX 40 /* bytes incl. NUL */

/* `2026-11-20T22:00:01.250Z`; years outside 0..9999 are written as a plain integer of ms. Returns the length. */
size_t pt_rfc3339_format(int64_t ms, char out[PT_RFC3339_MAX]);

/* RFC 3339 with any offset and 0..9 fraction digits ('T' or space, date alone = midnight UTC), epoch ms (digits, may be negative),
 * `now`, `now-8h`, `now+90s`, `now/d` (start of the UTC day). At most 100 million days around 1970. PT_EMALFORMED with the reason
 * otherwise. */
PT_MUST_CHECK pt_status pt_time_parse(pt_slice s, int64_t now_ms, int64_t *out_ms, pt_error *err);

/* `250ms 30s 15m 8h 7d 2w 5y` (y = 365 d) and sums like `1h30m`; a bare `0` is 0. Not negative.
 * A bare number other than 0 is refused: the unit must be said. */
PT_MUST_CHECK pt_status pt_duration_parse(pt_slice s, int64_t *out_ms, pt_error *err);

/* `4096 64KiB 512MiB 200GiB 1TiB 10kB 5MB 2GB`; a bare number is bytes. */
PT_MUST_CHECK pt_status pt_bytes_parse(pt_slice s, uint64_t *out, pt_error *err);

/* The largest unit that divides exactly: 90000 -> "90s", 65536 -> "64KiB", 5000000 -> "5MB". NUL-terminated, length returned. */
size_t pt_duration_format(int64_t ms, char out[32]);
size_t pt_bytes_format(uint64_t n, char out[32]);
#endif
