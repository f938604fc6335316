#include "helpers/pickup/pickup.h"

int
main(int argc, char *argv[])
{
	static struct pickup p;

	proc_start(&p.proc, &pickup_proc, &p, argc, argv);
	pickup_init(&p);
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
