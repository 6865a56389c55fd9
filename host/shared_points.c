#include "shared_points.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport.h"

enum { TAG_ASK, TAG_GIVE, TAG_POINT, TAG_DATA, TAG_FAILURE, TAG_DONE };

static const struct timespec NAP = {0, 300000}; /* of rank 0's thread between looks for messages */

typedef struct request {
    double room;
    bool stops; /* this rank's watcher wants the run to stop */
} request;

/* The answer; of the points only `count` are sent. */
typedef struct batch {
    int file; /* that holds their states, or below 0 */
    int index[NL_MAX_BATCH];
} batch;

/* One finished point; values, fields and state follow. */
typedef struct finished {
    int point;
    nl_outcome outcome;
} finished;

typedef struct failure {
    nl_status status;
    char message[600];
} failure;

struct nl_sharing_rank {
    nl_queue *queue;
    pthread_t server; /* rank 0 */
    int working;      /* rank 0: others that have not come to their end */
    nl_watcher watcher;
    /* Other ranks; touched in the critical section nl_watch only. */
    int *held, n_held;  /* points taken and not returned */
    nl_outcome *sent;   /* [point]: what rank 0 knows */
};

/* ---- the data of a point ---- */

static size_t state_len(const nl_plan *plan, int p)
{
    const nl_operator op = plan->model->operator_shape(&plan->points[p], plan->points[p].n);
    return nl_operator_size(&op);
}

/* Room for a point's state where those are kept. */
static nl_status make_state(const nl_plan *plan, nl_result *r, int p)
{
    const size_t len = state_len(plan, p);
    if (!r->states || r->states[p])
        return NL_OK;
    r->states[p] = malloc(len * sizeof(double));
    return r->states[p] ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot keep a state of %.1f MB", (double)len * 8e-6);
}

/* Calls `pass` for each block of memory that makes up a point's results: to send them, or to receive. */
static void pass_point(const nl_plan *plan, nl_result *r, int p, int rank, void (*pass)(int, int, void *, size_t))
{
    pass(rank, TAG_DATA, nl_result_values(r, p, 0), (size_t)r->n_times * r->n_observables * sizeof *r->values);
    for (int k = 0; k < r->n_fields; k++) {
        const size_t len = nl_field_len(&r->fields[k]);
        pass(rank, TAG_DATA, r->field_data[k] + p * len, len * sizeof(double));
    }
    if (r->states)
        pass(rank, TAG_DATA, r->states[p], state_len(plan, p) * sizeof(double));
}

static void send_block(int to, int tag, void *data, size_t bytes)
{
    nl_transport_send(to, tag, data, bytes);
}

/* ---- rank 0 ---- */

static nl_store *store_of(const nl_sharing_rank *s)
{
    return s->queue->watcher ? s->queue->watcher->store : NULL;
}

static void answer(nl_sharing_rank *s, int from)
{
    batch given;
    request asked;
    nl_transport_receive(from, TAG_ASK, &asked, sizeof asked);
    if (asked.stops)
        nl_queue_stop(s->queue);
    const int count = nl_queue_take(s->queue, asked.room, given.index);
    given.file = nl_store_hand_over(store_of(s), given.index, count);
    nl_transport_send(from, TAG_GIVE, &given, offsetof(batch, index) + (size_t)count * sizeof *given.index);
}

static void enter_point(nl_sharing_rank *s, int from)
{
    nl_queue *q = s->queue;
    finished done;
    nl_transport_receive(from, TAG_POINT, &done, sizeof done);
#pragma omp critical(nl_watch)
    {
        nl_status status = make_state(q->plan, q->result, done.point);
        if (status != NL_OK) /* what follows could not be received */
            nl_ranks_abort(nl_status_exit_code(status));
        pass_point(q->plan, q->result, done.point, from, nl_transport_receive);
        q->result->outcomes[done.point] = done.outcome;
        if (q->watcher)
            status = q->watcher->on_results(q->watcher->user);
        nl_queue_fail(q, status);
    }
}

static void note_failure(nl_sharing_rank *s, int from)
{
    failure f;
    nl_transport_receive(from, TAG_FAILURE, &f, sizeof f);
    nl_queue_fail(s->queue, nl_fail(f.status, "%s", f.message));
}

static void note_end(nl_sharing_rank *s, int from)
{
    char nothing;
    nl_transport_receive(from, TAG_DONE, &nothing, 0);
    s->working--;
}

/* A launcher that was told to stop gives its processes about a second: what is there is saved before points finish. */
static void save_at_stop(nl_sharing_rank *s, bool *saved)
{
    const nl_watcher *w = s->queue->watcher;
    if (*saved || !w || !w->wants_stop || !w->wants_stop(w->user))
        return;
    *saved = true;
#pragma omp critical(nl_watch)
    nl_queue_fail(s->queue, w->on_results(w->user));
}

static void *serve(void *sharing)
{
    nl_sharing_rank *s = sharing;
    bool saved = false;
    while (s->working > 0) {
        int from, tag;
        size_t bytes;
        save_at_stop(s, &saved);
        if (!nl_transport_poll(&from, &tag, &bytes)) {
            nanosleep(&NAP, NULL);
            continue;
        }
        switch (tag) {
        case TAG_ASK: answer(s, from); break;
        case TAG_POINT: enter_point(s, from); break;
        case TAG_FAILURE: note_failure(s, from); break;
        default: note_end(s, from);
        }
    }
    return NULL;
}

/* ---- the other ranks ---- */

static bool wants_stop(void *user)
{
    const nl_watcher *w = ((nl_sharing_rank *)user)->queue->watcher;
    return w && w->wants_stop && w->wants_stop(w->user);
}

static bool wants_abort(void *user)
{
    const nl_watcher *w = ((nl_sharing_rank *)user)->queue->watcher;
    return w && w->wants_abort && w->wants_abort(w->user);
}

static void no_progress(void *user, const nl_progress *progress)
{
    (void)user;
    (void)progress;
}

/* Sends a point that is finished, unless rank 0 has it as it is. */
static void send_point(nl_sharing_rank *s, int p)
{
    nl_queue *q = s->queue;
    const finished done = {p, q->result->outcomes[p]};
    if (done.outcome.status == NL_POINT_PENDING || memcmp(&done.outcome, &s->sent[p], sizeof done.outcome) == 0)
        return;
    s->sent[p] = done.outcome;
    nl_transport_send(0, TAG_POINT, &done, sizeof done);
    pass_point(q->plan, q->result, p, 0, send_block);
}

static nl_status on_results(void *user)
{
    nl_sharing_rank *s = user;
    for (int h = 0; h < s->n_held; h++)
        send_point(s, s->held[h]);
    return NL_OK;
}

static int ask(nl_sharing_rank *s, double room, int *index)
{
    const request asking = {room, wants_stop(s)};
    batch given;
    int from, tag;
    size_t bytes = 0;
    nl_transport_send(0, TAG_ASK, &asking, sizeof asking);
    while (!nl_transport_poll(&from, &tag, &bytes)) /* what is sent to this rank is the answer and nothing else */
        nanosleep(&NAP, NULL);
    nl_transport_receive(0, TAG_GIVE, &given, bytes);
    const int count = (int)((bytes - offsetof(batch, index)) / sizeof *index);
    memcpy(index, given.index, (size_t)count * sizeof *index);
    memcpy(s->held + s->n_held, index, (size_t)count * sizeof *index);
    s->n_held += count;
    if (count > 0)
        nl_store_take_up(store_of(s), given.file);
    return count;
}

static void drop(nl_sharing_rank *s, int point)
{
    for (int h = 0; h < s->n_held; h++)
        if (s->held[h] == point)
            s->held[h] = s->held[--s->n_held];
}

/* ---- both ---- */

nl_status nl_sharing_new(nl_queue *queue, nl_sharing_rank **out)
{
    const size_t n = (size_t)queue->plan->n_points;
    nl_sharing_rank *s = calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate what ranks share");
    s->queue = queue;
    s->watcher = (nl_watcher){s, no_progress, on_results, wants_stop, wants_abort, store_of(s)};
    s->working = nl_ranks_now().count - 1;
    if (nl_ranks_is_first())
        return pthread_create(&s->server, NULL, serve, s) == 0 ? NL_OK
                                                               : nl_fail(NL_ERR_MEMORY, "cannot start a thread");
    s->held = calloc(n, sizeof *s->held);
    s->sent = calloc(n, sizeof *s->sent);
    return s->held && s->sent ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of %zu points", n);
}

const nl_watcher *nl_sharing_watcher(nl_sharing_rank *s)
{
    return nl_ranks_is_first() ? s->queue->watcher : &s->watcher;
}

int nl_sharing_take(nl_sharing_rank *s, double room, int *index)
{
    int count = 0;
    if (nl_ranks_is_first())
        return nl_queue_take(s->queue, room, index);
#pragma omp critical(nl_watch)
    if (s->queue->status == NL_OK)
        count = ask(s, room, index);
    return count;
}

void nl_sharing_return(nl_sharing_rank *s, const int *index, int count)
{
    if (nl_ranks_is_first())
        return;
#pragma omp critical(nl_watch)
    for (int k = 0; k < count; k++) {
        send_point(s, index[k]);
        drop(s, index[k]);
    }
}

static void report_end(const nl_queue *queue)
{
    failure f = {.status = queue->status};
    memcpy(f.message, queue->message, sizeof f.message);
    if (f.status != NL_OK)
        nl_transport_send(0, TAG_FAILURE, &f, sizeof f);
    nl_transport_send(0, TAG_DONE, &f, 0);
}

/* What joint methods go on from must be on every rank, to the last bit. */
static nl_status share_results(const nl_plan *plan, nl_result *r)
{
    const size_t n_values = (size_t)r->n_points * r->n_times * r->n_observables;
    nl_ranks_broadcast(r->outcomes, (size_t)r->n_points * sizeof *r->outcomes);
    nl_ranks_broadcast(r->values, n_values * sizeof *r->values);
    for (int p = 0; p < r->n_points && r->states; p++) {
        if (r->outcomes[p].status == NL_POINT_PENDING)
            continue;
        NL_TRY(make_state(plan, r, p));
        nl_ranks_broadcast(r->states[p], state_len(plan, p) * sizeof(double));
    }
    return NL_OK;
}

nl_status nl_sharing_finish(nl_sharing_rank *s)
{
    nl_queue *queue = s->queue;
    if (nl_ranks_is_first())
        pthread_join(s->server, NULL);
    else
        report_end(queue);
    free(s->held);
    free(s->sent);
    free(s);
    NL_TRY(nl_ranks_agree(queue->status == NL_OK ? NL_OK : nl_fail(queue->status, "%s", queue->message)));
    return share_results(queue->plan, queue->result);
}
