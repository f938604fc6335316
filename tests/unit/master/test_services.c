/* The table of programs is the security policy: what must never be in it. */
#include "master/services.h"
#include "tests/unit/unit.h"

START_TEST(every_role_once)
{
	for (enum role r = ROLE_EVENTD; r < ROLE_COUNT; r++) {
		size_t n = 0;

		for (size_t i = 0; i < services_count; i++)
			n += services[i].role == r;
		ck_assert_msg(n == 1, "%s is in %zu rows", role_name(r), n);
	}
}
END_TEST

static bool
faces_network(const struct service *s)
{
	return (s->gives & 1u << GIVE_LISTENER) != 0 ||
	    (s->fences & FENCE_SOCKETS) != 0;
}

/* Who reads foreign octets opens no file and has an empty root. */
START_TEST(network_has_no_files)
{
	for (size_t i = 0; i < services_count; i++) {
		const struct service *s = &services[i];

		if (!faces_network(s))
			continue;
		ck_assert_msg((s->fences & FENCE_FILES) == 0, "%s",
		    role_name(s->role));
		ck_assert_msg((s->flags & SERVICE_ROOTLESS) != 0, "%s",
		    role_name(s->role));
		ck_assert_msg((s->gives & (1u << GIVE_SPOOL | 1u << GIVE_LIB |
		    1u << GIVE_MAIL_ROOT | 1u << GIVE_KEY_FILES)) == 0, "%s",
		    role_name(s->role));
	}
}
END_TEST

/* Secrets, keys, queue and mailboxes: each in one role's hands. */
START_TEST(one_holder)
{
	static const uint32_t single[] = { GIVE_SPOOL, GIVE_LOG, GIVE_DROP,
		GIVE_KEY_FILES };

	for (size_t k = 0; k < N_OF(single); k++) {
		size_t n = 0;

		for (size_t i = 0; i < services_count; i++)
			n += (services[i].gives & 1u << single[k]) != 0;
		ck_assert_uint_eq(n, 1);
	}
}
END_TEST

/* A mailbox worker talks to its front and master, to no other program. */
START_TEST(workers_have_no_peers)
{
	for (size_t i = 0; i < service_pairs_count; i++) {
		const struct service_pair *p = &service_pairs[i];

		ck_assert(p->a != ROLE_IMAP && p->b != ROLE_IMAP);
		ck_assert(p->a != ROLE_POP3 && p->b != ROLE_POP3);
		ck_assert(p->a != p->b);
		ck_assert(p->a != ROLE_MASTER && p->b != ROLE_MASTER);
	}
}
END_TEST

/* Users: no two roles share one, but the two fronts before log-in. */
START_TEST(users_apart)
{
	for (size_t i = 0; i < services_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct service *a = &services[i], *b = &services[k];
			bool fronts = (a->role == ROLE_IMAPD ||
			    a->role == ROLE_POP3D) && (b->role == ROLE_IMAPD ||
			    b->role == ROLE_POP3D);

			if (a->user != NULL && b->user != NULL && !fronts)
				ck_assert_str_ne(a->user, b->user);
		}
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("services");

	tcase_add_test(tc, every_role_once);
	tcase_add_test(tc, network_has_no_files);
	tcase_add_test(tc, one_holder);
	tcase_add_test(tc, workers_have_no_peers);
	tcase_add_test(tc, users_apart);
	return tc;
}

UNIT_MAIN("services", all)
