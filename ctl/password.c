#include "ctl/password.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "base/fatal.h"

/* 128 words that are short, plain and not alike. */
static const char words[128][8] = { "acorn", "alpine", "amber", "anchor",
	"apple", "arrow", "autumn", "badge", "bamboo", "basil", "beacon",
	"berry", "birch", "bison", "bridge", "bronze", "cabin", "cactus",
	"camera", "candle", "canyon", "carbon", "castle", "cedar", "cherry",
	"cliff", "clover", "cobalt", "comet", "copper", "coral", "cotton",
	"crane", "daisy", "delta", "desert", "dolphin", "dragon", "eagle",
	"ember", "falcon", "feather", "fern", "fiddle", "flint", "forest",
	"fossil", "galaxy", "garden", "ginger", "glacier", "granite", "guitar",
	"harbor", "hazel", "heron", "honey", "indigo", "island", "ivory",
	"jacket", "jasmine", "jungle", "kettle", "lagoon", "lantern", "laurel",
	"lemon", "lilac", "lotus", "magnet", "maple", "marble", "meadow",
	"melon", "meteor", "mint", "mirror", "moss", "nectar", "nickel",
	"nutmeg", "oasis", "ocean", "olive", "opal", "orbit", "orchid",
	"otter", "oyster", "panther", "paper", "pebble", "pepper", "piano",
	"pine", "planet", "plum", "pollen", "poppy", "prairie", "quartz",
	"rabbit", "raven", "ribbon", "river", "robin", "rocket", "saddle",
	"saffron", "salmon", "sandal", "silver", "slate", "spruce", "storm",
	"sugar", "sunset", "tango", "temple", "thunder", "timber", "tulip",
	"velvet", "violet", "walnut", "willow", "winter" };

void
phrase_make(char out[PHRASE_MAX])
{
	unsigned char r[6];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		fatal_errno("getrandom");
	snprintf(out, PHRASE_MAX, "%s-%s-%u%u-%s-%s", words[r[0] % 128],
	    words[r[1] % 128], r[2] % 10u, r[3] % 10u, words[r[4] % 128],
	    words[r[5] % 128]);
}

static int
read_line(struct buf *out)
{
	char octets[256];
	ssize_t n;
	size_t end;

	for (;;) {
		n = read(STDIN_FILENO, octets, sizeof(octets));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(CTL_NO_INPUT, NULL, "stdin: %s",
			    strerror(errno));
		if (n == 0 || !buf_add(out, str_n(octets, (size_t)n)))
			break;
		if (memchr(octets, '\n', (size_t)n) != NULL)
			break;
	}
	explicit_bzero(octets, sizeof(octets));
	if (out->overflow)
		return fail(CTL_DATA, NULL, "a password has at most %d octets",
		    PASSWORD_MAX);
	end = str_find(buf_str(out), '\n');
	if (end > 0 && buf_str(out).p != NULL && end < buf_len(out) &&
	    buf_str(out).p[end - 1] == '\r')
		end--;
	if (end < buf_len(out))
		buf_cut(out, end);
	return 0;
}

/* One line from the terminal, unseen. */
static int
ask_hidden(const char *prompt, struct buf *out)
{
	struct termios shown, hidden;
	int code;

	fputs(prompt, stderr);
	if (tcgetattr(STDIN_FILENO, &shown) == -1)
		return fail(CTL_IO, NULL, "terminal: %s", strerror(errno));
	hidden = shown;
	hidden.c_lflag &= (tcflag_t)~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	code = read_line(out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	return code;
}

static int
ask_twice(const struct cmd *cmd, struct buf *out)
{
	struct buf again;
	char phrase[PHRASE_MAX];
	bool makes = strcmp(cmd->verb, "add") == 0;
	int code = ask_hidden(makes ? "Password (Enter = make one up): " :
	    "Password: ", out);

	if (code != 0 || strcmp(cmd->verb, "check") == 0)
		return code;
	if (buf_len(out) == 0 && makes) {
		phrase_make(phrase);
		fprintf(stderr, "password: %s\n", phrase);
		buf_add_c(out, phrase);
		explicit_bzero(phrase, sizeof(phrase));
		return 0;
	}
	buf_init(&again, PASSWORD_MAX);
	code = ask_hidden("Once more: ", &again);
	if (code == 0 && !str_eq(buf_str(out), buf_str(&again)))
		code = fail(CTL_DATA, NULL, "the two are not the same");
	buf_clear_secret(&again);
	return code;
}

int
password_read(const struct ctl *c, const struct cmd *cmd, bool from_stdin,
    struct buf *out)
{
	int code;

	(void)c;
	if (from_stdin)
		code = read_line(out);
	else if (isatty(STDIN_FILENO))
		code = ask_twice(cmd, out);
	else
		return fail(CTL_USAGE, "--password-stdin",
		    "how should the password come?");
	if (code == 0 && buf_len(out) == 0)
		return fail(CTL_DATA, NULL, "an empty password");
	return code;
}
