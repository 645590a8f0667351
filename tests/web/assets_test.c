/* tests/web/assets_test.c -- the embedded UI: found by path, cacheable, small, and allowed by its own policy. */
#include "host/web/assets.h"
#include "tests/support/check.h"

#define FIRST_LOAD_MAX (60u * 1024u) /* bytes gzipped */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && memcmp(text + n - m, end, m) == 0;
}

static void every_file_is_found_by_its_path_and_nothing_else_is(void)
{
    CHECK_FATAL(host_web_count() > 0);
    for (size_t i = 0; i < host_web_count(); i++)
        CHECK_ROW(host_web_at(i)->path, host_web_find(pt_cstr(host_web_at(i)->path)) == host_web_at(i));
    CHECK(host_web_at(host_web_count()) == NULL);
    static const char *const absent[] = { "", "/u", "/ui/", "/ui", "/index.html", "/../etc/passwd", "//", "/~", "/zzz" };
    for (size_t i = 0; i < PT_COUNT_OF(absent); i++)
        CHECK_ROW(absent[i], host_web_find(pt_cstr(absent[i])) == NULL);
    CHECK(host_web_find(PT_NONE) == NULL);
}

static void the_page_is_revalidated_and_the_rest_is_immutable(void)
{
    for (size_t i = 0; i < host_web_count(); i++) {
        const host_web_asset *a = host_web_at(i);
        bool page = strcmp(a->path, "/") == 0;
        CHECK_ROW(a->path, a->immutable == !page);
        CHECK_ROW(a->path, page || strncmp(a->path, "/ui/", 4) == 0);
        CHECK_ROW(a->path, a->etag[0] == '"' && a->etag[strlen(a->etag) - 1] == '"');
        CHECK_ROW(a->path, a->content_type[0] != '\0' && a->raw != NULL && a->raw_len > 0);
    }
}

static void compressed_files_carry_neither_time_nor_system(void)
{
    static const unsigned char head[] = { 0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0 };
    for (size_t i = 0; i < host_web_count(); i++) {
        const host_web_asset *a = host_web_at(i);
        if (!a->gz) continue;
        CHECK_ROW(a->path, a->gz_len > 18 && memcmp(a->gz, head, sizeof head) == 0 && a->gz[9] == 255);
        const unsigned char *size = a->gz + a->gz_len - 4; /* little-endian length of the original */
        CHECK_ROW(a->path, (size_t)size[0] + ((size_t)size[1] << 8) + ((size_t)size[2] << 16) == a->raw_len);
    }
}

static void the_first_load_stays_below_its_budget(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < host_web_count(); i++) {
        const host_web_asset *a = host_web_at(i);
        /* Fetched with the first trend, or when somebody asks for the licences. */
        if (!ends_with(a->path, "/uplot.js") && !ends_with(a->path, "/uplot.css") && !ends_with(a->path, "/licenses.txt"))
            sum += a->gz ? a->gz_len : a->raw_len;
    }
    CHECK(sum < FIRST_LOAD_MAX);
}

static void the_policy_allows_only_this_host(void)
{
    const char *csp = host_web_csp();
    CHECK(strstr(csp, "default-src 'none'") != NULL);
    CHECK(strstr(csp, "unsafe") == NULL);
    CHECK(strstr(csp, "http") == NULL);
    CHECK(strstr(csp, "frame-ancestors 'none'") != NULL);
    const host_web_asset *page = host_web_find(PT_LIT("/"));
    CHECK_FATAL(page != NULL);
    /* An import map in the page is inline code: its hash stands in the policy. */
    bool has_map = memmem(page->raw, page->raw_len, "importmap", 9) != NULL;
    CHECK((strstr(csp, "'sha256-") != NULL) == has_map);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_file_is_found_by_its_path_and_nothing_else_is),
        PT_TEST(the_page_is_revalidated_and_the_rest_is_immutable),
        PT_TEST(compressed_files_carry_neither_time_nor_system),
        PT_TEST(the_first_load_stays_below_its_budget),
        PT_TEST(the_policy_allows_only_this_host),
    };
    return pt_test_main("web/assets", tests, PT_COUNT_OF(tests), argc, argv);
}
