#include "ctl/try.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "conf/parse.h"
#include "ctl/ask.h"
#include "ctl/server.h"
#include "ctl/table.h"

const char *const try_accounts[2] = { "alice@try.test", "bob@try.test" };

/* The ports one would guess, if they are free. */
static const struct {
	const char *service;
	unsigned wish;
} services[TRY_PORTS] = {
	[TRY_SMTP] = { "smtp", 2525 },
	[TRY_SUBMISSION] = { "submission", 2587 },
	[TRY_SUBMISSIONS] = { "submissions", 2465 },
	[TRY_LMTP] = { "lmtp", 2424 },
	[TRY_IMAP] = { "imap", 2143 },
	[TRY_IMAPS] = { "imaps", 2993 },
	[TRY_POP3] = { "pop3", 2110 },
	[TRY_POP3S] = { "pop3s", 2995 },
};

/* The wished port if it is free, else 0: the server takes any. */
static unsigned
free_port(unsigned wish)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)wish),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;
	bool ok;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	ok = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0;
	close(fd);
	return ok ? wish : 0;
}

static int
write_file(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok = fd != -1 && write(fd, text.p, text.n) == (ssize_t)text.n;

	if (fd != -1 && (close(fd) == -1 || !ok))
		unlink(path);
	return ok ? 0 : fail(CTL_CREATE, NULL, "%s: %s", path,
	    strerror(errno));
}

static int
write_config(struct ctl *c, const char *path)
{
	struct buf text;
	int code;

	(void)c;
	buf_init(&text, BUF_NO_MAX);
	buf_add_c(&text, "# A test server on this machine only; made by "
	    "postern try.\nversion = 1\nhostname = try.test\n");
	for (size_t i = 0; i < TRY_PORTS; i++)
		buf_addf(&text, "listen %s 127.0.0.1:%u\n",
		    services[i].service, free_port(services[i].wish));
	buf_add_c(&text,
	    "tls { certificate = self-signed }\n"
	    "domain try.test { }\n"
	    "# Mail to other domains waits in the queue: nobody listens "
	    "there.\n"
	    "route \"*\" { via = \"[127.0.0.1]:1\" tls = none }\n"
	    "dns { servers = [127.0.0.1:1] dnssec = no }\n");
	code = write_file(path, buf_str(&text), 0644);
	buf_clear(&text);
	return code;
}

/* DIR/passwords: "address password" lines, for `try send`. */
static int
write_passwords(const char *path)
{
	struct buf text;
	char phrase[PHRASE_MAX];
	int code;

	buf_init(&text, BUF_NO_MAX);
	for (size_t i = 0; i < 2; i++) {
		phrase_make(phrase);
		buf_addf(&text, "%s %s\n", try_accounts[i], phrase);
	}
	code = write_file(path, buf_str(&text), 0600);
	buf_clear_secret(&text);
	return code;
}

/* The folder; sets c->base to it. */
static int
find_base(struct ctl *c, bool make)
{
	if (c->base != NULL)
		return 0;
	if (make && mkdir("try", 0755) == -1 && errno != EEXIST)
		return fail(CTL_CREATE, NULL, "try: %s", strerror(errno));
	c->base = realpath("try", NULL);
	if (c->base == NULL)
		return fail(CTL_DOWN, "postern try",
		    "there is no test server in ./try");
	return 0;
}

static int
make_files(struct ctl *c)
{
	char path[PATH_MAX + 32];
	int code;

	snprintf(path, sizeof(path), "%s/postern.conf", c->base);
	if (access(path, F_OK) == -1 && (code = write_config(c, path)) != 0)
		return code;
	snprintf(path, sizeof(path), "%s/passwords", c->base);
	return access(path, F_OK) == -1 ? write_passwords(path) : 0;
}

static int
read_passwords(struct ctl *c, struct try *t)
{
	char path[PATH_MAX + 32], name[128];
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/passwords", c->base);
	if ((f = fopen(path, "re")) == NULL)
		return fail(CTL_NO_INPUT, "postern try", "%s: %s", path,
		    strerror(errno));
	while (n < 2 && fscanf(f, "%127s %63s", name, t->password[n]) == 2)
		n++;
	fclose(f);
	return n == 2 ? 0 : fail(CTL_DATA, NULL, "%s is damaged", path);
}

static void
on_status_row(void *arg, const json_t *row)
{
	const char *service = json_string_value(
	    json_object_get(row, "service"));
	const char *address = json_string_value(
	    json_object_get(row, "address"));
	struct try *t = arg;

	for (size_t i = 0; service != NULL && address != NULL &&
	    i < TRY_PORTS; i++)
		if (strcmp(services[i].service, service) == 0 &&
		    strrchr(address, ':') != NULL)
			t->port[i] = (unsigned)strtoul(
			    strrchr(address, ':') + 1, NULL, 10);
}

static void
on_status(void *arg, struct str rows)
{
	(void)table_each(rows, on_status_row, arg);
}

int
try_read(struct ctl *c, struct try *t)
{
	struct str words[] = { STR("server"), STR("status") };
	struct ask a = { .target = ROLE_MASTER, .words = words, .nwords = 2,
		.fd = -1, .on_rows = on_status, .arg = t };
	int code;

	memset(t, 0, sizeof(*t));
	if ((code = read_passwords(c, t)) != 0)
		return code;
	return ask(c, &a);
}

/* An account that is there already keeps its password: we made both. */
static int
add_account(struct ctl *c, const char *address, const char *password)
{
	struct str words[] = { STR("account"), STR("add"), str_c(address) };
	struct ask a = { .target = ROLE_AUTHD, .words = words, .nwords = 3,
		.has_data = true, .data = str_c(password), .fd = -1,
		.quiet = true };
	int code = ask(c, &a);

	if (code == CTL_CREATE)
		return 0;
	if (code != 0) {
		a.quiet = false;
		code = ask(c, &a);
	}
	return code;
}

static void
show(const struct ctl *c, const struct try *t, int64_t ms)
{
	printf("Test server in %s (this machine only; mail to other domains "
	    "waits in the queue)\n", c->base);
	if (ms >= 0)
		printf("ready in %lld.%lld s\n", (long long)ms / 1000,
		    (long long)ms % 1000 / 100);
	printf("  SMTP 127.0.0.1:%u   submission :%u (STARTTLS) :%u (TLS)   "
	    "IMAP :%u, :%u (TLS)   POP3 :%u, :%u (TLS)\n", t->port[TRY_SMTP],
	    t->port[TRY_SUBMISSION], t->port[TRY_SUBMISSIONS],
	    t->port[TRY_IMAP], t->port[TRY_IMAPS], t->port[TRY_POP3],
	    t->port[TRY_POP3S]);
	for (size_t i = 0; i < 2; i++)
		printf("  %-15s  password  %s\n", try_accounts[i],
		    t->password[i]);
}

int
cmd_try_start(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	int64_t begin = clock_mono_ms();
	struct try t;
	int code, fd;

	(void)argv;
	if (argc != 0)
		return usage(cmd);
	if ((code = find_base(c, true)) != 0 || (code = make_files(c)) != 0)
		return code;
	if ((fd = ask_connect(c)) != -1)
		close(fd);
	else if ((code = server_start(c)) != 0)
		return code;
	if ((code = try_read(c, &t)) != 0)
		return code;
	for (size_t i = 0; i < 2; i++)
		if ((code = add_account(c, try_accounts[i],
		    t.password[i])) != 0)
			return code;
	show(c, &t, fd == -1 ? clock_mono_ms() - begin : -1);
	printf("  postern try send             a message from alice to bob and "
	    "back\n"
	    "  postern try client-settings  for a mail program\n"
	    "  postern try stop\n");
	return 0;
}

int
cmd_try(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	if (argc != 0)
		return fail(CTL_USAGE, NULL, "postern try [start|send|"
		    "client-settings|stop]");
	return cmd_try_start(c, cmd, argc, argv);
}

int
cmd_try_send(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	struct try t;
	int code;

	(void)argv;
	if (argc != 0)
		return usage(cmd);
	if ((code = find_base(c, false)) != 0 || (code = try_read(c, &t)) != 0)
		return code;
	return try_send(c, &t);
}

int
cmd_try_stop(struct ctl *c, const struct cmd *cmd, size_t argc, char *argv[])
{
	int code;

	(void)argv;
	if (argc != 0)
		return usage(cmd);
	if ((code = find_base(c, false)) != 0 || (code = server_stop(c)) != 0)
		return code;
	say(c, "stopped; its mail stays in %s", c->base);
	return 0;
}

int
cmd_try_settings(struct ctl *c, const struct cmd *cmd, size_t argc,
    char *argv[])
{
	struct try t;
	size_t who = 0;
	int code;

	if (argc > 1)
		return usage(cmd);
	if ((code = find_base(c, false)) != 0 || (code = try_read(c, &t)) != 0)
		return code;
	if (argc == 1 && strncmp(argv[0], "bob", 3) == 0)
		who = 1;
	printf("User name       %s\n"
	    "Password        %s\n"
	    "Incoming IMAP   127.0.0.1, port %u, SSL/TLS, normal password\n"
	    "   or POP3      127.0.0.1, port %u, SSL/TLS, normal password\n"
	    "Outgoing SMTP   127.0.0.1, port %u, SSL/TLS, normal password\n"
	    "The certificate is made by the test server itself: the program "
	    "will ask once.\n",
	    try_accounts[who], t.password[who], t.port[TRY_IMAPS],
	    t.port[TRY_POP3S], t.port[TRY_SUBMISSIONS]);
	return 0;
}
