#include "helpers/authd/sasl.h"

#include <gsasl.h>

#include <stdlib.h>

#include "base/fatal.h"
#include "msg/auth.h"

enum { STEPS_MAX = 8 };

/* A row for each mechanism: SCRAM and others are rows to come. */
static const struct mech {
	struct str name;
	bool server_first; /* it begins with a challenge; an initial response
	                    * answers that one */
} mechs[] = {
	{ STR_INIT("PLAIN"), false },
	{ STR_INIT("LOGIN"), true },
};

struct sasl {
	Gsasl *lib;
};

struct sasl_session {
	Gsasl_session *gs;
	const struct mech *mech;
	unsigned steps;
	bool complete;
	struct buf name, password, as;
};

static void
store(struct buf *to, Gsasl_session *gs, Gsasl_property what)
{
	const char *value = gsasl_property_fast(gs, what);

	buf_reset(to);
	buf_add_c(to, value != NULL ? value : "");
}

static int
on_callback(Gsasl *lib, Gsasl_session *gs, Gsasl_property what)
{
	struct sasl_session *x = gsasl_session_hook_get(gs);

	(void)lib;
	if (what != GSASL_VALIDATE_SIMPLE || x == NULL)
		return GSASL_NO_CALLBACK;
	store(&x->name, gs, GSASL_AUTHID);
	store(&x->password, gs, GSASL_PASSWORD);
	store(&x->as, gs, GSASL_AUTHZID);
	x->complete = true;
	return GSASL_OK;
}

struct sasl *
sasl_new(void)
{
	struct sasl *s = xcalloc(1, sizeof(*s));

	if (gsasl_init(&s->lib) != GSASL_OK)
		fatal("GNU SASL does not start");
	gsasl_callback_set(s->lib, on_callback);
	return s;
}

void
sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	gsasl_done(s->lib);
	free(s);
}

static const struct mech *
find(struct str name)
{
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++)
		if (str_ieq(mechs[i].name, name))
			return &mechs[i];
	return NULL;
}

struct str
sasl_mech(struct str name)
{
	const struct mech *m = find(name);

	return m != NULL ? m->name : STR_NONE;
}

struct sasl_session *
sasl_begin(struct sasl *s, struct str name)
{
	struct sasl_session *x = xcalloc(1, sizeof(*x));

	x->mech = find(name);
	buf_init(&x->name, AUTH_DATA_MAX);
	buf_init(&x->password, AUTH_DATA_MAX);
	buf_init(&x->as, AUTH_DATA_MAX);
	if (x->mech == NULL ||
	    gsasl_server_start(s->lib, x->mech->name.p, &x->gs) != GSASL_OK)
		fatal("GNU SASL lacks %.*s", STR_ARG(name));
	gsasl_session_hook_set(x->gs, x);
	return x;
}

void
sasl_end(struct sasl_session *x)
{
	if (x == NULL)
		return;
	gsasl_finish(x->gs);
	buf_clear_secret(&x->name);
	buf_clear_secret(&x->password);
	buf_clear(&x->as);
	free(x);
}

static int
step(struct sasl_session *x, bool has_in, struct str in, struct buf *out)
{
	char *said = NULL;
	size_t n = 0;
	int r = gsasl_step(
	    x->gs, has_in ? in.p != NULL ? in.p : "" : NULL, in.n, &said, &n);

	if ((r == GSASL_OK || r == GSASL_NEEDS_MORE) && said != NULL)
		buf_add(out, str_n(said, n));
	gsasl_free(said);
	return r;
}

enum sasl_result
sasl_step(struct sasl_session *x, bool has_in, struct str in,
    struct buf *out)
{
	int r = GSASL_NEEDS_MORE;

	if (x->steps == 0 && x->mech->server_first && has_in) {
		/* The challenge that this response answers is not sent. */
		if (step(x, false, STR_NONE, out) != GSASL_NEEDS_MORE)
			return SASL_MALFORMED;
		buf_reset(out);
	}
	if (x->steps++ == STEPS_MAX)
		return SASL_MALFORMED;
	if (has_in && in.n == 0 && !x->mech->server_first)
		return SASL_MALFORMED;
	/* A client-first mechanism without its response: ask with nothing. */
	if (has_in || x->mech->server_first)
		r = step(x, has_in, in, out);
	if (r == GSASL_NEEDS_MORE)
		return SASL_MORE;
	return r == GSASL_OK && x->complete ? SASL_COMPLETE : SASL_MALFORMED;
}

struct str
sasl_name(const struct sasl_session *x)
{
	return buf_str(&x->name);
}

struct str
sasl_password(const struct sasl_session *x)
{
	return buf_str(&x->password);
}

struct str
sasl_as(const struct sasl_session *x)
{
	return buf_str(&x->as);
}
