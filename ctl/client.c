#include "ctl/client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_S = 20, LINE_MAX_OCTETS = 65536 };

static bool
lost(struct client *c, const char *what)
{
	unsigned long e = ERR_get_error();

	snprintf(c->error, sizeof(c->error), "%s: %s", what, e != 0 ?
	    ERR_reason_error_string(e) : errno != 0 ? strerror(errno) :
	    "the connection ended");
	return false;
}

bool
client_open(struct client *c, unsigned port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval wait = { .tv_sec = WAIT_S };

	*c = (struct client){ .fd = -1 };
	buf_init(&c->in, 4 * LINE_MAX_OCTETS);
	buf_init(&c->line, LINE_MAX_OCTETS);
	errno = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		return lost(c, "connecting");
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = c->ctx != NULL ? SSL_new(c->ctx) : NULL;
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1)
		return lost(c, "TLS");
	return true;
}

void
client_close(struct client *c)
{
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd != -1)
		close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->line);
	c->fd = -1;
	c->ssl = NULL;
	c->ctx = NULL;
}

bool
client_send(struct client *c, struct str octets)
{
	errno = 0;
	if (octets.n > 0 && SSL_write(c->ssl, octets.p, (int)octets.n) <= 0)
		return lost(c, "sending");
	return true;
}

bool
client_sendf(struct client *c, const char *fmt, ...)
{
	struct buf out;
	va_list ap;
	bool ok;

	buf_init(&out, LINE_MAX_OCTETS);
	va_start(ap, fmt);
	buf_vaddf(&out, fmt, ap);
	va_end(ap);
	buf_add_c(&out, "\r\n");
	ok = client_send(c, buf_str(&out));
	buf_clear_secret(&out);
	return ok;
}

static bool
receive(struct client *c)
{
	char octets[16384];
	int n;

	errno = 0;
	n = SSL_read(c->ssl, octets, sizeof(octets));
	if (n <= 0 || !buf_add(&c->in, str_n(octets, (size_t)n)))
		return lost(c, "receiving");
	return true;
}

bool
client_line(struct client *c, struct str *line)
{
	size_t end;

	while ((end = str_find(buf_str(&c->in), '\n')) == buf_len(&c->in))
		if (!receive(c))
			return false;
	buf_reset(&c->line);
	buf_add(&c->line, str_first(buf_str(&c->in), end));
	buf_drop(&c->in, end + 1);
	*line = buf_str(&c->line);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

bool
client_octets(struct client *c, size_t n, struct buf *out)
{
	struct str part;

	while (n > 0) {
		if (buf_len(&c->in) == 0 && !receive(c))
			return false;
		part = str_first(buf_str(&c->in), n);
		if (!buf_add(out, part))
			return false;
		n -= part.n;
		buf_drop(&c->in, part.n);
	}
	return true;
}

const char *
client_tls(const struct client *c)
{
	return SSL_get_version(c->ssl);
}
