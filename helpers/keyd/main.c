#include "helpers/keyd/keyd.h"

int
main(int argc, char *argv[])
{
	/* Descriptors come before keyd_init can say that there are none. */
	struct keyd k = { .source = { .lib = -1,
		.cert = { .dir = -1, .opened = -1 },
		.key = { .dir = -1, .opened = -1 } } };

	proc_start(&k.proc, &keyd_proc, &k, argc, argv);
	keyd_init(&k);
	proc_confine(&k.proc);
	return proc_run(&k.proc);
}
