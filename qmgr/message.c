#include "qmgr/message.h"

#include <stdlib.h>

#include "base/fatal.h"

enum { TEXT_HEAD = 4 }; /* octets of the two lengths */

static size_t
text_size(const struct rcpt_init *in)
{
	return TEXT_HEAD + in->address.n + in->orcpt.n;
}

size_t
rcpt_memory(const struct rcpt_init *in)
{
	return sizeof(struct rcpt) + text_size(in);
}

static char *
add(char *to, struct str s)
{
	if (s.n != 0)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

static char *
init_rcpt(struct rcpt *r, struct message *m, const struct rcpt_init *in,
    char *text)
{
	const uint16_t n = (uint16_t)in->address.n;
	const uint16_t k = (uint16_t)in->orcpt.n;

	*r = (struct rcpt){ .m = m, .text = text, .index = in->index,
		.notify = in->notify, .flags = in->flags, .depth = in->depth,
		.state = RCPT_ROUTING };
	memcpy(text, &n, sizeof(n));
	memcpy(text + 2, &k, sizeof(k));
	return add(add(text + TEXT_HEAD, in->address), in->orcpt);
}

struct message *
message_new(uint64_t id, const struct envelope *env,
    const struct rcpt_init *rcpts, uint32_t n, uint32_t nrcpts)
{
	const struct str parts[4] = { env->sender, env->envid, env->login,
		env->client };
	size_t size = sizeof(struct message) + n * sizeof(struct rcpt);
	struct message *m;
	char *at;

	for (size_t i = 0; i < 4; i++)
		size += parts[i].n;
	for (uint32_t i = 0; i < n; i++)
		size += text_size(&rcpts[i]);
	m = xmalloc(size);
	*m = (struct message){ .id = id, .env_flags = (uint16_t)env->flags,
		.nrcpts = nrcpts, .nfirst = n, .nleft = n, .nbusy = n,
		.asking = n };
	at = (char *)&m->rcpts[n];
	for (size_t i = 0; i < 4; i++) {
		m->lens[i] = (uint16_t)parts[i].n;
		at = add(at, parts[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		at = init_rcpt(&m->rcpts[i], m, &rcpts[i], at);
	return m;
}

struct rcpt_block *
message_expand(struct message *m, const struct rcpt_init *rcpts, uint32_t n)
{
	struct rcpt_block *b, **last = &m->blocks;
	size_t size = 0;
	char *at;

	for (uint32_t i = 0; i < n; i++)
		size += text_size(&rcpts[i]);
	b = xmalloc(sizeof(*b) + n * sizeof(struct rcpt));
	b->next = NULL;
	b->memory = n * sizeof(struct rcpt) + size;
	b->n = n;
	b->strings = at = xmalloc(size + 1);
	for (uint32_t i = 0; i < n; i++)
		at = init_rcpt(&b->r[i], m, &rcpts[i], at);
	while (*last != NULL)
		last = &(*last)->next;
	*last = b;
	m->nleft += n;
	m->nbusy += n;
	m->asking += n;
	if (n != 0 && rcpts[n - 1].index >= m->nrcpts)
		m->nrcpts = rcpts[n - 1].index + 1;
	return b;
}

uint64_t
message_rcpt_memory(const struct message *m)
{
	uint64_t sum = 0;

	for (uint32_t i = 1; i < m->nfirst; i++)
		sum += sizeof(struct rcpt) + TEXT_HEAD +
		    rcpt_address(&m->rcpts[i]).n + rcpt_orcpt(&m->rcpts[i]).n;
	for (const struct rcpt_block *b = m->blocks; b != NULL; b = b->next)
		sum += b->memory;
	return sum;
}

void
message_free(struct message *m)
{
	struct rcpt_block *b;

	if (m == NULL)
		return;
	while ((b = m->blocks) != NULL) {
		m->blocks = b->next;
		free(b->strings);
		free(b);
	}
	if (m->more != NULL) {
		map_clear(&m->more->accounts);
		map_clear(&m->more->addresses);
		map_clear(&m->more->bundles);
		free(m->more);
	}
	free(m->text);
	free(m);
}

static struct str
part(const struct message *m, unsigned which)
{
	const char *at = (const char *)&m->rcpts[m->nfirst];

	for (unsigned i = 0; i < which; i++)
		at += m->lens[i];
	return str_n(at, m->lens[which]);
}

struct str
message_sender(const struct message *m)
{
	return part(m, 0);
}

struct str
message_envid(const struct message *m)
{
	return part(m, 1);
}

struct str
message_login(const struct message *m)
{
	return part(m, 2);
}

struct str
message_client(const struct message *m)
{
	return part(m, 3);
}

struct str
rcpt_address(const struct rcpt *r)
{
	uint16_t n;

	memcpy(&n, r->text, sizeof(n));
	return str_n(r->text + TEXT_HEAD, n);
}

struct str
rcpt_orcpt(const struct rcpt *r)
{
	uint16_t n, k;

	memcpy(&n, r->text, sizeof(n));
	memcpy(&k, r->text + 2, sizeof(k));
	return str_n(r->text + TEXT_HEAD + n, k);
}

static struct rcpt *
find_in(struct rcpt *r, size_t n, uint32_t index)
{
	size_t low = 0, high = n;

	if (n == 0 || index < r[0].index || index > r[n - 1].index)
		return NULL;
	if (r[0].index + n > index && r[index - r[0].index].index == index)
		return &r[index - r[0].index]; /* no gap before it */
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r[mid].index == index)
			return &r[mid];
		if (r[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct rcpt *
message_rcpt(struct message *m, uint32_t index)
{
	struct rcpt *r = find_in(m->rcpts, m->nfirst, index);

	for (struct rcpt_block *b = m->blocks; r == NULL && b != NULL;
	    b = b->next)
		r = find_in(b->r, b->n, index);
	return r;
}

struct rcpt *
rcpt_next(struct rcpt_walk *w)
{
	if (!w->in_blocks) {
		if (w->at < w->m->nfirst)
			return &w->m->rcpts[w->at++];
		w->in_blocks = true;
		w->block = w->m->blocks;
		w->at = 0;
	}
	while (w->block != NULL && w->at == w->block->n) {
		w->block = w->block->next;
		w->at = 0;
	}
	return w->block == NULL ? NULL : &w->block->r[w->at++];
}

struct message_more *
message_more(struct message *m)
{
	if (m->more == NULL)
		m->more = xcalloc(1, sizeof(*m->more));
	return m->more;
}
