#include "config_difference.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SECTION = 32, LONGEST_KEY = 64, LONGEST_VALUE = 60, MOST_LINES = 8 };

/* A stretch of a text. */
typedef struct span {
    const char *at;
    int length;
} span;

typedef struct entry {
    span section, key, value;
} entry;

static bool same(span a, span b)
{
    return a.length == b.length && memcmp(a.at, b.at, (size_t)a.length) == 0;
}

static bool is_word(span a, const char *word)
{
    return same(a, (span){word, (int)strlen(word)});
}

static const char *line_end(const char *at)
{
    return at + strcspn(at, "\n");
}

/* The next "key = value" at or after `at`, with the indented lines that go on with the value; NULL after the last. */
static const char *next_entry(const char *at, span *section, entry *out)
{
    while (*at) {
        const char *end = line_end(at), *equals = memchr(at, '=', (size_t)(end - at));
        if (*at == '[')
            *section = (span){at + 1, (int)strcspn(at + 1, "]\n")};
        if (*at != '[' && equals && equals - at >= 2) {
            while (end[0] == '\n' && end[1] == ' ')
                end = line_end(end + 1);
            const char *value = equals + 1 + (equals[1] == ' ');
            *out = (entry){*section, {at, (int)(equals - at - 1)}, {value, (int)(end - value)}};
            return *end ? end + 1 : end;
        }
        at = *end ? end + 1 : end;
    }
    return NULL;
}

static bool find(const char *text, const entry *wanted, span *value)
{
    span section = {"", 0};
    entry e;
    for (const char *at = next_entry(text, &section, &e); at; at = next_entry(at, &section, &e))
        if (same(e.section, wanted->section) && same(e.key, wanted->key)) {
            *value = e.value;
            return true;
        }
    return false;
}

/* A value in quotes of words; long ones only begin. */
static void describe(bool given, span value, char out[LONGEST_VALUE + 8])
{
    const int length = value.length < LONGEST_VALUE ? value.length : LONGEST_VALUE;
    if (!given)
        strcpy(out, "not given");
    else
        snprintf(out, LONGEST_VALUE + 8, "%.*s%s", length, value.at, length < value.length ? " ..." : "");
}

static int shorter(int a, int b)
{
    return a < b ? a : b;
}

typedef struct list {
    char *out;
    size_t size, used;
    int count;
} list;

static void add(list *l, const entry *e, bool was_given, span was, bool is_given, span is)
{
    char a[LONGEST_VALUE + 8], b[LONGEST_VALUE + 8], line[LONGEST_SECTION + LONGEST_KEY + 2 * LONGEST_VALUE + 40];
    if (was_given && is_given && same(was, is))
        return;
    if (is_word(e->section, "output") && (is_word(e->key, "file") || is_word(e->key, "checkpoint")))
        return;
    describe(was_given, was, a);
    describe(is_given, is, b);
    const int length = snprintf(line, sizeof line, "    %.*s.%.*s was %s, is %s\n",
                                shorter(e->section.length, LONGEST_SECTION), e->section.at,
                                shorter(e->key.length, LONGEST_KEY), e->key.at, a, b);
    for (char *c = line; c < line + length - 1; c++) /* one line, and nothing that a terminal would obey */
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c;
    if (l->count++ >= MOST_LINES || l->used + (size_t)length >= l->size)
        return;
    memcpy(l->out + l->used, line, (size_t)length + 1);
    l->used += (size_t)length;
}

int nl_config_difference(const char *was, const char *is, char *out, size_t size)
{
    list l = {out, size, 0, 0};
    span section = {"", 0}, other = {"", 0};
    entry e;
    out[0] = '\0';
    for (const char *at = next_entry(is, &section, &e); at; at = next_entry(at, &section, &e)) {
        const bool given = find(was, &e, &other);
        add(&l, &e, given, other, true, e.value);
    }
    section = (span){"", 0};
    for (const char *at = next_entry(was, &section, &e); at; at = next_entry(at, &section, &e))
        if (!find(is, &e, &other))
            add(&l, &e, true, e.value, false, other);
    return l.count;
}
