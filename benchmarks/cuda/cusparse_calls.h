/* The calls of cuSPARSE in use, loaded at run time: the benchmark runs without it, and leaves its rows out. */
#ifndef BENCH_CUSPARSE_CALLS_H
#define BENCH_CUSPARSE_CALLS_H

#include <cusparse.h>

typedef struct bench_cusparse {
    decltype(&cusparseCreate) create;
    decltype(&cusparseDestroy) destroy;
    decltype(&cusparseSetStream) set_stream;
    decltype(&cusparseCreateCsr) create_csr;
    decltype(&cusparseDestroySpMat) destroy_csr;
    decltype(&cusparseCreateDnVec) create_vector;
    decltype(&cusparseDestroyDnVec) destroy_vector;
    decltype(&cusparseSpMV_bufferSize) buffer_size;
    decltype(&cusparseSpMV) multiply;
} bench_cusparse;

#ifdef NL_CUDA_ON_CPU
/* NULL, or why the calls are not to be had. */
static inline const char *bench_cusparse_load(bench_cusparse *out)
{
    *out = {cusparseCreate, cusparseDestroy, cusparseSetStream, cusparseCreateCsr, cusparseDestroySpMat,
            cusparseCreateDnVec, cusparseDestroyDnVec, cusparseSpMV_bufferSize, cusparseSpMV};
    return NULL;
}
#else
#include <dlfcn.h>

#define BENCH_TEXT(x) #x
#define BENCH_LIBRARY(major) "libcusparse.so." BENCH_TEXT(major)

template <class Call> static bool bench_find(void *library, const char *name, Call *out)
{
    *out = (Call)dlsym(library, name);
    return *out != NULL;
}

static inline const char *bench_cusparse_load(bench_cusparse *out)
{
    void *library = dlopen(BENCH_LIBRARY(CUSPARSE_VER_MAJOR), RTLD_NOW | RTLD_LOCAL); /* stays open */
    if (!library)
        return dlerror();
    const bool complete =
        bench_find(library, "cusparseCreate", &out->create) && bench_find(library, "cusparseDestroy", &out->destroy) &&
        bench_find(library, "cusparseSetStream", &out->set_stream) &&
        bench_find(library, "cusparseCreateCsr", &out->create_csr) &&
        bench_find(library, "cusparseDestroySpMat", &out->destroy_csr) &&
        bench_find(library, "cusparseCreateDnVec", &out->create_vector) &&
        bench_find(library, "cusparseDestroyDnVec", &out->destroy_vector) &&
        bench_find(library, "cusparseSpMV_bufferSize", &out->buffer_size) &&
        bench_find(library, "cusparseSpMV", &out->multiply);
    return complete ? NULL : "a call is missing";
}
#endif

#endif
