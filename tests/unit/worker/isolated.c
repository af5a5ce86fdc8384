#include "isolated.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "isolate.h"
#include "secret.h"

struct ev_loop *isolated_loop;

int
worked(long r)
{
	return r >= 0 ? WORKED : FAILED;
}

int
isolated_try(int (*isolate)(char *reterr, size_t reterr_size), int (*try)(void))
{
	char why[256];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		isolated_loop = ev_loop_new(EVBACKEND_EPOLL);
		secret_reserve();
		if (isolated_loop == NULL ||
			isolate_early(why, sizeof(why)) < 0 ||
			isolate(why, sizeof(why)) < 0)
			_exit(NOT_ISOLATED);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
	return WEXITSTATUS(status);
}
