/* edge-node/plc/ledger.c */
#include "edge-node/plc/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct plc_ledger {
    FILE *file;       /* owned */
    pt_status status; /* the first failure stays */
};

pt_status plc_ledger_open(const char *path, plc_ledger **out, pt_error *err)
{
    plc_ledger *g = calloc(1, sizeof *g);
    if (!g) return pt_fail(err, PT_ENOMEM, "out of memory");
    g->file = fopen(path, "we");
    if (!g->file) {
        int e = errno;
        free(g);
        return pt_fail_errno(err, e, path);
    }
    if (fputs("time_ms,address,value,name\n", g->file) == EOF || fflush(g->file) == EOF) {
        int e = errno;
        (void)plc_ledger_close(g);
        return pt_fail_errno(err, e, path);
    }
    *out = g;
    return PT_OK;
}

pt_status plc_ledger_add(plc_ledger *g, unsigned unit, int64_t wall_ms, const plc_point *p, const plc_value *v)
{
    if (g->status != PT_OK) return g->status;
    char text[32], prefix[16] = "";
    if (unit) (void)snprintf(prefix, sizeof prefix, "%u/", unit);
    (void)plc_value_text(p, v, text);
    if (fprintf(g->file, "%" PRId64 ",%s%s:%u,%s,%s\n", wall_ms, prefix, plc_space_name(p->space), p->address, text, p->name) < 0)
        g->status = pt_status_from_errno(errno);
    return g->status;
}

pt_status plc_ledger_read(plc_ledger *g, unsigned unit, int64_t wall_ms, plc_space space, unsigned address, unsigned count)
{
    if (g->status != PT_OK) return g->status;
    char prefix[16] = "";
    if (unit) (void)snprintf(prefix, sizeof prefix, "%u/", unit);
    if (fprintf(g->file, "%" PRId64 ",read,%s%s:%u,%u\n", wall_ms, prefix, plc_space_name(space), address, count) < 0)
        g->status = pt_status_from_errno(errno);
    return g->status;
}

pt_status plc_ledger_flush(plc_ledger *g)
{
    if (g->status == PT_OK && fflush(g->file) == EOF) g->status = pt_status_from_errno(errno);
    return g->status;
}

pt_status plc_ledger_close(plc_ledger *g)
{
    if (!g) return PT_OK;
    pt_status st = g->status;
    if (fclose(g->file) == EOF && st == PT_OK) st = pt_status_from_errno(errno);
    free(g);
    return st;
}
