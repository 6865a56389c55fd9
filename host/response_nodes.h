/* The nodes of a response's table, which its two parts share: the steady response, and the response in time. */
#ifndef NL_RESPONSE_NODES_H
#define NL_RESPONSE_NODES_H

#include "nanolase/response.h"

/* s of |f| = scale sinh(s). */
double nl_response_coordinate(const nl_response *, double field);
/* Place of a field between the ends of the range, in [-1, 1]; *slope: its derivative by the field. */
double nl_response_place(const nl_response *, double field, double *slope);
/* The laser at node i, as a point with the tolerances of another. */
nl_point nl_response_node(const nl_response *, const nl_point *like, int i);

#endif
