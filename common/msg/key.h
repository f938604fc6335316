/*
 * key -- fronts get certificates from keyd and have it sign.
 * The link in the loop (channel 0): on a fresh link, and again after each
 * change of the files, keyd sends KEY_CERT for every certificate, then
 * KEY_END.  The blocking socket (channel 1): KEY_SIGN, answered by KEY_SIGNED
 * within 1 s (link_ask); an empty signature is a refusal.
 */
#ifndef POSTERN_MSG_KEY_H
#define POSTERN_MSG_KEY_H

#include "base/str.h"
#include "base/wire.h"

enum { MSG_KEY_CERT = 500, MSG_KEY_END, MSG_KEY_SIGN, MSG_KEY_SIGNED };

struct msg_key_cert {
	uint32_t key;      /* for KEY_SIGN */
	struct str name;   /* "" the default, else a host name for SNI */
	struct str chain;  /* PEM, leaf first, at most 48 KiB */
};
struct msg_key_sign {
	uint32_t key;
	uint32_t padding;  /* as struct tls_sign */
	struct str digest; /* name, "" = none */
	struct str tbs;    /* at most 64 octets of digest, or 512 */
};
struct msg_key_signed {
	struct str signature; /* at most 1024 octets */
};
extern const struct wire msg_key_cert_wire, msg_key_sign_wire,
    msg_key_signed_wire;

#endif
