/* The list of drivers, and the values of their configuration keys. */
#include "edge-node/driver.h"
#include "tests/support/check.h"

static void drivers_are_found_by_name_and_their_tables_are_complete(void)
{
    static const char *const names[] = { "modbus-tcp", "modbus-rtu", "sim" };
    size_t n = 0;
    for (const edge_driver *d; (d = edge_driver_at(n)); n++) {
        CHECK_ROW(d->name, edge_driver_find(pt_cstr(d->name)) == d);
        CHECK_ROW(d->name,
                  d->doc && d->open && d->close && d->channel && d->channel_new && d->channel_free && d->poll && d->write && d->stats);
        for (const edge_driver_key *lists[] = { d->device_keys, d->tag_keys }, **k = lists; k < lists + 2; k++)
            for (size_t i = 0; i < edge_driver_keys_count(*k); i++) {
                edge_option o;
                CHECK_ROW((*k)[i].key, (*k)[i].doc && (*k)[i].doc[0] && ((*k)[i].type == EDGE_KEY_ENUM) == ((*k)[i].names != NULL));
                CHECK_ROW((*k)[i].key, !(*k)[i].required || !(*k)[i].def);
                if ((*k)[i].def) CHECK_ROW((*k)[i].key, edge_option_parse(&(*k)[i], (*k)[i].def, &o, NULL) == PT_OK);
            }
    }
    CHECK_INT(n, PT_COUNT_OF(names));
    for (size_t i = 0; i < PT_COUNT_OF(names); i++)
        CHECK_ROW(names[i], edge_driver_find(pt_cstr(names[i])) != NULL);
    CHECK(edge_driver_find(PT_LIT("Sim")) == NULL && edge_driver_find(PT_LIT("")) == NULL && edge_driver_at(99) == NULL);
}

static void values_of_keys_are_parsed_and_bounded(void)
{
    static const char *const words[] = { "none", "even", NULL };
    static const struct {
        edge_driver_key key;
        const char *text, *why; /* why NULL: good */
        int64_t i;
        double d;
    } rows[] = {
        { { .key = "unit", .type = EDGE_KEY_INT, .min = 0, .max = 255 }, "255", NULL, 255, 255 },
        { { .key = "unit", .type = EDGE_KEY_INT, .min = 0, .max = 255 }, "256", "unit must be from 0 to 255", 0, 0 },
        { { .key = "unit", .type = EDGE_KEY_INT }, "1.5", "whole number, not '1.5'", 0, 0 },
        { { .key = "unit", .type = EDGE_KEY_INT }, "", "whole number", 0, 0 },
        { { .key = "gain", .type = EDGE_KEY_DOUBLE }, "-2.5", NULL, 0, -2.5 },
        { { .key = "gain", .type = EDGE_KEY_DOUBLE }, "much", "must be a number, not 'much'", 0, 0 },
        { { .key = "on", .type = EDGE_KEY_BOOL }, "true", NULL, 1, 0 },
        { { .key = "on", .type = EDGE_KEY_BOOL }, "false", NULL, 0, 0 },
        { { .key = "on", .type = EDGE_KEY_BOOL }, "yes", "true or false, not 'yes'", 0, 0 },
        { { .key = "timeout", .type = EDGE_KEY_DURATION, .min = 10, .max = 60000 }, "1s", NULL, 1000, 1000 },
        { { .key = "timeout", .type = EDGE_KEY_DURATION, .min = 10, .max = 60000 }, "5ms", "from 10 to 60000", 0, 0 },
        { { .key = "timeout", .type = EDGE_KEY_DURATION }, "soon", "timeout: ", 0, 0 },
        { { .key = "parity", .type = EDGE_KEY_ENUM, .names = words }, "even", NULL, 1, 0 },
        { { .key = "parity", .type = EDGE_KEY_ENUM, .names = words }, "Even", "'Even' is none of the words", 0, 0 },
        { { .key = "address", .type = EDGE_KEY_TEXT, .min = 1, .max = 4 }, "abcd", NULL, 0, 0 },
        { { .key = "address", .type = EDGE_KEY_TEXT, .min = 1, .max = 4 }, "abcde", "must have 1 to 4 bytes", 0, 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        pt_error err = { 0 };
        edge_option o = { 0 };
        pt_status st = edge_option_parse(&rows[i].key, rows[i].text, &o, &err);
        CHECK_ROW(rows[i].text, st == (rows[i].why ? PT_EINVAL : PT_OK));
        if (rows[i].why) CHECK_ROW(rows[i].text, strstr(err.text, rows[i].why) && !o.set); /* untouched */
        else CHECK_ROW(rows[i].text, o.set && o.i == rows[i].i && o.d == rows[i].d && o.text == rows[i].text);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(drivers_are_found_by_name_and_their_tables_are_complete),
        PT_TEST(values_of_keys_are_parsed_and_bounded),
    };
    return pt_test_main("edge-node/drivers", tests, PT_COUNT_OF(tests), argc, argv);
}
