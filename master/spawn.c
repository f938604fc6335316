/* spawn -- from fork to exec: user, limits, descriptors.  Between the two
 * only what is allowed after fork in any program is called. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "master/master.h"

enum { FD_MASTER = 3, FD_CONF = 4, FD_FIRST_FREE = 5, FD_ABOVE = 16 };

static const char *const kept_variables[] = { "TZ", "ASAN_OPTIONS",
	"UBSAN_OPTIONS", "LSAN_OPTIONS" };

static int
open_program(const struct master *m, const struct service *s)
{
	const char *name = role_name(s->role);
	char path[256];
	struct stat st;
	int fd;

	if (!m->build_tree)
		return openat(m->libexec, name, O_PATH | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	fd = openat(m->libexec, path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		fd = openat(m->libexec, s->folder, O_PATH | O_CLOEXEC);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = ENOENT;
		return -1;
	}
	return fd;
}

/* Says why on stderr (the start log) and ends. */
static _Noreturn void
failed(const char *program, const char *what)
{
	dprintf(STDERR_FILENO, "%s: cannot start: %s: %s\n", program, what,
	    strerror(errno));
	_exit(71);
}

/* CAP_SYS_CHROOT survives the change of user and the exec, for the child's
 * own chroot; it drops it there. */
static int
keep_chroot(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	uint32_t bit = 1u << CAP_SYS_CHROOT;

	caps[0].effective = caps[0].permitted = caps[0].inheritable = bit;
	if (syscall(SYS_capset, &head, caps) == -1)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0);
}

static void
become(const struct master *m, const struct child *c, const char *program)
{
	bool chroots = (c->service->flags & SERVICE_ROOTLESS) != 0;

	if (m->as_root) {
		if (c->uid == 0 || c->gid == 0)
			failed(program, "it may not run as root");
		if (chroots && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
			failed(program, "capabilities");
		if (setgroups(0, NULL) == -1 ||
		    setresgid(c->gid, c->gid, c->gid) == -1 ||
		    setresuid(c->uid, c->uid, c->uid) == -1)
			failed(program, "user and group");
		if (chroots && keep_chroot() == -1)
			failed(program, "capability for chroot");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		failed(program, "no_new_privs");
}

static void
limit(const struct master *m, const char *program)
{
	const struct conf_section *s = conf_daemon(m->conf, program);
	uint64_t files = conf_u64(s, "files");
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = files < r.rlim_max ? (rlim_t)files : r.rlim_max;
		r.rlim_max = r.rlim_cur;
		setrlimit(RLIMIT_NOFILE, &r);
	}
#ifndef POSTERN_SANITIZE
	if (conf_size(s, "memory") != 0) {
		r.rlim_cur = r.rlim_max = (rlim_t)conf_size(s, "memory");
		setrlimit(RLIMIT_AS, &r);
	}
#endif
}

/* Descriptors 0 to 4 are the whole interface; the rest goes at exec. */
static void
place(const char *program, int link_fd, int conf_fd)
{
	int l = fcntl(link_fd, F_DUPFD, FD_ABOVE);
	int f = fcntl(conf_fd, F_DUPFD, FD_ABOVE);
	int null = open("/dev/null", O_RDONLY);

	if (l == -1 || f == -1 || null == -1 || dup2(null, 0) == -1 ||
	    dup2(l, FD_MASTER) == -1 || dup2(f, FD_CONF) == -1 ||
	    dup2(2, 1) == -1 ||
	    syscall(SYS_close_range, FD_FIRST_FREE, ~0u,
	        4u /* CLOSE_RANGE_CLOEXEC */) == -1)
		failed(program, "descriptors");
}

static _Noreturn void
run(const struct master *m, const struct child *c, int program_fd, int link_fd,
    int conf_fd)
{
	const char *program = role_name(c->service->role);
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	char *envp[sizeof(kept_variables) / sizeof(kept_variables[0]) + 2];
	char pairs[sizeof(kept_variables) / sizeof(kept_variables[0])][256];
	size_t n = 0;
	sigset_t none;

	umask(077);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *v = getenv(kept_variables[i]);

		if (v == NULL || snprintf(pairs[n], sizeof(pairs[n]), "%s=%s",
		    kept_variables[i], v) >= (int)sizeof(pairs[n]))
			continue;
		envp[n] = pairs[n];
		n++;
	}
	envp[n] = NULL;
	if (chdir("/") == -1)
		failed(program, "/");
	place(program, link_fd, conf_fd);
	limit(m, program);
	become(m, c, program);
	syscall(SYS_execveat, program_fd, "", argv, envp, AT_EMPTY_PATH);
	failed(program, "exec");
}

pid_t
spawn_program(struct master *m, const struct child *c, int link_fd, int conf_fd)
{
	int program_fd = open_program(m, c->service);
	pid_t pid;

	if (program_fd == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		run(m, c, program_fd, link_fd, conf_fd);
	close(program_fd);
	return pid;
}
