/*
 * What the fuzz targets share. A target reads bytes as a hostile input, lets the library have them, and aborts where
 * that breaks a promise. Under clang libFuzzer drives it (make fuzz); replay.h does in make test, which needs no clang.
 */
#ifndef NL_FUZZ_H
#define NL_FUZZ_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* One change of data[0, size) in place; returns the new size, at most max_size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* Changes bytes without knowing what they mean: libFuzzer's, or replay.h's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* A promise of the library that holds whatever comes in. */
#define FUZZ_CHECK(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static char fuzz_folder[64];

static inline void fuzz_remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", fuzz_folder);
    if (system(command) != 0)
        fprintf(stderr, "%s is left over\n", fuzz_folder);
}

/* Makes the folder for this process' files, and the path of one in it. */
static inline const char *fuzz_path(const char *name, char *path, size_t size)
{
    if (!fuzz_folder[0]) {
        strcpy(fuzz_folder,
               access("/dev/shm", W_OK) == 0 ? "/dev/shm/nanolase-fuzz-XXXXXX" : "/tmp/nanolase-fuzz-XXXXXX");
        FUZZ_CHECK(mkdtemp(fuzz_folder), "no folder for temporary files");
        atexit(fuzz_remove_folder);
    }
    snprintf(path, size, "%s/%s", fuzz_folder, name);
    return path;
}

static inline void fuzz_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    FUZZ_CHECK(f && fwrite(data, 1, size, f) == size, "%s cannot be written", path);
    FUZZ_CHECK(fclose(f) == 0, "%s cannot be written", path);
}

/* A step of splitmix64, for mutators. */
static inline uint64_t fuzz_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
