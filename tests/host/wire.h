/* tests/host/wire.h -- Sparkplug payloads from a line of text, written byte by byte here: a foreign edge node's encoder.
 *
 * Nothing of ours is used, so a fault in our encoder cannot hide one in our decoder.
 *
 *     ts=1000 seq=0 bd=7 temp#1:10=d1.5@900 set:3=i5 gone:12=- old:9=f2!h
 *
 * Words are split at blanks. `ts=` payload timestamp, `seq=`, `uuid=`; `bd=N` a metric bdSeq:4=lN; `hex=` raw bytes appended.
 * A metric: [name][#alias][:datatype]=VALUE[@timestamp][!flags][%seq/size/md5][;key:type=VALUE...]
 *   VALUE  iN int_value, lN long_value (negative: two's complement), fX dX b0 b1, sTEXT, xHEX bytes, - none,
 *          T{ref|d}(metrics) template: d marks a definition; DS... is given as hex by the tests
 *   %SEQ/SIZE/MD5  metadata of one part of a file (is_multi_part true); an empty one of the three is left out
 *   flags  h historical, t transient, n null, H historical=false written
 * In names and texts `_` stands for a blank, `\xHH` for a byte. */
#ifndef HOST_TEST_WIRE_H
#define HOST_TEST_WIRE_H
#include "base/buf.h"

/* Appends; any fault in the text is fatal to the test. */
void wire_payload(const char *text, pt_buf *out);

void wire_varint(pt_buf *b, uint64_t v);
#endif
