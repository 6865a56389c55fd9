/* The convergence columns, declared once for writing, reading and showing. */
#ifndef NL_RESULT_COLUMNS_H
#define NL_RESULT_COLUMNS_H

#include "nanolase/result.h"

typedef struct nl_column {
    const char *name, *units, *description;
    bool is_integer;
    bool in_csv;
    double (*get)(const nl_outcome *);
    void (*set)(nl_outcome *, double);
} nl_column;

extern const nl_column nl_columns[];
extern const int nl_column_count;

#endif
