/* edge-node/modbus_plan.h -- the part of the Modbus drivers that needs no network: addresses, register layouts, request plans. Pure.
 *
 * Addresses are written 'holding:0', 'input:100', 'coil:3', 'discrete:7', counted from 0 as on the wire; a bit of a register is
 * 'holding:5.12', bit 0 the least significant one. */
#ifndef EDGE_MODBUS_PLAN_H
#define EDGE_MODBUS_PLAN_H
#include "sparkplug/value.h"

typedef enum edge_mb_table { EDGE_MB_COIL, EDGE_MB_DISCRETE, EDGE_MB_INPUT, EDGE_MB_HOLDING } edge_mb_table;

/* Byte order of values of several registers, by the usual names for bytes ABCD: big ABCD, little DCBA, byte-swap BADC, word-swap CDAB. */
typedef enum edge_mb_order { EDGE_MB_BIG, EDGE_MB_LITTLE, EDGE_MB_BYTE_SWAP, EDGE_MB_WORD_SWAP } edge_mb_order;

typedef struct edge_mb_tag {
    edge_mb_table table;
    uint16_t address;
    uint16_t count;    /* registers or bits */
    int bit, bits;     /* bit field in one register: first bit and width; bit < 0: none */
    uint8_t raw;       /* spb_datatype the registers hold: Boolean, integers, Float, Double, String; of an array: of one element */
    uint8_t array;     /* spb_datatype of the array, 0: a single value */
    uint16_t elements; /* of the array: one behind the other; Booleans are bits, 16 in a register, from `bit` on (or 0) */
    edge_mb_order order;
} edge_mb_tag;

/* 'holding:5', 'holding:5.3', 'holding:0x5' from 0; '40006', '400006', '4x0006' from 1, the first digit the table. PT_EINVAL with the
 * reason. */
PT_MUST_CHECK pt_status edge_mb_address(pt_slice text, edge_mb_table *table, uint16_t *address, int *bit, pt_error *err);
/* Registers a raw type takes: 1, 2 or 4; 0 for what has no fixed size. */
uint16_t edge_mb_registers(uint8_t raw);

/* Registers to value. Strings end at the first NUL and lose trailing blanks; `text` (2 * count + 4 bytes) holds them, and the elements of
 * arrays. PT_EMALFORMED: text that is no UTF-8. */
PT_MUST_CHECK pt_status edge_mb_decode(const edge_mb_tag *t, const uint16_t *regs, char *text, spb_value *out);
/* Value (of type raw, or the array) to registers; `regs` holds the present content for bit fields. PT_ETOOBIG: text too long, bit field too
 * narrow, not as many elements. */
PT_MUST_CHECK pt_status edge_mb_encode(const edge_mb_tag *t, const spb_value *v, uint16_t *regs);

/* One request: `count` registers or bits from `address`, holding tags plan->order[first .. first + n). */
typedef struct edge_mb_block {
    edge_mb_table table;
    uint16_t address, count;
    uint32_t first, n;
} edge_mb_block;

/* Put tags (indices in `order`, sorted here by address) into as few requests as the limits allow: gaps of up to `gap` unused registers
 * (eight times that many bits) are read along. `blocks` has room for n. Returns the number of blocks. */
uint32_t edge_mb_plan(const edge_mb_tag *tags, uint32_t *order, uint32_t n, uint16_t max_registers, uint16_t max_bits, uint16_t gap,
                      edge_mb_block *blocks);
#endif
