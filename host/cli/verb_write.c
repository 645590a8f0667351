/* host/cli/verb_write.c -- write a value to the plant and wait for what the plant says about it.
 *
 * Sparkplug knows no acknowledgement: a write is confirmed when the tag reports the value, deviates when it reports another one, and
 * is open when nothing comes. So this verb follows the write until the host knows, or --wait is over. */
#include "host/cli/cli.h"
#include "base/daemon/percent.h"
#include "base/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { POLL_MS = 100, DEFAULT_WAIT_MS = 5000 };

/* JSON literals as they are ("4", "true", "\"x\"", "[1,2]"), everything else as a JSON string. */
static void value_json(pt_json *j, const char *text, bool as_string)
{
    json_error_t err;
    json_t *v = as_string ? NULL : json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &err);
    /* A number too large for jansson is still a number: pass its digits on. */
    size_t digits = strspn(text + (text[0] == '-'), "0123456789");
    bool whole = digits > 0 && !text[digits + (text[0] == '-')] && (text[text[0] == '-'] != '0' || digits == 1);
    if (v || (!as_string && whole)) pt_json_raw(j, pt_cstr(text));
    else pt_json_str(j, pt_cstr(text));
    json_decref(v);
}

static void new_key(char out[64])
{
    unsigned char r[16];
    int n = snprintf(out, 64, "Idempotency-Key: ");
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) memset(r, 0, sizeof r); /* cannot fail for 16 bytes */
    for (size_t i = 0; i < sizeof r; i++)
        n += snprintf(out + n, 64 - (size_t)n, "%02x", r[i]);
}

static bool is_pending(const char *state)
{
    return state && (strcmp(state, "requested") == 0 || strcmp(state, "sent") == 0 || strcmp(state, "pending") == 0);
}

static int exit_code_of(const char *state)
{
    if (!state) return PT_EXIT_FAILED;
    if (strcmp(state, "confirmed") == 0) return PT_EXIT_OK;
    if (strcmp(state, "refused") == 0 || strcmp(state, "rejected") == 0) return PT_EXIT_REFUSED;
    if (strcmp(state, "timeout") == 0 || is_pending(state)) return PT_EXIT_TIMEOUT;
    return PT_EXIT_FAILED; /* deviates, failed */
}

/* Ask for the write's state until it is settled or `until_ms` (monotonic). */
static int follow(cli *c, cli_answer *a, int64_t until_ms)
{
    const struct timespec pause = { 0, POLL_MS * 1000000 };
    pt_buf target, id_text;
    pt_buf_init(&id_text, 1024);
    cli_value_text(&id_text, json_object_get(a->json, "id"));
    pt_buf_init(&target, 4096);
    pt_buf_cstr(&target, "/api/v1/writes/");
    pt_percent_encode(&target, pt_buf_view(&id_text), false);
    bool has_id = id_text.len > 0;
    pt_buf_fini(&id_text);
    char *text = pt_buf_take(&target, NULL);
    int rc = text ? CLI_GO_ON : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    while (rc == CLI_GO_ON && has_id && is_pending(cli_str(a->json, "state")) && pt_mono_ms(pt_clock_system()) < until_ms) {
        nanosleep(&pause, NULL);
        cli_answer next = { 0 };
        rc = cli_get(c, text, &next);
        if (rc == CLI_GO_ON) rc = cli_answer_json(c, &next);
        if (rc == CLI_GO_ON) {
            cli_release(a);
            *a = next;
        } else {
            cli_release(&next);
        }
    }
    free(text);
    return rc;
}

static int say(cli *c, const cli_answer *a, const char *path, const char *value)
{
    const char *state = cli_str(a->json, "state"), *detail = cli_str(a->json, "detail");
    pt_buf out;
    if (c->json) {
        int rc = cli_put_json(c, a);
        return rc ? rc : exit_code_of(state);
    }
    pt_buf_init(&out, 1 << 20);
    cli_printable(&out, pt_cstr(path));
    pt_buf_cstr(&out, " = ");
    cli_printable(&out, pt_cstr(value));
    pt_buf_cstr(&out, ": ");
    if (is_pending(state)) pt_buf_cstr(&out, "sent, not confirmed in time");
    else cli_printable(&out, pt_cstr(state ? state : "?"));
    const json_t *reported = json_object_get(a->json, "reported");
    if (reported && !json_is_null(reported)) {
        pt_buf text;
        pt_buf_init(&text, 1 << 16);
        cli_value_text(&text, reported);
        pt_buf_cstr(&out, ", the plant reports ");
        cli_printable(&out, pt_buf_view(&text));
        pt_buf_fini(&text);
    }
    if (detail && *detail) {
        pt_buf_cstr(&out, " (");
        cli_printable(&out, pt_cstr(detail));
        pt_buf_char(&out, ')');
    }
    pt_buf_char(&out, '\n');
    int rc = cli_put(c, &out);
    pt_buf_fini(&out);
    return rc ? rc : exit_code_of(state);
}

/* A refusal of the host is 3 here, whatever its reason (4xx), as the contract has it. */
static int judge(cli *c, cli_answer *a)
{
    int rc = cli_judge(c, a);
    if (rc == CLI_GO_ON) return rc;
    if (c->json) cli_put_json(c, a);
    return a->status >= 400 && a->status < 500 && a->status != 408 ? PT_EXIT_REFUSED : rc;
}

static int run(cli *c, int argc, char **argv)
{
    const char *reason = NULL, *wait = NULL;
    bool as_string = false;
    int64_t wait_ms;
    const cli_option options[] = {
        { .name = "--reason", .value = &reason }, { .name = "--wait", .value = &wait }, { .name = "--string", .flag = &as_string }, { 0 }
    };
    char key[64];
    pt_buf body;
    pt_json j;
    cli_answer a = { 0 };
    int rc = cli_options(c, &argc, argv, options);
    if (rc == CLI_GO_ON) rc = cli_duration(c, "--wait", wait, DEFAULT_WAIT_MS, &wait_ms);
    if (rc != CLI_GO_ON) return rc;
    if (argc != 3) return cli_usage(c, "a path and a value are needed");
    pt_buf_init(&body, 1 << 20);
    pt_json_init(&j, &body);
    pt_json_object(&j);
    pt_json_member_cstr(&j, "path", argv[1]);
    pt_json_key(&j, "value");
    value_json(&j, argv[2], as_string);
    if (reason) pt_json_member_cstr(&j, "reason", reason);
    pt_json_end_object(&j);
    char *text = pt_buf_take(&body, NULL);
    new_key(key);
    int64_t until_ms = pt_mono_ms(pt_clock_system()) + wait_ms;
    if (c->timeout_ms < wait_ms + 10000) c->timeout_ms = wait_ms + 10000; /* the host may hold the answer back meanwhile */
    char target[64];
    snprintf(target, sizeof target, "/api/v1/writes?wait=%lldms", (long long)(wait_ms < 60000 ? wait_ms : 60000));
    rc = text ? cli_request(c, "POST", target, text, key, &a) : cli_fail(c, PT_EXIT_FAILED, "out of memory");
    if (rc == CLI_GO_ON) rc = judge(c, &a);
    if (rc == CLI_GO_ON) rc = cli_answer_json(c, &a);
    if (rc == CLI_GO_ON) rc = follow(c, &a, until_ms);
    if (rc == CLI_GO_ON) rc = say(c, &a, argv[1], argv[2]);
    free(text);
    cli_release(&a);
    return rc;
}

const cli_verb cli_verb_write = {
    "write", "write a value to the plant and wait for its confirmation",
    "Usage: plantree write PATH VALUE [--reason TEXT] [--wait 5s] [--string] [--json]\n"
    "\n"
    "The host sends a command to the edge node; the edge node writes to its PLC and reports what the PLC then holds. Only that\n"
    "report confirms the write. VALUE is a number, true, false, or a text; --string takes a text that looks like a number as it is.\n"
    "\n"
    "  --reason TEXT   why; kept with the write in the events\n"
    "  --wait D        how long to wait for the confirmation (default 5s)\n"
    "\n"
    "Exit codes: 0 confirmed, 1 deviates (the plant reports another value) or failed, 3 refused by the host, 4 not confirmed in time.\n"
    "\n"
    "Examples:\n"
    "  plantree write Acme/gw-1/filler/Level/SP 4 --reason 'start of shift'\n"
    "  plantree write Acme/gw-1/filler/Valve/Open true --wait 10s\n"
    "  plantree write Acme/gw-1/filler/Batch/Id 0042 --string\n",
    run
};
