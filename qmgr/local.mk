# The queue as data: what tests and the offline reader use too.
noinst_LIBRARIES += qmgr/libqmgr.a
qmgr_libqmgr_a_SOURCES = \
	qmgr/audit.c qmgr/audit.h qmgr/audit_log.c \
	qmgr/bundle.c \
	qmgr/change.c qmgr/change.h \
	qmgr/disk.c qmgr/disk.h \
	qmgr/end.c qmgr/end.h \
	qmgr/entry.c qmgr/entry.h \
	qmgr/filter.c qmgr/filter.h \
	qmgr/heap.c qmgr/heap.h \
	qmgr/lane.c qmgr/lane.h \
	qmgr/ledger.c qmgr/ledger.h \
	qmgr/load.c qmgr/load.h \
	qmgr/logscan.c qmgr/logscan.h \
	qmgr/message.c qmgr/message.h \
	qmgr/qclock.c qmgr/qclock.h \
	qmgr/qlog.c qmgr/qlog.h \
	qmgr/queue.c qmgr/queue.h \
	qmgr/reason.c qmgr/reason.h \
	qmgr/record.c qmgr/record.h \
	qmgr/replay.c qmgr/replay.h \
	qmgr/room.c qmgr/room.h \
	qmgr/rows.c qmgr/rows.h \
	qmgr/retry.c \
	qmgr/rules.c qmgr/rules.h \
	qmgr/sched.c qmgr/sched.h \
	qmgr/segment.c qmgr/segment.h \
	qmgr/site.c qmgr/site.h \
	qmgr/spare.c qmgr/spare.h \
	qmgr/spool.c qmgr/spool.h \
	qmgr/state.h qmgr/state_read.c qmgr/state_write.c \
	qmgr/syncer.c qmgr/syncer.h \
	qmgr/table.c qmgr/table.h \
	qmgr/tokens.c qmgr/tokens.h \
	qmgr/via.c qmgr/via.h

qmgr_links = common/mail/libmail.a common/msg/libmsg.a common/proc/libproc.a \
	common/event/libevent.a common/conf/libconf.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) -lpthread

qmgr_parts = \
	qmgr/agents.c qmgr/compact.c qmgr/control.c qmgr/control_change.c \
	qmgr/control_check.c qmgr/control_site.c qmgr/control_text.c \
	qmgr/control_trail.c \
	qmgr/dropped.c qmgr/dsn.c qmgr/intake.c qmgr/job.c qmgr/options.c \
	qmgr/orders.c qmgr/outcome.c qmgr/peer.c \
	qmgr/peer.h qmgr/qmgr.c qmgr/qmgr.h qmgr/ready.c qmgr/routes.c \
	qmgr/space.c qmgr/text.c qmgr/walk.c qmgr/walk.h
pkglibexec_PROGRAMS += qmgr/qmgr
qmgr_qmgr_SOURCES = qmgr/main.c $(qmgr_parts)
qmgr_qmgr_LDADD = qmgr/libqmgr.a $(qmgr_links)

pkglibexec_PROGRAMS += qmgr/qmgr-read
qmgr_qmgr_read_SOURCES = qmgr/read.c qmgr/read.h qmgr/read_check.c
qmgr_qmgr_read_LDADD = qmgr/libqmgr.a $(qmgr_links)

check_PROGRAMS += tests/unit/qmgr/test_agents
tests_unit_qmgr_test_agents_SOURCES = tests/unit/qmgr/test_agents.c \
	tests/unit/qmgr/whole.c tests/unit/qmgr/whole.h $(qmgr_parts)
tests_unit_qmgr_test_agents_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
check_PROGRAMS += tests/unit/qmgr/test_lists tests/unit/qmgr/test_twins
tests_unit_qmgr_test_lists_SOURCES = tests/unit/qmgr/test_lists.c \
	tests/unit/qmgr/whole.c tests/unit/qmgr/whole.h $(qmgr_parts)
tests_unit_qmgr_test_lists_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_twins_SOURCES = tests/unit/qmgr/test_twins.c \
	tests/unit/qmgr/whole.c tests/unit/qmgr/whole.h $(qmgr_parts)
tests_unit_qmgr_test_twins_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
check_PROGRAMS += tests/unit/qmgr/test_reports
tests_unit_qmgr_test_reports_SOURCES = tests/unit/qmgr/test_reports.c \
	tests/unit/qmgr/whole.c tests/unit/qmgr/whole.h $(qmgr_parts)
tests_unit_qmgr_test_reports_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
check_PROGRAMS += tests/unit/qmgr/test_audit \
	tests/unit/qmgr/test_fair tests/unit/qmgr/test_log \
	tests/unit/qmgr/test_logbad \
	tests/unit/qmgr/test_logdamage tests/unit/qmgr/test_logread \
	tests/unit/qmgr/test_ready tests/unit/qmgr/test_replay \
	tests/unit/qmgr/test_room \
	tests/unit/qmgr/test_routes \
	tests/unit/qmgr/test_rules tests/unit/qmgr/test_sched \
	tests/unit/qmgr/test_slow tests/unit/qmgr/test_spare \
	tests/unit/qmgr/test_tokens
tests_unit_qmgr_test_audit_SOURCES = tests/unit/qmgr/test_audit.c \
	tests/unit/qmgr/drop_rig.c tests/unit/qmgr/drop_rig.h \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_audit_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_room_SOURCES = tests/unit/qmgr/test_room.c
tests_unit_qmgr_test_room_LDADD = qmgr/libqmgr.a $(CHECK_LIBS)
tests_unit_qmgr_test_tokens_SOURCES = tests/unit/qmgr/test_tokens.c \
	tests/unit/qmgr/drop_rig.c tests/unit/qmgr/drop_rig.h \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_tokens_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_spare_SOURCES = tests/unit/qmgr/test_spare.c \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_spare_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_log_SOURCES = tests/unit/qmgr/test_log.c \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_log_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_logdamage_SOURCES = tests/unit/qmgr/test_logdamage.c \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_logdamage_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_logbad_SOURCES = tests/unit/qmgr/test_logbad.c \
	tests/unit/qmgr/drop_rig.c tests/unit/qmgr/drop_rig.h \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_logbad_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_logread_SOURCES = tests/unit/qmgr/test_logread.c \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_logread_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
tests_unit_qmgr_test_replay_SOURCES = tests/unit/qmgr/test_replay.c \
	tests/unit/qmgr/drop_rig.c tests/unit/qmgr/drop_rig.h \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_unit_qmgr_test_replay_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_ready_SOURCES = tests/unit/qmgr/test_ready.c \
	qmgr/outcome.c qmgr/ready.c
tests_unit_qmgr_test_ready_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_routes_SOURCES = tests/unit/qmgr/test_routes.c \
	qmgr/routes.c
tests_unit_qmgr_test_routes_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_rules_SOURCES = tests/unit/qmgr/test_rules.c
tests_unit_qmgr_test_rules_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_fair_SOURCES = tests/unit/qmgr/test_fair.c \
	tests/unit/qmgr/sched_rig.c tests/unit/qmgr/sched_rig.h
tests_unit_qmgr_test_fair_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_slow_SOURCES = tests/unit/qmgr/test_slow.c \
	tests/unit/qmgr/sched_rig.c tests/unit/qmgr/sched_rig.h
tests_unit_qmgr_test_slow_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
tests_unit_qmgr_test_sched_SOURCES = tests/unit/qmgr/test_sched.c \
	tests/unit/qmgr/sched_rig.c tests/unit/qmgr/sched_rig.h
tests_unit_qmgr_test_sched_LDADD = qmgr/libqmgr.a $(qmgr_links) \
	$(CHECK_LIBS)
dist_man_MANS += qmgr/qmgr.8 qmgr/qmgr-read.8
EXTRA_DIST += qmgr/FORMAT.md
EXTRA_DIST += tests/fuzz/fuzz_qlog.c tests/fuzz/seeds/qlog/accept \
	tests/fuzz/seeds/qlog/defer tests/fuzz/seeds/qlog/list \
	tests/fuzz/seeds/qlog/report tests/fuzz/seeds/qlog/reroute \
	tests/fuzz/seeds/qlog/rest

check_PROGRAMS += tests/crash/qmgr_kill
tests_crash_qmgr_kill_SOURCES = tests/crash/qmgr_kill.c \
	tests/unit/qmgr/rig.c tests/unit/qmgr/rig.h
tests_crash_qmgr_kill_LDADD = qmgr/libqmgr.a $(qmgr_links) $(CHECK_LIBS)
