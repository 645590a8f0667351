/* host/web/assets.h -- the browser UI's files, embedded into the program at build time.
 *
 * With PLANTREE_WEB=ON the table holds the pages of host/web/ui/ and the npm packages they use; with OFF it
 * holds one plain page at "/" that says the UI was left out. The page at "/" is revalidated by its ETag; every
 * other file lives under a folder named by the hash of all files ("/ui/<hash>/..."), so it is immutable.
 *
 * serve.h answers HTTP requests for these files; nothing else is needed by the host.
 *
 * Everything here is static read-only data, valid for ever; any thread may call it, nothing allocates. */
#ifndef HOST_WEB_ASSETS_H
#define HOST_WEB_ASSETS_H
#include "base/slice.h"

typedef struct host_web_asset {
    const char *path;         /* "/" or "/ui/<hash>/app.js" */
    const char *content_type; /* with charset where the file is text */
    const char *etag;         /* with its quotes: "\"3f2a...\"", of the uncompressed bytes */
    const unsigned char *gz;  /* gzip of raw; NULL when only raw is held */
    size_t gz_len;
    const unsigned char *raw; /* never NULL */
    size_t raw_len;
    bool immutable; /* may be sent with "Cache-Control: public, max-age=31536000, immutable" */
} host_web_asset;

/* The file served at exactly `path` (no query, percent escapes already decoded); NULL when there is none. */
const host_web_asset *host_web_find(pt_slice path);

/* The files, for tests and for listing: index 0..host_web_count()-1. */
size_t host_web_count(void);
const host_web_asset *host_web_at(size_t index);

/* The value of the Content-Security-Policy header for every answer of the HTTP server: nothing from elsewhere, no
 * inline code but the import map of this build, whose hash it names. */
const char *host_web_csp(void);
#endif
