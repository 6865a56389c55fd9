/* The Lindblad operator, its moments and, of small states, its whole steps on the device. */
#include "cuda_chebyshev.h"
#include "cuda_steps.h"
#include "lindblad_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { THREADS = NL_CUDA_THREADS, CHUNK = NL_CUDA_CHUNK };

/* An element of every plane: E of row k, or one of the zeros before it (E < 0). */
typedef struct place {
    int k, E;
} place;

/* The place of the doubles numbered x in their planes. Row k begins, with its zeros, at k(N+2) - k(k-1)/2; the zeros
 * after the last row are those before the next. */
static __device__ __forceinline__ place place_of(const nl_operator *op, size_t x)
{
    const int N = op->n;
    const long long b = 2LL * N + 5;
    int k = (int)(((float)b - sqrtf((float)(b * b - 8 * (long long)x))) / 2);
    while (k > 0 && nl_lindblad_row(N, k) - NL_LINDBLAD_PAD > x) /* against rounding of the root */
        k--;
    while (nl_lindblad_row(N, k + 1) - NL_LINDBLAD_PAD <= x)
        k++;
    const place at = {k, (int)((long long)x - (long long)nl_lindblad_row(N, k))};
    return at;
}

static __device__ __forceinline__ bool holds(place at, nl_component c)
{
    return at.E >= nl_lindblad_first(c, at.k);
}

/* ---- the operator ---- */

/* In all threads of the block: the sum over a site's row 1 from which its <a> follows, in an order set by N alone. */
template <int COMPONENTS, int PLANES>
static __device__ nl_complex amplitude_sum(const nl_operator *op, const nl_real *table, const nl_real *state,
                                           double *shared)
{
    const size_t plane = nl_lindblad_plane(op);
    const nl_real *root = table + NL_LINDBLAD_HEADER + 1, *row = state + nl_lindblad_row(op->n, 1);
    nl_complex sum = {0, 0};
    for (int c = 0; c < (COMPONENTS == 1 ? 1 : 2) && op->orders > 1; c++) { /* the diagonal components come first */
        const nl_component component = nl_lindblad_component(COMPONENTS, c);
        const nl_real *re = row + c * PLANES * plane;
        for (int E = nl_lindblad_first(component, 1) + threadIdx.x; E < op->n - 1; E += THREADS) {
            sum.re += nl_lindblad_amplitude_term(root, re, component, E);
            if (PLANES > 1)
                sum.im += nl_lindblad_amplitude_term(root, re + plane, component, E);
        }
    }
    sum.re = nl_cuda_reduce<nl_sum>(sum.re, shared);
    sum.im = nl_cuda_reduce<nl_sum>(sum.im, shared);
    if (threadIdx.x == 0) {
        shared[0] = sum.re;
        shared[1] = sum.im;
    }
    __syncthreads();
    sum.re = shared[0];
    sum.im = shared[1];
    return sum;
}

/* d S/dt of component c at one place; the zeros stay zero. */
template <int COMPONENTS, int PLANES>
static __device__ __forceinline__ nl_real_complex derivative(const nl_operator *op, const nl_real *table,
                                                             const nl_real *state, int c, place at, nl_real_complex f)
{
    const nl_component component = nl_lindblad_component(COMPONENTS, c);
    nl_real_complex d = {0, 0};
    if (!holds(at, component))
        return d;
    const nl_lindblad_rows rows = nl_lindblad_rows_of(op, table, state, c, at.k);
    if (PLANES == 1)
        d.re = nl_lindblad_point(&rows, component, at.E, f.re);
    else
        d = nl_lindblad_point_complex(&rows, component, at.E, f);
    if (at.k == 0 && at.E == 0 && (component == NL_PHOTON || component == NL_GG) && table[NL_LINDBLAD_CLOSED] != 0)
        d.re += nl_lindblad_leak(op, table, state);
    return d;
}

/* One thread for the same element of all components. blockIdx.y: site; blockIdx.z: job. */
template <int COMPONENTS, int PLANES, bool UPDATES>
__global__ void lindblad_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    if (nl_cuda_is_idle(job))
        return;
    const int site = blockIdx.y;
    const nl_real *table = nl_slot_table(&op, job->slot);
    const size_t plane = nl_lindblad_plane(&op), per_site = COMPONENTS * PLANES * plane, offset = site * per_site;
    const nl_real *vector = nl_pool_vector(&pool, job->slot, job->in[0]);
    nl_complex other = {0, 0};
    nl_real_complex d[COMPONENTS];
    op.components = COMPONENTS; /* as constants they leave the address arithmetic */
    op.planes = PLANES;
    if (op.sites == 2)
        other = amplitude_sum<COMPONENTS, PLANES>(&op, table, vector + (1 - site) * per_site, shared);
    const nl_real_complex f = nl_lindblad_field(table, site, other);
    const size_t x = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (x >= plane)
        return;
    const place at = place_of(&op, x);
    NL_UNROLL
    for (int c = 0; c < COMPONENTS; c++) /* no write among the reads: the compiler could not move them past it */
        d[c] = derivative<COMPONENTS, PLANES>(&op, table, vector + offset, c, at, f);
    NL_UNROLL
    for (int c = 0; c < COMPONENTS; c++) {
        nl_cuda_put<UPDATES>(&pool, job, offset + c * PLANES * plane + x, d[c].re);
        if (PLANES > 1)
            nl_cuda_put<UPDATES>(&pool, job, offset + (c * PLANES + 1) * plane + x, d[c].im);
    }
}

template <bool UPDATES>
static void launch_lindblad(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 grid((unsigned)((nl_lindblad_plane(op) + THREADS - 1) / THREADS), op->sites, n_jobs);
    const auto kernel = op->components == 1
                            ? op->planes == 1 ? lindblad_kernel<1, 1, UPDATES> : lindblad_kernel<1, 2, UPDATES>
                            : op->planes == 1 ? lindblad_kernel<4, 1, UPDATES> : lindblad_kernel<4, 2, UPDATES>;
    NL_LAUNCH(kernel, grid, dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool, cuda->jobs);
}

nl_status nl_cuda_lindblad_apply(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                 bool updates)
{
    (updates ? launch_lindblad<true> : launch_lindblad<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* ---- Chebyshev steps ---- */

enum { STEP_THREADS = 512, STEP_BYTES = 48 << 10 /* of shared memory, for two stages: every device has them */ };

/* All stages of one site's step, which stand in shared memory by turns: a stage takes the place of the one before last,
 * of which a thread reads its own elements alone. blockIdx.x: member. */
template <int COMPONENTS, int PLANES>
__global__ void __launch_bounds__(STEP_THREADS)
    lindblad_step_kernel(nl_operator op, nl_pool pool, const sent_steps sent)
{
    NL_SHARED(nl_real, vectors);
    const member_step *m = &sent.members[blockIdx.x];
    const stage *stages = stages_of(&sent, blockIdx.x);
    const nl_real *table = nl_slot_table(&op, m->slot);
    const nl_real *y = nl_pool_vector(&pool, m->slot, m->y), *k = nl_pool_vector(&pool, m->slot, m->k);
    nl_real *y_new = nl_pool_vector(&pool, m->slot, m->end[0]), *k_new = nl_pool_vector(&pool, m->slot, m->end[1]);
    nl_real *now = vectors, *before = vectors + pool.size;
    const size_t plane = nl_lindblad_plane(&op);
    const nl_complex none = {0, 0};
    const nl_real_complex f = nl_lindblad_field(table, 0, none);
    op.components = COMPONENTS; /* as constants they leave the address arithmetic */
    op.planes = PLANES;
    for (size_t e = threadIdx.x; e < pool.size; e += STEP_THREADS) {
        before[e] = y[e];
        now[e] = y[e] + (nl_real)stages[1].start_rate * k[e];
    }
    for (int j = 2; j <= m->stages + 1; j++) { /* the stage to come; the last is followed by L times it */
        const stage s = stages[j];
        const bool uses_start = s.start != 0 || s.start_rate != 0;
        __syncthreads();
        for (size_t x = threadIdx.x; x < plane; x += STEP_THREADS) {
            const place at = place_of(&op, x);
            for (int c = 0; c < COMPONENTS; c++) {
                const nl_real_complex d = derivative<COMPONENTS, PLANES>(&op, table, now, c, at, f);
                for (int p = 0; p < PLANES; p++) {
                    const size_t e = (c * PLANES + p) * plane + x;
                    const nl_real start = uses_start ? (nl_real)s.start * y[e] + (nl_real)s.start_rate * k[e] : 0;
                    before[e] = (nl_real)s.rate * (p == 0 ? d.re : d.im) + (nl_real)s.before * before[e] +
                                (nl_real)s.now * now[e] + start;
                }
            }
        }
        nl_real *const newest = before;
        before = now;
        now = newest;
    }
    __syncthreads();
    for (size_t e = threadIdx.x; e < pool.size; e += STEP_THREADS) {
        y_new[e] = before[e];
        k_new[e] = now[e];
    }
}

bool nl_cuda_lindblad_steps_fit(const nl_operator *op, const nl_pool *pool)
{
    return op->sites == 1 && 2 * pool->size * sizeof(nl_real) <= STEP_BYTES;
}

nl_status nl_cuda_lindblad_chebyshev(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool,
                                     const struct nl_chebyshev_step *steps, int n_steps)
{
    sent_steps sent;
    NL_TRY(send_steps(cuda, steps, n_steps, &sent));
    const auto kernel = op->components == 1 ? op->planes == 1 ? lindblad_step_kernel<1, 1> : lindblad_step_kernel<1, 2>
                        : op->planes == 1   ? lindblad_step_kernel<4, 1>
                                            : lindblad_step_kernel<4, 2>;
    NL_LAUNCH(kernel, dim3(n_steps), dim3(STEP_THREADS), 2 * pool->size * sizeof(nl_real), cuda->stream, *op, *pool,
              sent);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* ---- steps of a pair, by its polynomial (tableau.h): z_j by turns in shared memory ---- */

static __device__ __forceinline__ int pair_thread(void)
{
    return threadIdx.y * NL_CUDA_WARP + threadIdx.x;
}

/* L v of one component at one place, v in shared memory. */
template <int COMPONENTS, int PLANES>
static __device__ __forceinline__ nl_real_complex apply_at(const nl_operator *op, const nl_course *course,
                                                           const nl_real *v, int c, place at)
{
    const nl_real *table = nl_slot_table(op, course->slot);
    const nl_complex none = {0, 0};
    return derivative<COMPONENTS, PLANES>(op, table, v, c, at, nl_lindblad_field(table, 0, none));
}

/* From z_1 to the last, which leave their sums y_new and error in registers of the pool. vectors: two. */
template <int COMPONENTS, int PLANES>
static __device__ __forceinline__ void add_powers(const nl_cuda_step *a, const nl_operator *op, const nl_course *course,
                                                  nl_real h, nl_real *vectors)
{
    const nl_real *y = nl_pool_vector(&a->pool, course->slot, course->y);
    const nl_real *k = nl_pool_vector(&a->pool, course->slot, course->k);
    nl_real *y_new = nl_pool_vector(&a->pool, course->slot, course->y_new);
    nl_real *error = nl_pool_vector(&a->pool, course->slot, course->work[0]);
    nl_real *now = vectors, *next = vectors + a->pool.size;
    for (size_t e = pair_thread(); e < a->pool.size; e += STEP_THREADS) {
        now[e] = h * k[e];
        y_new[e] = y[e] + (nl_real)a->pair.y[1] * now[e];
        error[e] = (nl_real)a->pair.error[1] * now[e];
    }
    for (int j = 2; j <= a->pair.degree; j++) {
        const nl_real by = (nl_real)a->pair.y[j], be = (nl_real)a->pair.error[j];
        __syncthreads();
        for (size_t x = pair_thread(); x < nl_lindblad_plane(op); x += STEP_THREADS) {
            const place at = place_of(op, x);
            for (int c = 0; c < COMPONENTS; c++) {
                const nl_real_complex d = apply_at<COMPONENTS, PLANES>(op, course, now, c, at);
                for (int p = 0; p < PLANES; p++) {
                    const size_t e = (c * PLANES + p) * nl_lindblad_plane(op) + x;
                    const nl_real z = h * (p == 0 ? d.re : d.im);
                    next[e] = z;
                    y_new[e] += by * z;
                    error[e] += be * z;
                }
            }
        }
        nl_real *const newest = next;
        next = now;
        now = newest;
    }
    __syncthreads();
}

/* L y_new, and of each thread's elements the sums that the control needs. */
template <int COMPONENTS, int PLANES>
static __device__ __forceinline__ void close_pair(const nl_cuda_step *a, const nl_operator *op, const nl_course *course,
                                                  nl_real h, nl_real *vector, double sums[NL_CUDA_SUMS])
{
    const nl_real *y = nl_pool_vector(&a->pool, course->slot, course->y);
    const nl_real *y_new = nl_pool_vector(&a->pool, course->slot, course->y_new);
    const nl_real *error = nl_pool_vector(&a->pool, course->slot, course->work[0]);
    nl_real *k_new = nl_pool_vector(&a->pool, course->slot, course->k_new);
    for (size_t e = pair_thread(); e < a->pool.size; e += STEP_THREADS)
        vector[e] = y_new[e];
    __syncthreads();
    for (size_t x = pair_thread(); x < nl_lindblad_plane(op); x += STEP_THREADS) {
        const place at = place_of(op, x);
        for (int c = 0; c < COMPONENTS; c++) {
            const nl_real_complex d = apply_at<COMPONENTS, PLANES>(op, course, vector, c, at);
            for (int p = 0; p < PLANES; p++) {
                const size_t e = (c * PLANES + p) * nl_lindblad_plane(op) + x;
                const nl_real rate = p == 0 ? d.re : d.im;
                k_new[e] = rate;
                nl_cuda_add(&a->control, error[e] + h * (nl_real)a->pair.error_new * rate, y[e], vector[e], rate, sums);
            }
        }
    }
}

/* All steps that remain of one site's courses, one a block. */
template <int COMPONENTS, int PLANES>
__global__ void __launch_bounds__(STEP_THREADS, 1) lindblad_pair_kernel(const __grid_constant__ nl_cuda_step a)
{
    NL_SHARED(nl_real, vectors);
    nl_course *course = &a.control.courses[blockIdx.x];
    nl_operator op = a.op;
    op.components = COMPONENTS; /* as constants they leave the address arithmetic */
    op.planes = PLANES;
    while (course->remaining > 0) {
        const double h = nl_course_step(course);
        double sums[NL_CUDA_SUMS] = {0};
        add_powers<COMPONENTS, PLANES>(&a, &op, course, (nl_real)h, vectors);
        close_pair<COMPONENTS, PLANES>(&a, &op, course, (nl_real)h, vectors, sums);
        nl_cuda_add_up(sums, (double *)vectors);
        if (threadIdx.x == 0 && threadIdx.y == 0)
            nl_cuda_judge(&a.control, course, h, sums);
        __syncthreads();
    }
}

static nl_status launch_pair(nl_cuda_backend *cuda, const void *arguments, int n_courses, int n_steps)
{
    const nl_cuda_step *a = (const nl_cuda_step *)arguments;
    const size_t least = NL_CUDA_SUMS * STEP_THREADS / NL_CUDA_WARP * sizeof(double);
    const size_t bytes = 2 * a->pool.size * sizeof(nl_real);
    const auto kernel = a->op.components == 1
                            ? a->op.planes == 1 ? lindblad_pair_kernel<1, 1> : lindblad_pair_kernel<1, 2>
                        : a->op.planes == 1 ? lindblad_pair_kernel<4, 1>
                                            : lindblad_pair_kernel<4, 2>;
    (void)n_steps;
    NL_LAUNCH(kernel, dim3(n_courses), dim3(NL_CUDA_WARP, STEP_THREADS / NL_CUDA_WARP), bytes > least ? bytes : least,
              cuda->stream, *a);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

nl_status nl_cuda_lindblad_advance(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool,
                                   const struct nl_tableau *tableau, nl_course *courses, int n_courses, double rtol,
                                   double atol)
{
    nl_cuda_step a;
    NL_TRY(nl_cuda_reserve_steps(cuda, n_courses, 1, 0));
    nl_cuda_set_step(cuda, op, pool, tableau, rtol, atol, &a);
    return nl_cuda_take_steps(cuda, courses, n_courses, launch_pair, &a, sizeof a);
}

/* ---- moments ---- */

/* Partial sums of one site over a chunk of places, each with all components. blockIdx.y: site; blockIdx.z: job. */
__global__ void lindblad_moments_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs,
                                        double *partial)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    const nl_real *table = nl_slot_table(&op, job->slot);
    const size_t plane = nl_lindblad_plane(&op), per_site = op.components * op.planes * plane;
    const nl_real *state = nl_pool_vector(&pool, job->slot, job->in[0]) + blockIdx.y * per_site;
    double sums[NL_LINDBLAD_MOMENTS] = {0};
    for (int m = threadIdx.x; m < CHUNK; m += THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= plane)
            break;
        const place at = place_of(&op, x);
        for (int c = 0; c < op.components; c++) {
            const nl_component component = nl_lindblad_component(op.components, c);
            if (!holds(at, component))
                continue;
            const nl_lindblad_rows rows = nl_lindblad_rows_of(&op, table, state, c, at.k);
            nl_lindblad_add_moments(&rows, component, op.n, op.planes, at.E, sums);
        }
    }
    const size_t row = ((size_t)blockIdx.z * op.sites + blockIdx.y) * NL_LINDBLAD_MOMENTS;
    for (int s = 0; s < NL_LINDBLAD_MOMENTS; s++) {
        const double sum = nl_cuda_reduce<nl_sum>(sums[s], shared);
        if (threadIdx.x == 0)
            partial[(row + s) * gridDim.x + blockIdx.x] = sum;
    }
}

nl_status nl_cuda_lindblad_moments(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                   double *result)
{
    const unsigned columns = (unsigned)((nl_lindblad_plane(op) + CHUNK - 1) / CHUNK);
    const size_t rows = (size_t)n_jobs * nl_moments_len(op);
    NL_TRY(nl_cuda_reserve(cuda, rows * (columns + 1)));
    NL_LAUNCH(lindblad_moments_kernel, dim3(columns, op->sites, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream,
              *op, *pool, cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return nl_cuda_finish_sums(cuda, rows, columns, result);
}

} // namespace
