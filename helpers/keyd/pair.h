/*
 * pair -- a certificate chain with its private key, checked to belong
 * together.  The number of a pair comes from its public key, so that it is
 * the same in every keyd process and after each restart.
 * Owns copies of everything; the key's octets are wiped.
 */
#ifndef POSTERN_KEYD_PAIR_H
#define POSTERN_KEYD_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/str.h"

struct evp_pkey_st;
struct x509_st;

enum { CHAIN_PEM_MAX = 49152, KEY_PEM_MAX = 16384, PAIR_ERROR = 256 };

struct pair {
	uint32_t id;
	struct buf chain;         /* PEM, leaf first */
	struct x509_st *leaf;
	struct evp_pkey_st *key;
};

/* NULL when they do not parse, do not match, or are of a kind not used for
 * TLS here; error then has the words. */
struct pair *pair_new(
    struct str chain_pem, struct str key_pem, char error[PAIR_ERROR]);
void pair_free(struct pair *p);
bool pair_same(const struct pair *a, const struct pair *b);

/* A key and a certificate for it, signed by itself: P-256, ten years, as one
 * PEM text (certificate, then key). */
bool pair_make(const char *hostname, struct buf *pem);
/* Whether the leaf is for this host and is good for another week. */
bool pair_is_fit(const struct pair *p, const char *hostname);

/*
 * Signs a digest: padding as in struct tls_sign, digest the name of the hash
 * whose output tbs is.  Adds the signature to out; false for anything that is
 * not a digest of the right length.
 */
bool pair_sign(const struct pair *p, uint32_t padding, struct str digest,
    struct str tbs, struct buf *out);

/* For people: "EC P-256", "CN = mx.example.org", and the names it is for. */
void pair_kind(const struct pair *p, char out[64]);
void pair_subject(const struct pair *p, struct buf *out);
void pair_names(const struct pair *p, void (*on_name)(void *arg, struct str),
    void *arg);
time_t pair_not_after(const struct pair *p);

#endif
