/* The file of a state: stretches of bytes, each with its point, name and checksum. */
#ifndef NL_STATE_FILE_H
#define NL_STATE_FILE_H

#include "nanolase/store.h"
#include "new_file.h"

typedef struct nl_state_entry {
    long long point;
    char name[NL_STATE_NAME];
    unsigned long long bytes, checksum;
} nl_state_entry;

struct nl_state {
    bool restores;
    nl_new_file to;  /* being kept */
    int from;        /* being restored: the file, */
    nl_state_entry *entries; /* what is in there, */
    long long *offsets;      /* where, */
    int count, next;         /* and which is expected next */
    char path[NL_PATH_MAX];
};

/* Keeping: commit or drop `to`. */
nl_status nl_state_create(const char *path, nl_state *out);
/* Restoring. NL_ERR_FILE where the file is cut off or damaged anywhere: all of it is read. Release also after
 * failure. */
nl_status nl_state_open(const char *path, nl_state *out);
void nl_state_release(nl_state *);
/* Bytes of an entry; 0 where there is none. */
size_t nl_state_length(const nl_state *, int point, const char *name);

#endif
