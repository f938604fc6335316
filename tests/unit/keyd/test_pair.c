#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/keyd/pair.h"
#include "helpers/keyd/source.h"

static struct str
chain_of(struct str pem)
{
	return str_first(pem, str_find_str(pem, STR("-----BEGIN PRIVATE")));
}

static struct str
key_of(struct str pem)
{
	return str_from(pem, str_find_str(pem, STR("-----BEGIN PRIVATE")));
}

START_TEST(made)
{
	struct buf pem, other;
	struct pair *p;
	char error[PAIR_ERROR] = "", kind[64];

	buf_init(&pem, BUF_NO_MAX);
	buf_init(&other, BUF_NO_MAX);
	ck_assert(pair_make("mail.example.org", &pem));
	ck_assert(pair_make("mail.example.org", &other));
	p = pair_new(chain_of(buf_str(&pem)), key_of(buf_str(&pem)), error);
	ck_assert_msg(p != NULL, "%s", error);
	ck_assert(pair_is_fit(p, "mail.example.org"));
	ck_assert(!pair_is_fit(p, "mail.example.net"));
	pair_kind(p, kind);
	ck_assert_str_eq(kind, "EC P-256");
	pair_free(p);
	/* The key of another certificate. */
	ck_assert_ptr_null(pair_new(
	    chain_of(buf_str(&pem)), key_of(buf_str(&other)), error));
	ck_assert_str_eq(error, "the key does not belong to the certificate");
	buf_clear(&pem);
	buf_clear(&other);
}
END_TEST

static const struct {
	const char *digest;
	size_t octets;
	uint32_t padding;
	bool ok;
} signs[] = {
	{ "SHA256", 32, 0, true },
	{ "SHA2-256", 32, 0, true },
	{ "SHA384", 48, 0, true },
	{ "SHA512", 64, 0, true },
	{ "SHA256", 31, 0, false }, /* not the length of that digest */
	{ "SHA1", 20, 0, false },
	{ "", 32, 0, false },
	{ "SHA256", 32, RSA_PKCS1_PADDING, false }, /* an EC key has none */
	{ "SHA256", 32, 99, false },
};

START_TEST(sign_ec)
{
	struct buf pem, out;
	struct pair *p;
	char error[PAIR_ERROR], tbs[64] = "the digest of something";

	buf_init(&pem, BUF_NO_MAX);
	buf_init(&out, BUF_NO_MAX);
	pair_make("mail.example.org", &pem);
	p = pair_new(chain_of(buf_str(&pem)), key_of(buf_str(&pem)), error);
	ck_assert_int_eq(pair_sign(p, signs[_i].padding,
	    str_c(signs[_i].digest), str_n(tbs, signs[_i].octets), &out),
	    signs[_i].ok);
	ck_assert_int_eq(buf_len(&out) != 0, signs[_i].ok);
	pair_free(p);
	buf_clear(&pem);
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *cert, *key;
} broken[] = {
	{ "", "" },
	{ "no PEM", "no PEM" },
	{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
};

START_TEST(refused)
{
	char error[PAIR_ERROR] = "";

	ck_assert_ptr_null(pair_new(
	    str_c(broken[_i].cert), str_c(broken[_i].key), error));
	ck_assert_str_ne(error, "");
}
END_TEST

static void
put_file(int dir, const char *name, struct str s)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, s.p, s.n), (ssize_t)s.n);
	close(fd);
}

/* Files are read again when they change; a broken pair is refused. */
START_TEST(files)
{
	char dir[] = "/tmp/postern-keyd-XXXXXX", error[PAIR_ERROR] = "";
	struct source s = { .lib = -1, .cert = { .dir = -1, .opened = -1 },
		.key = { .dir = -1, .opened = -1 } };
	struct buf a, b;
	struct pair *p, *q;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	buf_init(&a, BUF_NO_MAX);
	buf_init(&b, BUF_NO_MAX);
	pair_make("one.example", &a);
	pair_make("two.example", &b);
	put_file(fd, "cert.pem", chain_of(buf_str(&a)));
	put_file(fd, "key.pem", key_of(buf_str(&a)));
	source_init(&s, false, STR("one.example"));
	source_file_folder(&s.cert, STR("/any/where/cert.pem"), dup(fd));
	source_file_folder(&s.key, STR("/any/where/key.pem"), dup(fd));
	p = source_read(&s, error);
	ck_assert_msg(p != NULL, "%s", error);
	ck_assert(!source_changed(&s));
	put_file(fd, "cert.pem", chain_of(buf_str(&b)));
	ck_assert(source_changed(&s));
	ck_assert_ptr_null(source_read(&s, error));
	put_file(fd, "key.pem", key_of(buf_str(&b)));
	q = source_read(&s, error);
	ck_assert_ptr_nonnull(q);
	ck_assert(!pair_same(p, q));
	pair_free(p);
	pair_free(q);
	buf_clear(&a);
	buf_clear(&b);
	unlinkat(fd, "cert.pem", 0);
	unlinkat(fd, "key.pem", 0);
	source_clear(&s);
	close(fd);
	rmdir(dir);
}
END_TEST

/* Made once and kept; another host name makes another one. */
START_TEST(self_signed)
{
	char dir[] = "/tmp/postern-keyd-XXXXXX", error[PAIR_ERROR] = "";
	struct source s = { .cert = { .dir = -1, .opened = -1 },
		.key = { .dir = -1, .opened = -1 } };
	struct pair *p, *q, *r;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	s.lib = open(dir, O_RDONLY | O_DIRECTORY);
	source_init(&s, true, STR("one.example"));
	p = source_read(&s, error);
	ck_assert_msg(p != NULL, "%s", error);
	q = source_read(&s, error);
	ck_assert(pair_same(p, q));
	free(s.hostname);
	source_init(&s, true, STR("two.example"));
	r = source_read(&s, error);
	ck_assert_ptr_nonnull(r);
	ck_assert(!pair_same(p, r));
	ck_assert_int_eq(fstatat(s.lib, "self-signed.pem", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	pair_free(p);
	pair_free(q);
	pair_free(r);
	unlinkat(s.lib, "self-signed.pem", 0);
	source_clear(&s);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static TCase *
pairs(void)
{
	TCase *tc = tcase_create("pairs");

	tcase_add_test(tc, made);
	tcase_add_loop_test(tc, sign_ec, 0, N_OF(signs));
	tcase_add_loop_test(tc, refused, 0, N_OF(broken));
	return tc;
}

static TCase *
sources(void)
{
	TCase *tc = tcase_create("sources");

	tcase_add_test(tc, files);
	tcase_add_test(tc, self_signed);
	return tc;
}

UNIT_MAIN("keyd", pairs, sources)
