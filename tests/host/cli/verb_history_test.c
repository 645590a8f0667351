/* tests/host/cli/verb_history_test.c */
#include "tests/host/cli/plant.h"
#include "tests/host/cli/verb.h"

#define ALL_FNS \
    "count,numbers,min,max,avg,sum,first,last,twa,total,delta,range,stddev,stddev_pop,percent_good,duration_good,samples,interpolated"

static void help_and_wrong_calls(void)
{
    static const wrong_call rows[] = {
        { { "history" }, "which path?" },
        { { "history", "a", "--from", "yesterday" }, "--from: 'yesterday' is no time" },
        { { "history", "a", "--from", "now", "--to", "now" }, "--from must be before --to" },
        { { "history", "a", "--format", "xml" }, "--format is table, csv, json or jsonl" },
        { { "history", "a", "--fn", "avg" }, "--fn needs --interval" },
        { { "history", "a", "--interval", "1m", "--fn", "mode" }, "'mode' is not one of" },
        { { "history", "a", "--interval", "1m", "--fn", ALL_FNS ",TimeAverage" }, "twa is given twice" },
        { { "history", "a", "--interval", "0s" }, "--interval must be longer than nothing" },
        { { "history", "a", "--interval", "1m", "--max-points", "5" }, "either --interval or --max-points" },
        { { "history", "a", "--max-points", "1" }, "--max-points is a number from 2" },
        { { "history", "a", "--from" }, "--from needs a value" },
    };
    check_help(&cli_verb_history);
    check_wrong_calls(rows, PT_COUNT_OF(rows));
    CHECK_HOST_ABSENT("history", "a/b");
    CHECK_HOST_ABSENT("history", "a/b", "--format", "csv"); /* no header for a call that fails */
}

static void samples_come_in_the_contracts_shape(void)
{
    outcome o;
    CHECK(UNTIL(has_points, &o, "history", LEVEL, "--from", "now-1m", "--to", "now+1m"));
    json_t *v = outcome_json(&o), *s = json_array_get(json_object_get(v, "series"), 0), *t = json_object_get(s, "t");
    check_shape(v, "from_ms:i to_ms:i series:a");
    CHECK_INT(cli_i64(v, "to_ms") - cli_i64(v, "from_ms"), 120000);
    check_shape(s, "path:s tag_id:i unit:s type:s t:a v:a q:s raw_count:i");
    CHECK_STR(pt_cstr(cli_str(s, "path")), LEVEL);
    CHECK_STR(pt_cstr(cli_str(s, "type")), "Float");
    CHECK_INT(json_array_size(json_object_get(s, "v")), json_array_size(t));
    CHECK_INT(strlen(cli_str(s, "q")), json_array_size(t));
    CHECK_INT(cli_i64(s, "raw_count"), json_array_size(t));
    for (size_t i = 1; i < json_array_size(t); i++)
        CHECK(cli_int(json_array_get(t, i)) > cli_int(json_array_get(t, i - 1)));
    json_decref(v);
    outcome_release(&o);
}

static void csv_and_intervals_are_the_contracts(void)
{
    outcome o = CLI("history", LEVEL, "--from", "now-1m", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "time,path,value,quality,type,flags,base64\n20");
    CHECK_SAYS(o.out, "Z," LEVEL ",2.");
    CHECK_SAYS(o.out, ",GOOD,Float,,\n");
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--interval", "1m", "--fn", "count,max", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "time,path,count,max\n20");
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--interval", "1h", "--tz", "Asia/Kolkata", "--fn", "count,max", "--json");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "\"interval\":\"1h\",\"tz\":\"Asia/Kolkata\"");
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--interval", "1h", "--tz", "Asia/Atlantis", "--json");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "Asia/Atlantis");
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--interval", "10s", "--json");
    CHECK_CODE(o, 0);
    json_t *v = outcome_json(&o), *s = json_array_get(json_object_get(v, "series"), 0);
    check_shape(s, "path:s t:a count:a min:a max:a avg:a");
    json_decref(v);
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--max-points", "2", "--json");
    v = outcome_json(&o);
    s = json_array_get(json_object_get(v, "series"), 0);
    CHECK(json_array_size(json_object_get(s, "t")) <= 4 && cli_i64(s, "raw_count") > 4);
    json_decref(v);
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "TIME                      PATH                 ");
    outcome_release(&o);
}

static void a_path_without_a_tag_is_a_failure(void)
{
    static const char *const formats[] = { "table", "csv", "json" };
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        outcome o = CLI("history", "G/nowhere", "--format", formats[i]);
        CHECK_CODE(o, 1);
        CHECK_SAYS(o.err, "there is no tag G/nowhere");
        CHECK_INT(o.out.len, 0);
        outcome_release(&o);
    }
}

static void without_a_host_the_files_answer_the_same(void)
{
    outcome live = CLI("history", SETPOINT, "--from", "now-1h", "--format", "csv");
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
    outcome o = CLI("history", SETPOINT);
    CHECK_CODE(o, 4);
    outcome_release(&o);
    o = RUN("--data", plant_data(), "history", SETPOINT, "--from", "now-1h", "--format", "csv");
    CHECK_CODE(o, 0);
    pt_slice rest = pt_buf_view(&live.out), line;
    while (pt_slice_split(
        &rest, '\n',
        &line)) { /* the set-point's first value; more may have come since, of earlier, too: what waited in the edge node's spool */
        char *row = pt_slice_dup(line);
        CHECK_FATAL(row != NULL);
        CHECK_SAYS(o.out, row);
        free(row);
    }
    CHECK(live.out.len > strlen("time,path,value,quality,type,flags,base64\n"));
    outcome_release(&o);
    outcome_release(&live);
}

/* Into the directory while no host has it; then the same bytes from the host as from the files, and again from what was imported of them.
 */
static void every_type_comes_the_same_from_the_host(void)
{
#define PATHS "odd/a", "odd/b", "odd/c", "odd/d", "odd/e", "odd/f", "odd/g", "odd/h", "odd/i"
#define WHOLE "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z", "--format", "csv"
    char csv[420], again[420], fresh[420];
    snprintf(csv, sizeof csv, "%s/odd.csv", plant_dir());
    snprintf(again, sizeof again, "%s/odd-again.csv", plant_dir());
    snprintf(fresh, sizeof fresh, "%s/odd", plant_dir());
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(
        f &&
        fputs(
            "time,path,type,value,flags,base64\n"
            "2026-01-01T00:00:00Z,odd/a,UInt64,18446744073709551615,,\n2026-01-01T00:00:01Z,odd/a,Int64,-9223372036854775808,H,\n2026-01-01T00:00:02Z,odd/a,UInt64,,NH,\n"
            "2026-01-01T00:00:00Z,odd/b,Double,,,AAAAAAAA+P8=\n2026-01-01T00:00:01Z,odd/b,Double,NaN,,\n2026-01-01T00:00:02Z,odd/b,Float,0.1,,\n2026-01-01T00:00:03Z,odd/b,Float,,,AQDA/w==\n"
            "2026-01-01T00:00:00Z,odd/c,String,,,\n2026-01-01T00:00:01Z,odd/c,String,,,/w==\n2026-01-01T00:00:02Z,odd/c,String,\"a, \"\"b\"\"\n\",,\n2026-01-01T00:00:03Z,odd/c,String,,N,\n"
            "2026-01-01T00:00:00Z,odd/d,UInt64Array,\"[18446744073709551615,0]\",,\n2026-01-01T00:00:01Z,odd/d,DoubleArray,,,AAAAAAAA+P8=\n"
            "2026-01-01T00:00:00Z,odd/e,Bytes,AP8=,,\n2026-01-01T00:00:01Z,odd/e,Bytes,,,\n2026-01-01T00:00:00Z,odd/f,DateTime,1767225600123,,\n"
            "2026-01-01T00:00:00Z,odd/g,Boolean,true,,\n2026-01-01T00:00:00Z,odd/h,Template,\"{\"\"members\"\":{\"\"a\"\":1.5}}\",,\n2026-01-01T00:00:01Z,odd/h,Template,,,\n"
            "2026-01-01T00:00:00Z,odd/i,Double,-0.0,,\n2026-01-01T00:00:01Z,odd/i,Double,1e+22,,\n2026-01-01T00:00:02Z,odd/i,Double,12345678901234568,,\n2026-01-01T00:00:03Z,odd/i,Double,Infinity,,\n",
            f) >= 0 &&
        fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", plant_data());
    CHECK_CODE(o, 0);
    outcome_release(&o);
    outcome files = RUN("--data", plant_data(), "history", PATHS, WHOLE);
    CHECK_CODE(files, 0);
    CHECK_SAYS(
        files.out,
        "2026-01-01T00:00:00.000Z,odd/a,18446744073709551615,GOOD,UInt64,,\n2026-01-01T00:00:01.000Z,odd/a,-9223372036854775808,GOOD,Int64,H,\n"
        "2026-01-01T00:00:02.000Z,odd/a,,GOOD,UInt64,NH,\n2026-01-01T00:00:00.000Z,odd/b,NaN,GOOD,Double,,AAAAAAAA+P8=\n");
    plant_start(PLANT_HOST);
    CHECK(UNTIL(has_any, &o, "nodes"));
    outcome_release(&o);
    o = CLI("history", PATHS, WHOLE);
    CHECK_CODE(o, 0);
    CHECK_STR(pt_buf_view(&o.out), files.out.ptr);
    outcome_release(&o);
    f = fopen(again, "w");
    CHECK_FATAL(f && fwrite(files.out.ptr, 1, files.out.len, f) == files.out.len && fclose(f) == 0);
    o = RUN("import", again, "--data", fresh);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("--data", fresh, "history", PATHS, WHOLE);
    CHECK_STR(pt_buf_view(&o.out), files.out.ptr);
    outcome_release(&o);
    outcome_release(&files);
    CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
#undef PATHS
#undef WHOLE
}

static void aggregates_have_both_names(void)
{
    outcome o = RUN("--data", plant_data(), "history", LEVEL, "--from", "now-1h", "--interval", "1h", "--fn", "count,Range,TimeAverage",
                    "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_SAYS(o.out, "time,path,count,range,twa\n");
    outcome_release(&o);
    o = RUN("--data", plant_data(), "history", LEVEL, "--interval", "1h", "--fn", "median");
    CHECK_CODE(o, 2);
    CHECK_SAYS(o.err, "median");
    outcome_release(&o);
}

/* In the order they are asked for, from the host and from the files. */
static void all_functions_are_given_at_once(void)
{
    static const char *const formats[] = { "csv", "json", "table" };
    char data[420] = "";
    for (int files = 0; files < 2; files++) {
        if (files) CHECK_INT(plant_end(PLANT_HOST, SIGTERM), 0);
        snprintf(data, sizeof data, "%s", plant_data());
        for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
            outcome o = files ? RUN("--data", data, "history", LEVEL, "--from", "now-1h", "--interval", "1h", "--fn", ALL_FNS, "--format",
                                    formats[i])
                              : CLI("history", LEVEL, "--from", "now-1h", "--interval", "1h", "--fn", ALL_FNS, "--format", formats[i]);
            CHECK_CODE(o, 0);
            pt_slice rest = pt_cstr(ALL_FNS), name;
            const char *at = o.out.ptr;
            for (size_t n = 0; pt_slice_split(&rest, ',', &name); n++) {
                char text[40];
                snprintf(text, sizeof text, "%.*s", PT_SLICE_ARGS(name));
                at = strstr(at, text);
                pt_check_at(at != NULL, true, __FILE__, __LINE__, "%s: no %s in '%.400s'", formats[i], text, o.out.ptr);
            }
            outcome_release(&o);
        }
    }
    plant_start(PLANT_HOST);
    outcome o;
    CHECK(UNTIL(has_any, &o, "nodes"));
    outcome_release(&o);
}

static void calls_on_files_that_fail_print_nothing_either(void)
{
    static const char *const formats[] = { "table", "csv", "json" };
    for (size_t i = 0; i < PT_COUNT_OF(formats); i++) {
        outcome o = RUN("--data", plant_data(), "history", LEVEL, "G/nowhere", "--from", "now-1h", "--format", formats[i]);
        CHECK_CODE(o, 1);
        CHECK_SAYS(o.err, "there is no tag G/nowhere");
        CHECK_INT(o.out.len, 0);
        outcome_release(&o);
        o = RUN("--data", plant_data(), "history", LEVEL, "--from", "now-9y", "--interval", "1ms", "--format", formats[i]);
        CHECK_CODE(o, 2);
        CHECK_SAYS(o.err, "intervals");
        CHECK_INT(o.out.len, 0);
        outcome_release(&o);
    }
}

/* From files whose values are known, and from the host, which has the same columns. */
static void interpolated_values_are_on_the_line(void)
{
    char csv[420], dir[420];
    snprintf(csv, sizeof csv, "%s/line.csv", plant_dir());
    snprintf(dir, sizeof dir, "%s/line", plant_dir());
    FILE *f = fopen(csv, "w");
    CHECK_FATAL(
        f &&
        fputs("time,path,value,quality,type\n"
              "2026-01-01T00:05:00Z,a/x,1,GOOD,Double\n2026-01-01T00:15:00Z,a/x,3,GOOD,Double\n2026-01-01T00:25:00Z,a/x,4.5,BAD,Double\n"
              "2026-01-01T00:05:00Z,a/n,1,GOOD,Int32\n2026-01-01T00:15:00Z,a/n,3,GOOD,Int32\n2026-01-01T00:25:00Z,a/n,5,GOOD,Int32\n",
              f) >= 0 &&
        fclose(f) == 0);
    outcome o = RUN("import", csv, "--data", dir);
    CHECK_CODE(o, 0);
    outcome_release(&o);
    o = RUN("--data", dir, "history", "a/x", "a/n", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:40:00Z", "--interval", "10m",
            "--fn", "Interpolative,count", "--format", "csv");
    CHECK_CODE(o, 0);
    CHECK_STR(
        pt_buf_view(&o.out),
        "time,path,interpolated,count\n"
        "2026-01-01T00:00:00.000Z,a/x,,1\n2026-01-01T00:10:00.000Z,a/x,2,1\n2026-01-01T00:20:00.000Z,a/x,3,1\n2026-01-01T00:30:00.000Z,a/x,,0\n"
        "2026-01-01T00:00:00.000Z,a/n,,1\n2026-01-01T00:10:00.000Z,a/n,1,1\n2026-01-01T00:20:00.000Z,a/n,3,1\n2026-01-01T00:30:00.000Z,a/n,5,0\n");
    outcome_release(&o);
    o = CLI("history", LEVEL, "--from", "now-1m", "--interval", "10s", "--fn", "interpolated", "--json");
    json_t *v = outcome_json(&o);
    const json_t *s = json_array_get(json_object_get(v, "series"), 0);
    CHECK_INT(json_array_size(json_object_get(s, "interpolated")), json_array_size(json_object_get(s, "t")));
    json_decref(v);
    outcome_release(&o);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(help_and_wrong_calls),
        PT_TEST(samples_come_in_the_contracts_shape),
        PT_TEST(csv_and_intervals_are_the_contracts),
        PT_TEST(a_path_without_a_tag_is_a_failure),
        PT_TEST(interpolated_values_are_on_the_line),
        PT_TEST(all_functions_are_given_at_once),
        PT_TEST(calls_on_files_that_fail_print_nothing_either),
        PT_TEST(without_a_host_the_files_answer_the_same),
        PT_TEST(every_type_comes_the_same_from_the_host),
        PT_TEST(aggregates_have_both_names),
    };
    return plant_main("host/cli/verb_history", tests, PT_COUNT_OF(tests), argc, argv);
}
