#include "base/crc32c.h"

#include <string.h>

#define POLY 0x82f63b78u /* 0x1EDC6F41 with its bits reversed */

static uint32_t table[8][256];

__attribute__((constructor)) static void
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? c >> 1 ^ POLY : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^
			    table[0][table[k - 1][i] & 255];
}

static uint32_t
by_octet(uint32_t c, const unsigned char *p, size_t n)
{
	while (n-- != 0)
		c = c >> 8 ^ table[0][(c ^ *p++) & 255];
	return c;
}

/* Eight octets a step: each table stands for one octet's distance. */
static uint32_t
by_table(uint32_t c, const unsigned char *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8)
		c = table[7][(c ^ p[0]) & 255] ^ table[6][(c >> 8 ^ p[1]) & 255] ^
		    table[5][(c >> 16 ^ p[2]) & 255] ^
		    table[4][(c >> 24 ^ p[3]) & 255] ^ table[3][p[4]] ^
		    table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	return by_octet(c, p, n);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t c, const unsigned char *p, size_t n)
{
	uint64_t c64 = c, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		c64 = __builtin_ia32_crc32di(c64, word);
	}
	return by_octet((uint32_t)c64, p, n);
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, p, n);
	return ~by_table(~crc, p, n);
}
#else
uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~by_table(~crc, p, n);
}
#endif
