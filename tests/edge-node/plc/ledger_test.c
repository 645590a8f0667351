/* tests/edge-node/plc/ledger_test.c */
#include "edge-node/plc/image.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

static size_t read_file(const char *path, char *buf, size_t cap)
{
    FILE *f = fopen(path, "r");
    CHECK_FATAL(f != NULL);
    size_t n = fread(buf, 1, cap - 1, f);
    fclose(f);
    buf[n] = '\0';
    return n;
}

static void the_first_image_is_written_whole_then_only_what_changes(void)
{
    char path[4096], *text = malloc(1 << 20);
    CHECK_FATAL(text != NULL);
    (void)snprintf(path, sizeof path, "%s/ledger.csv", pt_test_dir());
    plc_ledger *g = NULL;
    CHECK_OK_FATAL(plc_ledger_open(path, &g, NULL));
    plc_line line;
    plc_image image = { 0 };
    plc_line_init(&line, 1);
    CHECK_OK(plc_image_refresh(&image, &line, g, 0, 1000));
    CHECK_OK(plc_image_refresh(&image, &line, g, 0, 1001)); /* nothing changed: nothing written */
    CHECK_OK(plc_line_set(&line, PLC_LEVEL_SP, &(plc_value){ .f = 3.25 }));
    CHECK_OK(plc_image_refresh(&image, &line, g, 0, 1002));
    CHECK_OK(plc_ledger_flush(g));
    (void)read_file(path, text, 1 << 20);
    CHECK(strncmp(text, "time_ms,address,value,name\n1000,coil:0,true,Line/Run\n", 52) == 0);
    unsigned lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    CHECK_INT(lines, 1 + PLC_POINT_COUNT + 1);
    CHECK(strstr(text, "\n1000,holding:20,L1-00001-APPLE,Batch/Id\n1002,holding:2,3.25,Level/SP\n") != NULL);
    CHECK_OK(plc_ledger_add(g, 3, 1003, &plc_points[PLC_LEVEL_SP], &(plc_value){ .f = 1 }));
    CHECK_OK(plc_ledger_read(g, 0, 1004, PLC_INPUT, 24, 4));
    CHECK_OK(plc_ledger_read(g, 3, 1005, PLC_COIL, 0, 8));
    CHECK_OK(plc_ledger_close(g));
    (void)read_file(path, text, 1 << 20);
    CHECK(strstr(text, "\n1003,3/holding:2,1,Level/SP\n1004,read,input:24,4\n1005,read,3/coil:0,8\n") != NULL);
    free(text);
}

static void a_full_disk_is_reported(void)
{
    plc_ledger *g = NULL;
    pt_error err = { 0 };
    CHECK_STATUS(plc_ledger_open("/dev/full", &g, &err), PT_ENOSPC);
    CHECK(err.text[0] != '\0');
    CHECK_STATUS(plc_ledger_open("/nonexistent/x.csv", &g, &err), PT_ENOTFOUND);
    CHECK_OK(plc_ledger_close(NULL));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(the_first_image_is_written_whole_then_only_what_changes), PT_TEST(a_full_disk_is_reported) };
    return pt_test_main("plc/ledger", tests, PT_COUNT_OF(tests), argc, argv);
}
