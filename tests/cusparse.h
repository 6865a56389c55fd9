/* The few calls of cuSPARSE that benchmarks/cuda/sparse.cu makes, for the build that runs .cu files on the CPU.
 * Pointers to matrices, vectors and work space are the device's, those to alpha and beta the host's. */
#ifndef NL_TEST_CUSPARSE_H
#define NL_TEST_CUSPARSE_H

#include "cuda_on_cpu.h"

typedef enum cusparseStatus_t { CUSPARSE_STATUS_SUCCESS = 0, CUSPARSE_STATUS_INVALID_VALUE = 3 } cusparseStatus_t;
typedef enum cusparseOperation_t { CUSPARSE_OPERATION_NON_TRANSPOSE } cusparseOperation_t;
typedef enum cusparseIndexType_t { CUSPARSE_INDEX_32I = 2 } cusparseIndexType_t;
typedef enum cusparseIndexBase_t { CUSPARSE_INDEX_BASE_ZERO } cusparseIndexBase_t;
typedef enum cusparseSpMVAlg_t { CUSPARSE_SPMV_ALG_DEFAULT } cusparseSpMVAlg_t;
typedef enum cudaDataType { CUDA_R_64F = 1 } cudaDataType;

struct cusparseContext {
    cudaStream_t stream;
};
struct cusparseSpMatDescr {
    int64_t rows, cols, nnz;
    const int *starts, *columns;
    const double *values;
};
struct cusparseDnVecDescr {
    int64_t size;
    double *values;
};
typedef cusparseContext *cusparseHandle_t;
typedef cusparseSpMatDescr *cusparseSpMatDescr_t;
typedef cusparseDnVecDescr *cusparseDnVecDescr_t;

inline cusparseStatus_t cusparseCreate(cusparseHandle_t *out)
{
    *out = new cusparseContext{nullptr};
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseDestroy(cusparseHandle_t handle)
{
    delete handle;
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseSetStream(cusparseHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseCreateCsr(cusparseSpMatDescr_t *out, int64_t rows, int64_t cols, int64_t nnz,
                                          void *starts, void *columns, void *values, cusparseIndexType_t,
                                          cusparseIndexType_t, cusparseIndexBase_t, cudaDataType)
{
    *out = new cusparseSpMatDescr{rows, cols, nnz, (const int *)starts, (const int *)columns, (const double *)values};
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseDestroySpMat(cusparseSpMatDescr_t matrix)
{
    delete matrix;
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseCreateDnVec(cusparseDnVecDescr_t *out, int64_t size, void *values, cudaDataType)
{
    *out = new cusparseDnVecDescr{size, (double *)values};
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseDestroyDnVec(cusparseDnVecDescr_t vector)
{
    delete vector;
    return CUSPARSE_STATUS_SUCCESS;
}

inline cusparseStatus_t cusparseSpMV_bufferSize(cusparseHandle_t, cusparseOperation_t, const void *,
                                                cusparseSpMatDescr_t, cusparseDnVecDescr_t, const void *,
                                                cusparseDnVecDescr_t, cudaDataType, cusparseSpMVAlg_t, size_t *bytes)
{
    *bytes = 64; /* as the library: it wants some */
    return CUSPARSE_STATUS_SUCCESS;
}

/* out = alpha A in + beta out. The work space must be the device's. Where beta is 0, out need hold no numbers. */
inline cusparseStatus_t cusparseSpMV(cusparseHandle_t handle, cusparseOperation_t, const void *alpha,
                                     cusparseSpMatDescr_t A, cusparseDnVecDescr_t in, const void *beta,
                                     cusparseDnVecDescr_t out, cudaDataType, cusparseSpMVAlg_t, void *buffer)
{
    if (in->size != A->cols || out->size != A->rows || !cuda_on_cpu::lies(buffer, 64, true))
        return CUSPARSE_STATUS_INVALID_VALUE;
    const double a = *(const double *)alpha, b = *(const double *)beta;
    cuda_on_cpu::submit(handle->stream, [=] {
        const cuda_on_cpu::OpenDevice open;
        for (int64_t row = 0; row < A->rows; row++) {
            double sum = 0;
            for (int k = A->starts[row]; k < A->starts[row + 1]; k++)
                sum += A->values[k] * in->values[A->columns[k]];
            out->values[row] = a * sum + (b == 0 ? 0 : b * out->values[row]);
        }
        return A->starts[A->rows] == A->nnz ? cudaSuccess : cudaErrorInvalidValue;
    });
    return CUSPARSE_STATUS_SUCCESS;
}

#endif
