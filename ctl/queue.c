/* queue -- commands about messages that wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fatal.h"
#include "base/id.h"
#include "ctl/generic.h"

enum { ID_LINE = 64 };

/* Whole lines to the caller, what is left over stays. */
static void
pass_lines(struct buf *rows, void (*on_rows)(void *arg, struct str rows),
    void *arg)
{
	const size_t whole = str_rfind(buf_str(rows), '\n') + 1;

	if (whole > buf_len(rows))
		return;
	on_rows(arg, str_first(buf_str(rows), whole));
	buf_drop(rows, whole);
}

int
queue_read(struct ctl *c, const struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg)
{
	char path[PATH_MAX], octets[65536];
	const char *argv[CONTROL_WORDS_MAX + 3] = { "qmgr-read" };
	struct buf rows;
	ssize_t n;
	pid_t pid;
	int ends[2], status;

	ctl_program(c, "qmgr", "qmgr-read", path);
	argv[1] = ctl_path(c, "spool");
	for (size_t i = 1; i < w->n; i++)
		argv[i + 1] = w->word[i].p;
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		fatal_errno("fork");
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execv(path, (char *const *)(uintptr_t)argv);
		fprintf(stderr, "postern: %s: %s\n", path, strerror(errno));
		_exit(CTL_DOWN);
	}
	close(ends[1]);
	buf_init(&rows, BUF_NO_MAX);
	while ((n = read(ends[0], octets, sizeof(octets))) > 0 ||
	    (n == -1 && errno == EINTR)) {
		if (n > 0)
			buf_add(&rows, str_n(octets, (size_t)n));
		pass_lines(&rows, on_rows, arg);
	}
	buf_clear(&rows);
	close(ends[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_IO;
}

bool
server_is_up(struct ctl *c)
{
	const int fd = ask_connect(c);

	if (fd != -1)
		close(fd);
	return fd != -1 || errno == EACCES;
}

int
queue_rows(struct ctl *c, const struct cmd *cmd, const struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg)
{
	const bool changes = (cmd->flags & CMD_FILTER_NEEDED) != 0;
	const bool is_up = changes || server_is_up(c);
	struct ask a = { .target = cmd->target, .words = w->word,
		.nwords = w->n, .fd = -1, .on_rows = on_rows, .arg = arg,
		.or_down = !changes };
	int code = is_up ? ask(c, &a) : CTL_DOWN;

	if (code != CTL_DOWN || changes)
		return code;
	say(c, is_up ? "postern: the queue manager is not running, postern "
	    "status and the log tell why; this is the queue on disk" :
	    "postern: the server is not running; this is the queue on disk");
	return queue_read(c, w, on_rows, arg);
}

/* The first word of the next line, what is too long cut off. */
static bool
read_line(char out[ID_LINE])
{
	int ch;

	if (fgets(out, ID_LINE, stdin) == NULL)
		return false;
	if (strchr(out, '\n') == NULL)
		while ((ch = getchar()) != EOF && ch != '\n')
			;
	out[strcspn(out, "\r\n \t")] = '\0';
	return true;
}

int
queue_rows_stdin(struct ctl *c, const struct cmd *cmd, struct words *w,
    void (*on_rows)(void *arg, struct str rows), void *arg)
{
	enum { IDS_AT_ONCE = 32 };
	char lines[IDS_AT_ONCE][ID_LINE];
	size_t from = w->n, i, at = 0;
	int code = 0, one;
	bool more = true;
	uint64_t id;

	while (more) {
		w->n = from;
		for (i = 0; i < IDS_AT_ONCE && w->n < CONTROL_WORDS_MAX; ) {
			more = read_line(lines[i]);
			if (!more)
				break;
			at++;
			if (lines[i][0] == '\0')
				continue;
			if (id_parse(str_c(lines[i]), &id))
				words_add(w, lines[i++]);
			else
				code = fail(CTL_DATA, "ids alone, one a line",
				    "line %zu: \"%s\" is no message id", at,
				    lines[i]);
		}
		if (i == 0)
			break;
		one = queue_rows(c, cmd, w, on_rows, arg);
		code = one != 0 ? one : code;
	}
	return code;
}

/* The text of a message is for reading: rows are its pieces. */
static void
put_text(void *arg, const json_t *row)
{
	json_t *text = json_object_get(row, "text");
	json_t *octets = json_object_get(row, "base64");

	(void)arg;
	if (text == NULL)
		text = json_object_get(row, "header");
	if (octets != NULL) {
		struct buf out;

		buf_init(&out, BUF_NO_MAX);
		if (base64_decode(&out, str_n(json_string_value(octets),
		    json_string_length(octets))))
			fwrite(out.p, 1, buf_len(&out), stdout);
		buf_clear(&out);
	} else if (text != NULL) {
		fwrite(json_string_value(text), 1, json_string_length(text),
		    stdout);
	}
}

static void
on_cat_rows(void *arg, struct str rows)
{
	(void)table_each(rows, put_text, arg);
}

static int
cat(struct ctl *c, const struct cmd *cmd, struct words *w, bool ids)
{
	return ids ? queue_rows_stdin(c, cmd, w, on_cat_rows, NULL) :
	             queue_rows(c, cmd, w, on_cat_rows, NULL);
}

static void
add_count(void *arg, const json_t *row)
{
	uint64_t *n = arg;

	*n += (uint64_t)json_integer_value(json_object_get(row, "changed"));
}

static void
on_count_rows(void *arg, struct str rows)
{
	(void)table_each(rows, add_count, arg);
}

/* What a change would reach, as the daemon counts it. */
static int
say_count(struct ctl *c, const struct cmd *cmd, const struct words *w)
{
	uint64_t n = 0;
	struct words dry = *w;
	struct ask a = { .target = cmd->target, .words = dry.word, .fd = -1,
		.on_rows = on_count_rows, .arg = &n };
	int code;

	if (!words_add(&dry, "--dry-run"))
		return fail(CTL_USAGE, NULL, "too many arguments");
	a.nwords = dry.n;
	if ((code = ask(c, &a)) == 0)
		say(c, "queue %s: %llu %s", cmd->verb,
		    (unsigned long long)n, n == 1 ? "message" : "messages");
	return code;
}

/* Before a change: the number is said, then the question asked.  Without
 * somebody to answer it nothing is asked of the server either.  Ids from
 * stdin are counted by who wrote them. */
static int
agree(struct ctl *c, const struct cmd *cmd, const struct words *w, bool ids)
{
	const bool asks = (cmd->flags & CMD_CONFIRM) != 0 && !c->yes;
	int code;

	if ((cmd->flags & CMD_FILTER_NEEDED) == 0)
		return 0;
	if (asks && !isatty(STDIN_FILENO)) {
		(void)confirm(c, cmd->meaning);
		return CTL_USAGE;
	}
	if (!ids && !c->quiet && (code = say_count(c, cmd, w)) != 0)
		return code;
	return asks && !confirm(c, cmd->meaning) ? CTL_USAGE : 0;
}

static bool
has_word(const struct words *w, struct str word)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->word[i], word))
			return true;
	return false;
}

int
cmd_queue(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct words w = { .n = 0 };
	bool ids = take_flag(&argc, argv, "-");
	struct table t;
	int code;

	if (argc == 0 && !ids && (cmd->flags & CMD_FILTER_NEEDED) != 0)
		return fail(CTL_USAGE, "--all means all messages",
		    "queue %s needs to know which messages", cmd->verb);
	if (argc == 0 && !ids && strcmp(cmd->args, "ID") == 0)
		return usage(cmd);
	words_add(&w, cmd->noun);
	words_add(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (strcmp(argv[i], "--") != 0 && !words_add(&w, argv[i]))
			return fail(CTL_USAGE, "one id a line on stdin, and "
			    "\"-\" as the id", "too many arguments");
	if (!has_word(&w, STR("--dry-run")) &&
	    (code = agree(c, cmd, &w, ids)) != 0)
		return code;
	if (strcmp(cmd->verb, "cat") == 0 && !c->json)
		return cat(c, cmd, &w, ids);
	table_init(&t, c, cmd->columns);
	code = ids ? queue_rows_stdin(c, cmd, &w, table_rows, &t) :
	             queue_rows(c, cmd, &w, table_rows, &t);
	table_over(c, cmd, &t, code);
	return code;
}
