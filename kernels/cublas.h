/*
 * The calls of cuBLAS in use. The library is loaded when the first is made: it takes a quarter of a second and 200 MB
 * to load, which runs without a device, or without a basis, need not spend, and which can do without it.
 */
#ifndef NL_CUBLAS_H
#define NL_CUBLAS_H

#include <cublas_v2.h>

#include "real.h"

typedef struct nl_cublas_calls {
    cublasStatus_t (*create)(cublasHandle_t *);
    cublasStatus_t (*destroy)(cublasHandle_t);
    cublasStatus_t (*set_stream)(cublasHandle_t, cudaStream_t);
    cublasStatus_t (*gemv)(cublasHandle_t, cublasOperation_t, int m, int n, const nl_real *alpha, const nl_real *A,
                           int lda, const nl_real *x, int incx, const nl_real *beta, nl_real *y, int incy);
    cublasStatus_t (*gemm)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                           const nl_real *alpha, const nl_real *A, int lda, const nl_real *B, int ldb,
                           const nl_real *beta, nl_real *C, int ldc);
} nl_cublas_calls;

/* cublasDgemv or cublasSgemv, and the letter. */
#ifdef NL_FLOAT
#define NL_CUBLAS_OF(call) cublasS##call
#define NL_CUBLAS_LETTER "S"
#else
#define NL_CUBLAS_OF(call) cublasD##call
#define NL_CUBLAS_LETTER "D"
#endif

#ifdef NL_CUDA_ON_CPU
/* NULL, or why the calls are not to be had. */
static inline const char *nl_cublas_load(nl_cublas_calls *out)
{
    *out = {cublasCreate, cublasDestroy, cublasSetStream, NL_CUBLAS_OF(gemv), NL_CUBLAS_OF(gemm)};
    return NULL;
}
#else
#include <dlfcn.h>

#define NL_CUBLAS_TEXT(x) #x
#define NL_CUBLAS_NAME(major) "libcublas.so." NL_CUBLAS_TEXT(major)

static inline const char *nl_cublas_load(nl_cublas_calls *out)
{
    void *library = dlopen(NL_CUBLAS_NAME(CUBLAS_VER_MAJOR), RTLD_NOW | RTLD_LOCAL); /* stays open */
    if (!library)
        return dlerror();
    *(void **)&out->create = dlsym(library, "cublasCreate_v2");
    *(void **)&out->destroy = dlsym(library, "cublasDestroy_v2");
    *(void **)&out->set_stream = dlsym(library, "cublasSetStream_v2");
    *(void **)&out->gemv = dlsym(library, "cublas" NL_CUBLAS_LETTER "gemv_v2");
    *(void **)&out->gemm = dlsym(library, "cublas" NL_CUBLAS_LETTER "gemm_v2");
    return out->create && out->destroy && out->set_stream && out->gemv && out->gemm ? NULL : "a call is missing";
}
#endif

#endif
