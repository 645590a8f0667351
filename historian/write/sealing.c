/* historian/write/sealing.c -- which tags to seal when, and what of the journal may go.
 *
 * A tag is sealed when it is full; when its oldest pending row is older than seal_age; when the journal that can't be trimmed because of it
 * grows too long; when memory for pending rows runs short. The last three take the tags with the oldest journal rows first, so that the
 * journal can be trimmed from its beginning. `sealed` is the highest journal row such that it and all before it are in blocks. */
#include "historian/write/write.h"

enum { SEAL_AT_ONCE = 4096 /* tags in one transaction */ };

/* The highest journal row whose tags are to be sealed now; 0: none. */
static int64_t threshold(hist *h)
{
    uint64_t shed = 0, unsealed = hist__journal_unsealed(&h->journal);
    if (unsealed > HIST__JOURNAL_BYTES) shed = unsealed - HIST__JOURNAL_BYTES / 4 * 3;
    if (hist__pending_bytes(&h->pending) > h->o.pending_bytes && shed < unsealed / 4) shed = unsealed / 4 + 1;
    return hist__journal_until(&h->journal, pt_wall_ms(h->clock) - h->o.seal_age_ms, shed);
}

static pt_status seal_some(hist *h, uint32_t *tags, size_t n, pt_error *err)
{
    pt_status st = PT_OK;
    for (size_t at = 0; st == PT_OK && at < n; at += SEAL_AT_ONCE)
        st = hist__seal(h, tags + at, n - at < SEAL_AT_ONCE ? n - at : SEAL_AT_ONCE, err);
    return st;
}

static pt_status seal_until(hist *h, int64_t until, pt_error *err)
{
    uint32_t total = hist__tag_count(h), batch[SEAL_AT_ONCE];
    size_t n = 0;
    pt_status st = PT_OK;
    for (uint32_t id = 1; st == PT_OK && id <= total; id++) {
        uint64_t row = hist__pending_first_row(&h->pending, id);
        if (row && row <= (uint64_t)until) batch[n++] = id;
        if (n == SEAL_AT_ONCE || (id == total && n)) {
            st = hist__seal(h, batch, n, err);
            n = 0;
        }
    }
    return st;
}

pt_status hist__seal_due(hist *h, bool everything, pt_error *err)
{
    pt_status st = PT_OK;
    bool sealed = false;
    if (h->writer.n_seal) {
        st = seal_some(h, h->writer.seal_list, h->writer.n_seal, err);
        if (st != PT_OK) return st; /* they stay on the list */
        for (size_t i = 0; i < h->writer.n_seal; i++)
            hist__mark_at(&h->writer, h->writer.seal_list[i])->queued = false;
        h->writer.n_seal = 0;
        sealed = true;
    }
    int64_t until = everything ? INT64_MAX : threshold(h);
    if (until) {
        st = seal_until(h, until, err);
        sealed = true;
    }
    int64_t now = hist__mono_ms();
    if (sealed && (until || now - h->writer.last_trim_mono_ms >= 1000)) {
        h->writer.last_trim_mono_ms = now;
        hist__sealed_advance(h);
    }
    return st;
}

pt_status hist__seal_all(hist *h, pt_error *err)
{
    pt_status st = hist__seal_due(h, true, err);
    if (st != PT_OK) return st;
    hist__sealed_advance(h);
    return hist__journal_trim(&h->journal, pt_wall_ms(h->clock), err);
}

void hist__sealed_advance(hist *h)
{
    if (h->writer.pending_incomplete) return;
    uint32_t total = hist__tag_count(h);
    uint64_t oldest = UINT64_MAX;
    for (uint32_t id = 1; id <= total; id++) {
        uint64_t row = hist__pending_first_row(&h->pending, id);
        if (row && row < oldest) oldest = row;
    }
    hist__journal_seal_before(&h->journal, oldest);
}
