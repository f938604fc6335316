#include "pop3d/capa.h"

/* RFC 2449 6: what can be used in the other state is announced in both. */
static const char always[] =
    "TOP\r\n"
    "UIDL\r\n"
    "PIPELINING\r\n"
    "RESP-CODES\r\n"
    "AUTH-RESP-CODE\r\n"
    "EXPIRE NEVER\r\n"
    "UTF8 USER\r\n"
    "IMPLEMENTATION Postern\r\n"
    ".\r\n";

void
capa_put(struct buf *out, const struct capa *c)
{
	buf_add(out, STR("+OK Capabilities follow\r\n"));
	if (c->before && c->stls)
		buf_add(out, STR("STLS\r\n"));
	if (c->before && c->login)
		buf_add(out, STR("USER\r\n"));
	if (c->before && c->login && c->mechs.n != 0)
		buf_addf(out, "SASL %.*s\r\n", STR_ARG(c->mechs));
	buf_add_c(out, always);
}
