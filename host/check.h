/* `nanolase check`: says what a run would do, and what it needs. */
#ifndef NL_CHECK_H
#define NL_CHECK_H

#include "nanolase/error.h"
#include "options.h"

/* Prints the resolved configuration, and of the plan its size, memory and work; or fails as the run would. */
nl_status nl_check(const nl_options *);

#endif
