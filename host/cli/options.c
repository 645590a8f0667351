/* host/cli/options.c -- options in any order, before or behind the arguments. */
#include "host/cli/cli.h"
#include "base/timestamp.h"

#include <stdlib.h>

static void say(const cli *c, const char *fmt, va_list ap)
{
    char text[1024];
    pt_buf out;
    if (vsnprintf(text, sizeof text, fmt, ap) < 0) return;
    pt_buf_init(&out, 8192);
    cli_printable(&out, pt_cstr(text));
    fprintf(stderr, "plantree%s%s: %.*s\n", c->verb ? " " : "", c->verb ? c->verb->name : "", PT_SLICE_ARGS(pt_buf_view(&out)));
    pt_buf_fini(&out);
}

int cli_usage(const cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "See: plantree %s%s--help\n", c->verb ? c->verb->name : "", c->verb ? " " : "");
    return PT_EXIT_USAGE;
}

int cli_fail(const cli *c, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, fmt, ap);
    va_end(ap);
    return code;
}

/* "--name VALUE" or "--name=VALUE": 1 taken, 0 another, -1 the value is missing. */
static int take_value(const char *name, int argc, char **argv, int *i, const char **value)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0) return 0;
    if (argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return 1;
    }
    if (argv[*i][n]) return 0;
    if (*i + 1 >= argc) return -1;
    *value = argv[++*i];
    return 1;
}

static int take(cli *c, const cli_option *options, int argc, char **argv, int *i)
{
    for (const cli_option *o = options; o && o->name; o++) {
        const char *value;
        if (o->flag) {
            if (strcmp(argv[*i], o->name) != 0) continue;
            *o->flag = true;
            return 1;
        }
        int took = take_value(o->name, argc, argv, i, &value);
        if (!took) continue;
        if (took < 0) {
            cli_usage(c, "%s needs a value", o->name);
            return -1;
        }
        if (o->value) {
            *o->value = value;
        } else if (!o->list) {
            return -1; /* an option is one of the three */
        } else if (o->list->n == CLI_MAX_LIST) {
            cli_usage(c, "%s is given more than %d times", o->name, CLI_MAX_LIST);
            return -1;
        } else {
            o->list->items[o->list->n++] = value;
        }
        return 1;
    }
    return 0;
}

/* "-5" and "-.5" are values to write, not options. */
static bool is_option(const char *s)
{
    return s[0] == '-' && s[1] && !(s[1] >= '0' && s[1] <= '9') && s[1] != '.';
}

int cli_options(cli *c, int *argc, char **argv, const cli_option *own)
{
    const char *timeout = NULL;
    const cli_option common[] = { { .name = "--url", .value = &c->url },
                                  { .name = "--data", .value = &c->data_dir },
                                  { .name = "--token-file", .value = &c->token_file },
                                  { .name = "--timeout", .value = &timeout },
                                  { .name = "--json", .flag = &c->json },
                                  { 0 } };
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (++i < *argc)
                argv[kept++] = argv[i];
            break;
        }
        if (!is_option(argv[i])) {
            argv[kept++] = argv[i];
            if (!c->verb) { /* the verb: what follows is its own */
                while (++i < *argc)
                    argv[kept++] = argv[i];
            }
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            if (!c->verb) {
                argv[kept++] = argv[i];
                continue;
            }
            printf("%s", c->verb->help);
            return fflush(stdout) ? PT_EXIT_FAILED : PT_EXIT_OK;
        }
        int took = take(c, own, *argc, argv, &i);
        if (!took) took = take(c, common, *argc, argv, &i);
        if (took < 0) return PT_EXIT_USAGE;
        if (!took) {
            if (!c->verb && strcmp(argv[i], "--version") == 0) {
                argv[kept++] = argv[i];
                continue;
            }
            return cli_usage(c, "unknown option '%s'", argv[i]);
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return timeout ? cli_duration(c, "--timeout", timeout, 0, &c->timeout_ms) : CLI_GO_ON;
}

int cli_time(const cli *c, const char *option, const char *text, int64_t def, int64_t *out)
{
    pt_error err;
    *out = def;
    if (text && pt_time_parse(pt_cstr(text), c->now_ms, out, &err)) return cli_usage(c, "%s: %s", option, err.text);
    return CLI_GO_ON;
}

int cli_duration(const cli *c, const char *option, const char *text, int64_t def, int64_t *out)
{
    pt_error err;
    *out = def;
    if (text && pt_duration_parse(pt_cstr(text), out, &err)) return cli_usage(c, "%s: %s", option, err.text);
    return CLI_GO_ON;
}

int cli_range(const cli *c, const char *from, const char *to, int64_t *from_ms, int64_t *to_ms)
{
    int rc = cli_time(c, "--to", to, c->now_ms, to_ms);
    if (rc == CLI_GO_ON) rc = cli_time(c, "--from", from, *to_ms - 3600000, from_ms);
    if (rc == CLI_GO_ON && *from_ms >= *to_ms) return cli_usage(c, "--from must be before --to");
    return rc;
}
