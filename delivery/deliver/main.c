#include "base/fatal.h"
#include "conf/conf.h"
#include "delivery/deliver/deliver.h"
#include "proc/proc.h"

struct program {
	struct proc proc;
	struct deliver deliver;
	int rootfd;
};

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct program *p = arg;

	(void)index;
	(void)name;
	if (what != GIVE_MAIL_ROOT)
		fatal("given %u", what);
	p->rootfd = fd;
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct program *p = arg;

	(void)instance;
	(void)key;
	if (peer != ROLE_QMGR)
		fatal("linked with %s", role_name(peer));
	deliver_qmgr(&p->deliver, fd);
}

static void
on_new(void *arg, struct str account, struct str mailbox)
{
	struct program *p = arg;

	proc_changed(&p->proc, account, mailbox);
}

/* What was written is made durable and answered first. */
static void
on_stop(void *arg)
{
	struct program *p = arg;

	deliver_flush(&p->deliver);
	if (p->deliver.agent.link != NULL)
		link_flush(p->deliver.agent.link, true);
	proc_stop(&p->proc);
}

static const struct deliver_calls calls = { .on_new = on_new,
	.on_idle = on_stop };

static const struct proc_desc deliver_proc = {
	.role = ROLE_DELIVER,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_stop = on_stop,
};

static void
read_conf(const struct program *p, struct deliver_conf *out)
{
	const struct conf_section *maildir =
	    conf_one(conf_root(p->proc.conf), "maildir");
	const struct conf_section *s = conf_daemon(p->proc.conf, "deliver");

	out->batch.store.epoch = p->proc.epoch;
	out->batch.store.shared = conf_bool(maildir, "shared");
	out->batch.rootfd = p->rootfd;
	out->batch.slow_sync_ms = conf_ms(s, "slow_sync");
	out->batch_max = (size_t)conf_u64(s, "batch");
	out->idle = conf_ms(s, "idle");
	out->plus_folders = conf_bool(maildir, "plus_folders");
}

int
main(int argc, char *argv[])
{
	static struct program p = { .rootfd = -1 };
	struct deliver_conf conf = { 0 };

	proc_start(&p.proc, &deliver_proc, &p, argc, argv);
	read_conf(&p, &conf);
	deliver_init(&p.deliver, p.proc.loop, &conf, &calls, &p);
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
