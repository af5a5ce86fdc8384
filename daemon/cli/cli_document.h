/*
 * A document that somebody hands to a command: a file, or standard input.
 */
#ifndef SBX_CLI_DOCUMENT_H
#define SBX_CLI_DOCUMENT_H

/* All of a file, or of standard input for "-", malloc'd.  NULL: said why not.
 */
char *cli_document_read(const char *path);

#endif
