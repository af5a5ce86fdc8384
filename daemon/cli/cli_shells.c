/*
 * cli_shells.c - scripts that ask `sbx-netctl completion words`
 *
 * They know no command and no option: so they need no change when one comes.
 * What is printed is only ever taken as data; nothing of it is evaluated.
 */
#include "cli_shells.h"

#include <stddef.h>
#include <string.h>

#include "array.h"

static const char bash[] =
	"# bash completion for sbx-netctl, sbx-netd and sbx-netlog\n"
	"_sbx_net()\n"
	"{\n"
	"	local line typed=${COMP_WORDS[COMP_CWORD]}\n"
	"\n"
	"	[[ $typed != = ]] || typed=\n"
	"	COMPREPLY=()\n"
	"	while IFS= read -r line; do\n"
	"		case $line in\n"
	"		:file) _sbx_net_add -f -- \"$typed\" ;;\n"
	"		:directory) _sbx_net_add -d -- \"$typed\" ;;\n"
	"		:command) _sbx_net_add -c -- \"$typed\" ;;\n"
	"		*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
	"		esac\n"
	"	done < <(sbx-netctl completion words \"${1##*/}\" \\\n"
	"		\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"_sbx_net_add()\n"
	"{\n"
	"	local found\n"
	"\n"
	"	mapfile -t found < <(compgen \"$@\")\n"
	"	COMPREPLY+=(\"${found[@]}\")\n"
	"	[[ $1 == -c ]] || compopt -o filenames 2>/dev/null\n"
	"}\n"
	"complete -F _sbx_net sbx-netctl sbx-netd sbx-netlog\n";

static const char zsh[] =
	"#compdef sbx-netctl sbx-netd sbx-netlog\n"
	"_sbx_net()\n"
	"{\n"
	"	local line word help\n"
	"	local -a found\n"
	"\n"
	"	for line in \"${(@f)$(sbx-netctl completion words "
	"\"${words[1]:t}\" \\\n"
	"		\"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"		case $line in\n"
	"		'') ;;\n"
	"		:file) compset -P '--*='; _files ;;\n"
	"		:directory) compset -P '--*='; _files -/ ;;\n"
	"		:command) _command_names -e ;;\n"
	"		*)\n"
	"			word=${line%%$'\\t'*} "
	"help=${${line#\"$word\"}#$'\\t'}\n"
	"			found+=(\"${word//:/\\\\:}${help:+:$help}\")\n"
	"			;;\n"
	"		esac\n"
	"	done\n"
	"	(( ! $#found )) || _describe word found\n"
	"}\n"
	"if [[ $funcstack[1] == _sbx-netctl ]]; then\n"
	"	_sbx_net \"$@\"\n"
	"elif (( $+functions[compdef] )); then\n"
	"	compdef _sbx_net sbx-netctl sbx-netd sbx-netlog\n"
	"fi\n";

static const char fish[] =
	"# fish completion for sbx-netctl, sbx-netd and sbx-netlog\n"
	"function __sbx_net_complete\n"
	"	set -l words (commandline -opc)\n"
	"	set -l typed (commandline -ct)\n"
	"	set -a words \"$typed\"\n"
	"	set -l program (string split -r -m1 / -- $words[1])[-1]\n"
	"	for line in (sbx-netctl completion words $program "
	"$words[2..-1] 2>/dev/null)\n"
	"		switch $line\n"
	"			case :file\n"
	"				__fish_complete_path $words[-1]\n"
	"			case :directory\n"
	"				__fish_complete_directories "
	"$words[-1]\n"
	"			case :command\n"
	"				complete -C $words[-1]\n"
	"			case '*'\n"
	"				echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"for program in sbx-netctl sbx-netd sbx-netlog\n"
	"	complete -c $program -f -a '(__sbx_net_complete)'\n"
	"end\n";

const char *
cli_shell_script(const char *shell)
{
	static const struct {
		const char *name, *script;
	} scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (strcmp(shell, scripts[i].name) == 0)
			return scripts[i].script;
	}
	return NULL;
}
