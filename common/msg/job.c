#include "msg/job.h"

static const struct wire_field job_fields[] = {
	W_U64(msg_job, id),
	W_U64(msg_job, size),
	W_U64(msg_job, accepted_ms),
	W_U64(msg_job, expires_ms),
	W_U32(msg_job, flags),
	W_U32(msg_job, env_flags),
	W_ENUM(msg_job, dsn, DSN_LAST),
	W_U32(msg_job, body_at),
	W_STR(msg_job, sender, ADDRESS_MAX),
	W_STR(msg_job, envid, ENVID_MAX),
	W_STR(msg_job, login, ADDRESS_MAX),
	W_STR(msg_job, next_hop, NEXT_HOP_MAX),
	W_ENUM(msg_job, tls, ROUTE_TLS_VERIFY),
	W_STR(msg_job, spool_uuid, 16),
};
const struct wire msg_job_wire = WIRE(msg_job, job_fields);

static const struct wire_field job_rcpt_fields[] = {
	W_U32(msg_job_rcpt, index),
	W_U32(msg_job_rcpt, notify),
	W_STR(msg_job_rcpt, address, ADDRESS_MAX),
	W_STR(msg_job_rcpt, orcpt, ORCPT_MAX),
	W_STR(msg_job_rcpt, account, ACCOUNT_MAX),
	W_STR(msg_job_rcpt, path, PATH_OPEN_MAX),
	W_STR(msg_job_rcpt, mailbox, MAILBOX_NAME_MAX),
	W_U64(msg_job_rcpt, quota),
	W_U32(msg_job_rcpt, code),
	W_STR(msg_job_rcpt, status, 16),
	W_STR(msg_job_rcpt, text, REPLY_TEXT_MAX),
	W_STR(msg_job_rcpt, remote, REMOTE_MAX),
};
const struct wire msg_job_rcpt_wire = WIRE(msg_job_rcpt, job_rcpt_fields);

static const struct wire_field job_body_fd_fields[] = {
	W_U64(msg_job_body_fd, at),
	W_U64(msg_job_body_fd, size),
};
const struct wire msg_job_body_fd_wire =
    WIRE(msg_job_body_fd, job_body_fd_fields);

static const struct wire_field job_result_fields[] = {
	W_U32(msg_job_result, index),
	W_ENUM(msg_job_result, status, JOB_PERMANENT),
	W_U32(msg_job_result, code),
	W_ENUM(msg_job_result, no_answer, 1),
	W_ENUM(msg_job_result, dsn_passed, 1),
	W_STR(msg_job_result, enhanced, 16),
	W_STR(msg_job_result, text, REPLY_TEXT_MAX),
	W_STR(msg_job_result, remote, REMOTE_MAX),
};
const struct wire msg_job_result_wire = WIRE(msg_job_result, job_result_fields);

static const struct wire_field job_done_fields[] = {
	W_ENUM(msg_job_done, site, SITE_DOWN),
	W_STR(msg_job_done, hosts, HOSTS_MAX),
};
const struct wire msg_job_done_wire = WIRE(msg_job_done, job_done_fields);

static const struct wire_field job_inflight_fields[] = {
	W_U64(msg_job_inflight, id),
	W_STR(msg_job_inflight, address, ADDRESS_MAX),
	W_U32(msg_job_inflight, result.index),
	W_ENUM(msg_job_inflight, result.status, JOB_PERMANENT),
	W_U32(msg_job_inflight, result.code),
	W_ENUM(msg_job_inflight, result.no_answer, 1),
	W_ENUM(msg_job_inflight, result.dsn_passed, 1),
	W_STR(msg_job_inflight, result.enhanced, 16),
	W_STR(msg_job_inflight, result.text, REPLY_TEXT_MAX),
	W_STR(msg_job_inflight, result.remote, REMOTE_MAX),
};
const struct wire msg_job_inflight_wire =
    WIRE(msg_job_inflight, job_inflight_fields);
