/* nanolase: config -> plan -> backend -> result -> file. Only this file exits. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "info.h"
#include "nanolase.h"
#include "options.h"
#include "progress.h"
#include "save.h"
#include "summary.h"

/* First signal: finish what is at work and stop. Second: stop at the next step. */
static atomic_int signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

/* One run, from its configuration to its file. */
typedef struct run_state {
    nl_reporter reporter;
    nl_config config;
    nl_plan plan;
    nl_result result;
    nl_provenance provenance;
    char *config_text;
    nl_saver saver;
    nl_backend *backend;
} run_state;

/* ---- watching ---- */

static void on_progress(void *user, const nl_progress *progress)
{
    run_state *s = user;
    nl_report_progress(&s->reporter, progress, nl_result_count_done(&s->result));
    nl_saver_now_and_then(&s->saver, &s->result, &s->provenance);
}

static bool wants_stop(void *user)
{
    (void)user;
    return signals > 0;
}

static bool wants_abort(void *user)
{
    (void)user;
    return signals > 1;
}

static nl_status on_results(void *user)
{
    run_state *s = user;
    s->saver.unsaved = true;
    if (signals > 0) /* who sent it may not wait long */
        nl_saver_save(&s->saver, &s->result, &s->provenance);
    else
        nl_saver_now_and_then(&s->saver, &s->result, &s->provenance);
    return NL_OK;
}

/* ---- the steps of a run ---- */

static nl_status load_config(run_state *s, const nl_options *options)
{
    NL_TRY(nl_config_load(options->file, options->overrides, options->n_overrides, &s->config));
    s->config_text = nl_config_text(&s->config);
    s->provenance.config_text = s->config_text;
    const char *slash = strrchr(options->file, '/'), *stem = slash ? slash + 1 : options->file;
    snprintf(s->provenance.name, sizeof s->provenance.name, "%.*s",
             (int)(strrchr(stem, '.') ? strrchr(stem, '.') - stem : (long)strlen(stem)), stem);
    return s->config_text ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot print the configuration");
}

static const char *output_of(const run_state *s, const nl_options *options)
{
    return options->output ? options->output : s->config.output_file;
}

/* A place that is not fit is told with where it was given. */
static nl_status place_error(const run_state *s, const nl_options *options)
{
    char reason[600];
    snprintf(reason, sizeof reason, "%s", nl_error_message());
    return options->output ? nl_fail(NL_ERR_USAGE, "-o %s", reason)
                           : nl_config_fail(&s->config, "output.file", "%s", reason);
}

static nl_status open_output(run_state *s, const nl_options *options)
{
    const nl_status status = nl_saver_open(output_of(s, options), &s->reporter, &s->saver);
    return status == NL_ERR_USAGE ? place_error(s, options) : status;
}

/* Whether ranks share each grid rather than the points. */
static nl_status choose_sharing(const run_state *s, const nl_options *options, bool *grids)
{
    const bool can = nl_plan_shares_grids(&s->plan);
    size_t available;
    NL_TRY(s->backend->ops->available(s->backend, &available));
    const bool too_large = nl_plan_estimate(&s->plan).point_bytes > (double)available;
    *grids = strcmp(options->share, "auto") == 0 ? can && (s->plan.n_points == 1 || too_large)
                                                 : strcmp(options->share, "grids") == 0;
    return *grids && !can ? nl_fail(NL_ERR_USAGE, "-p grids: is for the phase equations of two lasers; use -p points")
                          : NL_OK;
}

/* What ranks do together. */
static nl_status share_work(run_state *s, const nl_options *options)
{
    const nl_ranks ranks = nl_ranks_now();
    bool grids = false;
    if (ranks.count == 1)
        return NL_OK;
    const nl_status status = choose_sharing(s, options, &grids);
    grids = nl_ranks_any(grids);
    NL_TRY(status);
    s->backend->sharing = NL_SHARE_POINTS;
    if (grids)
        NL_TRY(nl_backend_open_slabs(s->backend, &s->backend));
    nl_report(&s->reporter, 0, "%d ranks, %d of them on the first machine, share %s", ranks.count, ranks.host_count,
              grids ? "the grid" : "the points");
    return NL_OK;
}

static nl_status open_backend(run_state *s, const nl_options *options)
{
    NL_TRY(nl_backend_open(options->backend, nl_ranks_threads(options->threads), nl_ranks_now().host_rank,
                           (nl_precision)s->config.run_precision, &s->backend));
    const nl_backend *backend = s->backend;
    s->provenance.backend = backend->ops->name;
    s->provenance.device = backend->device;
    s->provenance.threads = backend->threads;
    s->provenance.ranks = nl_ranks_now().count;
    if (strcmp(backend->ops->name, "cpu") != 0)
        nl_report(&s->reporter, 0, "running on %s", backend->device);
    else if (strcmp(options->backend, "auto") == 0)
        nl_report(&s->reporter, 0, "running on the CPU (%s, %d threads): %s", backend->device, backend->threads,
                  nl_error_message());
    else
        nl_report(&s->reporter, 0, "running on the CPU (%s, %d threads)", backend->device, backend->threads);
    return NL_OK;
}

static nl_status check_memory(run_state *s)
{
    size_t available;
    NL_TRY(s->backend->ops->available(s->backend, &available));
    NL_TRY(nl_plan_check_memory(&s->plan, (double)available, s->backend->threads > 0));
    /* once more while they are put together for the file */
    const double result = 2 * nl_plan_result_bytes(&s->plan), host = (double)nl_host_memory();
    if (result > host)
        return nl_fail(NL_ERR_MEMORY, "%s: the results need %.3g GB and %.3g GB are free; use a smaller sweep or "
                                      "fields = no",
                       s->config.path, result / 1e9, host / 1e9);
    return NL_OK;
}

static nl_status prepare_result(run_state *s, const nl_options *options)
{
    int done = 0;
    NL_TRY(nl_plan_new_result(&s->plan, &s->result));
    s->reporter.points_total = s->result.n_points;
    if (options->resume && nl_ranks_is_first()) {
        NL_TRY(nl_result_resume(&s->result, &s->provenance, s->saver.path, &done));
        nl_report(&s->reporter, 0, "%s: %d of %d points are done", s->saver.path, done, s->result.n_points);
        s->reporter.done_at_start = done;
    }
    return NL_OK;
}

static void report_plan(run_state *s)
{
    const nl_plan_work work = nl_plan_estimate(&s->plan);
    nl_report(&s->reporter, 1,
              "%s: %d points, %s %d to %d on up to %d grids, method of the first point %s, %.3g MB for "
              "the largest point",
              s->config.path, s->plan.n_points, s->plan.model->size_name, work.n_least, work.n_most,
              s->plan.points[0].levels, s->plan.tableaux[0]->name, work.point_bytes / 1e6);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (nl_ranks_now().count > 1)
        sigaction(SIGUSR1, &action, NULL); /* mpirun passes it on, and gives time: after SIGTERM it kills */
}

static nl_status compute(run_state *s)
{
    /* To keep a grid that ranks share all of them would have to come together for it. */
    nl_store *store = s->backend->sharing == NL_SHARE_GRIDS ? NULL : s->saver.store;
    const nl_watcher watcher = {s, on_progress, on_results, wants_stop, wants_abort, store};
    const time_t now = time(NULL);
    strftime(s->provenance.start, sizeof s->provenance.start, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    watch_signals();
    NL_TRY(nl_ranks_agree(nl_saver_begin(&s->saver, &s->result, &s->provenance)));
    const nl_status status = nl_plan_run(&s->plan, s->backend, &s->result, &watcher);
    if (status == NL_OK)
        return nl_ranks_agree(nl_saver_finish(&s->saver, &s->result, &s->provenance));
    char reason[600];
    snprintf(reason, sizeof reason, "%s", nl_error_message());
    nl_saver_save(&s->saver, &s->result, &s->provenance); /* the points that are done */
    return nl_fail(status, "%s", reason);
}

static nl_status prepare(run_state *s, const nl_options *options)
{
    NL_TRY(load_config(s, options));
    NL_TRY(nl_plan_new(&s->config, &s->plan));
    return open_output(s, options);
}

static nl_status run(run_state *s, const nl_options *options)
{
    NL_TRY(nl_ranks_start());
    NL_TRY(nl_ranks_agree(prepare(s, options)));
    NL_TRY(nl_ranks_agree(open_backend(s, options)));
    NL_TRY(nl_ranks_agree(share_work(s, options)));
    NL_TRY(nl_ranks_agree(check_memory(s)));
    NL_TRY(nl_ranks_agree(prepare_result(s, options)));
    nl_ranks_broadcast(s->result.outcomes, (size_t)s->result.n_points * sizeof *s->result.outcomes);
    NL_TRY(nl_ranks_agree(nl_saver_keep_states(&s->saver, &s->result, &s->provenance, options->resume)));
    report_plan(s);
    return compute(s);
}

static nl_status command_run(const nl_options *options, int *exit_code)
{
    run_state s = {.reporter = nl_reporter_new(nl_ranks_launched().rank == 0 ? options->verbosity : NL_SILENT)};
    const nl_status status = run(&s, options);
    if (status == NL_OK)
        *exit_code = nl_summarise(&s.reporter, &s.plan, &s.result, s.saver.path);
    nl_result_release(&s.result);
    nl_plan_release(&s.plan);
    nl_backend_close(s.backend);
    nl_saver_close(&s.saver);
    free(s.config_text);
    nl_config_release(&s.config);
    return status;
}

/* ---- the process ---- */

/*
 * Threads that wait for each other spin, by default for milliseconds: where other programs keep the processors busy, a
 * step then takes ten times as long. And a BLAS with threads of its own would start them in each of ours. Both
 * libraries read the environment before main starts, hence a new start.
 */
static void tame_threads(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || setenv("GOMP_SPINCOUNT", "5000", 1) != 0 ||
        setenv("OPENBLAS_NUM_THREADS", "1", 0) != 0)
        return;
    char self[4096]; /* not argv[0], which need not name a file */
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        execv(self, argv); /* where that fails, things only go slower */
    }
}

/* Of many processes that a launcher starts one speaks. The others keep their error output for what that one cannot
 * know. */
static nl_options parse_options(int argc, char **argv, bool speaks)
{
    const int errors = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    if (!speaks) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    const nl_options options = nl_options_parse(argc, argv);
    dup2(errors, STDERR_FILENO);
    close(errors);
    close(nowhere);
    return options;
}

int main(int argc, char **argv)
{
    tame_threads(argv);
    const bool speaks = nl_ranks_launched().rank == 0;
    const nl_options options = parse_options(argc, argv, speaks);
    nl_status status = NL_OK;
    int exit_code = 0;
    switch (options.command) {
    case NL_COMMAND_RUN: status = command_run(&options, &exit_code); break;
    case NL_COMMAND_CHECK: status = nl_check(&options); break;
    case NL_COMMAND_SHOW: status = nl_result_show(options.file, options.csv, stdout); break;
    case NL_COMMAND_KEYS: nl_config_print_keys(stdout); break;
    case NL_COMMAND_INFO: status = nl_info(); break;
    }
    if (status == NL_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = nl_fail(NL_ERR_FILE, "standard output: cannot be written");
    if (status != NL_OK && (speaks || !nl_ranks_have_agreed()))
        fprintf(stderr, "nanolase: %s\n", nl_error_message());
    if (status != NL_OK && !nl_ranks_have_agreed())
        nl_ranks_abort(nl_status_exit_code(status));
    nl_ranks_finish();
    return status == NL_OK ? exit_code : nl_status_exit_code(status);
}
