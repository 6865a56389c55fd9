/*
 * The library from C: solves a configuration on the CPU and prints an observable of every sweep point.
 *
 *   cc example_library.c $(pkg-config --cflags --libs nanolase) -o example
 *   ./example quickstart.ini coherence
 */
#include <nanolase.h>
#include <stdio.h>

typedef struct solution {
    nl_config config;
    nl_plan plan;
    nl_backend *backend;
    nl_result result;
} solution;

static nl_status solve(solution *s, const char *path)
{
    NL_TRY(nl_config_load(path, NULL, 0, &s->config));
    NL_TRY(nl_plan_new(&s->config, &s->plan));
    NL_TRY(nl_backend_open("cpu", 0, 0, (nl_precision)s->config.run_precision, &s->backend));
    NL_TRY(nl_plan_new_result(&s->plan, &s->result));
    return nl_plan_run(&s->plan, s->backend, &s->result, NULL);
}

static nl_status print(const solution *s, const char *observable)
{
    for (int point = 0; point < s->result.n_points; point++) {
        nl_value value;
        NL_TRY(nl_result_value(&s->result, observable, point, s->result.n_times - 1, &value));
        const bool converged = s->result.outcomes[point].status == NL_POINT_CONVERGED;
        printf("%d %.17g %.17g %s\n", point, value.re, value.im, converged ? "converged" : "not converged");
    }
    return NL_OK;
}

static void release(solution *s)
{
    nl_result_release(&s->result);
    nl_backend_close(s->backend);
    nl_plan_release(&s->plan);
    nl_config_release(&s->config);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s CONFIG.ini OBSERVABLE\n", argv[0]);
        return 2;
    }
    solution s = {0}; /* so that everything can be released, however far it came */
    nl_status status = solve(&s, argv[1]);
    if (status == NL_OK)
        status = print(&s, argv[2]);
    release(&s);
    if (status != NL_OK)
        fprintf(stderr, "%s: %s\n", argv[0], nl_error_message());
    return nl_status_exit_code(status);
}
