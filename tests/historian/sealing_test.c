/* tests/historian/sealing_test.c -- which tags are sealed when, and how much of the journal stays. */
#include "tests/historian/support.h"

#include <stdio.h>

enum { TAGS = 10 };

/* One row of the journal with one sample for each tag of a bit mask. */
static void commit_for(hist *h, unsigned mask, int64_t t)
{
    for (uint32_t id = 1; id <= TAGS; id++) {
        if (mask & 1u << (id - 1)) append_one(h, f64(id, t, 1));
    }
    commit_bare(h);
}

static unsigned pending(hist *h)
{
    unsigned mask = 0;
    for (uint32_t id = 1; id <= TAGS; id++)
        mask |= hist__pending_stored(&h->pending, id).pending ? 1u << (id - 1) : 0;
    return mask;
}

static hist *with_tags(const char *dir)
{
    hist *h = open_bare(dir, 32);
    for (int t = 0; t < TAGS; t++) {
        char name[10];
        snprintf(name, sizeof name, "t%d", t);
        make_tag(h, name, SPB_DOUBLE);
    }
    return h;
}

static void full_tags_are_sealed_and_the_others_wait(void)
{
    hist *h = with_tags(new_dir());
    for (int i = 0; i < 31; i++)
        commit_for(h, 7, NOW + i);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 7);
    commit_for(h, 2, NOW + 31);
    CHECK_INT(h->writer.n_seal, 1);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 5);
    CHECK_INT(h->writer.n_seal, 0);
    CHECK(!hist__mark_at(&h->writer, 2)->queued);
    CHECK_OK(hist__seal_due(h, true, NULL)); /* everything, as asked for */
    CHECK_INT(pending(h), 0);
    hist__bare_free(h);
}

static void slow_tags_are_sealed_by_the_age_of_their_journal_row(void)
{
    hist *h = with_tags(new_dir());
    h->o.seal_age_ms = 10000;
    commit_for(h, 1, NOW);
    pt_fake_clock_advance(&fake, 5000);
    commit_for(h, 3, NOW + 1);
    commit_for(h, 4, NOW - DAY); /* the sample's own time does not matter */
    pt_fake_clock_advance(&fake, 4999);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 7);
    pt_fake_clock_advance(&fake, 1);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 6);
    pt_fake_clock_advance(&fake, 5000);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 0);
    hist__bare_free(h);
}

static void short_memory_seals_the_oldest_first(void)
{
    hist *h = with_tags(new_dir());
    for (unsigned t = 0; t < TAGS; t++)
        commit_for(h, 1u << t, NOW);
    h->o.pending_bytes = hist__pending_bytes(&h->pending) - 1;
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 0x3f8); /* a quarter of the unsealed journal */
    h->o.pending_bytes = hist__pending_bytes(&h->pending);
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 0x3f8);
    hist__bare_free(h);
}

static void a_journal_that_grows_too_long_is_shortened_from_its_beginning(void)
{
    hist *h = with_tags(new_dir());
    for (unsigned t = 0; t < TAGS; t++)
        commit_for(h, 1u << t, NOW);
    for (size_t i = 0; i < h->journal.count; i++) { /* as if each row were large */
        h->journal.unsealed_bytes += HIST__JOURNAL_BYTES / 9 - h->journal.rows[i].bytes;
        h->journal.bytes += HIST__JOURNAL_BYTES / 9 - h->journal.rows[i].bytes;
        h->journal.rows[i].bytes = HIST__JOURNAL_BYTES / 9;
    }
    CHECK_OK(hist__seal_due(h, false, NULL));
    CHECK_INT(pending(h), 0x3f0); /* down to three quarters of the bound */
    CHECK_INT(h->journal.sealed, 4);
    CHECK(h->journal.unsealed_bytes <= HIST__JOURNAL_BYTES / 4 * 3);
    hist__bare_free(h);
}

static void the_journal_is_sealed_up_to_the_oldest_row_still_needed(void)
{
    const char *dir = new_dir(), *journal = file_in(dir, "journal.db");
    hist *h = with_tags(dir);
    commit_for(h, 1, NOW);
    commit_for(h, 2, NOW);
    commit_for(h, 5, NOW + 1);
    commit_for(h, 4, NOW + 2);
    hist__sealed_advance(h);
    CHECK_INT(h->journal.sealed, 0);
    uint32_t tag = 1;
    CHECK_OK_FATAL(hist__seal(h, &tag, 1, NULL));
    hist__sealed_advance(h);
    CHECK_INT(h->journal.sealed, 1); /* tag 2 needs row 2 */
    CHECK(h->journal.trim_due);
    tag = 2;
    CHECK_OK_FATAL(hist__seal(h, &tag, 1, NULL));
    h->writer.pending_incomplete = true; /* memory is not complete: what it says about the journal is not to be trusted */
    hist__sealed_advance(h);
    CHECK_INT(h->journal.sealed, 1);
    h->writer.pending_incomplete = false;
    hist__sealed_advance(h);
    CHECK_INT(h->journal.sealed, 2);
    h->o.log_bytes = UINT64_MAX;
    CHECK_OK(hist__journal_trim(&h->journal, pt_wall_ms(h->clock), NULL));
    CHECK_INT(sql_number(journal, "SELECT value FROM meta WHERE key='sealed_id'"), 2);
    CHECK_INT(sql_number(journal, "SELECT count(*) FROM journal"), 4); /* kept for readers of the change log */
    CHECK(!h->journal.trim_due);
    CHECK_INT(h->journal.n_sealed, 2);
    hist__bare_free(h);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(full_tags_are_sealed_and_the_others_wait),
        PT_TEST(slow_tags_are_sealed_by_the_age_of_their_journal_row),
        PT_TEST(short_memory_seals_the_oldest_first),
        PT_TEST(a_journal_that_grows_too_long_is_shortened_from_its_beginning),
        PT_TEST(the_journal_is_sealed_up_to_the_oldest_row_still_needed),
    };
    setup();
    return pt_test_main("historian/sealing", tests, PT_COUNT_OF(tests), argc, argv);
}
