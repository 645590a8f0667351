/* tests/host/file_test.c -- files in parts: put together, checked, bounded, and every part accounted for. Notation: script.h, wire.h. */
#include "host/nodes/tracker_internal.h"
#include "tests/host/script.h"
#include "tests/support/check.h"

#define SUM   "e80b5017098950fc58aad83c8c14978e" /* of abcdef */
#define BIRTH "NBIRTH g/e | ts=99000 seq=0 bd=7 f#5:18=-!n g#6:17=-!n > *nbirth +g/e ~1=7@99000 2=@99000 3=@99000\n"

static const struct {
    const char *rule, *script;
    uint64_t not_kept, stored; /* of the samples behind the birth's */
} rows[] = {
    { "a file is one sample, stamped as its last part",
      "NDATA g/e | ts=99001 seq=1 #5=x6162@1%0/6/" SUM " >\nNDATA g/e | ts=99002 seq=2 #5=x6364@2%1/6/" SUM
      " >\nNDATA g/e | ts=99003 seq=3 #5=x6566@3%2/6/" SUM " > 2=YWJjZGVm@3",
      2, 1 },
    { "parts in one message, between them other metrics; bytes as well as files",
      "NDATA g/e | ts=99001 seq=1 #6=x6162@1%0/6/ #5=xff@1 #6=x63646566@2%1/6/ > 2=/w==@1 3=YWJjZGVm@2", 1, 2 },
    { "without a size the sum says where the end is",
      "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0//" SUM " >\nNDATA g/e | ts=99002 seq=2 #5=x646566@2%1// > 2=YWJjZGVm@2", 1, 1 },
    { "the sum in capitals, and one part that is the whole",
      "NDATA g/e | ts=99001 seq=1 #5=x616263646566@1%0/6/E80B5017098950FC58AAD83C8C14978E > 2=YWJjZGVm@1", 0, 1 },
    { "no seq is part 0", "NDATA g/e | ts=99001 seq=1 #5=x616263646566@1%/6/ > 2=YWJjZGVm@1", 0, 1 },
    { "an empty file", "NDATA g/e | ts=99001 seq=1 #5=x@1%0/0/d41d8cd98f00b204e9800998ecf8427e > 2=@1", 0, 1 },
    { "historical parts give a historical file",
      "NDATA g/e | ts=99001 seq=1 #5=x616263@1!h%0/6/ >\nNDATA g/e | ts=99002 seq=2 #5=x646566@2!h%1/6/ > h2=YWJjZGVm@2", 1, 1 },
    { "a part that is missing ends the file; the next part 0 begins another",
      "NDATA g/e | ts=99001 seq=1 #5=x6162@1%0/6/ >\nNDATA g/e | ts=99002 seq=2 #5=x6566@2%2/6/ > !file-part\nNDATA g/e | ts=99003 seq=3 #5=x6566@3%3/6/ > !file-part\n"
      "NDATA g/e | ts=99004 seq=4 #5=x616263@4%0/6/ >\nNDATA g/e | ts=99005 seq=5 #5=x646566@5%1/6/ > 2=YWJjZGVm@5",
      2, 1 },
    { "a part 0 in the middle begins afresh",
      "NDATA g/e | ts=99001 seq=1 #5=xffff@1%0/6/ #5=x616263@2%0/6/ #5=x646566@3%1/6/ > 2=YWJjZGVm@3", 2, 1 },
    { "a sum that is wrong", "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/6/" SUM " #5=x646567@2%1/6/ > !file-sum", 1, 0 },
    { "more bytes than the size", "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/5/ #5=x646566@2%1/5/ > !file-sum", 1, 0 },
    { "parts that contradict each other", "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/6/ #5=x646566@2%1/7/ > !file-part", 1, 0 },
    { "no size and no sum: where it ends cannot be known", "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0// > !file-part", 0, 0 },
    { "a sum of another length is none", "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/3/abc > !file-part", 0, 0 },
    { "more than a file may have, said or sent",
      "NDATA g/e | ts=99001 seq=1 #5=x61@1%0/101/ > !file-too-big\nNDATA g/e | ts=99002 seq=2 #5=x61@1%0//" SUM " >\n"
      "NDATA g/e | ts=99003 seq=3 #5=x61616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161@2%1// > !file-too-big",
      1, 0 },
    { "what got no part for ten minutes is given up",
      "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/6/ >\nwait 600000 >\nNDATA g/e | ts=99002 seq=2 #5=x646566@2%1/6/ > !file-part", 1, 0 },
    { "a birth ends what was under way",
      "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/6/ >\nNBIRTH g/e | ts=99002 seq=0 bd=7 f#5:18=-!n g#6:17=-!n > *nbirth ~1=7@99002 2=@99002 3=@99002\n"
      "NDATA g/e | ts=99003 seq=1 #5=x646566@2%1/6/ > !file-part",
      2, 2 },
    { "a text is not a file, whatever its metadata",
      "DBIRTH g/e/d | ts=99001 seq=1 t#9:12=sx@1 > +g/e/d *dbirth 4=x@1\nDDATA g/e/d | ts=99002 seq=2 #9=sab@2%0/6/ > 4=ab@2", 0, 2 },
    { "more unfinished files than there is room for: the old ones that wait too long make room, others do not",
      "NDATA g/e | ts=99001 seq=1 #5=x61@1%0/6/ >\nwait 599000 >\nNDATA g/e | ts=99002 seq=2 #6=x61@1%0/6/ > !file-too-big\nwait 1000 >\nNDATA g/e | ts=99003 seq=3 #6=x616263646566@1%0/6/ > 3=YWJjZGVm@1",
      1, 1 },
};

static void every_rule_holds(void)
{
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        host_tracker_options o;
        script s;
        script_options(&o);
        o.file_bytes = 100;
        o.files_bytes = 150; /* one file at a time */
        script_init(&s, &o);
        script_run(&s, rows[i].rule, "ready 0 >\n" BIRTH);
        host_node *n = host_tracker_at(s.tracker, 0);
        uint64_t not_kept = n->counts.not_kept, stored = n->counts.stored;
        script_run(&s, rows[i].rule, rows[i].script);
        pt_check_at(n->counts.not_kept - not_kept == rows[i].not_kept && n->counts.stored - stored == rows[i].stored, false, rows[i].rule,
                    0, "not kept %llu, stored %llu", (unsigned long long)(n->counts.not_kept - not_kept),
                    (unsigned long long)(n->counts.stored - stored));
        CHECK_ROW(rows[i].rule, host__counts_close(n));
        script_fini(&s);
    }
}

static void finished_and_given_up_files_leave_no_memory_behind(void)
{
    host_tracker_options o;
    script s;
    script_options(&o);
    script_init(&s, &o);
    script_run(&s, "memory", "ready 0 >\n" BIRTH "NDATA g/e | ts=99001 seq=1 #5=x616263@1%0/6/ #6=x61@1%0/6/ >");
    CHECK_INT(s.tracker->files_bytes, 8192);
    script_run(&s, "memory", "NDATA g/e | ts=99002 seq=2 #5=x646566@2%1/6/ #6=x61@1%7/6/ > !file-part 2=YWJjZGVm@2");
    CHECK_INT(s.tracker->files_bytes, 0);
    CHECK(s.tracker->files == NULL);
    script_run(&s, "memory", "NDATA g/e | ts=99003 seq=3 #5=x616263@1%0/6/ >"); /* unfinished when the tracker ends: leak checkers look */
    script_fini(&s);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_rule_holds), PT_TEST(finished_and_given_up_files_leave_no_memory_behind) };
    return pt_test_main("host/file", tests, PT_COUNT_OF(tests), argc, argv);
}
