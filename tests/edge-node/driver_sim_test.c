/* The sim driver: shapes between low and high, constants that keep what was written, the same numbers for the same seed. */
#include "edge-node/driver.h"
#include "tests/support/check.h"

#define KEYS 8

typedef struct sim {
    pt_fake_clock clock;
    edge_option options[KEYS];
    edge_driver_tag tag;
    void *device, *channel;
    spb_value got;
    uint32_t readings;
} sim;

static pt_status open_sim(sim *s, spb_datatype type, const char *signal, const char *value, uint64_t seed, pt_error *err)
{
    uint32_t bad = 0;
    *s = (sim){ 0 };
    pt_fake_clock_init(&s->clock, 1700000000000);
    const edge_driver_key *keys = edge_driver_sim.tag_keys;
    for (size_t i = 0; keys[i].key; i++) {
        const char *text = strcmp(keys[i].key, "signal") == 0           ? signal
                           : strcmp(keys[i].key, "value") == 0 && value ? value
                           : strcmp(keys[i].key, "period") == 0         ? "8s"
                                                                        : keys[i].def;
        CHECK_OK_FATAL(edge_option_parse(&keys[i], text, &s->options[i], NULL));
    }
    s->tag = (edge_driver_tag){ .name = "t", .type = type, .writable = true, .poll_ms = 100, .low = 10, .high = 30, .options = s->options };
    edge_driver_config c = { .device = "d", .tags = &s->tag, .n_tags = 1, .seed = seed, .clock = &s->clock.clock };
    pt_status st = edge_driver_sim.open(&c, &s->device, &bad, err);
    if (st == PT_OK) CHECK_OK(edge_driver_sim.channel_new(s->device, &s->channel));
    return st;
}

static void close_sim(sim *s)
{
    edge_driver_sim.channel_free(s->channel);
    edge_driver_sim.close(s->device);
}

static void reading(void *ctx, uint32_t tag, spb_quality quality, const spb_value *v)
{
    sim *s = ctx;
    CHECK(tag == 0 && quality == SPB_GOOD && v);
    s->got = *v;
    s->readings++;
}

static double poll_sim(sim *s)
{
    edge_driver_sink sink = { s, reading };
    CHECK_OK(edge_driver_sim.poll(s->device, s->channel, 100, false, &sink, NULL));
    return s->got.type == SPB_DOUBLE ? s->got.as.f64 : 0;
}

static void signals_have_their_shapes(void)
{
    static const struct {
        const char *signal;
        double at[4]; /* after 0, a quarter, half, three quarters of the period */
    } rows[] = { { "sine", { 20, 30, 20, 10 } },
                 { "ramp", { 10, 15, 20, 25 } },
                 { "square", { 30, 30, 10, 10 } },
                 { "triangle", { 10, 20, 30, 20 } },
                 { "counter", { 11, 12, 13, 14 } } };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        sim s;
        CHECK_OK_FATAL(open_sim(&s, SPB_DOUBLE, rows[i].signal, NULL, 1, NULL));
        for (int k = 0; k < 4; k++) {
            double v = poll_sim(&s);
            CHECK_ROW(rows[i].signal, v > rows[i].at[k] - 1e-9 && v < rows[i].at[k] + 1e-9);
            pt_fake_clock_advance(&s.clock, 2000);
        }
        close_sim(&s);
    }
}

static void random_signals_stay_in_range_and_repeat_with_their_seed(void)
{
    static const char *const signals[] = { "random", "walk" };
    for (size_t i = 0; i < PT_COUNT_OF(signals); i++) {
        sim a, b, c;
        bool differs = false;
        CHECK_OK_FATAL(open_sim(&a, SPB_DOUBLE, signals[i], NULL, 7, NULL));
        CHECK_OK_FATAL(open_sim(&b, SPB_DOUBLE, signals[i], NULL, 7, NULL));
        CHECK_OK_FATAL(open_sim(&c, SPB_DOUBLE, signals[i], NULL, 8, NULL));
        for (int k = 0; k < 500; k++) {
            double v = poll_sim(&a), w = poll_sim(&b), x = poll_sim(&c);
            CHECK_ROW(signals[i], v == w && v >= 10 && v <= 30);
            differs = differs || v != x;
        }
        CHECK_ROW(signals[i], differs);
        close_sim(&a);
        close_sim(&b);
        close_sim(&c);
    }
}

static void constants_keep_what_was_written(void)
{
    sim s;
    pt_error err = { 0 };
    char long_text[300];
    CHECK_OK_FATAL(open_sim(&s, SPB_DOUBLE, "constant", "2.5", 1, NULL));
    CHECK(poll_sim(&s) == 2.5);
    CHECK_OK(edge_driver_sim.write(s.device, s.channel, 0, &(spb_value){ .type = SPB_FLOAT, .as = { .f32 = 7.25f } }, &err));
    CHECK(poll_sim(&s) == 7.25);
    CHECK_OK(edge_driver_sim.write(s.device, s.channel, 0, &(spb_value){ .type = SPB_INT8, .as = { .i64 = -3 } }, &err));
    CHECK(poll_sim(&s) == -3);
    close_sim(&s);
    CHECK_OK_FATAL(open_sim(&s, SPB_STRING, "constant", "hello", 1, NULL));
    poll_sim(&s);
    CHECK_STR(s.got.as.bytes, "hello");
    CHECK_OK(edge_driver_sim.write(s.device, s.channel, 0, &(spb_value){ .type = SPB_STRING, .as = { .bytes = PT_LIT("batch 9") } }, &err));
    poll_sim(&s);
    CHECK_STR(s.got.as.bytes, "batch 9");
    memset(long_text, 'x', sizeof long_text);
    CHECK_STATUS(edge_driver_sim.write(s.device, s.channel, 0,
                                       &(spb_value){ .type = SPB_STRING, .as = { .bytes = { long_text, sizeof long_text } } }, &err),
                 PT_EREFUSED);
    poll_sim(&s);
    CHECK_STR(s.got.as.bytes, "batch 9");
    close_sim(&s);
    CHECK_OK_FATAL(open_sim(&s, SPB_BOOLEAN, "square", NULL, 1, NULL));
    poll_sim(&s);
    CHECK(s.got.type == SPB_BOOLEAN && s.got.as.boolean);
    pt_fake_clock_advance(&s.clock, 4000);
    poll_sim(&s);
    CHECK(!s.got.as.boolean);
    close_sim(&s);
}

static void only_tags_of_the_poll_time_are_read_and_each_poll_is_counted(void)
{
    sim s;
    edge_driver_stats stats;
    CHECK_OK_FATAL(open_sim(&s, SPB_DOUBLE, "ramp", NULL, 1, NULL));
    edge_driver_sink sink = { &s, reading };
    CHECK_OK(edge_driver_sim.poll(s.device, s.channel, 999, false, &sink, NULL));
    CHECK_INT(s.readings, 0);
    poll_sim(&s);
    CHECK_INT(s.readings, 1);
    edge_driver_sim.stats(s.device, &stats);
    CHECK_INT(stats.requests, 2);
    CHECK_STR(pt_cstr(edge_driver_sim.channel(s.device)), "sim:d");
    close_sim(&s);
}

static void values_it_cannot_make_up_are_refused(void)
{
    sim s;
    pt_error err = { 0 };
    CHECK_STATUS(open_sim(&s, SPB_FLOAT_ARRAY, "sine", NULL, 1, &err), PT_EINVAL);
    CHECK(strstr(err.text, "numbers, Booleans and texts only") != NULL);
    CHECK_STATUS(open_sim(&s, SPB_DOUBLE, "constant", "many", 1, &err), PT_EINVAL);
    CHECK(strstr(err.text, "'many' is no number") != NULL);
    edge_driver_sim.close(NULL);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(signals_have_their_shapes),
        PT_TEST(random_signals_stay_in_range_and_repeat_with_their_seed),
        PT_TEST(constants_keep_what_was_written),
        PT_TEST(only_tags_of_the_poll_time_are_read_and_each_poll_is_counted),
        PT_TEST(values_it_cannot_make_up_are_refused),
    };
    return pt_test_main("edge-node/driver_sim", tests, PT_COUNT_OF(tests), argc, argv);
}
