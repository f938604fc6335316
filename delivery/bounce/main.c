#include "base/fatal.h"
#include "conf/conf.h"
#include "delivery/bounce/bounce.h"
#include "proc/proc.h"

struct program {
	struct proc proc;
	struct bounce bounce;
};

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct program *p = arg;

	(void)instance;
	(void)key;
	if (peer != ROLE_QMGR)
		fatal("linked with %s", role_name(peer));
	bounce_qmgr(&p->bounce, fd);
}

static const struct proc_desc bounce_proc = {
	.role = ROLE_BOUNCE,
	.on_peer = on_peer,
};

int
main(int argc, char *argv[])
{
	static struct program p;

	proc_start(&p.proc, &bounce_proc, &p, argc, argv);
	bounce_init(&p.bounce, p.proc.loop,
	    conf_str(conf_root(p.proc.conf), "hostname"));
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
