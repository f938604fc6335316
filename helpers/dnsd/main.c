#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "conf/conf.h"
#include "helpers/dnsd/dnsd.h"
#include "proc/note.h"
#include "proc/proc.h"

/* The keys that sign the root: IANA's trust anchors of 2017 and 2024, used
 * when the system has no newer ones. */
static const char built_in_anchors[] =
    ". IN DS 20326 8 2 "
    "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 "
    "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";
static const char anchor_file[] = "/usr/share/dns/root.ds";
static const char resolv_conf_file[] = "/etc/resolv.conf";

enum { FILE_MOST = 65536 };

struct program {
	struct proc proc;
	struct dnsd dnsd;
	char servers[RESOLVER_SERVERS_MAX][64];
	char zones[RESOLVER_ZONES_MAX][256];
	struct buf anchors;
};

/* false when there is no such file or nothing in it. */
static bool
read_file(const char *path, struct buf *out)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd == -1)
		return false;
	buf_init(out, FILE_MOST + 1);
	got = read(fd, buf_reserve(out, FILE_MOST), FILE_MOST);
	close(fd);
	if (got > 0)
		buf_commit(out, (size_t)got);
	else
		buf_clear(out);
	return got > 0;
}

static void
read_servers(struct program *p, const struct conf_section *dns,
    struct resolver_conf *conf)
{
	const size_t n = conf_list(dns, "servers");
	struct buf text;

	for (size_t i = 0; i < n && conf->nservers < RESOLVER_SERVERS_MAX; i++)
		if (dnsd_server(conf_item(dns, "servers", i),
		    p->servers[conf->nservers]))
			conf->nservers++;
	if (conf->nservers == 0 && read_file(resolv_conf_file, &text)) {
		conf->nservers = dnsd_resolv_conf(
		    buf_str(&text), p->servers, RESOLVER_SERVERS_MAX);
		buf_clear(&text);
	}
	for (size_t i = 0; i < conf->nservers; i++)
		conf->servers[i] = p->servers[i];
}

static void
read_zones(struct program *p, const struct conf_section *dns,
    struct resolver_conf *conf)
{
	const size_t n = conf_list(dns, "local_zones_off");

	for (size_t i = 0; i < n && i < RESOLVER_ZONES_MAX; i++)
		if (str_copy(p->zones[conf->nzones_off],
		    sizeof(p->zones[0]), conf_item(dns, "local_zones_off", i)))
			conf->zones_off[conf->nzones_off] =
			    p->zones[conf->nzones_off], conf->nzones_off++;
}

static void
init(struct program *p)
{
	const struct conf_section *dns = conf_one(conf_root(p->proc.conf), "dns");
	struct resolver_conf conf = { .anchors = built_in_anchors };

	conf.dnssec = (enum resolver_dnssec)conf_choice(dns, "dnssec");
	conf.cache = conf_size(dns, "cache");
	read_servers(p, dns, &conf);
	read_zones(p, dns, &conf);
	if (read_file(anchor_file, &p->anchors))
		conf.anchors = buf_cstr(&p->anchors);
	dnsd_init(&p->dnsd, p->proc.loop, resolver_new(p->proc.loop, &conf),
	    conf_ms(dns, "timeout"), (size_t)conf_u64(dns, "outstanding"));
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct program *p = arg;

	(void)peer;
	(void)instance;
	(void)key;
	dnsd_peer(&p->dnsd, fd);
}

static const struct proc_desc dnsd_proc = {
	.role = ROLE_DNSD,
	.on_peer = on_peer,
};

int
main(int argc, char *argv[])
{
	static struct program p;

	proc_start(&p.proc, &dnsd_proc, &p, argc, argv);
	init(&p);
	proc_confine(&p.proc);
	return proc_run(&p.proc);
}
