/* The lines of a configuration file, as inih can take them. */
#ifndef NL_CONFIG_LINES_H
#define NL_CONFIG_LINES_H

#include <stdbool.h>
#include <stdio.h>

enum { NL_LINE_CHARS = 190 }; /* of the longest line: inih cuts longer ones */

/* State of one reading: the position is counted here since inih reports lines only after the fact. */
typedef struct nl_lines {
    FILE *file;
    int line;        /* of the line that was read last, from 1 */
    bool continues;  /* it goes on with the value of the one before */
    char fault[300]; /* why it cannot be taken; empty: it can */
} nl_lines;

/* Like fgets, but refuses what inih would cut, pass over or report only at the end. NULL at the end or at a fault. */
char *nl_lines_next(nl_lines *, char *buffer, int size);

/* A byte of `text` that belongs to no text, such as escape or a line end; NULL where there is none. Tabs do belong. */
const char *nl_control_char(const char *text);

#endif
