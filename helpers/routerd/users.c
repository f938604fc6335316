#include "helpers/routerd/users.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "msg/nss.h"

enum {
	KNOWN_MS = 5000,   /* how long an answer holds */
	ASKED_MS = 10000,  /* how long one is waited for */
	KNOWN_MAX = 20000
};

struct known {
	char *name;
	struct user user;
	char home[NSS_HOME_MAX + 1];
	int64_t until; /* monotonic */
	uint64_t cookie;
};

void
users_init(struct users *u, struct loop *loop, void (*on_known)(void *arg),
    void *arg)
{
	*u = (struct users){ .loop = loop, .on_known = on_known, .arg = arg };
	map_init(&u->known);
}

static void
forget(struct users *u, struct known *k)
{
	map_del(&u->known, str_c(k->name));
	free(k->name);
	free(k);
}

static void
forget_all(struct users *u)
{
	size_t pos = 0;
	struct known *k;

	while ((k = map_next(&u->known, &pos, NULL)) != NULL)
		forget(u, k);
}

static void
on_user(void *arg, struct link *l, struct link_msg *m)
{
	static const enum user_state states[] = { USER_YES, USER_NO,
		USER_TEMPORARY };
	struct users *u = arg;
	const struct msg_nss_user_is *is = m->body;
	struct known *k = map_get(&u->known, is->name);

	(void)l;
	if (k == NULL || k->cookie != m->cookie)
		return;
	k->user.state = states[is->result];
	k->user.uid = is->uid;
	k->user.gid = is->gid;
	if (!str_copy(k->home, sizeof(k->home), is->home))
		k->user.state = USER_NO;
	k->user.home = str_c(k->home);
	k->until = loop_now(u->loop) + KNOWN_MS;
	u->on_known(u->arg);
}

/* What was asked fails now as temporary. */
static void
on_close(void *arg, struct link *l, const char *why)
{
	struct users *u = arg;

	(void)why;
	if (u->nssd == l)
		u->nssd = NULL;
	link_free(l);
	forget_all(u);
	u->on_known(u->arg);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_NSS_USER_IS, &msg_nss_user_is_wire, on_user),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
users_on_peer(struct users *u, int fd)
{
	link_free(u->nssd);
	forget_all(u);
	u->nssd = link_new(u->loop, fd, &ops, u);
	u->on_known(u->arg); /* ask the new one */
}

/* What getpwnam(3) may be asked without surprises. */
static bool
may_be_user(struct str name)
{
	if (name.n == 0 || name.n > NSS_NAME_MAX || name.p[0] == '-')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!chr_is_alnum(name.p[i]) && name.p[i] != '.' &&
		    name.p[i] != '_' && name.p[i] != '-')
			return false;
	return true;
}

static void
ask(struct users *u, struct known *k)
{
	struct msg_nss_user q = { str_c(k->name) };

	k->user = (struct user){ .state = USER_ASK };
	k->until = loop_now(u->loop) + ASKED_MS;
	k->cookie = ++u->next;
	link_send(u->nssd, MSG_NSS_USER, k->cookie, &msg_nss_user_wire, &q);
}

struct user
users_get(void *arg, struct str name)
{
	struct users *u = arg;
	struct known *k;

	if (!may_be_user(name))
		return (struct user){ .state = USER_NO };
	if (u->nssd == NULL)
		return (struct user){ .state = USER_TEMPORARY };
	k = map_get(&u->known, name);
	if (k != NULL && loop_now(u->loop) < k->until)
		return k->user;
	if (k == NULL) {
		if (u->known.n >= KNOWN_MAX)
			forget_all(u);
		k = xcalloc(1, sizeof(*k));
		k->name = str_dup(name);
		map_set(&u->known, name, k);
	}
	ask(u, k);
	return k->user;
}
