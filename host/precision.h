/* What single precision can do: which methods, and how far. */
#ifndef NL_PRECISION_H
#define NL_PRECISION_H

#include "nanolase/model.h"

/* NL_ERR_CONFIG where the config asks of single precision what only double can do. */
nl_status nl_precision_check(const nl_config *);

/*
 * The point's tolerances, where the precision is single. Rounding of a state alone leaves a residual near the numbers'
 * spacing times the extent of the spectrum. A tolerance that is the default becomes the lowest that can be met, or
 * NL_ERR_CONFIG for another below it.
 */
nl_status nl_precision_resolve(const nl_config *, const nl_model *, nl_point *);

/* Bytes of a number of a state. */
size_t nl_precision_bytes(const nl_config *);

#endif
