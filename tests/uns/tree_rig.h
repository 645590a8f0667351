/* tests/uns/tree_rig.h -- a tree under test, in few words. */
#ifndef TESTS_UNS_TREE_RIG_H
#define TESTS_UNS_TREE_RIG_H
#include "tests/support/check.h"
#include "uns/uns.h"

extern uns_tree *tree; /* between open_tree and close_tree */

void open_tree(void);
void close_tree(void);

/* A Double of node G/E. */
uns_tag_def def_of(uint32_t id, const char *path, const char *device, const char *metric);
pt_status put(uint32_t id, const char *path, const char *device, const char *metric);
void apply_double(uint32_t id, double v, int64_t at, spb_quality q);
void apply_text(uint32_t id, pt_slice text, int64_t at);

typedef struct copy { /* a view that outlives the callback */
    bool seen;
    uns_tag_view v;
    char path[5000], metric[300], unit[50], text[300];
} copy;

pt_slice copy_slice(char *to, size_t cap, pt_slice s);
void copy_view(void *ctx, const uns_tag_view *v); /* ctx: copy * */

const uns_tag_view *at_path(const char *path); /* NULL: none there; valid until the next call */
const uns_tag_view *by_id(uint32_t id);        /* likewise */
uns_stats stats(void);

/* What uns_children shows, one line a node: path(kind,state,children). */
bool list_node(void *ctx, const uns_node_view *v); /* ctx: pt_buf * */
void check_list(const char *path, uint32_t depth, bool hidden, const char *want);
#endif
