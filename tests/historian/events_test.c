/* tests/historian/events_test.c -- events come back with all they had, filtered by time, type, node, path and number, in either order. */
#include "tests/historian/support.h"

#include <stdio.h>

typedef struct counted {
    unsigned n, stop_after;
    char text[300];
} counted;
static bool count_event(void *ctx, const hist_event *e)
{
    counted *c = ctx;
    c->n++;
    size_t at = strlen(c->text);
    snprintf(c->text + at, sizeof c->text - at, "%llu:%.*s ", (unsigned long long)e->seq, PT_SLICE_ARGS(e->type));
    return c->n != c->stop_after;
}

static void events_are_filtered(void)
{
    hist *h = open_store(new_dir(), 1024);
    static const char *const types[] = { "nbirth", "dbirth", "ndeath", "write" };
    for (int i = 0; i < 8; i++) {
        hist_event e = { .time_ms = NOW + i, .type = pt_cstr(types[i % 4]), .node = i < 4 ? PT_LIT("g/1") : PT_LIT("g/2") };
        if (i == 3) e.path = PT_LIT("a/b/c");
        CHECK_OK(hist_event_append(h, &e));
    }
    flush(h);
    static const struct {
        const char *row;
        hist_event_filter f;
        const char *want;
    } rows[] = {
        { "all", { .to_ms = INT64_MAX }, "1:nbirth 2:dbirth 3:ndeath 4:write 5:nbirth 6:dbirth 7:ndeath 8:write " },
        { "time", { .from_ms = NOW + 2, .to_ms = NOW + 4 }, "3:ndeath 4:write " },
        { "no time", { .from_ms = NOW + 2, .to_ms = NOW + 2 }, "" },
        { "types", { .to_ms = INT64_MAX, .types = { "ndeath,write", 12 } }, "3:ndeath 4:write 7:ndeath 8:write " },
        { "a part of a type is none", { .to_ms = INT64_MAX, .types = { "death", 5 } }, "" },
        { "node", { .to_ms = INT64_MAX, .node = { "g/2", 3 }, .limit = 2 }, "5:nbirth 6:dbirth " },
        { "newest", { .to_ms = INT64_MAX, .newest_first = true, .limit = 1 }, "8:write " },
        { "newest of a type", { .to_ms = INT64_MAX, .newest_first = true, .limit = 2, .types = { "dbirth", 6 } }, "6:dbirth 2:dbirth " },
        { "after", { .to_ms = INT64_MAX, .after_seq = 6 }, "7:ndeath 8:write " },
        { "path", { .to_ms = INT64_MAX, .path = { "a/**", 4 } }, "4:write " },
        { "everything at once",
          { .from_ms = NOW,
            .to_ms = NOW + 4,
            .after_seq = 1,
            .types = { "write,x", 7 },
            .node = { "g/1", 3 },
            .path = { "a/*/c", 5 },
            .limit = 9 },
          "4:write " },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        counted c = { 0 };
        CHECK_OK(hist_events(h, &rows[i].f, count_event, &c, NULL));
        CHECK_ROW(rows[i].row, strcmp(c.text, rows[i].want) == 0);
    }
    counted c = { .stop_after = 3 };
    CHECK_OK(hist_events(h, &rows[0].f, count_event, &c, NULL));
    CHECK_INT(c.n, 3);
    close_ok(h);
}

static bool keep_first(void *ctx, const hist_event *e)
{
    char *to = ctx;
    snprintf(to, 300, "%lld %.*s %.*s %.*s %.*s %.*s%s", (long long)e->time_ms, PT_SLICE_ARGS(e->type), PT_SLICE_ARGS(e->node),
             PT_SLICE_ARGS(e->device), PT_SLICE_ARGS(e->path), PT_SLICE_ARGS(e->detail), e->device.ptr ? "" : " no device");
    return false;
}

static void what_was_absent_stays_absent(void)
{
    hist *h = open_store(new_dir(), 1024);
    static const hist_event in[] = {
        { .time_ms = -5,
          .type = { "ddeath", 6 },
          .node = { "g/e", 3 },
          .device = { "d", 1 },
          .path = { "p/q", 3 },
          .detail = { "{\"why\":\"\xc3\xa4\"}", 12 } },
        { .time_ms = NOW, .type = { "start", 5 } },
    };
    static const char *const want[] = { "-5 ddeath g/e d p/q {\"why\":\"\xc3\xa4\"}", "1750000000000 start     no device" };
    for (size_t i = 0; i < PT_COUNT_OF(in); i++) {
        CHECK_OK(hist_event_append(h, &in[i]));
        flush(h);
        char got[300] = "";
        hist_event_filter f = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .newest_first = true };
        CHECK_OK(hist_events(h, &f, keep_first, got, NULL));
        CHECK_STR(pt_cstr(got), want[i]);
    }
    close_ok(h);
}

static void a_catalogue_that_cannot_be_read_is_said(void)
{
    const char *dir = new_dir();
    hist *h = open_bare(dir, 64);
    run_sql(file_in(dir, "catalog.db"), "ALTER TABLE event RENAME TO hidden");
    hist_event_filter f = { .to_ms = INT64_MAX };
    counted c = { 0 };
    pt_error err = { 0 };
    CHECK(hist_events(h, &f, count_event, &c, &err) != PT_OK);
    CHECK(strstr(err.text, "event") != NULL && c.n == 0);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(events_are_filtered), PT_TEST(what_was_absent_stays_absent),
                                     PT_TEST(a_catalogue_that_cannot_be_read_is_said) };
    setup();
    return pt_test_main("historian/events", tests, PT_COUNT_OF(tests), argc, argv);
}
