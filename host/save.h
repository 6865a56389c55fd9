/*
 * Saving the results of a run: where, how often, and what becomes of them when that fails.
 *
 * While a run goes on a failure is told and tried again at the next save, for a disk that is full now may not be in an
 * hour. At the end it is tried a few times more; then the results are put where there is room, and the run fails.
 */
#ifndef NL_SAVE_H
#define NL_SAVE_H

#include "nanolase.h"
#include "place.h"
#include "progress.h"

typedef struct nl_saver {
    nl_reporter *reporter;
    char path[NL_PATH_MAX]; /* links followed */
    nl_lock lock;
    bool previous_kept; /* what was at the path before the run is PATH~, or is this run's own */
    bool failing;       /* the last save did */
    bool unsaved;       /* there are results that are not in the file */
    bool finished;      /* all points are in a file */
    double last;        /* when the last save was */
    double interval;    /* between two, in s */
    nl_store *store;    /* what is kept of points at work */
} nl_saver;

/* Finds the place and takes its lock. NL_ERR_USAGE where the place is not fit, NL_ERR_FILE where another run has it. */
nl_status nl_saver_open(const char *path, nl_reporter *, nl_saver *out);
void nl_saver_close(nl_saver *);

/* Together: opens the store of points at work, PATH.state, for all ranks that see it; a resumed run takes up what is
 * there, and the file is its own. */
nl_status nl_saver_keep_states(nl_saver *, const nl_result *, const nl_provenance *, bool resume);
/* Where there is no file yet makes one of points to be computed, so that a run can be resumed from its first
 * instant. */
nl_status nl_saver_begin(nl_saver *, const nl_result *, const nl_provenance *);
/* Saves if there are new results, or the first states, and the last save is seconds ago. */
void nl_saver_now_and_then(nl_saver *, const nl_result *, const nl_provenance *);
void nl_saver_save(nl_saver *, const nl_result *, const nl_provenance *);
/* The last save. NL_ERR_FILE where the results could not be put in their place, with where they are. */
nl_status nl_saver_finish(nl_saver *, const nl_result *, const nl_provenance *);

#endif
