#include "smtpd/smtpd.h"

int
main(int argc, char *argv[])
{
	static struct smtpd d;

	smtpd_prepare(&d);
	proc_start(&d.proc, &smtpd_proc, &d, argc, argv);
	smtpd_init(&d);
	proc_confine(&d.proc);
	return proc_run(&d.proc);
}
