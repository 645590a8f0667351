/* tests/bench/bench.c -- figures, reports, the alternating comparison. */
#include "tests/bench/bench.h"

#include "base/json.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static double seconds(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0) return 0;
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double bench_now(void)
{
    return seconds(CLOCK_MONOTONIC);
}
double bench_cpu_process(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}
double bench_cpu_thread(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

void bench_add(bench_series *s, double v)
{
    if (s->n < BENCH_REPETITIONS_MAX) s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_figure bench_figure_of(const bench_series *s)
{
    bench_series t = *s;
    if (!t.n) return (bench_figure){ 0 };
    qsort(t.v, t.n, sizeof t.v[0], by_value);
    double mid = t.n % 2 ? t.v[t.n / 2] : (t.v[t.n / 2 - 1] + t.v[t.n / 2]) / 2;
    return (bench_figure){ mid, t.v[0], t.v[t.n - 1] };
}

static double rounded(double v) /* six digits are more than a measurement has */
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", v);
    return strtod(text, NULL);
}

static void report_json(const bench_run *run, const bench_case *c, bench_figure o, bench_figure r, double ratio, bool met, unsigned n)
{
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 64 * 1024);
    pt_json_init(&j, &b);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "name", c->name);
    pt_json_member_cstr(&j, "variant", c->variant);
    pt_json_member_cstr(&j, "goal", *c->goal ? c->goal : NULL);
    pt_json_member_f64(&j, "ours", rounded(o.median));
    pt_json_member_f64(&j, "ours_min", rounded(o.min));
    pt_json_member_f64(&j, "ours_max", rounded(o.max));
    pt_json_member_f64(&j, "reference", rounded(r.median));
    pt_json_member_f64(&j, "reference_min", rounded(r.min));
    pt_json_member_f64(&j, "reference_max", rounded(r.max));
    pt_json_member_cstr(&j, "unit", c->unit);
    pt_json_member_f64(&j, "ratio", rounded(ratio));
    if (c->target > 0) {
        pt_json_member_f64(&j, "target", c->target);
        pt_json_member_cstr(&j, "target_is", c->at_most ? "at-most" : "at-least");
        pt_json_member_bool(&j, "met", met);
    } else {
        pt_json_member_null(&j, "target");
        pt_json_member_null(&j, "met");
    }
    pt_json_member_u64(&j, "repetitions", n);
    pt_json_member_cstr(&j, "input", c->input);
    pt_json_member_cstr(&j, "ours_is", c->ours);
    pt_json_member_cstr(&j, "reference_is", c->reference);
    if (c->note) pt_json_member_cstr(&j, "note", c->note);
    pt_json_end_object(&j);
    pt_slice text = pt_buf_view(&b);
    if (!pt_buf_status(&b)) fprintf(run->out, "%.*s\n", PT_SLICE_ARGS(text));
    pt_buf_fini(&b);
}

static void side(FILE *out, const char *who, const char *what, bench_figure f, const char *unit)
{
    fprintf(out, "  %-9s %12.5g %s  (%.5g .. %.5g)  %s\n", who, f.median, unit, f.min, f.max, what);
}

void bench_report(const bench_run *run, const bench_case *c, const bench_series *ours, const bench_series *reference)
{
    bench_figure o = bench_figure_of(ours), r = bench_figure_of(reference);
    double ratio = r.median != 0 ? o.median / r.median : 0;
    bool met = c->at_most ? ratio <= c->target : ratio >= c->target;
    if (run->json) {
        report_json(run, c, o, r, ratio, met, ours->n);
    } else {
        fprintf(run->out, "%s %s%s%s\n  input     %s; %u repetitions\n", c->name, c->variant, *c->goal ? "  goal " : "", c->goal, c->input,
                ours->n);
        side(run->out, "ours", c->ours, o, c->unit);
        side(run->out, "reference", c->reference, r, c->unit);
        fprintf(run->out, "  ratio     %12.3f", ratio);
        if (c->target > 0)
            fprintf(run->out, "  (goal %s %.3g: %s)", c->at_most ? "at most" : "at least", c->target, met ? "met" : "missed");
        fprintf(run->out, "\n");
        if (c->note) fprintf(run->out, "  note      %s\n", c->note);
    }
    fflush(run->out);
}

pt_status bench_compare(const bench_run *run, const bench_case *c, bench_side ours, bench_side reference, void *ctx, pt_error *err)
{
    bench_series o = { .n = 0 }, r = { .n = 0 };
    for (unsigned i = 0; i <= run->repetitions; i++) { /* the first round warms up caches, heap and files */
        double a = ours(ctx, err), b = a < 0 ? a : reference(ctx, err);
        if (a < 0 || b < 0) return PT_EIO;
        if (i == 0) continue;
        bench_add(&o, a);
        bench_add(&r, b);
    }
    bench_report(run, c, &o, &r);
    return PT_OK;
}

void bench_say(const bench_run *run, const char *fmt, ...)
{
    va_list ap;
    (void)run;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

pt_status bench_dir(const bench_run *run, const char *name, char *path, size_t cap, pt_error *err)
{
    int n = snprintf(path, cap, "%s/%s", run->tmp, name);
    if (n < 0 || (size_t)n >= cap) return pt_fail(err, PT_ETOOBIG, "path too long");
    bench_remove(run, path);
    if (mkdir(path, 0700) != 0) return pt_fail(err, pt_status_from_errno(errno), "mkdir %s: %s", path, strerror(errno));
    return PT_OK;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void bench_remove(const bench_run *run, const char *path)
{
    if (strncmp(path, run->tmp, strlen(run->tmp)) == 0) (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
