/*
 * Any text as YAML that reads back as that text: the one place that quotes and
 * escapes, for what documents say and for what strangers sent.  Pure.
 */
#ifndef SBX_YAML_TEXT_H
#define SBX_YAML_TEXT_H

#include <stdio.h>

/*
 * Plain where no reading of YAML could differ, else in double quotes on one
 * line.  What is no UTF-8 becomes U+FFFD.
 */
void yaml_put_text(FILE *out, const char *text);

/* For behind a "#": printable ASCII as it is, every other byte as \xNN. */
void yaml_put_comment(FILE *out, const char *text);

#endif
