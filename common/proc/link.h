/*
 * link -- messages between two processes of the suite over a socketpair.
 * A frame is {length u32, type u16, fds u16, cookie u64} and at most 64 KiB
 * of body, whose fields are laid out by a wire table.  What may be received,
 * in which phase and with how many descriptors is a table of rules; a frame
 * outside it closes the link (on_close), and never harms the receiver.
 *
 * Frames are gathered and written at the end of the loop's round, those sent
 * lazily with the next or LINK_LAZY_MS later: to wake a process costs more than
 * most frames do.  Nothing is ever dropped: the sender looks at link_pending and holds its own input back.
 */
#ifndef POSTERN_PROC_LINK_H
#define POSTERN_PROC_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/wire.h"
#include "event/loop.h"

enum {
	LINK_HEADER = 16,
	LINK_BODY_MAX = 65536, /* octets of body in one frame */
	LINK_FDS_MAX = 4,
	LINK_WINDOW = 256 * 1024, /* pending octets at which to hold back */
	LINK_LAZY_MS = 20
};

struct link;

struct link_msg {
	uint16_t type;
	uint64_t cookie;  /* chosen by who asks, echoed by who answers */
	const void *body; /* the decoded struct of the rule's wire table */
	struct str raw;   /* the body as received, for rules without a table,
	                   * and what follows the table's fields (tail) */
	int fds[LINK_FDS_MAX]; /* taken ones are set to -1; the rest closed */
	size_t nfds;
};

/* One row: what may arrive.  Rows may be shared by several links. */
struct link_rule {
	uint16_t type;
	uint16_t fds;             /* exact number of descriptors */
	uint32_t phases;          /* bits of the phases it is legal in; 0: all */
	const struct wire *wire;  /* NULL: raw octets */
	uint32_t tail;            /* most octets behind the table's fields */
	void (*on)(void *arg, struct link *l, struct link_msg *m);
	const char *name;         /* for the log */
};
/* LINK_RULE(SUBMIT_RCPT, &submit_rcpt_wire, on_rcpt) and the variants. */
#define LINK_RULE(type, wire, on) { (type), 0, 0, (wire), 0, (on), #type }
#define LINK_RULE_TAIL(type, wire, tail, on)                                   \
	{ (type), 0, 0, (wire), (tail), (on), #type }
#define LINK_RULE_FD(type, wire, fds, on)                                      \
	{ (type), (fds), 0, (wire), 0, (on), #type }
#define LINK_RULE_RAW(type, most, on) { (type), 0, 0, NULL, (most), (on), #type }

struct link_ops {
	const struct link_rule *rules;
	size_t nrules;
	/* The peer is gone or broke a rule (why, for the log).  Call
	 * link_free here or later; nothing is received any more. */
	void (*on_close)(void *arg, struct link *l, const char *why);
	/* Everything pending was written.  May be NULL. */
	void (*on_drained)(void *arg, struct link *l);
};

/* Takes over fd (made non-blocking). */
struct link *link_new(
    struct loop *loop, int fd, const struct link_ops *ops, void *arg);
/* Closes it; may be called in its callbacks.  What is pending is lost unless
 * link_flush was called. */
void link_free(struct link *l);

/* Sends msg laid out by wire, with tail behind; fatal if it does not fit. */
void link_send(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg);
void link_send_tail(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg, struct str tail);
/* No hurry: wire NULL is an empty body. */
void link_send_lazy(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg);
/* Takes over fd: it is closed once sent. */
void link_send_fd(struct link *l, uint16_t type, uint64_t cookie,
    const struct wire *wire, const void *msg, int fd);
/* Body octets without a table: at most LINK_BODY_MAX. */
void link_send_raw(
    struct link *l, uint16_t type, uint64_t cookie, struct str body);

/* The peer is gone, though on_close may still have to say so. */
bool link_is_over(const struct link *l);
/* Octets accepted by link_send and not yet written. */
size_t link_pending(const struct link *l);
/* Writes what it can now; blocking waits (up to 10 s) until all is out. */
int link_flush(struct link *l, bool blocking);
/* Stop and go on receiving (back-pressure). */
void link_pause(struct link *l);
void link_resume(struct link *l);
/* After a read of less octets than this rests for ms: what comes meanwhile
 * waits with the kernel and is taken at once, also when its sender has died. */
void link_pace(struct link *l, int64_t ms, size_t less);

void link_set_phase(struct link *l, uint32_t phase_bit);
void *link_arg(const struct link *l);
/* For the owner's own use: which peer this is. */
void link_set_tag(struct link *l, uint64_t tag);
uint64_t link_tag(const struct link *l);

/*
 * One question and its answer, blocking: only for keyd's SIGN and for tools.
 * Sends the frame over the blocking socket fd and waits timeout_ms for a
 * frame of the type wanted; its body is added to answer.  0, or -1 and errno.
 */
int link_ask(int fd, uint16_t type, const struct wire *wire, const void *msg,
    uint16_t wanted, struct buf *answer, int timeout_ms);

#endif
