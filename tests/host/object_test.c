/* host/object.c: template instances are whole objects. Notation: script.h. */
#include "tests/host/script.h"
#include "tests/support/check.h"

/* Every row starts with server 0 ready. Node tags: bdSeq is tag 1. */
static const script_row rows[] = {
    { "guide 7: template instance members are tags; definitions are not; members' types from the definition",
      "NBIRTH g/e | ts=99000 seq=0 bd=7 M:19=T{d}(rpm:10=-!n,on:11=-!n)@1 m1:19=T{M}(rpm:10=d5@1,on:11=b1@1)@1 > "
      "*nbirth +g/e ~1=7@99000 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":5,\"on\":true},\"parameters\":{}}@1 3=5@1 4=true@1\n"
      "NDATA g/e | ts=99001 seq=1 m1=T{M}(rpm=d6@2)@2 > 2={\"template_ref\":\"M\",\"version\":null,\"members\":{\"rpm\":6,\"on\":true},\"parameters\":{}}@2 3=6@2" },
};

static void every_rule_holds(void)
{
    script_rows(rows, PT_COUNT_OF(rows));
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_rule_holds),
    };
    return pt_test_main("host/object", tests, PT_COUNT_OF(tests), argc, argv);
}
