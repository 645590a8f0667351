/* edge-node/bdseq_file.h -- the next bdSeq in a small file, for edge_storage. What bdseq_store wrote survives kill -9 and a power cut. */
#ifndef EDGE_BDSEQ_FILE_H
#define EDGE_BDSEQ_FILE_H
#include "edge-node/edge.h"

typedef struct edge_bdseq_file {
    char path[560];
} edge_bdseq_file;

/* The file is `dir`/bdseq; the directory exists. PT_ETOOBIG: path too long. */
PT_MUST_CHECK pt_status edge_bdseq_file_init(edge_bdseq_file *f, const char *dir);
/* `f` is borrowed. load: PT_ENOTFOUND without a file, PT_ECORRUPT when it holds no number from 0 to 255. */
edge_storage edge_bdseq_file_storage(edge_bdseq_file *f);
#endif
