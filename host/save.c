#define _GNU_SOURCE /* asprintf */
#include "save.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "version.h"

static const double LONGEST_INTERVAL = 5; /* seconds between saves of results */
static const long PAUSES[] = {300, 1000}; /* before the last tries, in ms */

nl_status nl_saver_open(const char *path, nl_reporter *reporter, nl_saver *out)
{
    *out = (nl_saver){.reporter = reporter, .interval = LONGEST_INTERVAL};
    if (!nl_ranks_is_first())
        return NL_OK; /* which alone has a place to save to */
    if (strlen(path) >= NL_TEXT_MAX)
        return nl_fail(NL_ERR_USAGE, "the path is longer than %d characters", NL_TEXT_MAX - 1);
    if (nl_place_follow(path, out->path) != NL_OK || nl_result_check_writable(out->path) != NL_OK)
        return NL_ERR_USAGE;
    return nl_lock_take(out->path, &out->lock);
}

void nl_saver_close(nl_saver *saver)
{
    nl_store_close(saver->store, saver->finished);
    nl_lock_release(&saver->lock);
}

/* Files of points at work that are at work no more. */
static void tidy(nl_saver *saver, const nl_result *result)
{
    bool *is_done = saver->store ? malloc((size_t)result->n_points * sizeof *is_done) : NULL;
    for (int p = 0; p < result->n_points && is_done; p++)
        is_done[p] = result->outcomes[p].status != NL_POINT_PENDING;
    if (is_done)
        nl_store_tidy(saver->store, is_done, result->n_points);
    free(is_done);
}

static void tell_states(nl_saver *saver, const char *folder)
{
    const int points = nl_store_points(saver->store);
    if (points > 0)
        nl_report(saver->reporter, 0, "%s: %d point%s on from where %s", folder, points,
                  points == 1 ? " goes" : "s go", points == 1 ? "it was" : "they were");
    if (nl_store_unusable(saver->store) > 0)
        nl_report(saver->reporter, -1,
                  "%s: %d files are damaged, or of another version, backend or configuration; their points start again",
                  folder, nl_store_unusable(saver->store));
}

static nl_status open_store(nl_saver *saver, const char *folder, double interval, const char *owner, bool resume)
{
    char former[NL_PATH_MAX + 8];
    snprintf(former, sizeof former, "%s~.state", saver->path);
    if (!nl_ranks_is_first())
        return nl_store_open_beside(folder, owner, interval, &saver->store);
    NL_TRY(nl_store_open(folder, former, owner, interval, resume, &saver->store));
    tell_states(saver, folder);
    return NL_OK;
}

nl_status nl_saver_keep_states(nl_saver *saver, const nl_result *result, const nl_provenance *from, bool resume)
{
    const double interval = result->config->output_checkpoint;
    char folder[NL_PATH_MAX + 8], *owner = NULL;
    snprintf(folder, sizeof folder, "%s.state", saver->path);
    nl_ranks_broadcast(folder, sizeof folder);
    if (asprintf(&owner, "nanolase %s %s %s\n%s", NL_VERSION, NL_COMMIT, from->backend, from->config_text) < 0)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the name of the run");
    const nl_status status = open_store(saver, folder, interval, owner, resume);
    free(owner);
    NL_TRY(status);
    saver->previous_kept = resume;
    if (interval > 0)
        saver->interval = fmin(LONGEST_INTERVAL, interval);
    tidy(saver, result);
    return NL_OK;
}

static nl_status try_to_save(nl_saver *saver, const nl_result *result, const nl_provenance *from)
{
    if (!*saver->path)
        return NL_OK;
    const nl_status status = nl_result_write(result, from, saver->path, !saver->previous_kept);
    saver->last = nl_seconds();
    if (status == NL_OK) {
        saver->previous_kept = true;
        saver->unsaved = false;
        saver->finished = nl_result_count_done(result) == result->n_points;
        if (saver->store)
            nl_store_put_aside(saver->store);
        tidy(saver, result);
    }
    return status;
}

nl_status nl_saver_begin(nl_saver *saver, const nl_result *result, const nl_provenance *from)
{
    const nl_status status = access(saver->path, F_OK) == 0 ? NL_OK : try_to_save(saver, result, from);
    saver->last = 0; /* the first results do not wait */
    return status;
}

void nl_saver_save(nl_saver *saver, const nl_result *result, const nl_provenance *from)
{
    const bool ok = try_to_save(saver, result, from) == NL_OK;
    if (!ok && !saver->failing)
        nl_report(saver->reporter, -1, "%s; the run goes on and tries again", nl_error_message());
    if (ok && saver->failing)
        nl_report(saver->reporter, -1, "%s: is written again", saver->path);
    saver->failing = !ok;
}

/* Results; or states while the file is still another run's, beside which they could not be resumed. */
static bool has_news(const nl_saver *saver)
{
    return saver->unsaved || (!saver->previous_kept && saver->store && nl_store_is_begun(saver->store));
}

void nl_saver_now_and_then(nl_saver *saver, const nl_result *result, const nl_provenance *from)
{
    if (has_news(saver) && nl_seconds() - saver->last >= saver->interval)
        nl_saver_save(saver, result, from);
}

/* Writes to a name of its own in the first of these folders that takes it. */
static bool put_elsewhere(const nl_saver *saver, const nl_result *result, const nl_provenance *from, char *out,
                          size_t size)
{
    const char *const folders[] = {getenv("TMPDIR"), "/tmp", getenv("HOME"), "."};
    const char *slash = strrchr(saver->path, '/'), *name = slash ? slash + 1 : saver->path;
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        if (!folders[k] || !*folders[k])
            continue;
        snprintf(out, size, "%s/rescued-%ld-%s", folders[k], (long)getpid(), name);
        if (access(out, F_OK) != 0 && nl_result_write(result, from, out, false) == NL_OK)
            return true;
    }
    return false;
}

nl_status nl_saver_finish(nl_saver *saver, const nl_result *result, const nl_provenance *from)
{
    char reason[600], elsewhere[NL_PATH_MAX + 64];
    nl_status status = try_to_save(saver, result, from);
    for (size_t k = 0; k < sizeof PAUSES / sizeof *PAUSES && status != NL_OK; k++) {
        const struct timespec pause = {PAUSES[k] / 1000, PAUSES[k] % 1000 * 1000000};
        nanosleep(&pause, NULL);
        status = try_to_save(saver, result, from);
    }
    if (status == NL_OK)
        return NL_OK;
    snprintf(reason, sizeof reason, "%s", nl_error_message());
    const bool rescued = put_elsewhere(saver, result, from, elsewhere, sizeof elsewhere);
    saver->finished = rescued && nl_result_count_done(result) == result->n_points;
    if (rescued)
        return nl_fail(NL_ERR_FILE, "%s; the results are in %s: make room, and move them to %s", reason, elsewhere,
                       saver->path);
    return nl_fail(NL_ERR_FILE, "%s, nor anywhere else; the results since the last save are lost", reason);
}
