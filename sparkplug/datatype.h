/* sparkplug/datatype.h -- Sparkplug datatype codes 0..34: names, widths, wire fields.
 *
 * Pure tables; any thread. Source: Sparkplug 3.0 chapter 6.4.16, tck-id-payloads-metric-datatype-value. */
#ifndef SPB_DATATYPE_H
#define SPB_DATATYPE_H
#include "base/slice.h"
#include "base/status.h"

/* clang-format off */
typedef enum spb_datatype {
    SPB_UNKNOWN = 0, /* never sent */
    SPB_INT8 = 1, SPB_INT16, SPB_INT32, SPB_INT64,
    SPB_UINT8 = 5, SPB_UINT16, SPB_UINT32, SPB_UINT64,
    SPB_FLOAT = 9, SPB_DOUBLE, SPB_BOOLEAN, SPB_STRING, SPB_DATETIME, SPB_TEXT,
    SPB_UUID = 15, SPB_DATASET, SPB_BYTES, SPB_FILE, SPB_TEMPLATE,
    SPB_PROPERTYSET = 20, SPB_PROPERTYSETLIST, /* properties only, never a metric's */
    SPB_INT8_ARRAY = 22, SPB_INT16_ARRAY, SPB_INT32_ARRAY, SPB_INT64_ARRAY,
    SPB_UINT8_ARRAY = 26, SPB_UINT16_ARRAY, SPB_UINT32_ARRAY, SPB_UINT64_ARRAY,
    SPB_FLOAT_ARRAY = 30, SPB_DOUBLE_ARRAY, SPB_BOOLEAN_ARRAY, SPB_STRING_ARRAY, SPB_DATETIME_ARRAY,
    SPB_DATATYPE_COUNT /* 35: codes from here on are not Sparkplug's */
} spb_datatype;
/* clang-format on */

/* What family a value of the type belongs to; decides storage, JSON form and arithmetic. */
typedef enum spb_class {
    SPB_CLASS_NONE,     /* Unknown, PropertySet(List), codes out of range */
    SPB_CLASS_SIGNED,   /* Int8..Int64 */
    SPB_CLASS_UNSIGNED, /* UInt8..UInt64, DateTime */
    SPB_CLASS_FLOAT,    /* Float */
    SPB_CLASS_DOUBLE,   /* Double */
    SPB_CLASS_BOOLEAN,
    SPB_CLASS_STRING, /* String, Text, UUID */
    SPB_CLASS_BYTES,  /* Bytes, File */
    SPB_CLASS_DATASET,
    SPB_CLASS_TEMPLATE,
    SPB_CLASS_ARRAY /* codes 22..34: packed little-endian bytes */
} spb_class;

/* "Int8", "DateTimeArray", ...; "Unknown" for 0 and codes out of range. Static. */
const char *spb_datatype_name(uint32_t code);
/* Exact, case-sensitive name to code; PT_ENOTFOUND. "Unknown" is not found. */
PT_MUST_CHECK pt_status spb_datatype_parse(pt_slice name, spb_datatype *out);
spb_class spb_datatype_class(uint32_t code);
/* Bits of an integer type (8 16 32 64), 0 for others. DateTime is 64. */
unsigned spb_datatype_bits(uint32_t code);
/* Element type of an array code, SPB_UNKNOWN for others. */
spb_datatype spb_datatype_element(uint32_t code);
/* May a metric have it: 1..19 and 22..34 (tck-id-payloads-metric-datatype-value). */
bool spb_datatype_is_metric(uint32_t code);
/* "Basic type" 1..14: DataSet cells, template parameters, property values. */
bool spb_datatype_is_basic(uint32_t code);
#endif
