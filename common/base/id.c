#include "base/id.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
id_text(uint64_t id, char out[ID_TEXT + 1])
{
	for (int i = ID_TEXT - 1; i >= 0; i--) {
		out[i] = digits[id & 31];
		id >>= 5;
	}
	out[ID_TEXT] = '\0';
}

bool
id_parse(struct str text, uint64_t *id)
{
	uint64_t v = 0;

	if (text.n != ID_TEXT)
		return false;
	for (size_t i = 0; i < ID_TEXT; i++) {
		char c = chr_upper(text.p[i]);
		const char *at = c != '\0' ? strchr(digits, c) : NULL;

		/* 13 digits hold 65 bits: the first is 0..15. */
		if (at == NULL || (i == 0 && at - digits > 15))
			return false;
		v = v << 5 | (uint64_t)(at - digits);
	}
	*id = v;
	return true;
}
