/* host/http/answer.c: short answers whole, long ones streamed as they are made. */
#include "historian/files/pages.h"
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/support/check.h"

#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static stage st;
enum { N = 120000 };

static void start(void)
{
    static hist_sample some[N];
    static const hist_tag_key key = { { "spb", 3 }, { "g", 1 }, { "e", 1 }, { "d", 1 }, { "long", 4 } };
    uint32_t id = 0;
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    CHECK_OK_FATAL(hist_tag_ensure(st.app.history, &key, PT_LIT("long"), SPB_DOUBLE, PT_LIT(""), &id));
    for (int i = 0; i < N; i++)
        some[i] = (hist_sample){ .tag_id = id, .time_ms = 1000 + i, .type = SPB_DOUBLE, .as.f64 = i };
    CHECK_OK_FATAL(hist_append(st.app.history, some, N));
    CHECK_OK_FATAL(hist_flush(st.app.history, 20000, NULL));
    CHECK_OK_FATAL(hist_seal(st.app.history, NULL));
}

static size_t lines(const answer *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->body.len; i++)
        n += a->body.ptr[i] == '\n';
    return n;
}

static void a_long_answer_is_streamed_and_whole(void)
{
    start();
    answer a = client_ask(st.app.http_port, (ask){ .target = "/api/v1/history?path=long&from=0&to=999999&format=csv" });
    CHECK(a.status == 200 && client_header(&a, "Transfer-Encoding: chunked") && client_header(&a, "Content-Type: text/csv; charset=utf-8"));
    CHECK(client_header(&a, "Trailer: X-Plantree-Damaged") && !client_header(&a, "X-Plantree-Damaged:"));
    CHECK_INT(lines(&a), N + 1);
    client_release(&a);
    json_t *h = stage_json(&st, "/api/v1/history?path=long&from=0&to=999999");
    const json_t *s = json_array_get(json_object_get(h, "series"), 0);
    CHECK(json_array_size(json_object_get(s, "t")) == N && json_array_size(json_object_get(s, "v")) == N &&
          json_string_length(json_object_get(s, "q")) == N);
    CHECK_INT(json_integer_value(json_object_get(s, "raw_count")), N);
    json_decref(h);
    a = client_ask(st.app.http_port, (ask){ .target = "/api/v1/history?path=long&from=0&to=1500&format=csv", .gzip = true });
    CHECK(a.status == 200 && client_header(&a, "Content-Encoding: gzip") && !client_header(&a, "Transfer-Encoding"));
    CHECK_INT(lines(&a), 501);
    client_release(&a);
    stage_close(&st);
}

/* The block in the middle of what is kept is made unreadable where it lies. */
static void spoil_a_block(void)
{
    char pattern[600];
    glob_t found;
    sqlite3 *db = NULL;
    snprintf(pattern, sizeof pattern, "%s/blocks-*.db", st.config.data.dir);
    CHECK_FATAL(glob(pattern, 0, NULL, &found) == 0);
    CHECK_FATAL(hist__pages_open(found.gl_pathv[0], &db, SQLITE_OPEN_READWRITE) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE data SET data=zeroblob(40) WHERE id=(SELECT id FROM block ORDER BY t0 LIMIT 1 OFFSET 50)", NULL, NULL,
                       NULL) == SQLITE_OK);
    sqlite3_close(db);
    globfree(&found);
}

static void what_could_not_be_read_is_told_behind_the_rows(void)
{
    start();
    spoil_a_block();
    answer a = client_ask(st.app.http_port, (ask){ .target = "/api/v1/history?path=long&from=0&to=999999&format=csv" });
    CHECK(a.status == 200 && lines(&a) > N / 2 && lines(&a) < N + 1);
    CHECK(client_header(&a, "X-Plantree-Damaged: 1")); /* the trailer, which curl gives with the headers */
    client_release(&a);
    a = client_ask(st.app.http_port, (ask){ .target = "/api/v1/history?path=long&from=0&to=999999" });
    CHECK(a.status == 200 && a.body.len > 20 && strstr(a.body.ptr + a.body.len - 20, "\"damaged\":1}]}") != NULL);
    client_release(&a);
    stage_close(&st);
}

/* A reader that goes away, and a host that stops while one reads: the run ends, and nobody takes a part for the whole. */
static void a_stream_that_is_broken_off_has_no_last_chunk(void)
{
    start();
    for (int k = 0; k < 20; k++)
        close(client_send_get(st.app.http_port, "/api/v1/history?path=long&from=0&to=999999&format=csv"));
    int fd = client_send_get(st.app.http_port, "/api/v1/history?path=long&from=0&to=999999&format=csv");
    CHECK(client_read_until(fd, "time,path,value"));
    stage_halt(&st); /* waits for no reader */
    CHECK(!client_read_until(fd, "\r\n0\r\n"));
    close(fd);
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(a_long_answer_is_streamed_and_whole),
        PT_TEST(what_could_not_be_read_is_told_behind_the_rows),
        PT_TEST(a_stream_that_is_broken_off_has_no_last_chunk),
    };
    return pt_test_main("host/answer", tests, PT_COUNT_OF(tests), argc, argv);
}
