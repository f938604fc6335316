/*
 * stream -- one connection with buffers, deadline and TLS.
 * Owns the descriptor.  Reading stops by itself while in_max octets wait to
 * be taken, and while more than out_max octets wait to be written: a slow
 * reader stops the writer and never fills memory.
 *
 * Callbacks come from the loop, never from inside a stream_ call.  In a
 * callback stream_close() may be called; the stream is freed at the end of
 * the round, after which nothing is called any more.
 */
#ifndef POSTERN_EVENT_STREAM_H
#define POSTERN_EVENT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "event/loop.h"

struct stream;
struct ssl_ctx_st; /* SSL_CTX */
struct ssl_st;     /* SSL */

enum stream_end {
	STREAM_EOF,     /* the peer closed orderly */
	STREAM_ERROR,   /* connection lost or refused; errno text by _error */
	STREAM_TIMEOUT, /* the deadline passed */
	STREAM_TLS      /* handshake or record failure; text by _error */
};

struct stream_ops {
	/* Octets wait: see them with _peek, take them with _drop.  Called
	 * again only when more arrive or after stream_resume. */
	void (*on_input)(void *arg);
	/* All output has been handed to the kernel.  May be NULL. */
	void (*on_drained)(void *arg);
	/* A connect or a TLS handshake is complete.  May be NULL. */
	void (*on_ready)(void *arg, bool tls);
	/* The connection is over; call stream_close.  After STREAM_EOF what is
	 * written still goes out until then, and may end in STREAM_ERROR. */
	void (*on_end)(void *arg, enum stream_end why);
};

/* Over a connected, non-blocking socket. */
struct stream *stream_new(
    struct loop *l, int fd, const struct stream_ops *ops, void *arg);
/* Over a socket whose non-blocking connect is under way: on_ready follows. */
struct stream *stream_connecting(
    struct loop *l, int fd, const struct stream_ops *ops, void *arg);

/* Another owner takes over: its callbacks from now on. */
void stream_set_ops(
    struct stream *s, const struct stream_ops *ops, void *arg);

/* The octets that wait, in one piece (at most 64 KiB at a time). */
struct str stream_peek(struct stream *s);
void stream_drop(struct stream *s, size_t n);
/* Copies out. */
void stream_write(struct stream *s, struct str out);
/* Octets written and not yet taken by the kernel. */
size_t stream_pending(const struct stream *s);

/* Stop and go on reading from the peer; resume calls on_input for what waits. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
/* Default 64 KiB each. */
void stream_set_limits(struct stream *s, size_t in_max, size_t out_max);
/* on_end(STREAM_TIMEOUT) after ms without stream_set_deadline; 0 cancels. */
void stream_set_deadline(struct stream *s, int64_t ms);

/*
 * Starts TLS over what is now plain.  Octets that wait unread are plaintext
 * that arrived too early: the call refuses with -1 when there are any (the
 * caller must end the connection).  0: on_ready(tls) or on_end follows.
 */
int stream_start_tls_server(struct stream *s, struct ssl_ctx_st *ctx);
/* name: sent as SNI when not NULL; verifying it is the context's matter. */
int stream_start_tls_client(
    struct stream *s, struct ssl_ctx_st *ctx, const char *name);
/* The TLS session, or NULL. */
struct ssl_st *stream_ssl(const struct stream *s);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "" without TLS. */
const char *stream_tls_text(const struct stream *s);
/* Words for the last failure. */
const char *stream_error(const struct stream *s);

/* Ends it: what is written goes out first (at most 10 s) when flush is set. */
void stream_close(struct stream *s, bool flush);
int stream_fd(const struct stream *s);

#endif
