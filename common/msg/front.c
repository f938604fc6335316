#include "msg/front.h"

static const struct wire_field front_hello_fields[] = {
	W_STR(front_hello, tag, FRONT_TAG_MAX),
	W_STR(front_hello, client, 128),
	W_STR(front_hello, login, 512),
	W_ENUM(front_hello, tls, 1),
	W_STR(front_hello, early, FRONT_EARLY_MAX),
};
const struct wire front_hello_wire = WIRE(front_hello, front_hello_fields);

void
front_hello_put(struct buf *out, const struct front_hello *h)
{
	struct buf body;

	buf_init(&body, wire_most(&front_hello_wire));
	wire_put(&body, &front_hello_wire, h);
	wire_put_str(out, buf_str(&body));
	buf_clear(&body);
}

int
front_hello_take(struct str *in, struct front_hello *h)
{
	struct str rest = *in, body;
	uint32_t len;

	if (!wire_take_u32(&rest, &len))
		return 0;
	if (len > wire_most(&front_hello_wire))
		return -1;
	if (rest.n < len)
		return 0;
	body = str_take(&rest, len);
	if (!wire_take(&body, &front_hello_wire, h) || body.n != 0)
		return -1;
	*in = rest;
	return 1;
}
