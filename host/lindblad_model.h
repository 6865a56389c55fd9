/* The observables of equation = gutzwiller, shared by its two ways to a steady state: the pair evolved in time, and the
 * local response. */
#ifndef NL_LINDBLAD_MODEL_H
#define NL_LINDBLAD_MODEL_H

#include "nanolase/model.h"

enum {
    NL_GW_A1, NL_GW_A2, NL_GW_N1, NL_GW_N2, NL_GW_IMBALANCE, NL_GW_RELATIVE_IMBALANCE, NL_GW_VAR_N1, NL_GW_VAR_N2,
    NL_GW_COHERENCE1, NL_GW_COHERENCE2, NL_GW_COHERENCE, NL_GW_CORRELATION, NL_GW_STD, NL_GW_STD_ANALYTIC,
    NL_GW_STD_EQ37, NL_GW_SLOPE, NL_GW_SLOPE_ANALYTIC, NL_GW_UNCERTAINTY, NL_GW_UNCERTAINTY_ANALYTIC,
    NL_GW_UNCERTAINTY_EQ38, NL_GW_SOLUTIONS, NL_GW_STABLE, NL_GW_GROWTH, NL_GW_TRACE, NL_GW_PURITY1, NL_GW_PURITY2,
    NL_GW_TOP, NL_GW_GROUND1, NL_GW_GROUND2
};

/* Population of the two highest levels above which a state counts as cut off. */
extern const double NL_LEAK;

/* Steady states of two sites come from the local response, not from evolving the pair. */
bool nl_uses_response(const nl_config *);

/* Values from the moments of one or two sites; those that only the response gives are NAN. */
void nl_gw_observe(const nl_lindblad *, const nl_lindblad_values site[2], nl_value *values, nl_health *);

/* ---- points of gutzwiller and dimer alike ---- */

/* What the configuration says of a point, the accuracy being that of photon numbers: these weight an error in a
 * population by the level, so elements must be that much better than they. */
nl_point nl_fock_point(const nl_config *);
/* NL_ERR_CONFIG where the initial state is one of phases. */
nl_status nl_check_fock_initial(const nl_config *);
/* The density matrix of one laser's photons, "rho1" or "rho2". */
nl_field nl_fock_field(const nl_point *, int site, const char *description);

/* The largest tunnelling of the sweep: one cutoff serves all its points, which then share their local response. */
double nl_largest_tunnelling(const nl_config *);
/* The drive and what the other laser's light may add to it: t_c r for the classical radius r of the coupled lasers. */
double nl_largest_field(const nl_lindblad *, double t_c);
/* The levels of a point within its window. NL_ERR_CONFIG where the config's are not. */
nl_status nl_choose_levels(const nl_config *, nl_window, int *levels);
/* NL_ERR_CONFIG where a strong drive carries the light itself to where Eq. 6 ends. */
nl_status nl_check_drive(const nl_config *, const nl_lindblad *, nl_window);

#endif
