#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

static nl_status fail(nl_new_file *f, const char *path)
{
    const int reason = errno;
    nl_new_file_drop(f);
    return nl_fail(NL_ERR_FILE, "%s: cannot be written: %s", path, strerror(reason));
}

nl_status nl_new_file_open(const char *path, nl_new_file *out)
{
    out->is_open = false;
    if ((size_t)snprintf(out->path, sizeof out->path, "%s", path) >= sizeof out->path - 8)
        return nl_fail(NL_ERR_FILE, "%s: the path is too long", path);
    snprintf(out->part, sizeof out->part, "%s.part", path);
    out->fd = open(out->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    out->is_open = out->fd >= 0;
    return out->is_open ? NL_OK : nl_fail(NL_ERR_FILE, "%s: cannot be written: %s", out->part, strerror(errno));
}

nl_status nl_new_file_write(nl_new_file *f, const void *data, size_t bytes)
{
    const size_t most = (size_t)1 << 30; /* Linux writes no more than 2 GiB at a time */
    for (const char *from = data; bytes > 0;) {
        const ssize_t written = write(f->fd, from, bytes < most ? bytes : most);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return fail(f, f->part);
        from += written;
        bytes -= (size_t)written;
    }
    return NL_OK;
}

/* PATH~ as a second name of PATH, at no instant missing. Where the file system knows no links, by a move. */
static bool keep(const char *path)
{
    char kept[NL_PATH_MAX + 2], second[NL_PATH_MAX + 8];
    snprintf(kept, sizeof kept, "%s~", path);
    snprintf(second, sizeof second, "%s~.part", path);
    if (access(path, F_OK) != 0)
        return true;
    unlink(second);
    if (link(path, second) != 0)
        return (errno == EPERM || errno == ENOTSUP || errno == ENOSYS || errno == EMLINK) && rename(path, kept) == 0;
    const bool ok = rename(second, kept) == 0;
    const int reason = errno;
    unlink(second); /* still there where both are names of one file, or after a failure */
    errno = reason;
    return ok;
}

/* The name is on the disk once its folder is. The file itself is by now, so a folder that cannot be synced is no
 * error. */
static void sync_folder(const char *path)
{
    char copy[NL_PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fsync(fd) == 0)
        errno = 0;
    if (fd >= 0)
        close(fd);
}

nl_status nl_new_file_commit(nl_new_file *f, bool keep_previous)
{
    if (fsync(f->fd) != 0)
        return fail(f, f->part);
    f->is_open = false;
    if (close(f->fd) != 0 || (keep_previous && !keep(f->path)) || rename(f->part, f->path) != 0) {
        const int reason = errno;
        unlink(f->part);
        return nl_fail(NL_ERR_FILE, "%s: cannot be written: %s", f->path, strerror(reason));
    }
    sync_folder(f->path);
    return NL_OK;
}

void nl_new_file_drop(nl_new_file *f)
{
    if (!f->is_open)
        return;
    close(f->fd);
    unlink(f->part);
    f->is_open = false;
}
