/* historian/repair/repair.h -- what this room gives to the store above it. Checking, repairing and copying on request are in maintain.h. */
#ifndef HIST_REPAIR_H
#define HIST_REPAIR_H
#include "historian/write/write.h"

/* The journal or the week, which is damaged, as *err says, is made anew from what can be read of it; what came of it is said in the log.
 * Nobody has the file open. A file that may be somebody else's stays: PT_ECORRUPT, unless `ours`: it could be opened as ours. Writer
 * thread, or while opening. */
PT_MUST_CHECK pt_status hist__mend(hist *h, hist__file kind, int64_t start_ms, bool ours, pt_error *err);
#endif
