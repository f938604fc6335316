#include "helpers/authd/scheme.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdlib.h>

#include "base/base64.h"
#include "base/fatal.h"

/* How the text behind "{SCHEME}" is judged. */
typedef bool check_fn(struct str hash, struct str password, const char *md);

static bool
same_octets(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

/* crypt(3): the hash says itself how it was made. */
static bool
check_crypt(struct str hash, struct str password, const char *md)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	char stored[STORED_MAX + 1], typed[PASSWORD_MAX + 1];
	const char *made = NULL;
	bool same;

	(void)md;
	if (str_copy(stored, sizeof(stored), hash) &&
	    str_copy(typed, sizeof(typed), password))
		made = crypt_r(typed, stored, data);
	same = made != NULL && made[0] != '*' && strlen(made) == hash.n &&
	    same_octets(made, stored, hash.n);
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

static bool
check_plain(struct str hash, struct str password, const char *md)
{
	unsigned char a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];

	(void)md;
	/* Digests first: neither content nor length shows in the time. */
	return EVP_Digest(hash.p, hash.n, a, NULL, EVP_sha256(), NULL) == 1 &&
	    EVP_Digest(password.p, password.n, b, NULL, EVP_sha256(),
	        NULL) == 1 &&
	    same_octets(a, b, 32);
}

/* Octets in base64 or in hex.  Digest and salt in base64 are hardly ever that
 * long with hex digits only. */
static bool
decode(struct buf *out, struct str text, size_t size)
{
	return (text.n >= size * 2 && hex_decode(out, text)) ||
	    base64_decode(out, text);
}

/* Digest of password and salt; what follows the digest is the salt. */
static bool
check_digest(struct str hash, struct str password, const char *name)
{
	const EVP_MD *md = EVP_get_digestbyname(name);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char made[EVP_MAX_MD_SIZE];
	struct buf octets;
	struct str all, salt;
	size_t size;
	bool same = false;

	if (md == NULL || ctx == NULL)
		fatal("OpenSSL: no digest %s", name);
	size = (size_t)EVP_MD_get_size(md);
	buf_init(&octets, STORED_MAX);
	if (decode(&octets, hash, size) && buf_len(&octets) >= size) {
		all = buf_str(&octets);
		salt = str_from(all, size);
		same = EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
		    EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
		    EVP_DigestUpdate(ctx, salt.p, salt.n) == 1 &&
		    EVP_DigestFinal_ex(ctx, made, NULL) == 1 &&
		    same_octets(made, all.p, size);
	}
	EVP_MD_CTX_free(ctx);
	buf_clear_secret(&octets);
	return same;
}

/* clang-format off */
static const struct scheme {
	const char *name;
	check_fn *check;
	const char *md;
} schemes[] = {
	{ "CRYPT",        check_crypt,  NULL },
	{ "BLF-CRYPT",    check_crypt,  NULL },
	{ "SHA512-CRYPT", check_crypt,  NULL },
	{ "SHA256-CRYPT", check_crypt,  NULL },
	{ "MD5-CRYPT",    check_crypt,  NULL },
	{ "DES-CRYPT",    check_crypt,  NULL },
	{ "SSHA512",      check_digest, "SHA512" },
	{ "SHA512",       check_digest, "SHA512" },
	{ "SSHA256",      check_digest, "SHA256" },
	{ "SHA256",       check_digest, "SHA256" },
	{ "SSHA",         check_digest, "SHA1" },
	{ "SHA1",         check_digest, "SHA1" },
	{ "SHA",          check_digest, "SHA1" },
	{ "SMD5",         check_digest, "MD5" },
	{ "LDAP-MD5",     check_digest, "MD5" },
	{ "PLAIN-MD5",    check_digest, "MD5" },
	{ "CLEARTEXT",    check_plain,  NULL },
	{ "CLEAR",        check_plain,  NULL },
	{ "PLAIN",        check_plain,  NULL },
};
/* clang-format on */

/* "{SSHA256.HEX}": the encoding is found by itself. */
static struct str
without_encoding(struct str name)
{
	static const struct str ends[] = { STR_INIT(".HEX"), STR_INIT(".B64"),
		STR_INIT(".BASE64") };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (str_iends(name, ends[i]))
			return str_first(name, name.n - ends[i].n);
	return name;
}

/* Takes "{SCHEME}" off the front. */
static const struct scheme *
take_scheme(struct str *stored)
{
	struct str rest = *stored, name;

	if (str_starts(rest, STR("$")))
		return &schemes[0];
	if (!str_take_char(&rest, '{') || str_find(rest, '}') == rest.n)
		return NULL;
	name = without_encoding(str_take_until(&rest, '}'));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_ieq(name, str_c(schemes[i].name))) {
			*stored = rest;
			return &schemes[i];
		}
	return NULL;
}

static bool
digest_fits(const struct scheme *s, struct str hash)
{
	size_t size = (size_t)EVP_MD_get_size(EVP_get_digestbyname(s->md));
	struct buf octets;
	bool fits;

	buf_init(&octets, STORED_MAX);
	fits = decode(&octets, hash, size) && buf_len(&octets) >= size;
	buf_clear_secret(&octets);
	return fits;
}

/* crypt_checksalt(3) knows what this system's crypt(3) can do. */
static bool
crypt_fits(struct str hash)
{
	char stored[STORED_MAX + 1];
	int r;

	/* The two forms without a prefix have one length each: DES. */
	if (!str_starts(hash, STR("$")) &&
	    hash.n != (str_starts(hash, STR("_")) ? 20 : 13))
		return false;
	if (!str_copy(stored, sizeof(stored), hash))
		return false;
	r = crypt_checksalt(stored);
	return r == CRYPT_SALT_OK || r == CRYPT_SALT_METHOD_LEGACY ||
	    r == CRYPT_SALT_TOO_CHEAP;
}

bool
scheme_is_known(struct str stored)
{
	const struct scheme *s;

	if (stored.n == 0 || stored.n > STORED_MAX)
		return false;
	s = take_scheme(&stored);
	if (s == NULL)
		return false;
	if (s->check == check_crypt)
		return crypt_fits(stored);
	return s->check == check_plain || digest_fits(s, stored);
}

bool
scheme_check(struct str stored, struct str password)
{
	const struct scheme *s = take_scheme(&stored);

	return s != NULL && s->check(stored, password, s->md);
}

bool
scheme_make(enum scheme_new how, struct str password, struct buf *out)
{
	static const char *const prefixes[] = { "$y$", "$6$", "$2b$" };
	struct crypt_data *data;
	char typed[PASSWORD_MAX + 1], setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *made = NULL;
	bool ok;

	if (password.n == 0 || !str_copy(typed, sizeof(typed), password))
		return false;
	data = xcalloc(1, sizeof(*data));
	/* Cost 0: what libcrypt finds right for the method. */
	if (crypt_gensalt_rn(prefixes[how], 0, NULL, 0, setting,
	        (int)sizeof(setting)) != NULL)
		made = crypt_r(typed, setting, data);
	ok = made != NULL && made[0] != '*' && buf_add_c(out, "{CRYPT}") &&
	    buf_add_c(out, made);
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return ok;
}
