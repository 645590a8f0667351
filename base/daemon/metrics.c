/* base/daemon/metrics.c -- families of metrics, each updated with atomics and written out under one lock.
 *
 * What is always true: (1) a metric once made stays until pt_metrics_free, so handles never dangle; (2) all metrics of one name stand
 * together in one family, as the text format demands; (3) the lock guards the lists only, never an update. */
#include "base/daemon/metrics.h"
#include "base/json.h" /* pt_f64_text */

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

typedef enum metric_kind { COUNTER, GAUGE, HISTOGRAM } metric_kind;
static const char *const kind_names[] = { "counter", "gauge", "histogram" };

struct pt_metric {
    struct pt_metric *next; /* in the family */
    char *labels;           /* "" when none */
    _Atomic uint64_t count; /* counter value; histogram: observations */
    _Atomic uint64_t bits;  /* gauge value or histogram sum, as the bits of a double */
    size_t n;               /* histogram bounds */
    double *bounds;
    _Atomic uint64_t *buckets; /* n, not cumulative */
};

typedef struct family {
    struct family *next;
    char *name, *help;
    metric_kind kind;
    pt_metric *first, **last;
} family;

typedef struct collector {
    struct collector *next;
    pt_metrics_collector *fn;
    void *ctx;
} collector;

struct pt_metrics {
    pthread_mutex_t lock; /* guards the three lists */
    family *families, **last_family;
    collector *collectors, **last_collector;
    pt_metric sink; /* handed out when memory is out */
};

pt_status pt_metrics_new(pt_metrics **out)
{
    pt_metrics *m = calloc(1, sizeof *m);
    if (!m) return PT_ENOMEM;
    if (pthread_mutex_init(&m->lock, NULL)) {
        free(m);
        return PT_ENOMEM;
    }
    m->last_family = &m->families;
    m->last_collector = &m->collectors;
    *out = m;
    return PT_OK;
}

static void free_metric(pt_metric *x)
{
    if (!x) return;
    free(x->labels);
    free(x->bounds);
    free(x->buckets);
    free(x);
}

static void free_family(family *f)
{
    while (f->first) {
        pt_metric *next = f->first->next;
        free_metric(f->first);
        f->first = next;
    }
    free(f->name);
    free(f->help);
    free(f);
}

void pt_metrics_free(pt_metrics *m)
{
    if (!m) return;
    while (m->families) {
        family *next = m->families->next;
        free_family(m->families);
        m->families = next;
    }
    while (m->collectors) {
        collector *next = m->collectors->next;
        free(m->collectors);
        m->collectors = next;
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static family *family_of(pt_metrics *m, const char *name, const char *help, metric_kind kind)
{
    for (family *f = m->families; f; f = f->next) {
        if (strcmp(f->name, name) == 0) return f->kind == kind ? f : NULL;
    }
    family *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->kind = kind;
    f->last = &f->first;
    f->name = strdup(name);
    f->help = strdup(help ? help : "");
    if (!f->name || !f->help) {
        free_family(f);
        return NULL;
    }
    *m->last_family = f;
    m->last_family = &f->next;
    return f;
}

static pt_metric *new_metric(const char *labels, const double *bounds, size_t n)
{
    pt_metric *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->labels = strdup(labels);
    if (n) {
        x->n = n;
        x->bounds = calloc(n, sizeof *x->bounds);
        x->buckets = calloc(n, sizeof *x->buckets);
        if (x->bounds) memcpy(x->bounds, bounds, n * sizeof *bounds);
    }
    if (!x->labels || (n && (!x->bounds || !x->buckets))) {
        free_metric(x);
        return NULL;
    }
    return x;
}

static pt_metric *register_metric(pt_metrics *m, metric_kind kind, const char *name, const char *labels, const char *help,
                                  const double *bounds, size_t n)
{
    pt_metric *x = NULL;
    if (!m) return NULL;
    if (!labels) labels = "";
    pthread_mutex_lock(&m->lock);
    family *f = family_of(m, name, help, kind);
    for (x = f ? f->first : NULL; x && strcmp(x->labels, labels) != 0;)
        x = x->next;
    if (f && !x && (x = new_metric(labels, bounds, n))) {
        *f->last = x;
        f->last = &x->next;
    }
    pthread_mutex_unlock(&m->lock);
    return x ? x : &m->sink;
}

pt_metric *pt_metrics_counter(pt_metrics *m, const char *name, const char *labels, const char *help)
{
    return register_metric(m, COUNTER, name, labels, help, NULL, 0);
}
pt_metric *pt_metrics_gauge(pt_metrics *m, const char *name, const char *labels, const char *help)
{
    return register_metric(m, GAUGE, name, labels, help, NULL, 0);
}
pt_metric *pt_metrics_histogram(pt_metrics *m, const char *name, const char *labels, const char *help, const double *bounds, size_t n)
{
    return register_metric(m, HISTOGRAM, name, labels, help, bounds, n);
}

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static double double_of(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

void pt_metric_add(pt_metric *c, uint64_t n)
{
    if (c) atomic_fetch_add_explicit(&c->count, n, memory_order_relaxed);
}

void pt_metric_set(pt_metric *g, double v)
{
    if (g) atomic_store_explicit(&g->bits, bits_of(v), memory_order_relaxed);
}

void pt_metric_observe(pt_metric *h, double v)
{
    if (!h) return;
    for (size_t i = 0; i < h->n; i++) {
        if (v <= h->bounds[i]) {
            atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
            break;
        }
    }
    uint64_t was = atomic_load_explicit(&h->bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&h->bits, &was, bits_of(double_of(was) + v), memory_order_relaxed,
                                                  memory_order_relaxed)) { /* again with the newer value */
    }
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

uint64_t pt_metric_count(const pt_metric *c)
{
    return c ? atomic_load_explicit(&c->count, memory_order_relaxed) : 0;
}

pt_status pt_metrics_collect(pt_metrics *m, pt_metrics_collector *fn, void *ctx)
{
    collector *c = calloc(1, sizeof *c);
    if (!c) return PT_ENOMEM;
    c->fn = fn;
    c->ctx = ctx;
    pthread_mutex_lock(&m->lock);
    *m->last_collector = c;
    m->last_collector = &c->next;
    pthread_mutex_unlock(&m->lock);
    return PT_OK;
}

/* --- text --- */

static void number(pt_buf *out, double v)
{
    char text[32];
    if (isnan(v)) pt_buf_cstr(out, "NaN");
    else if (isinf(v)) pt_buf_cstr(out, v > 0 ? "+Inf" : "-Inf");
    else pt_buf_add(out, text, pt_f64_text(v, text));
}

void pt_metrics_head(pt_buf *out, const char *name, const char *type, const char *help)
{
    pt_buf_printf(out, "# HELP %s ", name);
    for (const char *p = help; *p; p++) {
        if (*p == '\\') pt_buf_cstr(out, "\\\\");
        else if (*p == '\n') pt_buf_cstr(out, "\\n");
        else pt_buf_char(out, *p);
    }
    pt_buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void name_and_labels(pt_buf *out, const char *name, const char *suffix, const char *labels)
{
    pt_buf_cstr(out, name);
    pt_buf_cstr(out, suffix);
    if (labels && *labels) pt_buf_printf(out, "{%s}", labels);
    pt_buf_char(out, ' ');
}

void pt_metrics_sample(pt_buf *out, const char *name, const char *labels, double value)
{
    name_and_labels(out, name, "", labels);
    number(out, value);
    pt_buf_char(out, '\n');
}

void pt_metrics_label(pt_buf *out, const char *key, pt_slice value, bool first)
{
    if (!first) pt_buf_char(out, ',');
    pt_buf_printf(out, "%s=\"", key);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == '"') pt_buf_char(out, '\\');
        if (c == '\n') pt_buf_cstr(out, "\\n");
        else pt_buf_char(out, c);
    }
    pt_buf_char(out, '"');
}

static void histogram_text(pt_buf *out, const char *name, const pt_metric *x)
{
    uint64_t sum = 0, total = pt_metric_count(x);
    const char *comma = *x->labels ? "," : "";
    for (size_t i = 0; i < x->n; i++) {
        sum += atomic_load_explicit(&x->buckets[i], memory_order_relaxed);
        pt_buf_printf(out, "%s_bucket{%s%sle=\"", name, x->labels, comma);
        number(out, x->bounds[i]);
        pt_buf_printf(out, "\"} %llu\n", (unsigned long long)sum);
    }
    if (total < sum) total = sum; /* an observation is under way */
    pt_buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, x->labels, comma, (unsigned long long)total);
    name_and_labels(out, name, "_sum", x->labels);
    number(out, double_of(atomic_load_explicit(&x->bits, memory_order_relaxed)));
    pt_buf_char(out, '\n');
    name_and_labels(out, name, "_count", x->labels);
    pt_buf_printf(out, "%llu\n", (unsigned long long)total);
}

static void family_text(pt_buf *out, const family *f)
{
    pt_metrics_head(out, f->name, kind_names[f->kind], f->help);
    for (const pt_metric *x = f->first; x; x = x->next) {
        if (f->kind == HISTOGRAM) {
            histogram_text(out, f->name, x);
        } else if (f->kind == COUNTER) {
            name_and_labels(out, f->name, "", x->labels);
            pt_buf_printf(out, "%llu\n", (unsigned long long)pt_metric_count(x));
        } else {
            pt_metrics_sample(out, f->name, x->labels, double_of(atomic_load_explicit(&x->bits, memory_order_relaxed)));
        }
    }
}

static bool read_small(const char *path, char *text, size_t cap)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t n = fread(text, 1, cap - 1, f);
    fclose(f); /* opened for reading: nothing to lose */
    text[n] = '\0';
    return n > 0;
}

static void gauge_text(pt_buf *out, const char *name, const char *help, double v)
{
    pt_metrics_head(out, name, "gauge", help);
    pt_metrics_sample(out, name, NULL, v);
}

static void start_time(pt_buf *out)
{
    char stat[1024], boot[4096];
    if (!read_small("/proc/self/stat", stat, sizeof stat) || !read_small("/proc/uptime", boot, sizeof boot)) return;
    const char *p = strrchr(stat, ')'); /* the name before it may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    struct timespec now;
    if (!p || clock_gettime(CLOCK_REALTIME, &now)) return;
    double started = strtod(p, NULL) / (double)sysconf(_SC_CLK_TCK); /* seconds after boot */
    double age = strtod(boot, NULL) - started;
    gauge_text(out, "process_start_time_seconds", "Start of the process, seconds since 1970.",
               floor(((double)now.tv_sec + (double)now.tv_nsec * 1e-9 - age) * 100) / 100);
}

static void process_text(pt_buf *out)
{
    char statm[256];
    struct rusage use;
    struct rlimit fds;
    unsigned long long pages, resident;
    if (read_small("/proc/self/statm", statm, sizeof statm) && sscanf(statm, "%llu %llu", &pages, &resident) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        gauge_text(out, "process_resident_memory_bytes", "Memory held in RAM.", (double)resident * page);
        gauge_text(out, "process_virtual_memory_bytes", "Address space in use.", (double)pages * page);
    }
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        pt_metrics_head(out, "process_cpu_seconds_total", "counter", "CPU time spent, user and system.");
        pt_metrics_sample(out, "process_cpu_seconds_total", NULL,
                          (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                              (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    }
    DIR *d = opendir("/proc/self/fd");
    if (d) {
        double n = -3; /* ".", ".." and the directory itself */
        while (readdir(d))
            n++;
        closedir(d);
        gauge_text(out, "process_open_fds", "Open file descriptors.", n);
    }
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0) gauge_text(out, "process_max_fds", "Limit of open file descriptors.", (double)fds.rlim_cur);
    start_time(out);
}

void pt_metrics_text(pt_metrics *m, pt_buf *out)
{
    pthread_mutex_lock(&m->lock);
    for (const family *f = m->families; f; f = f->next)
        family_text(out, f);
    const collector *c = m->collectors;
    pthread_mutex_unlock(&m->lock);
    /* Collectors are only ever added at the end, so walking on without the lock is safe up to a newcomer. */
    while (c) {
        c->fn(c->ctx, out);
        pthread_mutex_lock(&m->lock);
        c = c->next;
        pthread_mutex_unlock(&m->lock);
    }
    process_text(out);
}
