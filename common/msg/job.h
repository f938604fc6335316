/*
 * job -- qmgr gives an agent (smtp, deliver, bounce) one message with those
 * of its recipients that go the same way, and learns what became of each.
 *
 * qmgr > agent, one cookie a job:
 *	JOB, JOB_RCPT..., JOB_BODY... (prefix and body as one text) or
 *	JOB_BODY_FD (large: a read-only descriptor and where it begins), JOB_END
 * agent > qmgr:
 *	JOB_RESULT for every JOB_RCPT, in any order; then JOB_DONE
 * qmgr > agent:
 *	JOB_FLUSHED once the results are on disk: the agent forgets the job.
 * On a fresh link the agent first sends JOB_INFLIGHT for each result that was
 * not yet FLUSHED, then JOB_INFLIGHT_END (always), and has given up whatever
 * had not passed its point of no return.  (MECHANISMS 3)  An INFLIGHT behind
 * that ends the link; of deliver's results qmgr believes none and repeats,
 * nor what is said of an index that is another address's.
 */
#ifndef POSTERN_MSG_JOB_H
#define POSTERN_MSG_JOB_H

#include "msg/envelope.h"
#include "msg/route.h"
#include "proc/roles.h"

enum {
	MSG_JOB = 200,
	MSG_JOB_RCPT,
	MSG_JOB_BODY,     /* raw, 1..LINK_BODY_MAX octets */
	MSG_JOB_BODY_FD,  /* struct msg_job_body_fd, 1 fd */
	MSG_JOB_END,      /* empty */
	MSG_JOB_RESULT,
	MSG_JOB_DONE,     /* struct msg_job_done */
	MSG_JOB_FLUSHED,  /* empty */
	MSG_JOB_INFLIGHT, /* struct msg_job_inflight */
	MSG_JOB_INFLIGHT_END  /* empty */
};

enum {
	JOB_MAYBE_REPEATED = 1, /* an earlier attempt may have succeeded */
	JOB_WITHOUT = 2 /* bounce: what cannot be read of the text now will not
	                 * come back: say so instead of waiting for it */
};

/* Why bounce is asked (JOB.dsn); 0 for the other agents. */
enum dsn_action { DSN_NONE, DSN_FAILED, DSN_DELAYED, DSN_DELIVERED,
	DSN_RELAYED, DSN_EXPANDED, DSN_LAST = DSN_EXPANDED };

struct msg_job {
	uint64_t id;          /* queue id */
	uint64_t size;        /* octets of the text that follows */
	uint64_t accepted_ms; /* wall clock of the acceptance */
	uint64_t expires_ms;  /* wall clock, for DSNs */
	uint32_t flags;       /* JOB_ */
	uint32_t env_flags;   /* ENV_ */
	uint32_t dsn;         /* enum dsn_action */
	uint32_t body_at;     /* octets of prefix: where the body begins */
	struct str sender, envid, login;
	/* smtp: the site to deliver to, see route.h */
	struct str next_hop;  /* domain, or "[host]:port", "lmtp:[h]:p",
	                       * "lmtp:/path" */
	uint32_t tls;         /* enum route_tls */
	/* deliver: the spool's identity for guids */
	struct str spool_uuid; /* 16 octets */
};

struct msg_job_rcpt {
	uint32_t index;       /* recipient number within the message */
	uint32_t notify;
	struct str address;
	struct str orcpt;
	/* deliver: whose mailbox */
	struct str account;   /* user@domain */
	struct str path;      /* below the mail root */
	struct str mailbox;   /* "" = INBOX, or the +ext */
	uint64_t quota;       /* octets, 0: none */
	/* bounce: what to report */
	uint32_t code;        /* SMTP code, e.g. 550 */
	struct str status;    /* "5.1.1" */
	struct str text;      /* the remote's words, or ours */
	struct str remote;    /* "mx.example.org [192.0.2.1]"; "": ours.  A
	                       * failure with a code of 4xx: the time was over,
	                       * and this was said last */
};

struct msg_job_body_fd {
	uint64_t at;          /* offset of the body in the file; pread only */
	uint64_t size;        /* octets of it; the prefix came as JOB_BODY */
};

enum job_status { JOB_OK, JOB_TEMPORARY, JOB_PERMANENT };
struct msg_job_result {
	uint32_t index;
	uint32_t status;      /* enum job_status */
	uint32_t code;        /* 250, 451, 550 ... */
	uint32_t no_answer;   /* 1: it may have been taken (set MAYBE_REPEATED) */
	uint32_t dsn_passed;  /* 1: JOB_OK, and the next hop will report success
	                       * if NOTIFY wants it; 0: say DSN_RELAYED here */
	struct str enhanced;  /* "2.0.0" */
	struct str text;      /* the words behind it */
	struct str remote;    /* the server whose reply this is; "": it is
	                       * ours, and names in text whom it is about */
};

/* The job as a whole: what it says about the site. */
enum site_state { SITE_UNTRIED, SITE_FINE, SITE_SLOW_DOWN, SITE_DOWN };
enum { HOSTS_MAX = 600 };
struct msg_job_done {
	uint32_t site;        /* enum site_state */
	struct str hosts;     /* smtp: the next hop's mail exchangers by name,
	                       * "mx1.test,mx2.test"; "" when it was not asked
	                       * for them */
};

struct msg_job_inflight {
	uint64_t id;
	struct str address;   /* of JOB_RCPT; qmgr believes no index alone */
	struct msg_job_result result;
};

extern const struct wire msg_job_wire, msg_job_rcpt_wire, msg_job_body_fd_wire,
    msg_job_result_wire, msg_job_done_wire, msg_job_inflight_wire;

#endif
