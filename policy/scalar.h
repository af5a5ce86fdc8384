/*
 * What YAML makes of a word without quotes.  Pure.
 *
 * YAML 1.1 has many more booleans and numbers than people expect (no, on, y,
 * 0777, 1:30, ~).  Where such a word stands for a text, other YAML tools read
 * something else, so we ask for quotes.
 */
#ifndef SBX_SCALAR_H
#define SBX_SCALAR_H

/*
 * NULL when the unquoted word is plainly a text, else what YAML 1.1 or 1.2
 * may take it for: "a boolean", "nothing", "a number", "a date".
 */
const char *scalar_surprise(const char *word);

#endif
