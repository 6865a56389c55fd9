/*
 * Status codes, and the message that goes with the last failure of this thread.
 *
 * Every function that can fail returns an nl_status. The place that finds the fault calls nl_fail with a message
 * that says what is wrong and what would be right; callers pass it up with NL_TRY. Only main prints.
 */
#ifndef NL_ERROR_H
#define NL_ERROR_H

/*   code            text                          exit code of the program */
#define NL_STATUS_LIST(X)                                                                                             \
    X(OK, "success", 0)                                                                                                \
    X(ERR_USAGE, "wrong usage", 2)                                                                                     \
    X(ERR_CONFIG, "bad configuration", 2)                                                                              \
    X(ERR_MEMORY, "out of memory", 3)                                                                                  \
    X(ERR_NO_CUDA, "no CUDA device", 3)                                                                                \
    X(ERR_CUDA, "CUDA failure", 3)                                                                                     \
    X(ERR_FILE, "file error", 4)                                                                                       \
    X(ERR_INTERNAL, "internal error", 3)

#define NL_STATUS_ENUM(code, text, exit) NL_##code,
typedef enum nl_status { NL_STATUS_LIST(NL_STATUS_ENUM) NL_STATUS_COUNT } nl_status;
#undef NL_STATUS_ENUM

#ifdef __cplusplus
extern "C" {
#endif

const char *nl_status_text(nl_status status);
int nl_status_exit_code(nl_status status);

/* Records a formatted message for this thread and returns status. */
nl_status nl_fail(nl_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* which cannot see from here that nl_fail returns the status that it is given */
#define nl_fail(status, ...) ((void)(nl_fail)((status), __VA_ARGS__), (status))
#endif

/* The message of the last nl_fail of this thread; never NULL. */
const char *nl_error_message(void);

#ifdef __cplusplus
}
#endif

#define NL_TRY(call)                                                                                                   \
    do {                                                                                                               \
        const nl_status nl_try_status = (call);                                                                        \
        if (nl_try_status != NL_OK)                                                                                    \
            return nl_try_status;                                                                                      \
    } while (0)

#endif
