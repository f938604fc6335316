/* export -- queue export: messages as files with their envelopes beside
 * them, or all in one mbox. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/id.h"
#include "ctl/generic.h"

struct export {
	struct ctl *c;
	int dir;              /* folder, or -1 */
	char part[32];        /* there, of nobody else: until it is whole */
	FILE *out;            /* message being written, or the mbox */
	char id[ID_TEXT + 1]; /* of the message being written, "" none */
	json_t *row;          /* its envelope */
	const char *made;     /* folder or file that was not there before */
	struct buf line;      /* mbox: octets of a line that may need a ">" */
	bool line_begins, failed;
	bool enveloped;       /* the envelope has its name already */
	char last;            /* octet written */
	uint64_t done;
	int code;             /* the worst so far */
	bool stop;            /* no room: the rest is not tried */
};

static void
trouble(struct export *x, int code, const char *what)
{
	x->code = fail(code, NULL, "%s: %s", x->id, what);
	x->failed = true;
}

static struct str
text_of(const json_t *v)
{
	return json_is_string(v) ? str_n(json_string_value(v),
	    json_string_length(v)) : STR_NONE;
}

/* --- octets of messages --------------------------------------------------- */

static void
put(struct export *x, struct str s)
{
	if (s.n == 0 || x->failed)
		return;
	if (fwrite(s.p, 1, s.n, x->out) != s.n) {
		if (x->out == stdout)
			out_check();
		trouble(x, CTL_IO, strerror(errno));
		x->stop = true;
	}
	x->last = s.p[s.n - 1];
}

/* Could still become ">>From ". */
static bool
may_be_from(struct str line)
{
	static const char from[] = "From ";

	while (str_take_char(&line, '>'))
		;
	return line.n < 5 && memcmp(line.p, from, line.n) == 0;
}

static bool
is_from(struct str line)
{
	while (str_take_char(&line, '>'))
		;
	return str_eq(line, STR("From "));
}

/* mboxrd: a ">" before each line that begins with any ">" and "From ". */
static void
put_quoted(struct export *x, struct str s)
{
	while (s.n != 0) {
		if (!x->line_begins) {
			const size_t n = str_find(s, '\n');

			x->line_begins = n < s.n;
			put(x, str_take(&s, n < s.n ? n + 1 : n));
			continue;
		}
		buf_add_char(&x->line, s.p[0]);
		str_take(&s, 1);
		if (may_be_from(buf_str(&x->line)))
			continue;
		if (is_from(buf_str(&x->line)))
			put(x, STR(">"));
		put(x, buf_str(&x->line));
		x->line_begins = x->last == '\n';
		buf_reset(&x->line);
	}
}

static void
put_octets(struct export *x, struct str s)
{
	if (x->dir == -1)
		put_quoted(x, s);
	else
		put(x, s);
}

/* --- mbox ------------------------------------------------------------------ */

/* A header field of ours: one line, whatever the value holds. */
static void
put_field(struct export *x, const char *name, const json_t *value)
{
	const struct str v = text_of(value);

	fprintf(x->out, "X-Postern-%s: ", name);
	for (size_t i = 0; i < v.n; i++)
		fputc((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f ? '?' :
		    v.p[i], x->out);
	fputc('\n', x->out);
}

/* "2026-11-23T01:02:03.004Z" as in a "From " line, UTC. */
static void
put_date(struct export *x, struct str iso)
{
	struct tm tm = { 0 };
	char copy[32], text[32] = "Thu Jan  1 00:00:00 1970";
	time_t at;

	if (str_copy(copy, sizeof(copy), iso) &&
	    strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) != NULL) {
		at = timegm(&tm);
		gmtime_r(&at, &tm);
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	}
	fputs(text, x->out);
}

static void
put_sender(struct export *x, struct str sender)
{
	bool plain = sender.n != 0;

	for (size_t i = 0; i < sender.n; i++)
		plain = plain && (unsigned char)sender.p[i] > ' ' &&
		    sender.p[i] != 0x7f;
	fprintf(x->out, "From %.*s ", plain ? (int)sender.n : 13,
	    plain ? sender.p : "MAILER-DAEMON");
}

/* What the sender asked for of the recipient above. */
static void
put_wishes(struct export *x, const json_t *rcpt)
{
	const json_t *notify = json_object_get(rcpt, "notify");
	json_t *word;
	size_t i;

	json_array_foreach(notify, i, word)
		fprintf(x->out, "%s%s", i == 0 ? "X-Postern-Notify: " : ", ",
		    json_string_value(word));
	if (i != 0)
		fputc('\n', x->out);
	if (text_of(json_object_get(rcpt, "orcpt")).n != 0)
		put_field(x, "Orcpt", json_object_get(rcpt, "orcpt"));
}

static void
begin_mbox(struct export *x)
{
	const json_t *rcpts = json_object_get(x->row, "recipients");

	put_sender(x, text_of(json_object_get(x->row, "sender")));
	put_date(x, text_of(json_object_get(x->row, "accepted")));
	fputc('\n', x->out);
	put_field(x, "Id", json_object_get(x->row, "id"));
	put_field(x, "Sender", json_object_get(x->row, "sender"));
	for (size_t i = 0; i < json_array_size(rcpts); i++) {
		put_field(x, "Recipient", json_object_get(
		    json_array_get(rcpts, i), "address"));
		put_wishes(x, json_array_get(rcpts, i));
	}
	put_field(x, "Envid", json_object_get(x->row, "envid"));
	put_field(x, "Ret", json_object_get(x->row, "ret"));
	put_field(x, "Body", json_object_get(x->row, "body"));
	fprintf(x->out, "X-Postern-Smtputf8: %s\n", json_is_true(
	    json_object_get(x->row, "smtputf8")) ? "yes" : "no");
	put_field(x, "Accepted", json_object_get(x->row, "accepted"));
	x->line_begins = true;
	x->last = '\n';
	if (ferror(x->out))
		trouble(x, CTL_IO, strerror(errno));
}

static void
end_mbox(struct export *x)
{
	put(x, buf_str(&x->line)); /* shorter than "From " */
	buf_reset(&x->line);
	put(x, x->last == '\n' ? STR("\n") : STR("\n\n"));
}

/* --- a folder -------------------------------------------------------------- */

static void
begin_file(struct export *x)
{
	int fd;

	/* Not opened if it is there: it may be a message's other name. */
	unlinkat(x->dir, x->part, 0);
	fd = openat(x->dir, x->part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	x->out = fd == -1 ? NULL : fdopen(fd, "w");
	if (x->out == NULL) {
		trouble(x, CTL_CREATE, strerror(errno));
		x->stop = true;
	}
}

static void
close_file(struct export *x)
{
	if (x->out != NULL && fclose(x->out) != 0 && !x->failed)
		trouble(x, CTL_IO, strerror(errno));
	x->out = NULL;
}

static const char *
name_of(const struct export *x, const char *suffix, char name[ID_TEXT + 8])
{
	snprintf(name, ID_TEXT + 8, "%s.%s", x->id, suffix);
	return name;
}

/* The envelope.  One that is there without its message is of an export that
 * was broken off. */
static void
write_envelope(struct export *x)
{
	char name[ID_TEXT + 8];

	begin_file(x);
	if (!x->failed &&
	    (json_dumpf(x->row, x->out, JSON_INDENT(2)) == -1 ||
	        fputc('\n', x->out) == EOF))
		trouble(x, CTL_IO, strerror(errno));
	close_file(x);
	if (!x->failed && renameat(x->dir, x->part, x->dir,
	    name_of(x, "json", name)) == -1)
		trouble(x, CTL_CREATE, strerror(errno));
	x->enveloped = !x->failed;
}

static const char there[] = "is there already, left as it is";

/* Never over a message that is there; and no message without its envelope,
 * wherever this is broken off. */
static void
begin_message_file(struct export *x)
{
	char name[ID_TEXT + 8];

	if (faccessat(x->dir, name_of(x, "eml", name), F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0)
		trouble(x, CTL_CREATE, there);
	else
		write_envelope(x);
	if (!x->failed)
		begin_file(x);
}

static void
end_file(struct export *x)
{
	char name[ID_TEXT + 8];

	close_file(x);
	if (!x->failed && linkat(x->dir, x->part, x->dir,
	    name_of(x, "eml", name), 0) == -1)
		trouble(x, CTL_CREATE,
		    errno == EEXIST ? there : strerror(errno));
	else if (x->failed && x->enveloped)
		unlinkat(x->dir, name_of(x, "json", name), 0);
	unlinkat(x->dir, x->part, 0);
}

/* --- rows ------------------------------------------------------------------ */

static void
begin_message(struct export *x, const json_t *row)
{
	const struct str id = text_of(json_object_get(row, "id"));
	uint64_t number;

	x->failed = x->enveloped = false;
	json_decref(x->row);
	x->row = json_deep_copy(row);
	/* It becomes the name of a file. */
	if (!id_parse(id, &number) || !str_copy(x->id, sizeof(x->id), id)) {
		trouble(x, CTL_BUG, "a message without an id");
		x->stop = true;
	} else if (x->dir == -1)
		begin_mbox(x);
	else
		begin_message_file(x);
}

static void
end_message(struct export *x, const json_t *row)
{
	const struct str error = text_of(json_object_get(row, "error"));

	if (error.n != 0 && !x->failed)
		trouble(x, CTL_IO, error.p);
	if (x->dir == -1)
		end_mbox(x);
	else
		end_file(x);
	if (!x->failed) {
		x->done++;
		if (x->c->json)
			printf("{\"id\":\"%s\"}\n", x->id);
	}
	x->id[0] = '\0';
}

static void
on_row(void *arg, const json_t *row)
{
	struct export *x = arg;
	const json_t *coded = json_object_get(row, "base64");
	const json_t *text = json_object_get(row, "text");

	if (x->stop)
		return;
	if (text == NULL)
		text = json_object_get(row, "header");
	if (json_object_get(row, "id") != NULL) {
		begin_message(x, row);
	} else if (json_object_get(row, "end") != NULL) {
		end_message(x, row);
	} else if (coded != NULL) {
		struct buf octets;

		buf_init(&octets, BUF_NO_MAX);
		if (base64_decode(&octets, text_of(coded)))
			put_octets(x, buf_str(&octets));
		buf_clear(&octets);
	} else {
		put_octets(x, text_of(text));
	}
}

static void
on_rows(void *arg, struct str rows)
{
	(void)table_each(rows, on_row, arg);
}

/* --- the command ------------------------------------------------------------ */

/* By errno, of what should be made or written to there. */
static int
cannot(const char *path)
{
	switch (errno) {
	case ENOENT:
		return fail(CTL_CREATE, "make it first",
		    "%s: there is no such folder to make it in", path);
	case ENOTDIR:
		return fail(CTL_CREATE, NULL, "%s: that, or what it is in, is "
		    "no folder", path);
	case EISDIR:
		return fail(CTL_CREATE, "--into writes to folders",
		    "%s: that is a folder", path);
	case EACCES:
	case EPERM:
		return fail(CTL_DENIED, NULL, "%s: %s", path, strerror(errno));
	case EEXIST:
		return fail(CTL_CREATE, "name a file that is not there yet",
		    "%s: %s", path, strerror(errno));
	default:
		return fail(CTL_CREATE, NULL, "%s: %s", path, strerror(errno));
	}
}

static int
open_folder(struct export *x, const char *path)
{
	if (mkdir(path, 0700) == 0)
		x->made = path;
	else if (errno != EEXIST)
		return cannot(path);
	snprintf(x->part, sizeof(x->part), "export.%ld.part", (long)getpid());
	x->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->dir == -1 || faccessat(x->dir, ".", W_OK | X_OK, AT_EACCESS) == -1)
		return cannot(path);
	return 0;
}

static int
open_mbox(struct export *x, const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0) {
		x->out = stdout;
		return 0;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	x->out = fd == -1 ? NULL : fdopen(fd, "w");
	x->made = path;
	return x->out != NULL ? 0 : cannot(path);
}

/* All of it is on disk, or it is said that it is not. */
static int
finish(struct export *x, int code)
{
	bool ok = true;

	if (x->id[0] != '\0' && !x->stop)
		trouble(x, CTL_IO, "is not whole: no more octets came");
	if (x->dir != -1) {
		close_file(x);
		unlinkat(x->dir, x->part, 0);
	}
	if (x->out == stdout)
		out_check();
	if (x->dir != -1)
		ok = syncfs(x->dir) == 0;
	else if (x->out != NULL)
		ok = fflush(x->out) == 0 && !ferror(x->out) &&
		    (x->out == stdout || fsync(fileno(x->out)) == 0);
	if (x->dir == -1 && x->out != NULL && x->out != stdout &&
	    fclose(x->out) != 0)
		ok = false;
	if (!ok && !x->stop)
		x->code = fail(CTL_IO, NULL, "%s", strerror(errno));
	if (x->dir != -1)
		close(x->dir);
	json_decref(x->row);
	buf_clear(&x->line);
	if (code == CTL_USAGE && x->made != NULL)
		remove(x->made);
	if (code != CTL_USAGE)
		say(x->c, "%llu %s exported", (unsigned long long)x->done,
		    x->done == 1 ? "message" : "messages");
	return code != 0 ? code : x->code;
}

int
cmd_queue_export(
    struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct export x = { .c = c, .dir = -1 };
	struct words w = { .n = 0 };
	const char *into = take_option(&argc, argv, "--into");
	const char *mbox = take_option(&argc, argv, "--mbox");
	const bool ids = take_stdin(&argc, argv);
	int code;

	if ((into == NULL) == (mbox == NULL) || (argc == 0 && !ids))
		return usage(cmd);
	words_add(&w, cmd->noun);
	words_add(&w, cmd->verb);
	for (size_t i = 0; i < argc; i++)
		if (!words_add(&w, argv[i]))
			return fail(CTL_USAGE, too_many_fix, "too many "
			    "arguments");
	if ((code = local_times(&w)) != 0)
		return code;
	code = into != NULL ? open_folder(&x, into) : open_mbox(&x, mbox);
	if (code != 0)
		return code;
	buf_init(&x.line, BUF_NO_MAX);
	return finish(&x, ids ?
	    queue_rows_stdin(c, cmd, &w, on_rows, &x) :
	    queue_rows(c, cmd, &w, on_rows, &x));
}
