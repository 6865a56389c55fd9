#include "options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

const char *argp_program_version = "nanolase " NL_VERSION;

static const struct {
    const char *name;
    nl_command command;
    const char *flags; /* option keys that it takes */
    bool takes_file;
} commands[] = {
    {"run", NL_COMMAND_RUN, "objpsrqv", true}, {"check", NL_COMMAND_CHECK, "s", true},
    {"show", NL_COMMAND_SHOW, "c", true},     {"keys", NL_COMMAND_KEYS, "", false},
    {"info", NL_COMMAND_INFO, "", false},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const struct argp_option option_list[] = {
    {"output", 'o', "OUT.h5", 0, "run: result file, instead of [output] file", 0},
    {"backend", 'b', "auto|cpu|cuda", 0, "run: where to compute (auto: a CUDA device if there is one)", 0},
    {"threads", 'j', "THREADS", 0, "run: CPU threads (default: all)", 0},
    {"share", 'p', "auto|points|grids", 0,
     "run, by several processes: what they share (auto: points, of a single one or one too large its grid)", 0},
    {"set", 's', "SECTION.KEY=VALUE", 0, "run, check: overrides the configuration; may be repeated", 0},
    {"resume", 'r', 0, 0, "run: keep the points that the result file holds already", 0},
    {"quiet", 'q', 0, 0, "run: only errors", 0},
    {"verbose", 'v', 0, 0, "run: more about what is done", 0},
    {"csv", 'c', 0, 0, "show: for programs", 0},
    {0},
};

typedef struct parse {
    nl_options options;
    int index; /* of the command; -1 before it */
    char keys[64];
    int n_keys;
} parse;

static int find_command(const char *name)
{
    for (int c = 0; c < N_COMMANDS; c++)
        if (strcmp(commands[c].name, name) == 0)
            return c;
    return -1;
}

static int parse_threads(struct argp_state *state, const char *text)
{
    char *end;
    const long threads = strtol(text, &end, 10);
    if (*end != '\0' || threads < 1 || threads > 4096)
        argp_error(state, "-j %s: give a number of threads from 1 to 4096", text);
    return (int)threads;
}

static void set_positional(struct argp_state *state, parse *p, const char *text)
{
    if (p->index < 0) {
        p->index = find_command(text);
        if (p->index < 0)
            argp_error(state, "unknown command '%s'; use run, check, show, keys or info", text);
        p->options.command = commands[p->index].command;
    } else if (!p->options.file && commands[p->index].takes_file) {
        p->options.file = text;
    } else {
        argp_error(state, "'%s' is one argument too many for %s", text, commands[p->index].name);
    }
}

static void check_complete(struct argp_state *state, const parse *p)
{
    if (p->index < 0)
        argp_error(state, "give a command: run, check, show, keys or info");
    for (int k = 0; k < p->n_keys; k++)
        if (!strchr(commands[p->index].flags, p->keys[k]))
            argp_error(state, "%s does not take -%c", commands[p->index].name, p->keys[k]);
    if (commands[p->index].takes_file && !p->options.file)
        argp_error(state, "%s needs a file", commands[p->index].name);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    parse *p = state->input;
    if (key > 0 && key < 128 && p->n_keys < (int)sizeof p->keys)
        p->keys[p->n_keys++] = (char)key;
    switch (key) {
    case 'o': p->options.output = argument; return 0;
    case 'b':
        if (strcmp(argument, "auto") && strcmp(argument, "cpu") && strcmp(argument, "cuda"))
            argp_error(state, "-b %s: use auto, cpu or cuda", argument);
        p->options.backend = argument;
        return 0;
    case 'p':
        if (strcmp(argument, "auto") && strcmp(argument, "points") && strcmp(argument, "grids"))
            argp_error(state, "-p %s: use auto, points or grids", argument);
        p->options.share = argument;
        return 0;
    case 'j': p->options.threads = parse_threads(state, argument); return 0;
    case 's':
        if (p->options.n_overrides == NL_MAX_OVERRIDES)
            argp_error(state, "more than %d overrides", NL_MAX_OVERRIDES);
        p->options.overrides[p->options.n_overrides++] = argument;
        return 0;
    case 'r': p->options.resume = true; return 0;
    case 'q': p->options.verbosity = -1; return 0;
    case 'v': p->options.verbosity = 1; return 0;
    case 'c': p->options.csv = true; return 0;
    case ARGP_KEY_ARG: set_positional(state, p, argument); return 0;
    case ARGP_KEY_END: check_complete(state, p); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

nl_options nl_options_parse(int argc, char **argv)
{
    static const struct argp argp = {
        option_list, parse_option, "run CONFIG.ini\ncheck CONFIG.ini\nshow OUT.h5\nkeys\ninfo",
        "Solves the equations of coupled nanolasers in the time domain, on a GPU or a CPU.\v"
        "run computes, check validates a configuration without computing, show prints a result, keys prints a complete "
        "commented configuration, info tells what this build and machine can do.\n\n"
        "Exit codes: 0 done; 1 some point did not converge; 2 usage or configuration; 3 device or memory; 4 file.",
        0, 0, 0};
    parse p = {.options = {.backend = "auto", .share = "auto"}, .index = -1};
    argp_err_exit_status = 2;
    argv[0] = "nanolase"; /* how every message begins, wherever the program lies */
    argp_parse(&argp, argc, argv, 0, 0, &p);
    return p.options;
}
