#include "base/num.h"

bool
num_take_u64(struct str *s, uint64_t *out)
{
	struct str in = *s;
	uint64_t v = 0;

	if (in.n == 0 || !chr_is_digit(in.p[0]))
		return false;
	while (in.n != 0 && chr_is_digit(in.p[0])) {
		uint64_t digit = (uint64_t)(in.p[0] - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
		str_take(&in, 1);
	}
	*s = in;
	*out = v;
	return true;
}

bool
num_take_u32(struct str *s, uint32_t *out)
{
	struct str in = *s;
	uint64_t v;

	if (!num_take_u64(&in, &v) || v > UINT32_MAX)
		return false;
	*s = in;
	*out = (uint32_t)v;
	return true;
}

bool
num_u64(struct str s, uint64_t *out)
{
	uint64_t v;

	if (!num_take_u64(&s, &v) || s.n != 0)
		return false;
	*out = v;
	return true;
}

bool
num_u32(struct str s, uint32_t *out)
{
	uint32_t v;

	if (!num_take_u32(&s, &v) || s.n != 0)
		return false;
	*out = v;
	return true;
}

bool
num_hex64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int digit = chr_hex(s.p[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint64_t)digit;
	}
	*out = v;
	return true;
}
