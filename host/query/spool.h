/* host/query/spool.h -- text that is made now and wanted later: its beginning in memory, the rest in a temporary file without a name. */
#ifndef HOST_QUERY_SPOOL_H
#define HOST_QUERY_SPOOL_H
#include "base/buf.h"

#include <stdio.h>

typedef struct query_spool {
    pt_buf text; /* append here; what was moved to the file is not in it any more */
    FILE *file;  /* NULL: all is in memory */
    bool reading;
} query_spool;

void query_spool_init(query_spool *s);
void query_spool_fini(query_spool *s);
void query_spool_reset(query_spool *s); /* as new, without its file */
/* Call after appending: what is more than some 64 KiB goes to the file (in TMPDIR, else /tmp). PT_ENOMEM, PT_ETOOBIG of the text;
 * PT_ENOSPC, PT_EIO ... of the file, with the reason. */
PT_MUST_CHECK pt_status query_spool_ease(query_spool *s, pt_error *err);
/* Append some 64 KiB of it to `out`, from the beginning on. PT_OK: call again; PT_ECLOSED: that was all. Nothing can be added once begun.
 */
PT_MUST_CHECK pt_status query_spool_read(query_spool *s, pt_buf *out, pt_error *err);
#endif
