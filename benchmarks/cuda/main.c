/*
 * Operations and whole steps of the CUDA backend, and what they are measured against: a copy within the device's
 * memory, an assembled matrix applied by cuSPARSE, combining and applying apart, and the CPU of the same machine.
 *   bench_cuda [--check] [--single] [--csv FILE] [GROUP ...]
 *
 * A wrong answer ends it: whatever is timed has been compared with the CPU backend before. Times are the median of
 * repeated calls, by CUDA events on the backend's stream; spread is (largest - smallest)/median; "cold" is a call after
 * the caches were filled with other data. GB/s counts the least that has to move, each vector of a call once, and "of
 * copy" is that over the same run's copy (of the CPU: its triad). Of steps the time is that of one.
 */
#include "../bench.h"
#include "groups.h"

static const char usage[] = "usage: bench_cuda [--check] [--single] [--csv FILE] [GROUP ...]\n"
                            "  --check   small sizes, each thing once: are the answers right?\n"
                            "  --single  single precision\n"
                            "  --csv     one line a measurement into FILE as well\n"
                            "groups:";

typedef struct options {
    bool check, single;
    const char *csv;
    char **groups;
    int n_groups;
} options;

static void end_with_usage(int code)
{
    FILE *out = code ? stderr : stdout;
    fputs(usage, out);
    for (int g = 0; g < bench_group_count; g++)
        fprintf(out, " %s", bench_groups[g].word);
    fputs("\n", out);
    exit(code);
}

static bool is_group(const char *word)
{
    for (int g = 0; g < bench_group_count; g++)
        if (strcmp(word, bench_groups[g].word) == 0)
            return true;
    return false;
}

static options read_options(int argc, char **argv)
{
    options o = {0};
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--check") == 0)
            o.check = true;
        else if (strcmp(argv[at], "--single") == 0)
            o.single = true;
        else if (strcmp(argv[at], "--csv") == 0 && at + 1 < argc)
            o.csv = argv[++at];
        else
            end_with_usage(strcmp(argv[at], "--help") == 0 ? 0 : 2);
    }
    o.groups = argv + at;
    o.n_groups = argc - at;
    for (int g = 0; g < o.n_groups; g++)
        if (!is_group(o.groups[g]))
            end_with_usage(2);
    return o;
}

static bool wants(const options *o, const char *word)
{
    for (int g = 0; g < o->n_groups; g++)
        if (strcmp(word, o->groups[g]) == 0)
            return true;
    return o->n_groups == 0;
}

static bench start(const options *o)
{
    bench b = {.checks_only = o->check};
    const nl_precision precision = o->single ? NL_SINGLE : NL_DOUBLE;
    const time_t now = time(NULL);
    strftime(b.date, sizeof b.date, "%Y-%m-%d", gmtime(&now));
    if (nl_backend_open("cuda", 0, 0, precision, &b.device) != NL_OK ||
        nl_backend_open("cpu", 0, 0, precision, &b.cpu) != NL_OK || bench_events_new(b.device, &b.events) != NL_OK)
        bench_fail(nl_error_message());
    bench_events_describe(b.events, b.facts, sizeof b.facts);
    if (o->csv && !(b.csv = fopen(o->csv, "w"))) {
        perror(o->csv);
        exit(4);
    }
    bench_print_machine();
    printf("%s: %s\n", b.device->device, b.facts);
    b.device_copy = bench_copy_rate(&b);
    b.cpu_triad = b.checks_only ? 1e9 : bench_triad(b.cpu->threads);
    printf("copy on the device %.1f GB/s (bytes read and written), triad of the CPU %.1f GB/s\n", b.device_copy / 1e9,
           b.cpu_triad / 1e9);
    return b;
}

int main(int argc, char **argv)
{
    const options o = read_options(argc, argv);
    bench b = start(&o);
    for (int g = 0; g < bench_group_count; g++)
        if (wants(&o, bench_groups[g].word)) {
            bench_header(&b, bench_groups[g].word, bench_groups[g].title);
            bench_groups[g].run(&b);
        }
    printf("\n%d measurements, every answer checked\n", b.rows);
    bench_events_release(b.events);
    nl_backend_close(b.device);
    nl_backend_close(b.cpu);
    if (b.csv && fclose(b.csv) != 0) {
        perror(o.csv);
        return 4;
    }
    return 0;
}
