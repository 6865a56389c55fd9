/*
 * The configuration: an ini file plus SECTION.KEY=VALUE overrides, checked as it is read.
 *
 * All keys stand in host/config.def. Errors name the place (FILE:LINE or the override) and the remedy.
 */
#ifndef NL_CONFIG_H
#define NL_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "nanolase/backend.h" /* nl_precision */
#include "nanolase/error.h"

#define NL_ABOVE_ZERO 4.9406564584124654e-324

typedef enum { NL_EQUATION_PHASE, NL_EQUATION_PHASE_SELFCONSISTENT, NL_EQUATION_AMPLITUDE, NL_EQUATION_GUTZWILLER,
               NL_EQUATION_DIMER } nl_equation;
typedef enum { NL_LOCAL_PHOTON, NL_LOCAL_QUBIT } nl_local;
typedef enum { NL_MODE_STEADY, NL_MODE_EVOLVE } nl_mode;
typedef enum { NL_INITIAL_AUTO, NL_INITIAL_UNIFORM, NL_INITIAL_LOCKED, NL_INITIAL_VACUUM, NL_INITIAL_COHERENT,
               NL_INITIAL_THERMAL } nl_initial;
typedef enum { NL_METHOD_AUTO, NL_METHOD_RK45, NL_METHOD_CASH_KARP, NL_METHOD_RK43, NL_METHOD_BS32,
               NL_METHOD_RKC } nl_method;
typedef enum { NL_STEADY_AUTO, NL_STEADY_RELAX, NL_STEADY_MULTIGRID, NL_STEADY_KRYLOV,
               NL_STEADY_RRE } nl_steady_method;

enum { NL_TEXT_MAX = 512, NL_MAX_AXES = 8 };

/* One axis of a sweep: a numeric key and the values it takes. */
typedef struct nl_axis {
    int key; /* index into the list of keys */
    int count;
    double *values; /* owned by the config */
    int line;       /* where it was given: in the file, or below 0 in an override */
    char text[NL_TEXT_MAX]; /* the expression as given; empty where too long to keep */
} nl_axis;

typedef struct nl_config {
    /* one field per key, named section_key */
#define REAL(section, key, value, low, high, unit, text) double section##_##key;
#define INT(section, key, value, low, high, unit, text) int section##_##key;
#define AUTO_REAL(section, key, low, high, unit, text) double section##_##key; /* NAN: auto */
#define AUTO_INT(section, key, low, high, unit, text) int section##_##key;     /* 0: auto */
#define CHOICE(section, key, value, words, text) int section##_##key;
#define FLAG(section, key, value, text) bool section##_##key;
#define TEXT(section, key, value, text) char section##_##key[NL_TEXT_MAX];
#include "config.def"
#undef REAL
#undef INT
#undef AUTO_REAL
#undef AUTO_INT
#undef CHOICE
#undef FLAG
#undef TEXT
    nl_axis axes[NL_MAX_AXES]; /* the first varies slowest */
    int n_axes;
    char path[NL_TEXT_MAX]; /* of the ini file */
    struct nl_key_origin *origins; /* per key: where its value was given; owned */
} nl_config;

/* Reads `path`, then the overrides in order. On failure nothing needs releasing. */
nl_status nl_config_load(const char *path, const char *const *overrides, int n_overrides, nl_config *out);
void nl_config_release(nl_config *);

/* The sweep axis that gives the key ("section.key"); NULL where none does. */
const nl_axis *nl_config_axis(const nl_config *, const char *key);
bool nl_config_is_swept(const nl_config *, const char *key);
/* NL_ERR_CONFIG with the place where the key was given, or the file, before the message. */
nl_status nl_config_fail(const nl_config *, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Name, unit and meaning of an axis' key. */
const char *nl_config_key_name(int key);
const char *nl_config_key_unit(int key);
const char *nl_config_key_text(int key);

int nl_config_point_count(const nl_config *);
/* A flat copy with the axes' values of one point put in; shares axes and origins with the original: never release. */
nl_config nl_config_at(const nl_config *, int point);
/* The index along each axis. */
void nl_config_indices(const nl_config *, int point, int *indices);

/* The resolved configuration as an ini text that reproduces the run; the caller frees. NULL without memory. */
char *nl_config_text(const nl_config *);
/* A complete commented ini: every key, default, unit and meaning. */
void nl_config_print_keys(FILE *);

#endif
