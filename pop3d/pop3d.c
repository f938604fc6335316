#include "pop3d/pop3d.h"

#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"

enum { STOP_MS = 5000 };

static void
on_client(void *arg, int fd, const struct listen_client *who)
{
	client_new(arg, fd, who);
}

/* Nothing can be said in the clear to who expects TLS. */
static struct str
refusal(void *arg, const struct listen_client *who)
{
	(void)arg;
	if (str_eq(who->service, STR("pop3s")))
		return STR_NONE;
	return STR("-ERR [SYS/TEMP] Too many connections from you\r\n");
}

static const struct listen_ops listen_ops = { .on_client = on_client,
	.refusal = refusal };

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct pop3d *d = arg;

	if (what != GIVE_LISTENER)
		fatal("given %u", what);
	if (d->given_n == LISTENERS_MAX ||
	    !str_copy(d->given[d->given_n].service, LISTEN_SERVICE_MAX, name))
		fatal("listener %u does not fit", index);
	d->given[d->given_n++].fd = fd;
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct pop3d *d = arg;

	(void)instance;
	if (peer == ROLE_KEYD)
		keys_on_peer(&d->keys, key, fd);
	else if (peer == ROLE_AUTHD)
		logins_on_peer(&d->logins, fd);
	else
		close(fd);
}

static void
on_conn(void *arg, const struct msg_conn *c, int fd)
{
	struct pop3d *d = arg;

	logins_on_conn(&d->logins, c, fd);
}

static void
on_stop_timer(void *arg)
{
	struct pop3d *d = arg;

	proc_stop(&d->proc);
}

/* Who has not logged in is told here, the others by their workers. */
static void
on_stop(void *arg)
{
	struct pop3d *d = arg;
	struct client *c, *next;

	listen_stop(d->listen);
	for (c = TAILQ_FIRST(&d->clients); c != NULL; c = next) {
		next = client_next(c);
		client_stop(c);
	}
	timer_set(&d->stop, TAILQ_EMPTY(&d->clients) ? 0 : STOP_MS);
}

const struct proc_desc pop3d_proc = {
	.role = ROLE_POP3D,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_conn = on_conn,
	.on_stop = on_stop,
};

static void
read_conf(struct pop3d *d, const struct conf_section *s)
{
	const struct conf_section *root = conf_root(d->proc.conf);

	if (!str_copy(d->host, sizeof(d->host), conf_str(root, "hostname")) ||
	    d->host[0] == '\0')
		str_copy(d->host, sizeof(d->host), STR("localhost"));
	d->conf = (struct door_conf){
		.line = (size_t)conf_size(s, "line"),
		.errors = (unsigned)conf_u64(s, "errors"),
		.host = d->host,
	};
	d->plaintext = (enum plaintext_login)conf_choice(s, "plaintext_login");
	d->login_ms = conf_ms(s, "login_timeout");
	d->tls_ms = conf_ms(s, "tls_timeout");
}

void
pop3d_init(struct pop3d *d)
{
	const struct conf_section *s = conf_daemon(d->proc.conf, "pop3d");
	const struct conf_section *tls =
	    conf_one(conf_root(d->proc.conf), "tls");

	TAILQ_INIT(&d->clients);
	read_conf(d, s);
	keys_init(&d->keys, d->proc.loop,
	    conf_choice(tls, "min_version") != 0);
	logins_init(&d->logins, d->proc.loop, ROLE_POP3D,
	    d->proc.epoch + ((uint64_t)d->proc.instance << 40));
	timer_init(&d->stop, d->proc.loop, on_stop_timer, d);
	d->listen = listen_new(d->proc.loop, (size_t)conf_u64(s, "clients"),
	    (size_t)conf_u64(s, "per_client"), &listen_ops, d);
	for (size_t i = 0; i < d->given_n; i++)
		listen_add(d->listen, str_c(d->given[i].service),
		    d->given[i].fd);
	listen_start(d->listen);
}
