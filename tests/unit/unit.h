/*
 * unit -- the main program of a libcheck test.
 *	static TCase *cutting(void) { ... }
 *	UNIT_MAIN("str", cutting, joining)
 */
#ifndef POSTERN_TESTS_UNIT_H
#define POSTERN_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

typedef TCase *unit_case_fn(void);

static inline int
unit_run(const char *name, unit_case_fn *const *cases, size_t n)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < n; i++)
		suite_add_tcase(suite, cases[i]());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(name, ...)                                                   \
	int main(void)                                                         \
	{                                                                      \
		static unit_case_fn *const unit_cases_[] = { __VA_ARGS__ };          \
		return unit_run(name, unit_cases_,                                   \
		    sizeof(unit_cases_) / sizeof(unit_cases_[0]));                         \
	}

#define N_OF(table) (sizeof(table) / sizeof((table)[0]))

#endif
