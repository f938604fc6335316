#include "store/guid.h"

#include <openssl/evp.h>

#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/wire.h"

void
guid_of(const char *kind, struct str a, struct str b, struct str c,
    uint8_t guid[STORE_GUID])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf in;

	buf_init(&in, BUF_NO_MAX);
	wire_put_str(&in, str_c(kind));
	wire_put_str(&in, a);
	wire_put_str(&in, b);
	wire_put_str(&in, c);
	if (EVP_Digest(buf_str(&in).p, buf_len(&in), hash, &n, EVP_sha256(),
	        NULL) != 1 ||
	    n < STORE_GUID)
		fatal("store: SHA-256");
	buf_clear(&in);
	memcpy(guid, hash, STORE_GUID);
}

void
guid_random(uint8_t guid[STORE_GUID])
{
	if (getrandom(guid, STORE_GUID, 0) != STORE_GUID)
		fatal_errno("store: getrandom");
}
