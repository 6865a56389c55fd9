#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[16] = "nanolase state 1";

/* FNV-1a over words of eight bytes: for accidents, not for malice. */
static unsigned long long checksum(unsigned long long sum, const void *data, size_t bytes)
{
    const unsigned long long prime = 0x100000001b3ull;
    for (size_t i = 0; i < bytes; i += 8) {
        unsigned long long word = 0;
        memcpy(&word, (const char *)data + i, bytes - i < 8 ? bytes - i : 8);
        sum = (sum ^ word) * prime;
        sum ^= sum >> 29;
    }
    return sum;
}

static unsigned long long checksum_of(const nl_state_entry *e, const void *data)
{
    nl_state_entry plain = *e;
    plain.checksum = 0;
    return checksum(checksum(0xcbf29ce484222325ull, &plain, sizeof plain), data, (size_t)e->bytes);
}

bool nl_state_is_restored(const nl_state *s)
{
    return s->restores;
}

/* ---- keeping ---- */

nl_status nl_state_create(const char *path, nl_state *out)
{
    *out = (nl_state){.from = -1};
    snprintf(out->path, sizeof out->path, "%s", path);
    NL_TRY(nl_new_file_open(path, &out->to));
    return nl_new_file_write(&out->to, MAGIC, sizeof MAGIC);
}

static nl_status keep(nl_state *s, int point, const char *name, const void *data, size_t bytes)
{
    nl_state_entry e;
    memset(&e, 0, sizeof e);
    e.point = point;
    e.bytes = bytes;
    snprintf(e.name, sizeof e.name, "%s", name);
    e.checksum = checksum_of(&e, data);
    NL_TRY(nl_new_file_write(&s->to, &e, sizeof e));
    return nl_new_file_write(&s->to, data, bytes);
}

/* ---- restoring ---- */

static bool read_all(int fd, void *data, size_t bytes, long long offset)
{
    for (char *to = data; bytes > 0;) {
        const ssize_t got = pread(fd, to, bytes < (1u << 30) ? bytes : 1u << 30, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        offset += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool read_data(const nl_state *s, int k, void *data)
{
    return read_all(s->from, data, (size_t)s->entries[k].bytes, s->offsets[k]) &&
           checksum_of(&s->entries[k], data) == s->entries[k].checksum;
}

/* Reads the entry at an offset and checks its data. */
static bool add_entry(nl_state *s, long long offset, long long end)
{
    nl_state_entry e;
    if (offset + (long long)sizeof e > end || !read_all(s->from, &e, sizeof e, offset) ||
        e.bytes > (unsigned long long)(end - offset) - sizeof e)
        return false;
    if ((s->count & (s->count - 1)) == 0) { /* twice the room at every power of two */
        const size_t room = s->count ? 2 * (size_t)s->count : 1;
        nl_state_entry *entries = realloc(s->entries, room * sizeof *entries);
        s->entries = entries ? entries : s->entries;
        long long *offsets = realloc(s->offsets, room * sizeof *offsets);
        s->offsets = offsets ? offsets : s->offsets;
        if (!entries || !offsets)
            return false;
    }
    s->entries[s->count] = e;
    s->offsets[s->count] = offset + (long long)sizeof e;
    void *data = malloc((size_t)e.bytes + 1);
    const bool ok = data && read_data(s, s->count, data);
    free(data);
    s->count += ok;
    return ok;
}

nl_status nl_state_open(const char *path, nl_state *out)
{
    char magic[sizeof MAGIC];
    *out = (nl_state){.restores = true, .from = open(path, O_RDONLY | O_CLOEXEC)};
    snprintf(out->path, sizeof out->path, "%s", path);
    const long long end = out->from >= 0 ? lseek(out->from, 0, SEEK_END) : 0;
    bool ok = end >= (long long)sizeof magic && read_all(out->from, magic, sizeof magic, 0) &&
              memcmp(magic, MAGIC, sizeof MAGIC) == 0;
    for (long long offset = sizeof MAGIC; ok && offset < end;) {
        ok = add_entry(out, offset, end);
        offset = ok ? out->offsets[out->count - 1] + (long long)out->entries[out->count - 1].bytes : end;
    }
    return ok ? NL_OK : nl_fail(NL_ERR_FILE, "%s: is no state of a run, or damaged", path);
}

void nl_state_release(nl_state *s)
{
    if (s->from >= 0)
        close(s->from);
    free(s->entries);
    free(s->offsets);
    *s = (nl_state){.from = -1};
}

/* Entries are mostly asked for in the order in which they were kept. */
static int find(const nl_state *s, int point, const char *name)
{
    for (int k = 0; k < s->count; k++) {
        const int at = (s->next + k) % s->count;
        if (s->entries[at].point == point && strncmp(s->entries[at].name, name, NL_STATE_NAME) == 0)
            return at;
    }
    return -1;
}

size_t nl_state_length(const nl_state *s, int point, const char *name)
{
    const int k = find(s, point, name);
    return k < 0 ? 0 : (size_t)s->entries[k].bytes;
}

nl_status nl_state_bytes(nl_state *s, int point, const char *name, void *data, size_t bytes)
{
    if (!s->restores)
        return keep(s, point, name, data, bytes);
    const int k = find(s, point, name);
    if (k < 0 || s->entries[k].bytes != bytes || !read_data(s, k, data))
        return nl_fail(NL_ERR_FILE, "%s: has no %s of point %d as this program needs it; remove it, and resume again",
                       s->path, name, point + 1);
    s->next = k + 1;
    return NL_OK;
}
