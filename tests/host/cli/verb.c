/* tests/host/cli/verb.c */
#include "tests/host/cli/verb.h"

#include <stdlib.h>

void check_help(const cli_verb *verb)
{
    char usage[64];
    outcome asked[] = { RUN(verb->name, "--help"), RUN(verb->name, "-h"), RUN("help", verb->name), RUN("--json", verb->name, "--help") };
    snprintf(usage, sizeof usage, "Usage: plantree %s", verb->name);
    for (size_t i = 0; i < PT_COUNT_OF(asked); i++) {
        CHECK_INT(asked[i].code, 0);
        CHECK_STR(pt_buf_view(&asked[i].out), verb->help);
        CHECK_INT(asked[i].err.len, 0);
        outcome_release(&asked[i]);
    }
    CHECK(strncmp(verb->help, usage, strlen(usage)) == 0);
    CHECK(strstr(verb->help, "\nExample") != NULL);
    CHECK(verb->summary[0] && !strchr(verb->summary, '\n'));
}

void check_wrong_calls(const wrong_call *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char see[64];
        outcome o = run_plantree("PLANTREE_URL=" NO_HOST, rows[i].args);
        snprintf(see, sizeof see, "See: plantree %s --help\n", rows[i].args[0]);
        CHECK_ROW(rows[i].says, o.code == 2);
        CHECK_ROW(rows[i].says, outcome_says(&o.err, rows[i].says));
        CHECK_ROW(rows[i].says, outcome_says(&o.err, see));
        CHECK_ROW(rows[i].says, o.out.len == 0);
        outcome_release(&o);
    }
}

void check_host_absent(const char *const *args)
{
    outcome o = run_plantree("PLANTREE_URL=" NO_HOST, args);
    CHECK_CODE(o, 4);
    CHECK_SAYS(o.err, NO_HOST);
    CHECK_INT(o.out.len, 0);
    outcome_release(&o);
}

static bool is_kind(const json_t *v, char kind)
{
    switch (kind) {
    case 's': return json_is_string(v);
    case 'i': return json_is_integer(v);
    case 'n': return json_is_number(v);
    case 'b': return json_is_boolean(v);
    case 'o': return json_is_object(v);
    case 'a': return json_is_array(v);
    default: return v != NULL;
    }
}

void check_shape(const json_t *object, const char *members)
{
    pt_slice rest = pt_cstr(members), piece;
    while (rest.len && pt_slice_split(&rest, ' ', &piece)) {
        char name[64];
        size_t colon = pt_slice_find(piece, ':');
        CHECK_FATAL(colon + 1 < piece.len && colon < sizeof name);
        memcpy(name, piece.ptr, colon);
        name[colon] = '\0';
        const json_t *v = json_object_get(object, name);
        bool null_too = piece.ptr[piece.len - 1] == '?';
        bool ok = is_kind(v, piece.ptr[colon + 1]) || (null_too && json_is_null(v));
        pt_check_at(ok, false, __FILE__, __LINE__, "member '%.*s' is %s", PT_SLICE_ARGS(piece), v ? "of another kind" : "missing");
    }
}

json_t *outcome_json(const outcome *o)
{
    json_error_t err = { .text = "" };
    json_t *v = json_loads(o->out.ptr, 0, &err);
    pt_check_at(v != NULL, false, __FILE__, __LINE__, "no JSON (%s): %.300s%.300s", err.text, o->out.ptr, o->err.ptr);
    return v;
}
