#include "proc/note.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/id.h"
#include "proc/link.h"

enum { UNSENT_MAX = 1 << 20 };

static struct {
	const char *program;
	uint32_t instance;
	uint64_t pid; /* kept: a system call for each note adds up */
	struct link *eventd;
	enum note_level level;
	char line[NOTE_MAX];
	size_t n;
	uint64_t dropped; /* since the last one that went out */
} self = { .program = "postern" };

void
note_open(const char *program, uint32_t instance)
{
	self.program = program;
	self.instance = instance;
	self.pid = (uint64_t)getpid();
}

void
note_link(struct link *eventd)
{
	self.eventd = eventd;
}

/* Cut, never overrun: a note that is too long loses its end. */
static void
add(const char *p, size_t n)
{
	size_t room = sizeof(self.line) - self.n;

	if (n > room)
		n = room;
	memcpy(self.line + self.n, p, n);
	self.n += n;
}

static void
add_c(const char *s)
{
	add(s, strlen(s));
}

static void
add_u64(uint64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	add_c(digits);
}

static void
key_is(const char *key)
{
	add(" ", 1);
	add_c(key);
	add("=", 1);
}

void
note(enum note_level level, const char *name)
{
	self.level = level;
	self.n = 0;
	add_c(self.program);
	add("[", 1);
	add_u64(self.pid);
	add("] ", 2);
	add_c(name);
}

static bool
is_plain(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f || v.p[i] == '"' ||
		    v.p[i] == '\\' || v.p[i] == '=')
			return false;
	return v.n != 0;
}

/* Anything but printable ASCII comes out as \xNN; quotes around the odd. */
void
note_str(const char *key, struct str value)
{
	char hex[5];

	key_is(key);
	value = str_first(value, NOTE_VALUE_MAX);
	if (is_plain(value)) {
		add(value.p, value.n);
		return;
	}
	add("\"", 1);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '"' || c == '\\') {
			add("\\", 1);
			add(&c, 1);
		} else if (c < ' ' || c >= 0x7f) {
			snprintf(hex, sizeof(hex), "\\x%02x",
			    (unsigned)(unsigned char)c);
			add_c(hex);
		} else {
			add(&c, 1);
		}
	}
	add("\"", 1);
}

void
note_c(const char *key, const char *value)
{
	note_str(key, str_c(value));
}

void
note_u64(const char *key, uint64_t value)
{
	key_is(key);
	add_u64(value);
}

void
note_ms(const char *key, int64_t ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld.%03ds", (long long)(ms / 1000),
	    (int)(ms % 1000));
	note_c(key, text);
}

void
note_id(const char *key, uint64_t id)
{
	char text[ID_TEXT + 1];

	id_text(id, text);
	note_c(key, text);
}

void
note_errno(int error)
{
	note_c("error", strerror(error));
}

static void
send_frame(void)
{
	char frame[1 + NOTE_MAX];

	frame[0] = (char)('0' + (int)self.level);
	memcpy(frame + 1, self.line, self.n);
	link_send_raw(self.eventd, MSG_NOTE, (uint64_t)clock_wall_ms(),
	    str_n(frame, self.n + 1));
}

size_t
note_unsent(void)
{
	return self.eventd != NULL ? link_pending(self.eventd) : 0;
}

void
note_end(void)
{
	if (self.eventd == NULL) {
		if (self.level != NOTE_DEBUG)
			fprintf(stderr, "%.*s\n", (int)self.n, self.line);
		return;
	}
	if (link_pending(self.eventd) > UNSENT_MAX) {
		self.dropped++;
		return;
	}
	if (self.dropped != 0) {
		note_u64("notes_dropped_before", self.dropped);
		self.dropped = 0;
	}
	send_frame();
}
