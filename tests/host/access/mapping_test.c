/* tests/host/access/mapping_test.c -- which rows hold for whom. */
#include "tests/host/access/rig.h"

#define F(from, value)               \
    {                                \
        ACCESS_FROM_##from,          \
        {                            \
            value, sizeof(value) - 1 \
        }                            \
    }
static const pt_slice line1[] = { { "acme/line1/**", 13 } };
static const access_map_row map[] = {
    { ACCESS_FROM_GROUP, { "operators", 9 }, QUERY_OPERATOR, { line1, 1 } },
    { ACCESS_FROM_SUBJECT, { "CN=scada,O=Acme", 15 }, QUERY_ADMIN, { NULL, 0 } },
    { ACCESS_FROM_SAN, { "dns:historian.acme", 18 }, QUERY_VIEWER, { NULL, 0 } },
    { ACCESS_FROM_CLAIM, { "role=engineer", 13 }, QUERY_ENGINEER, { NULL, 0 } },
    { ACCESS_FROM_GROUP, { "*", 1 }, QUERY_VIEWER, { line1, 1 } },
};

static void rows_hold_for_those_who_have_the_value(void)
{
    static const struct {
        const char *name;
        access_fact facts[3];
        size_t n;
        size_t rights;
        query_role first;
    } rows[] = {
        { "nobody", { F(GROUP, "") }, 0, 0, QUERY_VIEWER },
        { "an operator, and of some group", { F(GROUP, "guests"), F(GROUP, "operators") }, 2, 2, QUERY_OPERATOR },
        { "of some group", { F(GROUP, "guests") }, 1, 1, QUERY_VIEWER },
        { "an empty group is none", { F(GROUP, "") }, 1, 0, QUERY_VIEWER },
        { "another case is another group", { F(GROUP, "Operators") }, 1, 1, QUERY_VIEWER },
        { "a part of the name is no match", { F(SUBJECT, "CN=scada,O=Acme,C=JP") }, 1, 0, QUERY_VIEWER },
        { "a certificate", { F(SUBJECT, "CN=scada,O=Acme") }, 1, 1, QUERY_ADMIN },
        { "a value of another origin is no match", { F(SAN, "operators"), F(CLAIM, "operators") }, 2, 0, QUERY_VIEWER },
        { "a claim", { F(CLAIM, "role=engineer"), F(SAN, "dns:historian.acme") }, 2, 2, QUERY_VIEWER },
        { "a literal star is a value like others", { F(SUBJECT, "*") }, 1, 0, QUERY_VIEWER },
    };
    access_right rights[PT_COUNT_OF(map)];
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_identity id = { ACCESS_PROXY, PT_LIT("x"), rows[i].facts, rows[i].n };
        size_t n = access_map_rights(map, PT_COUNT_OF(map), &id, rights, PT_COUNT_OF(rights));
        CHECK_ROW(rows[i].name, n == rows[i].rights);
        if (n) CHECK_ROW(rows[i].name, rights[0].role == rows[i].first);
        CHECK_ROW(rows[i].name, access_map_rights(map, PT_COUNT_OF(map), &id, rights, 0) == n);
    }
}

static void a_wrong_row_is_named(void)
{
    static const pt_slice empty[] = { { "", 0 } };
    static const struct {
        access_map_row row;
        const char *says;
    } rows[] = {
        { { ACCESS_FROM_GROUP, { "", 0 }, QUERY_VIEWER, { NULL, 0 } }, "row 2: value must be" },
        { { ACCESS_FROM_GROUP, { "\xff", 1 }, QUERY_VIEWER, { NULL, 0 } }, "row 2: value must be" },
        { { ACCESS_FROM_GROUP, { "g", 1 }, QUERY_VIEWER, { empty, 1 } }, "row 2: an empty path pattern" },
        { { ACCESS_FROMS, { "g", 1 }, QUERY_VIEWER, { NULL, 0 } }, "row 2: no such origin" },
        { { ACCESS_FROM_GROUP, { "g", 1 }, (query_role)7, { NULL, 0 } }, "row 2: no such origin or role" },
    };
    CHECK_OK(access_map_check(map, PT_COUNT_OF(map), NULL));
    CHECK_OK(access_map_check(NULL, 0, NULL));
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        access_map_row two[] = { map[0], rows[i].row };
        pt_error err = { 0 };
        CHECK_STATUS(access_map_check(two, 2, &err), PT_EINVAL);
        pt_check_at(strstr(err.text, rows[i].says) != NULL, false, __FILE__, __LINE__, "%s", err.text);
    }
    CHECK_STATUS(access_map_check(map, ACCESS_MAP_MAX + 1, NULL), PT_ETOOBIG);
}

static void origins_have_words(void)
{
    static const char *const words[] = { "group", "subject", "san", "claim" };
    access_from from;
    for (unsigned i = 0; i < ACCESS_FROMS; i++) {
        CHECK_STR(pt_cstr(access_from_name((access_from)i)), words[i]);
        CHECK(access_from_parse(pt_cstr(words[i]), &from) && from == (access_from)i);
    }
    CHECK(!access_from_parse(PT_LIT("user"), &from));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(rows_hold_for_those_who_have_the_value), PT_TEST(a_wrong_row_is_named),
                                     PT_TEST(origins_have_words) };
    return pt_test_main("access/mapping", tests, PT_COUNT_OF(tests), argc, argv);
}
