#include "qmgr/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/num.h"

struct segment *
segment_new(uint64_t number, uint64_t size)
{
	struct segment *s = xcalloc(1, sizeof(*s));

	s->number = number;
	s->size = size;
	s->answered = SEGMENT_ALL;
	s->fd = -1;
	return s;
}

void
segment_free(struct segment *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s);
}

void
segment_name(uint64_t number, char name[SEGMENT_NAME])
{
	snprintf(
	    name, SEGMENT_NAME, "%08llu.seg", (unsigned long long)number);
}

void
segment_bad_name(uint64_t number, uint64_t answered, char name[SEGMENT_NAME])
{
	if (answered == SEGMENT_ALL)
		snprintf(name, SEGMENT_NAME, "%08llu.bad",
		    (unsigned long long)number);
	else
		snprintf(name, SEGMENT_NAME, "%08llu-%llu.bad",
		    (unsigned long long)number, (unsigned long long)answered);
}

bool
segment_parse_name(
    const char *name, uint64_t *number, bool *bad, uint64_t *answered)
{
	struct str s = str_c(name);

	bool tells;

	*answered = SEGMENT_ALL;
	if (!num_take_u64(&s, number))
		return false;
	tells = str_take_char(&s, '-');
	if (tells && !num_take_u64(&s, answered))
		return false;
	*bad = str_eq(s, STR(".bad"));
	return *bad || (!tells && str_eq(s, STR(".seg")));
}

void
segment_hold(struct segment *s, uint32_t octets)
{
	s->living++;
	s->living_octets += octets;
}

void
segment_drop(struct segment *s, uint32_t octets, uint64_t lsn)
{
	if (s->living == 0 || s->living_octets < octets)
		fatal("segment %llu: dropped more than it held",
		    (unsigned long long)s->number);
	s->living--;
	s->living_octets -= octets;
	s->left_lsn = lsn;
}
