#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fatal.h"
#include "ctl/ask.h"
#include "ctl/password.h"
#include "ctl/table.h"
#include "msg/control.h"

/* The words of a question: noun, verb and what the caller wrote. */
struct words {
	struct str word[CONTROL_WORDS_MAX];
	size_t n;
};

static bool
add_word(struct words *w, const char *word)
{
	if (w->n == CONTROL_WORDS_MAX)
		return false;
	w->word[w->n++] = str_c(word);
	return true;
}

/* Takes --option out of the arguments. */
static bool
take_flag(size_t *argc, char *argv[], const char *flag)
{
	size_t n = 0;

	for (size_t i = 0; i < *argc; i++)
		if (strcmp(argv[i], flag) != 0)
			argv[n++] = argv[i];
	if (n == *argc)
		return false;
	*argc = n;
	return true;
}

/* How many arguments without "--" the usage line demands. */
static size_t
args_needed(const struct cmd *cmd)
{
	struct str rest = str_c(cmd->args), word;
	size_t n = 0;
	bool optional = false;

	while ((word = str_take_word(&rest)).n > 0) {
		if (word.p[0] == '[')
			optional = true;
		n += !optional;
		if (word.p[word.n - 1] == ']')
			optional = false;
	}
	return n;
}

static int
check_args(const struct cmd *cmd, size_t argc, char *argv[])
{
	size_t plain = 0;

	for (size_t i = 0; i < argc; i++)
		plain += strncmp(argv[i], "--", 2) != 0;
	if (plain < args_needed(cmd))
		return usage(cmd);
	if (cmd->args[0] == '\0' && plain > 0)
		return usage(cmd);
	return 0;
}

/* Nothing to show is said, so that it is not taken for a failure. */
static void
end_table(struct ctl *c, const struct cmd *cmd, struct table *t, int code)
{
	bool lists = strcmp(cmd->verb, "list") == 0 ||
	    strcmp(cmd->verb, "show") == 0;

	table_end(t);
	if (code == 0 && lists && t->rows == 0 && !c->json)
		say(c, "nothing matches");
}

static int
ask_words(struct ctl *c, const struct cmd *cmd, struct ask *a)
{
	struct table t;
	int code;

	table_init(&t, c, cmd->columns);
	a->target = cmd->target;
	a->on_rows = table_rows;
	a->arg = &t;
	a->offline = (cmd->flags & CMD_OFFLINE) != 0;
	code = ask(c, a);
	end_table(c, cmd, &t, code);
	return code;
}

static int
ask_password(struct ctl *c, const struct cmd *cmd, struct ask *a,
    bool from_stdin)
{
	struct buf password;
	int code;

	buf_init(&password, PASSWORD_MAX);
	code = password_read(c, cmd, from_stdin, &password);
	if (code == 0) {
		a->has_data = true;
		a->fd = -1;
		a->data = buf_str(&password);
		code = ask_words(c, cmd, a);
	}
	buf_clear_secret(&password);
	return code;
}

int
cmd_generic(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct words w = { .n = 0 };
	struct ask a = { .words = w.word, .fd = -1 };
	bool from_stdin = (cmd->flags & CMD_PASSWORD) != 0 &&
	    take_flag(&argc, argv, "--password-stdin");
	int code;

	if ((code = check_args(cmd, argc, argv)) != 0)
		return code;
	add_word(&w, cmd->noun);
	add_word(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (!add_word(&w, argv[i]))
			return fail(CTL_USAGE, NULL, "too many arguments");
	a.nwords = w.n;
	if ((cmd->flags & CMD_CONFIRM) != 0 && !confirm(c, cmd->meaning))
		return CTL_USAGE;
	if ((cmd->flags & CMD_PASSWORD) != 0)
		return ask_password(c, cmd, &a, from_stdin);
	return ask_words(c, cmd, &a);
}

/* First the directory entry, so that nobody logs in or gets mail; then the
 * secret, which is worth nothing by then. */
int
cmd_account_remove(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct str words[] = { STR("account"), STR("remove"), STR_NONE };
	struct ask a = { .words = words, .nwords = 3, .fd = -1 };
	struct cmd to_authd = *cmd;
	int code;

	if (argc != 1)
		return usage(cmd);
	if (!confirm(c, cmd->meaning))
		return CTL_USAGE;
	words[2] = str_c(argv[0]);
	if ((code = ask_words(c, cmd, &a)) != 0)
		return code;
	words[1] = STR("forget");
	to_authd.target = ROLE_AUTHD;
	return ask_words(c, &to_authd, &a);
}

/* ---- queue ---- */

/* With the server down the queue can still be read. */
static int
read_offline(struct ctl *c, const struct cmd *cmd, const struct words *w)
{
	char path[PATH_MAX], octets[65536];
	const char *argv[CONTROL_WORDS_MAX + 3] = { "qmgr-read" };
	struct table t;
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
	say(c, "postern: the server is not running; this is the queue on "
	    "disk");
	table_init(&t, c, cmd->columns);
	buf_init(&rows, BUF_NO_MAX);
	while ((n = read(ends[0], octets, sizeof(octets))) > 0) {
		size_t whole;

		buf_add(&rows, str_n(octets, (size_t)n));
		whole = str_rfind(buf_str(&rows), '\n') + 1;
		if (whole > buf_len(&rows))
			continue;
		table_rows(&t, str_first(buf_str(&rows), whole));
		buf_drop(&rows, whole);
	}
	buf_clear(&rows);
	close(ends[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	end_table(c, cmd, &t, status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_IO;
}

static int
ask_queue(struct ctl *c, const struct cmd *cmd, const struct words *w)
{
	struct ask a = { .words = w->word, .nwords = w->n, .fd = -1 };
	bool reads = (cmd->flags & CMD_FILTER_NEEDED) == 0;
	int fd;

	if (reads && (fd = ask_connect(c)) == -1 && errno != EACCES)
		return read_offline(c, cmd, w);
	if (reads && fd != -1)
		close(fd);
	return ask_words(c, cmd, &a);
}

/* `-`: ids from stdin, so many to a question as fit. */
static int
ask_ids(struct ctl *c, const struct cmd *cmd, struct words *w)
{
	enum { IDS_AT_ONCE = 32 };
	char lines[IDS_AT_ONCE][64];
	size_t from = w->n, i;
	int code = 0, one;
	bool more = true;

	while (more) {
		w->n = from;
		for (i = 0; i < IDS_AT_ONCE && w->n < CONTROL_WORDS_MAX; ) {
			more = fgets(lines[i], sizeof(lines[i]), stdin) != NULL;
			if (!more)
				break;
			lines[i][strcspn(lines[i], "\r\n \t")] = '\0';
			if (lines[i][0] != '\0')
				add_word(w, lines[i++]);
		}
		if (i == 0)
			break;
		one = ask_queue(c, cmd, w);
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
cat(struct ctl *c, const struct cmd *cmd, const struct words *w)
{
	struct ask a = { .target = cmd->target, .words = w->word,
		.nwords = w->n, .fd = -1, .on_rows = on_cat_rows };

	return ask(c, &a);
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

	if (!add_word(&dry, "--dry-run"))
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
	int code;

	if (argc == 0 && !ids && (cmd->flags & CMD_FILTER_NEEDED) != 0)
		return fail(CTL_USAGE, "--all means all messages",
		    "queue %s needs to know which messages", cmd->verb);
	if (argc == 0 && !ids && strcmp(cmd->args, "ID") == 0)
		return usage(cmd);
	add_word(&w, cmd->noun);
	add_word(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (strcmp(argv[i], "--") != 0 && !add_word(&w, argv[i]))
			return fail(CTL_USAGE, "one id a line on stdin, and "
			    "\"-\" as the id", "too many arguments");
	if (!has_word(&w, STR("--dry-run")) &&
	    (code = agree(c, cmd, &w, ids)) != 0)
		return code;
	if (ids)
		return ask_ids(c, cmd, &w);
	if (strcmp(cmd->verb, "cat") == 0 && !c->json)
		return cat(c, cmd, &w);
	return ask_queue(c, cmd, &w);
}
