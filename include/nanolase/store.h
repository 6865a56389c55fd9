/*
 * What a run keeps of points that are at work, so that a run that was killed goes on from there: the states that
 * methods have reached, and what runs within a run have computed. One file for each batch at work, in a folder of its
 * own, gone when their points are done and saved.
 *
 * A method hands one function that names all its data, to keep them and to restore them: so the two cannot disagree.
 * Files are for the program, backend and configuration that made them, and plain: large vectors are written as they
 * come. Each stretch of data carries a checksum; what is damaged or another's is left alone, and its points start
 * again.
 */
#ifndef NL_STORE_H
#define NL_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/error.h"

typedef struct nl_store nl_store;

/*
 * folder: need not exist. owner: the program and backend in one line, then the configuration. interval: seconds between
 * two of the same batch; 0: nothing is kept. resume: takes up what is there, and says for how many points, and how many
 * files are unusable; else what is there is another run's, and goes to `former` before the first write.
 */
nl_status nl_store_open(const char *folder, const char *former, const char *owner, double interval, bool resume,
                        nl_store **out);
/* One that keeps files in the folder of another rank, which makes it, puts aside what is in the way, and tidies up. */
nl_status nl_store_open_beside(const char *folder, const char *owner, double interval, nl_store **out);
int nl_store_points(const nl_store *);
int nl_store_unusable(const nl_store *);
/* Where the result of another run is put aside, so is what was kept of it. */
void nl_store_put_aside(nl_store *);
/* Whether what is in the folder is this run's. */
bool nl_store_is_begun(const nl_store *);
/* Removes the files whose points are all done. is_done: of every point. */
void nl_store_tidy(nl_store *, const bool *is_done, int n_points);
/* all_done: nothing is needed any more, and the folder goes. Accepts NULL. */
void nl_store_close(nl_store *, bool all_done);

/* ---- one file, open to be kept or restored ---- */

enum { NL_STATE_NAME = 24 }; /* characters of a name, with its end */

typedef struct nl_state nl_state;
typedef nl_status (*nl_keeper)(void *user, nl_state *);

bool nl_state_is_restored(const nl_state *);
/* Keeps `bytes` bytes, or fills them. point: a sweep point, or below 0 for what is common. A name and a point occur
 * once. */
nl_status nl_state_bytes(nl_state *, int point, const char *name, void *data, size_t bytes);

/* Which file holds a point: a number to be given to nl_store_restore, or below 0. */
int nl_store_find(const nl_store *, int point);
nl_status nl_store_restore(nl_store *, int file, nl_keeper, void *user);
/* A batch that another rank solves: returns the number of the file that holds it, or below 0, and makes ready for the
 * one that the other will keep. Accepts NULL. */
int nl_store_hand_over(nl_store *, const int *points, int count);
/* On that rank: takes up the file of that number, if there is one. Accepts NULL. */
void nl_store_take_up(nl_store *, int file);
/* Writes the file of that number, of a batch's points: the batch's first, or the number it was restored by. A failure
 * to write is none of the run's: *seconds is the time it took, below 0 where it failed. */
nl_status nl_store_keep(nl_store *, int file, const int *points, int count, nl_keeper, void *user, double *seconds);
/* Whether it is time again, `since` seconds after the last time, which took `cost`. */
bool nl_store_is_due(const nl_store *, double since, double cost);

/* ---- runs within a run, which come in the same order every time ---- */

/* The number of the next one. */
int nl_store_next_inner(nl_store *);
nl_status nl_store_keep_inner(nl_store *, int number, nl_keeper, void *user);
/* *found: whether there is one. */
nl_status nl_store_restore_inner(nl_store *, int number, nl_keeper, void *user, bool *found);

double nl_store_seconds(void); /* of a clock that only goes on */

#endif
