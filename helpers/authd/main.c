#include "helpers/authd/authd.h"

int
main(int argc, char *argv[])
{
	struct authd d = { .lib = -1 };

	proc_start(&d.proc, &authd_proc, &d, argc, argv);
	authd_init(&d);
	proc_confine(&d.proc);
	authd_start(&d);
	return proc_run(&d.proc);
}
