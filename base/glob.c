/* base/glob.c -- two nested greedy matchers with one restart point each, so time is O(pattern * path). */
#include "base/glob.h"
#include "base/utf8.h"

static bool match_segment(pt_slice pat, pt_slice seg)
{
    size_t p = 0, s = 0, star = SIZE_MAX, mark = 0;
    while (s < seg.len) {
        if (p < pat.len && pat.ptr[p] == '*') {
            star = p++;
            mark = s;
        } else if (p < pat.len && (pat.ptr[p] == '?' || pat.ptr[p] == seg.ptr[s])) {
            size_t n = pat.ptr[p] == '?' ? pt_utf8_next(seg.ptr + s, seg.len - s, NULL) : 1;
            p++;
            s += n ? n : 1;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            s = ++mark;
        } else {
            return false;
        }
    }
    while (p < pat.len && pat.ptr[p] == '*')
        p++;
    return p == pat.len;
}

static pt_slice first(pt_slice s, pt_slice *rest)
{
    pt_slice piece = PT_NONE;
    *rest = s;
    pt_slice_split(rest, '/', &piece);
    return piece;
}

bool pt_glob_match(pt_slice pattern, pt_slice path)
{
    pt_slice star_pat = PT_NONE, star_path = PT_NONE, pr, sr;
    while (path.ptr) {
        pt_slice p = pattern.ptr ? first(pattern, &pr) : PT_NONE;
        if (pattern.ptr && pt_slice_eq(p, PT_LIT("**"))) {
            if (!pr.ptr) return true; /* a final "**" takes all that is left */
            star_pat = pattern = pr;
            star_path = path;
            continue;
        }
        pt_slice s = first(path, &sr);
        if (pattern.ptr && match_segment(p, s)) {
            pattern = pr;
            path = sr;
        } else if (star_pat.ptr) {
            (void)first(star_path, &sr);
            star_path = path = sr;
            pattern = star_pat;
        } else {
            return false;
        }
    }
    while (pattern.ptr) {
        if (!pt_slice_eq(first(pattern, &pr), PT_LIT("**"))) return false;
        pattern = pr;
    }
    return true;
}

bool pt_glob_is_literal(pt_slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '*' || pattern.ptr[i] == '?') return false;
    }
    return true;
}

static bool excludes(pt_slice pattern)
{
    return pattern.len && pattern.ptr[0] == '!';
}

bool pt_glob_only_excludes(const pt_slice *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!excludes(patterns[i])) return false;
    }
    return true;
}

bool pt_glob_selects(const pt_slice *patterns, size_t n, pt_slice path)
{
    bool in = pt_glob_only_excludes(patterns, n);
    for (size_t i = 0; i < n; i++) {
        if (excludes(patterns[i])) {
            if (pt_glob_match(pt_slice_from(patterns[i], 1), path)) return false;
        } else if (!in) {
            in = pt_glob_match(patterns[i], path);
        }
    }
    return in;
}
