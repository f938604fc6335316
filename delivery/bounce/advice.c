#include "delivery/bounce/advice.h"

#include <stddef.h>

/* The first row whose status is a prefix counts. */
static const struct {
	struct str status;
	const char *words;
} advice[] = {
	{ STR_INIT("5.1.10"), "This domain takes no mail at all.  Ask the "
	    "recipient for another address." },
	{ STR_INIT("5.1.1"), "There is no such address.  Check it for a typing "
	    "error, or ask the recipient for the right one." },
	{ STR_INIT("5.1.2"), "The part behind the @ is no domain with mail.  "
	    "Check it for a typing error." },
	{ STR_INIT("5.1.3"), "The address is not written in a way that mail "
	    "can use.  Check it for a typing error." },
	{ STR_INIT("5.1.6"), "The recipient has moved.  Ask for the new "
	    "address." },
	{ STR_INIT("5.2.1"), "The mailbox is closed.  Reach the recipient in "
	    "another way." },
	{ STR_INIT("5.2.2"), "The mailbox is full.  Tell the recipient in "
	    "another way, and send the message again later." },
	{ STR_INIT("5.2.3"), "The message is too large for this mailbox.  Send "
	    "a smaller one, or a link to the file." },
	{ STR_INIT("5.3.4"), "The message is too large.  Send a smaller one, or "
	    "a link to the file." },
	{ STR_INIT("5.4.6"), "The mail would go round in circles.  Tell the "
	    "postmaster of the recipient's domain." },
	{ STR_INIT("5.4.7"), "It was tried until the time was over.  You may "
	    "send the message again, or reach the recipient in another way." },
	{ STR_INIT("5.4."), "The way to the recipient's server is broken.  Tell "
	    "the postmaster of that domain." },
	{ STR_INIT("5.6."), "The recipient's server cannot take this kind of "
	    "text.  Send it as plain text, or in another form." },
	{ STR_INIT("5.7."), "The recipient's server refuses it for reasons of "
	    "its own, which its words above should tell.  If they do not help, "
	    "ask the postmaster of that domain." },
	{ STR_INIT("4."), "It was tried until the time was over.  You may send "
	    "the message again, or reach the recipient in another way." },
};

const char *
advice_for(struct str status, bool is_remote)
{
	if (!is_remote && str_starts(status, STR("5.7.")))
		return "This server returns it for the reason above.  If that "
		       "does not help, ask its postmaster.";
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		const struct str s = advice[i].status;

		if (str_starts(status, s) &&
		    (status.n == s.n || s.p[s.n - 1] == '.' ||
		        !chr_is_digit(status.p[s.n])))
			return advice[i].words;
	}
	return "The words above say why.  If they do not help, ask the "
	       "postmaster of the recipient's domain.";
}
