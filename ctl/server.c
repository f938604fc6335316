#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "conf/parse.h"
#include "ctl/ask.h"
#include "ctl/server.h"
#include "ctl/table.h"

enum {
	START_MS = 30000,
	FAILING_MS = 5000, /* a program that cannot start is given so long */
	STOP_MS = 20000,
	QUEUE_MS = 5000,   /* qmgr is waited for by status */
	LOG_SHOWN = 4096
};

static const char mute_text[] = "does not answer";

/* What `server status` says. */
struct status {
	struct ctl *c;
	struct table processes, listeners;
	struct buf not_ready; /* names */
	bool ready;
	bool failing;         /* a program ended and waits to be restarted */
	bool mute;            /* qmgr does not answer */
	pid_t pid;
	char line[256];       /* of the server row */
};

static const struct column process_cols[] = {
	{ "role", "PROGRAM", COL_TEXT },
	{ "instance", "NR", COL_COUNT },
	{ "pid", "PID", COL_COUNT },
	{ "state", "STATE", COL_TEXT },
	{ "since", "SINCE", COL_TIME },
	{ "restarts", "RESTARTS", COL_COUNT },
	{ "uid", "UID", COL_COUNT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column listener_cols[] = {
	{ "service", "SERVICE", COL_TEXT },
	{ "address", "ADDRESS", COL_TEXT },
	{ NULL, NULL, COL_TEXT },
};
static const struct column total_cols[] = {
	{ "messages", "MESSAGES", COL_COUNT },
	{ "recipients", "RECIPIENTS", COL_COUNT },
	{ "active", "ACTIVE", COL_COUNT },
	{ "deferred", "DEFERRED", COL_COUNT },
	{ "hold", "HOLD", COL_COUNT },
	{ "octets", "SIZE", COL_SIZE },
	{ NULL, NULL, COL_TEXT },
};

static struct str
field(const json_t *row, const char *name)
{
	json_t *v = json_object_get(row, name);

	return str_n(json_string_value(v), json_string_length(v));
}

static void
keep_row(struct table *t, const json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT);
	struct buf line;

	buf_init(&line, BUF_NO_MAX);
	buf_addf(&line, "%s\n", text);
	table_rows(t, buf_str(&line));
	buf_clear(&line);
	free(text);
}

/* It runs, but has not answered. */
static bool
is_mute(const struct status *s, const json_t *row)
{
	return s->mute && str_eq(field(row, "role"), STR("qmgr"));
}

static void
keep_process(struct status *s, const json_t *row)
{
	json_t *mine = json_deep_copy(row);

	if (is_mute(s, row) && str_eq(field(row, "state"), STR("ready")))
		json_object_set_new(mine, "state", json_string(mute_text));
	keep_row(&s->processes, mine);
	json_decref(mine);
}

static void
on_status_row(void *arg, const json_t *row)
{
	struct status *s = arg;
	struct str kind = field(row, "kind");
	struct buf since;

	if (str_eq(kind, STR("process"))) {
		keep_process(s, row);
		if (!str_eq(field(row, "state"), STR("ready")) ||
		    is_mute(s, row))
			buf_addf(&s->not_ready, " %.*s",
			    STR_ARG(field(row, "role")));
		if (str_eq(field(row, "state"), STR("backoff")))
			s->failing = true;
	} else if (str_eq(kind, STR("listener"))) {
		keep_row(&s->listeners, row);
	} else if (str_eq(kind, STR("server"))) {
		s->ready = json_is_true(json_object_get(row, "ready"));
		s->pid = (pid_t)json_integer_value(
		    json_object_get(row, "pid"));
		buf_init(&since, BUF_NO_MAX);
		table_time(field(row, "since"), &since);
		snprintf(s->line, sizeof(s->line),
		    "Postern %.*s, master %d since %s, %s",
		    STR_ARG(field(row, "version")), (int)s->pid,
		    buf_cstr(&since), s->ready && !s->mute ? "ready" :
		    "not ready:");
		buf_clear(&since);
	}
}

static void
on_status_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_status_row, arg);
}

/* Asks master; show false only looks.  The tables are ended. */
static int
status_ask(struct ctl *c, struct status *s, bool quiet)
{
	struct str words[] = { STR("server"), STR("status") };
	struct ask a = { .target = ROLE_MASTER, .words = words, .nwords = 2,
		.fd = -1, .on_rows = on_status_rows, .arg = s,
		.quiet = quiet };
	static struct ctl mute;

	mute = *c;
	mute.json = false;
	*s = (struct status){ .c = c, .mute = s->mute };
	buf_init(&s->not_ready, BUF_NO_MAX);
	table_init(&s->processes, &mute, process_cols);
	table_init(&s->listeners, &mute, listener_cols);
	return ask(c, &a);
}

static void
status_clear(struct status *s)
{
	buf_clear(&s->processes.held);
	buf_clear(&s->listeners.held);
	buf_clear(&s->not_ready);
}

/* The last row of `queue summary` has the totals. */
static void
on_summary_row(void *arg, const json_t *row)
{
	if (json_is_true(json_object_get(row, "total")))
		keep_row(arg, row);
}

static void
on_summary_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_summary_row, arg);
}

/* The rows of a question to qmgr as a table, if it answers. */
static void
queue_table(struct ctl *c, struct str noun, struct str verb,
    const struct column *cols, void (*on_rows)(void *arg, struct str rows))
{
	struct str words[] = { noun, verb };
	struct table t;
	struct ask a = { .target = ROLE_QMGR, .words = words, .nwords = 2,
		.fd = -1, .on_rows = on_rows, .arg = &t, .quiet = true,
		.timeout = c->timeout != 0 ? c->timeout : QUEUE_MS };

	table_init(&t, c, cols);
	(void)ask(c, &a);
	table_end(&t);
}

static void
queue_totals(struct ctl *c)
{
	queue_table(c, STR("queue"), STR("summary"), total_cols,
	    c->json ? table_rows : on_summary_rows);
}

/* Whether new mail is taken: `server info` of qmgr. */
static void
on_info_row(void *arg, const json_t *row)
{
	struct str *why = arg;
	static char text[256];

	str_copy(text, sizeof(text), field(row, "refusing"));
	*why = str_c(text);
}

static void
on_info_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_info_row, arg);
}

/* Why mail is refused, or nothing; c->hung: it does not answer. */
static struct str
queue_refusal(struct ctl *c)
{
	struct str words[] = { STR("server"), STR("info") };
	struct str why = STR_NONE;
	struct ask a = { .target = ROLE_QMGR, .words = words, .nwords = 2,
		.fd = -1, .on_rows = on_info_rows, .arg = &why, .quiet = true,
		.timeout = c->timeout != 0 ? c->timeout : QUEUE_MS };

	(void)ask(c, &a);
	return why;
}

static int
status_json(struct ctl *c)
{
	struct str words[] = { STR("server"), STR("status") };
	struct table t;
	struct ask a = { .target = ROLE_MASTER, .words = words, .nwords = 2,
		.fd = -1, .on_rows = table_rows, .arg = &t };
	int code;

	table_init(&t, c, NULL);
	if ((code = ask(c, &a)) != 0)
		return code;
	queue_totals(c);
	if (!c->hung)
		queue_table(c, STR("server"), STR("info"), NULL, table_rows);
	if (!c->hung)
		return 0;
	printf("{\"kind\":\"queue\",\"state\":\"%s\"}\n", mute_text);
	return CTL_FOUND;
}

int
cmd_status(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct status s = { .mute = false };
	struct str why;
	int code;

	(void)argv;
	if (argc != 0)
		return usage(cmd);
	if (c->json)
		return status_json(c);
	why = queue_refusal(c);
	s.mute = c->hung;
	if ((code = status_ask(c, &s, false)) == 0) {
		printf("%s%s\n\n", s.line, s.ready && !s.mute ? "" :
		    buf_cstr(&s.not_ready));
		table_end(&s.processes);
		putchar('\n');
		table_end(&s.listeners);
		putchar('\n');
		if (!s.mute)
			queue_totals(c);
		if (why.n != 0)
			printf("\nnew mail is refused (452): %.*s\n",
			    STR_ARG(why));
		if (why.n != 0 || s.mute || !s.ready)
			code = CTL_FOUND;
	}
	status_clear(&s);
	return code;
}

/* ---- start ---- */

static _Noreturn void
exec_master(struct ctl *c, bool foreground)
{
	const char *argv[8] = { "master" };
	char path[PATH_MAX];
	size_t n = 1;

	if (c->base != NULL) {
		argv[n++] = "--base";
		argv[n++] = c->base;
	}
	if (c->config != NULL) {
		argv[n++] = "--config";
		argv[n++] = c->config;
	}
	if (foreground)
		argv[n++] = "--foreground";
	ctl_program(c, "master", "master", path);
	signal(SIGPIPE, SIG_DFL);
	execv(path, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "postern: %s: %s\n", path, strerror(errno));
	_exit(CTL_DOWN);
}

/* The end of log/start.log: what programs said before eventd ran. */
static void
show_start_log(struct ctl *c)
{
	char path[PATH_MAX], text[LOG_SHOWN];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/start.log", ctl_path(c, "log"));
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fseek(f, -(long)sizeof(text), SEEK_END) == -1)
		rewind(f);
	n = fread(text, 1, sizeof(text), f);
	if (n > 0)
		fprintf(stderr, "The end of %s:\n%.*s", path, (int)n, text);
	fclose(f);
}

/* Master runs behind us: until every program says that it serves. */
static int
wait_ready(struct ctl *c)
{
	int64_t until = clock_mono_ms() + START_MS;
	int64_t fine = clock_mono_ms(); /* last seen without a failure */
	struct status s = { .c = c };
	char missing[256] = "";
	int code = CTL_DOWN, pause = 5;
	bool was_up = false;

	while (clock_mono_ms() < until) {
		code = status_ask(c, &s, true);
		snprintf(missing, sizeof(missing), "%s",
		    buf_cstr(&s.not_ready));
		status_clear(&s);
		if (code == 0 && s.ready) {
			say(c, "%s", s.line);
			return 0;
		}
		was_up = was_up || code == 0;
		if (!s.failing)
			fine = clock_mono_ms();
		if ((was_up && code == CTL_DOWN) ||
		    clock_mono_ms() - fine > FAILING_MS)
			break; /* it gave up, or never will be ready */
		poll(NULL, 0, pause);
		pause = pause < 100 ? pause * 2 : 100;
	}
	show_start_log(c);
	if (code != 0)
		return fail(CTL_DOWN, NULL, "the server ended again");
	return fail(CTL_LATER, "postern status; the reasons are in the log",
	    "started, but these are not ready:%s", missing);
}

int
server_start(struct ctl *c)
{
	int status;
	pid_t pid;

	conf_check(ctl_conf(c), CONF_CHECK_FILES);
	if (!conf_ok(ctl_conf(c))) {
		conf_problems_print(ctl_conf(c), stderr);
		return fail(CTL_CONFIG, NULL, "not started");
	}
	fflush(stdout);
	if ((pid = fork()) == -1)
		fatal_errno("fork");
	if (pid == 0)
		exec_master(c, false);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		show_start_log(c);
		return fail(WIFEXITED(status) ? WEXITSTATUS(status) : CTL_BUG,
		    NULL, "not started");
	}
	return wait_ready(c);
}

int
cmd_start(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	int fd;

	if (argc > 1 || (argc == 1 && strcmp(argv[0], "--foreground") != 0))
		return usage(cmd);
	if ((fd = ask_connect(c)) != -1) {
		close(fd);
		return fail(CTL_LATER, "postern status",
		    "it is running already");
	}
	if (argc == 1)
		exec_master(c, true);
	return server_start(c);
}

/* ---- stop and reload ---- */

static int
ask_server(struct ctl *c, const char *verb)
{
	struct str words[] = { STR("server"), str_c(verb) };
	/* It waits for the programs: STOP_MS says for how long. */
	struct ask a = { .target = ROLE_MASTER, .words = words, .nwords = 2,
		.fd = -1, .timeout = ASK_PATIENT };

	return ask(c, &a);
}

/* A pidfd is readable once the process ended, reaped by its parent or not. */
static bool
has_ended(int pidfd, int wait_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, wait_ms) == 1;
}

int
server_stop(struct ctl *c)
{
	struct status s = { .mute = false };
	int code = status_ask(c, &s, true), pidfd;
	bool ended;

	status_clear(&s);
	if (code == CTL_DOWN) {
		say(c, "postern: the server is not running");
		return 0;
	}
	if (c->hung)
		return ask_hung(c, ROLE_MASTER);
	if (code != 0) { /* now it is said why */
		code = status_ask(c, &s, false);
		status_clear(&s);
		return code;
	}
	pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0);
	if (pidfd == -1)
		return errno == ESRCH ? 0 : fail(CTL_LATER, NULL,
		    "master (%d): %s", (int)s.pid, strerror(errno));
	code = ask_server(c, "stop");
	ended = code == 0 && has_ended(pidfd, STOP_MS);
	close(pidfd);
	if (code != 0)
		return code;
	return ended ? 0 : fail(CTL_LATER, NULL, "master (%d) has not ended",
	    (int)s.pid);
}

int
cmd_stop(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	(void)argv;
	return argc != 0 ? usage(cmd) : server_stop(c);
}

int
cmd_reload(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	(void)argv;
	if (argc != 0)
		return usage(cmd);
	conf_check(ctl_conf(c), CONF_CHECK_FILES);
	if (conf_ok(ctl_conf(c)))
		return ask_server(c, "reload");
	conf_problems_print(ctl_conf(c), stderr);
	return fail(CTL_CONFIG, NULL, "the running configuration stays");
}
