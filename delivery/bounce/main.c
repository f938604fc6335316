#include "base/fatal.h"
#include "conf/conf.h"
#include "delivery/bounce/bounce.h"
#include "proc/proc.h"

struct program {
	struct proc proc;
	struct bounce bounce;
};

static struct words_list
read_words(const struct conf_section *s, const char *key)
{
	struct words_list w = { .n = conf_list(s, key) };

	w.list = xcalloc(w.n + 1, sizeof(*w.list));
	for (size_t i = 0; i < w.n; i++)
		w.list[i] = conf_item(s, key, i);
	return w;
}

static void
read_reports(const struct conf *c, struct bounce_conf *out)
{
	const struct conf_section *s = NULL;

	while ((s = conf_next(conf_root(c), "report", s)) != NULL)
		for (size_t i = 0; conf_report_kinds[i] != NULL; i++)
			if (str_eq(conf_word(s, 0), str_c(conf_report_kinds[i])))
				out->words[DSN_FAILED + i] = (struct dsn_words){
					conf_str(s, "subject"),
					read_words(s, "text"),
					read_words(s, "end"),
				};
}

static void
read_conf(const struct conf *c, struct bounce_conf *out)
{
	const struct conf_section *queue = conf_one(conf_root(c), "queue");

	if (!str_copy(out->hostname, sizeof(out->hostname),
	        conf_str(conf_root(c), "hostname")))
		fatal("hostname is too long");
	out->admin = conf_str(conf_root(c), "admin");
	read_reports(c, out);
	out->full = conf_bool(queue, "dsn_full");
	out->full_max = conf_size(queue, "dsn_size");
}

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
	static struct bounce_conf conf;

	proc_start(&p.proc, &bounce_proc, &p, argc, argv);
	read_conf(p.proc.conf, &conf);
	bounce_init(&p.bounce, p.proc.loop, &conf);
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
