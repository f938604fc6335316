#include "pop3d/pop3d.h"

int
main(int argc, char *argv[])
{
	static struct pop3d d;

	proc_start(&d.proc, &pop3d_proc, &d, argc, argv);
	pop3d_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
