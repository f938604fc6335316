#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fatal.h"
#include "store/coldrec.h"
#include "store/disk.h"
#include "store/inner.h"

/*
 * The list of what was delivered is the mailbox itself: its rows carry the
 * guid, tombstones too, and the frame that makes a row is what makes the
 * delivery.  So there is no moment in which the two could differ.
 */

enum { CLOCK_SLACK_S = 86400 }; /* a clock may have been set back */

/* From that offset to the end.  By reading: a sector that cannot be read is an
 * error here, and a signal in a map.  From the disk: what a failed flush left
 * in memory reads like what was to be there. */
static enum whole
octets_are(int fd, uint64_t from, uint64_t size, uint32_t crc)
{
	enum { STEP = 256 * 1024 };
	char *step = xmalloc(STEP);
	uint32_t sum = 0;
	uint64_t at = from;
	ssize_t n;

	disk_forget(fd);
	while ((n = disk_read(fd, step, STEP, at)) > 0) {
		sum = crc32c(sum, step, (size_t)n);
		at += (uint64_t)n;
	}
	free(step);
	if (n == -1)
		return WHOLE_ERROR;
	return at == size && sum == crc ? WHOLE : WHOLE_NOT;
}

static enum whole
file_is(struct mailbox *m, const struct row *row, uint64_t from, uint64_t size,
    uint32_t crc)
{
	const int fd = message_open(m, row);
	enum whole whole;
	int saved;

	if (fd == -1)
		return errno == ENOENT ? WHOLE_NOT : WHOLE_ERROR;
	whole = octets_are(fd, from, size, crc);
	saved = errno;
	close(fd);
	errno = saved;
	return whole;
}

enum whole
mailbox_is_whole(struct mailbox *m, const struct row *row)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	enum whole whole = WHOLE_ERROR;
	struct buf space;
	int saved;

	buf_init(&space, COLDREC_MAX);
	if (coldfiles_read(&m->cold, m->log.ix, row, &space) &&
	    coldrec_take(buf_str(&space), cold))
		whole = file_is(m, row, 0, cold->size, cold->crc);
	else
		errno = EIO;
	saved = errno;
	buf_clear(&space);
	free(cold);
	errno = saved;
	return whole;
}

/* Of a row with that guid.  Who took the file in for want of a row knew its
 * length alone. */
static enum seen
judge(struct mailbox *m, const struct row *row, const struct cold *cold,
    const struct sought *s)
{
	static const enum seen of_whole[] = { [WHOLE] = SEEN_SAME,
		[WHOLE_NOT] = SEEN_BROKEN, [WHOLE_ERROR] = SEEN_ERROR };
	const bool was_found = cold->source_n == 0 && cold->source_crc == 0;
	const bool is_same = was_found ? cold->size == s->head + s->size :
	    cold->source_n == (uint32_t)s->size && cold->source_crc == s->crc;

	if (!is_same)
		return SEEN_OTHER;
	if ((row->flags & ROW_GONE) != 0)
		return SEEN_SAME;
	return of_whole[was_found ?
	        file_is(m, row, s->head, s->head + s->size, s->crc) :
	        file_is(m, row, 0, cold->size, cold->crc)];
}

enum seen
mailbox_seen(struct mailbox *m, const struct sought *sought, uint32_t *uid)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	uint32_t tag = coldrec_tag(sought->guid);
	enum seen seen = SEEN_NOT;
	struct buf space;

	buf_init(&space, COLDREC_MAX);
	for (size_t i = mailbox_rows(m); i > 0 && seen == SEEN_NOT; i--) {
		const struct row *row = mailbox_row(m, i - 1);

		if (row->tag != tag || (row->flags & ROW_LOST) != 0 ||
		    row->saved + (int64_t)CLOCK_SLACK_S < sought->since)
			continue;
		buf_reset(&space);
		if (!coldfiles_read(&m->cold, m->log.ix, row, &space)) {
			if (errno != ENOENT && errno != EILSEQ)
				seen = SEEN_ERROR;
			continue;
		}
		if (!coldrec_take(buf_str(&space), cold) ||
		    memcmp(cold->guid, sought->guid, STORE_GUID) != 0)
			continue;
		*uid = row->uid;
		seen = judge(m, row, cold, sought);
	}
	buf_clear(&space);
	free(cold);
	return seen;
}
