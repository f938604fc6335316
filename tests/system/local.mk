EXTRA_DIST += tests/system/lib.py tests/system/run.py \
	tests/system/test_bad_input.py tests/system/test_crash.py \
	tests/system/test_submission.py tests/system/test_ctl.py
EXTRA_DIST += tests/system/test_confine.py tests/system/test_quota.py \
	tests/system/test_queue.py tests/system/test_queue_words.py \
	tests/system/test_queue_orders.py tests/system/test_reload.py \
	tests/system/test_site.py tests/system/test_dsn.py tests/system/test_clock.py \
	tests/system/test_drop.py tests/system/test_spool.py tests/system/test_spool_lost.py tests/system/test_full.py tests/system/disks.py
EXTRA_DIST += tests/system/clients.py tests/system/test_clients.py \
	tests/system/test_clients_mua.py tests/system/test_clients_sync.py
EXTRA_DIST += tests/system/test_report.py tests/system/test_routes.py
