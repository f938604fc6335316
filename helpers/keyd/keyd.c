#include "helpers/keyd/keyd.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "event/tls.h"
#include "proc/note.h"

enum { CERTIFICATE_SELF_SIGNED, CERTIFICATE_FILES }; /* tls.certificate */

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct keyd *k = arg;
	struct source_file *f = index == 0 ? &k->source.cert : &k->source.key;

	if (what == GIVE_LIB)
		k->source.lib = fd;
	else if (what == GIVE_KEY_FILES)
		source_file_folder(f, name, fd);
	else if (what == GIVE_FILE)
		source_file_opened(f, fd);
	else
		close(fd);
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	(void)peer;
	(void)instance;
	serve_front(arg, key, fd);
}

static void
on_control(void *arg, int fd, uid_t uid, uint32_t rights)
{
	serve_control(arg, fd, uid, rights);
}

const struct proc_desc keyd_proc = {
	.role = ROLE_KEYD,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_control = on_control,
};

static void
use(struct keyd *k, struct pair *p)
{
	pair_free(k->before);
	k->before = k->now;
	k->now = p;
	k->refused[0] = '\0';
	note(NOTE_INFO, "certificate-used");
	note_c("source", k->source.self_signed ? "self-signed" : "files");
	note_u64("key", p->id);
	note_end();
}

bool
keyd_reread(struct keyd *k)
{
	char error[PAIR_ERROR] = "";
	struct pair *p = source_read(&k->source, error);

	if (p == NULL) {
		if (strcmp(error, k->refused) != 0) {
			snprintf(k->refused, sizeof(k->refused), "%s", error);
			note(NOTE_ERROR, "certificate-refused");
			note_c("reason", error);
			note_c("instead", k->now != NULL ? "the old one stays"
			                                 : "there is none");
			note_end();
		}
		return false;
	}
	if (k->now != NULL && pair_same(k->now, p)) {
		pair_free(p);
		k->refused[0] = '\0';
		return false;
	}
	use(k, p);
	return true;
}

/* A pair half written looks broken now and is whole at the next look. */
static void
on_look(void *arg)
{
	struct keyd *k = arg;
	const struct conf_section *s = conf_daemon(k->proc.conf, "keyd");

	if ((source_changed(&k->source) || k->refused[0] != '\0' ||
	        k->now == NULL) && keyd_reread(k))
		serve_changed(k);
	timer_set(&k->look, conf_ms(s, "reread"));
}

void
keyd_init(struct keyd *k)
{
	const struct conf_section *root = conf_root(k->proc.conf);
	const struct conf_section *tls = conf_one(root, "tls");

	TAILQ_INIT(&k->fronts);
	tls_init();
	source_init(&k->source,
	    conf_choice(tls, "certificate") == CERTIFICATE_SELF_SIGNED,
	    conf_str(root, "hostname"));
	source_follow(&k->source, proc_allow_read);
	keyd_reread(k);
	timer_init(&k->look, k->proc.loop, on_look, k);
	timer_set(&k->look, conf_ms(conf_daemon(k->proc.conf, "keyd"),
	    "reread"));
}
