/* The place of a run's result: the file that its name leads to, and the lock that one run at a time holds on it. */
#ifndef NL_PLACE_H
#define NL_PLACE_H

#include "new_file.h"

/* The path with links followed, so that what is written takes the place of the file and not of a link to it. Names what
 * need not exist. NL_ERR_FILE where links lead in circles. */
nl_status nl_place_follow(const char *path, char out[NL_PATH_MAX]);

/*
 * A lock of the kernel's (flock) on PATH.lock: it ends with the process that holds it, however that ends, so none is
 * ever stale. The file says who holds it, and goes when the lock is released.
 */
typedef struct nl_lock {
    char path[NL_PATH_MAX];
    int fd;
    bool held;
} nl_lock;

/* NL_ERR_FILE where another process holds it, and who. Where the file system knows no locks there is none. */
nl_status nl_lock_take(const char *path, nl_lock *out);
void nl_lock_release(nl_lock *);

#endif
