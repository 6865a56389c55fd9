/* The command line, parsed by argp. */
#ifndef NL_OPTIONS_H
#define NL_OPTIONS_H

#include <stdbool.h>

typedef enum { NL_COMMAND_RUN, NL_COMMAND_CHECK, NL_COMMAND_SHOW, NL_COMMAND_KEYS, NL_COMMAND_INFO } nl_command;

enum { NL_MAX_OVERRIDES = 256 };

typedef struct nl_options {
    nl_command command;
    const char *file;    /* CONFIG.ini, or OUT.h5 for show; NULL where the command takes none */
    const char *output;  /* -o; NULL where not given */
    const char *backend; /* "auto", "cpu" or "cuda" */
    int threads;         /* 0: all */
    const char *share;   /* "auto", "points" or "grids" */
    int n_overrides;
    const char *overrides[NL_MAX_OVERRIDES];
    bool resume, csv;
    int verbosity; /* -1 quiet, 0, 1 verbose */
} nl_options;

/* Exits with code 2 and a message on wrong usage, and with 0 after --help and --version. */
nl_options nl_options_parse(int argc, char **argv);

#endif
