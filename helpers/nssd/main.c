#include "helpers/nssd/nssd.h"

int
main(int argc, char *argv[])
{
	struct nssd d = { 0 };

	proc_start(&d.proc, &nssd_proc, &d, argc, argv);
	nssd_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
