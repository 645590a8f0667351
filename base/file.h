/* base/file.h -- small files: read whole, replaced whole and durably.
 *
 * Plain calls without state; they block on the disk. Any thread may call them, for one path one writer at a time: the new content is
 * written beside the file as PATH.new. Errors name the path and the system's reason. */
#ifndef PT_FILE_H
#define PT_FILE_H
#include "base/buf.h"

/* Append all of the file to `out`, which bounds it. PT_ENOTFOUND: no such file. PT_ETOOBIG: more than `out` takes; PT_ENOMEM; PT_EREADONLY:
 * not allowed to read it; PT_EIO. After an error of reading `out` holds a part, or has failed. */
PT_MUST_CHECK pt_status pt_file_read(const char *path, pt_buf *out, pt_error *err);

/* Make `content` the file's whole content, on disk when it returns PT_OK: written beside it, synced, renamed, the folder synced. Whoever
 * reads meanwhile, or after a crash at any point, finds the old file or the new one, never a part. `mode` (0644) is reduced by the umask;
 * the folder exists. PT_ENOSPC, PT_EREADONLY, PT_ENOTFOUND (no folder), PT_ETOOBIG (path), PT_EIO; then the old file is still there and
 * nothing lies beside it, except when only the folder could not be synced: then the new one is in place, but a power cut may bring the old
 * one back. */
PT_MUST_CHECK pt_status pt_file_write(const char *path, unsigned mode, pt_slice content, pt_error *err);

/* What was created, renamed or removed in the folder survives a power cut when this returns PT_OK. File systems that have no such call for
 * folders (EINVAL, ENOTSUP) count as done. */
PT_MUST_CHECK pt_status pt_folder_sync(const char *path, pt_error *err);
#endif
