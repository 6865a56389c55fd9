#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One link on: what `target` is, seen from the folder of the link at `path`. False where that is too long. */
static bool step_along(char path[NL_PATH_MAX], const char *target)
{
    char next[2 * NL_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int folder = target[0] == '/' || !slash ? 0 : (int)(slash + 1 - path);
    snprintf(next, sizeof next, "%.*s%s", folder, path, target);
    if (strlen(next) >= NL_PATH_MAX)
        return false;
    memcpy(path, next, strlen(next) + 1);
    return true;
}

nl_status nl_place_follow(const char *path, char out[NL_PATH_MAX])
{
    const int most = 40; /* as the kernel's */
    snprintf(out, NL_PATH_MAX, "%s", path);
    for (int links = 0; links < most; links++) {
        char target[NL_PATH_MAX];
        const ssize_t length = readlink(out, target, sizeof target - 1);
        if (length < 0)
            return NL_OK; /* no link */
        target[length] = '\0';
        if ((size_t)length == sizeof target - 1 || !step_along(out, target))
            return nl_fail(NL_ERR_FILE, "%s leads to a path that is too long; give that of the file", path);
    }
    return nl_fail(NL_ERR_FILE, "%s: its links lead in a circle; choose another name", path);
}

/* ---- the lock ---- */

/* Is the file that is locked still the one of that name? Another process may have removed it in between. */
static bool is_in_place(const nl_lock *lock)
{
    struct stat held, named;
    return fstat(lock->fd, &held) == 0 && stat(lock->path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static void sign(const nl_lock *lock)
{
    char host[128] = "", when[32] = "", text[256];
    const time_t now = time(NULL);
    struct tm utc;
    gethostname(host, sizeof host - 1);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    const int length = snprintf(text, sizeof text, "process %ld on %s since %s", (long)getpid(), host, when);
    if (ftruncate(lock->fd, 0) != 0 || write(lock->fd, text, (size_t)length) != length)
        errno = 0; /* a full disk: the lock holds all the same, without a name */
}

static nl_status refuse(const nl_lock *lock, const char *path)
{
    char holder[256] = "";
    if (read(lock->fd, holder, sizeof holder - 1) < 0)
        holder[0] = '\0';
    close(lock->fd);
    return nl_fail(NL_ERR_FILE, "%s: another run is writing there (%s); wait for it, or choose another output file",
                   path, holder[0] ? holder : "not known which");
}

nl_status nl_lock_take(const char *path, nl_lock *out)
{
    *out = (nl_lock){0};
    snprintf(out->path, sizeof out->path, "%.*s.lock", NL_PATH_MAX - 8, path);
    while (!out->held) {
        out->fd = open(out->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (out->fd < 0)
            return nl_fail(NL_ERR_FILE, "%s cannot be written (%s: %s); choose another name or folder", path, out->path,
                           strerror(errno));
        const bool known = flock(out->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* else no locks here */
        if (!known)
            return refuse(out, path);
        out->held = is_in_place(out);
        if (!out->held)
            close(out->fd);
    }
    sign(out);
    return NL_OK;
}

void nl_lock_release(nl_lock *lock)
{
    if (!lock->held)
        return;
    unlink(lock->path); /* while it is held: who waits for that very file finds it out of place */
    close(lock->fd);
    lock->held = false;
}
