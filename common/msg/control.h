/*
 * control -- what postern(8) asks a daemon through control.sock.
 * ctl connects and sends struct control_hello (fixed size); master checks the
 * peer's uid and passes the connection on (MSG_CONTROL) to the target, or
 * answers itself (target master).  From then on it is a link:
 *	ctl:    CONTROL_ASK (tail: words as wire_str list), CONTROL_DATA...
 *	        (raw stdin octets, when the verb reads any), CONTROL_DATA_END
 *	daemon: CONTROL_ROWS (raw: whole JSON objects, one a line)...,
 *	        CONTROL_END
 * Every reading verb answers with JSON rows; ctl makes tables of them.  While
 * a daemon has nothing to tell yet it sends CONTROL_ROWS without any, twice a
 * second: so ctl knows that it has not stopped.
 */
#ifndef POSTERN_MSG_CONTROL_H
#define POSTERN_MSG_CONTROL_H

#include "base/str.h"
#include "base/wire.h"

#define CONTROL_MAGIC 0x50535443u /* "PSTC" */

/* 16 octets, native order: same machine. */
struct control_hello {
	uint32_t magic;
	uint32_t target; /* enum role */
	uint32_t version; /* 1 */
	uint32_t zero;
};

enum { MSG_CONTROL_ASK = 700, MSG_CONTROL_DATA, MSG_CONTROL_DATA_END,
	MSG_CONTROL_ROWS, MSG_CONTROL_END };

enum { CONTROL_WORDS_MAX = 1024, CONTROL_TEXT_MAX = 4096,
	CONTROL_ALIVE_MS = 500 };

struct msg_control_end {
	uint32_t exit;   /* sysexits, see UX: 0 1 2 64 65 67 70 73 74 75 77 78 */
	struct str text; /* "" or what to tell a person (stderr) */
	struct str fix;  /* "" or how to mend it */
};
extern const struct wire msg_control_end_wire;

/* Reads the words of a CONTROL_ASK tail; number, or -1 if malformed. */
int control_words(struct str tail, struct str words[CONTROL_WORDS_MAX]);

#endif
