/*
 * Messages from public projects, where they are: every one must be read to
 * its end and come out as text that reads back; where the project says what
 * parts it found, ours must be the same.
 * Exit 77 (skipped) where they are not: they are no part of this package.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "mail/bodystructure_text.h"
#include "mail/envelope_text.h"
#include "mail/mime.h"
#include "mail/rfc2047.h"
#include "mail/utf8.h"
#include "tests/unit/mail/relist.h"
#include "tests/unit/unit.h"

static const char *const folders[] = {
	"mikel-mail/*/*.eml", "mime4j/*/*.msg",
};

/* Read otherwise than by that project, and why. */
static const char *const deviations[] = {
	/* IMAP has no number for a part within an encoded message. */
	"/multi-2gifs-base64.msg",
	"/bad-newlines-multiple-parts-base64.msg",
	"/base64encoded-rfc822message-nested.msg",
	"/base64encoded-rfc822message.msg",
	/* A boundary of 7,000 octets, more than any line may have. */
	"/very-very-long-boundary.msg",
	NULL
};

static char top[3072];

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return false;
	do {
		char *w = buf_reserve(out, 4096);

		n = fread(w, 1, 4096, f);
		buf_commit(out, n);
	} while (n != 0);
	fclose(f);
	return true;
}

static size_t
count(struct str in, struct str what)
{
	size_t n = 0, at;

	while ((at = str_find_str(in, what)) < in.n) {
		in = str_from(in, at + what.n);
		n++;
	}
	return n;
}

static bool
deviates(const char *path)
{
	for (size_t i = 0; deviations[i] != NULL; i++)
		if (str_ends(str_c(path), str_c(deviations[i])))
			return true;
	return false;
}

/* x.msg has its structure in x.xml. */
static size_t
compare(const char *path, const struct mime *m)
{
	char other[4096];
	struct buf xml;
	size_t n, wrong = 0;

	snprintf(other, sizeof(other), "%.*s.xml", (int)strlen(path) - 4, path);
	buf_init(&xml, BUF_NO_MAX);
	if (read_file(other, &xml)) {
		n = count(buf_str(&xml), STR("\n<body-part>")) +
		    count(buf_str(&xml), STR("<message>"));
		if (n != m->parts && !deviates(path)) {
			fprintf(stderr, "%s: %zu parts, we say %u\n", path, n,
			    m->parts);
			wrong = 1;
		}
	}
	buf_clear(&xml);
	return wrong;
}

static size_t
one(const char *path)
{
	struct pool pool = { 0 };
	struct mime m;
	struct buf msg, out;
	size_t wrong;

	buf_init(&msg, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	ck_assert(read_file(path, &msg));
	mime_parse(&m, &pool, buf_str(&msg));
	ck_assert(bodystructure_text(&out, &m, buf_str(&msg), true));
	ck_assert_msg(relist_ok(buf_str(&out)), "%s", path);
	buf_reset(&out);
	ck_assert(envelope_text(&out, buf_str(&msg)));
	ck_assert_msg(relist_ok(buf_str(&out)), "%s", path);
	buf_reset(&out);
	ck_assert(rfc2047_decode(&out, buf_str(&msg)));
	ck_assert_msg(utf8_ok(buf_str(&out)), "%s", path);
	wrong = compare(path, &m);
	buf_clear(&msg);
	buf_clear(&out);
	pool_clear(&pool);
	return wrong;
}

START_TEST(folder)
{
	char pattern[4096];
	size_t wrong = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s", top, folders[_i]);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		wrong += one(found.gl_pathv[i]);
	ck_assert_uint_eq(wrong, 0);
	globfree(&found);
}
END_TEST

static TCase *
vectors(void)
{
	TCase *t = tcase_create("vectors");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, folder, 0, (int)N_OF(folders));
	return t;
}

int
main(void)
{
	static unit_case_fn *const cases[] = { vectors };
	const char *src = getenv("srcdir");
	char path[4096];
	FILE *f;

	snprintf(top, sizeof(top), "%s/../shared/vectors/mime",
	    src != NULL ? src : ".");
	snprintf(path, sizeof(path), "%s/mime4j/LICENSE", top);
	if ((f = fopen(path, "r")) == NULL)
		return 77;
	fclose(f);
	return unit_run("vectors", cases, 1);
}
