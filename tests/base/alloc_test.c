/* tests/base/alloc_test.c -- fail the 1st, 2nd, 3rd ... allocation of everything in base/: the answer is right, or it is "no memory".
 *
 * The linker sends our calls of malloc, calloc, realloc and strdup through the wrappers below; libyaml and others keep their own. */
#include "base/arena.h"
#include "base/daemon/config.h"
#include "base/daemon/metrics.h"
#include "base/json.h"
#include "base/map.h"
#include "base/queue.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

static long left = -1; /* allocations until one fails; -1: never */
static bool failed;

static bool fails(void)
{
    if (left < 0) return false;
    if (left-- > 0) return false;
    left = -1;
    failed = true;
    return true;
}
void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}
char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

/* Run `body` failing one allocation after the other until it runs through without meeting a failure. Returns the runs. */
static int sweep(pt_status (*body)(void))
{
    for (int n = 0;; n++) {
        failed = false;
        left = n;
        pt_status st = body();
        left = -1;
        if (!failed) {
            CHECK_STATUS(st, PT_OK);
            return n;
        }
        pt_check_at(st == PT_OK || st == PT_ENOMEM, false, __FILE__, __LINE__, "failing allocation %d gives %s", n, pt_status_name(st));
        if (n > 10000) {
            pt_check_at(false, false, __FILE__, __LINE__, "the sweep does not end");
            return n;
        }
    }
}

static pt_status fill_map(void)
{
    pt_map m;
    pt_status st = PT_OK;
    uint64_t v;
    char key[16];
    pt_map_init(&m, PT_MAP_COPY_KEYS);
    for (int i = 0; i < 100 && !st; i++) {
        pt_slice s = { key, (size_t)snprintf(key, sizeof key, "k%d", i) };
        st = pt_map_put(&m, s, (uint64_t)i + 1, NULL);
        CHECK(pt_map_get(&m, s, &v) == (st == PT_OK));
        if (i > 0) CHECK(pt_map_get(&m, PT_LIT("k0"), &v) && v == 1); /* a failed growth harms nothing */
    }
    pt_map_fini(&m);
    return st;
}

static pt_status fill_buf(void)
{
    pt_buf b;
    pt_json j;
    pt_buf_init(&b, 1 << 20);
    pt_json_init(&j, &b);
    pt_json_array(&j);
    for (int i = 0; i < 2000; i++)
        pt_json_i64(&j, i);
    pt_json_end_array(&j);
    pt_buf_printf(&b, "%0*d", 1000, 1);
    pt_status st = pt_buf_status(&b);
    char *p = pt_buf_take(&b, NULL);
    CHECK((p != NULL) == (st == PT_OK));
    free(p);
    pt_buf_fini(&b);
    return st;
}

static pt_status fill_arena(void)
{
    pt_arena a;
    bool ok = true;
    pt_arena_init(&a, 1 << 20);
    for (int i = 0; i < 100 && ok; i++)
        ok = pt_arena_alloc(&a, 2000) != NULL;
    pt_arena_fini(&a);
    return ok ? PT_OK : PT_ENOMEM;
}

static pt_status make_queue(void)
{
    pt_queue *q = NULL;
    pt_status st = pt_queue_new(10, 10, &q);
    CHECK((q != NULL) == (st == PT_OK));
    pt_queue_free(q, NULL);
    return st;
}

static pt_status fill_metrics(void)
{
    static const double bounds[] = { 1, 2 };
    pt_metrics *m = NULL;
    pt_status st = pt_metrics_new(&m);
    if (st) return st;
    pt_metric_add(pt_metrics_counter(m, "a", "x=\"1\"", "A."), 1);
    pt_metric_observe(pt_metrics_histogram(m, "h", NULL, "H.", bounds, 2), 1);
    pt_metric_set(pt_metrics_gauge(m, "g", NULL, "G."), 1); /* memory out: the sink, never a crash */
    pt_metrics_free(m);
    return PT_OK;
}

typedef struct item {
    const char *name;
} item;
typedef struct conf {
    pt_config_list items, words;
} conf;
static const pt_config_field item_fields[] = { { .key = "name", .type = PT_CFG_STRING, .offset = offsetof(item, name), .doc = "N." },
                                               { 0 } };
static const pt_config_field conf_fields[] = {
    { .key = "items", .type = PT_CFG_LIST, .offset = offsetof(conf, items), .sub = item_fields, .size = sizeof(item), .doc = "I." },
    { .key = "words", .type = PT_CFG_STRINGS, .offset = offsetof(conf, words), .def = "a", .doc = "W." },
    { 0 },
};

static pt_status load_config(void)
{
    pt_config *cfg = NULL;
    conf c;
    pt_buf faults, text;
    long keep = left;
    left = -1; /* the text itself is not under test */
    pt_buf_init(&text, 1 << 20);
    pt_buf_cstr(&text, "words: [a, b, c]\nitems:\n");
    for (int i = 0; i < 300; i++)
        pt_buf_printf(&text, "  - { name: n%d }\n", i);
    left = keep;
    pt_buf_init(&faults, 1 << 16);
    pt_status st = pt_config_load_text("t", pt_buf_view(&text), conf_fields, &c, sizeof c, NULL, NULL, &cfg, &faults);
    left = -1;
    CHECK((cfg != NULL) == (st == PT_OK));
    if (!st) CHECK(c.items.n == 300 && strcmp(((item *)c.items.items)[299].name, "n299") == 0);
    pt_config_free(cfg);
    pt_buf_fini(&faults);
    pt_buf_fini(&text);
    return st;
}

static void maps(void)
{
    CHECK(sweep(fill_map) > 100);
}
static void buffers_and_json(void)
{
    CHECK(sweep(fill_buf) > 5);
}
static void arenas(void)
{
    CHECK(sweep(fill_arena) > 3);
}
static void queues(void)
{
    CHECK(sweep(make_queue) > 0);
}
static void metrics(void)
{
    CHECK(sweep(fill_metrics) > 8);
}
static void configurations(void)
{
    CHECK(sweep(load_config) > 20);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(maps),   PT_TEST(buffers_and_json), PT_TEST(arenas),
                                     PT_TEST(queues), PT_TEST(metrics),          PT_TEST(configurations) };
    return pt_test_main("base/alloc", tests, PT_COUNT_OF(tests), argc, argv);
}
