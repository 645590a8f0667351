/* host/cli/verb_verify.c -- verify, and backup beside it: looking after a data directory. */
#include "host/access/copy.h"
#include "host/control/audit.h"
#include "host/cli/cli.h"
#include "historian/maintain.h"

#include <unistd.h>

typedef struct watch {
    cli *c;
    bool progress; /* on a terminal */
    pt_buf faults; /* --json */
    pt_json j;
} watch;

static void fault(void *ctx, const char *file, const char *text)
{
    watch *w = ctx;
    if (w->c->json) {
        pt_json_object(&w->j);
        pt_json_member_cstr(&w->j, "file", file);
        pt_json_member_cstr(&w->j, "fault", text);
        pt_json_end_object(&w->j);
        return;
    }
    if (w->progress) fprintf(stderr, "\r\033[K");
    printf("%s: %s\n", file, text);
}

static void progress(void *ctx, const char *file, uint64_t done, uint64_t total)
{
    const watch *w = ctx;
    if (w->progress && total) fprintf(stderr, "\r\033[K%s %3.0f %%", file, 100.0 * (double)done / (double)total);
}

static int code_of(pt_status st)
{
    return st == PT_EBUSY || st == PT_EEXISTS ? PT_EXIT_REFUSED : PT_EXIT_FAILED;
}

/* The chain of audit.db, which nothing can repair. Adds to *faults; there may be none. */
static void check_audit(watch *w, uint64_t *rows, uint64_t *faults)
{
    host_audit *a = NULL;
    char newest[65];
    pt_error err = { 0 };
    pt_status st = host_audit_read(w->c->data_dir, &a, &err);
    if (st == PT_OK) st = host_audit_verify(a, rows, newest, &err);
    host_audit_close(a);
    if (st == PT_OK || st == PT_ENOTFOUND) return;
    fault(w, "audit.db", err.text);
    ++*faults;
}

static int print_report(watch *w, const hist_verify_report *r, uint64_t audit_rows, bool repair)
{
    if (!w->c->json) {
        printf("%llu files, %llu tags, %llu blocks, %llu rows, %llu journal rows, %llu events: %llu faults\n", (unsigned long long)r->files,
               (unsigned long long)r->tags, (unsigned long long)r->blocks, (unsigned long long)r->rows, (unsigned long long)r->journal_rows,
               (unsigned long long)r->events, (unsigned long long)r->faults);
        if (audit_rows) printf("%llu rows of the audit are whole\n", (unsigned long long)audit_rows);
        if (r->compared) printf("%llu samples of the journal held against blocks that leave some out\n", (unsigned long long)r->compared);
        if (r->damaged_before) printf("%llu blocks were put aside in an earlier repair\n", (unsigned long long)r->damaged_before);
        if (repair && r->faults)
            printf("%llu files rebuilt; %llu blocks and %llu journal rows could not be read and are kept aside\n",
                   (unsigned long long)r->repaired, (unsigned long long)r->lost_blocks, (unsigned long long)r->lost_journal_rows);
        return fflush(stdout) ? PT_EXIT_FAILED : PT_EXIT_OK;
    }
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 64u << 20);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    const struct {
        const char *key;
        uint64_t v;
    } members[] = { { "files", r->files },
                    { "tags", r->tags },
                    { "events", r->events },
                    { "journal_rows", r->journal_rows },
                    { "blocks", r->blocks },
                    { "rows", r->rows },
                    { "fault_count", r->faults },
                    { "repaired", r->repaired },
                    { "lost_blocks", r->lost_blocks },
                    { "lost_journal_rows", r->lost_journal_rows },
                    { "damaged_before", r->damaged_before },
                    { "compared", r->compared },
                    { "audit_rows", audit_rows } };
    for (size_t i = 0; i < PT_COUNT_OF(members); i++)
        pt_json_member_u64(&j, members[i].key, members[i].v);
    pt_json_end_array(&w->j);
    pt_json_key(&j, "faults");
    pt_json_raw(&j, pt_buf_view(&w->faults));
    pt_json_end_object(&j);
    pt_buf_char(&out, '\n');
    int rc = cli_put(w->c, &out);
    pt_buf_fini(&out);
    return rc;
}

static int run(cli *c, int argc, char **argv)
{
    bool repair = false;
    const cli_option options[] = { { .name = "--repair", .flag = &repair }, { 0 } };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc > 1) rc = cli_usage(c, "no argument is expected, but '%s' was given", argv[1]);
    if (rc == CLI_GO_ON) rc = cli_need_data(c);
    if (rc != CLI_GO_ON) return rc;
    watch w = { .c = c, .progress = isatty(STDERR_FILENO) };
    pt_buf_init(&w.faults, 64u << 20);
    pt_json_init(&w.j, &w.faults);
    pt_json_array(&w.j);
    hist_verify_options o = { .repair = repair, .fault = fault, .progress = progress, .ctx = &w };
    hist_verify_report r;
    pt_error err = { 0 };
    pt_status st = hist_verify(c->data_dir, &o, &r, &err);
    if (w.progress) fprintf(stderr, "\r\033[K");
    if (st) rc = cli_fail(c, code_of(st), "%s: %s", c->data_dir, err.text);
    else {
        uint64_t audit_rows = 0, audit_faults = 0;
        check_audit(&w, &audit_rows, &audit_faults);
        r.faults += audit_faults;
        rc = print_report(&w, &r, audit_rows, repair);
        /* After a repair the faults are gone, unless something could not be rebuilt; without one they are what the exit code tells. */
        if (rc == PT_EXIT_OK && (repair ? audit_faults : r.faults)) rc = PT_EXIT_FAILED;
    }
    pt_buf_fini(&w.faults);
    return rc;
}

const cli_verb cli_verb_verify = {
    "verify", "check every block, journal row and index of a data directory",
    "Usage: plantree verify [--data DIR] [--repair] [--json]\n"
    "\n"
    "Reads everything: the files' structure, each block's checksum, rows and summary, the statistics, the journal. It may run beside a\n"
    "host; faults are printed and give exit code 1. --repair needs the directory for itself (exit code 3 while a host has it): damaged\n"
    "files are rebuilt from what can be read, the old ones stay beside them as *.damaged-N. The chain of the audit is walked too; it is never repaired.\n"
    "\n"
    "Examples:\n"
    "  plantree verify --data /var/lib/plantree\n"
    "  plantree verify --data /var/lib/plantree --repair\n",
    run
};

static int run_backup(cli *c, int argc, char **argv)
{
    int rc = cli_options(c, &argc, argv, NULL);
    if (rc == CLI_GO_ON && argc != 2) rc = cli_usage(c, "one argument is expected: the directory to make");
    if (rc == CLI_GO_ON) rc = cli_need_data(c);
    if (rc != CLI_GO_ON) return rc;
    watch w = { .c = c, .progress = isatty(STDERR_FILENO) };
    pt_error err = { 0 };
    pt_status st = hist_backup(c->data_dir, argv[1], progress, &w, &err);
    if (st == PT_OK && (st = host_audit_copy(c->data_dir, argv[1], &err)) == PT_ENOTFOUND) st = PT_OK; /* nothing was ever asked for */
    if (st == PT_OK && (st = access_copy(c->data_dir, argv[1], &err)) == PT_ENOTFOUND) st = PT_OK;     /* no user was ever made */
    if (w.progress) fprintf(stderr, "\r\033[K");
    if (st) return cli_fail(c, code_of(st), "%s", err.text);
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 1 << 16);
    if (c->json) {
        pt_json_init(&j, &out);
        pt_json_object(&j);
        pt_json_member_cstr(&j, "data_dir", c->data_dir);
        pt_json_member_cstr(&j, "backup", argv[1]);
        pt_json_end_object(&j);
    } else {
        pt_buf_cstr(&out, "A copy of ");
        cli_printable(&out, pt_cstr(c->data_dir));
        pt_buf_cstr(&out, " is in ");
        cli_printable(&out, pt_cstr(argv[1]));
        pt_buf_char(&out, '.');
    }
    pt_buf_char(&out, '\n');
    rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

const cli_verb cli_verb_backup = {
    "backup", "a consistent copy of a data directory, also while the host runs",
    "Usage: plantree backup DEST [--data DIR] [--json]\n"
    "\n"
    "Everything committed before the call is in the copy, the audit too. DEST is made; a directory that holds a historian already is refused (exit 3).\n"
    "\n"
    "Example:\n"
    "  plantree backup /mnt/backup/plantree-$(date +%F) --data /var/lib/plantree\n",
    run_backup
};
