/* host/web/assets.c -- look-up over the generated table, which is sorted by path. */
#include "host/web/assets.h"

#include "host/web/assets_table.h"

const host_web_asset *host_web_find(pt_slice path)
{
    size_t low = 0, high = host_web__asset_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = pt_slice_cmp(path, pt_cstr(host_web__assets[mid].path));
        if (c == 0) return &host_web__assets[mid];
        if (c < 0) high = mid;
        else low = mid + 1;
    }
    return NULL;
}

size_t host_web_count(void)
{
    return host_web__asset_count;
}

const host_web_asset *host_web_at(size_t index)
{
    return index < host_web__asset_count ? &host_web__assets[index] : NULL;
}

const char *host_web_csp(void)
{
    return host_web__csp;
}
