/* tests/host/api_audit_test.c -- what changed the plant is in the audit, and what cannot be audited is not done. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static stage st;

static void status_is(const char *target, int status, const char *part)
{
    stage_asks(&st, &(stage_ask){ "GET", target, NULL, status, part }, 1);
}

static answer post(const char *target, const char *body, const char *key)
{
    return client_ask(st.app.http_port, (ask){ .method = "POST",
                                               .target = target,
                                               .body = body,
                                               .headers = { "Content-Type: application/json", key },
                                               .timeout_ms = 10000 });
}

/* "action object before>after reason outcome," per row */
static bool audit_is(const char *want, char *got, size_t cap)
{
    answer a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = "/api/v1/audit" });
    json_t *rows = json_loadb(a.body.ptr, a.body.len, 0, NULL), *r;
    size_t i, n = 0;
    got[0] = '\0';
    json_array_foreach(rows, i, r)
    {
        char *before = json_dumps(json_object_get(r, "before"), JSON_ENCODE_ANY),
             *after = json_dumps(json_object_get(r, "after"), JSON_ENCODE_ANY);
        n += (size_t)snprintf(got + n, cap - n, "%s%s %s %s>%s %s %s", i ? ", " : "", json_string_value(json_object_get(r, "action")),
                              json_string_value(json_object_get(r, "object")), before, after,
                              json_string_value(json_object_get(r, "reason")), json_string_value(json_object_get(r, "outcome")));
        free(before);
        free(after);
        CHECK_STR(pt_cstr(json_string_value(json_object_get(r, "address"))), "127.0.0.1");
        CHECK_STR(pt_cstr(json_string_value(json_object_get(r, "principal"))), "anonymous");
    }
    json_decref(rows);
    client_release(&a);
    return strcmp(got, want) == 0;
}

static void every_request_and_every_outcome_is_a_row(void)
{
    char got[2000] = "";
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    status_is("/api/v1/audit", 200, "[]");
    stage_play(&st, "birth", "NBIRTH g/n | seq=0 bd=1 a:10=d1.5 t:12=sx\nvalue g/n/a = 1.5 GOOD\nvalue g/n/t = \"x\" GOOD");
    answer a =
        post("/api/v1/writes", "{\"path\":\"g/n/a\",\"value\":1.5,\"reason\":\"batch 7\"}", "Idempotency-Key: k1"); /* it stands there */
    CHECK(a.status == 200 && client_has(&a, "\"state\":\"confirmed\"") && client_has(&a, "\"unchanged\":true"));
    client_release(&a);
    a = post("/api/v1/writes", "{\"path\":\"g/n/a\",\"value\":1.5,\"reason\":\"batch 7\"}",
             "Idempotency-Key: k1"); /* again: nothing is done, no row */
    CHECK_INT(a.status, 200);
    client_release(&a);
    a = post("/api/v1/writes", "{\"path\":\"g/n/a\",\"value\":\"no number\"}", "X-Key: none");
    CHECK_INT(a.status, 422);
    client_release(&a);
    a = post("/api/v1/writes", "{\"path\":\"g/n/nothing\",\"value\":true}", "X-Key: none");
    CHECK_INT(a.status, 404);
    client_release(&a);
    a = post("/api/v1/nodes/g/n/rebirth", "{}", "X-Key: none");
    CHECK_INT(a.status, 202);
    client_release(&a);
    a = post("/api/v1/nodes/g/none/rebirth", "{}", "X-Key: none");
    CHECK_INT(a.status, 404);
    client_release(&a);
    const char *want =
        "write g/n/a 1.5>1.5 batch 7 requested, write g/n/a 1.5>1.5 batch 7 confirmed, write g/n/a 1.5>\"no number\"  refused, "
        "write g/n/nothing null>true  refused, rebirth g/n null>null  requested, rebirth g/none null>null  not-found";
    CHECK_WITHIN(5000, audit_is(want, got, sizeof got));
    CHECK_STR(pt_cstr(got), want);
    status_is("/api/v1/audit?after=5&limit=1", 200, "[{\"seq\":6,");
    status_is("/api/v1/audit?limit=0", 200, "[]");
    status_is("/api/v1/audit?limit=10001", 400, "limit");
    status_is("/api/v1/audit/verify", 200, "{\"whole\":true,\"rows\":6,\"newest_hash\":\"");
    stage_halt(&st);
    stage_start(&st); /* it is there after a restart, and goes on */
    status_is("/api/v1/audit/verify", 200, "{\"whole\":true,\"rows\":6,");
    stage_close(&st);
}

static void a_write_that_cannot_be_audited_is_not_sent(void)
{
    char path[700];
    sqlite3 *db = NULL;
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "birth", "NBIRTH g/n | seq=0 bd=1 a:10=d1\nvalue g/n/a = 1 GOOD");
    snprintf(path, sizeof path, "%s/audit.db", st.config.data.dir);
    CHECK_FATAL(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    answer a = post("/api/v1/writes", "{\"path\":\"g/n/a\",\"value\":2}", "X-Key: none");
    CHECK_INT(a.status, 503);
    CHECK(client_has(&a, "nothing was sent, because the audit cannot be written"));
    client_release(&a);
    CHECK_INT(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    stage_play(&st, "nothing went out", "ncmd 0");
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/n"), 0);

    /* it breaks: shown where */
    CHECK_INT(sqlite3_exec(
                  db,
                  "INSERT INTO audit SELECT 1, 1, 'x', 'x', 'x', 'write', 'g/n/a', '', '', '', 'confirmed', '', zeroblob(32), zeroblob(32)",
                  NULL, NULL, NULL),
              SQLITE_OK);
    sqlite3_close(db);
    status_is("/api/v1/audit/verify", 200, "{\"whole\":false,\"rows\":0,");
    status_is("/api/v1/audit/verify", 200, "row 1 is not what was written");
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = { PT_TEST(every_request_and_every_outcome_is_a_row),
                                     PT_TEST(a_write_that_cannot_be_audited_is_not_sent) };
    return pt_test_main("host/api_audit", tests, PT_COUNT_OF(tests), argc, argv);
}
