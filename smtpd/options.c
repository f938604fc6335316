#include "smtpd/smtpd.h"

#include "base/fatal.h"
#include "conf/conf.h"

static const struct str services[SMTP_KINDS] = {
	[SMTP_MX] = STR_INIT("smtp"),
	[SMTP_SUBMISSION] = STR_INIT("submission"),
	[SMTP_SUBMISSIONS] = STR_INIT("submissions"),
	[SMTP_LMTP] = STR_INIT("lmtp"),
	[SMTP_LOCAL] = STR_INIT("local"),
};

bool
smtpd_kind(struct str service, enum smtp_kind *out)
{
	for (unsigned k = 0; k < SMTP_KINDS; k++) {
		if (str_eq(service, services[k])) {
			*out = (enum smtp_kind)k;
			return true;
		}
	}
	return false;
}

static void
load_waits(struct smtpd_waits *w, const struct conf_section *daemon)
{
	w->command = conf_ms(daemon, "command_timeout");
	w->data = conf_ms(daemon, "data_timeout");
	w->tls = conf_ms(daemon, "tls_timeout");
	w->login = conf_ms(daemon, "login_timeout");
	w->greeting = conf_ms(daemon, "greeting_delay");
	w->min_rate = conf_size(daemon, "min_rate");
}

static void
load_relay(struct nets *nets, const struct conf_section *relay)
{
	for (size_t i = 0; i < conf_list(relay, "allow_from"); i++) {
		struct net net;

		if (!net_parse(conf_item(relay, "allow_from", i), &net))
			fatal("relay.allow_from: not a network");
		nets_add(nets, &net);
	}
}

void
smtpd_load_options(struct smtpd *d)
{
	struct conf *c = d->proc.conf;
	const struct conf_section *root = conf_root(c);
	const struct conf_section *receive = conf_one(root, "receive");
	const struct conf_section *submit = conf_one(root, "submit");
	const struct conf_section *daemon = conf_daemon(c, "smtpd");

	for (unsigned k = 0; k < SMTP_KINDS; k++) {
		d->policies[k] = (struct smtp_policy){
			.kind = (enum smtp_kind)k,
			.hostname = conf_str(root, "hostname"),
			.size_max = conf_size(receive, "message"),
			.rcpt_max = (uint32_t)conf_u64(receive, "recipients"),
			.messages_max = (uint32_t)conf_u64(receive, "messages"),
			.hops_max = (uint32_t)conf_u64(receive, "hops"),
			.errors_max = (uint32_t)conf_u64(daemon, "errors"),
			.require_tls = conf_bool(submit, "require_tls"),
			.from_must_match =
			    conf_bool(submit, "from_must_match"),
		};
	}
	load_waits(&d->waits, daemon);
	load_relay(&d->relay, conf_one(root, "relay"));
}
