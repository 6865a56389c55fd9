/* A pool of random states of the Lindblad operator, other coefficients in every slot, and what the operator is to make
 * of them. The last register of every slot is NAN, to be written to. */
#ifndef NL_TEST_LINDBLAD_RIG_H
#define NL_TEST_LINDBLAD_RIG_H

#include "lindblad_reference.h"
#include "rig.h"

/* Which coefficients are not zero. */
enum {
    ON_A = 1,
    ON_B = 2,
    ON_C = 4,
    ON_G = 8,
    ON_GAMMA = 16,
    ON_DRIVE = 32,
    ON_TUNNEL = 64,
    ON_CLOSED = 128,
    ON_ALL = ON_CLOSED - 1,
    ON_CONSERVING = ON_DRIVE | ON_G | ON_C /* the trace, at any cutoff */
};

typedef struct lindblad_rig {
    rig g;
    reference_shape shape;
    reference_laser laser[RIG_MAX_SLOTS];
} lindblad_rig;

/* One plane stays real only with a real field, so without tunnelling. */
UNUSED static reference_laser random_laser(rng *r, int on, int planes)
{
    reference_laser l = {.A = uniform(r, 0.5, 1.5), .B = uniform(r, 0.02, 0.1), .C = uniform(r, 0.5, 1.5),
                         .g = uniform(r, -1.5, 1.5), .gamma = uniform(r, 0.5, 3), .tunnel = uniform(r, 0.2, 0.9),
                         .closed = (on & ON_CLOSED) != 0};
    for (int j = 0; j < 2; j++) {
        const double re = uniform(r, -1, 1), im = uniform(r, -1, 1);
        l.drive[j] = on & ON_DRIVE ? re + (planes > 1 ? im * I : 0) : 0;
    }
    l.A *= (on & ON_A) != 0;
    l.B *= (on & ON_B) != 0;
    l.C *= (on & ON_C) != 0;
    l.g *= (on & ON_G) != 0;
    l.gamma *= (on & ON_GAMMA) != 0;
    l.tunnel *= (on & ON_TUNNEL) && planes > 1;
    return l;
}

UNUSED static void lindblad_rig_fill(lindblad_rig *r, rng *random)
{
    rig *g = &r->g;
    const size_t site = g->pool.size / g->op.sites;
    for (int s = 0; s < g->pool.slots; s++)
        for (int reg = 0; reg < g->pool.registers; reg++)
            for (int j = 0; j < g->op.sites; j++) {
                double complex *rho = random_hermitian(&r->shape, random);
                double *v = rig_was(g, s, reg) + j * site;
                reference_pack(&r->shape, rho, v);
                for (size_t x = 0; x < site && reg == g->pool.registers - 1; x++)
                    v[x] = NAN;
                free(rho);
            }
    rig_send(g);
}

UNUSED static lindblad_rig lindblad_rig_new(nl_backend *b, const reference_shape *shape, int sites, int on, int slots,
                                            int registers)
{
    rng random = {(uint64_t)(1000 * shape->N + 10 * shape->orders + 4 * shape->planes + 2 * shape->qubit + sites)};
    lindblad_rig r = {.g = rig_of_size(b, sites * reference_size(shape), slots, registers, 1), .shape = *shape};
    const size_t len = nl_lindblad_table_len(shape->N);
    double *tables = new_array(slots * len);
    r.g.op = (nl_operator){.kind = NL_OPERATOR_LINDBLAD, .sites = sites, .n = shape->N, .orders = shape->orders,
                           .components = shape->qubit ? 4 : 1, .planes = shape->planes, .table_len = len};
    for (int s = 0; s < slots; s++) {
        r.laser[s] = random_laser(&random, on, shape->planes);
        reference_fill_table(&r.laser[s], shape->N, tables + s * len);
    }
    OK(nl_tables_new(b, &r.g.op, slots));
    OK(nl_tables_put(b, &r.g.op, slots, tables));
    free(tables);
    lindblad_rig_fill(&r, &random);
    return r;
}

/* One site of the register as it was, as a matrix. The caller frees. */
UNUSED static double complex *lindblad_rig_matrix(const lindblad_rig *r, int slot, int reg, int site)
{
    return reference_unpack(&r->shape, rig_was(&r->g, slot, reg) + site * (r->g.pool.size / r->g.op.sites));
}

UNUSED static double complex lindblad_rig_amplitude(const lindblad_rig *r, int slot, int reg, int site)
{
    double complex *rho = lindblad_rig_matrix(r, slot, reg, site), *a = annihilator(&r->shape);
    const double complex mean = mean_of(a, rho, reference_dim(&r->shape));
    free(rho);
    free(a);
    return mean;
}

/* What applying the operator to the register as it was gives. The caller frees. */
UNUSED static double *lindblad_rig_expected(const lindblad_rig *r, int slot, int reg)
{
    const reference_laser *laser = &r->laser[slot];
    const int sites = r->g.op.sites;
    double *out = new_array(r->g.pool.size);
    for (int j = 0; j < sites; j++) {
        double complex f = laser->drive[j];
        if (sites == 2)
            f -= laser->tunnel * lindblad_rig_amplitude(r, slot, reg, 1 - j);
        double complex *rho = lindblad_rig_matrix(r, slot, reg, j);
        double complex *L = reference_derivative(&r->shape, laser, f, rho);
        if (laser->closed)
            close_reference(&r->shape, L);
        reference_pack(&r->shape, L, out + j * (r->g.pool.size / sites));
        free(rho);
        free(L);
    }
    return out;
}

/* Vector v is zero, to the bit, wherever no element stands. */
UNUSED static void check_zeros(const lindblad_rig *r, const double *v)
{
    const size_t site = r->g.pool.size / r->g.op.sites;
    double *mark = new_array(site);
    reference_mark(&r->shape, mark);
    for (size_t x = 0; x < r->g.pool.size; x++)
        if (mark[x % site] == 0 && v[x] != 0)
            fail_msg("a zero between rows has become %g (number %zu of %zu)", v[x], x, r->g.pool.size);
    free(mark);
}

#endif
