#include "msg/control.h"

static const struct wire_field control_end_fields[] = {
	W_U32(msg_control_end, exit),
	W_STR(msg_control_end, text, CONTROL_TEXT_MAX),
	W_STR(msg_control_end, fix, CONTROL_TEXT_MAX),
};
const struct wire msg_control_end_wire =
    WIRE(msg_control_end, control_end_fields);

int
control_words(struct str tail, struct str words[CONTROL_WORDS_MAX])
{
	int n = 0;

	while (tail.n != 0) {
		if (n == CONTROL_WORDS_MAX ||
		    !wire_take_str(&tail, &words[n], CONTROL_TEXT_MAX))
			return -1;
		n++;
	}
	return n;
}
