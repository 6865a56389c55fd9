/* What `nanolase show` says below its table: how good the points are, and what is wrong with which. */
#ifndef NL_RESULT_SUMMARY_H
#define NL_RESULT_SUMMARY_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes the place of a point, "t_c = 0.5, phi2 = 0"; empty without axes. */
typedef void (*nl_place_writer)(const void *table, size_t point, char *out, size_t size);

/* False where the file cannot be read. */
bool nl_result_summarise(hid_t file, size_t points, nl_place_writer, const void *table, FILE *);

#endif
