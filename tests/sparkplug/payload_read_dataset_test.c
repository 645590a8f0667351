/* sparkplug/payload_read_dataset.c: DataSets as they stand on the wire, and what is none. */
#include "sparkplug/payload.h"
#include "tests/support/check.h"

#include <string.h>

/* A payload of one metric that holds the DataSet of these bytes. */
static pt_status decode(const char *hex, pt_arena *arena, spb_payload *out, pt_error *err)
{
    char bytes[512], whole[600];
    pt_slice ds = pt_unhex(hex, bytes, sizeof bytes);
    size_t n = 0;
    CHECK_FATAL(ds.len < 120);
    whole[n++] = 0x12; /* metrics */
    whole[n++] = (char)(ds.len + 3);
    whole[n++] = (char)0x8a; /* dataset_value, field 17 */
    whole[n++] = 0x01;
    whole[n++] = (char)ds.len;
    memcpy(whole + n, ds.ptr, ds.len);
    /* `whole` is gone when this returns, the slices with it */
    char *kept = pt_arena_alloc(arena, n + ds.len);
    CHECK_FATAL(kept != NULL);
    memcpy(kept, whole, n + ds.len);
    return spb_payload_decode(pt_slice_of(kept, n + ds.len), NULL, arena, out, err);
}

static void columns_types_and_cells_are_read_in_order(void)
{
    pt_arena arena;
    spb_payload p;
    pt_error err = { 0, "" };
    pt_arena_init(&arena, 1u << 20);
    /* 2 columns "a","b"; types 3 (Int32) and 12 (String), one packed, one plain; a row: int 7, string "x" */
    CHECK_OK_FATAL(decode("08 02 12 01 61 12 01 62 1a 01 03 18 0c 22 09 0a 02 08 07 0a 03 32 01 78", &arena, &p, &err));
    const spb_dataset *ds = p.metrics[0].value.dataset;
    CHECK_FATAL(p.metrics[0].wire == SPB_WIRE_DATASET && ds != NULL);
    CHECK(ds->n_columns == 2 && ds->n_types == 2 && ds->n_rows == 1);
    CHECK_STR(ds->columns[1], "b");
    CHECK(ds->types[0] == 3 && ds->types[1] == 12);
    pt_arena_fini(&arena);
}

static void a_dataset_that_is_damaged_is_named_with_its_place(void)
{
    static const char *const rows[] = {
        "22 05 0a 02 08", /* a cell is cut */
        "12 05 61",       /* a column's name is longer than what is left */
        "0d 00 00 00 00", /* num_of_columns as a float */
        "22 03 0a 01 ff", /* a cell of one broken byte */
        "1a 02 80 80",    /* a packed type that does not end */
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_arena arena;
        spb_payload p;
        pt_error err = { 0, "" };
        pt_arena_init(&arena, 1u << 20);
        CHECK_ROW(rows[i], decode(rows[i], &arena, &p, &err) == PT_EMALFORMED && err.text[0]);
        pt_arena_fini(&arena);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(columns_types_and_cells_are_read_in_order),
        PT_TEST(a_dataset_that_is_damaged_is_named_with_its_place),
    };
    return pt_test_main("sparkplug/payload_read_dataset", tests, PT_COUNT_OF(tests), argc, argv);
}
