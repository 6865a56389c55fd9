/* The convergence columns, declared once for writing, reading and showing. */
#ifndef NL_RESULT_COLUMNS_H
#define NL_RESULT_COLUMNS_H

#include "nanolase/result.h"

#define NL_RESULT_MARK "nanolase_result" /* root attribute that tells our files from others */
#define NL_RESULT_CONFIGURATION "configuration" /* dataset of the configuration's characters */

typedef struct nl_column {
    const char *name, *units, *description;
    bool is_integer;
    double most; /* of an integer; the least is 0 */
    bool in_csv;
    double (*get)(const nl_outcome *);
    void (*set)(nl_outcome *, double);
} nl_column;

extern const nl_column nl_columns[];
extern const int nl_column_count;

#endif
