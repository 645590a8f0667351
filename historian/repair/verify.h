/* historian/repair/verify.h -- what checking and repairing share. */
#ifndef HIST_VERIFY_H
#define HIST_VERIFY_H
#include "historian/maintain.h"
#include "historian/write/write.h"

typedef struct hist__check {
    const hist_verify_options *o;
    hist_verify_report *report;
    char file[64]; /* being looked at */
    uint64_t file_faults;
    uint32_t max_tag; /* highest tag id referred to */
    hist__codec *codec;
    hist__rows rows;
    pt_map thinned; /* tags with samples left out, by id */
    bool skipped;   /* a repair stepped over pages that can't be read at all: how many rows were on them is not known */
} hist__check;

void hist__fault(hist__check *c, const char *fmt, ...) PT_PRINTF(2, 3);
void hist__refers_to(hist__check *c, uint32_t tag_id); /* a sample or block does */

/* verify_bound.c: every sample of the journal that is said to be in blocks, of tags with samples left out, is there or within what its
 * block states. */
PT_MUST_CHECK pt_status hist__verify_bounds(hist__check *c, hist *h, pt_error *err);

/* repair.c: called for files with faults, under the lock. */
/* Without looking at checksums: does the file say that it is one of ours of this kind, and can its rows be counted? What makes files anew
 * unasked asks this first. */
bool hist__repair_is_ours(const char *path, hist__file kind);
PT_MUST_CHECK pt_status hist__repair_journal(hist__check *c, hist *h, pt_error *err);
PT_MUST_CHECK pt_status hist__repair_partition(hist__check *c, hist *h, int64_t start_ms, pt_error *err);
PT_MUST_CHECK pt_status hist__repair_catalog(hist__check *c, hist *h, pt_error *err);
/* After a partition was rebuilt: every sample the journal still holds is looked for again at the next opening, and those that are in no
 * block come back. */
PT_MUST_CHECK pt_status hist__repair_replay(hist *h, pt_error *err);
#endif
