#include "nanolase/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[2048];

const char *nl_status_text(nl_status status)
{
#define TEXT(code, text, exit) text,
    static const char *const texts[] = {NL_STATUS_LIST(TEXT)};
#undef TEXT
    return status >= 0 && status < NL_STATUS_COUNT ? texts[status] : "unknown status";
}

int nl_status_exit_code(nl_status status)
{
#define EXIT(code, text, exit) exit,
    static const int codes[] = {NL_STATUS_LIST(EXIT)};
#undef EXIT
    return status >= 0 && status < NL_STATUS_COUNT ? codes[status] : 3;
}

#undef nl_fail
nl_status nl_fail(nl_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

const char *nl_error_message(void)
{
    return message;
}
