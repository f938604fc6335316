#include "helpers/nssd/nssd.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proc/note.h"

enum { PW_BUFFER = 65536 };

/* Where the sources of users look later on. */
static const char *const folders[] = { "/etc", "/run", "/var/lib/sss",
	"/var/lib/extrausers" };

static void
refuse(struct msg_nss_user_is *is, enum nss_result result)
{
	struct str name = is->name;

	*is = (struct msg_nss_user_is){ .result = result, .name = name };
}

/* With the suite not started as root, only its own user has a mailbox that
 * it could open; that user may be any. */
static bool
may_have_mail(const struct nssd *d, const struct passwd *pw)
{
	return pw->pw_uid == geteuid() ||
	    (pw->pw_uid != 0 && pw->pw_uid >= d->first_uid);
}

void
nssd_lookup(const struct nssd *d, struct str name, struct msg_nss_user_is *is)
{
	static char memory[PW_BUFFER];
	char user[NSS_NAME_MAX + 1];
	struct passwd pw, *found = NULL;
	int e;

	is->name = name;
	if (!str_copy(user, sizeof(user), name)) {
		refuse(is, NSS_NO_USER);
		return;
	}
	e = getpwnam_r(user, &pw, memory, sizeof(memory), &found);
	if (found == NULL) {
		/* ENOENT and ESRCH, too, only say that there is none. */
		refuse(is, e == 0 || e == ENOENT || e == ESRCH
		    ? NSS_NO_USER : NSS_TEMPORARY);
		return;
	}
	is->result = NSS_IS_USER;
	is->uid = pw.pw_uid;
	is->gid = pw.pw_gid;
	is->home = str_c(pw.pw_dir);
	if (!may_have_mail(d, &pw) || !str_starts(is->home, STR("/")) ||
	    is->home.n > NSS_HOME_MAX || is->home.n < 2)
		refuse(is, NSS_NO_USER);
}

static void
on_user(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_nss_user *q = m->body;
	struct msg_nss_user_is is;

	nssd_lookup(arg, q->name, &is);
	link_send(l, MSG_NSS_USER_IS, m->cookie, &msg_nss_user_is_wire, &is);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_NSS_USER, &msg_nss_user_wire, on_user),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct nssd *d = arg;

	(void)peer;
	(void)instance;
	(void)key;
	link_new(d->proc.loop, fd, &ops, d);
}

const struct proc_desc nssd_proc = {
	.role = ROLE_NSSD,
	.on_peer = on_peer,
};

void
nssd_init(struct nssd *d)
{
	struct msg_nss_user_is is;

	d->first_uid = conf_u64(
	    conf_one(conf_root(d->proc.conf), "accounts"), "first_uid");
	/* Nobody has this name: every source is asked, and so loaded, while
	 * code can still be mapped. */
	nssd_lookup(d, STR("postern-no-such-user"), &is);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int fd = open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd != -1)
			proc_allow_read(fd);
	}
}
