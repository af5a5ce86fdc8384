/*
 * The scripts by which shells complete our commands.
 */
#ifndef SBX_CLI_SHELLS_H
#define SBX_CLI_SHELLS_H

/* Of "bash", "zsh" or "fish"; NULL for any other. */
const char *cli_shell_script(const char *shell);

#endif
