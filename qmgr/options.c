#include "conf/conf.h"
#include "qmgr/qmgr.h"

enum {
	SITE_START = 5,    /* connections to a site that is new to us */
	BOUNCE_JOBS = 20,
	SMTP_JOBS = 500    /* of one smtp process */
};

void
qmgr_options(struct qmgr_options *o, const struct conf *c)
{
	const struct conf_section *q = conf_one(conf_root(c), "queue");

	*o = (struct qmgr_options){ .lifetime = conf_ms(q, "lifetime"),
		.dsn_lifetime = conf_ms(q, "dsn_lifetime"),
		.quota_grace = conf_ms(
		    conf_one(conf_root(c), "quota"), "grace"),
		.warn_after = conf_ms(q, "warn_sender_after"),
		.memory = conf_size(q, "memory"),
		.inline_body = conf_size(q, "inline_body"),
		.segment = conf_size(q, "segment"),
		.messages = conf_u64(q, "messages"),
		.message_size =
		    conf_size(conf_one(conf_root(c), "receive"), "message"),
		.room = { conf_size(q, "min_free"),
		    (uint32_t)conf_u64(q, "min_free_disk") },
		.per_message = (uint32_t)conf_u64(q, "per_message"),
		.local_jobs = (uint32_t)conf_u64(q, "local_jobs"),
		.smtp_jobs = SMTP_JOBS,
		.bounce_jobs = BOUNCE_JOBS };
	o->sched = (struct sched_options){ .start = SITE_START,
		.most = (uint32_t)conf_u64(q, "per_site"),
		.local = o->local_jobs,
		.retry_min = conf_ms(q, "retry_min"),
		.retry_max = conf_ms(q, "retry_max") };
}
