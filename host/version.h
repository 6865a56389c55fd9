/* What this build is. */
#ifndef NL_VERSION_H
#define NL_VERSION_H

#define NL_VERSION "0.1.0"
#ifndef NL_COMMIT
#define NL_COMMIT "unknown"
#endif

#endif
