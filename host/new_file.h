/*
 * A file that takes its place whole: written beside it as PATH.part, synced to the disk, moved there. At any instant
 * PATH is the old or the new file; what fails leaves nothing behind.
 */
#ifndef NL_NEW_FILE_H
#define NL_NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/config.h"

enum { NL_PATH_MAX = NL_TEXT_MAX + 64 };

typedef struct nl_new_file {
    char path[NL_PATH_MAX], part[NL_PATH_MAX];
    int fd;
    bool is_open;
} nl_new_file;

/* NL_ERR_FILE with the place and the system's reason. After a failure of write or commit the file is gone. */
nl_status nl_new_file_open(const char *path, nl_new_file *out);
nl_status nl_new_file_write(nl_new_file *, const void *data, size_t bytes);
/* keep_previous: what is at PATH gets the name PATH~ as well, just before it is replaced. */
nl_status nl_new_file_commit(nl_new_file *, bool keep_previous);
void nl_new_file_drop(nl_new_file *);

#endif
