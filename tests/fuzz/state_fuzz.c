/* tests/fuzz/state_fuzz.c -- a state that parses, formatted and parsed again, is the same state. */
#include "sparkplug/state.h"
#include "sparkplug/value.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_slice text = pt_slice_of(data, size);
    spb_state s, again;
    spb_value v;
    pt_error err;
    pt_buf out;
    for (uint32_t type = 0; type < SPB_DATATYPE_COUNT; type++)
        (void)!spb_value_parse(type, text, &v, &err);
    if (spb_state_parse(text, &s, &err) != PT_OK) return 0;
    pt_buf_init(&out, 256);
    if (spb_state_format(&s, &out) != PT_OK || spb_state_parse(pt_buf_view(&out), &again, NULL) != PT_OK) abort();
    if (again.online != s.online || again.timestamp_ms != s.timestamp_ms || again.legacy != s.legacy) abort();
    pt_buf_fini(&out);
    return 0;
}
