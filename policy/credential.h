/*
 * What a credential's binding may look like: field names, formats,
 * placeholders.  Pure; knows no values.
 */
#ifndef SBX_CREDENTIAL_H
#define SBX_CREDENTIAL_H

/* Each returns NULL when the text will do, else what was expected. */

/* A field name that carries no framing or routing. */
const char *credential_header_error(const char *name);

/* Printable ASCII with ${value} in it exactly once. */
const char *credential_format_error(const char *format);

/* Enough printable ASCII to be nothing else by accident. */
const char *credential_placeholder_error(const char *placeholder);

/* A variable's name, and a name in $CREDENTIALS_DIRECTORY. */
const char *credential_env_error(const char *name);
const char *credential_systemd_error(const char *name);

/* An absolute path. */
const char *credential_path_error(const char *path);

#endif
