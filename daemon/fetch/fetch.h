/*
 * The process that asks a Vault: this program, run by the keeper as `--fetch`
 * (source_vault.h).  It reads on its standard input what is wanted, prints the
 * value in the manner of git's credential helpers, and ends; or it leaves one
 * line about why not on standard error, and ends with status 1.
 */
#ifndef SBX_FETCH_H
#define SBX_FETCH_H

int fetch_main(void);

#endif
