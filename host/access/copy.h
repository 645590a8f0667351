/* host/access/copy.h -- access.db for a backup. */
#ifndef HOST_ACCESS_COPY_H
#define HOST_ACCESS_COPY_H
#include "base/status.h"

/* A consistent copy of dir's access.db in `dest`, mode 0600, also while a host writes to it; on the disk when this returns. Sessions stay
 * behind: what was logged out since must not live again. PT_ENOTFOUND: there is none to copy; PT_EEXISTS: there is one in dest; else as
 * access_open, and nothing is left in dest. Any thread. */
PT_MUST_CHECK pt_status access_copy(const char *dir, const char *dest, pt_error *err);
#endif
