/* host/web/assets_none.c -- the table of a build without the browser UI (PLANTREE_WEB=OFF). */
#include "host/web/assets_table.h"

static const char page[] = "<!doctype html>\n"
                           "<html lang=\"en\">\n"
                           "<head><meta charset=\"utf-8\"><title>Plantree</title></head>\n"
                           "<body>\n"
                           "<h1>Plantree host</h1>\n"
                           "<p>This program was built without the browser UI (PLANTREE_WEB=OFF).</p>\n"
                           "<p>Everything else is here: <a href=\"api/v1/nodes\">nodes</a>, "
                           "<a href=\"api/v1/tree\">tree</a>, <a href=\"metrics\">metrics</a>, "
                           "<a href=\"readyz\">readiness</a>, and the command <code>plantree</code>.</p>\n"
                           "</body>\n"
                           "</html>\n";

const host_web_asset host_web__assets[] = {
    { "/", "text/html; charset=utf-8", "\"no-ui-1\"", NULL, 0, (const unsigned char *)page, sizeof page - 1, false },
};
const size_t host_web__asset_count = 1;
const char host_web__csp[] = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
