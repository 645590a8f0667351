/* base/nearest.c -- Levenshtein's distance, in one row. */
#include "base/nearest.h"

enum { MAX_WORD = 64 };

static size_t distance(pt_slice a, pt_slice b) /* Levenshtein, both at most MAX_WORD */
{
    size_t row[MAX_WORD + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
}

bool pt_nearer(pt_slice wrong, const char *word, size_t *best)
{
    pt_slice w = pt_cstr(word);
    if (wrong.len > MAX_WORD || w.len > MAX_WORD) return false;
    size_t d = distance(wrong, w);
    if (d >= *best || d > (w.len < 5 ? 1 : w.len < 9 ? 2 : 3)) return false;
    *best = d;
    return true;
}
