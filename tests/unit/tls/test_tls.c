/* Real handshakes over a socketpair, with the server's key behind a
 * function. */
#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "event/tls.h"

struct signer {
	EVP_PKEY *key;
	unsigned asked;
	uint32_t padding;
	bool refuse;
};

static bool
sign(void *arg, const struct tls_sign *what, struct buf *out)
{
	struct signer *s = arg;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->key, NULL);
	char digest[32];
	size_t n = 1024;
	char *room = buf_reserve(out, n);

	ck_assert_uint_eq(what->key, 77);
	s->asked++;
	s->padding = what->padding;
	ck_assert(str_copy(digest, sizeof(digest), what->digest));
	ck_assert_int_eq(EVP_PKEY_sign_init(ctx), 1);
	if (what->padding != 0)
		ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_padding(
		    ctx, (int)what->padding), 0);
	if (what->padding == RSA_PKCS1_PSS_PADDING)
		ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_pss_saltlen(
		    ctx, RSA_PSS_SALTLEN_DIGEST), 0);
	ck_assert_int_gt(EVP_PKEY_CTX_set_signature_md(
	    ctx, EVP_get_digestbyname(digest)), 0);
	ck_assert_int_eq(EVP_PKEY_sign(ctx, (unsigned char *)room, &n,
	    (const unsigned char *)what->tbs.p, what->tbs.n), 1);
	EVP_PKEY_CTX_free(ctx);
	if (!s->refuse)
		buf_commit(out, n);
	return !s->refuse;
}

/* A certificate of its own for key, as PEM. */
static void
make_chain(EVP_PKEY *key, const char *cn, struct buf *pem)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	BIO *out = BIO_new(BIO_s_mem());
	char *p;
	long n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	PEM_write_bio_X509(out, x);
	n = BIO_get_mem_data(out, &p);
	buf_add(pem, str_n(p, (size_t)n));
	BIO_free(out);
	X509_free(x);
}

static EVP_PKEY *
make_key(bool rsa)
{
	return rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
}

/* One step of both sides; true when both are through. */
static bool
step(SSL *server, SSL *client, int *bad)
{
	int a = SSL_do_handshake(client), b = SSL_do_handshake(server);
	int ea = SSL_get_error(client, a), eb = SSL_get_error(server, b);

	if ((a != 1 && ea != SSL_ERROR_WANT_READ) ||
	    (b != 1 && eb != SSL_ERROR_WANT_READ))
		*bad = 1;
	return a == 1 && b == 1;
}

struct pair {
	SSL *server, *client;
	int fds[2];
};

static bool
shake(struct pair *p, SSL_CTX *server, SSL_CTX *client, const char *sni)
{
	int bad = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    p->fds), 0);
	p->server = SSL_new(server);
	p->client = SSL_new(client);
	SSL_set_fd(p->server, p->fds[0]);
	SSL_set_fd(p->client, p->fds[1]);
	SSL_set_accept_state(p->server);
	SSL_set_connect_state(p->client);
	if (sni != NULL)
		SSL_ctrl(p->client, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		    TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)sni);
	for (int i = 0; i < 20 && !bad; i++)
		if (step(p->server, p->client, &bad))
			return true;
	return false;
}

static void
pair_clear(struct pair *p)
{
	SSL_free(p->server);
	SSL_free(p->client);
	close(p->fds[0]);
	close(p->fds[1]);
	ERR_clear_error();
}

static const struct {
	bool rsa;
	int version;
	const char *sigalgs;  /* of the client, NULL its own */
	uint32_t padding;     /* what the signer must see */
	bool ok;
} shakes[] = {
	{ false, TLS1_2_VERSION, NULL, 0, true },
	{ false, TLS1_3_VERSION, NULL, 0, true },
	{ true, TLS1_2_VERSION, NULL, RSA_PKCS1_PSS_PADDING, true },
	{ true, TLS1_2_VERSION, "RSA+SHA256", RSA_PKCS1_PADDING, true },
	{ true, TLS1_2_VERSION, "RSA+SHA384", RSA_PKCS1_PADDING, true },
	{ true, TLS1_3_VERSION, NULL, RSA_PKCS1_PSS_PADDING, true },
	{ true, TLS1_3_VERSION, "rsa_pss_rsae_sha512", RSA_PKCS1_PSS_PADDING,
	    true },
	{ false, TLS1_1_VERSION, NULL, 0, false },
};

START_TEST(handshake)
{
	struct signer s = { .key = make_key(shakes[_i].rsa) };
	SSL_CTX *client = tls_client_new(TLS_VERIFY_NONE), *server;
	struct pair p;
	struct buf pem;
	char error[256] = "", got[5];

	buf_init(&pem, BUF_NO_MAX);
	make_chain(s.key, "mx.example.org", &pem);
	server = tls_server_new(buf_str(&pem), 77, sign, &s, error);
	ck_assert_msg(server != NULL, "%s", error);
	SSL_CTX_set_min_proto_version(client, shakes[_i].version);
	SSL_CTX_set_max_proto_version(client, shakes[_i].version);
	if (shakes[_i].sigalgs != NULL)
		SSL_CTX_ctrl(client, SSL_CTRL_SET_SIGALGS_LIST, 0,
		    (void *)(uintptr_t)shakes[_i].sigalgs);
	ck_assert_int_eq(shake(&p, server, client, NULL), shakes[_i].ok);
	if (shakes[_i].ok) {
		ck_assert_uint_eq(s.asked, 1);
		ck_assert_uint_eq(s.padding, shakes[_i].padding);
		ck_assert_int_eq(SSL_write(p.client, "hello", 5), 5);
		ck_assert_int_eq(SSL_read(p.server, got, 5), 5);
		ck_assert_mem_eq(got, "hello", 5);
	}
	pair_clear(&p);
	tls_free(server);
	tls_free(client);
	EVP_PKEY_free(s.key);
	buf_clear(&pem);
}
END_TEST

/* The signer says no: this handshake fails, the next one works. */
START_TEST(refused)
{
	struct signer s = { .key = make_key(false), .refuse = true };
	SSL_CTX *client = tls_client_new(TLS_VERIFY_NONE), *server;
	struct pair p;
	struct buf pem;

	buf_init(&pem, BUF_NO_MAX);
	make_chain(s.key, "mx.example.org", &pem);
	server = tls_server_new(buf_str(&pem), 77, sign, &s, NULL);
	ck_assert_ptr_nonnull(server);
	ck_assert(!shake(&p, server, client, NULL));
	pair_clear(&p);
	s.refuse = false;
	ck_assert(shake(&p, server, client, NULL));
	pair_clear(&p);
	tls_free(server);
	tls_free(client);
	EVP_PKEY_free(s.key);
	buf_clear(&pem);
}
END_TEST

/* A client that checks names accepts only what its CA signed. */
START_TEST(verify)
{
	struct signer s = { .key = make_key(false) };
	SSL_CTX *client = tls_client_new(TLS_VERIFY_NAME), *server;
	struct pair p;
	struct buf pem;

	buf_init(&pem, BUF_NO_MAX);
	make_chain(s.key, "mx.example.org", &pem);
	server = tls_server_new(buf_str(&pem), 77, sign, &s, NULL);
	ck_assert(!shake(&p, server, client, "mx.example.org"));
	pair_clear(&p);
	tls_free(server);
	tls_free(client);
	EVP_PKEY_free(s.key);
	buf_clear(&pem);
}
END_TEST

static SSL_CTX *
choose_other(void *arg, struct str name)
{
	return str_eq(name, STR("other.example")) ? arg : NULL;
}

static const struct {
	const char *sni, *subject;
} names[] = {
	{ NULL, "first.example" },
	{ "first.example", "first.example" },
	{ "other.example", "other.example" },
	{ "unknown.example", "first.example" },
};

START_TEST(server_name)
{
	struct signer s = { .key = make_key(false) };
	SSL_CTX *client = tls_client_new(TLS_VERIFY_NONE), *a, *b;
	struct pair p;
	struct buf pem;
	char cn[64];

	buf_init(&pem, BUF_NO_MAX);
	make_chain(s.key, "first.example", &pem);
	a = tls_server_new(buf_str(&pem), 77, sign, &s, NULL);
	buf_reset(&pem);
	make_chain(s.key, "other.example", &pem);
	b = tls_server_new(buf_str(&pem), 77, sign, &s, NULL);
	tls_server_choose(a, choose_other, b);
	ck_assert(shake(&p, a, client, names[_i].sni));
	X509_NAME_get_text_by_NID(X509_get_subject_name(
	    SSL_get0_peer_certificate(p.client)), NID_commonName, cn,
	    sizeof(cn));
	ck_assert_str_eq(cn, names[_i].subject);
	pair_clear(&p);
	tls_free(a);
	tls_free(b);
	tls_free(client);
	EVP_PKEY_free(s.key);
	buf_clear(&pem);
}
END_TEST

START_TEST(bad_chain)
{
	char error[256] = "";

	ck_assert_ptr_null(tls_server_new(STR("no certificate"), 1, sign,
	    NULL, error));
	ck_assert_str_ne(error, "");
}
END_TEST

static TCase *
handshakes(void)
{
	TCase *tc = tcase_create("handshakes");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, handshake, 0, N_OF(shakes));
	tcase_add_loop_test(tc, server_name, 0, N_OF(names));
	tcase_add_test(tc, refused);
	tcase_add_test(tc, verify);
	tcase_add_test(tc, bad_chain);
	return tc;
}

UNIT_MAIN("tls", handshakes)
