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

/* Starts OpenSSL: before confinement, for it reads its own configuration. */
void tls_init(void);

/*
 * A server context with the PEM chain (leaf first) whose private key is
 * asked for through sign.  NULL when the chain cannot be used; then error
 * (256 octets) has the words.  Free with tls_free.
 */
struct ssl_ctx_st *tls_server_new(struct str chain_pem, uint32_t key,
    tls_sign_fn *sign, void *arg, char error[256]);
/* Nothing older than TLS 1.3. */
void tls_server_only_13(struct ssl_ctx_st *ctx);
/* The context for the host name that a client asks for (SNI), or NULL to stay
 * with the one that the handshake began with. */
typedef struct ssl_ctx_st *tls_choose_fn(void *arg, struct str name);
void tls_server_choose(
    struct ssl_ctx_st *ctx, tls_choose_fn *choose, void *arg);

enum tls_verify {
	TLS_VERIFY_NONE, /* opportunistic: any certificate */
	TLS_VERIFY_NAME  /* chain to a CA of the system and the host's name */
};
/* Reads the system's CA bundle: call it before confinement. */
struct ssl_ctx_st *tls_client_new(enum tls_verify verify);
void tls_free(struct ssl_ctx_st *ctx);

#endif
