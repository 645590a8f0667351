/* tests/historian/query_test.c -- a SELECT on the catalogue for code that must not meet SQLite itself. */
#include "historian/read/query.h"
#include "tests/historian/support.h"

static void rows_come_with_numbers_texts_and_nothing(void)
{
    hist *h = open_store(new_dir(), 64);
    make_tag(h, "a", SPB_DOUBLE);
    make_tag(h, "b", SPB_INT32);
    make_tag(h, "c", SPB_INT32);
    flush(h);
    hist__query *q = NULL;
    bool row = false;
    const int64_t range[] = { 2, 3 };
    CHECK_OK_FATAL(hist__query_open(h, "SELECT tag_id, path, to_ms, from_ms FROM tag_path WHERE tag_id BETWEEN ?1 AND ?2 ORDER BY tag_id",
                                    range, 2, &q, NULL));
    for (int i = 2; i <= 3; i++) {
        CHECK_OK_FATAL(hist__query_next(q, &row, NULL));
        CHECK_FATAL(row);
        CHECK_INT(hist__query_number(q, 0), i);
        CHECK_STR(hist__query_text(q, 1), i == 2 ? "g/e/d/b" : "g/e/d/c");
        CHECK(hist__query_null(q, 2) && hist__query_text(q, 2).ptr == NULL);
        CHECK(!hist__query_null(q, 3) && hist__query_number(q, 3) == NOW);
    }
    make_tag(h, "d", SPB_DOUBLE); /* writers go on meanwhile */
    flush(h);
    CHECK_OK(hist__query_next(q, &row, NULL));
    CHECK(!row);
    hist__query_close(q);
    hist__query_close(NULL);
    close_ok(h);
}

static void bad_questions_and_writing_are_refused(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    hist__query *q = NULL;
    bool row = false;
    pt_error err = { 0 };
    CHECK(hist__query_open(h, "SELECT nothing FROM nowhere", NULL, 0, &q, &err) != PT_OK);
    CHECK(q == NULL && strstr(err.text, "nowhere") != NULL);
    CHECK_OK_FATAL(hist__query_open(h, "DELETE FROM tag", NULL, 0, &q, &err));
    CHECK_STATUS(hist__query_next(q, &row, &err), PT_EREADONLY);
    CHECK(!row);
    hist__query_close(q);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(rows_come_with_numbers_texts_and_nothing), PT_TEST(bad_questions_and_writing_are_refused) };
    setup();
    return pt_test_main("historian/query", tests, PT_COUNT_OF(tests), argc, argv);
}
