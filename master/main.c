#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "conf/conf.h"
#include "conf/parse.h"
#include "master/master.h"
#include "proc/note.h"

static _Noreturn void
usage(void)
{
	fputs("usage: master [--base DIR] [--config FILE] [--foreground]\n"
	      "              [--offline]\n"
	      "It is started by postern(8): postern [--base DIR] start\n", stderr);
	exit(64);
}

static void
read_args(struct master *m, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "base", required_argument, NULL, 'b' },
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "offline", no_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'b')
			m->base = realpath(optarg, NULL);
		else if (c == 'c')
			m->conf_path = optarg;
		else if (c == 'f')
			m->foreground = true;
		else if (c == 'o')
			m->offline = m->foreground = true;
		else
			usage();
		if (c == 'b' && m->base == NULL) {
			fprintf(stderr, "postern: %s: %s\n", optarg,
			    strerror(errno));
			exit(66);
		}
	}
	if (optind != argc)
		usage();
}

static void
read_config(struct master *m)
{
	struct buf problems;

	buf_init(&problems, BUF_NO_MAX);
	m->conf = config_read(m, &problems);
	fputs(buf_cstr(&problems), stderr);
	buf_clear(&problems);
	if (m->conf == NULL)
		exit(78);
}

/* The programs: beside us in the build tree, or installed. */
static void
find_programs(struct master *m)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		fatal_errno("/proc/self/exe");
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	m->libexec = open(self, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->libexec == -1)
		fatal_errno("%s", self);
	m->build_tree = faccessat(m->libexec, "../config.status", F_OK, 0) == 0;
	if (m->build_tree) {
		int top = openat(m->libexec, "..",
		    O_PATH | O_DIRECTORY | O_CLOEXEC);

		close(m->libexec);
		m->libexec = top;
	}
}

/* The log folder is eventd's: what lies there under our name must be a plain
 * file with no other name. */
static int
open_start_log(struct master *m)
{
	int fd = openat(m->log, "start.log", O_WRONLY | O_CREAT | O_APPEND |
	    O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		fatal_errno("log/start.log");
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		fatal("log/start.log is not a plain file of its own");
	return fd;
}

/* Behind the caller: start-up errors were said on its stderr already. */
static void
detach(struct master *m)
{
	int log, null;

	if (m->foreground)
		return;
	if (fork() != 0)
		_exit(0);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	log = open_start_log(m);
	if (null == -1)
		fatal_errno("/dev/null");
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	close(null);
	close(log);
}

/* One master an instance: the lock lives as long as the process. */
static void
lock_pid(struct master *m)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[16];
	int n;

	m->pid_fd = openat(m->run, "master.pid",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (m->pid_fd == -1)
		fatal_errno("run/master.pid");
	if (fcntl(m->pid_fd, F_OFD_SETLK, &lock) == -1) {
		fprintf(stderr, "postern: it is running already (see `postern "
		    "status`)\n");
		exit(75);
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(m->pid_fd, 0) == -1 ||
	    pwrite(m->pid_fd, text, (size_t)n, 0) != n)
		fatal_errno("run/master.pid");
}

/* The forked-off half holds the lock from the parent: write the new pid. */
static void
rewrite_pid(struct master *m)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (pwrite(m->pid_fd, text, (size_t)n, 0) != n)
		fatal_errno("run/master.pid");
}

static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void
on_child(void *arg)
{
	children_reap(arg);
}

static void
on_term(void *arg)
{
	children_stop(arg);
}

static void
on_hup(void *arg)
{
	struct buf text;

	buf_init(&text, BUF_NO_MAX);
	config_reload(arg, &text);
	note(NOTE_INFO, "reload");
	note_str("result", buf_str(&text));
	note_end();
	buf_clear(&text);
}

/* `--offline`: the caller's end of stdin is its hold on us. */
static void
on_stdin(void *arg, unsigned what)
{
	char drop[64];

	(void)what;
	if (read(STDIN_FILENO, drop, sizeof(drop)) <= 0)
		children_stop(arg);
}

static void
watch_signals(struct master *m)
{
	static struct watch stdin_watch;

	loop_signal(m->loop, SIGCHLD, on_child, m);
	loop_signal(m->loop, SIGTERM, on_term, m);
	loop_signal(m->loop, SIGINT, on_term, m);
	loop_signal(m->loop, SIGHUP, on_hup, m);
	if (m->offline) {
		watch_init(&stdin_watch, m->loop, STDIN_FILENO, on_stdin, m);
		watch_want(&stdin_watch, WATCH_READ);
	}
}

int
main(int argc, char *argv[])
{
	static struct master m;

	fatal_name("master");
	TAILQ_INIT(&m.children);
	m.control_fd = m.submit_fd = -1;
	read_args(&m, argc, argv);
	umask(022);
	m.as_root = geteuid() == 0;
	if (getrandom(&m.epoch, sizeof(m.epoch), 0) != sizeof(m.epoch))
		fatal_errno("getrandom");
	read_config(&m);
	raise_files();
	find_programs(&m);
	folders_open(&m);
	lock_pid(&m);
	listen_open(&m);
	detach(&m);
	rewrite_pid(&m);
	note_open("master", 0);
	m.since = clock_wall_ms();
	m.loop = loop_new();
	watch_signals(&m);
	control_open(&m);
	children_start(&m);
	listen_write(&m);
	return loop_run(m.loop);
}
