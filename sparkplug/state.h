/* sparkplug/state.h -- the STATE payload: UTF-8 JSON {"online":bool,"timestamp":integer}. Pure; any thread. */
#ifndef SPB_STATE_H
#define SPB_STATE_H
#include "base/buf.h"

typedef struct spb_state {
    bool online;
    uint64_t timestamp_ms;
    bool legacy; /* the 2.x text ONLINE or OFFLINE; no timestamp */
} spb_state;

/* Exactly the two keys, in this order, no white space (tck-id-host-topic-phid-birth-payload). */
PT_MUST_CHECK pt_status spb_state_format(const spb_state *s, pt_buf *out);
/* Extra keys and any order are accepted; a float or string timestamp, a missing key, a repeated one or other text is
 * PT_EMALFORMED; empty input (a cleared retained message) is PT_EEMPTY. ONLINE / OFFLINE give `legacy`. */
PT_MUST_CHECK pt_status spb_state_parse(pt_slice text, spb_state *out, pt_error *err);
#endif
