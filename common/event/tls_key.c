#include "event/tls_key.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

enum { SIGNATURE_MAX = 1024, DIGEST_NAME_MAX = 32 };

/* The parameter by which tls_key_new hands a description to the provider:
 * its octets are a pointer to the struct remote. */
#define PARAM_REMOTE "postern-remote"

/* OpenSSL's "key data". */
struct remote {
	EVP_PKEY *pub; /* of the default provider */
	uint32_t key;
	tls_sign_fn *sign;
	void *arg;
};

/* One signature being made. */
struct signing {
	struct remote *remote; /* borrowed: the caller's key outlives us */
	EVP_MD_CTX *md;
	char digest[DIGEST_NAME_MAX];
	int padding;           /* 0 for EC */
};

static OSSL_LIB_CTX *library;

/* Key management: everything public is answered by the public key. */

static void *
remote_new(void *provctx)
{
	(void)provctx;
	return xcalloc(1, sizeof(struct remote));
}

static void
remote_free(void *keydata)
{
	struct remote *r = keydata;

	if (r == NULL)
		return;
	EVP_PKEY_free(r->pub);
	free(r);
}

static int
remote_has(const void *keydata, int selection)
{
	const struct remote *r = keydata;

	(void)selection;
	return r != NULL && r->pub != NULL;
}

static int
remote_match(const void *keydata1, const void *keydata2, int selection)
{
	const struct remote *a = keydata1, *b = keydata2;

	(void)selection;
	return EVP_PKEY_eq(a->pub, b->pub) == 1;
}

static int
remote_get_params(void *keydata, OSSL_PARAM params[])
{
	struct remote *r = keydata;

	return EVP_PKEY_get_params(r->pub, params);
}

static const OSSL_PARAM *
remote_gettable(void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return gettable;
}

static int
remote_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_REMOTE);
	struct remote *from, **to = &from, *r = keydata;
	size_t n;

	(void)selection;
	if (p == NULL || !OSSL_PARAM_get_octet_string(
	    p, (void **)&to, sizeof(from), &n) || n != sizeof(from) ||
	    !EVP_PKEY_up_ref(from->pub))
		return 0;
	*r = *from;
	return 1;
}

static const OSSL_PARAM *
remote_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(PARAM_REMOTE, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

/* Only the public half can leave: asked for more, OpenSSL learns that it has
 * to sign here. */
static int
remote_export(
    void *keydata, int selection, OSSL_CALLBACK *take, void *take_arg)
{
	struct remote *r = keydata;
	OSSL_PARAM *params = NULL;
	int ok;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
	    !EVP_PKEY_todata(r->pub, selection, &params))
		return 0;
	ok = take(params, take_arg);
	OSSL_PARAM_free(params);
	return ok;
}

static const OSSL_PARAM *
remote_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END
	};

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL
	                                                          : types;
}

/* A name that no other provider has, so that signing comes here. */
static const char *
remote_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "POSTERN-REMOTE" : NULL;
}

/* Signing: the digest is made here, the rest is asked for. */

static void *
signing_new(void *provctx, const char *propq)
{
	struct signing *s = xcalloc(1, sizeof(*s));

	(void)provctx;
	(void)propq;
	s->md = EVP_MD_CTX_new();
	if (s->md == NULL)
		fatal("OpenSSL: no memory for a digest");
	return s;
}

static void
signing_free(void *ctx)
{
	struct signing *s = ctx;

	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->md);
	free(s);
}

static void *
signing_dup(void *ctx)
{
	const struct signing *from = ctx;
	struct signing *s = signing_new(NULL, NULL);
	EVP_MD_CTX *md = s->md;

	*s = *from;
	s->md = md;
	if (from->digest[0] != '\0' && !EVP_MD_CTX_copy_ex(md, from->md)) {
		signing_free(s);
		return NULL;
	}
	return s;
}

/* Numbers and names both occur, depending on who sets them. */
static int
set_padding(struct signing *s, const OSSL_PARAM *p)
{
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			s->padding = RSA_PKCS1_PADDING;
		else if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			s->padding = RSA_PKCS1_PSS_PADDING;
		else
			return 0;
		return 1;
	}
	return OSSL_PARAM_get_int(p, &s->padding) &&
	    (s->padding == RSA_PKCS1_PADDING ||
	    s->padding == RSA_PKCS1_PSS_PADDING);
}

/* TLS only ever uses a salt as long as the digest (RFC 8446 4.2.3). */
static int
check_salt(const struct signing *s, const OSSL_PARAM *p)
{
	int n;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return OSSL_PARAM_get_int(p, &n) &&
	    (n == RSA_PSS_SALTLEN_DIGEST ||
	    n == EVP_MD_CTX_get_size(s->md));
}

static int
signing_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL && !set_padding(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || check_salt(s, p);
}

static const OSSL_PARAM *
signing_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return settable;
}

static int
signing_begin(void *ctx, const char *digest, void *keydata,
    const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	EVP_MD *md;
	int ok;

	if (keydata != NULL)
		s->remote = keydata;
	if (s->remote == NULL)
		return 0;
	if (digest == NULL)
		digest = "SHA256";
	s->padding = EVP_PKEY_is_a(s->remote->pub, "RSA") ? RSA_PKCS1_PADDING
	                                                  : 0;
	md = EVP_MD_fetch(library, digest, "provider=default");
	if (md == NULL || !str_copy(s->digest, sizeof(s->digest),
	    str_c(EVP_MD_get0_name(md)))) {
		EVP_MD_free(md);
		return 0;
	}
	ok = EVP_DigestInit_ex2(s->md, md, NULL);
	EVP_MD_free(md);
	return ok && signing_set_params(s, params);
}

static int
signing_update(void *ctx, const unsigned char *data, size_t n)
{
	struct signing *s = ctx;

	return EVP_DigestUpdate(s->md, data, n);
}

static int
signing_final(void *ctx, unsigned char *sig, size_t *len, size_t size)
{
	struct signing *s = ctx;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;
	struct buf out;
	struct tls_sign what;
	int ok;

	if (sig == NULL) {
		*len = (size_t)EVP_PKEY_get_size(s->remote->pub);
		return 1;
	}
	if (!EVP_DigestFinal_ex(s->md, digest, &n))
		return 0;
	what = (struct tls_sign){ s->remote->key, (uint32_t)s->padding,
		str_c(s->digest), str_n(digest, n) };
	buf_init(&out, SIGNATURE_MAX);
	ok = s->remote->sign(s->remote->arg, &what, &out) &&
	    buf_len(&out) != 0 && buf_len(&out) <= size;
	if (ok) {
		memcpy(sig, buf_str(&out).p, buf_len(&out));
		*len = buf_len(&out);
	}
	buf_clear(&out);
	return ok;
}

/* clang-format off */
#define FN(id, fn) { (id), (void (*)(void))(fn) }
static const OSSL_DISPATCH keymgmt_fns[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, remote_new),
	FN(OSSL_FUNC_KEYMGMT_FREE, remote_free),
	FN(OSSL_FUNC_KEYMGMT_HAS, remote_has),
	FN(OSSL_FUNC_KEYMGMT_MATCH, remote_match),
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, remote_get_params),
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, remote_gettable),
	FN(OSSL_FUNC_KEYMGMT_IMPORT, remote_import),
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, remote_import_types),
	FN(OSSL_FUNC_KEYMGMT_EXPORT, remote_export),
	FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, remote_export_types),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, remote_operation),
	{ 0, NULL }
};
static const OSSL_DISPATCH signature_fns[] = {
	FN(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
	FN(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
	FN(OSSL_FUNC_SIGNATURE_DUPCTX, signing_dup),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_begin),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, signing_update),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, signing_final),
	FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set_params),
	FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable),
	{ 0, NULL }
};
static const OSSL_ALGORITHM keymgmt_algs[] = {
	{ "RSA:rsaEncryption", "provider=postern", keymgmt_fns, NULL },
	{ "EC:id-ecPublicKey", "provider=postern", keymgmt_fns, NULL },
	{ NULL, NULL, NULL, NULL }
};
static const OSSL_ALGORITHM signature_algs[] = {
	{ "POSTERN-REMOTE", "provider=postern", signature_fns, NULL },
	{ NULL, NULL, NULL, NULL }
};
/* clang-format on */

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keymgmt_algs;
	if (operation == OSSL_OP_SIGNATURE)
		return signature_algs;
	return NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH fns[] = {
		FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		{ 0, NULL }
	};

	(void)in;
	*out = fns;
	*provctx = (void *)(uintptr_t)handle; /* must not be NULL */
	return 1;
}

/*
 * "default" is found first whenever nobody asks for a provider by name:
 * providers are looked through in the order of their names.
 */
OSSL_LIB_CTX *
tls_key_context(void)
{
	OSSL_LIB_CTX *l;

	if (library != NULL)
		return library;
	l = OSSL_LIB_CTX_new();
	if (l == NULL || OSSL_PROVIDER_load(l, "default") == NULL ||
	    !OSSL_PROVIDER_add_builtin(l, "postern", provider_init) ||
	    OSSL_PROVIDER_load(l, "postern") == NULL) {
		OSSL_LIB_CTX_free(l);
		return NULL;
	}
	library = l;
	return library;
}

EVP_PKEY *
tls_key_new(EVP_PKEY *pub, uint32_t key, tls_sign_fn *sign, void *arg)
{
	struct remote r = { pub, key, sign, arg }, *p = &r;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(PARAM_REMOTE, &p, sizeof(p)),
		OSSL_PARAM_END
	};
	EVP_PKEY *made = NULL;
	EVP_PKEY_CTX *ctx = NULL;

	if (EVP_PKEY_is_a(pub, "RSA"))
		ctx = EVP_PKEY_CTX_new_from_name(
		    library, "RSA", "provider=postern");
	else if (EVP_PKEY_is_a(pub, "EC"))
		ctx = EVP_PKEY_CTX_new_from_name(
		    library, "EC", "provider=postern");
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_KEYPAIR, params) <= 0)
		made = NULL;
	EVP_PKEY_CTX_free(ctx);
	return made;
}
