#include "nanolase/laser.h"

nl_laser nl_laser_from_config(const nl_config *config)
{
    const double C_p = config->laser_cooperativity;
    nl_laser laser = {
        .C_p = C_p,
        .A = C_p * config->laser_kappa, /* g^2/gamma with g^2 = C_p kappa gamma */
        .C = config->laser_kappa,
        .epsilon = config->laser_epsilon,
        .t_c = config->laser_t_c,
        .phi = {config->laser_phi1, config->laser_phi2},
    };
    const double B = 2 * laser.A * laser.A / config->laser_gamma;
    laser.B_r = config->laser_renormalise ? B / C_p : B;
    laser.n0 = (laser.A - laser.C) / laser.B_r;
    laser.D_p = laser.A / (2 * laser.n0);
    return laser;
}
