/*
 * text -- what must be known of a job's text before it is sent.
 */
#ifndef POSTERN_SMTP_TEXT_H
#define POSTERN_SMTP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "msg/agent.h"

bool text_is_ascii(struct str s);
/* Reads all of it; a text that cannot be read has them. */
bool text_has_8bit(const struct agent_job *job);
/* Octets with CRLF line ends, for SIZE=: exact for a text in memory, for a
 * larger one an estimate (RFC 1870 6.2 allows it) that is rather too high. */
uint64_t text_wire_size(const struct agent_job *job);

#endif
