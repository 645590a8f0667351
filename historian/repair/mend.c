/* historian/repair/mend.c -- repairs that nobody asked for: the store goes on recording when it meets a damaged journal or week. */
#include "historian/repair/repair.h"
#include "historian/repair/verify.h"

#include <stdlib.h>

static bool is_ours(const hist *h, hist__file kind, int64_t start_ms)
{
    char name[40] = "journal.db";
    if (kind == HIST__PARTITION) hist__partition_name(start_ms, name);
    char *path = hist__path(h, name);
    bool ours = path && hist__repair_is_ours(path, kind);
    free(path);
    return ours;
}

static void tell(hist *h, hist__file kind, int64_t start_ms, const hist__check *c)
{
    const char *more = c->skipped ? ", and an unknown number on pages that can't be read at all" : "";
    if (kind == HIST__JOURNAL)
        pt_logf(
            h->log, PT_LOG_ERROR, "HIST-JOURNAL-REBUILT",
            "journal.db was made anew from what could be read of it; %llu rows could not%s. The old one is kept as journal.db.damaged-N",
            (unsigned long long)c->report->lost_journal_rows, more);
    else
        pt_logf(
            h->log, PT_LOG_ERROR, "HIST-WEEK-REBUILT",
            "the week of %lld ms was made anew from what could be read of it; %llu blocks could not%s. The old file is kept as ...damaged-N",
            (long long)start_ms, (unsigned long long)c->report->lost_blocks, more);
}

pt_status hist__mend(hist *h, hist__file kind, int64_t start_ms, bool ours, pt_error *err)
{
    if (!ours && !is_ours(h, kind, start_ms)) return PT_ECORRUPT; /* *err says why */
    pt_logf(h->log, PT_LOG_ERROR, "HIST-DAMAGED-FILE", "%s",
            err                     ? err->text
            : kind == HIST__JOURNAL ? "journal.db is damaged"
                                    : "a week is damaged");
    hist_verify_options o = { .repair = true };
    hist_verify_report r = { 0 };
    hist__check c = { .o = &o, .report = &r, .codec = hist__writer_codec(&h->writer) };
    hist__rows_init(&c.rows);
    pt_status st = kind == HIST__JOURNAL ? hist__repair_journal(&c, h, err) : hist__repair_partition(&c, h, start_ms, err);
    hist__rows_fini(&c.rows);
    if (st == PT_OK) tell(h, kind, start_ms, &c);
    return st;
}
