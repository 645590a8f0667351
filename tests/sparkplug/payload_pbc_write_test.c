/* tests/sparkplug/payload_pbc_write_test.c -- the encoder through protobuf-c gives the bytes our encoder gives. */
#include "tests/sparkplug/payload_cases.h"

int main(int argc, char **argv)
{
    return payload_encoder_main("sparkplug/payload_pbc_write", spb_payload_encode_pbc, NULL, 0, argc, argv);
}
