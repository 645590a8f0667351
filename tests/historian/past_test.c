/* tests/historian/past_test.c -- the tags of a past time, and how they were. */
#include "tests/historian/support.h"

typedef struct seen {
    char text[400];
    uint32_t stop_after;
} seen;

static bool note(void *ctx, const hist_tag *t)
{
    seen *s = ctx;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%u:%.*s:%.*s:%s:%.*s ", t->tag_id, PT_SLICE_ARGS(t->path), PT_SLICE_ARGS(t->key.metric),
             spb_datatype_name(t->type), PT_SLICE_ARGS(t->unit));
    return s->stop_after == 0 || --s->stop_after > 0;
}

static void tags_at(hist *h, int64_t at, const char *want)
{
    seen s = { "", 0 };
    pt_error err = { 0, "" };
    CHECK_OK(hist_tags_at(h, at, note, &s, &err));
    CHECK_STR(pt_cstr(s.text), want);
}

static void put(hist *h, const char *metric, const char *path, spb_datatype type, const char *unit)
{
    uint32_t id;
    hist_tag_key key = {
        .source = PT_LIT("spb"), .group = PT_LIT("g"), .edge = PT_LIT("e"), .device = PT_LIT("d"), .metric = pt_cstr(metric)
    };
    CHECK_OK_FATAL(hist_tag_ensure(h, &key, pt_cstr(path), type, pt_cstr(unit), &id));
    flush(h);
}

static void a_tag_stands_where_it_stood_then_with_the_type_and_unit_of_then(void)
{
    hist *h = open_store(new_dir(), 64);
    int64_t start = pt_wall_ms(&fake.clock);
    put(h, "a", "x/a", SPB_DOUBLE, "m");
    pt_fake_clock_advance(&fake, 1000);
    put(h, "b", "x/b", SPB_INT32, "");
    pt_fake_clock_advance(&fake, 1000);
    put(h, "a", "y/a", SPB_DOUBLE, "m"); /* moved */
    pt_fake_clock_advance(&fake, 1000);
    put(h, "a", "y/a", SPB_INT64, "cm"); /* retyped, another unit */
    tags_at(h, start - 1, "");
    tags_at(h, start, "1:x/a:a:Double:m ");
    tags_at(h, start + 1999, "1:x/a:a:Double:m 2:x/b:b:Int32: ");
    tags_at(h, start + 2000, "1:y/a:a:Double:m 2:x/b:b:Int32: ");
    tags_at(h, start + 3000, "1:y/a:a:Int64:cm 2:x/b:b:Int32: ");
    seen s = { "", 1 };
    CHECK_OK(hist_tags_at(h, start + 3000, note, &s, NULL));
    CHECK_STR(pt_cstr(s.text), "1:y/a:a:Int64:cm ");
    close_ok(h);
}

static void what_was_recorded_before_a_tag_was_heard_of_is_at_its_first_path(void)
{
    hist *h = open_store(new_dir(), 64);
    int64_t start = pt_wall_ms(&fake.clock);
    put(h, "a", "x/a", SPB_DOUBLE, "m");
    put(h, "b", "x/b", SPB_DOUBLE, "");
    append_one(h, f64(1, start - 5000, 1)); /* of an import, or of an edge node's journal */
    flush(h);
    pt_fake_clock_advance(&fake, 1000);
    put(h, "a", "y/a", SPB_INT64, "cm");
    for (int sealed = 0; sealed < 2; sealed++) {
        if (sealed) seal(h);
        tags_at(h, start - 5001, "");
        tags_at(h, start - 5000, "1:x/a:a:Double:m ");
        tags_at(h, start, "1:x/a:a:Double:m 2:x/b:b:Double: ");
        tags_at(h, start + 1000, "1:y/a:a:Int64:cm 2:x/b:b:Double: ");
    }
    close_ok(h);
}

static void a_death_counts_for_the_state_and_nothing_counts_before_the_first_row(void)
{
    hist *h = open_store(new_dir(), 64);
    uint32_t id = make_tag(h, "a", SPB_DOUBLE);
    spb_quality q = SPB_BAD;
    append_one(h, f64(id, NOW, 1.5));
    append_one(h, state_row(id, NOW + 10));
    append_one(h, f64(id, NOW + 20, 2.5));
    for (int sealed = 0; sealed < 2; sealed++) {
        if (sealed) seal(h);
        else flush(h);
        CHECK_STATUS(hist_state_at(h, hist_of_tag(id), NOW - 1, &q, NULL), PT_EEMPTY);
        CHECK_OK(hist_state_at(h, hist_of_tag(id), NOW + 9, &q, NULL));
        CHECK_INT(q, SPB_GOOD);
        CHECK_OK(hist_state_at(h, hist_of_tag(id), NOW + 10, &q, NULL));
        CHECK_INT(q, SPB_STALE);
        CHECK_OK(hist_state_at(h, hist_of_tag(id), NOW + 20, &q, NULL));
        CHECK_INT(q, SPB_GOOD);
    }
    CHECK_STATUS(hist_state_at(h, hist_of_tag(id + 1), NOW, &q, NULL), PT_ENOTFOUND);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(a_tag_stands_where_it_stood_then_with_the_type_and_unit_of_then),
                                     PT_TEST(what_was_recorded_before_a_tag_was_heard_of_is_at_its_first_path),
                                     PT_TEST(a_death_counts_for_the_state_and_nothing_counts_before_the_first_row) };
    setup();
    return pt_test_main("historian/past", tests, PT_COUNT_OF(tests), argc, argv);
}
