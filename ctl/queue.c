/* queue -- commands about messages that wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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
	return fd != -1 || errno == EACCES || errno == EAGAIN;
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
	static char lines[CONTROL_WORDS_MAX][ID_LINE];
	size_t from = w->n, i, at = 0;
	int code = 0, one;
	bool more = true;
	uint64_t id;

	while (more) {
		w->n = from;
		for (i = 0; w->n < CONTROL_WORDS_MAX; ) {
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
		/* What is wrong now is so for all. */
		more = more && (one == 0 || one == CTL_NO_SUCH);
	}
	return code;
}

/* Whoever sent it may have written orders to the terminal. */
static void
put_octets(const struct ctl *c, struct str text)
{
	if (!c->out_tty) {
		fwrite(text.p, 1, text.n, stdout);
		return;
	}
	for (size_t i = 0; i < text.n; i++)
		putchar(table_is_order(text, i) && text.p[i] != '\n' &&
		    text.p[i] != '\t' ? '?' : text.p[i]);
}

/* The text of a message is for reading: rows are its pieces. */
static void
put_text(void *arg, const json_t *row)
{
	const struct ctl *c = arg;
	json_t *text = json_object_get(row, "text");
	json_t *octets = json_object_get(row, "base64");

	if (text == NULL)
		text = json_object_get(row, "header");
	if (octets != NULL) {
		struct buf out;

		buf_init(&out, BUF_NO_MAX);
		if (base64_decode(&out, str_n(json_string_value(octets),
		    json_string_length(octets))))
			put_octets(c, buf_str(&out));
		buf_clear(&out);
	} else if (text != NULL) {
		put_octets(c, str_n(json_string_value(text),
		    json_string_length(text)));
	}
}

static void
on_cat_rows(void *arg, struct str rows)
{
	(void)table_each(rows, put_text, arg);
	if (ferror(stdout))
		out_check();
}

/* --- changes ---------------------------------------------------------------- */

/* Messages that were changed, or would be; those of them whose senders nobody
 * tells, though the command does. */
struct count {
	uint64_t n, unreported;
};

static void
add_count(void *arg, const json_t *row)
{
	struct count *k = arg;

	k->n += (uint64_t)json_integer_value(json_object_get(row, "changed"));
	k->unreported += (uint64_t)json_integer_value(
	    json_object_get(row, "unreported"));
}

static void
on_count_rows(void *arg, struct str rows)
{
	(void)table_each(rows, add_count, arg);
}

static const char mute_text[] = "removed without a report: from <>, or NOTIFY "
    "without FAILURE";

/* What a change would reach, as the daemon counts it; of what is wrong
 * nothing is said, unless nothing is reached. */
static int
say_count(struct ctl *c, const struct cmd *cmd, const struct words *w,
    struct count *k)
{
	struct words dry = *w;
	struct ask a = { .target = cmd->target, .words = dry.word, .fd = -1,
		.on_rows = on_count_rows, .arg = k, .quiet = true };
	char mute[96] = "";
	int code;

	if (!words_add(&dry, "--dry-run"))
		return fail(CTL_USAGE, too_many_fix, "too many arguments");
	a.nwords = dry.n;
	code = ask(c, &a);
	if (c->hung)
		return ask_hung(c, cmd->target);
	if (code != 0 && k->n == 0) {
		a.quiet = false;
		if ((code = ask(c, &a)) != 0)
			return code;
	}
	if (k->unreported == k->n && k->n != 0)
		snprintf(mute, sizeof(mute), ", %s", mute_text);
	else if (k->unreported != 0)
		snprintf(mute, sizeof(mute), ", %llu of them %s",
		    (unsigned long long)k->unreported, mute_text);
	say(c, "queue %s: %llu %s%s", cmd->verb, (unsigned long long)k->n,
	    k->n == 1 ? "message" : "messages", mute);
	return 0;
}

/* Before a change: the number is said, then the question asked.  Without
 * somebody to answer it nothing is asked of the server either.  Ids from
 * stdin are counted by who wrote them. */
static int
agree(struct ctl *c, const struct cmd *cmd, const struct words *w, bool ids)
{
	const bool asks = (cmd->flags & CMD_CONFIRM) != 0 && !c->yes;
	struct count k = { 0, 0 };
	int code;

	if (asks && !isatty(STDIN_FILENO))
		return fail(CTL_USAGE, "say --yes, or --dry-run to see how "
		    "many messages it is", "queue %s (%s) asks first, and "
		    "stdin is no terminal", cmd->verb, cmd->meaning);
	if (!ids && !c->quiet && (code = say_count(c, cmd, w, &k)) != 0)
		return code;
	return !asks ? 0 : confirm(c, k.n != 0 && k.unreported == k.n ?
	    "remove without telling anybody" : cmd->meaning);
}

/* Ids from stdin are many questions, but one sum. */
static int
change_stdin(struct ctl *c, const struct cmd *cmd, struct words *w, bool dry)
{
	struct count k = { 0, 0 };
	int code = queue_rows_stdin(c, cmd, w, on_count_rows, &k);
	struct table t;
	struct buf row;

	if (code != 0 && k.n == 0)
		return code;
	buf_init(&row, BUF_NO_MAX);
	buf_addf(&row, "{\"changed\":%llu", (unsigned long long)k.n);
	if (k.unreported != 0)
		buf_addf(&row, ",\"unreported\":%llu",
		    (unsigned long long)k.unreported);
	buf_addf(&row, "%s}\n", dry ? ",\"dry_run\":true" : "");
	table_init(&t, c, cmd->columns);
	table_rows(&t, buf_str(&row));
	table_end(&t);
	buf_clear(&row);
	return code;
}

static bool
has_word(const struct words *w, struct str word)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->word[i], word))
			return true;
	return false;
}

static int
change(struct ctl *c, const struct cmd *cmd, struct words *w, bool ids)
{
	const bool dry = has_word(w, STR("--dry-run"));
	struct table t;
	int code;

	if (!dry && (code = agree(c, cmd, w, ids)) != 0)
		return code;
	if (ids)
		return change_stdin(c, cmd, w, dry);
	table_init(&t, c, cmd->columns);
	code = queue_rows(c, cmd, w, table_rows, &t);
	table_end(&t);
	return code;
}

/* --- looking ---------------------------------------------------------------- */

static void
take_total(void *arg, const json_t *row)
{
	json_int_t *n = arg;

	if (json_is_true(json_object_get(row, "total")))
		*n = json_integer_value(json_object_get(row, "messages"));
}

static void
on_total_rows(void *arg, struct str rows)
{
	(void)table_each(rows, take_total, arg);
}

/* So that nothing is not taken for a failure. */
static void
say_none(struct ctl *c)
{
	struct str words[] = { STR("queue"), STR("summary") };
	json_int_t n = -1;
	struct ask a = { .target = ROLE_QMGR, .words = words, .nwords = 2,
		.fd = -1, .on_rows = on_total_rows, .arg = &n, .quiet = true };

	if (c->quiet || c->json)
		return;
	if (!server_is_up(c) || ask(c, &a) != 0 || n < 0)
		say(c, "no messages match");
	else if (n == 0)
		say(c, "no messages wait");
	else
		say(c, "no messages match (%lld in the queue)", (long long)n);
}

/* The column of what a summary is by is its first; true: the last, a reason,
 * says the same. */
static bool
head_by(const struct words *w, struct column cols[TABLE_COLUMNS])
{
	static char field[32], head[32];

	for (size_t i = 0; i + 1 < w->n; i++)
		if (str_eq(w->word[i], STR("--by")))
			str_copy(field, sizeof(field), w->word[i + 1]);
	if (field[0] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = chr_upper(field[i]);
	cols[0].field = field;
	cols[0].head = head;
	return strcmp(field, "reason") == 0;
}

static int
look(struct ctl *c, const struct cmd *cmd, struct words *w, bool ids)
{
	struct column cols[TABLE_COLUMNS];
	struct table t;
	void (*on_rows)(void *arg, struct str rows) = table_rows;
	void *arg = &t;
	int code;

	table_init(&t, c, cmd->columns);
	if (strcmp(cmd->verb, "summary") == 0 && !c->json) {
		memcpy(cols, cmd->columns, (t.n + 1) * sizeof(cols[0]));
		t.n -= head_by(w, cols);
		t.columns = cols;
	} else if (strcmp(cmd->verb, "cat") == 0 && !c->json) {
		on_rows = on_cat_rows;
		arg = c;
	} else if (strcmp(cmd->verb, "show") == 0 && !c->json) {
		on_rows = show_rows;
	}
	code = ids ? queue_rows_stdin(c, cmd, w, on_rows, arg) :
	             queue_rows(c, cmd, w, on_rows, arg);
	table_end(&t);
	if (code == 0 && strcmp(cmd->verb, "list") == 0 && t.rows == 0)
		say_none(c);
	return code;
}

/* --- the command ------------------------------------------------------------ */

const char too_many_fix[] = "one id a line on stdin, and \"-\" as the id";

/* "2026-11-29", "2026-11-29 20:37" or with seconds, or a T between. */
static bool
local_time(struct str word, struct tm *tm)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };
	char text[32];
	const char *end;

	if (!str_copy(text, sizeof(text), word))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		*tm = (struct tm){ .tm_isdst = -1 };
		end = strptime(text, forms[i], tm);
		if (end != NULL && *end == '\0')
			return true;
	}
	return false;
}

/* -1: there is none: 2026-02-31, or the year 26. */
static time_t
time_of(struct tm tm)
{
	enum { EPOCH = 1970 - 1900 };
	const int day = tm.tm_mday;
	const time_t at = mktime(&tm);

	return tm.tm_mday == day && tm.tm_year >= EPOCH ? at : -1;
}

int
local_times(struct words *w)
{
	static char text[2][32];
	struct tm tm;
	size_t n = 0;
	time_t at;

	for (size_t i = 2; i + 1 < w->n && n < 2; i++) {
		if (!str_eq(w->word[i], STR("--since")) &&
		    !str_eq(w->word[i], STR("--until")))
			continue;
		if (!local_time(w->word[++i], &tm))
			continue; /* qmgr knows other forms */
		if ((at = time_of(tm)) == -1)
			return fail(CTL_USAGE, "2026-11-29, 2026-11-29T20:37 "
			    "or a time ago as 2h", "%.*s: no such time",
			    STR_ARG(w->word[i]));
		gmtime_r(&at, &tm);
		strftime(text[n], sizeof(text[n]), "%Y-%m-%dT%H:%M:%SZ", &tm);
		w->word[i] = str_c(text[n++]);
	}
	return 0;
}

/* Ids from stdin are asked for some at a time: what counts over all of them
 * does not go with them. */
static bool
stdin_alone(const struct words *w)
{
	uint64_t id;

	for (size_t i = 2; i < w->n; i++)
		if (str_eq(w->word[i], STR("--limit")) ||
		    id_parse(w->word[i], &id))
			return false;
	return true;
}

/* Of these the next word is no value. */
static bool
is_alone(const char *option)
{
	static const char *const alone[] = { "--all", "--dry-run", "--reset" };

	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (strcmp(option, alone[i]) == 0)
			return true;
	return strncmp(option, "--", 2) != 0;
}

bool
take_stdin(size_t *argc, char *argv[])
{
	size_t n = 0;

	for (size_t i = 0; i < *argc; i++)
		if (strcmp(argv[i], "-") != 0 ||
		    (i != 0 && !is_alone(argv[i - 1])))
			argv[n++] = argv[i];
	if (n == *argc)
		return false;
	*argc = n;
	return true;
}

int
cmd_queue(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	const bool changes = (cmd->flags & CMD_FILTER_NEEDED) != 0;
	struct words w = { .n = 0 };
	bool ids = take_stdin(&argc, argv);
	int code;

	if (argc == 0 && !ids && changes)
		return fail(CTL_USAGE, "--all means all messages",
		    "queue %s needs to know which messages", cmd->verb);
	if (argc == 0 && !ids && strncmp(cmd->args, "ID", 2) == 0)
		return usage(cmd);
	words_add(&w, cmd->noun);
	words_add(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (strcmp(argv[i], "--") != 0 && !words_add(&w, argv[i]))
			return fail(CTL_USAGE, too_many_fix, "too many "
			    "arguments");
	if (ids && !stdin_alone(&w))
		return fail(CTL_USAGE, "leave them out, or \"-\"",
		    "ids from stdin go with no others, and no --limit");
	if ((code = local_times(&w)) != 0)
		return code;
	return changes ? change(c, cmd, &w, ids) : look(c, cmd, &w, ids);
}
