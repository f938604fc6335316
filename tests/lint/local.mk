EXTRA_DIST += tests/lint/layers tests/lint/sizes tests/lint/docs common/README.md
