#include "delivery/deliver/heads.h"

#include "mail/header.h"

void
heads_put(struct buf *out, struct str sender, struct str recipient)
{
	buf_add_c(out, "Return-Path: <");
	buf_add(out, sender);
	buf_add_c(out, ">\nDelivered-To: ");
	buf_add(out, recipient);
	buf_add_c(out, "\n");
}

bool
heads_loop(struct str header, struct str recipient)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (str_ieq(f.name, STR("Delivered-To")) &&
		    str_ieq(str_trim(f.value), recipient))
			return true;
	return false;
}
