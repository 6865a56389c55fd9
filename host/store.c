#include "nanolase/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config_difference.h"
#include "state_file.h"

enum { COST_SHARE = 20 }; /* keeping takes at most one part in so many of the time */

/* One batch's file, named by the first point that it had. */
typedef struct kept_file {
    int name, count;
    int *points; /* ascending */
} kept_file;

struct nl_store {
    char folder[NL_PATH_MAX], former[NL_PATH_MAX];
    char *owner;
    double interval;
    bool resumes;
    bool owns;     /* what is in the folder, if there is one */
    bool is_guest; /* the folder is another rank's */
    int inner;     /* runs within the run so far */
    int unusable;
    int n_files;
    kept_file *files;
};

double nl_store_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void path_of(const nl_store *s, const char *stem, int number, char out[NL_PATH_MAX + 32])
{
    snprintf(out, NL_PATH_MAX + 32, "%s/%s-%d", s->folder, stem, number);
}

/* ---- the folder ---- */

static void remove_folder(const char *folder)
{
    DIR *d = opendir(folder);
    char path[2 * NL_PATH_MAX];
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strncmp(e->d_name, "point-", 6) == 0 || strncmp(e->d_name, "inner-", 6) == 0)
            unlink(path); /* what else is in there is not ours */
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

static void put_aside(nl_store *s)
{
    if (!s->owns && access(s->folder, F_OK) == 0) {
        remove_folder(s->former);
        rename(s->folder, s->former);
    }
    s->owns = true;
}

void nl_store_put_aside(nl_store *s)
{
#pragma omp critical(nl_store)
    put_aside(s);
}

static bool make_folder(nl_store *s)
{
    put_aside(s);
    return s->is_guest || mkdir(s->folder, 0777) == 0 || errno == EEXIST;
}

/* ---- what is kept ---- */

/* The list's entry of that name, made where there is none; NULL without memory. */
static kept_file *file_named(nl_store *s, int name)
{
    for (int k = 0; k < s->n_files; k++)
        if (s->files[k].name == name)
            return &s->files[k];
    kept_file *files = realloc(s->files, (size_t)(s->n_files + 1) * sizeof *files);
    if (!files)
        return NULL;
    s->files = files;
    files[s->n_files] = (kept_file){.name = name};
    return &files[s->n_files++];
}

/* Enters a file in the list, or the points that it has now. */
static bool enter(nl_store *s, int name, const int *points, int count)
{
    int *copy = malloc((size_t)count * sizeof *copy + 1);
    kept_file *file = copy ? file_named(s, name) : NULL;
    if (!file) {
        free(copy);
        return false;
    }
    memcpy(copy, points, (size_t)count * sizeof *copy);
    free(file->points);
    file->points = copy;
    file->count = count;
    return true;
}

static char *read_text(nl_state *state, const char *name, size_t *bytes)
{
    *bytes = nl_state_length(state, -1, name);
    char *text = calloc(*bytes + 1, 1);
    if (text && *bytes > 0 && nl_state_bytes(state, -1, name, text, *bytes) == NL_OK)
        return text;
    free(text);
    return NULL;
}

/* The first line is the program's, the others the configuration. */
static bool same_owner(const char *a, const char *b)
{
    char lines[8];
    const size_t length = strcspn(a, "\n");
    return length == strcspn(b, "\n") && memcmp(a, b, length) == 0 &&
           nl_config_difference(a + length, b + length, lines, sizeof lines) == 0;
}

static bool is_own(const nl_store *s, nl_state *state)
{
    size_t bytes;
    char *owner = read_text(state, "owner", &bytes);
    const bool own = owner && same_owner(owner, s->owner);
    free(owner);
    return own;
}

/* Takes up one batch's file. */
static bool take_up(nl_store *s, int name)
{
    char path[NL_PATH_MAX + 32];
    nl_state state;
    size_t bytes = 0;
    path_of(s, "point", name, path);
    bool ok = nl_state_open(path, &state) == NL_OK && is_own(s, &state);
    int *points = ok ? (int *)read_text(&state, "points", &bytes) : NULL;
    ok = points && enter(s, name, points, (int)(bytes / sizeof *points));
    free(points);
    nl_state_release(&state);
    return ok;
}

static void take_up_all(nl_store *s)
{
    DIR *d = opendir(s->folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        int name, length = 0;
        if (sscanf(e->d_name, "point-%d%n", &name, &length) == 1 && !e->d_name[length])
            s->unusable += !take_up(s, name);
    }
    if (d)
        closedir(d);
}

static nl_status new_store(const char *folder, const char *owner, double interval, nl_store **out)
{
    nl_store *s = *out = calloc(1, sizeof *s);
    if (!s || !(s->owner = strdup(owner)))
        return nl_fail(NL_ERR_MEMORY, "cannot allocate what is kept of the run");
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    s->interval = interval;
    return NL_OK;
}

nl_status nl_store_open(const char *folder, const char *former, const char *owner, double interval, bool resume,
                        nl_store **out)
{
    NL_TRY(new_store(folder, owner, interval, out));
    nl_store *s = *out;
    snprintf(s->former, sizeof s->former, "%s", former);
    s->resumes = s->owns = resume;
    if (resume)
        take_up_all(s);
    return NL_OK;
}

nl_status nl_store_open_beside(const char *folder, const char *owner, double interval, nl_store **out)
{
    NL_TRY(new_store(folder, owner, interval, out));
    (*out)->owns = (*out)->is_guest = true;
    return NL_OK;
}

bool nl_store_is_begun(const nl_store *s)
{
    bool begun;
#pragma omp critical(nl_store)
    begun = s->owns;
    return begun;
}

int nl_store_points(const nl_store *s)
{
    int count = 0;
    for (int k = 0; k < s->n_files; k++)
        count += s->files[k].count;
    return count;
}

int nl_store_unusable(const nl_store *s)
{
    return s->unusable;
}

void nl_store_tidy(nl_store *s, const bool *is_done, int n_points)
{
#pragma omp critical(nl_store)
    for (int k = s->n_files - 1; k >= 0; k--) {
        char path[NL_PATH_MAX + 32];
        bool needed = false;
        for (int i = 0; i < s->files[k].count; i++)
            needed |= s->files[k].points[i] < n_points && !is_done[s->files[k].points[i]];
        if (needed)
            continue;
        path_of(s, "point", s->files[k].name, path);
        unlink(path);
        free(s->files[k].points);
        s->files[k] = s->files[--s->n_files];
    }
}

void nl_store_close(nl_store *s, bool all_done)
{
    if (!s)
        return;
    if (all_done && s->owns)
        remove_folder(s->folder);
    else
        rmdir(s->folder); /* if it is empty */
    for (int k = 0; k < s->n_files; k++)
        free(s->files[k].points);
    free(s->files);
    free(s->owner);
    free(s);
}

/* ---- batches ---- */

static int compare_numbers(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

int nl_store_find(const nl_store *s, int point)
{
    int found = -1;
    if (!s)
        return -1;
#pragma omp critical(nl_store)
    for (int k = 0; k < s->n_files && found < 0; k++) {
        const kept_file *file = &s->files[k];
        if (bsearch(&point, file->points, (size_t)file->count, sizeof point, compare_numbers))
            found = file->name;
    }
    return found;
}

int nl_store_hand_over(nl_store *s, const int *points, int count)
{
    const int found = count > 0 ? nl_store_find(s, points[0]) : -1;
    if (!s || count == 0 || found >= 0 || s->interval <= 0)
        return found;
#pragma omp critical(nl_store)
    if (make_folder(s))
        enter(s, points[0], points, count);
    return -1;
}

void nl_store_take_up(nl_store *s, int file)
{
    if (!s || file < 0)
        return;
#pragma omp critical(nl_store)
    take_up(s, file);
}

bool nl_store_is_due(const nl_store *s, double since, double cost)
{
    return s && s->interval > 0 && since >= s->interval && since >= COST_SHARE * cost;
}

static nl_status write_state(nl_store *s, const char *path, const int *points, int count, nl_keeper keeper, void *user)
{
    nl_state state = {.from = -1};
    nl_status status = nl_state_create(path, &state);
    if (status == NL_OK)
        status = nl_state_bytes(&state, -1, "owner", s->owner, strlen(s->owner));
    if (status == NL_OK && points)
        status = nl_state_bytes(&state, -1, "points", (void *)points, (size_t)count * sizeof *points);
    if (status == NL_OK)
        status = keeper(user, &state);
    if (status == NL_OK)
        return nl_new_file_commit(&state.to, false);
    nl_new_file_drop(&state.to);
    return status;
}

nl_status nl_store_keep(nl_store *s, int file, const int *points, int count, nl_keeper keeper, void *user,
                        double *seconds)
{
    const double begin = nl_store_seconds();
    char path[NL_PATH_MAX + 32];
    bool ready;
    *seconds = -1;
#pragma omp critical(nl_store)
    ready = make_folder(s);
    if (!ready)
        return NL_OK;
    path_of(s, "point", file, path);
    const nl_status status = write_state(s, path, points, count, keeper, user);
    if (status == NL_ERR_FILE)
        return NL_OK;
    NL_TRY(status);
#pragma omp critical(nl_store)
    enter(s, file, points, count);
    *seconds = nl_store_seconds() - begin;
    return NL_OK;
}

nl_status nl_store_restore(nl_store *s, int file, nl_keeper keeper, void *user)
{
    char path[NL_PATH_MAX + 32];
    nl_state state;
    path_of(s, "point", file, path);
    nl_status status = nl_state_open(path, &state);
    if (status == NL_OK)
        status = keeper(user, &state);
    nl_state_release(&state);
    return status;
}

/* ---- runs within the run ---- */

int nl_store_next_inner(nl_store *s)
{
    return s->inner++;
}

nl_status nl_store_keep_inner(nl_store *s, int number, nl_keeper keeper, void *user)
{
    char path[NL_PATH_MAX + 32];
    if (!make_folder(s))
        return NL_OK;
    path_of(s, "inner", number, path);
    const nl_status status = write_state(s, path, NULL, 0, keeper, user);
    return status == NL_ERR_FILE ? NL_OK : status;
}

nl_status nl_store_restore_inner(nl_store *s, int number, nl_keeper keeper, void *user, bool *found)
{
    char path[NL_PATH_MAX + 32];
    nl_state state;
    path_of(s, "inner", number, path);
    *found = s->resumes && nl_state_open(path, &state) == NL_OK && is_own(s, &state);
    const nl_status status = *found ? keeper(user, &state) : NL_OK;
    if (s->resumes)
        nl_state_release(&state);
    return status;
}
