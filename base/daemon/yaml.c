/* base/daemon/yaml.c -- libyaml's events folded into a tree.
 *
 * What is always true: (1) every node lives in the tree's arena, (2) a frame on the stack is a list or map whose end has not been
 * seen, (3) in a map frame `key` is set exactly while its value is awaited. Faults that leave the structure intact (an anchor,
 * a tag, a duplicate key) are noted and reading goes on, so that one run shows them all; after the others it stops. */
#include "base/daemon/yaml.h"
#include "base/assert.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { MAX_FILE = 1 << 20, MAX_DEPTH = 20, MAX_NODES = 100000, ARENA_LIMIT = 64 << 20 };

struct pt_yaml {
    pt_arena arena;
    pt_yaml_node *root;
    char *name;
};

typedef struct frame {
    pt_yaml_node *node, *key;
    pt_yaml_node **keys, **items; /* heap; moved into the arena when the frame ends */
    uint32_t n, cap;
    pt_map seen; /* MAP: key text -> key node */
} frame;

typedef struct builder {
    pt_yaml *y;
    pt_buf *faults;
    frame stack[MAX_DEPTH];
    size_t depth;
    uint32_t nodes;
    uint32_t documents;
    bool bad, stop;
    pt_status st;
} builder;

static void fault_at(const char *name, uint32_t line, uint32_t column, pt_buf *faults, const char *fmt, va_list ap)
{
    char text[512];
    if (vsnprintf(text, sizeof text, fmt, ap) < 0) return;
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20) *p = '?';
    }
    pt_buf_printf(faults, "%s:%u:%u: %s\n", name, line, column, text);
}

static void PT_PRINTF(4, 5) fault(builder *b, size_t line, size_t column, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault_at(b->y->name, (uint32_t)line, (uint32_t)column, b->faults, fmt, ap);
    va_end(ap);
    b->bad = true;
}

void pt_yaml_fault(const pt_yaml *y, const pt_yaml_node *at, pt_buf *faults, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault_at(y->name, at ? at->line : 1, at ? at->column : 1, faults, fmt, ap);
    va_end(ap);
}

static void out_of_memory(builder *b)
{
    b->stop = true;
    b->st = PT_ENOMEM;
}

static pt_yaml_node *new_node(builder *b, const yaml_event_t *e, pt_yaml_kind kind)
{
    if (b->nodes == MAX_NODES) {
        fault(b, e->start_mark.line + 1, e->start_mark.column + 1, "more than %d values in one file", MAX_NODES);
        b->stop = true;
        return NULL;
    }
    pt_yaml_node *n = pt_arena_zalloc(&b->y->arena, sizeof *n);
    if (!n) {
        out_of_memory(b);
        return NULL;
    }
    b->nodes++;
    n->kind = kind;
    n->line = (uint32_t)e->start_mark.line + 1;
    n->column = (uint32_t)e->start_mark.column + 1;
    return n;
}

static bool grow(frame *f)
{
    if (f->n < f->cap) return true;
    uint32_t cap = f->cap ? f->cap * 2 : 8;
    pt_yaml_node **items = realloc(f->items, cap * sizeof *items);
    if (!items) return false;
    f->items = items;
    pt_yaml_node **keys = realloc(f->keys, cap * sizeof *keys);
    if (!keys) return false;
    f->keys = keys;
    f->cap = cap;
    return true;
}

static void take_key(builder *b, frame *f, pt_yaml_node *node)
{
    uint64_t first = 0;
    if (node->kind != PT_YAML_SCALAR) {
        fault(b, node->line, node->column, "a key must be plain text");
        b->stop = true;
        return;
    }
    if (!node->quoted && pt_slice_eq(node->text, PT_LIT("<<"))) fault(b, node->line, node->column, "merge keys ('<<') are not supported");
    if (pt_map_get(&f->seen, node->text, &first)) {
        const pt_yaml_node *was = (const pt_yaml_node *)(uintptr_t)first;
        fault(b, node->line, node->column, "duplicate key '%.*s', first given in line %u", PT_SLICE_ARGS(node->text), was->line);
    } else if (pt_map_put(&f->seen, node->text, (uint64_t)(uintptr_t)node, NULL)) {
        out_of_memory(b);
        return;
    }
    f->key = node;
}

/* A finished or just opened node takes its place in its parent. */
static void attach(builder *b, pt_yaml_node *node)
{
    if (b->depth == 0) {
        b->y->root = node;
        return;
    }
    frame *f = &b->stack[b->depth - 1];
    if (f->node->kind == PT_YAML_MAP && !f->key) {
        take_key(b, f, node);
        return;
    }
    if (!grow(f)) {
        out_of_memory(b);
        return;
    }
    f->items[f->n] = node;
    f->keys[f->n] = f->key;
    f->n++;
    f->key = NULL;
}

static void push(builder *b, pt_yaml_node *node)
{
    attach(b, node);
    if (b->stop) return;
    if (b->depth == MAX_DEPTH) {
        fault(b, node->line, node->column, "nested deeper than %d levels", MAX_DEPTH);
        b->stop = true;
        return;
    }
    frame *f = &b->stack[b->depth++];
    *f = (frame){ .node = node };
    pt_map_init(&f->seen, PT_MAP_BORROW_KEYS);
}

static void drop_frame(frame *f)
{
    free(f->items);
    free(f->keys);
    pt_map_fini(&f->seen);
}

static void pop(builder *b)
{
    frame *f = &b->stack[b->depth - 1];
    pt_yaml_node *node = f->node;
    pt_assert(node != NULL);
    node->n = f->n;
    if (f->n) {
        node->items = pt_arena_array(&b->y->arena, f->n, sizeof *node->items);
        if (node->kind == PT_YAML_MAP) node->keys = pt_arena_array(&b->y->arena, f->n, sizeof *node->keys);
        if (!node->items || (node->kind == PT_YAML_MAP && !node->keys)) {
            node->n = 0;
            out_of_memory(b);
            return;
        }
        memcpy(node->items, f->items, f->n * sizeof *node->items);
        if (node->keys) memcpy(node->keys, f->keys, f->n * sizeof *node->keys);
    }
    drop_frame(f);
    b->depth--;
}

static void check_decoration(builder *b, const yaml_event_t *e, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    size_t line = e->start_mark.line + 1, column = e->start_mark.column + 1;
    if (anchor) fault(b, line, column, "anchors ('&%s') are not supported", (const char *)anchor);
    if (tag) fault(b, line, column, "tags ('%s') are not supported", (const char *)tag);
}

/* YAML 1.1 readers turn these into Booleans, YAML 1.2 readers into text. */
static bool is_ambiguous(pt_slice s)
{
    static const char *const words[] = { "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF" };
    for (size_t i = 0; i < PT_COUNT_OF(words); i++) {
        if (pt_slice_eq_cstr(s, words[i])) return true;
    }
    return false;
}

static void on_scalar(builder *b, const yaml_event_t *e)
{
    pt_yaml_node *node = new_node(b, e, PT_YAML_SCALAR);
    if (!node) return;
    check_decoration(b, e, e->data.scalar.anchor, e->data.scalar.tag);
    node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = pt_arena_dup(&b->y->arena, pt_slice_of(e->data.scalar.value, e->data.scalar.length));
    if (!node->text.ptr) {
        out_of_memory(b);
        return;
    }
    bool was_bad = b->bad;
    b->bad = false;
    bool is_key = b->depth && b->stack[b->depth - 1].node->kind == PT_YAML_MAP && !b->stack[b->depth - 1].key;
    if (memchr(node->text.ptr, '\0', node->text.len)) fault(b, node->line, node->column, "a NUL character is not allowed");
    else if (!node->quoted && memchr(node->text.ptr, '\t', node->text.len))
        fault(b, node->line, node->column, "a tab is only allowed inside quotes");
    else if (!node->quoted && !is_key && is_ambiguous(node->text))
        fault(b, node->line, node->column, "plain '%s' is true or false to some YAML readers: write true or false, or quote it",
              node->text.ptr);
    node->faulty = b->bad;
    b->bad = b->bad || was_bad;
    attach(b, node);
}

static void on_event(builder *b, const yaml_event_t *e)
{
    pt_yaml_node *node;
    size_t line = e->start_mark.line + 1, column = e->start_mark.column + 1;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++) {
            fault(b, line, column, "a second document is not supported");
            b->stop = true;
        }
        if (e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
            fault(b, line, column, "tag directives are not supported");
        break;
    case YAML_ALIAS_EVENT:
        fault(b, line, column, "aliases ('*%s') are not supported", (const char *)e->data.alias.anchor);
        if ((node = new_node(b, e, PT_YAML_SCALAR))) {
            node->text = (pt_slice){ "", 0 };
            node->faulty = true;
            attach(b, node);
        }
        break;
    case YAML_SCALAR_EVENT: on_scalar(b, e); break;
    case YAML_SEQUENCE_START_EVENT:
        check_decoration(b, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        if ((node = new_node(b, e, PT_YAML_LIST))) push(b, node);
        break;
    case YAML_MAPPING_START_EVENT:
        check_decoration(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        if ((node = new_node(b, e, PT_YAML_MAP))) push(b, node);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: pop(b); break;
    default: break;
    }
}

/* The parser's own complaint, shortened to one sentence with a place. */
static void parser_fault(builder *b, const yaml_parser_t *p)
{
    if (p->error == YAML_MEMORY_ERROR) {
        out_of_memory(b);
    } else {
        const char *problem = p->problem ? p->problem : "cannot be read as YAML";
        fault(b, p->problem_mark.line + 1, p->problem_mark.column + 1, "%s%s%s", problem, p->context ? " " : "",
              p->context ? p->context : "");
        b->stop = true;
    }
}

/* What libyaml would report without a usable place: bytes that are not UTF-8, tabs used as indentation. */
static bool check_bytes(builder *b, pt_slice text)
{
    uint32_t line = 1, column = 1;
    bool indent = true;
    for (size_t i = 0; i < text.len; column++) {
        size_t n = pt_utf8_next(text.ptr + i, text.len - i, NULL);
        if (!n) {
            fault(b, line, column, "not valid UTF-8 (byte 0x%02x)", (unsigned char)text.ptr[i]);
            return false;
        }
        char c = text.ptr[i];
        if (c == '\t' && indent) {
            fault(b, line, column, "a tab in the indentation: use spaces");
            return false;
        }
        if (c != ' ') indent = false;
        i += n;
        if (c == '\n') {
            line++;
            column = 0;
            indent = true;
        }
    }
    return true;
}

static void run_parser(builder *b, pt_slice text)
{
    yaml_parser_t parser;
    bool done = false;
    if (!yaml_parser_initialize(&parser)) {
        out_of_memory(b);
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    while (!done && !b->stop) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            parser_fault(b, &parser);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        on_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

pt_status pt_yaml_read_text_whole(const char *name, pt_slice text, pt_yaml **out, pt_buf *faults)
{
    *out = NULL;
    builder *b = calloc(1, sizeof *b);
    pt_yaml *y = calloc(1, sizeof *y);
    pt_status st = PT_ENOMEM;
    if (!b || !y || !(y->name = pt_slice_dup(pt_cstr(name)))) goto done;
    pt_arena_init(&y->arena, ARENA_LIMIT);
    b->y = y;
    b->faults = faults;
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) text = pt_slice_from(text, 3);
    if (text.len > MAX_FILE) fault(b, 1, 1, "larger than %d bytes", MAX_FILE);
    else if (check_bytes(b, text)) run_parser(b, text);
    if (!b->stop && !y->root && !b->bad) { /* empty text: an empty map */
        y->root = pt_arena_zalloc(&y->arena, sizeof *y->root);
        if (!y->root) out_of_memory(b);
        else *y->root = (pt_yaml_node){ .kind = PT_YAML_MAP, .line = 1, .column = 1 };
    }
    while (b->depth)
        drop_frame(&b->stack[--b->depth]);
    st = b->st ? b->st : b->bad ? PT_EMALFORMED : PT_OK;
done:
    if (st == PT_ENOMEM) pt_buf_printf(faults, "%s:1:1: out of memory\n", name);
    if (!st || (st == PT_EMALFORMED && !b->stop && y->root)) *out = y;
    else pt_yaml_free(y);
    free(b);
    return st;
}

static pt_status only_good(pt_status st, pt_yaml *y, pt_yaml **out)
{
    if (st) pt_yaml_free(y);
    else *out = y;
    return st;
}

pt_status pt_yaml_read_text(const char *name, pt_slice text, pt_yaml **out, pt_buf *faults)
{
    pt_yaml *y = NULL;
    pt_status st = pt_yaml_read_text_whole(name, text, &y, faults);
    return only_good(st, y, out);
}

static pt_status read_all(int fd, pt_buf *text)
{
    for (;;) {
        char piece[8192];
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return pt_status_from_errno(errno);
        if (n == 0) return PT_OK;
        pt_status st = pt_buf_add(text, piece, (size_t)n);
        if (st) return st;
    }
}

pt_status pt_yaml_read_file_whole(const char *path, pt_yaml **out, pt_buf *faults)
{
    pt_buf text;
    pt_status st;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int e = errno;
        pt_buf_printf(faults, "%s:1:1: cannot be opened: %s\n", path, pt_errno_text(e));
        return e == ENOENT ? PT_ENOTFOUND : PT_EIO;
    }
    pt_buf_init(&text, MAX_FILE + 3);
    st = read_all(fd, &text);
    int e = errno;
    if (close(fd) && !st) {
        e = errno;
        st = PT_EIO;
    }
    if (st == PT_ETOOBIG) {
        pt_buf_printf(faults, "%s:1:1: larger than %d bytes\n", path, MAX_FILE);
        st = PT_EMALFORMED;
    } else if (st) {
        pt_buf_printf(faults, "%s:1:1: cannot be read: %s\n", path, st == PT_ENOMEM ? "out of memory" : pt_errno_text(e));
        if (st != PT_ENOMEM) st = PT_EIO;
    } else {
        st = pt_yaml_read_text_whole(path, pt_buf_view(&text), out, faults);
    }
    pt_buf_fini(&text);
    return st;
}

pt_status pt_yaml_read_file(const char *path, pt_yaml **out, pt_buf *faults)
{
    pt_yaml *y = NULL;
    pt_status st = pt_yaml_read_file_whole(path, &y, faults);
    return only_good(st, y, out);
}

void pt_yaml_free(pt_yaml *y)
{
    if (!y) return;
    pt_arena_fini(&y->arena);
    free(y->name);
    free(y);
}

const pt_yaml_node *pt_yaml_root(const pt_yaml *y)
{
    return y->root;
}

const char *pt_yaml_name(const pt_yaml *y)
{
    return y->name;
}

const pt_yaml_node *pt_yaml_get(const pt_yaml_node *map, const char *key)
{
    if (!map || map->kind != PT_YAML_MAP) return NULL;
    for (uint32_t i = 0; i < map->n; i++) {
        if (pt_slice_eq_cstr(map->keys[i]->text, key)) return map->items[i];
    }
    return NULL;
}
