#include "delivery/bounce/advice.h"

#include "tests/unit/unit.h"

static const struct {
	const char *status, *begins;
	bool is_remote;
} advices[] = {
	{ "5.1.1", "There is no such address", true },
	{ "5.1.1", "There is no such address", false },
	{ "5.7.0", "This server returns it", false },
	{ "5.1.10", "This domain takes no mail", true },
	{ "5.1.15", "The words above", true },
	{ "5.7.26", "The recipient's server refuses", true },
	{ "4.4.1", "It was tried", true },
	{ "", "The words above", true },
};

START_TEST(advice)
{
	const char *words =
	    advice_for(str_c(advices[_i].status), advices[_i].is_remote);

	ck_assert(str_starts(str_c(words), str_c(advices[_i].begins)));
}
END_TEST

static TCase *
cases(void)
{
	TCase *tc = tcase_create("advice");

	tcase_add_loop_test(tc, advice, 0, (int)N_OF(advices));
	return tc;
}

UNIT_MAIN("bounce advice", cases)
