/* plantree-plc as a program: its options and exit codes, a run from start to stop, faults switched while it runs, the record. */
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <fcntl.h>
#include <modbus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;
static char text[65536]; /* what it said: stdout, then stderr */

static const char *said(void)
{
    size_t n = 0;
    static const char *const names[] = { "out", "err" };
    for (int i = 0; i < 2; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        FILE *f = fopen(path, "r");
        if (!f) continue;
        n += fread(text + n, 1, sizeof text - 1 - n, f);
        fclose(f);
    }
    text[n] = 0;
    return text;
}

static pid_t start(const char *const *args)
{
    char path[512], out[300], err[300];
    const char *bin = getenv("PLANTREE_BIN"), *argv[16] = { path };
    snprintf(path, sizeof path, "%s/plantree-plc", bin ? bin : "build/bin");
    snprintf(out, sizeof out, "%s/out", dir);
    snprintf(err, sizeof err, "%s/err", dir);
    for (int i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    CHECK((unlink(out) == 0) == (unlink(err) == 0)); /* both, or neither: the first time */
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        int o = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (o < 0 || e < 0 || dup2(o, 1) < 0 || dup2(e, 2) < 0) _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int end(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void wrong_options_are_refused_with_what_they_need(void)
{
    static const struct {
        const char *args[5], *why;
        int code;
    } rows[] = {
        { { "--listen", "nowhere" }, "--listen needs HOST:PORT, not 'nowhere'", 2 },
        { { "--listen", "127.0.0.1:99999" }, "--listen needs HOST:PORT", 2 },
        { { "--unit", "248" }, "--unit needs 1..247, not '248'", 2 },
        { { "--lines", "0" }, "--lines needs 1..247", 2 },
        { { "--unit", "200", "--lines", "100" }, "reach beyond unit 247", 2 },
        { { "--seed", "x" }, "--seed needs a number, not 'x'", 2 },
        { { "--speed", "0" }, "--speed needs 0.01..1000", 2 },
        { { "--scan", "0" }, "--scan needs 1..10000", 2 },
        { { "--fault", "sulk=1" }, "--fault: ", 2 },
        { { "--log-level", "loud" }, "--log-level needs error", 2 },
        { { "--record-reads" }, "--record-reads needs --record", 2 },
        { { "--nonsense" }, "see plantree-plc --help", 2 },
        { { "more" }, "unexpected 'more'", 2 },
        { { "--record", "/nowhere/ledger.csv" }, "/nowhere/ledger.csv", 1 },
        { { "--version" }, "plantree-plc " PLANTREE_VERSION, 0 },
        { { "--help" }, "Register map:", 0 },
        { { "--registers" }, "| `holding:2` | `Level/SP` | Float | write 0..5 | m |", 0 },
    };
    for (size_t i = 0; i < PT_COUNT_OF(rows); i++) {
        CHECK_ROW(rows[i].why, end(start(rows[i].args)) == rows[i].code);
        CHECK_ROW(rows[i].why, strstr(said(), rows[i].why) != NULL);
    }
}

static modbus_t *client(int port)
{
    modbus_t *m = modbus_new_tcp("127.0.0.1", port);
    CHECK_FATAL(m && modbus_set_slave(m, 1) == 0 && modbus_set_response_timeout(m, 2, 0) == 0 && modbus_connect(m) == 0);
    return m;
}

static void a_run_serves_misbehaves_on_demand_and_leaves_a_record(void)
{
    char record[300];
    unsigned port = 0;
    uint16_t regs[2];
    snprintf(record, sizeof record, "%s/ledger.csv", dir);
    pid_t pid = start((const char *const[]){ "--listen", "127.0.0.1:0", "--speed", "10", "--scan", "20", "--record", record,
                                             "--record-reads", "--fault", "exception=4@holding:0", NULL });
    CHECK_WITHIN_FATAL(5000, sscanf(said(), "listening on 127.0.0.1:%u", &port) == 1 && port > 0);
    modbus_t *m = client((int)port);
    CHECK(modbus_read_registers(m, 0, 2, regs) == -1); /* faults are on from the start */
    CHECK(modbus_read_registers(m, 2, 2, regs) == 2);
    CHECK(kill(pid, SIGUSR1) == 0);
    CHECK_WITHIN(5000, strstr(said(), "faults are off") != NULL);
    CHECK(modbus_read_registers(m, 0, 2, regs) == 2 && modbus_get_float_abcd(regs) > 1 && modbus_get_float_abcd(regs) < 4);
    CHECK(modbus_write_bit(m, 1, 0) == 1); /* the pump stops */
    uint8_t running = 1;
    CHECK_WITHIN(5000, modbus_read_input_bits(m, 4, 1, &running) == 1 && !running);
    CHECK_WITHIN(5000, modbus_read_input_registers(m, 30, 2, regs) == 2 && regs[1] >= 2); /* two plant seconds */
    CHECK(kill(pid, SIGUSR1) == 0);
    CHECK_WITHIN(5000, strstr(said(), "faults are on") != NULL);
    CHECK(modbus_read_registers(m, 0, 2, regs) == -1);
    modbus_close(m);
    modbus_free(m);
    /* a second one on the same port fails and says why */
    char listen[40];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
    pid_t other = start((const char *const[]){ "--listen", listen, NULL });
    CHECK_INT(end(other), 1);
    CHECK(strstr(said(), "in use") != NULL);
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK_INT(end(pid), 0);
    char line[200];
    size_t pump = 0, uptime = 0, refused = 0, reads = 0;
    FILE *f = fopen(record, "r");
    CHECK_FATAL(f != NULL);
    while (fgets(line, sizeof line, f)) {
        refused += strstr(line, ",read,holding:0,2") != NULL;
        reads += strstr(line, ",read,holding:2,2") != NULL;
        pump += strstr(line, ",coil:1,false,Pump/Run") != NULL;
        uptime += strstr(line, ",input:30,") != NULL;
    }
    fclose(f);
    CHECK_INT(pump, 1);
    CHECK(uptime >= 3);
    CHECK(refused == 1 && reads == 1); /* while the fault was off; before it */
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(wrong_options_are_refused_with_what_they_need),
        PT_TEST(a_run_serves_misbehaves_on_demand_and_leaves_a_record),
    };
    dir = pt_test_dir();
    return pt_test_main("edge-node/plc/main", tests, PT_COUNT_OF(tests), argc, argv);
}
