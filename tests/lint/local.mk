EXTRA_DIST += tests/lint/layers tests/lint/sizes common/README.md
