#include "delivery/bounce/excerpt.h"

#include "mail/header.h"

static bool
is_known(struct str name)
{
	static const struct str known[] = { STR_INIT("From"), STR_INIT("To"),
		STR_INIT("Subject"), STR_INIT("Date"),
		STR_INIT("Message-ID") };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_ieq(name, known[i]))
			return true;
	return false;
}

static bool
take_room(size_t *room, size_t n)
{
	if (n > *room)
		return false;
	*room -= n;
	return true;
}

static void
leave_out(struct excerpt *x, struct str name)
{
	for (size_t i = 0; i < x->nnames; i++)
		if (str_ieq(x->names[i], name))
			return;
	if (x->nnames < EXCERPT_NAMED)
		x->names[x->nnames++] = name;
	else
		x->more = true;
}

/* Octets for the others, when those that are known have theirs. */
static size_t
room_beside_known(struct str header, size_t room)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (is_known(f.name))
			(void)take_room(&room, f.whole.n);
	return room;
}

void
excerpt_init(struct excerpt *x, struct str original, uint64_t most)
{
	const struct str all = str_first(original, header_end(original));
	const size_t room = most > 0 ? (size_t)most - 1 : 0; /* empty line */
	struct str rest = all;
	struct header_field f;
	size_t for_known = room, for_others;

	*x = (struct excerpt){ .text = all };
	buf_init(&x->kept, BUF_NO_MAX);
	if (all.n <= most)
		return;
	for_others = room_beside_known(all, room);
	while (header_next(&rest, &f)) {
		if (take_room(is_known(f.name) ? &for_known : &for_others,
		        f.whole.n))
			buf_add(&x->kept, f.whole);
		else
			leave_out(x, f.name);
	}
	if (rest.n > 0)
		buf_add_char(&x->kept, '\n');
	x->text = buf_str(&x->kept);
	x->octets = all.n - x->text.n;
}

void
excerpt_clear(struct excerpt *x)
{
	buf_clear(&x->kept);
}

void
excerpt_tell(struct buf *out, const struct excerpt *x)
{
	if (x->nnames == 0) {
		buf_addf(out, "%zu octets of it", x->octets);
		return;
	}
	buf_add_c(out, "the fields ");
	for (size_t i = 0; i < x->nnames; i++)
		buf_addf(out, "%s%.*s", i == 0 ? "" : ", ",
		    STR_ARG(str_first(x->names[i], EXCERPT_NAME_MAX)));
	buf_addf(out, "%s (%zu octets)", x->more ? " and others" : "",
	    x->octets);
}
