#include "imapd/worker.h"

int
main(int argc, char *argv[])
{
	static struct worker w;

	worker_before(&w);
	proc_start(&w.proc, &imap_proc, &w, argc, argv);
	worker_init(&w);
	proc_confine(&w.proc);
	return proc_run(&w.proc);
}
