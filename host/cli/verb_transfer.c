/* host/cli/verb_transfer.c -- export and import: samples as CSV or JSON Lines. */
#include "base/file.h"
#include "host/cli/data.h"
#include "historian/exchange/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_STEP = 8192, HEADER_MAX = 1 << 20, SUMMED = 64 << 10 };

typedef struct transfer {
    cli *c;
    FILE *file;
    bool progress;
    uint64_t size;      /* of the input, 0 unknown */
    const char *resume; /* state file of an import, NULL: none */
    int64_t shown_ms;
    bool reader_gone; /* `| head` has seen enough: no error worth a message */
} transfer;

static bool write_bytes(void *ctx, pt_slice bytes)
{
    transfer *t = ctx;
    bool ok = fwrite(bytes.ptr, 1, bytes.len, t->file) == bytes.len;
    t->reader_gone = !ok && errno == EPIPE;
    return ok;
}

static bool time_to_show(transfer *t)
{
    int64_t now = pt_mono_ms(pt_clock_system());
    if (!t->progress || now - t->shown_ms < 200) return false;
    t->shown_ms = now;
    return true;
}

static void export_progress(void *ctx, uint64_t done, uint64_t tags, uint64_t samples)
{
    if (time_to_show(ctx))
        fprintf(stderr, "\r\033[Ktag %llu of %llu, %llu samples", (unsigned long long)done, (unsigned long long)tags,
                (unsigned long long)samples);
}

static int format_of(cli *c, const char *text, const char *file, hist_format *out)
{
    size_t n = file ? strlen(file) : 0;
    if (!text) text = n > 4 && strcmp(file + n - 4, ".csv") == 0 ? "csv" : "jsonl";
    *out = strcmp(text, "csv") == 0 ? HIST_CSV : HIST_JSONL;
    return *out == HIST_CSV || strcmp(text, "jsonl") == 0 ? CLI_GO_ON : cli_usage(c, "--format is csv or jsonl, not '%s'", text);
}

/* What became of the call as JSON: "name" and its count, up to NULL; and of an import, which records could not be read. */
typedef struct count {
    const char *name;
    uint64_t n;
} count;
static int put_counts(const cli *c, const count *counts, const hist_import_report *r)
{
    pt_buf out;
    pt_json j;
    pt_buf_init(&out, 1 << 16);
    pt_json_init(&j, &out);
    pt_json_object(&j);
    for (; counts->name; counts++)
        pt_json_member_u64(&j, counts->name, counts->n);
    if (r) {
        pt_json_key(&j, "faults_at");
        pt_json_array(&j);
    }
    for (uint64_t i = 0; r && i < r->faults && i < HIST_IMPORT_NAMED; i++) {
        pt_json_object(&j);
        pt_json_member_u64(&j, "line", r->faults_at[i].line);
        pt_json_member_cstr(&j, "why", r->faults_at[i].why);
        pt_json_end_object(&j);
    }
    if (r) pt_json_end_array(&j);
    pt_json_end_object(&j);
    pt_buf_char(&out, '\n');
    int rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc;
}

static int run_export(cli *c, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *format = NULL, *output = NULL;
    static cli_list select;
    pt_slice patterns[CLI_MAX_LIST];
    const cli_option options[] = { { .name = "--from", .value = &from },     { .name = "--to", .value = &to },
                                   { .name = "--format", .value = &format }, { .name = "--output", .value = &output },
                                   { .name = "--select", .list = &select },  { 0 } };
    hist_export_options o = { .from_ms = INT64_MIN, .to_ms = INT64_MAX, .write = write_bytes, .progress = export_progress };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && (size_t)argc - 1 + select.n > CLI_MAX_LIST) rc = cli_usage(c, "more than %d patterns", CLI_MAX_LIST);
    if (rc == CLI_GO_ON) rc = cli_need_data(c);
    if (rc == CLI_GO_ON) rc = cli_time(c, "--from", from, INT64_MIN, &o.from_ms);
    if (rc == CLI_GO_ON) rc = cli_time(c, "--to", to, INT64_MAX, &o.to_ms);
    if (rc == CLI_GO_ON && o.from_ms >= o.to_ms) rc = cli_usage(c, "--from must be before --to");
    if (rc == CLI_GO_ON) rc = format_of(c, format, output, &o.format);
    if (rc != CLI_GO_ON) return rc;
    for (size_t i = 0; i < select.n; i++)
        patterns[i] = pt_cstr(select.items[i]);
    for (int i = 1; i < argc; i++)
        patterns[select.n + (size_t)i - 1] = pt_cstr(argv[i]);
    o.select = patterns;
    o.n_select = select.n + (size_t)argc - 1;
    hist *h = NULL;
    if ((rc = cli_data_open(c, true, &h)) != CLI_GO_ON) return rc;
    transfer t = { .c = c, .progress = isatty(STDERR_FILENO) && (output || !isatty(STDOUT_FILENO)) };
    o.ctx = &t;
    pt_error err = { 0 };
    uint64_t samples = 0;
    t.file = output ? fopen(output, "w") : stdout;
    pt_status st = t.file ? hist_export(h, &o, &samples, &err) : pt_fail(&err, PT_EIO, "%s: %s", output, strerror(errno));
    if (t.file && fflush(t.file) != 0 && st == PT_OK) st = pt_fail(&err, PT_EIO, "%s", strerror(errno));
    if (output && t.file && fclose(t.file) != 0 && st == PT_OK) st = pt_fail(&err, PT_EIO, "%s: %s", output, strerror(errno));
    if (t.progress) fprintf(stderr, "\r\033[K");
    pt_error closing = { 0 };
    pt_status closed = hist_close(h, 1000, &closing);
    if (st && t.reader_gone) return PT_EXIT_FAILED;
    if (st) return cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
    if (closed) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", c->data_dir, closing.text);
    if (output && c->json) rc = put_counts(c, (const count[]){ { "samples", samples }, { 0 } }, NULL);
    else if (output) fprintf(stderr, "%llu samples\n", (unsigned long long)samples);
    return c->damaged || rc > PT_EXIT_OK ? PT_EXIT_FAILED : PT_EXIT_OK;
}

const cli_verb cli_verb_export = {
    "export", "all samples as CSV or JSON Lines, lossless",
    "Usage: plantree export [PATH|GLOB]... [--data DIR] [--from T] [--to T] [--select GLOB]... [--format csv|jsonl] [--output FILE] [--json]\n"
    "\n"
    "Tag after tag, in time order, with types, qualities and state rows: what `plantree import` reads back the same. Default: everything,\n"
    "JSON Lines (CSV when FILE ends in .csv), to standard output. May run beside a host. With --output, how many samples it were is said;\n"
    "--json says it as JSON.\n"
    "\n"
    "Examples:\n"
    "  plantree export 'acme/line1/**' '!**/Temp' --data /var/lib/plantree --from now-30d --output line1.csv\n"
    "  plantree export --data . | zstd > all.jsonl.zst\n",
    run_export
};

/* ---- import -------------------------------------------------------------------------------------------------- */

static ptrdiff_t read_bytes(void *ctx, char *to, size_t cap)
{
    const transfer *t = ctx;
    size_t n = fread(to, 1, cap, t->file);
    return n == 0 && ferror(t->file) ? -1 : (ptrdiff_t)n;
}

/* Tells the file's part before `offset` from that of another file: a sum of its first and its last 64 KiB. */
static bool sum_before(const transfer *t, uint64_t offset, uint64_t *sum)
{
    static char first[SUMMED], last[SUMMED];
    size_t n = offset < SUMMED ? (size_t)offset : SUMMED;
    const struct {
        char *to;
        uint64_t at;
    } parts[] = { { first, 0 }, { last, offset - n } };
    for (size_t i = 0; i < PT_COUNT_OF(parts); i++) {
        for (size_t have = 0; have < n;) {
            ssize_t got = pread(fileno(t->file), parts[i].to + have, n - have, (off_t)(parts[i].at + have));
            if (got == 0) errno = EIO; /* it has become shorter */
            if (got <= 0) return false;
            have += (size_t)got;
        }
    }
    *sum = hist_text_sum(pt_slice_of(first, n), pt_slice_of(last, n));
    return true;
}

/* Tells the data directory from others. */
static bool sum_of_dir(const char *dir, uint64_t *sum)
{
    char *path = realpath(dir, NULL);
    if (path) *sum = hist_text_sum(pt_cstr(path), PT_LIT(""));
    free(path);
    return path != NULL;
}

/* How far it came goes into the state file, whole or not at all: the offset, the line that begins there, the sum of what lies before, that
 * of where to. */
static void keep_state(transfer *t, const hist_import_report *r)
{
    char text[100];
    uint64_t sum = 0, dir = 0;
    pt_error err = { 0, "" };
    pt_status st = sum_of_dir(t->c->data_dir, &dir) && sum_before(t, r->offset, &sum) ? PT_OK : pt_fail_errno(&err, errno, t->resume);
    int n = snprintf(text, sizeof text, "%llu %llu %016llx %016llx\n", (unsigned long long)r->offset, (unsigned long long)r->line,
                     (unsigned long long)sum, (unsigned long long)dir);
    if (st == PT_OK) st = pt_file_write(t->resume, 0644, pt_slice_of(text, (size_t)n), &err);
    if (st == PT_OK) return;
    fprintf(stderr, "plantree: %s\n", err.text);
    t->resume = NULL;
}

/* After each durable step. */
static void import_progress(void *ctx, const hist_import_report *r)
{
    transfer *t = ctx;
    if (t->resume) keep_state(t, r);
    if (!time_to_show(t)) return;
    if (t->size)
        fprintf(stderr, "\r\033[K%3.0f %%, %llu samples", 100.0 * (double)r->offset / (double)t->size, (unsigned long long)r->samples);
    else fprintf(stderr, "\r\033[K%llu samples", (unsigned long long)r->samples);
}

/* The first record of the file; its end need not be that of its first line. */
static int read_header(cli *c, const transfer *t, const char *input, pt_buf *header)
{
    size_t n = 1, len = 0;
    pt_status st = PT_OK;
    while (!len && n && (st = pt_buf_reserve(header, HEADER_STEP)) == PT_OK) {
        n = fread(header->ptr + header->len, 1, HEADER_STEP, t->file);
        header->len += n;
        len = hist_record_length(HIST_CSV, pt_buf_view(header), n == 0);
    }
    if (st == PT_ENOMEM) return cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (ferror(t->file)) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", input, strerror(errno));
    if (!len) return cli_fail(c, PT_EXIT_FAILED, "%s: no header line", input);
    header->len = len;
    return CLI_GO_ON;
}

/* The line that begins at `offset`, for a state that does not say it. */
static int count_lines(cli *c, const transfer *t, const char *input, uint64_t offset, uint64_t *line)
{
    char some[HEADER_STEP];
    *line = 1;
    rewind(t->file);
    for (uint64_t at = 0; at < offset;) {
        size_t want = offset - at < sizeof some ? (size_t)(offset - at) : sizeof some, n = fread(some, 1, want, t->file);
        if (n == 0) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", input, ferror(t->file) ? strerror(errno) : "it has become shorter");
        for (size_t i = 0; i < n; i++)
            *line += some[i] == '\n';
        at += n;
    }
    return CLI_GO_ON;
}

/* Where an earlier import stopped, and the CSV header from the file's start. */
static int find_start(cli *c, transfer *t, const char *input, hist_import_options *o, pt_buf *header)
{
    FILE *f = t->resume ? fopen(t->resume, "r") : NULL;
    unsigned long long offset = 0, line = 0, was = 0, dir_was = 0;
    uint64_t sum = 0, dir = 0;
    if (!f && t->resume && errno != ENOENT) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", t->resume, strerror(errno));
    if (!f) return CLI_GO_ON;
    int words =
        fscanf(f, "%llu %llu %llx %llx", &offset, &line, &was, &dir_was); /* of older builds: only the offset, or all but the directory */
    char more;
    bool rest = words != EOF && fscanf(f, " %c", &more) == 1;
    fclose(f);
    if (words == EOF) return CLI_GO_ON; /* empty */
    if (words < 1 || words == 2 || rest) return cli_fail(c, PT_EXIT_FAILED, "%s is no state of an import; nothing was imported", t->resume);
    if (offset == 0) return CLI_GO_ON;
    if (words == 4 && (!sum_of_dir(c->data_dir, &dir) || dir != dir_was))
        return cli_fail(
            c, PT_EXIT_FAILED,
            "%s says %llu bytes of %s are imported, but into another directory than %s; nothing was imported. Delete %s to import all of it",
            t->resume, offset, input, c->data_dir, t->resume);
    if (offset > t->size)
        return cli_fail(c, PT_EXIT_FAILED,
                        "%s says %llu bytes of %s are imported, which has %llu: it belongs to another file; nothing was imported",
                        t->resume, offset, input, (unsigned long long)t->size);
    if (words >= 3 && !sum_before(t, offset, &sum)) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", input, strerror(errno));
    if (words >= 3 && sum != was)
        return cli_fail(
            c, PT_EXIT_FAILED,
            "%s says %llu bytes of a file are imported, and they are not those %s begins with: it belongs to another file; nothing was imported",
            t->resume, offset, input);
    o->start_offset = offset;
    o->start_line = line;
    int rc = words == 1 ? count_lines(c, t, input, offset, &o->start_line) : CLI_GO_ON;
    rewind(t->file);
    if (rc == CLI_GO_ON && o->format == HIST_CSV) {
        rc = read_header(c, t, input, header);
        o->header = pt_buf_view(header);
    }
    if (rc == CLI_GO_ON && fseeko(t->file, (off_t)offset, SEEK_SET) != 0)
        rc = cli_fail(c, PT_EXIT_FAILED, "%s: %s", input, strerror(errno));
    return rc;
}

/* Those that were left out, one a line. */
static void say_faults(const hist_import_report *r)
{
    pt_buf text;
    uint64_t i = 0;
    pt_buf_init(&text, 1 << 16);
    for (; i < r->faults && i < HIST_IMPORT_NAMED; i++) {
        pt_buf_printf(&text, "line %llu: ", (unsigned long long)r->faults_at[i].line);
        cli_printable(&text, pt_cstr(r->faults_at[i].why));
        pt_buf_char(&text, '\n');
    }
    if (i < r->faults) pt_buf_printf(&text, "and %llu more\n", (unsigned long long)(r->faults - i));
    pt_slice all = pt_buf_view(&text);
    (void)fwrite(all.ptr, 1, all.len, stderr);
    pt_buf_fini(&text);
}

static int run_import(cli *c, int argc, char **argv)
{
    const char *format = NULL, *resume = NULL;
    bool skip = false;
    const cli_option options[] = { { .name = "--format", .value = &format },
                                   { .name = "--resume", .value = &resume },
                                   { .name = "--skip-faults", .flag = &skip },
                                   { 0 } };
    hist_import_options o = { .read = read_bytes, .progress = import_progress };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON && argc > 2) rc = cli_usage(c, "one argument is expected: the file");
    const char *input = argc == 2 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    if (rc == CLI_GO_ON && !c->data_dir) rc = cli_usage(c, "--data DIR is needed: the historian's directory, with no host running on it");
    if (rc == CLI_GO_ON && resume && (!input || strlen(resume) > 1000))
        rc = cli_usage(c, "--resume needs a file that can be read from the middle");
    if (rc == CLI_GO_ON) rc = format_of(c, format, input, &o.format);
    if (rc != CLI_GO_ON) return rc;
    o.skip_faults = skip;
    transfer t = { .c = c, .progress = isatty(STDERR_FILENO), .resume = resume };
    t.file = input ? fopen(input, "r") : stdin;
    if (!t.file) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", input, strerror(errno));
    struct stat info;
    if (input && fstat(fileno(t.file), &info) == 0 && S_ISREG(info.st_mode)) {
        t.size = (uint64_t)info.st_size;
    } else if (resume) {
        fclose(t.file);
        return cli_usage(c, "--resume needs a file that can be read from the middle");
    }
    pt_buf header;
    hist *h = NULL;
    o.ctx = &t;
    pt_buf_init(&header, HEADER_MAX);
    rc = find_start(c, &t, input, &o, &header);
    if (rc == CLI_GO_ON) rc = cli_data_open(c, false, &h);
    if (rc != CLI_GO_ON) {
        pt_buf_fini(&header);
        if (input) fclose(t.file);
        return rc;
    }
    pt_error err = { 0 };
    hist_import_report r;
    hist_stats stats = { 0 };
    pt_status st = hist_import(h, &o, &r, &err);
    pt_buf_fini(&header);
    unsigned long long records = (unsigned long long)(r.records - r.header);
    hist_stats_get(h, &stats);
    pt_error closing = { 0 };
    pt_status closed = hist_close(h, 60000, &closing);
    if (input) fclose(t.file);
    if (t.progress) fprintf(stderr, "\r\033[K");
    if (!c->json)
        fprintf(stderr, "%llu records, %llu samples: %llu new, %llu there already, %llu replaced; %llu records could not be read\n",
                records, (unsigned long long)r.samples, (unsigned long long)stats.stored, (unsigned long long)stats.duplicates,
                (unsigned long long)stats.replaced, (unsigned long long)r.faults);
    else if (put_counts(c,
                        (const count[]){ { "records", records },
                                         { "samples", r.samples },
                                         { "new", stats.stored },
                                         { "duplicates", stats.duplicates },
                                         { "replaced", stats.replaced },
                                         { "faults", r.faults },
                                         { 0 } },
                        &r) != PT_EXIT_OK &&
             st == PT_OK)
        st = pt_fail(&err, PT_EIO, "what became of it could not be said");
    if (skip) say_faults(&r);
    if (st) return cli_fail(c, PT_EXIT_FAILED, "%s", err.text);
    if (closed) return cli_fail(c, PT_EXIT_FAILED, "%s", closing.text);
    if (resume && unlink(resume) != 0 && errno != ENOENT) return cli_fail(c, PT_EXIT_FAILED, "%s: %s", resume, strerror(errno));
    return PT_EXIT_OK;
}

const cli_verb cli_verb_import = {
    "import", "samples from CSV or JSON Lines into a data directory",
    "Usage: plantree import [FILE] --data DIR [--format csv|jsonl] [--resume STATE] [--skip-faults] [--json]\n"
    "\n"
    "Reads what `plantree export`, `plantree history --format csv` and `plantree replay` write, and loses nothing of a sample; or any CSV with\n"
    "the columns time, path and value (quality, type, unit, ... when there). A replay's events are passed over. No host may be running on the\n"
    "directory (exit code 3). The same file again changes nothing: samples are known by tag and time. FILE '-' or none: standard input. What\n"
    "was new and what was there already is said at the end; --json says it as JSON.\n"
    "\n"
    "Without a type a value is of its tag's, and of a new tag: a Double when it is a number, a Boolean when it is true or false, else a\n"
    "String (a quoted text in JSON always, NaN and Infinity aside). No value is null and decides nothing. Whole numbers beyond 2^53, which a\n"
    "Double would round, are kept as Int64 or UInt64; beyond UInt64 they are Doubles.\n"
    "\n"
    "  --resume STATE   remember in the file STATE how far it came, and go on there next time; FILE may have grown. When its beginning, or\n"
    "                   what lies before that place, is not what was imported, it is another file: exit code 1, and nothing is imported.\n"
    "                   Likewise when STATE is of another DIR: delete it to import all of FILE\n"
    "  --skip-faults    leave out records that cannot be read instead of stopping at the first; lines and reasons of the first 20 are said,\n"
    "                   with --json as faults_at. Of a quote that is never closed only its line is left out\n"
    "\n"
    "Examples:\n"
    "  plantree import lab-results.csv --data /var/lib/plantree\n"
    "  zstdcat all.jsonl.zst | plantree import --data ./fresh\n",
    run_import
};
