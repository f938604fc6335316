/*
 * line -- a note as it came over a link, and its two forms for people and
 * programs: `time level program[pid] event key=value...` and JSON.
 */
#ifndef POSTERN_HELPERS_EVENTD_LINE_H
#define POSTERN_HELPERS_EVENTD_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "proc/note.h"

struct line {
	int64_t ms;            /* wall clock of the sender */
	enum note_level level;
	struct str text;       /* "smtpd[12] accepted id=..." */
};

/* The frame of a MSG_NOTE; false when it is none. */
bool line_take(struct str frame, uint64_t cookie, struct line *l);
/* Without the line's end. */
void line_text(struct buf *out, const struct line *l);
void line_json(struct buf *out, const struct line *l);
/* "smtpd.accepted", for counting; false when the line has no such form. */
bool line_name(const struct line *l, char out[96]);
/* 0..3 for "debug", "info", "warn", "error". */
const char *line_level(enum note_level level);

#endif
