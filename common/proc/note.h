/*
 * note -- an event: something that happened, with named fields, for the log,
 * the trace and the counters.  Goes to eventd over its link; before there is
 * one, to stderr.  Never blocks: over 1 MiB unsent, notes are counted and
 * dropped.  Values are escaped: one note is one line.
 *
 *	note(NOTE_INFO, "accepted");
 *	note_id("id", id);
 *	note_str("from", sender);
 *	note_end();
 */
#ifndef POSTERN_PROC_NOTE_H
#define POSTERN_PROC_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct link;

enum note_level { NOTE_DEBUG, NOTE_INFO, NOTE_WARN, NOTE_ERROR };

enum { MSG_NOTE = 50 /* raw: level digit, then the line's octets */,
	NOTE_MAX = 4096, NOTE_VALUE_MAX = 512 };

/* The program's name in its notes, and where they go (NULL: stderr). */
void note_open(const char *program, uint32_t instance);
void note_link(struct link *eventd);

/* Begins a note; its name is lower-case words with "-".  Not nested. */
void note(enum note_level level, const char *name);
void note_str(const char *key, struct str value);
void note_c(const char *key, const char *value);
void note_u64(const char *key, uint64_t value);
void note_ms(const char *key, int64_t ms);
void note_id(const char *key, uint64_t id);
void note_errno(int error);
void note_end(void);
/* Octets of notes that eventd has not taken yet. */
size_t note_unsent(void);

#endif
