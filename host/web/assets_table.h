/* host/web/assets_table.h -- what the generator (embed.mjs) or assets_none.c provides. Internal to host/web. */
#ifndef HOST_WEB_ASSETS_TABLE_H
#define HOST_WEB_ASSETS_TABLE_H
#include "host/web/assets.h"

extern const host_web_asset host_web__assets[]; /* sorted bytewise by path */
extern const size_t host_web__asset_count;
extern const char host_web__csp[];
#endif
