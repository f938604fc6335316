#include "qmgr/qmgr.h"

int
main(int argc, char *argv[])
{
	static struct qmgr d;

	proc_start(&d.proc, &qmgr_proc, &d, argc, argv);
	qmgr_options(&d.o, d.proc.conf);
	proc_confine(&d.proc);
	qmgr_open(&d);
	return proc_run(&d.proc);
}
