/* tests/fuzz/plc_request_fuzz.c -- any bytes as a Modbus PDU: judged without a crash, and a line that stays inside its limits. */
#include "edge-node/plc/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    plc_line line;
    plc_image image = { 0 };
    plc_request r;
    plc_line_init(&line, 1);
    if (plc_image_refresh(&image, &line, NULL, 0, 0) != PT_OK) abort();
    if (plc_request_parse(data, size, &r) != 0) return 0;
    if (r.reads && r.read_at + r.read_count > PLC_SPACE_SIZE) abort();
    if (plc_request_apply(&r, &image, &line) == 0) {
        if (!(line.level_sp >= 0 && line.level_sp <= 5) || line.batch_size < 1) abort();
        plc_line_step(&line, 0.05);
        if (plc_image_refresh(&image, &line, NULL, 0, 0) != PT_OK) abort();
    }
    return 0;
}
