#include "helpers/routerd/routerd.h"

int
main(int argc, char *argv[])
{
	struct routerd d = { .lib = -1, .aliases_dir = -1, .aliases_fd = -1 };

	proc_start(&d.proc, &routerd_proc, &d, argc, argv);
	routerd_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
