/* tests/historian/mend_test.c -- a damaged journal or week is made anew without being asked for, but nobody else's file is. */
#include "tests/historian/support.h"

#include <stdio.h>
#include <unistd.h>

static hist *bare_with_log(const char *dir, heard *log)
{
    hist *h = NULL;
    heard_init(log);
    CHECK_OK_FATAL(hist__bare_new(dir, &log->log, true, &h, NULL));
    return h;
}

static void what_is_ours_is_made_anew_and_said(void)
{
    static const struct {
        hist__file kind;
        const char *said;
    } rows[] = { { HIST__JOURNAL, "HIST-JOURNAL-REBUILT" }, { HIST__PARTITION, "HIST-WEEK-REBUILT" } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        const char *dir = new_dir();
        close_ok(filled_store(dir));
        int64_t start = hist__partition_start(NOW + 10 * DAY);
        char aside[400];
        snprintf(aside, sizeof aside, "%s.damaged-1",
                 rows[i].kind == HIST__JOURNAL ? file_in(dir, "journal.db") : partition_in(dir, start));
        heard log;
        hist *h = bare_with_log(dir, &log);
        pt_error err = { .text = "a page is damaged" };
        CHECK_OK(hist__mend(h, rows[i].kind, start, false, &err));
        CHECK_ROW(rows[i].said, heard_id(&log, "HIST-DAMAGED-FILE") && heard_id(&log, rows[i].said));
        CHECK_ROW(rows[i].said, access(aside, F_OK) == 0); /* the old one is kept */
        hist__bare_free(h);
        CHECK_INT(faults_in(dir, false, true, NULL), 0);
        h = open_reader(dir);
        for (uint32_t tag = 1; tag <= 3; tag++)
            CHECK_INT(count_rows(h, tag), 3000);
        close_ok(h);
    }
}

static void what_may_be_somebody_elses_stays_unless_it_was_opened_as_ours(void)
{
    static const hist__file kinds[] = { HIST__JOURNAL, HIST__PARTITION };
    for (size_t i = 0; i < PT_COUNT_OF(kinds); i++) {
        const char *dir = new_dir();
        close_ok(filled_store(dir));
        int64_t start = hist__partition_start(NOW);
        const char *file = kinds[i] == HIST__JOURNAL ? file_in(dir, "journal.db") : partition_in(dir, NOW);
        spoil(file, 68, "abcd"); /* application_id */
        heard log;
        hist *h = bare_with_log(dir, &log);
        pt_error err = { .text = "why" };
        CHECK_STATUS(hist__mend(h, kinds[i], start, false, &err), PT_ECORRUPT);
        CHECK_STR(pt_cstr(err.text), "why");
        CHECK(!heard_id(&log, "HIST-DAMAGED-FILE"));
        CHECK_OK(hist__mend(h, kinds[i], start, true, &err));
        CHECK(heard_id(&log, "HIST-DAMAGED-FILE"));
        hist__bare_free(h);
    }
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(what_is_ours_is_made_anew_and_said),
        PT_TEST(what_may_be_somebody_elses_stays_unless_it_was_opened_as_ours),
    };
    setup();
    return pt_test_main("historian/mend", tests, PT_COUNT_OF(tests), argc, argv);
}
