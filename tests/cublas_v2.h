/* The few calls of cuBLAS that kernels/dense.cu makes, for the build that runs .cu files on the CPU. As there, pointers
 * to matrices and vectors are the device's, and those to alpha and beta the host's. */
#ifndef NL_TEST_CUBLAS_H
#define NL_TEST_CUBLAS_H

#include "cuda_on_cpu.h"

typedef enum cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7
} cublasStatus_t;
typedef enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T } cublasOperation_t;

struct cublasContext {
    cudaStream_t stream;
};
typedef cublasContext *cublasHandle_t;

inline cublasStatus_t cublasCreate(cublasHandle_t *out)
{
    *out = new cublasContext{nullptr};
    return CUBLAS_STATUS_SUCCESS;
}

inline cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

inline cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

/* C = alpha op(A) op(B) + beta C, by columns. Where beta is 0, C need hold no numbers. */
template <class T>
cublasStatus_t cublas_gemm(cublasHandle_t handle, cublasOperation_t a, cublasOperation_t b, int m, int n, int k,
                           const T *alpha, const T *A, int lda, const T *B, int ldb, const T *beta, T *C, int ldc)
{
    if (!handle)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    const int rows_a = a == CUBLAS_OP_N ? m : k, rows_b = b == CUBLAS_OP_N ? k : n;
    if (m < 0 || n < 0 || k < 0 || lda < rows_a || ldb < rows_b || ldc < m)
        return CUBLAS_STATUS_INVALID_VALUE;
    const T alpha_ = *alpha, beta_ = *beta;
    cuda_on_cpu::submit(handle->stream, [=] {
        const cuda_on_cpu::OpenDevice open;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                T sum = 0;
                for (int l = 0; l < k; l++)
                    sum += (a == CUBLAS_OP_N ? A[i + (size_t)l * lda] : A[l + (size_t)i * lda]) *
                           (b == CUBLAS_OP_N ? B[l + (size_t)j * ldb] : B[j + (size_t)l * ldb]);
                T *c = &C[i + (size_t)j * ldc];
                *c = alpha_ * sum + (beta_ == 0 ? 0 : beta_ * *c);
            }
        return cudaSuccess;
    });
    return CUBLAS_STATUS_SUCCESS;
}

/* y = alpha op(A) x + beta y, A of m x n by columns; steps of 1 only. */
template <class T>
cublasStatus_t cublas_gemv(cublasHandle_t handle, cublasOperation_t a, int m, int n, const T *alpha, const T *A,
                           int lda, const T *x, int incx, const T *beta, T *y, int incy)
{
    if (incx != 1 || incy != 1 || lda < m)
        return CUBLAS_STATUS_INVALID_VALUE;
    const int rows = a == CUBLAS_OP_N ? m : n, columns = a == CUBLAS_OP_N ? n : m;
    return cublas_gemm(handle, a, CUBLAS_OP_N, rows, 1, columns, alpha, A, lda, x, columns > 1 ? columns : 1, beta, y,
                       rows > 1 ? rows : 1);
}

constexpr auto cublasDgemm = cublas_gemm<double>;
constexpr auto cublasSgemm = cublas_gemm<float>;
constexpr auto cublasDgemv = cublas_gemv<double>;
constexpr auto cublasSgemv = cublas_gemv<float>;

#endif
