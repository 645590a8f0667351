/* historian/format/deviation.c -- which samples may go, and how far the rest is from them. */
#include "historian/format/format.h"

static const uint8_t MARKS = (uint8_t)~HIST_THINNED;

static bool number_of(const hist_sample *s, double *v)
{
    return hist__usable_number(s, v) && isfinite(*v);
}

static bool same_kind(const hist_sample *a, const hist_sample *b)
{
    return a->type == b->type && a->quality == b->quality && (a->flags & MARKS) == (b->flags & MARKS);
}

static bool is_linear(const hist_sample *s)
{
    return s->type == SPB_DOUBLE || s->type == SPB_FLOAT;
}

static double value_of(const hist_sample *s)
{
    double v = 0;
    return hist__usable_number(s, &v) ? v : 0;
}

/* The straight line from a to b at `t_ms`, or a's value where the type is stepped. */
static double stands_for(const hist_sample *a, const hist_sample *b, int64_t t_ms)
{
    double va = value_of(a);
    if (!is_linear(a)) return va;
    return va + (value_of(b) - va) * ((double)(t_ms - a->time_ms) / (double)(b->time_ms - a->time_ms));
}

double hist__distance(const hist_sample *a, const hist_sample *b, const hist_sample *s)
{
    double v = 0, ignored = 0;
    if (!number_of(s, &v) || !number_of(a, &ignored) || !number_of(b, &ignored) || a->type != s->type || a->quality != s->quality ||
        b->type != s->type)
        return (double)INFINITY;
    return fabs(v - stands_for(a, b, s->time_ms));
}

/* Exception reporting over a run of numbers. */
static void exceptions(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why)
{
    if (!(d->exc_dev >= 0)) return;
    size_t last = 0;
    for (size_t i = 1; i + 1 < n; i++) {
        int64_t since = s[i].time_ms - s[last].time_ms;
        bool differs = fabs(value_of(&s[i]) - value_of(&s[last])) > d->exc_dev && since >= d->exc_min_ms;
        if (!differs && !(d->exc_max_ms > 0 && since >= d->exc_max_ms)) {
            why[i] = HIST__EXCEPTION;
            continue;
        }
        why[i - 1] = HIST__KEPT; /* the one before shows until when the old value held */
        last = i;
    }
    if (n > 2 && fabs(value_of(&s[n - 1]) - value_of(&s[last])) > d->exc_dev) why[n - 2] = HIST__KEPT;
}

/* The swinging door over what passed. */
static void door(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why)
{
    size_t from = 0, before = 0;
    double lowest = -(double)INFINITY, highest = (double)INFINITY;
    for (size_t i = 1; i < n; i++) {
        if (why[i] != HIST__KEPT) continue;
        double dt = (double)(s[i].time_ms - s[from].time_ms), dv = value_of(&s[i]) - value_of(&s[from]);
        if (before != from) {
            bool outside = dv / dt < lowest || dv / dt > highest || (d->comp_max_ms > 0 && s[i].time_ms - s[from].time_ms > d->comp_max_ms);
            if (outside && s[before].time_ms - s[from].time_ms >= d->comp_min_ms) {
                from = before;
                lowest = -(double)INFINITY;
                highest = (double)INFINITY;
                dt = (double)(s[i].time_ms - s[from].time_ms);
                dv = value_of(&s[i]) - value_of(&s[from]);
            } else {
                why[before] = HIST__COMPRESSION;
            }
        }
        lowest = fmax(lowest, (dv - d->comp_dev) / dt);
        highest = fmin(highest, (dv + d->comp_dev) / dt);
        before = i;
    }
}

static void steps(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why)
{
    size_t from = 0;
    for (size_t i = 1; i + 1 < n; i++) {
        if (why[i] != HIST__KEPT) continue;
        int64_t since = s[i].time_ms - s[from].time_ms;
        bool differs = fabs(value_of(&s[i]) - value_of(&s[from])) > d->comp_dev && since >= d->comp_min_ms;
        if (differs || (d->comp_max_ms > 0 && since >= d->comp_max_ms)) from = i;
        else why[i] = HIST__COMPRESSION;
    }
}

static double largest_distance(const hist_sample *s, size_t n, const uint8_t *why)
{
    double most = 0;
    for (size_t a = 0; a + 1 < n;) {
        size_t b = a + 1;
        while (why[b] != HIST__KEPT)
            b++;
        for (size_t i = a + 1; i < b; i++)
            most = fmax(most, hist__distance(&s[a], &s[b], &s[i]));
        a = b;
    }
    return most;
}

static double thin_run(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why)
{
    if (n < 3) return 0;
    exceptions(d, s, n, why);
    if (d->comp_dev >= 0) {
        if (is_linear(s)) door(d, s, n, why);
        else steps(d, s, n, why);
    }
    return largest_distance(s, n, why);
}

double hist__thin(const hist_deviation *d, const hist_sample *s, size_t n, uint8_t *why)
{
    double most = 0, v = 0;
    memset(why, HIST__KEPT, n);
    for (size_t at = 0; at < n;) {
        size_t end = at + 1;
        if (number_of(&s[at], &v)) {
            while (end < n && same_kind(&s[at], &s[end]) && number_of(&s[end], &v))
                end++;
        }
        most = fmax(most, thin_run(d, s + at, end - at, why + at));
        at = end;
    }
    return most;
}

/* First row of [0, n) that does not come before `s`. */
static size_t lower(const hist_sample *rows, size_t n, const hist_sample *s)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (hist__key_cmp(rows[mid].time_ms, hist__is_state(&rows[mid]), s->time_ms, hist__is_state(s)) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

pt_status hist__thin_late(hist__rows *rows, const hist_sample *s, size_t n, bool thin, uint64_t *left)
{
    size_t old = rows->n;
    double stated = rows->deviation, widened = 0;
    pt_status st = hist__rows_reserve(rows, n);
    if (st != PT_OK) return st;
    for (size_t i = 0; i < n; i++) {
        hist_sample *to = &rows->s[rows->n];
        size_t at = lower(rows->s, old, &s[i]);
        const hist_sample *b = at < old ? &rows->s[at] : NULL;
        *to = s[i]; /* byte values stay with the caller */
        bool equal = b && b->time_ms == s[i].time_ms && hist__is_state(b) == hist__is_state(&s[i]);
        if (equal) { /* another value for a kept sample: the lines that end and begin at it move by as much */
            bool used = (b->flags & HIST_THINNED) || (at + 1 < old && (rows->s[at + 1].flags & HIST_THINNED));
            double was = 0, is = 0;
            if (used)
                widened =
                    fmax(widened, number_of(b, &was) && number_of(&s[i], &is) && b->type == s[i].type ? fabs(is - was) : (double)INFINITY);
            to->flags |= b->flags & HIST_THINNED;
        } else if (b && (b->flags & HIST_THINNED)) {
            double distance = at > 0 ? hist__distance(&rows->s[at - 1], b, &s[i]) : (double)INFINITY;
            if (thin && distance <= stated && isfinite(stated)) { /* an unknown bound is a reason for nothing */
                ++*left;
                continue;
            }
            widened = fmax(widened, distance);
            if (isfinite(distance)) to->flags |= HIST_THINNED;
        }
        rows->n++;
    }
    rows->deviation = stated + widened;
    return PT_OK;
}
