#include "helpers/keyd/pair.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum {
	RSA_BITS_MIN = 2048,
	SIGNATURE_MAX = 1024,
	WEEK = 7 * 86400,
	YEARS_10 = 3650L * 86400
};

/* Hashes whose output may be signed. */
static const char *const digests[] = { "SHA256", "SHA384", "SHA512",
	"SHA2-256", "SHA2-384", "SHA2-512" };

static void
say(char error[PAIR_ERROR], const char *what)
{
	const char *reason =
	    ERR_reason_error_string(ERR_peek_last_error());

	if (reason != NULL)
		snprintf(error, PAIR_ERROR, "%s (%s)", what, reason);
	else
		snprintf(error, PAIR_ERROR, "%s", what);
	ERR_clear_error();
}

static BIO *
reader(struct str pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);

	if (b == NULL)
		fatal("OpenSSL: no memory");
	return b;
}

/* A key with a passphrase is not asked about: it is refused. */
static int
no_passphrase(char *p, int size, int writing, void *arg)
{
	(void)p;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool
key_is_usable(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
	return EVP_PKEY_is_a(key, "EC");
}

static uint32_t
key_id(EVP_PKEY *key)
{
	unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
	int n = i2d_PUBKEY(key, &der);
	uint32_t id;

	if (n <= 0 || !EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(),
	    NULL))
		fatal("OpenSSL: a key that cannot be written");
	OPENSSL_free(der);
	memcpy(&id, hash, sizeof(id));
	return id;
}

struct pair *
pair_new(struct str chain_pem, struct str key_pem, char error[PAIR_ERROR])
{
	struct pair *p = xcalloc(1, sizeof(*p));
	BIO *in;

	buf_init(&p->chain, CHAIN_PEM_MAX);
	ERR_clear_error();
	if (!buf_add(&p->chain, chain_pem)) {
		say(error, "the certificate file is too long");
		goto undo;
	}
	in = reader(chain_pem);
	p->leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
	BIO_free(in);
	if (p->leaf == NULL) {
		say(error, "no certificate in the certificate file");
		goto undo;
	}
	in = reader(str_first(key_pem, KEY_PEM_MAX));
	p->key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	BIO_free(in);
	if (p->key == NULL) {
		say(error, "no private key without passphrase in the key file");
		goto undo;
	}
	if (X509_check_private_key(p->leaf, p->key) != 1) {
		ERR_clear_error();
		say(error, "the key does not belong to the certificate");
		goto undo;
	}
	if (!key_is_usable(p->key)) {
		say(error, "the key is neither EC nor RSA of 2048 bits");
		goto undo;
	}
	p->id = key_id(p->key);
	return p;
undo:
	pair_free(p);
	return NULL;
}

void
pair_free(struct pair *p)
{
	if (p == NULL)
		return;
	buf_clear(&p->chain);
	X509_free(p->leaf);
	EVP_PKEY_free(p->key);
	free(p);
}

bool
pair_same(const struct pair *a, const struct pair *b)
{
	return a->id == b->id && str_eq(buf_str(&a->chain), buf_str(&b->chain));
}

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);

	if (e == NULL || X509_add_ext(x, e, -1) != 1)
		fatal("OpenSSL: certificate extension %s", value);
	X509_EXTENSION_free(e);
}

/* 63 random bits: RFC 5280 4.1.2.2 wants it positive and new. */
static void
set_serial(X509 *x)
{
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		fatal("OpenSSL: no random numbers");
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *hostname)
{
	X509 *x = X509_new();
	X509_NAME *name;
	char names[300];

	if (x == NULL)
		fatal("OpenSSL: no memory");
	name = X509_get_subject_name(x);
	X509_set_version(x, X509_VERSION_3);
	set_serial(x);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), YEARS_10);
	/* A common name has 64 octets at most; the real name is below. */
	if (strlen(hostname) <= 64)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		    (const unsigned char *)hostname, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	snprintf(names, sizeof(names), "DNS:%s", hostname);
	add_extension(x, NID_subject_alt_name, names);
	add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x, NID_ext_key_usage, "serverAuth");
	if (X509_sign(x, key, EVP_sha256()) == 0)
		fatal("OpenSSL: signing a certificate");
	return x;
}

bool
pair_make(const char *hostname, struct buf *pem)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *out = BIO_new(BIO_s_mem());
	X509 *x;
	char *p;
	long n;
	bool ok;

	if (key == NULL || out == NULL)
		fatal("OpenSSL: no memory for a key");
	x = make_certificate(key, hostname);
	ok = PEM_write_bio_X509(out, x) == 1 &&
	    PEM_write_bio_PKCS8PrivateKey(
	        out, key, NULL, NULL, 0, NULL, NULL) == 1;
	n = BIO_get_mem_data(out, &p);
	ok = ok && n > 0 && buf_add(pem, str_n(p, (size_t)n));
	if (n > 0)
		OPENSSL_cleanse(p, (size_t)n);
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(out);
	return ok;
}

bool
pair_is_fit(const struct pair *p, const char *hostname)
{
	time_t later = time(NULL) + WEEK;

	return X509_check_host(p->leaf, hostname, 0, 0, NULL) == 1 &&
	    X509_cmp_time(X509_get0_notAfter(p->leaf), &later) > 0;
}

static const EVP_MD *
find_digest(struct str name, struct str tbs)
{
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (str_eq(name, str_c(digests[i]))) {
			const EVP_MD *md = EVP_get_digestbyname(digests[i % 3]);

			return md != NULL &&
			    (size_t)EVP_MD_get_size(md) == tbs.n ? md : NULL;
		}
	return NULL;
}

static bool
set_padding(const struct pair *p, EVP_PKEY_CTX *ctx, uint32_t padding)
{
	if (!EVP_PKEY_is_a(p->key, "RSA"))
		return padding == 0;
	if (padding == RSA_PKCS1_PADDING)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	return padding == RSA_PKCS1_PSS_PADDING &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

bool
pair_sign(const struct pair *p, uint32_t padding, struct str digest,
    struct str tbs, struct buf *out)
{
	const EVP_MD *md = find_digest(digest, tbs);
	unsigned char signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);
	EVP_PKEY_CTX *ctx;
	bool ok;

	if (md == NULL)
		return false;
	ctx = EVP_PKEY_CTX_new(p->key, NULL);
	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 &&
	    set_padding(p, ctx, padding) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
	    EVP_PKEY_sign(ctx, signature, &n, (const unsigned char *)tbs.p,
	        tbs.n) > 0 &&
	    buf_add(out, str_n(signature, n));
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

void
pair_kind(const struct pair *p, char out[64])
{
	char group[32] = "";
	size_t n;

	if (EVP_PKEY_is_a(p->key, "RSA")) {
		snprintf(out, 64, "RSA %d", EVP_PKEY_get_bits(p->key));
		return;
	}
	EVP_PKEY_get_group_name(p->key, group, sizeof(group), &n);
	snprintf(out, 64, "EC %s",
	    strcmp(group, "prime256v1") == 0 ? "P-256" : group);
}

void
pair_subject(const struct pair *p, struct buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (b == NULL)
		fatal("OpenSSL: no memory");
	X509_NAME_print_ex(b, X509_get_subject_name(p->leaf), 0,
	    XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	n = BIO_get_mem_data(b, &text);
	if (n > 0)
		buf_add(out, str_n(text, (size_t)n));
	BIO_free(b);
}

void
pair_names(const struct pair *p, void (*on_name)(void *arg, struct str),
    void *arg)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(
	    p->leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

		if (g->type == GEN_DNS)
			on_name(arg, str_n(ASN1_STRING_get0_data(g->d.dNSName),
			    (size_t)ASN1_STRING_length(g->d.dNSName)));
	}
	GENERAL_NAMES_free(all);
}

time_t
pair_not_after(const struct pair *p)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(p->leaf), &tm) != 1)
		return 0;
	return timegm(&tm);
}
