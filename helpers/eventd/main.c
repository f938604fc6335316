#include "helpers/eventd/eventd.h"

int
main(int argc, char *argv[])
{
	static struct eventd d;

	proc_start(&d.proc, &eventd_proc, &d, argc, argv);
	eventd_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
