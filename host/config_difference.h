/* Where two configurations differ, for people. */
#ifndef NL_CONFIG_DIFFERENCE_H
#define NL_CONFIG_DIFFERENCE_H

#include <stddef.h>

/*
 * Compares two texts of nl_config_text: one line for each key that differs, "    section.key was VALUE, is VALUE", as
 * far as they fit. Where results are kept, and how often, is no difference. Returns the number of keys that differ.
 */
int nl_config_difference(const char *was, const char *is, char *out, size_t size);

#endif
