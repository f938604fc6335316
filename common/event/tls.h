/*
 * tls -- OpenSSL contexts for both sides.
 * A server context holds no private key: it asks a signing function, behind
 * which stands keyd.  Source: RFC 8446, RFC 9325.
 */
#ifndef POSTERN_EVENT_TLS_H
#define POSTERN_EVENT_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct ssl_ctx_st;

/* What a key is asked to do with tbs; RSA padding and hash as OpenSSL names. */
struct tls_sign {
	uint32_t key;       /* which key: as given to tls_server_new */
	uint32_t padding;   /* RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING; 0 EC */
	struct str digest;  /* "SHA256"; "" for a digest already made */
	struct str tbs;     /* the digest to sign */
};
/* Adds the signature to out (caller's buf); false fails the handshake. */
typedef bool tls_sign_fn(
    void *arg, const struct tls_sign *what, struct buf *out);

/*
 * A server context with the PEM chain (leaf first) whose private key is
 * asked for through sign.  NULL when the chain cannot be used; then error
 * (256 octets) has the words.  Free with tls_free.
 */
struct ssl_ctx_st *tls_server_new(struct str chain_pem, uint32_t key,
    tls_sign_fn *sign, void *arg, char error[256]);

enum tls_verify {
	TLS_VERIFY_NONE, /* opportunistic: any certificate */
	TLS_VERIFY_NAME  /* chain to a CA of the system and the host's name */
};
/* Reads the system's CA bundle: call it before confinement. */
struct ssl_ctx_st *tls_client_new(enum tls_verify verify);
void tls_free(struct ssl_ctx_st *ctx);

#endif
