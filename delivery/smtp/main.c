#include <stdio.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "delivery/smtp/engine.h"
#include "event/tls.h"
#include "proc/proc.h"

struct program {
	struct proc proc;
	struct engine engine;
};

static void
read_conf(const struct conf *c, struct engine_conf *out)
{
	const struct conf_section *s = conf_daemon(c, "smtp");
	const struct str hostname = conf_str(conf_root(c), "hostname");
	const struct str helo = conf_str(s, "helo");

	if (!str_copy(out->hostname, sizeof(out->hostname), hostname) ||
	    !str_copy(out->helo, sizeof(out->helo),
	        helo.n > 0 ? helo : hostname))
		fatal("hostname is too long");
	out->port = (uint16_t)conf_u64(s, "port");
	out->connect_ms = conf_ms(s, "connect_timeout");
	out->greeting_ms = conf_ms(s, "greeting_timeout");
	out->command_ms = conf_ms(s, "command_timeout");
	out->data_ms = conf_ms(s, "data_timeout");
	out->dot_ms = conf_ms(s, "dot_timeout");
	out->tls_ms = conf_ms(s, "tls_timeout");
	out->reuse_ms = conf_ms(s, "reuse");
	out->addresses = (unsigned)conf_u64(s, "addresses");
	out->messages = (unsigned)conf_u64(s, "messages");
	out->tls = (enum route_tls)conf_choice(s, "tls");
	out->sessions = (size_t)conf_u64(s, "clients");
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct program *p = arg;

	(void)instance;
	(void)key;
	if (peer == ROLE_QMGR)
		engine_qmgr(&p->engine, fd);
	else if (peer == ROLE_DNSD)
		names_peer(&p->engine.names, fd);
	else
		fatal("linked with %s", role_name(peer));
}

static void
on_empty(void *arg)
{
	struct program *p = arg;

	if (p->engine.agent.link != NULL)
		link_flush(p->engine.agent.link, true);
	proc_stop(&p->proc);
}

static void
on_stop(void *arg)
{
	struct program *p = arg;

	engine_stop(&p->engine, on_empty, p);
}

static const struct proc_desc smtp_proc = {
	.role = ROLE_SMTP,
	.on_peer = on_peer,
	.on_stop = on_stop,
};

int
main(int argc, char *argv[])
{
	static struct program p;
	struct engine_conf conf = { .port = 0 };

	proc_start(&p.proc, &smtp_proc, &p, argc, argv);
	read_conf(p.proc.conf, &conf);
	engine_init(&p.engine, p.proc.loop, &conf,
	    tls_client_new(TLS_VERIFY_NONE), tls_client_new(TLS_VERIFY_NAME));
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
