#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/wire.h"
#include "qmgr/disk.h"
#include "qmgr/state.h"

enum {
	CHUNK = 256 * 1024,            /* octets made between two rounds */
	SYNC_EVERY = 4 * 1024 * 1024   /* so that no sync takes long */
};

static const char building[] = "state.new";

static bool run(struct work *work);
static void done(struct work *work);
static void on_flushed(struct qlog_wait *wait);

void
state_name(uint64_t number, char name[STATE_NAME])
{
	snprintf(name, STATE_NAME, "state.%08llu", (unsigned long long)number);
}

void
state_writer_init(struct state_writer *w, struct queue *q,
    uint64_t last_number, void (*on_done)(void *arg, int error), void *arg)
{
	*w = (struct state_writer){ .q = q, .fd = -1, .on_done = on_done,
		.arg = arg, .last = last_number };
	w->head.number = last_number;
	w->work = (struct work){ .run = run, .done = done };
	w->wait.on_flushed = on_flushed;
	buf_init(&w->chunk, BUF_NO_MAX);
}

void
state_writer_clear(struct state_writer *w)
{
	if (w->fd != -1)
		close(w->fd);
	qlog_wait_cancel(&w->q->log, &w->wait);
	if (w->step == STATE_CHUNK)
		cursor_close(&w->cursor);
	buf_clear(&w->chunk);
}

bool
state_writing(const struct state_writer *w)
{
	return w->step != STATE_IDLE;
}

/* A frame is {octets, crc, zero, zero} and the octets; its header is put at
 * offset from once they stand behind it. */
static void
end_frame(struct state_writer *w, size_t from)
{
	struct buf head;
	const struct str all = buf_str(&w->chunk);
	const struct str body = str_from(all, from + STATE_FRAME);

	buf_init(&head, STATE_FRAME);
	wire_put_u32(&head, (uint32_t)body.n);
	wire_put_u32(&head, crc32c(w->q->log.seed, body.p, body.n));
	wire_put_u64(&head, 0);
	memcpy(w->chunk.p + w->chunk.at + from, buf_str(&head).p, STATE_FRAME);
	buf_clear(&head);
}

static void
begin_frame(struct state_writer *w)
{
	memset(buf_reserve(&w->chunk, STATE_FRAME), 0, STATE_FRAME);
	buf_commit(&w->chunk, STATE_FRAME);
}

static void
put_head(struct state_writer *w)
{
	const struct state_head *h = &w->head;

	begin_frame(w);
	wire_put_u64(&w->chunk, STATE_MAGIC);
	wire_put_u64(&w->chunk, h->number);
	wire_put_u64(&w->chunk, h->lsn);
	wire_put_u64(&w->chunk, h->segment);
	wire_put_u64(&w->chunk, h->off);
	wire_put_u64(&w->chunk, (uint64_t)h->clock);
	wire_put_u64(&w->chunk, (uint64_t)h->wall);
	wire_put_u64(&w->chunk, h->last_id);
	wire_put_u64(&w->chunk, 0);
	tokens_put(&w->q->tokens, &w->chunk);
	end_frame(w, 0);
}

static void
put_message(struct state_writer *w, const struct message *m)
{
	struct buf *b = &w->chunk;

	wire_put_u64(b, m->seg != NULL ? m->seg->number : 0);
	wire_put_u32(b, m->off);
	wire_put_u32(b, m->size);
	entry_put(b, &w->entries, m);
	w->count++;
}

/* The next frame of messages, or the last one: its count of them. */
static void
make_chunk(struct state_writer *w)
{
	const struct message *m;
	const size_t from = buf_len(&w->chunk);

	begin_frame(w);
	while (buf_len(&w->chunk) < CHUNK &&
	    (m = cursor_next(&w->cursor)) != NULL)
		put_message(w, m);
	/* Nobody would read it, and what it releases would be gone. */
	if (buf_len(&w->chunk) - from > STATE_FRAME + (size_t)STATE_FRAME_MAX)
		w->too_large = true;
	if (buf_len(&w->chunk) - from > STATE_FRAME) {
		end_frame(w, from);
		return;
	}
	buf_cut(&w->chunk, from);
	cursor_close(&w->cursor);
	begin_frame(w); /* empty: the end */
	end_frame(w, from);
	wire_put_u64(&w->chunk, w->count);
	w->step = STATE_TAIL;
}

void
state_write(struct state_writer *w, int64_t wall_ms)
{
	const struct qlog *log = &w->q->log;

	if (w->step != STATE_IDLE || log->failed)
		return;
	w->head = (struct state_head){ .number = w->head.number + 1,
		.lsn = log->next_lsn,
		.segment = log->current != NULL ? log->current->number :
		    log->next_number,
		.off = log->current != NULL ? log->current->end : 0,
		.clock = w->q->now, .wall = wall_ms,
		.last_id = w->q->last_id };
	w->at = w->unsynced = w->count = 0;
	w->error = 0;
	w->too_large = false;
	w->step = STATE_CHUNK;
	entry_writer_init(&w->entries);
	cursor_open(&w->cursor, &w->q->table);
	buf_reset(&w->chunk);
	put_head(w);
	make_chunk(w);
	syncer_post(w->q->log.syncer, &w->work);
}

/* --- in the syncer's thread --------------------------------------------- */

/* Always a new file: one whose flush failed is never flushed again. */
static int
open_building(int dirfd)
{
	if (disk_unlink(dirfd, building) == -1 && errno != ENOENT)
		return -1;
	return disk_open(dirfd, building, O_RDWR | O_CREAT | O_EXCL);
}

static int
write_chunk(struct state_writer *w)
{
	const struct str s = buf_str(&w->chunk);

	errno = EFBIG;
	if (w->too_large)
		return -1;
	if (w->fd == -1 && (w->fd = open_building(w->q->log.dirfd)) == -1)
		return -1;
	if (disk_write(w->fd, s.p, s.n, w->at) == -1)
		return -1;
	w->at += s.n;
	w->unsynced += s.n;
	if (w->step == STATE_TAIL)
		return disk_sync(w->fd);
	if (w->unsynced < SYNC_EVERY)
		return 0;
	w->unsynced = 0;
	return disk_datasync(w->fd);
}

/* Two states are kept: should the newer one rot, the older helps. */
static int
publish(struct state_writer *w)
{
	const int dirfd = w->q->log.dirfd;
	char name[STATE_NAME];

	close(w->fd);
	w->fd = -1;
	state_name(w->head.number, name);
	if (disk_rename(dirfd, building, name) == -1 ||
	    disk_sync(dirfd) == -1)
		return -1;
	if (w->head.number >= 2) {
		state_name(w->head.number - 2, name);
		disk_unlink(dirfd, name);
	}
	return 0;
}

static bool
run(struct work *work)
{
	struct state_writer *w = (struct state_writer *)(void *)((char *)work -
	    offsetof(struct state_writer, work));
	int r = w->step == STATE_PUBLISH ? publish(w) : write_chunk(w);

	w->error = r == -1 ? errno : 0;
	return false;
}

/* --- in the loop's thread again ------------------------------------------ */

static void
finish(struct state_writer *w, int error)
{
	if (w->step == STATE_CHUNK)
		cursor_close(&w->cursor);
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	w->step = STATE_IDLE;
	buf_clear(&w->chunk);
	if (error == 0) {
		w->size = w->at;
		w->last = w->head.number;
	}
	w->on_done(w->arg, error);
}

static void
on_flushed(struct qlog_wait *wait)
{
	struct state_writer *w = (struct state_writer *)(void *)((char *)wait -
	    offsetof(struct state_writer, wait));

	w->step = STATE_PUBLISH;
	syncer_post(w->q->log.syncer, &w->work);
}

static void
done(struct work *work)
{
	struct state_writer *w = (struct state_writer *)(void *)((char *)work -
	    offsetof(struct state_writer, work));

	if (w->error != 0 || w->step == STATE_PUBLISH) {
		finish(w, w->error);
	} else if (w->step == STATE_CHUNK) {
		buf_reset(&w->chunk);
		make_chunk(w);
		syncer_post(w->q->log.syncer, &w->work);
	} else {
		/* It shows what was appended while it was made: that has to be
		 * on disk before the state counts. */
		w->step = STATE_WAIT;
		qlog_wait(&w->q->log, &w->wait);
	}
}
