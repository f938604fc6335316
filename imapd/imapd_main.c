#include "imapd/imapd.h"

int
main(int argc, char *argv[])
{
	static struct imapd d;

	proc_start(&d.proc, &imapd_proc, &d, argc, argv);
	imapd_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
