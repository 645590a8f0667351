/* host/http/json.h -- how the API writes values and problems. For host/ only. */
#ifndef HOST_JSON_H
#define HOST_JSON_H
#include "sparkplug/value.h"

/* The value as JSON; with int64_string, 64-bit integers beyond 2^53 become strings (JavaScript clients ask for it). */
void host__json_value(pt_json *j, const spb_value *v, bool int64_string);
#endif
