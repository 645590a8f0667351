/* sparkplug/datatype.c -- one row per datatype code; every question about a code is a look into it. */
#include "sparkplug/datatype.h"

typedef struct row {
    const char *name;
    uint8_t class;   /* spb_class */
    uint8_t bits;    /* integers only */
    uint8_t element; /* arrays only: spb_datatype */
} row;

static const row rows[SPB_DATATYPE_COUNT] = {
    [SPB_UNKNOWN] = { "Unknown", SPB_CLASS_NONE, 0, 0 },
    [SPB_INT8] = { "Int8", SPB_CLASS_SIGNED, 8, 0 },
    [SPB_INT16] = { "Int16", SPB_CLASS_SIGNED, 16, 0 },
    [SPB_INT32] = { "Int32", SPB_CLASS_SIGNED, 32, 0 },
    [SPB_INT64] = { "Int64", SPB_CLASS_SIGNED, 64, 0 },
    [SPB_UINT8] = { "UInt8", SPB_CLASS_UNSIGNED, 8, 0 },
    [SPB_UINT16] = { "UInt16", SPB_CLASS_UNSIGNED, 16, 0 },
    [SPB_UINT32] = { "UInt32", SPB_CLASS_UNSIGNED, 32, 0 },
    [SPB_UINT64] = { "UInt64", SPB_CLASS_UNSIGNED, 64, 0 },
    [SPB_FLOAT] = { "Float", SPB_CLASS_FLOAT, 0, 0 },
    [SPB_DOUBLE] = { "Double", SPB_CLASS_DOUBLE, 0, 0 },
    [SPB_BOOLEAN] = { "Boolean", SPB_CLASS_BOOLEAN, 0, 0 },
    [SPB_STRING] = { "String", SPB_CLASS_STRING, 0, 0 },
    [SPB_DATETIME] = { "DateTime", SPB_CLASS_UNSIGNED, 64, 0 },
    [SPB_TEXT] = { "Text", SPB_CLASS_STRING, 0, 0 },
    [SPB_UUID] = { "UUID", SPB_CLASS_STRING, 0, 0 },
    [SPB_DATASET] = { "DataSet", SPB_CLASS_DATASET, 0, 0 },
    [SPB_BYTES] = { "Bytes", SPB_CLASS_BYTES, 0, 0 },
    [SPB_FILE] = { "File", SPB_CLASS_BYTES, 0, 0 },
    [SPB_TEMPLATE] = { "Template", SPB_CLASS_TEMPLATE, 0, 0 },
    [SPB_PROPERTYSET] = { "PropertySet", SPB_CLASS_NONE, 0, 0 },
    [SPB_PROPERTYSETLIST] = { "PropertySetList", SPB_CLASS_NONE, 0, 0 },
    [SPB_INT8_ARRAY] = { "Int8Array", SPB_CLASS_ARRAY, 0, SPB_INT8 },
    [SPB_INT16_ARRAY] = { "Int16Array", SPB_CLASS_ARRAY, 0, SPB_INT16 },
    [SPB_INT32_ARRAY] = { "Int32Array", SPB_CLASS_ARRAY, 0, SPB_INT32 },
    [SPB_INT64_ARRAY] = { "Int64Array", SPB_CLASS_ARRAY, 0, SPB_INT64 },
    [SPB_UINT8_ARRAY] = { "UInt8Array", SPB_CLASS_ARRAY, 0, SPB_UINT8 },
    [SPB_UINT16_ARRAY] = { "UInt16Array", SPB_CLASS_ARRAY, 0, SPB_UINT16 },
    [SPB_UINT32_ARRAY] = { "UInt32Array", SPB_CLASS_ARRAY, 0, SPB_UINT32 },
    [SPB_UINT64_ARRAY] = { "UInt64Array", SPB_CLASS_ARRAY, 0, SPB_UINT64 },
    [SPB_FLOAT_ARRAY] = { "FloatArray", SPB_CLASS_ARRAY, 0, SPB_FLOAT },
    [SPB_DOUBLE_ARRAY] = { "DoubleArray", SPB_CLASS_ARRAY, 0, SPB_DOUBLE },
    [SPB_BOOLEAN_ARRAY] = { "BooleanArray", SPB_CLASS_ARRAY, 0, SPB_BOOLEAN },
    [SPB_STRING_ARRAY] = { "StringArray", SPB_CLASS_ARRAY, 0, SPB_STRING },
    [SPB_DATETIME_ARRAY] = { "DateTimeArray", SPB_CLASS_ARRAY, 0, SPB_DATETIME },
};

static const row *row_of(uint32_t code)
{
    return &rows[code < SPB_DATATYPE_COUNT ? code : SPB_UNKNOWN];
}

const char *spb_datatype_name(uint32_t code)
{
    return row_of(code)->name;
}

pt_status spb_datatype_parse(pt_slice name, spb_datatype *out)
{
    for (uint32_t code = 1; code < SPB_DATATYPE_COUNT; code++) {
        if (pt_slice_eq_cstr(name, rows[code].name)) {
            *out = (spb_datatype)code;
            return PT_OK;
        }
    }
    return PT_ENOTFOUND;
}

spb_class spb_datatype_class(uint32_t code)
{
    return (spb_class)row_of(code)->class;
}

unsigned spb_datatype_bits(uint32_t code)
{
    return row_of(code)->bits;
}

spb_datatype spb_datatype_element(uint32_t code)
{
    return (spb_datatype)row_of(code)->element;
}

bool spb_datatype_is_metric(uint32_t code)
{
    return row_of(code)->class != SPB_CLASS_NONE;
}

bool spb_datatype_is_basic(uint32_t code)
{
    return code >= SPB_INT8 && code <= SPB_TEXT;
}
