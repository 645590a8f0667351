/* tests/sparkplug/payload_compare.h -- are two decoded payloads the same? Floats by bits, absent and empty told apart. */
#ifndef TESTS_SPARKPLUG_PAYLOAD_COMPARE_H
#define TESTS_SPARKPLUG_PAYLOAD_COMPARE_H
#include "sparkplug/payload.h"

/* NULL when equal, otherwise a static text naming the first difference. */
const char *payload_difference(const spb_payload *a, const spb_payload *b);

/* Decode `bytes` with both decoders, each in a fresh arena of `arena_limit`, and re-encode with both encoders.
 * NULL when they agree: the same refusal (limits and memory may be found in another order), or equal models whose
 * encodings are equal, decode again, and encode to themselves. Otherwise a static text saying what differs. */
const char *payload_codecs_disagree(pt_slice bytes, const spb_limits *limits, size_t arena_limit);
#endif
