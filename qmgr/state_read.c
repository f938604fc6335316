#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/dir.h"
#include "base/fatal.h"
#include "base/num.h"
#include "base/wire.h"
#include "qmgr/disk.h"
#include "qmgr/state.h"

enum { STATES_MAX = 64 };

struct source {
	int fd;
	uint32_t seed;
	uint64_t at;
	int error;        /* of the disk, or 0 */
	struct buf frame;
};

static bool
read_octets(struct source *s, char *to, size_t n, uint64_t at)
{
	const ssize_t got = disk_read(s->fd, to, n, at);

	if (got == -1)
		s->error = errno;
	return got == (ssize_t)n;
}

/* The next frame's octets; empty at the end.  false: damaged. */
static bool
read_frame(struct source *s, struct str *out)
{
	char head[STATE_FRAME] = { 0 };
	struct str in = str_n(head, sizeof(head));
	uint32_t n, crc;

	if (!read_octets(s, head, sizeof(head), s->at))
		return false;
	wire_take_u32(&in, &n);
	wire_take_u32(&in, &crc);
	if (n > STATE_FRAME_MAX)
		return false;
	buf_reset(&s->frame);
	if (!read_octets(s, buf_reserve(&s->frame, (size_t)n + 1), n,
	        s->at + STATE_FRAME))
		return false;
	buf_commit(&s->frame, n);
	*out = buf_str(&s->frame);
	s->at += STATE_FRAME + n;
	return crc32c(s->seed, out->p, out->n) == crc;
}

/* tokens may be NULL. */
static bool
read_head(struct source *s, struct state_head *h, struct tokens *tokens)
{
	struct str in;
	uint64_t magic, clock, wall, zero;

	if (!read_frame(s, &in) || !wire_take_u64(&in, &magic) ||
	    magic != STATE_MAGIC || !wire_take_u64(&in, &h->number) ||
	    !wire_take_u64(&in, &h->lsn) || !wire_take_u64(&in, &h->segment) ||
	    !wire_take_u64(&in, &h->off) || !wire_take_u64(&in, &clock) ||
	    !wire_take_u64(&in, &wall) || !wire_take_u64(&in, &h->last_id) ||
	    !wire_take_u64(&in, &zero) ||
	    (tokens != NULL && !tokens_take(tokens, &in)))
		return false;
	h->clock = (int64_t)clock;
	h->wall = (int64_t)wall;
	return true;
}

/* Whether all of it can be trusted, before any of it is. */
static bool
is_whole(struct source *s, struct state_head *h)
{
	struct str in;

	s->at = 0;
	if (!read_head(s, h, NULL))
		return false;
	do {
		if (!read_frame(s, &in))
			return false;
	} while (in.n != 0);
	return true;
}

struct reading {
	struct entry_reader entries;
	struct tokens *tokens;
	void (*on_message)(void *arg, struct message *m, uint64_t segment,
	    uint32_t off, uint32_t size);
	void *arg;
};

static bool
read_messages(struct source *s, struct reading *r)
{
	struct state_head h;
	struct str in;

	s->at = 0;
	if (!read_head(s, &h, r->tokens))
		return false;
	while (read_frame(s, &in) && in.n != 0)
		while (in.n != 0) {
			uint64_t segment;
			uint32_t off, size;
			struct message *m;

			if (!wire_take_u64(&in, &segment) ||
			    !wire_take_u32(&in, &off) ||
			    !wire_take_u32(&in, &size) ||
			    (m = entry_take(&r->entries, &in)) == NULL)
				return false;
			r->on_message(r->arg, m, segment, off, size);
		}
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

static size_t
list_states(int dirfd, uint64_t numbers[STATES_MAX])
{
	const int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t n = 0;

	if (d == NULL)
		fatal_errno("the queue log's folder");
	while (n < STATES_MAX && (e = dir_next(d)) != NULL) {
		struct str name = str_c(e->d_name);

		if (str_take_prefix(&name, STR("state.")) &&
		    num_u64(name, &numbers[n]))
			n++;
	}
	if (n < STATES_MAX && errno != 0)
		fatal_errno("the queue log's folder");
	closedir(d);
	qsort(numbers, n, sizeof(numbers[0]), newest_first);
	return n;
}

bool
state_read(int dirfd, uint32_t seed, struct reasons *reasons,
    struct sites *sites, struct tokens *tokens, struct state_head *head,
    uint64_t *number,
    void (*on_message)(void *arg, struct message *m, uint64_t segment,
        uint32_t off, uint32_t size),
    void (*on_bad)(void *arg, const char *name), void *arg)
{
	uint64_t numbers[STATES_MAX];
	const size_t n = list_states(dirfd, numbers);
	struct reading r = { .tokens = tokens, .on_message = on_message,
		.arg = arg };
	bool found = false;

	*number = n != 0 ? numbers[0] : 0;
	entry_reader_init(&r.entries, reasons, sites);
	for (size_t i = 0; i < n && !found; i++) {
		struct source s = { .seed = seed };
		char name[STATE_NAME];

		state_name(numbers[i], name);
		s.fd = disk_open(dirfd, name, O_RDONLY);
		if (s.fd == -1 && errno == ENOENT)
			continue;
		/* The older one would bring back what is long delivered. */
		if (s.fd == -1)
			fatal_errno("the queue's %s cannot be opened", name);
		buf_init(&s.frame, BUF_NO_MAX);
		found = is_whole(&s, head);
		if (s.error != 0) {
			errno = s.error;
			fatal_errno("the queue's %s cannot be read", name);
		}
		if (!found)
			on_bad(arg, name);
		else if (!read_messages(&s, &r))
			fatal("%s is whole and yet cannot be read", name);
		buf_clear(&s.frame);
		close(s.fd);
	}
	entry_reader_clear(&r.entries);
	return found;
}
