/* links: helpers/dnsd common/base */
/* Answers of a hostile resolver: every record of every kind is read. */
#include <stdlib.h>

#include "helpers/dnsd/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	struct packet_rr rr;
	char host[NAME_MAX_TEXT + 1];
	uint16_t preference;
	struct buf text;

	if (!packet_open(&p, str_n(data, size)))
		return 0;
	buf_init(&text, 65536);
	while (packet_next(&p, &rr)) {
		const bool name = packet_mx(&p, &rr, &preference, host) ||
		    packet_ptr(&p, &rr, host);

		if (name && strlen(host) > NAME_MAX_TEXT)
			abort();
		packet_txt(&rr, &text);
	}
	buf_clear(&text);
	return 0;
}
