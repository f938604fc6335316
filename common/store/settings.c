#include "store/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/num.h"
#include "store/disk.h"

enum { FILE_MAX = 16 * 1024 * 1024 };

void
settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	pool_init(&s->pool);
}

void
settings_clear(struct settings *s)
{
	pool_clear(&s->pool);
	free(s->list);
	settings_init(s);
}

int
settings_lock(int ix)
{
	int fd = disk_open(ix, "account.lock", O_RDWR | O_CREAT);

	if (fd != -1 && disk_lock(fd, true) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

struct setting *
settings_get(struct settings *s, struct str name, bool make)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->list[i].name, name))
			return &s->list[i];
	if (!make || s->n >= SETTINGS_NAMES_MAX)
		return NULL;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : s->cap * 2;
		s->list = xreallocarray(s->list, s->cap, sizeof(*s->list));
	}
	s->list[s->n] = (struct setting){ .name = pool_str(&s->pool, name) };
	return &s->list[s->n++];
}

static void
take_line(struct settings *s, struct str line)
{
	struct setting *row;
	uint32_t v;

	if (str_take_prefix(&line, STR("uidvalidity ")) && num_u32(line, &v)) {
		s->uidvalidity = v;
		return;
	}
	if (str_take_prefix(&line, STR("subscribed ")) && line.n > 0) {
		row = settings_get(s, line, true);
		if (row != NULL)
			row->subscribed = true;
		return;
	}
	if (str_take_prefix(&line, STR("use ")) && num_take_u32(&line, &v) &&
	    str_take_char(&line, ' ') && line.n > 0) {
		row = settings_get(s, line, true);
		if (row != NULL)
			row->use = v & USES;
	}
}

int
settings_read(struct settings *s, int ix)
{
	struct buf file;
	struct str text, body;
	uint64_t crc;
	size_t at;

	buf_init(&file, FILE_MAX);
	if (disk_load(ix, "account", &file) == -1) {
		buf_clear(&file);
		return errno == ENOENT || errno == EFBIG ? 0 : -1;
	}
	text = buf_str(&file);
	at = str_rfind(str_first(text, text.n > 0 ? text.n - 1 : 0), '\n');
	body = str_first(text, at + 1);
	text = str_trim(str_from(text, at + 1));
	if (str_take_prefix(&text, STR("crc ")) && text.n > 0 &&
	    num_hex64(str_first(text, str_find(text, '\n')), &crc) &&
	    crc == crc32c(0, body.p, body.n))
		while (body.n > 0)
			take_line(s, str_take_until(&body, '\n'));
	buf_clear(&file);
	return 0;
}

int
settings_write(const struct settings *s, int ix)
{
	struct buf out;
	int rc;

	buf_init(&out, FILE_MAX);
	buf_addf(&out, "postern 1\nuidvalidity %u\n", s->uidvalidity);
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *row = &s->list[i];

		if (row->subscribed)
			buf_addf(&out, "subscribed %.*s\n", STR_ARG(row->name));
		if (row->use != 0)
			buf_addf(&out, "use %u %.*s\n", row->use,
			    STR_ARG(row->name));
	}
	buf_addf(&out, "crc %08x\n",
	    crc32c(0, buf_str(&out).p, buf_len(&out)));
	if (out.overflow) {
		buf_clear(&out);
		errno = EFBIG;
		return -1;
	}
	rc = disk_replace(ix, "account", buf_str(&out).p, buf_len(&out));
	buf_clear(&out);
	return rc;
}
