/*
 * The types of DNS records that a rule can allow, by their names.  Pure.
 */
#ifndef SBX_DNS_TYPE_H
#define SBX_DNS_TYPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The number of a type; 0: it cannot be allowed, and why in *ret_why, which is
 * NULL if there is no such type. */
uint16_t dns_type_parse(const char *name, const char **ret_why);

/* NULL: it cannot be allowed. */
const char *dns_type_name(uint16_t type);

/* Such types as a list of YAML, with the end of the line. */
void dns_types_put(FILE *out, const uint16_t *list, size_t count);

#endif
