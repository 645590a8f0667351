/* tests/historian/support.h -- stores in fresh directories for the tests of this folder.
 *
 * An open store has its writer thread; a bare one has the lock, a codec and no thread, so that a test may call what the writer calls.
 * Everything here fails the test at once when it goes wrong: it is scaffolding, not what is tested. */
#ifndef HIST_TEST_SUPPORT_H
#define HIST_TEST_SUPPORT_H
#include "historian/maintain.h"
#include "historian/write/write.h"
#include "historian/repair/repair.h"
#include "tests/historian/samples.h"
#include "tests/support/check.h"

extern pt_fake_clock fake; /* every store's clock; starts at NOW */

void setup(void); /* once, first thing in main */

const char *new_dir(void);                                  /* a name nothing has yet; valid until the program ends */
const char *file_in(const char *dir, const char *name);     /* dir/name; the last eight results are valid */
const char *partition_in(const char *dir, int64_t time_ms); /* the blocks file of that time; likewise */

hist_options options_for(const char *dir, uint32_t block_samples);
hist *open_with(const hist_options *o);
hist *open_store(const char *dir, uint32_t block_samples);
hist *open_reader(const char *dir);
void close_ok(hist *h);
/* Recovered from `dir` (created when missing), without a writer thread; ended with hist__bare_free. */
hist *open_bare(const char *dir, uint32_t block_samples);
/* What is buffered becomes the batch of a bare store, as its writer would take it. */
void take_batch(hist *h);
/* take_batch, commit, apply. */
void commit_bare(hist *h);

uint32_t make_tag(hist *h, const char *metric, spb_datatype type); /* spb, g/e/d, path g/e/d/METRIC, unit m */
void append(hist *h, const hist_sample *s, size_t n);
void append_one(hist *h, hist_sample s);
void flush(hist *h);
void seal(hist *h);
/* Their bytes stay until the next call. */
size_t read_rows(hist *h, uint32_t tag, int64_t from_ms, int64_t to_ms, bool states, hist_sample *out, size_t max);
uint64_t count_rows(hist *h, uint32_t tag); /* STATE rows too */
/* What the catalogue says of the tag's samples. */
void check_stored(hist *h, uint32_t tag, uint64_t samples, int64_t first_ms, int64_t last_ms);
/* How many events of the type there are; detail and path of the last. */
uint64_t events_of(hist *h, const char *type, char detail[300], char path[100]);

/* Three Double tags, 3000 samples each, 12 minutes apart from NOW on (25 days); all but the last 99 rounds sealed. */
hist *filled_store(const char *dir);
/* Samples of many types, qualities and flags, 200 of each of 12 tags. */
hist *store_of_all_types(const char *dir);

void run_sql(const char *path, const char *sql); /* on a file, through plain SQLite */
int64_t sql_number(const char *path, const char *sql);
void spoil(const char *path, long offset, const char *bytes); /* overwrite from there */
uint64_t faults_in(const char *dir, bool repair, bool print, hist_verify_report *r);

/* A log that keeps what was said. */
typedef struct heard {
    pt_log log; /* hand out &x.log */
    pthread_mutex_t lock;
    char ids[2000]; /* "ID;ID;" */
    char last[300];
} heard;
void heard_init(heard *l);
bool heard_id(heard *l, const char *id);
#endif
