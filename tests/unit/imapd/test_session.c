/*
 * Runs the transcripts tests/proto/imap-*.txt against sessions over a store
 * in a temporary folder; each twice, the second time octet by octet.
 *
 *	C: text     the first connection's client says it, with CRLF
 *	C2: text    the second one's, and so on
 *	c: text     without CRLF
 *	S: text     the server says exactly that; <*> stands for anything
 *	            up to what follows it, <N> for a number
 *	S2: text    ...
 *	! bye       the first connection's client is gone
 *	# text      a remark
 *
 * In C and c lines \r \n \t \0 and \\ have their meaning in C, \xHH too;
 * \*N{x} is x, N times; another \ is itself.  What the server says must all be expected, before
 * the next line of the same client and at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "imapd/session.h"
#include "tests/unit/unit.h"

enum { CONNS = 4 };

struct run {
	struct user *user;
	struct session *sessions[CONNS];
	struct buf said[CONNS];  /* by the server, not yet expected */
	bool woken[CONNS];
	bool octets;             /* one at a time */
	const char *file;
	unsigned line;
};

/* --- the sessions ----------------------------------------------------- */

static void
on_wake(void *arg)
{
	bool *woken = arg;

	*woken = true;
}

static struct session *
get(struct run *r, size_t i)
{
	if (r->sessions[i] == NULL) {
		r->sessions[i] = session_new(r->user, STR("login"));
		r->sessions[i]->on_wake = on_wake;
		r->sessions[i]->arg = &r->woken[i];
		buf_reset(&r->sessions[i]->out); /* the greeting */
	}
	return r->sessions[i];
}

static void
collect(struct run *r, size_t i)
{
	struct session *s = r->sessions[i];

	buf_add(&r->said[i], buf_str(&s->out));
	buf_reset(&s->out);
}

/* Works off what there is to do, one step of each in turn. */
static void
settle(struct run *r)
{
	bool busy = true;

	while (busy) {
		busy = false;
		for (size_t i = 0; i < CONNS; i++) {
			if (r->sessions[i] == NULL)
				continue;
			if (session_is_busy(r->sessions[i])) {
				session_step(r->sessions[i]);
				busy = true;
			}
			collect(r, i);
		}
	}
}

static void
feed(struct run *r, size_t i, struct str in)
{
	struct session *s = get(r, i);

	while (in.n != 0) {
		struct str piece = str_first(in, r->octets ? 1 : in.n);
		size_t n = piece.n;

		session_feed(s, &piece);
		in = str_from(in, n - piece.n);
		settle(r);
	}
}

/* --- the transcript --------------------------------------------------- */

static void
add_escape(struct buf *out, struct str *in)
{
	static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
	const char *at;
	uint64_t v = 0;
	uint32_t count = 1;

	if (str_take_char(in, 'x')) {
		num_hex64(str_take(in, 2), &v);
		buf_add_char(out, (char)v);
	} else if (str_take_char(in, '*')) {
		struct str what;

		num_take_u32(in, &count);
		str_take_char(in, '{');
		what = str_take_until(in, '}');
		while (count-- > 0)
			buf_add(out, what);
	} else {
		at = in->n == 0 ? NULL :
		    memchr(from, in->p[0], sizeof(from) - 1);
		buf_add_char(out, at != NULL ? to[at - from] : '\\');
		str_take(in, at != NULL);
	}
}

static void
unescape(struct buf *out, struct str in)
{
	while (in.n != 0) {
		struct str run = str_first(in, str_find(in, '\\'));

		buf_add(out, run);
		in = str_from(in, run.n);
		if (str_take_char(&in, '\\'))
			add_escape(out, &in);
	}
}

/* want may hold <*> and <N>. */
static bool
is_like(struct str got, struct str want)
{
	while (want.n != 0) {
		if (str_take_prefix(&want, STR("<N>"))) {
			uint64_t n;

			if (!num_take_u64(&got, &n))
				return false;
		} else if (str_take_prefix(&want, STR("<*>"))) {
			struct str next = str_first(want, str_find(want, '<'));

			if (next.n == want.n)
				return str_ends(got, want);
			got = str_from(got, str_find_str(got, next));
		} else if (got.n == 0 || got.p[0] != want.p[0]) {
			return false;
		} else {
			got = str_from(got, 1);
			want = str_from(want, 1);
		}
	}
	return got.n == 0;
}

static void
expect(struct run *r, size_t i, struct str want)
{
	struct str said = buf_str(&r->said[i]);
	size_t end = str_find_str(said, STR("\r\n"));
	struct str line = str_first(said, end);

	if (end == said.n || !is_like(line, want))
		ck_abort_msg("%s:%u: \"%.*s\" instead of \"%.*s\"", r->file,
		    r->line, STR_ARG(line), STR_ARG(want));
	buf_drop(&r->said[i], end + 2);
}

static void
expect_silence(struct run *r, size_t i)
{
	if (buf_len(&r->said[i]) != 0)
		ck_abort_msg("%s:%u: \"%.*s\" was not expected", r->file,
		    r->line, STR_ARG(buf_str(&r->said[i])));
}

static void
order(struct run *r, struct str line)
{
	struct buf text;
	char kind = line.p[0];
	size_t i = 0;
	uint32_t number;

	line = str_from(line, 1);
	if (num_take_u32(&line, &number))
		i = number - 1;
	ck_assert_uint_lt(i, CONNS);
	if (!str_take_prefix(&line, STR(":")))
		ck_abort_msg("%s:%u: what is this?", r->file, r->line);
	str_take_char(&line, ' ');
	if (kind == 'S') {
		expect(r, i, line);
		return;
	}
	expect_silence(r, i);
	buf_init(&text, BUF_NO_MAX);
	unescape(&text, line);
	if (kind == 'C')
		buf_add_c(&text, "\r\n");
	feed(r, i, buf_str(&text));
	buf_clear(&text);
}

static void
do_line(struct run *r, struct str line)
{
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (str_eq(line, STR("! bye"))) {
		session_free(r->sessions[0]);
		r->sessions[0] = NULL;
		buf_reset(&r->said[0]);
	} else {
		order(r, line);
	}
}

/* --- one run ---------------------------------------------------------- */

static void
remove_all(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR *d;
	struct dirent *e;

	if (fd == -1) {
		unlinkat(dirfd, name, 0);
		return;
	}
	d = fdopendir(fd);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_all(fd, e->d_name);
	closedir(d);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

static void
run_file(const char *file, bool octets)
{
	static const struct user_conf conf = { .line = 8192, .literal = 4096,
		.message = 1000000, .errors = 5, .search_ms = 60000,
		.special_folders = true };
	struct run r = { .octets = octets, .file = file };
	FILE *in = fopen(file, "r");
	char line[8192], folder[] = "/tmp/imapd-test.XXXXXX";
	int root;

	ck_assert(in != NULL);
	ck_assert(mkdtemp(folder) != NULL);
	root = open(folder, O_RDONLY | O_DIRECTORY);
	r.user = user_open(account_folder(root, STR("a.test/bob")),
	    STR("bob@a.test"), 1, 0, &conf);
	ck_assert_msg(r.user != NULL, "%s", strerror(errno));
	for (size_t i = 0; i < CONNS; i++)
		buf_init(&r.said[i], BUF_NO_MAX);
	while (fgets(line, sizeof(line), in) != NULL) {
		r.line++;
		line[strcspn(line, "\n")] = '\0';
		do_line(&r, str_c(line));
	}
	fclose(in);
	for (size_t i = 0; i < CONNS; i++) {
		expect_silence(&r, i);
		session_free(r.sessions[i]);
		buf_clear(&r.said[i]);
	}
	user_close(r.user);
	close(root);
	remove_all(AT_FDCWD, folder);
}

static glob_t files;

START_TEST(transcript)
{
	run_file(files.gl_pathv[_i / 2], _i % 2 == 1);
}
END_TEST

static TCase *
transcripts(void)
{
	TCase *tc = tcase_create("transcripts");
	const char *top = getenv("srcdir");
	char pattern[4096];

	snprintf(pattern, sizeof(pattern), "%s/tests/proto/imap-*.txt",
	    top != NULL ? top : ".");
	if (glob(pattern, 0, NULL, &files) != 0)
		abort();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, transcript, 0, 2 * (int)files.gl_pathc);
	return tc;
}

UNIT_MAIN("imapd-session", transcripts)
