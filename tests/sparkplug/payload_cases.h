/* tests/sparkplug/payload_cases.h -- what is asked of both decoders, and of both encoders: one list each, run by each codec's own program.
 */
#ifndef TESTS_SPARKPLUG_PAYLOAD_CASES_H
#define TESTS_SPARKPLUG_PAYLOAD_CASES_H
#include "sparkplug/payload.h"
#include "tests/support/check.h"

enum { PAYLOAD_CASES_ARENA = 64 << 20 };

typedef pt_status payload_decode_fn(pt_slice bytes, const spb_limits *limits, pt_arena *arena, spb_payload *out, pt_error *err);
typedef pt_status payload_encode_fn(const spb_payload *p, pt_buf *out);

/* pt_test_main over the shared tests and `n` more of the program's own. */
int payload_decoder_main(const char *suite, payload_decode_fn *decode, const pt_test *more, size_t n, int argc, char **argv);
int payload_encoder_main(const char *suite, payload_encode_fn *encode, const pt_test *more, size_t n, int argc, char **argv);
#endif
