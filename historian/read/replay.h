/* historian/read/replay.h -- read a recorded range back in time order over many tags, as a stream.
 *
 * The engine behind `plantree replay run --to-stdout` and, later, the paced Sparkplug target: samples and events of the selected
 * tags merged by (time, source order), bounded memory, deterministic: the same data gives the same bytes (uns-and-api.md 4.6, 4.7). */
#ifndef HIST_REPLAY_H
#define HIST_REPLAY_H
#include "historian/historian.h"

typedef enum hist_replay_kind { HIST_REPLAY_VALUE, HIST_REPLAY_EVENT } hist_replay_kind;
typedef struct hist_replay_item {
    uint64_t index;  /* from 0 */
    int64_t time_ms; /* recorded */
    hist_replay_kind kind;
    const hist_tag *tag; /* VALUE */
    const hist_sample *sample;
    const hist_event *event; /* EVENT (births and deaths are events of type nbirth, ...) */
} hist_replay_item;

typedef struct hist_replay_options {
    int64_t from_ms, to_ms;
    const pt_slice *select; /* path globs; a leading '!' excludes; n_select 0: everything but _sparkplug plumbing */
    size_t n_select;
    bool events; /* births, deaths, others of the selected nodes too */
} hist_replay_options;

typedef struct hist_replay hist_replay;
PT_MUST_CHECK pt_status hist_replay_open(hist *h, const hist_replay_options *o, hist_replay **out, pt_error *err);
/* PT_OK with *item (valid until the next call), PT_EEMPTY at the end, PT_ECORRUPT with the place (the next call goes on). */
PT_MUST_CHECK pt_status hist_replay_next(hist_replay *r, hist_replay_item *item, pt_error *err);
void hist_replay_close(hist_replay *r);

/* One item as a JSON line (with newline) or CSV line, `wall_ms` < 0 omits the wall time; formats of uns-and-api.md 4.6. */
void hist_replay_jsonl(const hist_replay_item *item, int64_t wall_ms, pt_buf *out);
void hist_replay_csv_header(pt_buf *out);
void hist_replay_csv(const hist_replay_item *item, int64_t wall_ms, pt_buf *out);
#endif
