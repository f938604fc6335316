#include "helpers/authd/authd.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "proc/note.h"
#include "table/records.h"

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct authd *d = arg;

	(void)index;
	(void)name;
	if (what == GIVE_LIB)
		d->lib = fd;
	else
		close(fd);
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct authd *d = arg;

	(void)key;
	if (peer == ROLE_ROUTERD)
		router_on_peer(&d->router, fd);
	else
		front_open(d, peer, instance, fd);
}

static void
on_control(void *arg, int fd, uid_t uid, uint32_t rights)
{
	verbs_open(arg, fd, uid, rights);
}

static void
on_open_failed(void *arg, uint64_t cookie)
{
	front_open_failed(arg, cookie);
}

static void
on_stop(void *arg)
{
	struct authd *d = arg;

	authd_commit(d);
	records_close(d->records);
	proc_stop(&d->proc);
}

const struct proc_desc authd_proc = {
	.role = ROLE_AUTHD,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_control = on_control,
	.on_open_failed = on_open_failed,
	.on_stop = on_stop,
};

static void
on_router_up(void *arg)
{
	sweep_start(arg);
}

int
authd_commit(struct authd *d)
{
	if (records_commit(d->records) == 0)
		return 0;
	note(NOTE_ERROR, "database-failed");
	note_c("reason", records_error(d->records));
	note_end();
	return -1;
}

/* Those of the configuration that there are, with a space between. */
static void
set_mechs(struct authd *d, const struct conf_section *s)
{
	struct buf all;

	buf_init(&all, sizeof(d->mechs) - 1);
	for (size_t i = 0; i < conf_list(s, "mechanisms"); i++) {
		struct str mech = sasl_mech(conf_item(s, "mechanisms", i));

		if (mech.n == 0) {
			note(NOTE_WARN, "mechanism-unknown");
			note_str("name", conf_item(s, "mechanisms", i));
			note_end();
			continue;
		}
		if (buf_len(&all) != 0)
			buf_add_char(&all, ' ');
		buf_add(&all, mech);
	}
	str_copy(d->mechs, sizeof(d->mechs), buf_str(&all));
	buf_clear(&all);
}

/* A hash of the kind that new passwords get, of nothing anybody knows. */
static void
set_dummy(struct authd *d)
{
	struct buf b;
	char nonsense[64];

	snprintf(nonsense, sizeof(nonsense), "%llx%p",
	    (unsigned long long)d->proc.epoch, (void *)d);
	buf_init(&b, sizeof(d->dummy) - 1);
	if (!scheme_make(d->how, str_c(nonsense), &b) ||
	    !str_copy(d->dummy, sizeof(d->dummy), buf_str(&b)))
		fatal("crypt(3) makes no hashes");
	buf_clear(&b);
}

void
authd_init(struct authd *d)
{
	const struct conf_section *root = conf_root(d->proc.conf);
	const struct conf_section *own = conf_daemon(d->proc.conf, "authd");
	char error[RECORDS_ERROR];
	int64_t per_ms = 0;
	uint64_t most = conf_rate(own, "failures", &per_ms);

	TAILQ_INIT(&d->fronts);
	map_init(&d->opens);
	d->how = (enum scheme_new)conf_choice(
	    conf_one(root, "accounts"), "password_hash");
	d->sasl = sasl_new();
	set_mechs(d, own);
	set_dummy(d);
	penalties_init(
	    &d->penalties, most, per_ms, conf_ms(own, "delay_max"));
	router_init(&d->router, d->proc.loop, on_router_up, d);
	d->records = records_open(d->lib, "secrets.db", error);
	if (d->records == NULL)
		fatal("%s", error);
}

void
authd_start(struct authd *d)
{
	const struct conf_section *own = conf_daemon(d->proc.conf, "authd");

	d->hasher = hasher_new(d->proc.loop,
	    (unsigned)conf_u64(own, "parallel_hashes"),
	    conf_u64(own, "waiting"));
}
