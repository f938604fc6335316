/*
 * tls_key -- private keys that are elsewhere: an OpenSSL provider of our own
 * whose keys know their public half and ask a function for each signature.
 * It lives in a library context of its own, so that nothing else ever picks
 * it.  For tls.c only.
 */
#ifndef POSTERN_EVENT_TLS_KEY_H
#define POSTERN_EVENT_TLS_KEY_H

#include <stdint.h>

#include "event/tls.h"

struct evp_pkey_st;
struct ossl_lib_ctx_st;

/* The library context with the provider in it; NULL if OpenSSL refuses. */
struct ossl_lib_ctx_st *tls_key_context(void);
/*
 * A key whose public half is that of pub (RSA or EC; a reference is taken).
 * NULL if it is of another kind.  Free with EVP_PKEY_free.
 */
struct evp_pkey_st *tls_key_new(struct evp_pkey_st *pub, uint32_t key,
    tls_sign_fn *sign, void *arg);

#endif
