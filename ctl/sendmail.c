#include "ctl/sendmail.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/parse.h"

int
sm_fail(const struct sm *s, int code, const char *fmt, ...)
{
	va_list ap;

	if (s->errors == SM_QUIET)
		return code;
	fputs("sendmail: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

/* Names and folders; a configuration that we may not read gives defaults. */
static void
read_conf(struct sm *s)
{
	struct conf *c = conf_parse_file(s->config, s->base);
	const struct conf_section *root = conf_root(c), *d, *paths;
	static char host[256];

	conf_check(c, 0);
	paths = conf_one(root, "paths");
	s->run = pool_str(&s->pool, conf_str(paths, "run"));
	s->spool = pool_str(&s->pool, conf_str(paths, "spool"));
	s->size_max = 50u << 20;
	s->hops_max = UINT_MAX; /* the server knows */
	if (gethostname(host, sizeof(host) - 1) == -1)
		snprintf(host, sizeof(host), "localhost");
	s->hostname = str_c(host);
	if (conf_ok(c)) {
		s->hostname = pool_str(&s->pool, conf_str(root, "hostname"));
		s->size_max = conf_size(conf_one(root, "receive"), "message");
		s->hops_max = (unsigned)conf_u64(
		    conf_one(root, "receive"), "hops");
		s->domain = pool_str(&s->pool, conf_str(
		    conf_one(root, "accounts"), "default_domain"));
		d = conf_next(root, "domain", NULL);
		if (s->domain.n == 0 && d != NULL &&
		    conf_next(root, "domain", d) == NULL)
			s->domain = pool_str(&s->pool, conf_word(d, 0));
	}
	if (s->domain.n == 0)
		s->domain = s->hostname;
	conf_free(c);
}

/* postern(8) beside us does it. */
static int
exec_postern(struct sm *s, const char *const words[])
{
	char path[PATH_MAX + 16], dir[PATH_MAX];
	const char *argv[16] = { "postern" };
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	size_t n = 1;

	if (len <= 0)
		return EX_OSERR;
	dir[len] = '\0';
	*strrchr(dir, '/') = '\0';
	snprintf(path, sizeof(path), "%s/postern", dir);
	if (s->base != NULL) {
		argv[n++] = "--base";
		argv[n++] = s->base;
	}
	if (s->config != NULL) {
		argv[n++] = "--config";
		argv[n++] = s->config;
	}
	if (s->json)
		argv[n++] = "--json";
	for (size_t i = 0; words[i] != NULL && n < 15; i++)
		argv[n++] = words[i];
	execv(path, (char *const *)(uintptr_t)argv);
	return sm_fail(s, EX_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

/* -q, -qIid, -qRdomain, -qSsender */
static int
retry(struct sm *s)
{
	const char *what = s->retry != NULL ? s->retry : "";
	char pattern[512];

	/* Programs run it where what is printed would be mailed. */
	if (freopen("/dev/null", "w", stdout) == NULL)
		return EX_OSERR;
	snprintf(pattern, sizeof(pattern), "*%s*",
	    what[0] != '\0' ? what + 1 : "");
	if (what[0] == 'I')
		return exec_postern(s, (const char *const[]){ "queue",
		    "retry", what + 1, "--quiet", NULL });
	if (what[0] == 'R' || what[0] == 'S')
		return exec_postern(s, (const char *const[]){ "queue",
		    "retry", what[0] == 'R' ? "--to" : "--from", pattern,
		    "--quiet", NULL });
	return exec_postern(s, (const char *const[]){ "queue", "retry",
	    "--all", "--quiet", NULL });
}

/* EX_OK: safe, or with the server or the drop folder but for s->refused. */
static int
hand_over(struct sm *s, int argc, char *argv[])
{
	int code;

	if ((code = sm_set_sender(s)) != EX_OK)
		return code;
	for (int i = 0; i < argc; i++)
		if ((code = sm_add_rcpts(s, str_c(argv[i]))) != EX_OK)
			return code;
	if ((code = sm_message(s)) != EX_OK)
		return code;
	sm_drop_name(s);
	code = sm_submit(s);
	if (code == EX_TEMPFAIL)
		code = sm_drop(s);
	if (code == EX_TEMPFAIL)
		sm_fail(s, code, "the server takes no mail now and %.*s/drop "
		    "cannot be written: %s", STR_ARG(s->spool),
		    strerror(s->drop_error));
	return code;
}

static int
deliver(struct sm *s, int argc, char *argv[])
{
	const bool kind = s->errors == SM_MAIL || s->errors == SM_MAIL_OK;
	const int whole = hand_over(s, argc, argv);
	const int code = whole != EX_OK ? whole : s->refused;
	bool kept = false;

	if (code == EX_TEMPFAIL || (code != EX_OK && kind))
		kept = sm_dead_letter(s, whole);
	/* Who is told that all is well looks for it nowhere else. */
	return kept && s->errors == SM_MAIL_OK && code != EX_TEMPFAIL ?
	    EX_OK : code;
}

/* As master sees it. */
static bool
is_admin(const struct sm *s)
{
	struct stat st;

	return geteuid() == 0 ||
	    (stat(s->run.p, &st) == 0 && st.st_uid == geteuid());
}

static int
verify(struct sm *s, int argc, char *argv[])
{
	if (argc < 1)
		return sm_fail(s, EX_USAGE, "-bv needs an address");
	read_conf(s);
	if (!is_admin(s))
		return sm_fail(s, EX_NOPERM, "-bv: only root and the server's "
		    "own user may do that");
	return exec_postern(s, (const char *const[]){ "alias", "expand",
	    argv[0], NULL });
}

static int
run(struct sm *s, int argc, char *argv[])
{
	switch (s->mode) {
	case SM_DELIVER:
		read_conf(s);
		return deliver(s, argc, argv);
	case SM_SMTP:
		read_conf(s);
		return sm_relay(s);
	case SM_QUEUE:
		return exec_postern(s, (const char *const[]){ "queue", "list",
		    NULL });
	case SM_VERIFY:
		return verify(s, argc, argv);
	case SM_DAEMON:
		return exec_postern(s, (const char *const[]){ "start", NULL });
	case SM_RETRY:
		return retry(s);
	case SM_ALIASES:
		/* Aliases take effect as they are made. */
		puts("newaliases: aliases are in use as they are; see "
		     "postern alias list");
		return EX_OK;
	case SM_NOTHING:
		return EX_OK;
	}
	return EX_SOFTWARE;
}

int
main(int argc, char *argv[])
{
	static struct sm s;
	int first;

	fatal_name("sendmail");
	signal(SIGPIPE, SIG_IGN);
	first = sm_options(&s, argc, argv);
	return run(&s, argc - first, argv + first);
}
