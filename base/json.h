/* base/json.h -- write JSON in canonical form: no white space, members in the order given.
 *
 * Streams into a pt_buf (so its limit holds); check pt_buf_status once at the end. Strings are UTF-8 checked: each
 * invalid byte becomes U+FFFD, so the output is always valid JSON. Reading JSON is jansson's work, not ours. */
#ifndef PT_JSON_H
#define PT_JSON_H
#include "base/buf.h"

typedef struct pt_json {
    pt_buf *out;
    bool comma; /* the next value at this level needs one */
} pt_json;

void pt_json_init(pt_json *j, pt_buf *out);
void pt_json_object(pt_json *j);
void pt_json_end_object(pt_json *j);
void pt_json_array(pt_json *j);
void pt_json_end_array(pt_json *j);
void pt_json_key(pt_json *j, const char *key);
void pt_json_key_slice(pt_json *j, pt_slice key);
void pt_json_null(pt_json *j);
void pt_json_bool(pt_json *j, bool v);
void pt_json_i64(pt_json *j, int64_t v);
void pt_json_u64(pt_json *j, uint64_t v);
/* Shortest text that reads back as the same double (1.5, 1e+22); NaN and infinities, which JSON lacks, become
 * the strings "NaN", "Infinity", "-Infinity". */
void pt_json_f64(pt_json *j, double v);
void pt_json_f32(pt_json *j, float v);    /* shortest that reads back as the same float */
void pt_json_str(pt_json *j, pt_slice v); /* absent slice: null */
void pt_json_base64(pt_json *j, pt_slice bytes);
void pt_json_raw(pt_json *j, pt_slice json); /* already JSON, inserted as a value */

void pt_json_member_cstr(pt_json *j, const char *key, const char *v); /* NULL: null */
void pt_json_member_str(pt_json *j, const char *key, pt_slice v);
void pt_json_member_i64(pt_json *j, const char *key, int64_t v);
void pt_json_member_u64(pt_json *j, const char *key, uint64_t v);
void pt_json_member_f64(pt_json *j, const char *key, double v);
void pt_json_member_bool(pt_json *j, const char *key, bool v);
void pt_json_member_null(pt_json *j, const char *key);

/* The number texts above, for CSV and tables: NUL-terminated in `out`, length returned. */
size_t pt_f64_text(double v, char out[32]);
size_t pt_f32_text(float v, char out[32]);
size_t pt_i64_text(int64_t v, char out[32]);
size_t pt_u64_text(uint64_t v, char out[32]);
#endif
