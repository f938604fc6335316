/* folders -- the first level below the base, with owner and mode; and which
 * user a role is. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "master/master.h"

enum { MAIL_USER_OFFSET = 64 }; /* behind every role's uid_base offset */

/* "postern-NAME" of the system, or a number of our own range. */
static uid_t
user_uid(struct master *m, const char *name, unsigned offset, gid_t *gid)
{
	char full[64];
	struct passwd *pw;

	if (!m->as_root) {
		*gid = getegid();
		return geteuid();
	}
	snprintf(full, sizeof(full), "postern-%s", name);
	pw = getpwnam(full);
	if (pw != NULL) {
		*gid = pw->pw_gid;
		return pw->pw_uid;
	}
	*gid = (gid_t)(conf_u64(conf_root(m->conf), "role_uid_base") + offset);
	return (uid_t)*gid;
}

uid_t
role_uid(struct master *m, const struct service *s, gid_t *gid)
{
	return user_uid(m, s->user, (unsigned)s->role, gid);
}

/* Makes the folders above path, as mkdir -p does. */
static void
make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			fatal_errno("%s", path);
		*slash = '/';
	}
}

/* Opens name below dir (AT_FDCWD for the first level), made when missing,
 * owned as said.  A symbolic link in the last place is refused. */
static int
folder(struct master *m, int dir, const char *name, uid_t uid, gid_t gid,
    mode_t mode)
{
	struct stat st;
	int fd;

	if (mkdirat(dir, name, mode) == -1 && errno != EEXIST)
		fatal_errno("%s", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		fatal_errno("%s", name);
	if (m->as_root && (st.st_uid != uid || st.st_gid != gid) &&
	    fchown(fd, uid, gid) == -1)
		fatal_errno("%s: owner", name);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) == -1)
		fatal_errno("%s: mode", name);
	return fd;
}

static int
top_folder(struct master *m, const char *key, uid_t uid, gid_t gid, mode_t mode)
{
	char *path =
	    str_dup(conf_str(conf_one(conf_root(m->conf), "paths"), key));
	int fd;

	make_parents(path);
	fd = folder(m, AT_FDCWD, path, uid, gid, mode);
	free(path);
	return fd;
}

int
folders_lib(struct master *m, const struct service *s)
{
	gid_t gid;
	uid_t uid = role_uid(m, s, &gid);

	return folder(m, m->lib, role_name(s->role), uid, gid, 0700);
}

void
folders_open(struct master *m)
{
	uid_t me = geteuid(), uid;
	gid_t group = getegid(), gid;

	m->rootdir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	m->lib = top_folder(m, "lib", me, group, 0755);
	m->run = top_folder(m, "run", me, group, 0755);
	uid = role_uid(m, service_of(ROLE_QMGR), &gid);
	m->spool = top_folder(m, "spool", uid, gid, 0711);
	uid = role_uid(m, service_of(ROLE_PICKUP), &gid);
	m->drop = folder(m, m->spool, "drop", uid, gid, 03733);
	uid = role_uid(m, service_of(ROLE_EVENTD), &gid);
	m->log = top_folder(m, "log", uid, gid, 0750);
	m->mail_uid = user_uid(m, "mail", MAIL_USER_OFFSET, &m->mail_gid);
	m->mail = top_folder(m, "mail", m->mail_uid, m->mail_gid, 0711);
	m->empty = folder(m, m->run, "empty", me, group, 0555);
}
