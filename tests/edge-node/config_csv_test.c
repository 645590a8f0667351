/* Tags in CSV: read, written back, faults with their lines. */
#include "tests/edge-node/load.h"

static void tags_come_from_csv_and_go_there(void)
{
    write_file(
        "tags.csv",
        "\xef\xbb\xbfname,type,register,order,unit,deadband,write,description\r\nLevel,Float,holding:0,word-swap,m,0.5,,\"a \"\"b\"\", c\"\r\n\r\nValve,Boolean,coil:3,,,,true,\r\n");
    loaded l = load(
        HEAD
        "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 127.0.0.1\n    tags_file: tags.csv\n    tags:\n      - { name: Temp, type: Int16, register: 'input:1' }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    pt_check_at(l.st == PT_OK, true, __FILE__, __LINE__, "%s", text ? text : "");
    free(text);
    const edge_device_config *d = &l.file->c.devices[0];
    CHECK_INT(d->n_tags, 3);
    CHECK_STR(pt_cstr(d->tags[1].name), "Level");
    CHECK(d->tags[1].deadband == 0.5 && d->tags[2].write);
    CHECK_STR(pt_cstr(d->tags[1].description), "a \"b\", c");
    pt_buf out, again;
    pt_buf_init(&out, 1 << 20);
    edge_config_export_csv(l.file, d, &out);
    pt_buf_char(&out, 0);
    write_file("out.csv", out.ptr);
    loaded m = load(HEAD "devices:\n  - id: d\n    driver: modbus-tcp\n    address: 127.0.0.1\n    tags_file: out.csv\n");
    text = pt_slice_dup(pt_buf_view(&m.faults));
    pt_check_at(m.st == PT_OK, true, __FILE__, __LINE__, "%s", text ? text : "");
    free(text);
    pt_buf_init(&again, 1 << 20);
    edge_config_export_csv(m.file, &m.file->c.devices[0], &again);
    CHECK_STR(pt_buf_view(&again), out.ptr);
    pt_buf_fini(&out);
    pt_buf_fini(&again);
    unload(&l);
    unload(&m);
}

static void faults_in_csv_name_its_lines(void)
{
    write_file("bad.csv", "name,type,register\nA,Float,holding:0\nB,Nonsense,holding:2\nC,Float,nowhere\nD,Float\n");
    loaded l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: bad.csv }\n");
    char *text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && text && strstr(text, "bad.csv:3:1: tag 'B'") && strstr(text, "bad.csv:5:1: 2 cells where the header has 3"));
    free(text);
    unload(&l);
    write_file("bad.csv", "name,type,registr\nA,Float,holding:0\n");
    l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: bad.csv }\n");
    text = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(text && strstr(text, "bad.csv:1:1: 'registr' is no key"));
    free(text);
    unload(&l);
    l = load(HEAD "devices:\n  - { id: d, driver: sim, tags_file: absent.csv }\n");
    CHECK(l.st != PT_OK);
    unload(&l);
}

static void what_is_no_csv_is_a_fault_with_its_line(void)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        { "", "bad.csv:1:1: the first line must name the columns" },
        { "name,type,register\nA,Float,\"holding:0\nB,Float,holding:2\n", "bad.csv:2:1: a quoted cell does not end" },
        { "name,type,register\nA,\"Float\" x,holding:0\n", "bad.csv:2:1: there is text behind a closing quote" },
        { "name,type,description,register\nA,Float,\"two\nlines\",holding:0\nB,Float,\"x\ny\",holding:2,more\n",
          "bad.csv:4:1: 5 cells where the header has 4" },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        write_file("bad.csv", rows[i].text);
        loaded l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: bad.csv }\n");
        char *text = pt_slice_dup(pt_buf_view(&l.faults));
        CHECK_ROW(rows[i].fault, l.st != PT_OK && text && strstr(text, rows[i].fault));
        free(text);
        unload(&l);
    }
}

static void a_nul_in_csv_is_a_fault(void)
{
    static const char text[] = "name,type,register\nA,Fl\0oat,holding:0\n";
    FILE *f = fopen(write_file("nul.csv", ""), "wb");
    CHECK_FATAL(f != NULL);
    CHECK(fwrite(text, 1, sizeof text - 1, f) == sizeof text - 1);
    CHECK(fclose(f) == 0);
    loaded l = load(HEAD "devices:\n  - { id: d, driver: modbus-tcp, address: 127.0.0.1, tags_file: nul.csv }\n");
    char *faults = pt_slice_dup(pt_buf_view(&l.faults));
    CHECK(l.st != PT_OK && faults && strstr(faults, "nul.csv:2:1: a NUL in the text"));
    free(faults);
    unload(&l);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(tags_come_from_csv_and_go_there),
        PT_TEST(faults_in_csv_name_its_lines),
        PT_TEST(what_is_no_csv_is_a_fault_with_its_line),
        PT_TEST(a_nul_in_csv_is_a_fault),
    };
    return pt_test_main("edge-node/config_csv", tests, PT_COUNT_OF(tests), argc, argv);
}
