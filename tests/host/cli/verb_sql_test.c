/* tests/host/cli/verb_sql_test.c -- SQL over the contract's tables, beside the running host and without it. */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#include <stdio.h>

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = { { { "sql" }, "one argument is expected: the query" },
                                       { { "sql", "a", "b" }, "one argument is expected: the query" } };
    check_help(&cli_verb_sql);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("sql", "SELECT 1");
}

static void the_running_hosts_files_are_found(void)
{
    outcome o;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-5m"));
    outcome_release(&o);
    o = CLI("sql", "--csv", "SELECT path FROM tag WHERE metric='Level/PV'");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "path\n" LEVEL "\n");
    outcome_release(&o);
}

/* The tables and columns the contract names. */
static void the_contracts_tables_have_its_columns(void)
{
    static const char *const queries[] = {
        "SELECT tag_id, source, group_id, edge, device, metric, path, type, unit, first_ms, last_ms, samples FROM tag WHERE path='" LEVEL
        "'",
        "SELECT tag_id, path, time_ms, value, quality, historical FROM history WHERE path='" LEVEL "' ORDER BY time_ms LIMIT 1",
        "SELECT tag_id, path, from_ms, to_ms, interval_ms, t_ms, count, min, max, avg, first, last FROM bucket(0, 4000000000000, 4000000000000) WHERE path='" LEVEL
        "'",
        "SELECT seq, time_ms, type, node, device, path, detail FROM event WHERE type='nbirth' LIMIT 1",
        "SELECT tag_id, path, from_ms, to_ms FROM tag_path WHERE path='" LEVEL "'",
    };
    for (size_t i = 0; i < PT_COUNT_OF(queries); i++) {
        outcome o = CLI("sql", queries[i], "--json");
        CHECK_CODE(o, 0);
        json_t *v = outcome_json(&o);
        CHECK_ROW(queries[i], json_array_size(v) == 1);
        json_decref(v);
        outcome_release(&o);
    }
}

static void each_kind_of_cell_has_its_form(void)
{
    static const char query[] = "SELECT 1 AS i, 0.1 AS r, NULL AS n, 'x,\"y\"' AS t, x'00ff' AS b";
    outcome o = CLI("sql", query, "--csv");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "i,r,n,t,b\n1,0.1,,\"x,\"\"y\"\"\",AP8=\n");
    outcome_release(&o);
    o = CLI("sql", query, "--json");
    CHECK_STR(pt_buf_view(&o.out), "[{\"i\":1,\"r\":0.1,\"n\":null,\"t\":\"x,\\\"y\\\"\",\"b\":\"AP8=\"}]\n");
    outcome_release(&o);
    o = CLI("sql", query);
    CHECK_STR(pt_buf_view(&o.out), "i  r    n  t      b\n1  0.1  -  x,\"y\"  AP8=\n");
    outcome_release(&o);
    o = CLI("sql", "SELECT 1 AS a WHERE 0", "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "[]\n");
    outcome_release(&o);
    o = CLI("sql", "SELECT 1 AS a, 2 AS b WHERE 0", "--csv"); /* no rows, but columns */
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "a,b\n");
    outcome_release(&o);
    o = CLI("sql", "SELECT 1 AS a WHERE 0");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "a\n");
    outcome_release(&o);
}

static void a_second_statement_has_the_firsts_columns_or_is_refused(void)
{
    outcome o = CLI("sql", "SELECT 1 AS a; SELECT 2 AS a", "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "[{\"a\":1},{\"a\":2}]\n");
    outcome_release(&o);
    static const char *const queries[] = { "SELECT 1 AS a; SELECT 2 AS b", "SELECT 1 AS a; SELECT 2 AS a, 3 AS b WHERE 0" };
    for (size_t i = 0; i < PT_COUNT_OF(queries); i++) {
        o = CLI("sql", queries[i]);
        CHECK_CODE(o, 2);
        CHECK_SAYS(o.err, "other columns than the first");
        outcome_release(&o);
    }
}

static void nothing_can_be_written_and_faults_are_said(void)
{
    static const char *const queries[] = { "DELETE FROM tag",    "CREATE TABLE x(a)", "UPDATE tag SET path='x'",
                                           "ATTACH 'x.db' AS x", "SELECT nonsense",   "SELEC 1" };
    for (size_t i = 0; i < PT_COUNT_OF(queries); i++) {
        outcome o = CLI("sql", queries[i]);
        CHECK_ROW(queries[i], o.code == 2 || o.code == 3);
        CHECK_ROW(queries[i], o.err.len > 0 && o.out.len == 0);
        outcome_release(&o);
    }
    outcome o = CLI("sql", "SELECT nonsense");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "nonsense");
    outcome_release(&o);
    o = CLI("read", LEVEL); /* and the host goes on */
    CHECK_CODE(o, 0);
    outcome_release(&o);
}

static void without_a_host_the_files_are_named(void)
{
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
    outcome o = CLI("sql", "SELECT 1");
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.err, "--data");
    outcome_release(&o);
    o = RUN("sql", "SELECT count(*) > 4 AS many FROM history WHERE path='" LEVEL "'", "--data", plant_data(), "--json");
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), "[{\"many\":1}]\n");
    outcome_release(&o);
    o = RUN("sql", "SELECT 1", "--data", "/nowhere/at/all");
    CHECK_CODE(o, 1);
    CHECK_SAYS(o.err, "/nowhere");
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(the_running_hosts_files_are_found),
        PT_TEST(the_contracts_tables_have_its_columns),
        PT_TEST(each_kind_of_cell_has_its_form),
        PT_TEST(a_second_statement_has_the_firsts_columns_or_is_refused),
        PT_TEST(nothing_can_be_written_and_faults_are_said),
        PT_TEST(without_a_host_the_files_are_named),
    };
    return plant_main("host/cli/verb_sql", tests, PT_COUNT_OF(tests), argc, argv);
}
