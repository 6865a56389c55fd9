/*
 * Damped Runge-Kutta-Chebyshev methods: many stages for a long step on operators whose spectrum stretches along the
 * negative real axis.
 *
 * The stability polynomial of s stages is P(z) = T_s(w0 + w1 z)/T_s(w0) at order 1, and 1 - b T_s(w0) + b T_s(w0 + w1
 * z) at order 2 (van der Houwen and Sommeijer, Z. Angew. Math. Mech. 60, 479 (1980); Sommeijer, Shampine and Verwer, J.
 * Comput. Appl. Math. 88, 315 (1998)). |P| <= 1 holds inside the ellipse that |T_s(x)| <= T_s(w0) draws: it touches
 * z = 0, has the semi-axes w0/w1 and sqrt(w0^2 - 1)/w1, and gets rounder with the damping delta = s acosh(w0). A
 * spectrum with imaginary parts needs that room, so both its extents decide on stages and damping.
 */
#ifndef NL_CHEBYSHEV_H
#define NL_CHEBYSHEV_H

#include "nanolase/tableau.h"
#include "portable.h"

enum { NL_CHEBYSHEV_MAX_STAGES = 200 };

/* An ellipse that touches 0 from the left and holds a spectrum. */
typedef struct nl_ellipse {
    double real;      /* it reaches from -real to 0 */
    double imaginary; /* its semi-axis along i */
} nl_ellipse;

/* Holds all z; those with a positive real part are taken at zero growth. */
nl_ellipse nl_ellipse_around(const nl_complex *z, int count);

/* Stages and damping for a step. */
typedef struct nl_chebyshev {
    int order; /* 1 or 2 */
    int stages;
    double delta;
} nl_chebyshev;

/* The longest step that is worth its stages, and the fewest stages that are stable at step h. */
double nl_chebyshev_longest_step(int order, nl_ellipse);
nl_chebyshev nl_chebyshev_choose(int order, nl_ellipse, double h);

/* Stage j: Y_j = mu Y_(j-1) + nu Y_(j-2) + rest y + h mu_F L Y_(j-1) + h gamma_F L y, rest = 1 - mu - nu; rest and
 * gamma_F are 0 at order 1. Of stage 1 mu_F alone counts: Y_1 = y + h mu_F L y. */
typedef struct nl_chebyshev_stage {
    double mu, nu, rest, mu_F, gamma_F;
} nl_chebyshev_stage;

/* Fills stage[1] to stage[stages]. */
void nl_chebyshev_stages(nl_chebyshev, nl_chebyshev_stage *stage);

/* All stages of one member's step, with L y at hand, and L y_new. Registers of the pool, all different: */
typedef struct nl_chebyshev_step {
    int slot;
    int y, k;                        /* read: the start and L y */
    int y_new, k_new;                /* written: the last stage and L times it */
    int work[2];                     /* overwritten */
    int stages;                      /* at least 2 */
    double h;
    const nl_chebyshev_stage *stage; /* on the host, stage[1] to stage[stages] */
} nl_chebyshev_step;

/* |P(z)|, z = re + i im. */
double nl_chebyshev_amplification(nl_chebyshev, double re, double im);

#endif
