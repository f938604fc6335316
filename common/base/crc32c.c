#include "base/crc32c.h"

#include <string.h>

#define POLY 0x82f63b78u /* 0x1EDC6F41 with its bits reversed */

static uint32_t table[8][256];

static void
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
enum { LANE = 1024 /* octets */ };

/* What a CRC becomes when LANE zeros follow, by each of its octets: CRCs are
 * linear, so the parts of a text can be done at once and added up. */
static uint32_t over_lane[4][256];

__attribute__((constructor)) static void
make_tables(void)
{
	static const unsigned char zeros[LANE];

	make_table();
	for (unsigned k = 0; k < 4; k++)
		for (unsigned v = 0; v < 256; v++) {
			const unsigned rest = v & (v - 1); /* a bit less */

			over_lane[k][v] = v == 0 ? 0 : rest != 0 ?
			    over_lane[k][rest] ^ over_lane[k][v ^ rest] :
			    by_table((uint32_t)v << (8 * k), zeros, LANE);
		}
}

static uint32_t
skip_lane(uint32_t c)
{
	return over_lane[0][c & 255] ^ over_lane[1][c >> 8 & 255] ^
	    over_lane[2][c >> 16 & 255] ^ over_lane[3][c >> 24];
}

/* The instruction takes three cycles, and one begins every cycle. */
__attribute__((target("sse4.2"))) static uint32_t
three_lanes(uint32_t c, const unsigned char *p)
{
	uint64_t a = c, b = 0, d = 0, x, y, z;

	for (size_t i = 0; i < LANE; i += 8) {
		memcpy(&x, p + i, 8);
		memcpy(&y, p + LANE + i, 8);
		memcpy(&z, p + 2 * LANE + i, 8);
		a = __builtin_ia32_crc32di(a, x);
		b = __builtin_ia32_crc32di(b, y);
		d = __builtin_ia32_crc32di(d, z);
	}
	return skip_lane(skip_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)d;
}

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t c, const unsigned char *p, size_t n)
{
	uint64_t c64, word;

	for (; n >= (size_t)3 * LANE; p += 3 * LANE, n -= (size_t)3 * LANE)
		c = three_lanes(c, p);
	for (c64 = c; n >= 8; p += 8, n -= 8) {
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
__attribute__((constructor)) static void
make_tables(void)
{
	make_table();
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~by_table(~crc, p, n);
}
#endif
