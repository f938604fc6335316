#include "smtpd/smtpd.h"

#include <sys/socket.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "mail/date.h"
#include "proc/note.h"
#include "smtpd/conn.h"

static void
on_client(void *arg, int fd, const struct listen_client *client)
{
	conn_new(arg, fd, client);
}

static struct str
refusal(void *arg, const struct listen_client *client)
{
	(void)arg;
	/* Before TLS there is nobody who could read it. */
	if (str_eq(client->service, STR("submissions")))
		return STR_NONE;
	return STR("421 4.7.0 too many connections from your address\r\n");
}

static bool
exempt(void *arg, const struct listen_client *client)
{
	struct smtpd *d = arg;

	return net_is_loopback(client->family, client->addr) ||
	    nets_has(&d->relay, client->family, client->addr);
}

static const struct listen_ops listen_ops = {
	.on_client = on_client,
	.refusal = refusal,
	.exempt = exempt,
};

static void
on_room(void *arg)
{
	conns_on_room(arg);
}

/* What does not depend on the configuration; before descriptors come. */
void
smtpd_prepare(struct smtpd *d)
{
	TAILQ_INIT(&d->conns);
	date_prepare();
}

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct smtpd *d = arg;

	(void)index;
	if (what != GIVE_LISTENER)
		fatal("given %u, which smtpd does not take", what);
	if (d->listen == NULL) {
		const struct conf_section *s =
		    conf_daemon(d->proc.conf, "smtpd");

		d->listen = listen_new(d->proc.loop, conf_u64(s, "clients"),
		    conf_u64(s, "per_client"), &listen_ops, d);
	}
	listen_add(d->listen, name, fd);
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct smtpd *d = arg;

	(void)instance;
	switch (peer) {
	case ROLE_QMGR:
		queue_on_peer(&d->queue, fd);
		return;
	case ROLE_ROUTERD:
		router_on_peer(&d->router, fd);
		return;
	case ROLE_AUTHD:
		logins_on_peer(&d->logins, fd);
		return;
	case ROLE_KEYD:
		keys_on_peer(&d->keys, key, fd);
		return;
	case ROLE_DNSD:
		names_on_peer(&d->names, fd);
		return;
	default:
		fatal("linked with %s, which smtpd does not know",
		    role_name(peer));
	}
}

static void
on_stop(void *arg)
{
	struct smtpd *d = arg;

	if (d->listen != NULL)
		listen_stop(d->listen);
	if (TAILQ_EMPTY(&d->conns)) {
		proc_stop(&d->proc);
		return;
	}
	conns_stop(d);
}

const struct proc_desc smtpd_proc = {
	.role = ROLE_SMTPD,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_stop = on_stop,
};

void
smtpd_init(struct smtpd *d)
{
	struct loop *loop = d->proc.loop;

	smtpd_load_options(d);
	buf_init(&d->work, SMTP_STEP + 64);
	buf_init(&d->prefix, PREFIX_MAX);
	keys_init(&d->keys, loop, false);
	logins_init(&d->logins, loop, ROLE_SMTPD, d->proc.epoch);
	router_init(&d->router, loop, d->proc.epoch);
	names_init(&d->names, loop, d->proc.epoch);
	queue_init(&d->queue, loop, d->proc.epoch, on_room, d);
	if (d->listen != NULL)
		listen_start(d->listen);
}
