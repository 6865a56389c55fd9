/* Chebyshev steps as kernels get them: every member's registers, and the coefficients of its stages. */
#ifndef NL_CUDA_CHEBYSHEV_H
#define NL_CUDA_CHEBYSHEV_H

#include <vector>

#include "cuda_backend.h"

#include "nanolase/chebyshev.h"

namespace NL_OF_PRECISION(nl_cuda) {

/* z_j = now z_(j-1) + before z_(j-2) + start y + rate L z_(j-1) + start_rate L y; after the last stage L times it. */
typedef struct stage {
    double now, before, start, rate, start_rate;
} stage;

/* A member's step; registers as in nl_chebyshev_step. */
typedef struct member_step {
    int slot, y, k, end[2] /* y_new, k_new */, work[2];
    int stages;
} member_step;

/* On the device. */
typedef struct sent_steps {
    const member_step *members;
    const stage *table;
    int stride; /* stages of each: from 0, which is not used, to what follows the last */
    int most;   /* stages of any */
} sent_steps;

static __device__ __forceinline__ const stage *stages_of(const sent_steps *sent, int member)
{
    return sent->table + (size_t)member * sent->stride;
}

static member_step member_of(const nl_chebyshev_step *s)
{
    const member_step m = {s->slot, s->y, s->k, {s->y_new, s->k_new}, {s->work[0], s->work[1]}, s->stages};
    return m;
}

static stage stage_of(const nl_chebyshev_step *s, int j)
{
    const stage closing = {0, 0, 0, 1, 0};
    if (j > s->stages)
        return closing;
    const nl_chebyshev_stage c = s->stage[j];
    const stage first = {0, 0, 1, 0, s->h * c.mu_F}, other = {c.mu, c.nu, c.rest, s->h * c.mu_F, s->h * c.gamma_F};
    return j == 1 ? first : other;
}

/* Until the next operation. */
static nl_status send_steps(nl_cuda_backend *cuda, const nl_chebyshev_step *steps, int n_steps, sent_steps *out)
{
    int most = 0;
    for (int s = 0; s < n_steps; s++)
        most = steps[s].stages > most ? steps[s].stages : most;
    const int stride = most + 2;
    std::vector<member_step> members(n_steps);
    std::vector<stage> table((size_t)n_steps * stride);
    for (int s = 0; s < n_steps; s++) {
        members[s] = member_of(&steps[s]);
        for (int j = 1; j <= steps[s].stages + 1; j++)
            table[(size_t)s * stride + j] = stage_of(&steps[s], j);
    }
    NL_TRY(nl_cuda_send(cuda, &cuda->sent[0], members.data(), members.size() * sizeof members[0]));
    NL_TRY(nl_cuda_send(cuda, &cuda->sent[1], table.data(), table.size() * sizeof table[0]));
    const sent_steps sent = {(const member_step *)cuda->sent[0].data, (const stage *)cuda->sent[1].data, stride, most};
    *out = sent;
    return NL_OK;
}

} // namespace

#endif
