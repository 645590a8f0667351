/* tests/web/assets_none_test.c -- the table of a build without the browser UI: one plain page that says so and leads on.
 *
 * assets_none.c is linked into this program itself, so it is tested in a build with the UI too. */
#include "host/web/assets_table.h"
#include "tests/support/check.h"

static const char *text_of_page(size_t *len)
{
    const host_web_asset *a = host_web_find(PT_LIT("/"));
    CHECK_FATAL(a != NULL && a->raw != NULL);
    *len = a->raw_len;
    return (const char *)a->raw;
}

static void there_is_one_page_and_nothing_else(void)
{
    CHECK_INT(host_web__asset_count, 1);
    CHECK_INT(host_web_count(), 1);
    const host_web_asset *a = host_web_at(0);
    CHECK_FATAL(a == &host_web__assets[0]);
    CHECK_STR(pt_cstr(a->path), "/");
    CHECK_STR(pt_cstr(a->content_type), "text/html; charset=utf-8");
    CHECK(!a->gz && !a->immutable && a->etag[0] == '"' && a->etag[strlen(a->etag) - 1] == '"');
    CHECK(host_web_find(PT_LIT("/ui/app.js")) == NULL);
}

static void the_page_says_what_is_missing_and_what_is_there(void)
{
    size_t len;
    const char *page = text_of_page(&len);
    CHECK(len == strlen(page)); /* the final NUL is not sent */
    CHECK(strstr(page, "PLANTREE_WEB=OFF") != NULL);
    CHECK(strstr(page, "<code>plantree</code>") != NULL);
}

static void every_link_is_relative_and_an_endpoint_of_the_contract(void)
{
    static const char *const endpoints[] = { "api/v1/nodes", "api/v1/tree", "metrics", "readyz" };
    size_t len, found = 0;
    const char *page = text_of_page(&len);
    for (const char *p = page; (p = strstr(p, "href=\"")) != NULL; found++) {
        p += strlen("href=\"");
        pt_slice target = pt_slice_of(p, strcspn(p, "\""));
        bool known = false;
        for (size_t i = 0; i < PT_COUNT_OF(endpoints); i++)
            known |= pt_slice_eq_cstr(target, endpoints[i]);
        CHECK_ROW(p, known);
    }
    CHECK_INT(found, PT_COUNT_OF(endpoints));
}

static void the_policy_allows_nothing_because_the_page_needs_nothing(void)
{
    size_t len;
    const char *page = text_of_page(&len), *csp = host_web_csp();
    CHECK(csp == host_web__csp && strstr(csp, "default-src 'none'") && !strstr(csp, "script-src") && !strstr(csp, "unsafe"));
    CHECK(!strstr(page, "<script") && !strstr(page, "<style") && !strstr(page, "style=") && !strstr(page, "<img"));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(there_is_one_page_and_nothing_else),
        PT_TEST(the_page_says_what_is_missing_and_what_is_there),
        PT_TEST(every_link_is_relative_and_an_endpoint_of_the_contract),
        PT_TEST(the_policy_allows_nothing_because_the_page_needs_nothing),
    };
    return pt_test_main("web/assets_none", tests, PT_COUNT_OF(tests), argc, argv);
}
