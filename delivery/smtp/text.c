#include "delivery/smtp/text.h"

#include "mail/crlf.h"

enum { PIECE = 65536, LINE_GUESS = 60 /* octets a line */ };

bool
text_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

bool
text_has_8bit(const struct agent_job *job)
{
	static char piece[PIECE];
	uint64_t at = 0;
	ssize_t n;

	while ((n = agent_text_read(job, at, piece, sizeof(piece))) > 0) {
		if (!text_is_ascii(str_n(piece, (size_t)n)))
			return true;
		at += (uint64_t)n;
	}
	return n == -1;
}

uint64_t
text_wire_size(const struct agent_job *job)
{
	const uint64_t size = agent_text_size(job);
	char last = 0;

	if (job->fd == -1)
		return crlf_size(buf_str(&job->text), &last);
	return size + size / LINE_GUESS;
}
