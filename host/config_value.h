/* The value of one key: taken from text, checked, and put into a configuration. */
#ifndef NL_CONFIG_VALUE_H
#define NL_CONFIG_VALUE_H

#include "config_keys.h"

/* What is wrong with a value and what would be right; where it stands is for the reader to say. */
typedef struct nl_reason {
    char text[600];
} nl_reason;

/* Takes the text as the value of the key; false with the reason where it is none. */
bool nl_key_set(nl_config *, const nl_key *, const char *text, nl_reason *why);
/* Whether a number is within the key's range; false with the reason. */
bool nl_key_allows(const nl_key *, double value, nl_reason *why);
/* Puts a number, or what stands for auto: NAN, of whole numbers 0. */
void nl_key_store_number(nl_config *, const nl_key *, double value);
/* Puts the default. */
void nl_key_set_default(nl_config *, const nl_key *);

#endif
