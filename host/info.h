/* `nanolase info`: what this build and machine can do. */
#ifndef NL_INFO_H
#define NL_INFO_H

#include "nanolase/error.h"

/* Prints version, devices and methods. */
nl_status nl_info(void);

#endif
