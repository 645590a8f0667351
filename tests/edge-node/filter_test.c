/* Report by exception: deadband and PI-style exception reporting. */
#include "edge-node/filter.h"
#include "tests/support/check.h"

#include <math.h>

static void a_deadband_holds_back_small_changes_only(void)
{
    edge_filter f = { .deadband = 0.5 };
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10.5, 1), EDGE_KEEP_QUIET);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10.6, 1), EDGE_REPORT);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 9.4, 1), EDGE_REPORT);
    CHECK_INT(edge_filter_decide(&f, 10, 0, NAN, 1), EDGE_REPORT);
    CHECK_INT(edge_filter_decide(&f, NAN, 0, NAN, 1), EDGE_KEEP_QUIET);
    CHECK_INT(edge_filter_decide(&f, INFINITY, 0, INFINITY, 1), EDGE_KEEP_QUIET);
    f.deadband = 0;
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10, 1), EDGE_KEEP_QUIET);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10.0000001, 1), EDGE_REPORT);
}

static void exception_reporting_keeps_min_and_max_times(void)
{
    edge_filter f = { .exc_dev = 1, .exc_min_ms = 100, .exc_max_ms = 1000 };
    CHECK_INT(edge_filter_decide(&f, 10, 0, 11.5, 50), EDGE_KEEP_QUIET);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 11.5, 100), EDGE_REPORT_BOTH);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10.5, 500), EDGE_KEEP_QUIET);
    CHECK_INT(edge_filter_decide(&f, 10, 0, 10, 1000), EDGE_REPORT);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_deadband_holds_back_small_changes_only),
        PT_TEST(exception_reporting_keeps_min_and_max_times),
    };
    return pt_test_main("edge-node/filter", tests, PT_COUNT_OF(tests), argc, argv);
}
