/*
 * Preloaded into the program under test: counts what it does to files whose path begins with FAULTY_FOLDER (a folder
 * with its slash, or the beginning of a name), and from call number FAULTY_FIRST on, FAULTY_COUNT times, fails it with
 * FAULTY_ERROR, or, where that is 0, kills the process instead. FAULTY_CALL: only calls of that name; else all that
 * write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static int writes(const char *name)
{
    return strcmp(name, "unlink") != 0 && strcmp(name, "rmdir") != 0 && strcmp(name, "pread") != 0;
}

/* Is it this call's turn? Then errno says what is to become of it. */
static int is_turn(const char *name)
{
    static long calls;
    const char *chosen = getenv("FAULTY_CALL");
    if (chosen ? strcmp(chosen, name) != 0 : !writes(name))
        return 0;
    const long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST), first = number("FAULTY_FIRST", LONG_MAX);
    if (call < first || call - first >= number("FAULTY_COUNT", 1))
        return 0;
    errno = (int)number("FAULTY_ERROR", ENOSPC);
    return 1;
}

static void die_if_asked(void)
{
    if (errno == 0)
        kill(getpid(), SIGKILL);
}

static int fails(const char *name)
{
    if (!is_turn(name))
        return 0;
    die_if_asked();
    return 1;
}

static int is_ours(const char *path)
{
    const char *folder = getenv("FAULTY_FOLDER");
    char absolute[2 * PATH_MAX] = "";
    if (!folder || strlen(path) >= PATH_MAX)
        return 0;
    if (path[0] != '/' && getcwd(absolute, PATH_MAX))
        strcat(absolute, "/");
    return strncmp(strcat(absolute, path), folder, strlen(folder)) == 0;
}

static int is_our_file(int fd)
{
    char link[64], path[PATH_MAX];
    struct stat info;
    strcpy(link, "/proc/self/fd/");
    int digits = 1;
    for (int rest = fd; rest >= 10; rest /= 10)
        digits++;
    for (int rest = fd, k = digits - 1; k >= 0; k--, rest /= 10)
        link[14 + k] = (char)('0' + rest % 10);
    link[14 + digits] = '\0';
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || fstat(fd, &info) != 0 || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
        return 0;
    path[length] = '\0';
    return is_ours(path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    REAL(open);
    return flags & O_CREAT && is_ours(path) && fails("open") ? -1 : real(path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    REAL(write);
    if (is_our_file(fd) && is_turn("write")) { /* what a full disk does, and a kill: some of it, then none */
        const int reason = errno;
        const ssize_t some = bytes > 1 ? real(fd, data, bytes / 2) : -1;
        errno = reason;
        die_if_asked();
        return number("FAULTY_COUNT", 1) > 1 ? -1 : some;
    }
    return real(fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    REAL(pread);
    return is_our_file(fd) && fails("pread") ? -1 : real(fd, data, bytes, offset);
}

int fsync(int fd)
{
    REAL(fsync);
    return is_our_file(fd) && fails("fsync") ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    return (is_ours(from) || is_ours(to)) && fails("rename") ? -1 : real(from, to);
}

int link(const char *from, const char *to)
{
    REAL(link);
    return (is_ours(from) || is_ours(to)) && fails("link") ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    return is_ours(path) && fails("mkdir") ? -1 : real(path, mode);
}

int unlink(const char *path)
{
    REAL(unlink);
    return is_ours(path) && fails("unlink") ? -1 : real(path);
}

int rmdir(const char *path)
{
    REAL(rmdir);
    return is_ours(path) && fails("rmdir") ? -1 : real(path);
}
