/*
 * flood -- messages made to have more structure than anyone has room for.
 */
#ifndef POSTERN_TESTS_FLOOD_H
#define POSTERN_TESTS_FLOOD_H

#include "base/buf.h"

enum { FLOOD_PARAMS = 64, FLOOD_VALUE = 950 };

/* So many parts, each with 61,000 octets of parameters, every octet of which
 * must be escaped: 70 parts are 4.3 MB and ask for 8.5. */
static inline void
flood_put(struct buf *b, int parts)
{
	char value[FLOOD_VALUE];

	memset(value, '\\', sizeof(value));
	buf_add(b, STR("Subject: flood\n"
	               "Content-Type: multipart/mixed; boundary=b\n\n"));
	for (int i = 0; i < parts; i++) {
		buf_add(b, STR("--b\nContent-Type: text/plain"));
		for (int k = 0; k < FLOOD_PARAMS; k++) {
			buf_addf(b, ";\n p%d=", k);
			buf_add(b, str_n(value, sizeof(value)));
		}
		buf_add(b, STR("\n\nx\n"));
	}
	buf_add(b, STR("--b--\n"));
}

/* n octets of c. */
static inline void
flood_run(struct buf *b, char c, size_t n)
{
	memset(buf_reserve(b, n), c, n);
	buf_commit(b, n);
}

#endif
