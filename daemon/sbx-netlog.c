#include "netlog_options.h"
#include "netlog_run.h"

int
main(int argc, char **argv)
{
	static struct netlog_options options;

	netlog_options_parse(argc, argv, &options);
	return netlog_run(&options);
}
