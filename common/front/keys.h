/*
 * keys -- the certificates of a front, as keyd sends them, ready for
 * handshakes.  Private keys stay with keyd: each signature is asked for over
 * the second, blocking link (msg/key.h).
 * Owns both links and one OpenSSL context for each certificate; a running
 * session keeps the context it began with.
 *
 *	keys_init(&f.keys, f.proc.loop, false);
 *	on_peer: case ROLE_KEYD: keys_on_peer(&f.keys, key, fd);
 *	if (keys_ready(&f.keys))
 *		stream_start_tls_server(s, keys_context(&f.keys));
 */
#ifndef POSTERN_FRONT_KEYS_H
#define POSTERN_FRONT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "event/loop.h"
#include "proc/link.h"

struct ssl_ctx_st;
struct keys_cert;
TAILQ_HEAD(keys_certs, keys_cert);

struct keys {
	struct loop *loop;
	struct link *link;  /* certificates; NULL while keyd is away */
	int sign_fd;        /* blocking questions; -1 while keyd is away */
	bool only_13;       /* TLS 1.3 and nothing older */
	struct keys_certs now;  /* in use; the first is the default */
	struct keys_certs next; /* arriving, in use after KEY_END */
};

/* only_13: tls.min_version is 1.3. */
void keys_init(struct keys *k, struct loop *loop, bool only_13);
void keys_clear(struct keys *k);
/* proc_desc.on_peer for ROLE_KEYD: channel is its key.  Takes over fd. */
void keys_on_peer(struct keys *k, uint64_t channel, int fd);
/* A handshake can be begun.  With keyd away for a moment it stays true, and a
 * handshake that needs a signature fails. */
bool keys_ready(const struct keys *k);
/* The context to begin with: it changes to the certificate that the client
 * names (SNI).  Valid until the loop's next round; NULL if not ready. */
struct ssl_ctx_st *keys_context(struct keys *k);

#endif
