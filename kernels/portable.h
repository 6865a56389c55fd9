/* What lets one source serve as C on the host and as CUDA C on the device. */
#ifndef NL_PORTABLE_H
#define NL_PORTABLE_H

#if defined(__CUDACC__) || defined(NL_CUDA_ON_CPU)
#define NL_FN static __host__ __device__ __forceinline__
#else
#define NL_FN static inline __attribute__((always_inline))
#endif

/* Before a loop over a stencil, whose length is known when compiled: its coefficients then stay in registers. */
#if defined(__CUDACC__)
#define NL_UNROLL _Pragma("unroll")
#else
#define NL_UNROLL _Pragma("GCC unroll 8")
#endif

/* C99 _Complex is not used: nvcc accepts it in a kernel and emits an empty body. */
typedef struct nl_complex {
    double re, im;
} nl_complex;

#endif
