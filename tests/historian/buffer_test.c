/* tests/historian/buffer_test.c -- what may wait for the writer: all or none of a call, within the bound, in the canonical form. */
#include "tests/historian/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void bad_samples_are_refused_whole(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    hist_sample good = f64(tag, NOW, 1), row[2];
    static const struct {
        const char *row;
        int what;
        pt_status st;
    } rows[] = {
        { "a tag never given out", 0, PT_ENOTFOUND },
        { "tag 0", 1, PT_ENOTFOUND },
        { "a type without values", 2, PT_EINVAL },
        { "no type of this world", 3, PT_EINVAL },
        { "quality 4", 4, PT_EINVAL },
        { "an unknown flag", 5, PT_EINVAL },
        { "a text without an address", 6, PT_EINVAL },
        { "more than 16 MiB", 7, PT_ETOOBIG },
        { "a line to no value", 8, PT_EINVAL },
        { "a line to NaN", 9, PT_EINVAL },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        row[0] = row[1] = good;
        switch (rows[i].what) {
        case 0: row[1].tag_id = tag + 1; break;
        case 1: row[1].tag_id = 0; break;
        case 2: row[1].type = SPB_PROPERTYSET; break;
        case 3: row[1].type = SPB_DATATYPE_COUNT; break;
        case 4: row[1].quality = 4; break;
        case 5: row[1].flags = 16; break;
        case 6: row[1].type = SPB_STRING, row[1].as.ptr = NULL, row[1].len = 1; break;
        case 8: row[1].flags = HIST_THINNED | HIST_NULL; break;
        case 9: row[1].flags = HIST_THINNED, row[1].as.f64 = NAN; break;
        default: row[1].type = SPB_STRING, row[1].as.ptr = "", row[1].len = HIST__VALUE_BYTES_MAX + 1; break;
        }
        CHECK_ROW(rows[i].row, hist_append(h, row, 2) == rows[i].st);
        CHECK_ROW(rows[i].row, h->writer.buffer.in.samples == 0 && h->writer.buffer.in.bytes == 0 && h->writer.buffer.appended == 0);
    }
    CHECK_OK(hist_append(h, NULL, 0));
    row[1] = good; /* a type without values is fine where there is none */
    row[1].type = SPB_UNKNOWN;
    row[1].flags = HIST_NULL;
    CHECK_OK(hist_append(h, row + 1, 1));
    hist__bare_free(h);
}

static void samples_wait_in_their_canonical_form(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    char word[] = "mine";
    hist_sample in[] = { { .tag_id = tag, .type = SPB_BOOLEAN, .as.u64 = 0xff01, .len = 9, .reserved = 3 },
                         { .tag_id = tag, .type = SPB_FLOAT, .as.u64 = UINT64_C(0xdeadbeef3f800000) },
                         { .tag_id = tag, .type = SPB_INT64, .flags = HIST_NULL, .as.u64 = 77 },
                         { .tag_id = tag, .type = SPB_STRING, .as.ptr = word, .len = 4 },
                         { .tag_id = tag, .type = SPB_STRING } };
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        if (!one_by_one) append(h, in, 5);
        else
            for (int i = 0; i < 5; i++)
                append_one(h, in[i]);
        hist__chunk *c = h->writer.buffer.in.chunks;
        CHECK_FATAL(c != NULL && c->n == 5);
        const hist_sample *s = c->s;
        CHECK(s[0].as.u64 == 1 && s[0].len == 0 && s[0].reserved == 0);
        CHECK(s[1].as.u64 == 0x3f800000u);
        CHECK(s[2].as.u64 == 0);
        CHECK(s[3].as.ptr != word && s[3].len == 4 && memcmp(s[3].as.ptr, "mine", 4) == 0);
        CHECK(s[4].as.ptr != NULL && s[4].len == 0);
        hist__batch_free(&h->writer.buffer, &h->writer.buffer.in);
        CHECK_INT(h->writer.buffer.spares, 1); /* the chunk is kept for the next */
    }
    hist__bare_free(h);
}

static void the_bound_holds_for_samples_and_events(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    h->o.buffer_bytes = 65536;
    hist_sample s[100];
    for (int i = 0; i < 100; i++)
        s[i] = f64(tag, NOW + i, i);
    uint64_t taken = 0;
    pt_status st;
    while ((st = hist_append(h, s, 100)) == PT_OK)
        taken += 100;
    CHECK_STATUS(st, PT_EFULL);
    CHECK_INT(taken, 65536 / sizeof *s / 100 * 100);
    while ((st = hist_append(h, s, 1)) == PT_OK)
        taken++;
    CHECK_STATUS(st, PT_EFULL);
    CHECK_INT(taken, 65536 / sizeof *s);
    hist_event e = { .time_ms = NOW, .type = PT_LIT("write") };
    CHECK_STATUS(hist_event_append(h, &e), PT_EFULL);
    CHECK_INT(h->writer.buffer.appended, taken);

    take_batch(h); /* in flight counts until it is committed */
    h->writer.buffer.in_flight_bytes = h->writer.batch.bytes;
    CHECK_STATUS(hist_append(h, s, 1), PT_EFULL);
    h->writer.buffer.in_flight_bytes = 0;
    hist__batch_free(&h->writer.buffer, &h->writer.batch);
    hist_sample big = { .tag_id = tag, .type = SPB_BYTES, .as.ptr = calloc(1, 200000), .len = 200000 };
    CHECK_FATAL(big.as.ptr != NULL);
    CHECK_OK(hist_append(h, &big, 1)); /* one that is larger than the bound passes an empty buffer: else it never could */
    CHECK_STATUS(hist_append(h, s, 1), PT_EFULL);
    free((char *)(uintptr_t)big.as.ptr);
    hist__bare_free(h);
}

static void chunks_follow_one_another_in_order(void)
{
    hist *h = open_bare(new_dir(), 64);
    uint32_t tag = make_tag(h, "a", SPB_INT64);
    enum { N = HIST__CHUNK * 2 + 100 };
    static hist_sample s[N];
    for (int i = 0; i < N; i++)
        s[i] = i64(tag, NOW + i, i);
    append(h, s, N / 3);
    append(h, s + N / 3, N - N / 3);
    int64_t at = 0;
    unsigned chunks = 0;
    bool ordered = true;
    for (hist__chunk *c = h->writer.buffer.in.chunks; c; c = c->next, chunks++) {
        for (uint32_t i = 0; i < c->n; i++)
            ordered = ordered && c->s[i].as.i64 == at++;
    }
    CHECK(ordered && at == N);
    CHECK_INT(chunks, 3);
    hist__batch_free(&h->writer.buffer, &h->writer.buffer.in);
    char *half = malloc(HIST__CHUNK_BYTES * 2 / 3); /* long values close a chunk early */
    CHECK_FATAL(half != NULL);
    memset(half, 'x', HIST__CHUNK_BYTES * 2 / 3);
    for (int i = 0; i < 3; i++) {
        hist_sample big = { .tag_id = tag, .time_ms = i, .type = SPB_BYTES, .as.ptr = half, .len = HIST__CHUNK_BYTES * 2 / 3 };
        append_one(h, big);
    }
    free(half);
    CHECK(h->writer.buffer.in.chunks->n == 1 && h->writer.buffer.in.chunks->next && h->writer.buffer.in.chunks->next->n == 1);
    hist__bare_free(h);
}

static void events_are_copied_with_all_their_texts(void)
{
    hist *h = open_bare(new_dir(), 64);
    char node[] = "g/e";
    hist_event e = { .time_ms = NOW, .type = PT_LIT("nbirth"), .node = pt_cstr(node), .detail = PT_LIT("{}") };
    CHECK_OK(hist_event_append(h, &e));
    node[0] = 'x';
    CHECK_FATAL(h->writer.buffer.in.events != NULL);
    const hist_event *copy = &h->writer.buffer.in.events->e;
    CHECK_STR(copy->type, "nbirth");
    CHECK_STR(copy->node, "g/e");
    CHECK_STR(copy->detail, "{}");
    CHECK(copy->device.ptr == NULL && copy->path.ptr == NULL);
    e.type = PT_NONE;
    CHECK_STATUS(hist_event_append(h, &e), PT_EINVAL);
    e.type = PT_LIT("x");
    e.detail.len = 2 << 20;
    CHECK_STATUS(hist_event_append(h, &e), PT_ETOOBIG);
    CHECK_INT(h->writer.buffer.in.n_events, 1);
    hist__bare_free(h);
}

static void flushing_waits_for_ones_own_samples_and_no_longer_than_asked(void)
{
    hist *h = open_bare(new_dir(), 64); /* nobody writes: only the time ends it */
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    pt_error err = { 0 };
    append_one(h, f64(tag, NOW, 1));
    CHECK_STATUS(hist_flush(h, 20, &err), PT_ETIMEOUT);
    CHECK(strstr(err.text, "20 ms") != NULL);
    CHECK_STATUS(hist_flush(h, -5, &err), PT_ETIMEOUT);
    h->writer.stats.error = PT_ENOSPC; /* the writer's present error is the better answer */
    snprintf(h->writer.stats.error_text, sizeof h->writer.stats.error_text, "no room");
    CHECK_STATUS(hist_flush(h, 5, &err), PT_ENOSPC);
    CHECK_STR(pt_cstr(err.text), "no room");
    h->writer.stats.error = PT_OK;
    h->writer.buffer.committed = h->writer.buffer.tickets;
    CHECK_STATUS(hist_flush(h, 5, &err), PT_ETIMEOUT); /* a tag waits as well */
    take_batch(h);
    CHECK_OK(hist__batch_commit(h, &err));
    h->writer.buffer.committed = h->writer.buffer.tickets;
    CHECK_OK(hist_flush(h, 0, &err)); /* nothing to wait for */
    append_one(h, f64(tag, NOW + 1, 1));
    h->writer.buffer.dead = true; /* the writer has ended */
    CHECK_STATUS(hist_flush(h, 100000, &err), PT_ECLOSED);
    hist__bare_free(h);
}

static pt_status refuse(hist *h, void *ctx, pt_error *err)
{
    (void)h;
    return pt_fail(err, PT_ESTATE, "%s", (const char *)ctx);
}

static void requests_bring_back_what_the_writer_says(void)
{
    hist *h = open_store(new_dir(), 64);
    pt_error err = { 0 };
    hist__request r = { .run = refuse, .ctx = (void *)(uintptr_t) "not today" };
    CHECK_STATUS(hist__request_run(h, &r, &err), PT_ESTATE);
    CHECK_STR(pt_cstr(err.text), "not today");
    close_ok(h);
    h = open_bare(new_dir(), 64);
    h->writer.buffer.closing = true;
    CHECK_STATUS(hist__request_run(h, &r, &err), PT_ECLOSED);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    hist_sample s = f64(tag, NOW, 1);
    hist_event e = { .type = PT_LIT("x") };
    CHECK_STATUS(hist_append(h, &s, 1), PT_ECLOSED);
    CHECK_STATUS(hist_event_append(h, &e), PT_ECLOSED);
    hist__bare_free(h);
}

static void a_reader_takes_nothing(void)
{
    const char *dir = new_dir();
    hist *h = open_store(dir, 64);
    uint32_t tag = make_tag(h, "a", SPB_DOUBLE);
    flush(h);
    hist *reader = open_reader(dir);
    hist_sample s = f64(tag, NOW, 1);
    hist_event e = { .type = PT_LIT("x") };
    hist__request r = { .run = refuse, .ctx = NULL };
    pt_error err = { 0 };
    CHECK_STATUS(hist_append(reader, &s, 1), PT_EREADONLY);
    CHECK_STATUS(hist_event_append(reader, &e), PT_EREADONLY);
    CHECK_STATUS(hist__request_run(reader, &r, &err), PT_EREADONLY);
    CHECK_STATUS(hist_seal(reader, &err), PT_EREADONLY);
    CHECK_OK(hist_flush(reader, 0, &err));
    close_ok(reader);
    close_ok(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(bad_samples_are_refused_whole),
        PT_TEST(samples_wait_in_their_canonical_form),
        PT_TEST(the_bound_holds_for_samples_and_events),
        PT_TEST(chunks_follow_one_another_in_order),
        PT_TEST(events_are_copied_with_all_their_texts),
        PT_TEST(flushing_waits_for_ones_own_samples_and_no_longer_than_asked),
        PT_TEST(requests_bring_back_what_the_writer_says),
        PT_TEST(a_reader_takes_nothing),
    };
    setup();
    return pt_test_main("historian/buffer", tests, PT_COUNT_OF(tests), argc, argv);
}
