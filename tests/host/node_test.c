/* host/nodes/node.c: the table of nodes and devices, their accounts and timers. */
#include "host/nodes/tracker_internal.h"
#include "tests/host/script.h"
#include "tests/support/check.h"

#include <string.h>

static void nodes_are_found_by_both_ids_and_never_move(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    host_node *first = host__node_make(s.tracker, PT_LIT("a"), PT_LIT("b"));
    CHECK_FATAL(first != NULL);
    for (int i = 0; i < 100; i++) { /* the table grows */
        char edge[16];
        snprintf(edge, sizeof edge, "e%d", i);
        CHECK(host__node_make(s.tracker, PT_LIT("a"), pt_cstr(edge)) != NULL);
    }
    CHECK(host_tracker_find(s.tracker, PT_LIT("a"), PT_LIT("b")) == first);
    CHECK(host_tracker_at(s.tracker, 0) == first && host_tracker_at(s.tracker, 100) && !host_tracker_at(s.tracker, 101));
    CHECK(!host_tracker_find(s.tracker, PT_LIT("a"), PT_LIT("B")));
    CHECK(!host_tracker_find(s.tracker, PT_LIT("ab"), PT_LIT("")));
    CHECK(!host_tracker_find(s.tracker, PT_LIT(""), PT_LIT("ab"))); /* the ids are told apart */
    CHECK_STR(first->group_slice, "a");
    CHECK_STR(first->edge_slice, "b");
    CHECK(first->key == host_node_key(PT_LIT("a"), PT_LIT("b")) && first->key != host_node_key(PT_LIT("b"), PT_LIT("a")));
    CHECK(first->state == HOST_NODE_UNKNOWN && first->n_units == 1 && host__node_due(s.tracker, first) == INT64_MAX);
    host_tracker_stats st;
    host_tracker_stats_get(s.tracker, &st);
    CHECK_INT(st.nodes, 101);
    CHECK_INT(st.nodes_online, 0);
    script_fini(&s);
}

static void ids_that_are_too_long_and_nodes_beyond_the_limit_are_none(void)
{
    static char longest[3000];
    host_tracker_options o;
    script s;
    script_options(&o);
    o.nodes_max = 2;
    script_init(&s, &o);
    memset(longest, 'x', sizeof longest);
    pt_slice huge = pt_slice_of(longest, sizeof longest);
    CHECK(!host__node_make(s.tracker, huge, PT_LIT("e")));
    CHECK(!host_tracker_find(s.tracker, huge, PT_LIT("e")));
    CHECK_INT(host_node_key(huge, PT_LIT("e")), 0);
    CHECK(host__node_make(s.tracker, PT_LIT("g"), PT_LIT("1")) && host__node_make(s.tracker, PT_LIT("g"), PT_LIT("2")));
    CHECK(!host__node_make(s.tracker, PT_LIT("g"), PT_LIT("3")));
    script_fini(&s);
}

static void devices_are_made_once_up_to_their_limit(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    o.devices_max = 2;
    script_init(&s, &o);
    host_node *n = host__node_make(s.tracker, PT_LIT("g"), PT_LIT("e"));
    CHECK_FATAL(n != NULL);
    CHECK(host__unit(n, PT_NONE, false) == n->units[0]); /* the node itself */
    CHECK(!host__unit(n, PT_LIT("d"), false));
    host_unit *d = host__unit(n, PT_LIT("d"), true);
    CHECK_FATAL(d != NULL);
    CHECK_STR(d->id_slice, "d");
    CHECK(!d->online && !d->born && d->n == 0);
    CHECK(host__unit(n, PT_LIT("d"), true) == d && host__unit(n, PT_LIT("d"), false) == d);
    CHECK(host__unit(n, PT_LIT("f"), true) != NULL);
    CHECK(!host__unit(n, PT_LIT("h"), true));
    CHECK_INT(n->n_units, 3);
    script_fini(&s);
}

static void what_is_refused_is_booked_on_the_node_and_in_all(void)
{
    host_tracker_options o;
    script s;
    host_tracker_stats st;
    script_options(&o);
    script_init(&s, &o);
    host_node *n = host__node_make(s.tracker, PT_LIT("g"), PT_LIT("e"));
    spb_topic topic = { .verb = SPB_NDATA, .group = PT_LIT("g"), .edge = PT_LIT("e") };
    CHECK_FATAL(n != NULL);
    CHECK(host__counts_close(n));
    n->counts.messages++;
    CHECK(!host__counts_close(n)); /* received, and nothing became of it */
    host__reject_message(s.tracker, n, &topic, HOST_REJECT_NO_SEQ, 3, "why");
    CHECK(host__counts_close(n));
    CHECK(n->counts.samples == 3 && n->counts.rejected_samples[HOST_REJECT_NO_SEQ] == 3 &&
          n->counts.rejected_messages[HOST_REJECT_NO_SEQ] == 1);
    n->counts.samples++;
    host__reject_sample(s.tracker, n, HOST_REJECT_BAD_VALUE);
    CHECK(host__counts_close(n));
    host__reject_message(s.tracker, NULL, &topic, HOST_REJECT_TOO_MANY, 2, "no node"); /* of none */
    host_tracker_stats_get(s.tracker, &st);
    CHECK(st.rejected_messages[HOST_REJECT_NO_SEQ] == 1 && st.rejected_messages[HOST_REJECT_TOO_MANY] == 1 &&
          st.rejected_samples[HOST_REJECT_TOO_MANY] == 2 && st.rejected_samples[HOST_REJECT_BAD_VALUE] == 1);
    n->counts.samples += 5;
    n->counts.stored += 5;
    host_tracker_lost(n, 2); /* handed over, and history did not take them */
    CHECK(n->counts.stored == 3 && n->counts.lost == 2 && host__counts_close(n));
    script_fini(&s);
}

static void the_tracker_s_timer_is_the_earliest_of_all_nodes(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    host_node *a = host__node_make(s.tracker, PT_LIT("g"), PT_LIT("a")), *b = host__node_make(s.tracker, PT_LIT("g"), PT_LIT("b"));
    CHECK_FATAL(a && b);
    CHECK_INT(host_tracker_due(s.tracker), INT64_MAX);
    s.tracker->server[0].ready = true;
    a->silent_due = 700;
    host__set_timer(s.tracker, a);
    b->mark_due = 300;
    host__set_timer(s.tracker, b);
    CHECK_INT(host_tracker_due(s.tracker), 300);
    b->mark_due = INT64_MAX;
    host__set_timer(s.tracker, b);
    CHECK(!b->timed && a->timed);
    CHECK_INT(host_tracker_due(s.tracker), 700);
    a->silent_due = INT64_MAX;
    host__set_timer(s.tracker, a);
    CHECK_INT(host_tracker_due(s.tracker), INT64_MAX);
    CHECK(s.tracker->timed == NULL);
    script_fini(&s);
}

static void a_node_that_goes_down_takes_everything_with_it(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "down",
               "ready 0 >\n"
               "NBIRTH g/e | ts=99000 seq=0 bd=7 t:10=d1@98000 > *nbirth +g/e ~1=7@99000 2=1@98000\n"
               "DBIRTH g/e/d | ts=99000 seq=1 u:10=d1@98000 > +g/e/d *dbirth 3=1@98000\n"
               "NDATA g/e | ts=99001 seq=4 t=d3@98003 > *seq-gap");
    host_node *n = host_tracker_at(s.tracker, 0);
    pt_buf_reset(&s.words);
    host__node_down(s.tracker, n, HOST_NODE_OFFLINE, 123000, "test");
    host__set_timer(s.tracker, n);
    CHECK_STR(pt_buf_view(&s.words), "!reorder-discarded stale(3)@123000 m3:S@123000 -g/e/d stale(1,2)@123000 m2:S@123000 -g/e");
    CHECK(n->state == HOST_NODE_OFFLINE && n->n_held == 0 && !n->units[0]->online && !n->units[1]->online && n->since_ms == 123000);
    CHECK_INT(host_tracker_due(s.tracker), INT64_MAX);
    pt_buf_reset(&s.words);
    host__node_down(s.tracker, n, HOST_NODE_OFFLINE, 124000, "again");
    CHECK_STR(pt_buf_view(&s.words), ""); /* once */
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(nodes_are_found_by_both_ids_and_never_move),       PT_TEST(ids_that_are_too_long_and_nodes_beyond_the_limit_are_none),
        PT_TEST(devices_are_made_once_up_to_their_limit),          PT_TEST(what_is_refused_is_booked_on_the_node_and_in_all),
        PT_TEST(the_tracker_s_timer_is_the_earliest_of_all_nodes), PT_TEST(a_node_that_goes_down_takes_everything_with_it),
    };
    return pt_test_main("host/node", tests, PT_COUNT_OF(tests), argc, argv);
}
