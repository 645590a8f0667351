/* base/daemon/metrics.h -- counters, gauges and histograms in Prometheus text format 0.0.4.
 *
 * A metric is registered once with name, help and labels and then updated through its handle from any thread without locks.
 * Values that live elsewhere are written at scrape time by collectors. */
#ifndef PT_METRICS_H
#define PT_METRICS_H
#include "base/buf.h"

typedef struct pt_metrics pt_metrics;
typedef struct pt_metric pt_metric;

PT_MUST_CHECK pt_status pt_metrics_new(pt_metrics **out);
void pt_metrics_free(pt_metrics *m);

/* name without labels, e.g. "plantree_mqtt_messages_received_total"; labels as written, e.g. "type=\"NDATA\"" or NULL.
 * The same name+labels again gives the same handle. Never NULL: when memory is out, a shared sink that counts nothing visible. */
pt_metric *pt_metrics_counter(pt_metrics *m, const char *name, const char *labels, const char *help);
pt_metric *pt_metrics_gauge(pt_metrics *m, const char *name, const char *labels, const char *help);
pt_metric *pt_metrics_histogram(pt_metrics *m, const char *name, const char *labels, const char *help, const double *bounds, size_t n);
void pt_metric_add(pt_metric *c, uint64_t n);
void pt_metric_set(pt_metric *g, double v);
void pt_metric_observe(pt_metric *h, double v);
uint64_t pt_metric_count(const pt_metric *c);

/* Called at every scrape, in order of registration; writes with pt_metrics_emit. */
typedef void pt_metrics_collector(void *ctx, pt_buf *out);
PT_MUST_CHECK pt_status pt_metrics_collect(pt_metrics *m, pt_metrics_collector *fn, void *ctx);
/* `# HELP`/`# TYPE` header; then samples. type: "counter" or "gauge". */
void pt_metrics_head(pt_buf *out, const char *name, const char *type, const char *help);
void pt_metrics_sample(pt_buf *out, const char *name, const char *labels, double value);
/* Append a label value with \, " and newline escaped. */
void pt_metrics_label(pt_buf *out, const char *key, pt_slice value, bool first);

/* The whole exposition; also adds process_* (resident memory, CPU seconds, open fds, start time). */
void pt_metrics_text(pt_metrics *m, pt_buf *out);
#endif
