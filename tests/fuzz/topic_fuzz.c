/* tests/fuzz/topic_fuzz.c -- a topic that parses formats back to itself; its ids pass the check. */
#include "sparkplug/topic.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buf[SPB_TOPIC_MAX + 1];
    pt_slice text = pt_slice_of(data, size);
    spb_topic t;
    size_t len = 0;
    pt_error err;
    (void)!spb_id_check(text, size % 2, &err);
    if (spb_topic_parse(&spb_namespace_b, text, &t, &err) != PT_OK) return 0;
    if (spb_topic_format(&spb_namespace_b, &t, buf, sizeof buf, &len) != PT_OK) abort();
    if (!pt_slice_eq(pt_slice_of(buf, len), text)) abort();
    if (t.verb != SPB_STATE && (spb_id_check(t.group, true, NULL) || spb_id_check(t.edge, false, NULL))) abort();
    return 0;
}
