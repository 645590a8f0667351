/* base/daemon/config.c -- the binder: a table against a tree.
 *
 * What is always true: (1) a field is written exactly once per bind, from the file or from its default; (2) a fault never stops the
 * binding of the other fields; (3) everything bound lives in the configuration's arena or its YAML tree. A default is parsed by the
 * same function as a value, so a default that does not parse is a bug that the first run of a test shows. */
#include "base/daemon/config.h"
#include "base/nearest.h"
#include "base/daemon/http.h"
#include "base/json.h" /* pt_f64_text */
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_LIMIT = 64 << 20, MAX_SECRET = 64 << 10 };

struct pt_config {
    pt_arena arena;
    pt_yaml *yaml; /* owned */
};

typedef struct binding {
    pt_config *cfg;
    pt_buf *faults;
    bool bad;
    pt_status st; /* PT_ENOMEM */
} binding;

static void PT_PRINTF(3, 4) fault(binding *b, const pt_yaml_node *at, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= 0) pt_yaml_fault(b->cfg->yaml, at, b->faults, "%s", text);
    b->bad = true;
}

/* --- numbers with their range --- */

static const char *range_text(const pt_config_field *f, char out[80])
{
    char lo[32], hi[32];
    if (f->type == PT_CFG_DURATION) {
        pt_duration_format((int64_t)f->min, lo);
        pt_duration_format((int64_t)f->max, hi);
    } else if (f->type == PT_CFG_BYTES) {
        pt_bytes_format((uint64_t)f->min, lo);
        pt_bytes_format((uint64_t)f->max, hi);
    } else {
        pt_f64_text(f->min, lo);
        pt_f64_text(f->max, hi);
    }
    snprintf(out, 80, "%s to %s", lo, hi);
    return out;
}

static bool in_range(binding *b, const pt_config_field *f, const pt_yaml_node *at, pt_slice text, double v)
{
    char range[80];
    if (f->min == 0 && f->max == 0) return true;
    if (v >= f->min && v <= f->max) return true;
    fault(b, at, "%s: %.*s is out of range: %s", f->key, (int)(text.len > 60 ? 60 : text.len), text.ptr, range_text(f, range));
    return false;
}

/* --- one scalar; `at` is NULL for a default --- */

static void bind_enum(binding *b, const pt_config_field *f, const pt_yaml_node *at, pt_slice text, int *out)
{
    char words[256] = "";
    const char *nearest = NULL;
    size_t used = 0, best = SIZE_MAX;
    for (int i = 0; f->names[i]; i++) {
        if (pt_slice_eq_cstr(text, f->names[i])) {
            *out = i;
            return;
        }
        if (pt_nearer(text, f->names[i], &best)) nearest = f->names[i];
        int n = snprintf(words + used, sizeof words - used, "%s%s", used ? ", " : "", f->names[i]);
        if (n > 0 && used + (size_t)n < sizeof words) used += (size_t)n;
    }
    fault(b, at, "%s: '%.*s' is not one of %s%s%s%s", f->key, (int)(text.len > 60 ? 60 : text.len), text.ptr, words,
          nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static void bind_number(binding *b, const pt_config_field *f, const pt_yaml_node *at, pt_slice text, bool quoted, void *out)
{
    pt_error err;
    int64_t i;
    uint64_t u;
    double d;
    int shown = (int)(text.len > 60 ? 60 : text.len);
    switch (f->type) {
    case PT_CFG_INT:
        if (quoted || !pt_slice_to_i64(text, &i)) fault(b, at, "%s: '%.*s' is not a whole number", f->key, shown, text.ptr);
        else if (in_range(b, f, at, text, (double)i)) memcpy(out, &i, sizeof i);
        break;
    case PT_CFG_DOUBLE:
        if (quoted || !pt_slice_to_f64(text, &d) || (!(d - d == 0) && text.ptr != f->def)) /* infinities and NaN are no setting */
            fault(b, at, "%s: '%.*s' is not a number", f->key, shown, text.ptr);
        else if (in_range(b, f, at, text, d)) memcpy(out, &d, sizeof d);
        break;
    case PT_CFG_DURATION:
        if (pt_duration_parse(text, &i, &err)) fault(b, at, "%s: %s", f->key, err.text);
        else if (in_range(b, f, at, text, (double)i)) memcpy(out, &i, sizeof i);
        break;
    default: /* PT_CFG_BYTES */
        if (pt_bytes_parse(text, &u, &err)) fault(b, at, "%s: %s", f->key, err.text);
        else if (in_range(b, f, at, text, (double)u)) memcpy(out, &u, sizeof u);
        break;
    }
}

static void bind_text(binding *b, const pt_config_field *f, const pt_yaml_node *at, pt_slice text, bool quoted, void *out)
{
    bool yes = pt_slice_eq(text, PT_LIT("true"));
    const char *s = text.ptr;
    int shown = (int)(text.len > 60 ? 60 : text.len);
    switch (f->type) {
    case PT_CFG_STRING:
        if ((f->min != 0 || f->max != 0) && ((double)text.len < f->min || (double)text.len > f->max))
            fault(b, at, "%s: %zu bytes long, allowed are %.0f to %.0f", f->key, text.len, f->min, f->max);
        else memcpy(out, &s, sizeof s);
        break;
    case PT_CFG_BOOL:
        if (quoted || (!yes && !pt_slice_eq(text, PT_LIT("false"))))
            fault(b, at, "%s: '%.*s' is neither true nor false", f->key, shown, text.ptr);
        else memcpy(out, &yes, sizeof yes);
        break;
    case PT_CFG_ENUM: bind_enum(b, f, at, text, out); break;
    default: bind_number(b, f, at, text, quoted, out); break;
    }
}

/* --- lists and sections --- */

static void bind_map(binding *b, const pt_yaml_node *map, const pt_config_field *table, void *out, const char *const *ignore);

static bool is_null(const pt_yaml_node *n)
{
    return n->kind == PT_YAML_SCALAR && !n->quoted &&
           (n->text.len == 0 || pt_slice_eq(n->text, PT_LIT("~")) || pt_slice_eq(n->text, PT_LIT("null")));
}

static const char *kind_name(const pt_yaml_node *n)
{
    return n->kind == PT_YAML_SCALAR ? "a single value" : n->kind == PT_YAML_LIST ? "a list" : "a group of keys";
}

static void bind_strings(binding *b, const pt_config_field *f, const pt_yaml_node *node, void *out)
{
    bool lone = node->kind == PT_YAML_SCALAR;
    uint32_t n = lone ? 1 : node->n;
    if (node->kind == PT_YAML_MAP) {
        fault(b, node, "%s: a list of texts is needed, not %s", f->key, kind_name(node));
        return;
    }
    const char **items = pt_arena_array(&b->cfg->arena, n ? n : 1, sizeof *items);
    if (!items) {
        b->st = PT_ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const pt_yaml_node *item = lone ? node : node->items[i];
        items[i] = "";
        if (item->faulty) continue;
        if (item->kind != PT_YAML_SCALAR || is_null(item))
            fault(b, item, "%s: a list of texts is needed, but this is %s", f->key,
                  item->kind == PT_YAML_SCALAR ? "empty" : kind_name(item));
        else items[i] = item->text.ptr;
    }
    pt_config_list list = { items, n };
    memcpy(out, &list, sizeof list);
}

static void bind_list(binding *b, const pt_config_field *f, const pt_yaml_node *node, void *out)
{
    if (node->kind != PT_YAML_LIST) {
        fault(b, node, "%s: a list is needed, not %s", f->key, kind_name(node));
        return;
    }
    char *items = pt_arena_array(&b->cfg->arena, node->n ? node->n : 1, f->size);
    if (!items) {
        b->st = PT_ENOMEM;
        return;
    }
    memset(items, 0, node->n * f->size);
    for (uint32_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind != PT_YAML_MAP)
            fault(b, node->items[i], "%s: each item is a group of keys, not %s", f->key, kind_name(node->items[i]));
        else bind_map(b, node->items[i], f->sub, items + i * f->size, NULL);
    }
    pt_config_list list = { items, node->n };
    memcpy(out, &list, sizeof list);
}

static void bind_value(binding *b, const pt_config_field *f, const pt_yaml_node *node, void *out)
{
    switch (f->type) {
    case PT_CFG_SECTION:
        if (node->kind != PT_YAML_MAP) fault(b, node, "%s: a group of keys is needed, not %s", f->key, kind_name(node));
        else bind_map(b, node, f->sub, out, NULL);
        break;
    case PT_CFG_LIST: bind_list(b, f, node, out); break;
    case PT_CFG_STRINGS: bind_strings(b, f, node, out); break;
    case PT_CFG_NODE: memcpy(out, &node, sizeof node); break;
    default:
        if (node->kind != PT_YAML_SCALAR) fault(b, node, "%s: a single value is needed, not %s", f->key, kind_name(node));
        else bind_text(b, f, node, node->text, node->quoted, out);
        break;
    }
}

static void bind_default(binding *b, const pt_config_field *f, void *out)
{
    if (f->type == PT_CFG_SECTION) {
        bind_map(b, NULL, f->sub, out, NULL);
    } else if (f->def && f->type == PT_CFG_STRINGS) {
        const char **item = pt_arena_alloc(&b->cfg->arena, sizeof *item);
        if (!item) {
            b->st = PT_ENOMEM;
            return;
        }
        *item = f->def;
        pt_config_list list = { item, 1 };
        memcpy(out, &list, sizeof list);
    } else if (f->def && f->type != PT_CFG_LIST && f->type != PT_CFG_NODE) {
        bind_text(b, f, NULL, pt_cstr(f->def), false, out);
    }
}

static bool contains(const char *const *words, pt_slice word)
{
    for (size_t i = 0; words && words[i]; i++) {
        if (pt_slice_eq_cstr(word, words[i])) return true;
    }
    return false;
}

static void unknown_keys(binding *b, const pt_yaml_node *map, const pt_config_field *table, const char *const *ignore)
{
    for (uint32_t i = 0; i < map->n; i++) {
        pt_slice key = map->keys[i]->text;
        const char *nearest = NULL;
        size_t best = SIZE_MAX;
        bool known = contains(ignore, key);
        for (const pt_config_field *f = table; !known && f->type != PT_CFG_END; f++) {
            known = pt_slice_eq_cstr(key, f->key);
            if (pt_nearer(key, f->key, &best)) nearest = f->key;
        }
        for (size_t k = 0; !known && ignore && ignore[k]; k++) {
            if (pt_nearer(key, ignore[k], &best)) nearest = ignore[k];
        }
        if (known) continue;
        fault(b, map->keys[i], "unknown key '%.*s'%s%s%s", (int)(key.len > 60 ? 60 : key.len), key.ptr, nearest ? "; did you mean '" : "",
              nearest ? nearest : "", nearest ? "'?" : "");
    }
}

/* `map` NULL: every field takes its default; a required field inside an absent optional section is not missed. */
static void bind_map(binding *b, const pt_yaml_node *map, const pt_config_field *table, void *out, const char *const *ignore)
{
    if (map) unknown_keys(b, map, table, ignore);
    for (const pt_config_field *f = table; f->type != PT_CFG_END; f++) {
        void *at = (char *)out + f->offset;
        const pt_yaml_node *node = map ? pt_yaml_get(map, f->key) : NULL;
        if (node && node->faulty) continue;
        bool holds_many = f->type == PT_CFG_SECTION || f->type == PT_CFG_LIST || f->type == PT_CFG_STRINGS || f->type == PT_CFG_NODE;
        if (node && is_null(node)) {
            if (f->required || !holds_many) {
                fault(b, node, "%s: a value is needed", f->key);
                continue;
            }
            node = NULL;
        }
        if (node) bind_value(b, f, node, at);
        else if (map && f->required) fault(b, map, "missing key '%s'", f->key);
        else bind_default(b, f, at);
    }
}

/* --- faults in the order of the file: reading, binding and the caller's rules each find theirs from the top --- */

typedef struct fault_line {
    pt_slice text; /* with its newline */
    uint64_t line, column;
    size_t index;
} fault_line;

static int by_place(const void *a, const void *b)
{
    const fault_line *x = a, *y = b;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->column != y->column) return x->column < y->column ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* The lines behind `start`. What cannot be sorted for want of memory stays as it is. */
static void sort_faults(pt_buf *faults, size_t start, const char *name)
{
    size_t n = 0, at = 0, skip = strlen(name) + 1;
    for (size_t i = start; i < faults->len; i++)
        n += faults->ptr[i] == '\n';
    fault_line *lines = n > 1 ? calloc(n, sizeof *lines) : NULL;
    char *copy = lines ? malloc(faults->len - start) : NULL;
    if (copy) {
        memcpy(copy, faults->ptr + start, faults->len - start);
        pt_slice rest = { copy, faults->len - start };
        for (size_t i = 0; i < n; i++) {
            size_t len = pt_slice_find(rest, '\n') + 1;
            fault_line *f = &lines[i];
            *f = (fault_line){ .text = { rest.ptr, len }, .index = i };
            bool ours = len > skip && memcmp(f->text.ptr, name, skip - 1) == 0 && f->text.ptr[skip - 1] == ':';
            pt_slice place = ours ? pt_slice_from(f->text, skip) : PT_NONE, piece;
            if (!ours) f->line = UINT64_MAX; /* of a file this one names: behind */
            if (pt_slice_split(&place, ':', &piece) && pt_slice_to_u64(piece, &f->line) && pt_slice_split(&place, ':', &piece) &&
                !pt_slice_to_u64(piece, &f->column))
                f->column = 0;
            rest = pt_slice_from(rest, len);
        }
        qsort(lines, n, sizeof *lines, by_place);
        for (size_t i = 0; i < n; i++) {
            memcpy(faults->ptr + start + at, lines[i].text.ptr, lines[i].text.len);
            at += lines[i].text.len;
        }
    }
    free(copy);
    free(lines);
}

/* --- the public functions --- */

static pt_status bind_all(pt_config *cfg, const pt_yaml_node *node, const pt_config_field *table, void *out, const char *const *ignore,
                          pt_buf *faults)
{
    binding b = { .cfg = cfg, .faults = faults };
    if (node->kind != PT_YAML_MAP) fault(&b, node, "a group of keys is needed, not %s", kind_name(node));
    else bind_map(&b, node, table, out, ignore);
    if (b.st) pt_yaml_fault(cfg->yaml, NULL, faults, "out of memory");
    return b.st ? b.st : b.bad ? PT_EMALFORMED : PT_OK;
}

/* `read`: how the tree was read; a faulty but whole one is bound too, for its other faults. */
static pt_status load(pt_status read, size_t faults_before, pt_yaml *yaml, const pt_config_field *table, void *out, size_t out_size,
                      pt_config_check_fn *check, void *ctx, pt_config **cfg, pt_buf *faults)
{
    memset(out, 0, out_size);
    if (!yaml) return read;
    pt_config *c = calloc(1, sizeof *c);
    if (!c) {
        pt_yaml_fault(yaml, NULL, faults, "out of memory");
        pt_yaml_free(yaml);
        return PT_ENOMEM;
    }
    pt_arena_init(&c->arena, ARENA_LIMIT);
    c->yaml = yaml;
    pt_status st = bind_all(c, pt_yaml_root(yaml), table, out, NULL, faults);
    if (!st) st = read;
    if (!st && check) {
        size_t before = faults->len;
        check(yaml, out, faults, ctx);
        if (faults->len != before || pt_buf_status(faults)) st = PT_EMALFORMED;
    }
    if (st && pt_buf_status(faults) == PT_OK) sort_faults(faults, faults_before, pt_yaml_name(yaml));
    if (st) pt_config_free(c);
    else *cfg = c;
    return st;
}

pt_status pt_config_load(const char *path, const pt_config_field *table, void *out, size_t out_size, pt_config_check_fn *check, void *ctx,
                         pt_config **cfg, pt_buf *faults)
{
    pt_yaml *yaml;
    size_t before = faults->len;
    pt_status st = pt_yaml_read_file_whole(path, &yaml, faults);
    return load(st, before, yaml, table, out, out_size, check, ctx, cfg, faults);
}

pt_status pt_config_load_text(const char *name, pt_slice text, const pt_config_field *table, void *out, size_t out_size,
                              pt_config_check_fn *check, void *ctx, pt_config **cfg, pt_buf *faults)
{
    pt_yaml *yaml;
    size_t before = faults->len;
    pt_status st = pt_yaml_read_text_whole(name, text, &yaml, faults);
    return load(st, before, yaml, table, out, out_size, check, ctx, cfg, faults);
}

void pt_config_free(pt_config *cfg)
{
    if (!cfg) return;
    pt_yaml_free(cfg->yaml);
    pt_arena_fini(&cfg->arena);
    free(cfg);
}

const pt_yaml *pt_config_yaml(const pt_config *cfg)
{
    return cfg->yaml;
}

pt_status pt_config_bind(pt_config *cfg, const pt_yaml_node *node, const pt_config_field *table, void *out, const char *const *ignore,
                         pt_buf *faults)
{
    return bind_all(cfg, node, table, out, ignore, faults);
}

/* --- secrets --- */

static pt_status secret_from_file(const char *path, char **out, pt_error *err)
{
    char *text = malloc(MAX_SECRET + 1);
    size_t len = 0;
    if (!text) return pt_fail(err, PT_ENOMEM, "out of memory");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int e = errno;
        free(text);
        return pt_fail(err, pt_status_from_errno(e), "secret file %s cannot be opened: %s", path, pt_errno_text(e));
    }
    for (;;) {
        ssize_t n = read(fd, text + len, MAX_SECRET + 1 - len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || (len += (size_t)n) > MAX_SECRET) {
            int e = errno;
            close(fd); /* opened for reading: nothing to lose */
            if (n == 0) break;
            free(text);
            return n < 0 ? pt_fail(err, pt_status_from_errno(e), "secret file %s cannot be read: %s", path, pt_errno_text(e))
                         : pt_fail(err, PT_ETOOBIG, "secret file %s is larger than %d bytes", path, MAX_SECRET);
        }
    }
    if (len && text[len - 1] == '\n') len--;
    if (len && text[len - 1] == '\r') len--;
    text[len] = '\0';
    if (len == 0 || memchr(text, '\0', len)) {
        free(text);
        return pt_fail(err, PT_EMALFORMED, "secret file %s %s", path, len ? "holds a NUL character" : "is empty");
    }
    *out = text;
    return PT_OK;
}

pt_status pt_config_secret(const char *ref, char **out, pt_error *err)
{
    const char *from = ref;
    if (strncmp(ref, "file:", 5) == 0) return secret_from_file(ref + 5, out, err);
    if (strncmp(ref, "env:", 4) == 0 && !(from = getenv(ref + 4)))
        return pt_fail(err, PT_ENOTFOUND, "environment variable %s is not set", ref + 4);
    char *copy = pt_slice_dup(pt_cstr(from));
    if (!copy) return pt_fail(err, PT_ENOMEM, "out of memory");
    *out = copy;
    return PT_OK;
}

/* ---- addresses ---- */

static void check_server(const pt_yaml *y, const pt_yaml_node *at, pt_buf *faults)
{
    static const char *const schemes[] = { "tcp://", "ssl://", "ws://", "wss://", "mqtt://", "mqtts://" };
    if (at->kind != PT_YAML_SCALAR || at->faulty) return; /* said already */
    pt_slice rest = PT_NONE;
    for (size_t i = 0; i < PT_COUNT_OF(schemes); i++) {
        if (pt_slice_starts(at->text, pt_cstr(schemes[i]))) rest = pt_slice_from(at->text, strlen(schemes[i]));
    }
    if (!rest.ptr) {
        pt_yaml_fault(y, at, faults, "servers: '%.*s' is no URL of an MQTT server: use tcp://HOST:PORT, or ssl, ws, wss",
                      PT_SLICE_ARGS(at->text));
        return;
    }
    pt_slice host = { rest.ptr, pt_slice_find(rest, '/') };
    size_t bracket = pt_slice_find(host, ']');
    pt_slice tail = bracket < host.len ? pt_slice_from(host, bracket + 1) : host;
    size_t colon = pt_slice_find(tail, ':');
    uint64_t port = 1;
    bool port_ok = colon == tail.len || (pt_slice_to_u64(pt_slice_from(tail, colon + 1), &port) && port > 0 && port <= 65535);
    if (host.len == 0 || host.len == tail.len - colon || !port_ok || pt_slice_find(host, ' ') < host.len)
        pt_yaml_fault(y, at, faults, "servers: '%.*s' has no %s", PT_SLICE_ARGS(at->text), port_ok ? "host" : "port from 1 to 65535");
}

void pt_config_check_network(const pt_yaml *y, bool listen_may_be_empty, pt_buf *faults)
{
    const pt_yaml_node *root = pt_yaml_root(y), *mqtt = root ? pt_yaml_get(root, "mqtt") : NULL,
                       *http = root ? pt_yaml_get(root, "http") : NULL;
    const pt_yaml_node *servers = mqtt ? pt_yaml_get(mqtt, "servers") : NULL, *listen = http ? pt_yaml_get(http, "listen") : NULL;
    pt_error err = { 0 };
    if (servers && servers->kind == PT_YAML_LIST) {
        for (uint32_t i = 0; i < servers->n; i++)
            check_server(y, servers->items[i], faults);
    } else if (servers) {
        check_server(y, servers, faults);
    }
    if (listen && listen->kind == PT_YAML_SCALAR && !listen->faulty && !(listen_may_be_empty && listen->text.len == 0) &&
        pt_http_listen_check(listen->text.ptr, &err) != PT_OK)
        pt_yaml_fault(y, listen, faults, "listen: %s", err.text);
}
