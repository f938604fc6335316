/*
 * client -- a small blocking client over TLS for `postern try`: lines out,
 * lines in.  The certificate of a test server is its own, so it is not
 * verified; it only speaks to 127.0.0.1.
 */
#ifndef POSTERN_CTL_CLIENT_H
#define POSTERN_CTL_CLIENT_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/str.h"

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf in;    /* what came and was not yet taken */
	struct buf line;  /* the line that was taken last */
	char error[256];
};

/* Connects and makes the TLS handshake; false: see error. */
bool client_open(struct client *c, unsigned port);
void client_close(struct client *c);
bool client_send(struct client *c, struct str octets);
/* printf and CRLF. */
bool client_sendf(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The next line without CRLF, valid until the next call. */
bool client_line(struct client *c, struct str *line);
/* Exactly n octets, added to out. */
bool client_octets(struct client *c, size_t n, struct buf *out);
/* "TLSv1.3" */
const char *client_tls(const struct client *c);

#endif
