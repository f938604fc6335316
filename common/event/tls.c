#include "event/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/tls_key.h"

/* RFC 9325 4.2: forward secrecy and AEAD, nothing else, for TLS 1.2. */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

enum { CHAIN_MAX = 10 };

/* Where systems keep their bundle of CA certificates. */
static const char *const ca_files[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
	"/etc/ssl/ca-bundle.pem",             /* SUSE */
	"/etc/ssl/cert.pem",                  /* the BSDs */
};

static void
say(char error[256], const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;

	if (error == NULL)
		return;
	if (reason != NULL)
		snprintf(error, 256, "%s: %s", what, reason);
	else
		snprintf(error, 256, "%s", what);
	ERR_clear_error();
}

void
tls_init(void)
{
	if (!OPENSSL_init_ssl(0, NULL) || tls_key_context() == NULL)
		fatal("OpenSSL does not start: %s",
		    ERR_reason_error_string(ERR_peek_last_error()));
}

/* Leaf, then what stands above it; -1 when there is none or one is bad. */
static int
use_chain(SSL_CTX *ctx, struct str pem)
{
	BIO *in;
	X509 *x;
	int n = 0;

	if (pem.n > INT_MAX)
		return -1;
	in = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (in == NULL)
		fatal("OpenSSL: no memory for a certificate");
	for (; n < CHAIN_MAX; n++) {
		x = X509_new_ex(tls_key_context(), NULL);
		if (PEM_read_bio_X509(in, &x, NULL, NULL) == NULL) {
			X509_free(x);
			break;
		}
		if (n == 0 ? SSL_CTX_use_certificate(ctx, x) != 1
		           : SSL_CTX_add1_chain_cert(ctx, x) != 1)
			n = -CHAIN_MAX;
		X509_free(x);
	}
	BIO_free(in);
	return n > 0 ? 0 : -1;
}

/* What both sides want. */
static void
set_common(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

/* Tickets are sealed with a random key of this context: they hold in this
 * process only, and no longer than the certificate is in use. */
static int
set_server(SSL_CTX *ctx)
{
	static const unsigned char id[] = "postern";
	char groups[] = "X25519:P-256:P-384";

	set_common(ctx);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_num_tickets(ctx, 1);
	return SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1;
}

static int
use_key(SSL_CTX *ctx, uint32_t key, tls_sign_fn *sign, void *arg)
{
	EVP_PKEY *pub = X509_get0_pubkey(SSL_CTX_get0_certificate(ctx));
	EVP_PKEY *remote = tls_key_new(pub, key, sign, arg);
	int r = remote != NULL && SSL_CTX_use_PrivateKey(ctx, remote) == 1
	    ? 0 : -1;

	EVP_PKEY_free(remote);
	return r;
}

SSL_CTX *
tls_server_new(struct str chain_pem, uint32_t key, tls_sign_fn *sign,
    void *arg, char error[256])
{
	SSL_CTX *ctx;

	tls_init();
	ERR_clear_error();
	ctx = SSL_CTX_new_ex(tls_key_context(), NULL, TLS_server_method());
	if (ctx == NULL || !set_server(ctx)) {
		say(error, "OpenSSL");
		goto undo;
	}
	if (use_chain(ctx, chain_pem) == -1) {
		say(error, "no usable certificate");
		goto undo;
	}
	if (use_key(ctx, key, sign, arg) == -1) {
		say(error, "not an RSA or EC certificate that can be used");
		goto undo;
	}
	ERR_clear_error();
	return ctx;
undo:
	SSL_CTX_free(ctx);
	return NULL;
}

void
tls_server_only_13(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
}

/* The chooser of a context. */
struct chooser {
	tls_choose_fn *choose;
	void *arg;
};

static void
on_chooser_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx,
    long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

static int
chooser_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_CTX_get_ex_new_index(
		    0, NULL, NULL, NULL, on_chooser_free);
	return index;
}

static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct chooser *c = arg;
	SSL_CTX *ctx;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	ctx = c->choose(c->arg, str_c(name));
	if (ctx != NULL && ctx != SSL_get_SSL_CTX(ssl))
		SSL_set_SSL_CTX(ssl, ctx);
	return SSL_TLSEXT_ERR_OK;
}

void
tls_server_choose(SSL_CTX *ctx, tls_choose_fn *choose, void *arg)
{
	struct chooser *c = xcalloc(1, sizeof(*c));

	*c = (struct chooser){ choose, arg };
	SSL_CTX_set_ex_data(ctx, chooser_index(), c);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, c);
}

/* All at once: after confinement no file can be opened. */
static void
load_ca(SSL_CTX *ctx)
{
	const char *named = getenv(X509_get_default_cert_file_env());

	if (named != NULL && SSL_CTX_load_verify_file(ctx, named) == 1)
		return;
	for (size_t i = 0; i < sizeof(ca_files) / sizeof(ca_files[0]); i++)
		if (SSL_CTX_load_verify_file(ctx, ca_files[i]) == 1)
			break;
	ERR_clear_error();
}

SSL_CTX *
tls_client_new(enum tls_verify verify)
{
	SSL_CTX *ctx;

	tls_init();
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		fatal("OpenSSL: no memory for a context");
	set_common(ctx);
	switch (verify) {
	case TLS_VERIFY_NONE:
		/* Opportunistic: weak is better than in the clear. */
		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		break;
	case TLS_VERIFY_NAME:
		load_ca(ctx);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		break;
	}
	return ctx;
}

void
tls_free(SSL_CTX *ctx)
{
	SSL_CTX_free(ctx);
}
