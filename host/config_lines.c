#include "config_lines.h"

#include <string.h>

#include "config_keys.h"

const char *nl_control_char(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return text;
    return NULL;
}

/* Reads to the end of the line, which is kept; -1 at the end of the file, else the length. NUL bytes count. */
static int read_bytes(FILE *file, char *buffer, int size)
{
    int length = 0, c = 0;
    while (length < size - 1 && c != '\n' && (c = getc(file)) != EOF)
        buffer[length++] = (char)c;
    buffer[length] = '\0';
    return length ? length : -1;
}

/* An indented line without `=` goes on with the list before it; other indentation means nothing, and would to inih. */
static void unindent(nl_lines *lines, char *buffer)
{
    const size_t blank = strspn(buffer, " \t");
    const char *equals = strpbrk(buffer, "=:"), *comment = strpbrk(buffer, ";#");
    const bool is_key = buffer[blank] == '[' || (equals && (!comment || equals < comment));
    lines->continues = blank > 0 && !is_key;
    if (blank > 0 && (is_key || strchr(";#\r\n", buffer[blank])))
        memmove(buffer, buffer + blank, strlen(buffer + blank) + 1);
}

static void check_section(nl_lines *lines, const char *text, size_t length)
{
    const char *close = memchr(text, ']', length);
    if (!close) {
        snprintf(lines->fault, sizeof lines->fault, "the section's closing bracket is missing; write [section]");
        return;
    }
    const char *rest = close + 1 + strspn(close + 1, " \t");
    if (!nl_section_exists(text + 1, (size_t)(close - text - 1)))
        snprintf(lines->fault, sizeof lines->fault, "unknown section %.*s; `nanolase keys` lists sections and keys",
                 (int)(close - text + 1), text);
    else if (!strchr(";#\r\n", *rest))
        snprintf(lines->fault, sizeof lines->fault, "'%.*s' follows the section's name; put it into a line of its own",
                 (int)(text + length - rest), rest);
}

static void check_text(nl_lines *lines, const char *text)
{
    const size_t length = strcspn(text, "\r\n");
    if (length == 0 || *text == ';' || *text == '#')
        return;
    if (*text == '[')
        check_section(lines, text, length);
    else if (!lines->continues && !strpbrk(text, "=:"))
        snprintf(lines->fault, sizeof lines->fault,
                 "'%.*s' is neither [section], key = value nor a comment; write one of these", (int)length, text);
}

/* Bytes of the line without its end. */
static void check_bytes(nl_lines *lines, char *buffer, int length)
{
    char *end = buffer + length;
    if (end > buffer && end[-1] == '\n')
        end -= end - 1 > buffer && end[-2] == '\r' ? 2 : 1;
    const char kept = *end;
    *end = '\0';
    const char *control = nl_control_char(buffer);
    if (!control && strlen(buffer) < (size_t)(end - buffer))
        control = buffer + strlen(buffer);
    if (control)
        snprintf(lines->fault, sizeof lines->fault,
                 "byte %d of the line is 0x%02x, which no text holds; give a plain text file (UTF-8 or ASCII)",
                 (int)(control - buffer) + 1, (unsigned char)*control);
    *end = kept;
}

char *nl_lines_next(nl_lines *lines, char *buffer, int size)
{
    int length = lines->fault[0] ? -1 : read_bytes(lines->file, buffer, size);
    if (length < 0)
        return NULL;
    if (lines->line++ == 0 && strncmp(buffer, "\xEF\xBB\xBF", 3) == 0) { /* the byte order mark of some editors */
        length -= 3;
        memmove(buffer, buffer + 3, (size_t)length + 1);
    }
    check_bytes(lines, buffer, length);
    if (!lines->fault[0] && length > NL_LINE_CHARS)
        snprintf(lines->fault, sizeof lines->fault,
                 "the line is longer than %d characters; break a list before a value, without "
                 "the comma there, and indent what follows",
                 NL_LINE_CHARS);
    if (!lines->fault[0]) {
        unindent(lines, buffer);
        check_text(lines, buffer + strspn(buffer, " \t"));
    }
    return lines->fault[0] ? NULL : buffer;
}
