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

/* By reading: a sector that cannot be read is an error here, and a signal in
 * a map. */
static enum whole
octets_are(int fd, uint64_t size, uint32_t crc)
{
	enum { STEP = 256 * 1024 };
	char *step = xmalloc(STEP);
	uint32_t sum = 0;
	uint64_t at = 0;
	ssize_t n;

	while ((n = disk_read(fd, step, STEP, at)) > 0) {
		sum = crc32c(sum, step, (size_t)n);
		at += (uint64_t)n;
	}
	free(step);
	if (n == -1)
		return WHOLE_ERROR;
	return at == size && sum == crc ? WHOLE : WHOLE_NOT;
}

enum whole
mailbox_is_whole(struct mailbox *m, const struct row *row)
{
	struct cold *cold = xmalloc(sizeof(*cold));
	enum whole whole = WHOLE_ERROR;
	struct buf space;
	int fd, saved;

	buf_init(&space, COLDREC_MAX);
	if (coldfiles_read(&m->cold, m->log.ix, row, &space) &&
	    coldrec_take(buf_str(&space), cold)) {
		fd = message_open(m, row);
		if (fd != -1)
			whole = octets_are(fd, cold->size, cold->crc);
		else if (errno == ENOENT)
			whole = WHOLE_NOT;
		if (fd != -1) {
			saved = errno;
			close(fd);
			errno = saved;
		}
	} else {
		errno = EIO;
	}
	saved = errno;
	buf_clear(&space);
	free(cold);
	errno = saved;
	return whole;
}

enum seen
mailbox_seen(struct mailbox *m, const uint8_t guid[STORE_GUID], int64_t since,
    uint32_t source_n, uint32_t source_crc, uint32_t *uid)
{
	static const enum seen of_whole[] = { [WHOLE] = SEEN_SAME,
		[WHOLE_NOT] = SEEN_BROKEN, [WHOLE_ERROR] = SEEN_ERROR };
	struct cold *cold = xmalloc(sizeof(*cold));
	uint32_t tag = coldrec_tag(guid);
	enum seen seen = SEEN_NOT;
	struct buf space;

	buf_init(&space, COLDREC_MAX);
	for (size_t i = mailbox_rows(m); i > 0 && seen == SEEN_NOT; i--) {
		const struct row *row = mailbox_row(m, i - 1);

		if (row->saved + (int64_t)CLOCK_SLACK_S < since)
			break;
		buf_reset(&space);
		if (row->tag != tag || (row->flags & ROW_LOST) != 0)
			continue;
		if (!coldfiles_read(&m->cold, m->log.ix, row, &space)) {
			if (errno != ENOENT && errno != EILSEQ)
				seen = SEEN_ERROR;
			continue;
		}
		if (!coldrec_take(buf_str(&space), cold) ||
		    memcmp(cold->guid, guid, STORE_GUID) != 0)
			continue;
		*uid = row->uid;
		if (cold->source_n != source_n ||
		    cold->source_crc != source_crc)
			seen = SEEN_OTHER;
		else if ((row->flags & ROW_GONE) != 0)
			seen = SEEN_SAME;
		else
			seen = of_whole[mailbox_is_whole(m, row)];
	}
	buf_clear(&space);
	free(cold);
	return seen;
}
